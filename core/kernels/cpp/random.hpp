// Random numbers: small, fast, the same on every machine.
#pragma once

#include <cstdint>

namespace lexarium {

// A linear congruential generator with its output mixed (after O'Neill's PCG, 2014). Streams of different
// seeds and numbers are unrelated.
class Random {
public:
    explicit Random(std::uint64_t seed, std::uint64_t stream = 0) : state_(seed * 0x9E3779B97F4A7C15u + stream * 0xD1342543DE82EF95u + 1) {
        next();
        next();
    }

    std::uint32_t next() { return static_cast<std::uint32_t>(next_long() >> 32); }

    std::uint64_t next_long() {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        const std::uint64_t x = state_ ^ state_ >> 32;
        return x * 0xD6E8FEB86659FD93u;
    }

    // 0 .. n - 1, by multiplication (Lemire, 2019); the bias is below n / 2^32.
    std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(std::uint64_t{next()} * n >> 32); }

    float uniform() { return static_cast<float>(next() >> 8) * 0x1p-24f; }  // [0, 1)

private:
    std::uint64_t state_;
};

}  // namespace lexarium
