// Strings packed one after another in two arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace lexarium {

// n strings of somebody else: string i is bytes[offsets[i] .. offsets[i + 1]), offsets having n + 1 entries.
struct Packed {
    const std::uint8_t* bytes;
    const std::int64_t* offsets;
    std::size_t count;

    std::string_view operator[](std::size_t i) const {
        return {reinterpret_cast<const char*>(bytes) + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i])};
    }
};

// Throws unless the offsets begin with 0, rise, and stay within `size`.
inline void check_offsets(const std::int64_t* offsets, std::size_t count, std::size_t size) {
    if (count == 0 || offsets[0] != 0) throw std::invalid_argument("the offsets do not begin with 0");
    for (std::size_t i = 1; i < count; ++i)
        if (offsets[i] < offsets[i - 1]) throw std::invalid_argument("the offsets do not rise");
    if (static_cast<std::uint64_t>(offsets[count - 1]) > size)
        throw std::invalid_argument("the offsets go beyond what they point into");
}

}  // namespace lexarium
