#include "cooccurrence.hpp"

#include <algorithm>
#include <numeric>

namespace lexarium {

namespace {

constexpr std::int32_t kRows = 64;            // taken by a thread together
constexpr std::int64_t kLook = std::int64_t{1} << 12;  // occurrences between two looks at `stop`
constexpr std::int64_t kLookIds = std::int64_t{1} << 20;  // tokens between two looks

std::vector<std::int32_t> identity(std::int32_t words) {
    std::vector<std::int32_t> place(words);
    std::iota(place.begin(), place.end(), 0);
    return place;
}

}  // namespace

std::vector<std::int64_t> starts_of(const Tokens& tokens, const std::vector<std::int32_t>& place, const std::atomic<bool>& stop) {
    std::vector<std::int64_t> starts(static_cast<std::size_t>(tokens.words) + 1);
    const std::int64_t size = tokens.size();
    for (std::int64_t first = 0; first < size && !stop.load(std::memory_order_relaxed); first += kLookIds)
        for (std::int64_t i = first; i < std::min(size, first + kLookIds); ++i)
            if (const std::int32_t id = tokens.ids[i]; tokens.has(id)) ++starts[place[id] + 1];
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    return starts;
}

void Occurrences::gather(const Tokens& tokens, const Window& window, const std::vector<std::int32_t>& place,
                         const std::vector<std::int64_t>& starts, std::int32_t first, std::int32_t last,
                         const std::atomic<bool>& stop) {
    first_ = first;
    starts_.assign(starts.begin() + first, starts.begin() + last + 1);
    ends_.assign(starts_.begin(), starts_.end() - 1);
    found_.reset(new Occurrence[static_cast<std::size_t>(starts_.back() - starts_[0])]);
    const std::int64_t size = window.size, base = starts_[0];
    for (std::int64_t text = 0; text < tokens.texts; ++text) {
        const std::int64_t begin = tokens.offsets[text], end = tokens.offsets[text + 1];
        for (std::int64_t piece = begin; piece < end; piece += kLookIds) {
            if (stop.load(std::memory_order_relaxed)) return;
            for (std::int64_t i = piece; i < std::min(end, piece + kLookIds); ++i) {
                const std::int32_t id = tokens.ids[i];
                if (!tokens.has(id)) continue;
                const std::int32_t at = place[id] - first;
                if (at < 0 || at >= last - first || ends_[at] == starts_[at + 1]) continue;
                Occurrence& one = found_[static_cast<std::size_t>(ends_[at]++ - base)];
                one.position = static_cast<std::uint64_t>(i);
                one.left = static_cast<std::uint64_t>(window.symmetric ? std::min(size, i - begin) : 0);
                one.right = static_cast<std::uint64_t>(std::min(size, end - 1 - i));
            }
        }
    }
}

RowSums::RowSums(const Tokens& tokens, const Window& window)
    : tokens_(tokens), sums_(tokens.words), columns_(static_cast<std::size_t>(tokens.words) + 1), weights_(window.size + 1) {
    for (int distance = 1; distance <= window.size; ++distance)
        weights_[distance] = window.weighted ? 1.0 / distance : 1.0;
}

void RowSums::sum(const Occurrence* begin, const Occurrence* end) {
    const std::int32_t* ids = tokens_.ids;
    const double* weights = weights_.data();
    double* sums = sums_.data();
    std::int32_t* columns = columns_.data();
    std::size_t size = size_;
    auto add = [&](std::int32_t column, double weight) {
        if (!tokens_.has(column)) return;
        const double before = sums[column];
        columns[size] = column;  // written always and counted once: a branch here would be guessed wrong
        size += before == 0;
        sums[column] = before + weight;
    };
    for (const Occurrence* one = begin; one != end; ++one) {
#if defined(__GNUC__)
        if (end - one > 8) __builtin_prefetch(ids + one[8].position);
#endif
        const std::int32_t* centre = ids + one->position;
        for (int distance = static_cast<int>(one->left); distance >= 1; --distance) add(centre[-distance], weights[distance]);
        const int right = static_cast<int>(one->right);
        for (int distance = 1; distance <= right; ++distance) add(centre[distance], weights[distance]);
    }
    size_ = size;
}

void RowSums::clear() {
    for (std::size_t i = 0; i < size_; ++i) sums_[columns_[i]] = 0;
    size_ = 0;
}

Matrix::Matrix(const Tokens& tokens, const Window& window, int threads)
    : tokens_(tokens), window_(window), place_(identity(tokens.words)), runs_(threads),
      offsets_(static_cast<std::size_t>(tokens.words) + 1) {}

void Matrix::gather(std::atomic<bool>& stop) {
    starts_ = starts_of(tokens_, place_, stop);
    if (!stop.load(std::memory_order_relaxed)) occurrences_.gather(tokens_, window_, place_, starts_, 0, tokens_.words, stop);
}

void Matrix::work(int thread, std::atomic<bool>& stop, std::atomic<std::int64_t>& done) {
    RowSums sums(tokens_, window_);
    std::vector<std::int32_t> columns;
    while (!stop.load(std::memory_order_relaxed)) {
        const std::int32_t first = next_.fetch_add(kRows, std::memory_order_relaxed);
        if (first >= tokens_.words) return;
        Run run{first, std::min(first + kRows, tokens_.words), {}, {}};
        for (std::int32_t row = run.first; row < run.last; ++row) {
            const Occurrence* end = occurrences_.end(row);
            for (const Occurrence* one = occurrences_.begin(row); one < end; one += std::min<std::int64_t>(kLook, end - one)) {
                if (stop.load(std::memory_order_relaxed)) return;
                sums.sum(one, one + std::min<std::int64_t>(kLook, end - one));
            }
            columns.assign(sums.columns(), sums.columns() + sums.size());
            std::sort(columns.begin(), columns.end());
            offsets_[row + 1] = static_cast<std::int64_t>(columns.size());
            for (const std::int32_t column : columns) {
                run.columns.push_back(column);
                run.values.push_back(static_cast<float>(sums.value(column)));
            }
            sums.clear();
        }
        done.fetch_add(run.last - run.first, std::memory_order_relaxed);
        runs_[thread].push_back(std::move(run));
    }
}

Csr Matrix::finish() {
    std::partial_sum(offsets_.begin(), offsets_.end(), offsets_.begin());
    Csr csr;
    csr.columns.resize(static_cast<std::size_t>(offsets_.back()));
    csr.values.resize(csr.columns.size());
    for (auto& runs : runs_)
        for (Run& run : runs) {
            std::copy(run.columns.begin(), run.columns.end(), csr.columns.begin() + offsets_[run.first]);
            std::copy(run.values.begin(), run.values.end(), csr.values.begin() + offsets_[run.first]);
            run = {};
        }
    csr.offsets = std::move(offsets_);
    return csr;
}

}  // namespace lexarium
