// Sums over the lanes of several registers at once, for files that are compiled per instruction set.
#pragma once

#include "simd.hpp"

// An array of registers stays in registers only where every loop over it is unrolled.
#if defined(__clang__)
#define LEXARIUM_UNROLL _Pragma("clang loop unroll(full)")
#else
#define LEXARIUM_UNROLL _Pragma("GCC unroll 16")
#endif

// For what takes an array of registers and is used in several places: outside of its caller they go through memory.
#define LEXARIUM_INLINE __attribute__((always_inline)) inline

#if defined(__AVX512F__)
#define LEXARIUM_LANES(at) \
    at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7), at(8), at(9), at(10), at(11), at(12), at(13), at(14), at(15)
#elif defined(__AVX__)
#define LEXARIUM_LANES(at) at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)
#else
#define LEXARIUM_LANES(at) at(0), at(1), at(2), at(3)
#endif

namespace lexarium {
namespace LEXARIUM_SET {
namespace {

// Sums of the lanes of many registers are lanes of one register: `low` and `high` are shuffles of x and y of one
// instruction each, and their sum has half of the terms left. Lanes lie in groups of four.
constexpr int kGroups = static_cast<int>(kLanes) / 4;
constexpr int zipped(int i) { return i % 2 * 4 * kGroups + i / 4 * 4 + i % 4 / 2; }
constexpr int paired(int i) { return i % 4 / 2 * 4 * kGroups + i / 4 * 4 + i % 2; }
constexpr int grouped(int i) { return kGroups == 1 ? i : i / 4 / (kGroups / 2) * 4 * kGroups + i / 4 % (kGroups / 2) * 8 + i % 4; }
#define LEXARIUM_NEXT_ZIPPED(i) zipped(i) + 2
#define LEXARIUM_NEXT_PAIRED(i) paired(i) + 2
#define LEXARIUM_NEXT_GROUPED(i) grouped(i) + 4

// Lane i of group g becomes the sum of group g of register i.
inline Floats quad(Floats a, Floats b, Floats c, Floats d) {
    const Floats x = __builtin_shufflevector(a, b, LEXARIUM_LANES(zipped)) + __builtin_shufflevector(a, b, LEXARIUM_LANES(LEXARIUM_NEXT_ZIPPED));
    const Floats y = __builtin_shufflevector(c, d, LEXARIUM_LANES(zipped)) + __builtin_shufflevector(c, d, LEXARIUM_LANES(LEXARIUM_NEXT_ZIPPED));
    return __builtin_shufflevector(x, y, LEXARIUM_LANES(paired)) + __builtin_shufflevector(x, y, LEXARIUM_LANES(LEXARIUM_NEXT_PAIRED));
}

// Lane i becomes the sum of all lanes of of[first + i], for 4 * `quads` of them, of which there are `count` in all.
template <int count, int first = 0, int quads = kGroups>
inline Floats lane_sums(const Floats* of) {
    if constexpr (quads == 1) {
        constexpr int last = count - 1;
        return quad(of[first], of[first + 1 < last ? first + 1 : last], of[first + 2 < last ? first + 2 : last], of[first + 3 < last ? first + 3 : last]);
    } else {
        const Floats x = lane_sums<count, first, quads / 2>(of);
        Floats y = x;
        if constexpr (first + 2 * quads < count) y = lane_sums<count, first + 2 * quads, quads / 2>(of);
        return __builtin_shufflevector(x, y, LEXARIUM_LANES(grouped)) + __builtin_shufflevector(x, y, LEXARIUM_LANES(LEXARIUM_NEXT_GROUPED));
    }
}

}  // namespace
}  // namespace LEXARIUM_SET
}  // namespace lexarium
