// Python's side of GloVe: everything is checked here; then the work runs without the interpreter's lock.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "cooccurrence.hpp"
#include "glove.hpp"
#include "parallel.hpp"
#include "python.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Ids = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Offsets = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

constexpr std::int64_t kMostWords = std::int64_t{1} << 30;
constexpr std::size_t kMostComponents = std::size_t{1} << 16;

void require(bool holds, const char* problem) {
    if (!holds) throw nb::value_error(problem);
}

std::vector<std::int64_t> copied(const Offsets& offsets) { return {offsets.data(), offsets.data() + offsets.size()}; }

// The offsets are a copy: checked values must not change later.
lexarium::Tokens checked(const Ids& ids, const std::vector<std::int64_t>& offsets, std::int64_t words) {
    require(words >= 1 && words <= kMostWords, "words: not in 1 .. 2^30");
    require(static_cast<std::int64_t>(ids.size()) <= lexarium::kMostTokens - 1, "ids: 2^40 or more");
    require(!offsets.empty() && offsets[0] == 0, "offsets: they do not begin with 0");
    for (std::size_t i = 1; i < offsets.size(); ++i)
        require(offsets[i] >= offsets[i - 1], "offsets: they do not rise");
    require(static_cast<std::size_t>(offsets.back()) == ids.size(), "offsets: they do not end where the ids do");
    for (std::size_t i = 0; i < ids.size(); ++i)
        require(ids.data()[i] >= 0 && ids.data()[i] < words, "ids: one is not in 0 .. words - 1");
    return {ids.data(), offsets.data(), static_cast<std::int64_t>(offsets.size()) - 1, static_cast<std::int32_t>(words)};
}

lexarium::Window checked(int size, bool symmetric, bool weighted) {
    require(size >= 1 && size <= lexarium::kLargestWindow, "window: not in 1 .. 1000");
    return {size, symmetric, weighted};
}

void check_threads(int threads) { require(threads >= 1 && threads <= 1024, "threads: not in 1 .. 1024"); }

// Runs without the interpreter's lock; what the disk refuses becomes Python's OSError.
template <typename Work>
void released(const Work& work) {
    try {
        nb::gil_scoped_release unlocked;
        work();
    } catch (const lexarium::DiskError& error) {
        errno = error.number;
        PyErr_SetFromErrno(PyExc_OSError);
        throw nb::python_error();
    }
}

nb::tuple cooccurrence(Ids ids, Offsets given, std::int64_t words, int window, bool symmetric, bool weighted, int threads,
                       nb::object progress) {
    const std::vector<std::int64_t> offsets = copied(given);
    const lexarium::Tokens tokens = checked(ids, offsets, words);
    const lexarium::Window pairs = checked(window, symmetric, weighted);
    check_threads(threads);
    std::atomic<std::int64_t> done{0};
    const lexarium::Watch watch(std::move(progress), done);
    lexarium::Csr csr;
    released([&] {
        lexarium::Matrix matrix(tokens, pairs, threads);
        std::atomic<bool> stop{false};
        lexarium::in_parallel_watched(1, stop, [&](int) { matrix.gather(stop); }, watch);
        lexarium::in_parallel_watched(threads, stop, [&](int thread) { matrix.work(thread, stop, done); }, watch);
        csr = matrix.finish();
    });
    return nb::make_tuple(lexarium::array(std::move(csr.offsets)), lexarium::array(std::move(csr.columns)),
                          lexarium::array(std::move(csr.values)));
}

class PyEntries {
public:
    PyEntries(const PyEntries&) = delete;
    PyEntries(Ids ids, Offsets given, std::int64_t words, int window, bool symmetric, bool weighted, double x_max, double alpha,
              int tile, std::uint64_t seed, std::int64_t memory, std::string folder, int threads, nb::object progress) {
        const std::vector<std::int64_t> offsets = copied(given);
        const lexarium::Tokens tokens = checked(ids, offsets, words);
        const lexarium::Window pairs = checked(window, symmetric, weighted);
        check_threads(threads);
        require(std::isfinite(x_max) && x_max > 0, "x_max: not a number above 0");
        require(std::isfinite(alpha) && alpha >= 0, "alpha: not a number from 0");
        require(tile == 0 || (tile >= 16 && tile <= kMostWords), "tile: neither 0 nor in 16 .. 2^30");
        require((words - 1) / (tile > 0 ? tile : words) < (1 << 14), "tile: more than 2^14 tiles in a row of them");
        require(memory >= 0, "memory: below 0");
        std::atomic<std::int64_t> done{0};
        const lexarium::Watch watch(std::move(progress), done);
        released([&] {
            entries_ = std::make_unique<lexarium::Entries>(tokens, pairs, lexarium::Shuffle{tile, seed},
                                                           lexarium::Weighting{x_max, alpha}, lexarium::Spill{memory, folder}, threads,
                                                           done, std::cref(watch));
        });
    }

    const lexarium::Entries& get() const { return *entries_; }
    std::int64_t size() const { return entries_->size(); }
    std::int64_t spilled() const { return entries_->written(); }

    // Rows, columns, ln x and f(x), in the order in which one thread trains an iteration.
    nb::tuple order(std::uint64_t seed, std::int64_t iteration) const {
        std::vector<std::int32_t> rows, columns;
        std::vector<float> logs, weights;
        std::vector<lexarium::Entry> buffer;
        released([&] {
            for (const lexarium::Range& range : entries_->order(seed, iteration)) {
                const lexarium::Entry* from = entries_->read(range, buffer);
                for (std::size_t i = 0; i < range.count; ++i) {
                    rows.push_back(from[i].row);
                    columns.push_back(from[i].column);
                    logs.push_back(from[i].log);
                    weights.push_back(from[i].weight);
                }
            }
        });
        return nb::make_tuple(lexarium::array(std::move(rows)), lexarium::array(std::move(columns)), lexarium::array(std::move(logs)),
                              lexarium::array(std::move(weights)));
    }

private:
    std::unique_ptr<lexarium::Entries> entries_;
};

// Vectors, biases and sums of squared gradients as rows of one table (glove_loops.hpp).
class PyParameters {
public:
    PyParameters(const PyParameters&) = delete;

    // Each (n, dim + 1) float32: a vector and its bias; the sums of its squared gradients, from 1 on.
    PyParameters(Rows words, Rows contexts, Rows word_squares, Rows context_squares) : count_(words.shape(0)), dim_(words.shape(1) - 1) {
        require(words.shape(1) >= 2 && dim_ <= kMostComponents, "words: not a vector of 1 .. 2^16 components and a bias in each row");
        for (const Rows* rows : {&contexts, &word_squares, &context_squares})
            require(rows->shape(0) == count_ && rows->shape(1) == dim_ + 1, "the four arrays are not of one shape");
        for (const Rows* squares : {&word_squares, &context_squares})
            for (std::size_t i = 0; i < squares->size(); ++i)
                require(squares->data()[i] >= 1, "squares: one is below 1, with which they begin");
        require(count_ >= 1 && count_ <= static_cast<std::size_t>(kMostWords), "words: not 1 .. 2^30 rows");
        const std::size_t lanes = loops_.lanes;
        width_ = (dim_ + 2 + lanes - 1) / lanes * lanes;
        words_ = packed(words, word_squares, width_ - 2, width_ - 1);
        contexts_ = packed(contexts, context_squares, width_ - 1, width_ - 2);
    }

    // The four arrays, in the order of the constructor.
    void read(Rows words, Rows contexts, Rows word_squares, Rows context_squares) const {
        for (const Rows* rows : {&words, &contexts, &word_squares, &context_squares})
            require(rows->shape(0) == count_ && rows->shape(1) == dim_ + 1, "an array is not (n, dim + 1)");
        unpack(words_.get(), words, word_squares, width_ - 2);
        unpack(contexts_.get(), contexts, context_squares, width_ - 1);
    }

    // Trains on every entry once, in the order of iteration number `iteration`; returns the mean loss.
    double train(const PyEntries& entries, double eta, double clip, std::int64_t iteration, int threads, std::uint64_t seed,
                 nb::object progress) {
        require(static_cast<std::size_t>(entries.get().words()) == count_, "entries: of another number of words");
        require(std::isfinite(eta) && eta > 0, "eta: not a number above 0");
        require(clip > 0, "clip: not above 0");
        require(iteration >= 0, "iteration: below 0");
        check_threads(threads);
        std::atomic<std::int64_t> done{0};
        const lexarium::Watch watch(std::move(progress), done);
        const lexarium::Tables tables{words_.get(), contexts_.get(), width_};
        double loss = 0;
        released([&] {
            loss = lexarium::train_glove(entries.get(), loops_, tables, {static_cast<float>(eta), static_cast<float>(clip)},
                                         {iteration, seed, threads}, done, std::cref(watch));
        });
        return loss;
    }

private:
    struct Free {
        void operator()(float* p) const { std::free(p); }
    };
    using Table = std::unique_ptr<float[], Free>;

    Table packed(const Rows& vectors, const Rows& squares, std::size_t bias, std::size_t one) const {
        const std::size_t floats = count_ * 2 * width_;
        const std::size_t bytes = (floats * sizeof(float) + 63) / 64 * 64;
        Table table(static_cast<float*>(std::aligned_alloc(64, bytes)));
        if (!table) throw std::bad_alloc();
        for (std::size_t row = 0; row < count_; ++row) {
            float* to = table.get() + row * 2 * width_;
            float* rate = to + width_;
            const float* from = vectors.data() + row * (dim_ + 1);
            const float* sums = squares.data() + row * (dim_ + 1);
            for (std::size_t i = 0; i < width_; ++i) to[i] = i < dim_ ? from[i] : 0.0f;
            for (std::size_t i = 0; i < width_; ++i) rate[i] = i < dim_ ? 1.0f / std::sqrt(sums[i]) : 1.0f;
            to[bias] = from[dim_];
            rate[bias] = 1.0f / std::sqrt(sums[dim_]);
            to[one] = 1.0f;
        }
        return table;
    }

    void unpack(const float* table, Rows& vectors, Rows& squares, std::size_t bias) const {
        for (std::size_t row = 0; row < count_; ++row) {
            const float* from = table + row * 2 * width_;
            float* to = vectors.data() + row * (dim_ + 1);
            float* sums = squares.data() + row * (dim_ + 1);
            for (std::size_t i = 0; i <= dim_; ++i) {
                const std::size_t at = i < dim_ ? i : bias;
                to[i] = from[at];
                sums[i] = 1.0f / (from[width_ + at] * from[width_ + at]);
            }
        }
    }

    const lexarium::GloveLoops& loops_ = lexarium::chosen_glove_loops();  // the width is a multiple of their lanes
    std::size_t count_, dim_, width_ = 0;
    Table words_, contexts_;
};

int tile(std::int64_t words, std::int64_t dim) {
    require(words >= 1 && words <= kMostWords, "words: not in 1 .. 2^30");
    require(dim >= 1 && dim <= static_cast<std::int64_t>(kMostComponents), "dim: not in 1 .. 2^16");
    return lexarium::tile_side(static_cast<std::int32_t>(words), static_cast<std::size_t>(dim) + 2);
}

// An argument whose type must be the one declared: a copy of another type would be read wrongly, or written in vain.
auto fixed(const char* name) { return nb::arg(name).noconvert(); }

}  // namespace

NB_MODULE(_glove, m) {
    nb::set_leak_warnings(false);  // at exit a traceback may still hold an object
    m.def("cooccurrence", &cooccurrence, fixed("ids"), fixed("offsets"), "words"_a, "window"_a, "symmetric"_a, "weighted"_a, "threads"_a,
          "progress"_a = nb::none());
    m.def("tile", &tile, "words"_a, "dim"_a);
    nb::class_<PyEntries>(m, "Entries")
        .def(nb::init<Ids, Offsets, std::int64_t, int, bool, bool, double, double, int, std::uint64_t, std::int64_t, std::string, int,
                      nb::object>(),
             fixed("ids"), fixed("offsets"), "words"_a, "window"_a, "symmetric"_a, "weighted"_a, "x_max"_a, "alpha"_a, "tile"_a, "seed"_a,
             "memory"_a, "folder"_a, "threads"_a, "progress"_a = nb::none())
        .def("__len__", &PyEntries::size)
        .def_prop_ro("spilled", &PyEntries::spilled)
        .def("order", &PyEntries::order, "seed"_a, "iteration"_a);
    nb::class_<PyParameters>(m, "Parameters")
        .def(nb::init<Rows, Rows, Rows, Rows>(), fixed("words"), fixed("contexts"), fixed("word_squares"), fixed("context_squares"))
        .def("read", &PyParameters::read, fixed("words"), fixed("contexts"), fixed("word_squares"), fixed("context_squares"))
        .def("train", &PyParameters::train, "entries"_a, "eta"_a, "clip"_a, "iteration"_a, "threads"_a, "seed"_a, "progress"_a = nb::none());
}
