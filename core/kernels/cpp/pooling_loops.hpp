// Sums of rows of a matrix: the inner loop of pooling.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dispatch.hpp"

namespace lexarium {

// Adds up rows `ids[0 .. count - 1]` of `vectors` (any, dim), in this order, each component by itself, into `sum`
// (dim,). `factors` (count,), where not null, multiply their rows.
struct PoolingLoops {
    void (*add_rows)(const float* vectors, std::size_t dim, const std::int64_t* ids, const float* factors,
                     std::size_t count, float* sum);
};

LEXARIUM_DECLARE_LOOPS(PoolingLoops, kPoolingLoops, pooling_loops)

}  // namespace lexarium
