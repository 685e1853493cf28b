// Co-occurrence: how often words stand near each other, row by row, nothing sorted and nothing merged.
//
// The occurrences of a word are gathered once; its row is then summed in a dense array of doubles, in the order
// of the corpus, so that a row is the same to the bit whatever the number of threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace lexarium {

// Texts as word numbers: text s has ids[offsets[s]] .. ids[offsets[s + 1] - 1], each in 0 .. words - 1. Another thread
// of the caller may write to the ids meanwhile: a number that is not in that range is passed over.
struct Tokens {
    const std::int32_t* ids;       // (t,)
    const std::int64_t* offsets;   // (texts + 1,)
    std::int64_t texts;
    std::int32_t words;
    std::int64_t size() const { return offsets[texts]; }
    bool has(std::int32_t id) const { return static_cast<std::uint32_t>(id) < static_cast<std::uint32_t>(words); }
};

inline constexpr int kLargestWindow = 1000;
inline constexpr std::int64_t kMostTokens = std::int64_t{1} << 40;

// Which pairs count, and how much: words up to `size` apart in one text, 1 / distance each or 1 each. Both ways,
// or, not symmetric, with the earlier word as the row and the later one as the column.
struct Window {
    int size;
    bool symmetric;
    bool weighted;
};

// Where a word stands, and how many neighbours it has there.
struct Occurrence {
    std::uint64_t position : 40, left : 12, right : 12;
};

// The occurrences of the words order[first] .. order[last - 1].
class Occurrences {
public:
    // `starts` (words + 1,): how many occurrences the words before a place of the order have. Breaks off, with nothing
    // of use, once `stop` is set.
    void gather(const Tokens& tokens, const Window& window, const std::vector<std::int32_t>& place,
                const std::vector<std::int64_t>& starts, std::int32_t first, std::int32_t last, const std::atomic<bool>& stop);

    const Occurrence* begin(std::int32_t place) const { return found_.get() + (starts_[place - first_] - starts_[0]); }
    const Occurrence* end(std::int32_t place) const { return found_.get() + (ends_[place - first_] - starts_[0]); }

private:
    std::int32_t first_ = 0;
    std::vector<std::int64_t> starts_, ends_;  // (last - first + 1,), (last - first,)
    std::unique_ptr<Occurrence[]> found_;      // not set before: pages are touched once
};

// Sums one row after another; one such object for each thread.
class RowSums {
public:
    RowSums(const Tokens& tokens, const Window& window);

    // Sums a row from the occurrences of its word; columns() then holds the other words, as first met.
    void sum(const Occurrence* begin, const Occurrence* end);

    const std::int32_t* columns() const { return columns_.data(); }
    std::size_t size() const { return size_; }
    double value(std::int32_t column) const { return sums_[column]; }
    void clear();  // before the next row

private:
    Tokens tokens_;
    std::vector<double> sums_;           // (words,)
    std::vector<std::int32_t> columns_;  // (words + 1,); the last takes writes that do not count
    std::vector<double> weights_;        // (window size + 1,): what a distance counts
    std::size_t size_ = 0;
};

// How many occurrences the words before each place have, (words + 1,). Breaks off once `stop` is set.
std::vector<std::int64_t> starts_of(const Tokens& tokens, const std::vector<std::int32_t>& place, const std::atomic<bool>& stop);

struct Csr {
    std::vector<std::int64_t> offsets;   // (words + 1,)
    std::vector<std::int32_t> columns;   // (entries,), rising in each row
    std::vector<float> values;           // (entries,)
};

// The whole matrix. `done` counts rows; returns early, with nothing of use, once `stop` is set.
class Matrix {
public:
    Matrix(const Tokens& tokens, const Window& window, int threads);
    void gather(std::atomic<bool>& stop);                                         // first, by one thread
    void work(int thread, std::atomic<bool>& stop, std::atomic<std::int64_t>& done);  // then, once by each
    Csr finish();

private:
    struct Run {
        std::int32_t first, last;  // rows
        std::vector<std::int32_t> columns;
        std::vector<float> values;
    };
    Tokens tokens_;
    Window window_;
    std::vector<std::int32_t> place_;
    std::vector<std::int64_t> starts_;
    Occurrences occurrences_;
    std::atomic<std::int32_t> next_{0};
    std::vector<std::vector<Run>> runs_;  // of each thread
    std::vector<std::int64_t> offsets_;
};

}  // namespace lexarium
