// Strings packed one after another in two arrays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

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

// Throws std::invalid_argument unless the offsets begin with 0, rise, and stay within `size`.
inline void check_offsets(const std::int64_t* offsets, std::size_t count, std::size_t size) {
    if (count == 0 || offsets[0] != 0) throw std::invalid_argument("the offsets do not begin with 0");
    for (std::size_t i = 1; i < count; ++i)
        if (offsets[i] < offsets[i - 1]) throw std::invalid_argument("the offsets do not rise");
    if (static_cast<std::uint64_t>(offsets[count - 1]) > size)
        throw std::invalid_argument("the offsets go beyond what they point into");
}

// Strings of somebody who may write to the arrays meanwhile: their offsets are copied, and the copy is checked.
class Checked {
public:
    // `bytes` have to outlive it. Throws what check_offsets throws.
    Checked(const std::uint8_t* bytes, std::size_t size, const std::int64_t* offsets, std::size_t count)
        : bytes_(bytes), offsets_(offsets, offsets + count) {
        check_offsets(offsets_.data(), offsets_.size(), size);
    }
    Packed get() const { return {bytes_, offsets_.data(), offsets_.size() - 1}; }

private:
    const std::uint8_t* bytes_;
    std::vector<std::int64_t> offsets_;
};

}  // namespace lexarium
