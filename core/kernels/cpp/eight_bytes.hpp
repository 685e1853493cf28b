// Eight bytes at a time, and the bits that they give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lexarium {

// The 8 bytes at s, the first one lowest.
inline std::uint64_t eight(const std::uint8_t* s) {
    std::uint64_t value;
    std::memcpy(&value, s, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

// Of eight bytes that are 0 or 1 the bits, side by side: no two of the products' bits fall on one place.
inline std::uint64_t gather(std::uint64_t bytes) { return bytes * 0x0102040810204080u >> 56; }

inline std::size_t lowest_bit(std::uint64_t bits) {  // bits != 0
#if defined(__GNUC__)
    return static_cast<std::size_t>(__builtin_ctzll(bits));
#else
    std::size_t i = 0;
    while (!(bits >> i & 1)) ++i;
    return i;
#endif
}

}  // namespace lexarium
