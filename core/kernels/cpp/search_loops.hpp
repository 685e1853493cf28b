// Cosines of many rows with a few queries: the inner loop of exact search.
#pragma once

#include <cstddef>

#include "dispatch.hpp"

namespace lexarium {

inline constexpr std::size_t kQueryTile = 64;  // queries are padded with zeros to a multiple of it

struct SearchLoops {
    // For each of `rows` (count, dim) and each query (one of the first `asked` columns of `queries` (dim, width), width a
    // multiple of kQueryTile): calls found(self, row, query, score) where their product, times the row's `inverse`
    // length, is `floors[query]` or more. It may raise floors (width,), which are looked at again for the next few rows.
    // The other columns need floors that nothing reaches.
    void (*scan)(const float* rows, const float* inverse, std::size_t count, std::size_t dim, const float* queries,
                 std::size_t asked, std::size_t width, const float* floors, void (*found)(void*, std::size_t, std::size_t, float), void* self);
};

LEXARIUM_DECLARE_LOOPS(SearchLoops, kSearchLoops, search_loops)

}  // namespace lexarium
