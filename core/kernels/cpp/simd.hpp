// One register of floats, as wide as the instruction set that this file is compiled for has them.
//
// GCC's and Clang's vector extension: the compiler turns it into SSE, AVX2, AVX-512 or NEON, and a * b + c into
// one fused instruction where there is one. Everything has internal linkage (see dispatch.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lexarium {
namespace LEXARIUM_SET {
namespace {

#if defined(__AVX512F__)
constexpr std::size_t kLanes = 16;
#elif defined(__AVX__)
constexpr std::size_t kLanes = 8;
#else
constexpr std::size_t kLanes = 4;
#endif

typedef float Floats __attribute__((vector_size(kLanes * sizeof(float))));
typedef std::int32_t Ints __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

[[maybe_unused]] inline Floats load(const float* from) {  // unaligned
    Floats value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

[[maybe_unused]] inline void store(float* to, Floats value) { std::memcpy(to, &value, sizeof value); }

// x - 0 is x for every x, so a register is filled by one load; x + 0 is not, for -0, and would be added up.
[[maybe_unused]] inline Floats all(float value) { return value - Floats{}; }

[[maybe_unused]] inline float sum(Floats value) {
    float total = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) total += value[lane];
    return total;
}

}  // namespace
}  // namespace LEXARIUM_SET
}  // namespace lexarium
