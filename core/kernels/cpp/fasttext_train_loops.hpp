// The inner loops of fastText's training, over rows of floats.
//
// A matrix is (rows, stride), stride a multiple of 16, the components from dim on zero. `hidden` and `gradient`
// are (stride). Several threads read and write the same rows without locks, on purpose (Recht and others, 2011,
// "Hogwild"): an update may be lost, and the sum goes on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dispatch.hpp"
#include "own_rows.hpp"

namespace lexarium {
namespace fasttext {

inline constexpr std::size_t kMultiple = 16;  // of floats in a row: 64 bytes

// A matrix of rows. Of some a thread has copies, and works on these.
struct Rows {
    float* values;
    std::size_t stride;
    OwnRows own;
};

// Static: each file that is compiled for an instruction set has one of its own.
static inline float* row_of(const Rows& matrix, std::size_t row) {
    return row_at(matrix.values, matrix.own, row, matrix.stride);
}

struct TrainLoops {
    // to = the sum of the `count` rows that `which` numbers.
    void (*sum)(Rows matrix, const std::int32_t* which, std::size_t count, float* to);
    // Adds `change` to each of those rows.
    void (*add)(Rows matrix, const std::int32_t* which, std::size_t count, const float* change);
    // Fetches the first of the `count` rows that `which` numbers into the cache.
    void (*fetch)(Rows matrix, const std::int32_t* which, std::size_t count);
    // to += factor * from, n floats; n a multiple of 16.
    void (*add_scaled)(float* to, const float* from, float factor, std::size_t n);
    // to = from + factor * change, n floats; n a multiple of 16.
    void (*move)(float* to, const float* from, const float* change, float factor, std::size_t n);
    // values *= factor, n floats; n a multiple of 16.
    void (*scale)(float* values, float factor, std::size_t n);
    // One step of logistic regression on `count` rows w_i of the output matrix, all seen as they stand before:
    // g_i = rate * (label_i - sigmoid(w_i . hidden)); gradient += g_i w_i; w_i += g_i hidden. The first of the
    // `next` rows that `which` numbers behind these are fetched into the cache meanwhile.
    void (*logistic)(Rows output, const std::int32_t* which, const float* labels, std::size_t count, std::size_t next,
                     const float* hidden, float rate, float* gradient);
    // One step of softmax regression over the first `classes` rows. scores: room for `classes` floats and 32 more.
    void (*softmax)(Rows output, std::size_t classes, std::size_t target, const float* hidden, float rate,
                    float* gradient, float* scores);
};

}  // namespace fasttext

LEXARIUM_DECLARE_LOOPS(fasttext::TrainLoops, kFastTextLoops, fasttext_loops)

}  // namespace lexarium
