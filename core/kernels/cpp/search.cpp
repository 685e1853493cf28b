#include "search.hpp"

#include <algorithm>
#include <limits>

#include "parallel.hpp"

namespace lexarium {

namespace {

constexpr std::size_t kBlock = 1 << 14;  // floats of rows that all queries look at before the next ones
constexpr std::size_t kSpareRows = 2048; // rows about as near as the last one asked for, that are kept at most

struct Scored {
    float score;
    std::int64_t row;
};

// The rows that are near to one query so far, in no order.
class Near {
public:
    Near(std::size_t keep, float margin) : keep_(keep), margin_(margin) {}

    // The score from which on a row is worth adding.
    float floor() const { return floor_; }

    // Returns whether there is room for more.
    bool add(Scored found) {
        rows_.push_back(found);
        if (rows_.size() >= next_) shrink();
        return rows_.size() < keep_ + kSpareRows;
    }

    // Drops what is too far below the `keep`-th.
    void shrink() {
        if (rows_.size() >= keep_) {
            const auto last = rows_.begin() + static_cast<std::ptrdiff_t>(keep_ - 1);
            std::nth_element(rows_.begin(), last, rows_.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
            floor_ = last->score - margin_;
            rows_.erase(std::remove_if(rows_.begin(), rows_.end(), [&](const Scored& row) { return row.score < floor_; }), rows_.end());
        }
        next_ = std::max(keep_, rows_.size()) + std::max<std::size_t>(16, keep_ / 2);
    }

    std::vector<Scored>& rows() { return rows_; }

private:
    std::size_t keep_, next_ = 0;
    float margin_, floor_ = -std::numeric_limits<float>::infinity();
    std::vector<Scored> rows_;
};

// One thread's part of the rows.
class Scan {
public:
    Scan(const Queries& queries, std::size_t width, float margin) : floors_(width, std::numeric_limits<float>::infinity()) {
        for (std::size_t q = 0; q < queries.count; ++q) near_.emplace_back(static_cast<std::size_t>(queries.keep[q]), margin);
        std::fill_n(floors_.begin(), queries.count, -std::numeric_limits<float>::infinity());
    }

    // Looks at rows first .. last - 1; `units` (dim, width).
    void run(const SearchedRows& rows, std::size_t first, std::size_t last, const std::vector<float>& units, const SearchLoops& loops,
             const std::atomic<bool>& stop) {
        const std::size_t step = std::max<std::size_t>(1, kBlock / rows.dim);
        for (first_ = first; first_ < last && room_; first_ += step) {
            look(stop);
            loops.scan(rows.vectors + first_ * rows.dim, rows.inverse + first_, std::min(step, last - first_), rows.dim, units.data(), near_.size(), floors_.size(),
                       floors_.data(), [](void* self, std::size_t row, std::size_t query, float score) { static_cast<Scan*>(self)->found(row, query, score); }, this);
        }
    }

    bool room() const { return room_; }
    std::vector<Scored>& near(std::size_t query) { return near_[query].rows(); }

private:
    void found(std::size_t row, std::size_t query, float score) {
        room_ &= near_[query].add({score, static_cast<std::int64_t>(first_ + row)});
        floors_[query] = near_[query].floor();
    }

    std::vector<float> floors_;
    std::vector<Near> near_;
    std::size_t first_ = 0;
    bool room_ = true;
};

}  // namespace

std::optional<Candidates> find_candidates(const SearchedRows& rows, const Queries& queries, float margin, int threads,
                                          const SearchLoops& loops, const std::function<void()>& tick) {
    const std::size_t width = (queries.count + kQueryTile - 1) / kQueryTile * kQueryTile;
    std::vector<float> units(rows.dim * width, 0.0f);
    for (std::size_t q = 0; q < queries.count; ++q)
        for (std::size_t c = 0; c < rows.dim; ++c) units[c * width + q] = queries.units[q * rows.dim + c];
    std::vector<Scan> scans(static_cast<std::size_t>(threads), Scan(queries, width, margin));
    std::atomic<bool> stop{false};
    in_parallel_watched(threads, stop, [&](int t) {
        const auto part = static_cast<std::size_t>(t), parts = static_cast<std::size_t>(threads);
        scans[part].run(rows, rows.count * part / parts, rows.count * (part + 1) / parts, units, loops, stop);
    }, tick);
    Candidates found;
    for (std::size_t q = 0; q < queries.count; ++q) {
        Near near(static_cast<std::size_t>(queries.keep[q]), margin);
        for (Scan& scan : scans) {
            if (!scan.room()) return std::nullopt;
            near.rows().insert(near.rows().end(), scan.near(q).begin(), scan.near(q).end());
        }
        near.shrink();
        for (const Scored& row : near.rows()) found.rows.push_back(row.row);
        found.owners.resize(found.rows.size(), static_cast<std::int64_t>(q));
    }
    return found;
}

}  // namespace lexarium
