// Exact search: which rows may be among the nearest of each query.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "search_loops.hpp"

namespace lexarium {

struct SearchedRows {
    const float* vectors;  // (count, dim)
    const float* inverse;  // (count): 1 / length
    std::size_t count, dim;
};

struct Queries {
    const float* units;       // (count, dim)
    const std::int64_t* keep; // (count): how many rows each asks for, at least 1
    std::size_t count;
};

// Of each query (owners) the rows whose score is at most `margin` below that of the one that is `keep`-th: in float32,
// whose error is at most half of `margin`, so that the nearest ones are among them. Nothing where some query would have
// thousands more than it asks for, all about as near as each other.
struct Candidates {
    std::vector<std::int64_t> owners, rows;
};

std::optional<Candidates> find_candidates(const SearchedRows& rows, const Queries& queries, float margin, int threads,
                                          const SearchLoops& loops, const std::function<void()>& tick);

}  // namespace lexarium
