// Compiled once for each instruction set (dispatch.hpp).
#include "search_loops.hpp"

#include "simd.hpp"

namespace lexarium {
namespace LEXARIUM_SET {
namespace {

using Found = void (*)(void*, std::size_t, std::size_t, float);

// Sums that stay in registers: so many rows, times so many registers of queries.
constexpr std::size_t kTall = 6, kWide = kLanes == 16 ? 4 : 2;

// Scores of `tall` rows with `wide` registers of queries, and a call for those that reach their floors.
template <std::size_t tall, std::size_t wide>
void tile(const float* rows, const float* inverse, std::size_t row, std::size_t dim, const float* queries, std::size_t width,
          std::size_t query, const float* floors, Found found, void* self) {
    Floats scores[tall][wide];
    for (std::size_t r = 0; r < tall; ++r)
        for (std::size_t w = 0; w < wide; ++w) scores[r][w] = all(0);
    const float *from = rows + row * dim, *with = queries + query;
    for (std::size_t c = 0; c < dim; ++c, with += width) {
        Floats part[wide];
        for (std::size_t w = 0; w < wide; ++w) part[w] = load(with + w * kLanes);
        for (std::size_t r = 0; r < tall; ++r) {
            const Floats component = all(from[r * dim + c]);
            for (std::size_t w = 0; w < wide; ++w) scores[r][w] += component * part[w];
        }
    }
    Ints any{};
    for (std::size_t r = 0; r < tall; ++r) {
        for (std::size_t w = 0; w < wide; ++w) {
            scores[r][w] *= all(inverse[row + r]);
            any |= scores[r][w] >= load(floors + query + w * kLanes);
        }
    }
    std::int32_t reached = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) reached |= any[lane];
    if (reached == 0) return;
    for (std::size_t r = 0; r < tall; ++r)
        for (std::size_t w = 0; w < wide; ++w)
            for (std::size_t lane = 0; lane < kLanes; ++lane)
                if (const std::size_t q = query + w * kLanes + lane; scores[r][w][lane] >= floors[q]) found(self, row + r, q, scores[r][w][lane]);
}

template <std::size_t wide>
void scan_columns(const float* rows, const float* inverse, std::size_t count, std::size_t dim, const float* queries, std::size_t width,
                  std::size_t query, const float* floors, Found found, void* self) {
    std::size_t row = 0;
    for (; row + kTall <= count; row += kTall) tile<kTall, wide>(rows, inverse, row, dim, queries, width, query, floors, found, self);
    for (; row < count; ++row) tile<1, wide>(rows, inverse, row, dim, queries, width, query, floors, found, self);
}

void scan(const float* rows, const float* inverse, std::size_t count, std::size_t dim, const float* queries, std::size_t asked, std::size_t width,
          const float* floors, Found found, void* self) {
    std::size_t query = 0;
    for (; query + (kWide - 1) * kLanes < asked; query += kWide * kLanes)
        scan_columns<kWide>(rows, inverse, count, dim, queries, width, query, floors, found, self);
    for (; query < asked; query += kLanes) scan_columns<1>(rows, inverse, count, dim, queries, width, query, floors, found, self);
}

}  // namespace

extern const SearchLoops kSearchLoops;
const SearchLoops kSearchLoops = {scan};

}  // namespace LEXARIUM_SET
}  // namespace lexarium
