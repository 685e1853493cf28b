// The inner loop of GloVe's training, compiled once for each instruction set (glove_loops.cpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "dispatch.hpp"

namespace lexarium {

// One cell of the matrix as training needs it.
struct Entry {
    std::int32_t row, column;
    float log;     // ln x
    float weight;  // f(x) = min(1, (x / x_max) ^ alpha)
};

// Parameters, (words, 2, width): a row holds a vector with its bias, and behind it 1 / sqrt of the sum of
// squared gradients of each component. A vector is, up to `width` - 2, its components and zeros; then, for a
// word, its bias and 1; for a context, 1 and its bias: one product of two rows is the dot product plus both biases.
struct Tables {
    float* words;
    float* contexts;
    std::size_t width;  // a multiple of `lanes`
};

struct Rates {
    float eta;
    float clip;  // each component of a gradient stays within -clip .. clip
};

struct GloveLoops {
    std::size_t lanes;
    // Trains on each entry in turn; returns the sum of f(x) diff^2 / 2.
    double (*train)(const Entry* entries, std::size_t count, const Tables& tables, const Rates& rates);
};

LEXARIUM_DECLARE_LOOPS(GloveLoops, glove_loops, chosen_glove_loops)

}  // namespace lexarium
