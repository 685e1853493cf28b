// The columns of one row, in ascending order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "eight_bytes.hpp"

namespace lexarium {

// A number for each of n columns, of which few are set at a time: three levels of bits, a bit of the upper two
// saying which 64 of the level below hold any. Setting costs three bits, reading them in order a few steps a
// column, whatever n is; nothing is compared, so no branch depends on the order in which columns come.
class Columns {
public:
    explicit Columns(std::size_t n)
        : values_(n), bits_((n >> 6) + 1), words_((n >> 12) + 1), groups_((n >> 18) + 1) {}

    std::size_t size() const { return values_.size(); }

    void add(std::uint32_t column, std::int32_t value) {
        values_[column] += value;
        bits_[column >> 6] |= std::uint64_t{1} << (column & 63);
        words_[column >> 12] |= std::uint64_t{1} << (column >> 6 & 63);
        groups_[column >> 18] |= std::uint64_t{1} << (column >> 12 & 63);
    }

    // Calls found(column, sum of the values) for each column that was added, ascending, and forgets them.
    template <typename Found>
    void drain(const Found& found) {
        for (std::size_t g = 0; g < groups_.size(); ++g)
            for (; groups_[g] != 0; groups_[g] &= groups_[g] - 1) {
                const std::size_t w = g * 64 + lowest_bit(groups_[g]);
                std::uint64_t words = words_[w];
                words_[w] = 0;
                for (; words != 0; words &= words - 1) {
                    const std::size_t b = w * 64 + lowest_bit(words);
                    std::uint64_t bits = bits_[b];
                    bits_[b] = 0;
                    for (; bits != 0; bits &= bits - 1) {
                        const std::size_t column = b * 64 + lowest_bit(bits);
                        found(static_cast<std::uint32_t>(column), values_[column]);
                        values_[column] = 0;
                    }
                }
            }
    }

private:
    std::vector<std::int32_t> values_;
    std::vector<std::uint64_t> bits_, words_, groups_;
};

}  // namespace lexarium
