// Where a row of a matrix is, of which a thread has copied some. Included by files that are compiled for each instruction
// set (dispatch.hpp).
#pragma once

#include <cstddef>

namespace lexarium {

// A thread's own copies of the rows first .. first + count - 1 of a matrix.
struct OwnRows {
    float* rows = nullptr;
    std::size_t first = 0, count = 0;
};

// Row `row` of `rows`, of `stride` floats each, or the thread's own copy of it.
static inline float* row_at(float* rows, const OwnRows& own, std::size_t row, std::size_t stride) {
    const std::size_t place = row - own.first;  // of a row before the first far too large a number
    return place < own.count ? own.rows + place * stride : rows + row * stride;
}

}  // namespace lexarium
