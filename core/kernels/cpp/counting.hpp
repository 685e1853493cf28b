// Counting terms: texts in, a sparse matrix of counts out. No Python in here.
//
// A term is what scikit-learn's CountVectorizer calls so: n tokens joined by one space (shortest <= n <= longest),
// or n characters. Texts are UTF-8.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "counting_buffer.hpp"
#include "strings.hpp"
#include "text.hpp"

namespace lexarium {

enum class Analyzer : std::uint8_t {
    word,     // n-grams of tokens
    chars,    // n-grams of characters, white space of two and more being one space
    chars_wb, // n-grams of characters of " " + piece + " ", pieces being what white space separates
    given,    // terms come one by one, from outside
};

struct Settings {
    const Characters* characters;
    Analyzer analyzer;
    Rule rule;  // what a token is
    bool lowercase;
    int shortest;  // n-gram
    int longest;
    int threads;
    std::size_t most;  // bytes of a text, and terms in it: counts have 32 bits
};

inline constexpr std::size_t kMostInText = 0x7FFFFFFE;  // of one term in "a a ... a" there may be one more than bytes

// Texts, or (Analyzer::given) terms: text i is the terms[offsets[i] .. offsets[i + 1]).
struct Texts {
    const std::vector<std::string_view>& views;
    const std::int64_t* offsets = nullptr;
    std::size_t count = 0;
};

// Rows of counts: row i has columns[offsets[i] .. offsets[i + 1]), ascending, each with its count.
template <typename Count>
struct Rows {
    std::vector<std::int64_t> offsets;
    Buffer<std::int32_t> columns;
    Buffer<Count> counts;
};

// What a corpus says about n distinct terms: term i is bytes[offsets[i] .. offsets[i + 1]).
struct Learned {
    Buffer<std::uint8_t> bytes;
    Buffer<std::int64_t> offsets;
    Buffer<std::int64_t> texts;   // (n,) how many texts have the term
    Buffer<std::int64_t> counts;  // (n,) how often it stands in all of them
    Buffer<double> entropy;       // (n,) sum over the texts of count x ln(count)
    Rows<std::int32_t> rows;      // one per text; empty unless they were asked for
};

// Learns the terms of a corpus. add() may be called any number of times, then finish() once.
class Learner {
public:
    // `prune_at`: hold at most so many terms behind each text (0: hold all). Where there are more, those in the
    // fewest texts are dropped, all of one number of texts together, until at most three quarters of `prune_at` are
    // left. What is dropped and met again is counted from 0, so counts are lower bounds. Texts are then counted in
    // their order, by one thread. Not together with rows.
    Learner(Settings settings, const std::vector<std::string_view>& stop_words, bool rows, std::size_t prune_at);
    ~Learner();
    Learner(const Learner&) = delete;
    // `tick` is called ten times a second in the calling thread; what it throws stops the work. After an exception
    // a Learner is no longer to be used.
    void add(const Texts& texts, const std::function<void()>& tick);
    // Terms in the order of their bytes, which is the order of their code points.
    Learned finish(const std::function<void()>& tick);

private:
    struct Worker;
    struct Part;
    void rank_tokens();
    std::vector<Part> number_terms();
    void join(const std::vector<Part>& parts, Learned& learned) const;
    void write_rows(std::size_t terms, Rows<std::int32_t>& rows);

    Settings settings_;
    bool rows_;
    std::atomic<bool> stop_{false};
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<std::pair<int, std::int64_t>> blocks_;  // which worker took how many texts, in order
};

// Counts the terms of a fixed vocabulary; term i is column i. Const after construction.
class Counter {
public:
    // Throws std::invalid_argument where a term stands twice, and Stopped (parallel.hpp) on `stop`, as count() does.
    Counter(Settings settings, const std::vector<std::string_view>& stop_words, const Packed& terms,
            const std::atomic<bool>& stop);
    ~Counter();
    Counter(const Counter&) = delete;
    Rows<float> count(const Texts& texts, const std::atomic<bool>& stop) const;

private:
    struct Index;
    Settings settings_;
    std::unique_ptr<Index> index_;
};

// Counts terms in the columns that their hash values give: feature hashing (Weinberger et al., 2009), with
// MurmurHash3 (Appleby, x86, 32 bits, seed 0) as scikit-learn's HashingVectorizer has it.
class Hasher {
public:
    Hasher(Settings settings, const std::vector<std::string_view>& stop_words, std::uint32_t columns, bool alternate_sign);
    ~Hasher();
    Hasher(const Hasher&) = delete;
    Rows<float> count(const Texts& texts, const std::atomic<bool>& stop) const;

private:
    struct Stops;
    Settings settings_;
    std::unique_ptr<Stops> stops_;
    std::uint32_t columns_;
    bool alternate_sign_;
};

std::int32_t murmur3(const std::uint8_t* bytes, std::size_t n);

}  // namespace lexarium
