// Which instruction set to run: the same loops are compiled for each, and the machine that runs them decides.
//
// A file that is compiled several times (CMake: lexarium_vectorized) includes simd.hpp and no header of the
// standard library but <cstddef>, <cstdint> and <cstring>: a template instantiated there for AVX-512 could be
// the one that the linker keeps for everybody. There LEXARIUM_SET is defined, and nothing is chosen.
#pragma once

#if !defined(LEXARIUM_SET)

#include <cstdlib>
#include <cstring>

namespace lexarium {

enum class InstructionSet { baseline, avx2, avx512 };

// The widest that this processor has; LEXARIUM_SIMD=baseline or avx2 takes a narrower one (tests do). Reads the
// environment: to be called while the interpreter is held, for os.environ writes there.
inline InstructionSet instruction_set() {
#if defined(LEXARIUM_X86)
    const char* wanted = std::getenv("LEXARIUM_SIMD");
    const bool narrow = wanted != nullptr && std::strcmp(wanted, "baseline") == 0;
    const bool medium = wanted != nullptr && std::strcmp(wanted, "avx2") == 0;
    __builtin_cpu_init();
    if (!narrow && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
        return wide && !medium ? InstructionSet::avx512 : InstructionSet::avx2;
    }
#endif
    return InstructionSet::baseline;
}

// Of the same object compiled for each set, the one to use.
template <typename Loops>
const Loops& choose(const Loops& baseline, [[maybe_unused]] const Loops& avx2, [[maybe_unused]] const Loops& avx512) {
    switch (instruction_set()) {
        case InstructionSet::avx512: return avx512;
        case InstructionSet::avx2: return avx2;
        default: return baseline;
    }
}

}  // namespace lexarium

#endif

// Declares `const TYPE NAME` in the namespace of each instruction set, and `CHOSEN()`, which picks one.
#if defined(LEXARIUM_SET)
#define LEXARIUM_DECLARE_LOOPS(TYPE, NAME, CHOSEN) \
    namespace LEXARIUM_SET { extern const TYPE NAME; }
#elif defined(LEXARIUM_X86)
#define LEXARIUM_DECLARE_LOOPS(TYPE, NAME, CHOSEN)                                          \
    namespace baseline { extern const TYPE NAME; }                                          \
    namespace avx2 { extern const TYPE NAME; }                                              \
    namespace avx512 { extern const TYPE NAME; }                                            \
    inline const TYPE& CHOSEN() { return choose(baseline::NAME, avx2::NAME, avx512::NAME); }
#else
#define LEXARIUM_DECLARE_LOOPS(TYPE, NAME, CHOSEN)    \
    namespace baseline { extern const TYPE NAME; }    \
    inline const TYPE& CHOSEN() { return baseline::NAME; }
#endif
