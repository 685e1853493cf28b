// Reading a corpus: texts in, word numbers out. No Python in here.
//
// While it is read, a word is numbered as it comes (provisional numbers, which differ with the threads); choose()
// and match() say which number each has in the end, and renumber() puts it in place.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "strings.hpp"
#include "text.hpp"

namespace lexarium {

// n distinct words, most frequent first, equal counts in the order of their bytes: word i is
// bytes[offsets[i] .. offsets[i + 1]) and occurs counts[i] times. `table` has the new number of each
// provisional one, or -1.
struct Chosen {
    std::vector<std::uint8_t> bytes;
    std::vector<std::int64_t> offsets;  // (n + 1)
    std::vector<std::int64_t> counts;   // (n)
    std::vector<std::int32_t> table;
};

// What has been read since it was last taken: t tokens of s texts, in order.
struct Taken {
    std::vector<std::int32_t> ids;      // (t), provisional
    std::vector<std::int64_t> lengths;  // (s), in tokens
};

class Encoder {
public:
    Encoder(const Characters& characters, Rule rule, bool lowercase, int threads);
    ~Encoder();
    Encoder(const Encoder&) = delete;

    // All that can take long looks at `stop` and throws Stopped (parallel.hpp). After an exception other than
    // std::invalid_argument an Encoder that was being added to is no longer to be used. A token of more than
    // 2^32 - 1 bytes is a std::length_error.
    void add(const std::vector<std::string_view>& texts, const std::atomic<bool>& stop);
    // One text a line; lines end with \n, and \r before it is no part of the text. Throws
    // std::invalid_argument, before it has read anything of the block, where a byte is not UTF-8.
    void add_lines(std::string_view block, const std::atomic<bool>& stop);
    // The tokens of lengths.size() texts, cut already, one text after another.
    void add_tokens(const std::vector<std::string_view>& tokens, const std::vector<std::int64_t>& lengths,
                    const std::atomic<bool>& stop);
    Taken take();

    std::size_t words() const;  // distinct, so far
    std::int64_t highest(const std::atomic<bool>& stop) const;  // the count of the most frequent one
    // Words that occur at least `min_count` times, at most `max_vocab` of them.
    Chosen choose(std::int64_t min_count, std::size_t max_vocab, const std::atomic<bool>& stop) const;
    // The given words, which are distinct, in their order: only counts and table are filled in.
    Chosen match(const Packed& words, const std::atomic<bool>& stop) const;

private:
    struct Worker;
    void collect(int threads, const std::atomic<bool>& stop);
    const Table& table() const;
    std::vector<std::int64_t> counts(const std::atomic<bool>& stop) const;

    std::vector<std::unique_ptr<Worker>> workers_;
    Table all_;  // the words of all workers, where there are several
    Taken taken_;
};

// Replaces each number by table[number] and drops those that become -1, in place; offsets (s + 1) are kept
// right, and the new t is their last. Throws std::invalid_argument, and changes nothing, where a number is not
// below `known` or the offsets do not rise from 0 to t; where somebody writes to them meanwhile, it throws the same,
// with the work half done, and reads and writes nothing outside. Throws Stopped, with the work half done, on `stop`.
void renumber(std::int32_t* ids, std::size_t t, std::int64_t* offsets, std::size_t s, const std::int32_t* table,
              std::size_t known, const std::atomic<bool>& stop);

}  // namespace lexarium
