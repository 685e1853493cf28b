// Compiled once per instruction set (dispatch.hpp).
#include "fasttext_loops.hpp"
#include "simd.hpp"

namespace lexarium {
namespace fasttext {
namespace LEXARIUM_SET {
namespace {

using lexarium::LEXARIUM_SET::Floats;
using lexarium::LEXARIUM_SET::all;
using lexarium::LEXARIUM_SET::kLanes;
using lexarium::LEXARIUM_SET::load;
using lexarium::LEXARIUM_SET::store;

constexpr std::size_t kRegisters = 8;

// Components first .. dim - 1, or the first registers * kLanes of them, held in registers over all rows. What does not
// fill the last register is covered by one that begins earlier: the lanes in common get the same sum twice.
template <std::size_t registers>
void add_block(float* to, const float* const* rows, const float* weights, std::size_t count, std::size_t first, std::size_t dim) {
    const std::size_t last = dim - first < registers * kLanes ? dim - kLanes : first + (registers - 1) * kLanes;
    Floats total[registers];
    for (std::size_t r = 0; r + 1 < registers; ++r) total[r] = load(to + first + r * kLanes);
    total[registers - 1] = load(to + last);
    for (std::size_t i = 0; i < count; ++i) {
        const float* row = rows[i];
        const Floats weight = all(weights[i]);
        for (std::size_t r = 0; r + 1 < registers; ++r) total[r] += weight * load(row + first + r * kLanes);
        total[registers - 1] += weight * load(row + last);
    }
    for (std::size_t r = 0; r + 1 < registers; ++r) store(to + first + r * kLanes, total[r]);
    store(to + last, total[registers - 1]);
}

typedef void (*Block)(float*, const float* const*, const float*, std::size_t, std::size_t, std::size_t);
constexpr Block kBlocks[kRegisters] = {add_block<1>, add_block<2>, add_block<3>, add_block<4>,
                                       add_block<5>, add_block<6>, add_block<7>, add_block<8>};

void add_rows(float* to, const float* const* rows, const float* weights, std::size_t count, std::size_t dim) {
    std::size_t first = 0;
    while (dim - first >= kLanes) {
        const std::size_t wanted = (dim - first + kLanes - 1) / kLanes;
        const std::size_t registers = wanted < kRegisters ? wanted : kRegisters;
        kBlocks[registers - 1](to, rows, weights, count, first, dim);
        first += registers * kLanes;
        if (first >= dim) return;
    }
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t d = first; d < dim; ++d) to[d] += weights[i] * rows[i][d];
}

}  // namespace

extern const Loops kLoops = {add_rows};

}  // namespace LEXARIUM_SET
}  // namespace fasttext
}  // namespace lexarium
