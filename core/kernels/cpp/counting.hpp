// Counting terms: texts in, a sparse matrix of counts out. No Python in here.
//
// A token is a run of word characters of at least `min_length`; a term is a token (n = 1) or n tokens
// joined by one space. Texts are UTF-8, already in the case that they are to be counted in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace lexarium {

// Which code points are word characters: bit c of the table. Code points beyond it are not.
struct WordCharacters {
    const std::uint8_t* bits;
    std::size_t count;
    bool contains(std::uint32_t code) const {
        return code < count && (bits[code >> 3] >> (code & 7) & 1);
    }
};

struct Settings {
    WordCharacters word;
    int min_length;  // of a token, in characters
    int shortest;    // n-gram, in tokens
    int longest;
    bool lowercase_ascii;  // the letters A to Z are lower-cased on the way
    int threads;
};

// Rows of counts: row i has columns[offsets[i] .. offsets[i + 1]), ascending, each with its count.
struct Rows {
    std::vector<std::int64_t> offsets;
    std::vector<std::int32_t> columns;
    std::vector<std::int32_t> counts;
};

// n distinct strings: string i is bytes[offsets[i] .. offsets[i + 1]).
struct Strings {
    std::vector<std::uint8_t> bytes;
    std::vector<std::int64_t> offsets;
};

// The same, of somebody else: offsets has count + 1 entries, checked by whoever makes this.
struct Terms {
    const char* bytes;
    const std::int64_t* offsets;
    std::size_t count;
    std::string_view operator[](std::size_t i) const {
        return {bytes + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i])};
    }
};

class Table;

// Learns the terms of a corpus. add() may be called any number of times, then finish() once.
class Learner {
public:
    Learner(Settings settings, std::vector<std::string_view> stop_words);
    ~Learner();
    Learner(const Learner&) = delete;
    void add(const std::vector<std::string_view>& texts);
    // Terms in the order of their bytes, which is the order of their code points.
    void finish(Strings& terms, Rows& rows);

private:
    struct Worker;
    void rank_tokens();
    void number_terms(Strings& terms);

    Settings settings_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<std::pair<int, std::int64_t>> blocks_;  // which worker took how many texts, in order
};

// Counts the terms of a fixed vocabulary; term i is column i. Const after construction.
class Counter {
public:
    Counter(Settings settings, std::vector<std::string_view> stop_words, const Terms& terms);
    ~Counter();
    Counter(const Counter&) = delete;
    Rows count(const std::vector<std::string_view>& texts) const;

private:
    struct Index;
    Settings settings_;
    std::unique_ptr<Index> index_;
};

}  // namespace lexarium
