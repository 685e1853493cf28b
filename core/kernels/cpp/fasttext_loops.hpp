// The one hot loop of fastText's look-ups: adding up rows.
#pragma once

#include <cstddef>

#include "dispatch.hpp"

namespace lexarium {
namespace fasttext {

struct Loops {
    // to (dim) += the sum of weights[i] * rows[i] (dim), in order.
    void (*add_rows)(float* to, const float* const* rows, const float* weights, std::size_t count, std::size_t dim);
};

LEXARIUM_DECLARE_LOOPS(Loops, kLoops, loops)

}  // namespace fasttext
}  // namespace lexarium
