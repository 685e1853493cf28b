// Compiled once for each instruction set (dispatch.hpp).
#include "pooling_loops.hpp"

#include "simd.hpp"

namespace lexarium {
namespace LEXARIUM_SET {
namespace {

// Adds `registers` registers of each row, from its first float on; the sums stay in registers all the way.
template <std::size_t registers, bool weighted>
void add_columns(const float* vectors, std::size_t dim, const std::int64_t* ids, const float* factors,
                 std::size_t count, float* sum) {
    Floats total[registers];
    for (std::size_t r = 0; r < registers; ++r) total[r] = all(0);
    for (std::size_t i = 0; i < count; ++i) {
        const float* row = vectors + static_cast<std::size_t>(ids[i]) * dim;
        for (std::size_t r = 0; r < registers; ++r) {
            const Floats part = load(row + r * kLanes);
            if (weighted) {
                total[r] += all(factors[i]) * part;
            } else {
                total[r] += part;
            }
        }
    }
    for (std::size_t r = 0; r < registers; ++r) store(sum + r * kLanes, total[r]);
}

template <bool weighted>
void add_all(const float* vectors, std::size_t dim, const std::int64_t* ids, const float* factors, std::size_t count,
             float* sum) {
    std::size_t column = 0;
    for (; column + 4 * kLanes <= dim; column += 4 * kLanes)
        add_columns<4, weighted>(vectors + column, dim, ids, factors, count, sum + column);
    for (; column + kLanes <= dim; column += kLanes)
        add_columns<1, weighted>(vectors + column, dim, ids, factors, count, sum + column);
    if (column < dim && dim >= kLanes) {  // the last register, over columns of which some are done: they come out the same
        column = dim - kLanes;
        add_columns<1, weighted>(vectors + column, dim, ids, factors, count, sum + column);
        return;
    }
    for (; column < dim; ++column) {
        float total = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const float value = vectors[static_cast<std::size_t>(ids[i]) * dim + column];
            total += weighted ? factors[i] * value : value;
        }
        sum[column] = total;
    }
}

void add_rows(const float* vectors, std::size_t dim, const std::int64_t* ids, const float* factors, std::size_t count,
              float* sum) {
    if (factors == nullptr) {
        add_all<false>(vectors, dim, ids, factors, count, sum);
    } else {
        add_all<true>(vectors, dim, ids, factors, count, sum);
    }
}

}  // namespace

extern const PoolingLoops kPoolingLoops;
const PoolingLoops kPoolingLoops = {add_rows};

}  // namespace LEXARIUM_SET
}  // namespace lexarium
