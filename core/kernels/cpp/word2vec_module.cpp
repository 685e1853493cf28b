// Python's side of Word2Vec: everything is checked here, then trained in place without the interpreter's lock.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include "python.hpp"
#include "word2vec.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using lexarium::Word2VecOptions;
using Ids = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Counts = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Tree = nb::ndarray<const std::int32_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

constexpr std::size_t kMostWords = std::size_t{1} << 30;

void require(bool holds, const char* problem) {
    if (!holds) throw nb::value_error(problem);
}

// Checked values must not change later: what is small is copied.
template <typename Given>
std::vector<std::remove_const_t<typename Given::Scalar>> copied(const Given& given) {
    return {given.data(), given.data() + given.size()};
}

void check_counts(const std::vector<std::int64_t>& counts) {
    require(counts.size() > 0 && counts.size() < kMostWords, "counts: none, or more than 2^30");
    for (std::size_t i = 0; i < counts.size(); ++i)
        require(counts[i] >= 1 && counts[i] < std::int64_t{1} << 40, "counts: one is not in 1 .. 2^40");
}

void check_texts(const Ids& ids, const std::vector<std::int64_t>& offsets, std::size_t words) {
    require(offsets.size() > 0 && offsets[0] == 0, "offsets: they do not begin with 0");
    for (std::size_t i = 1; i < offsets.size(); ++i)
        require(offsets[i] >= offsets[i - 1], "offsets: they do not rise");
    require(static_cast<std::size_t>(offsets.back()) == ids.size(), "offsets: they do not end where the ids do");
    for (std::size_t i = 0; i < ids.size(); ++i)
        require(ids.data()[i] >= 0 && static_cast<std::size_t>(ids.data()[i]) < words, "ids: one is not in the vocabulary");
}

void check_options(const Word2VecOptions& o, std::size_t words) {
    require(o.window >= 1 && o.window <= 1000, "window: not in 1 .. 1000");
    require(o.negative >= 0 && o.negative <= 1000, "negative: not in 0 .. 1000");
    require(o.negative > 0 || o.hierarchical, "negative: 0 without hierarchical leaves nothing to learn from");
    require(o.negative == 0 || words > 1, "negative: one word has no other");
    require(std::isfinite(o.ns_exponent) && std::abs(o.ns_exponent) <= 10, "ns_exponent: not in -10 .. 10");
    require(std::isfinite(o.sample) && o.sample >= 0, "sample: not a number from 0");
    require(std::isfinite(o.alpha) && o.alpha > 0, "alpha: not a number above 0");
    require(std::isfinite(o.min_alpha) && o.min_alpha >= 0, "min_alpha: not a number from 0");
    require(o.epochs >= 1 && o.epochs <= 1000000, "epochs: not in 1 .. 1000000");
    require(o.threads >= 1 && o.threads <= 1024, "threads: not in 1 .. 1024");
}

float* rows(const nb::object& given, bool needed, std::size_t words, std::size_t dim, const char* problem) {
    if (!needed) return nullptr;
    Matrix matrix;
    require(nb::try_cast(given, matrix, false) && matrix.shape(0) == words && matrix.shape(1) == dim, problem);
    return matrix.data();
}

class Tick : public lexarium::Word2VecTick {
public:
    Tick(nb::object progress, const std::atomic<std::int64_t>& done) : watch_(std::move(progress), done) {}
    void operator()() const override { watch_(); }

private:
    lexarium::Watch watch_;
};

auto train(const Ids& ids, const Counts& given_offsets, const Counts& given_counts, const Word2VecOptions& given, Matrix vectors,
           nb::object context, nb::object nodes, nb::object tree, nb::object progress) {
    const Word2VecOptions options = given;
    const std::vector<std::int64_t> offsets = copied(given_offsets), counts = copied(given_counts);
    const std::size_t words = counts.size(), dim = vectors.shape(1);
    check_counts(counts);
    check_texts(ids, offsets, words);
    check_options(options, words);
    require(vectors.shape(0) == words && dim >= 1, "vectors: not (n, dim)");
    lexarium::Word2VecWeights weights{vectors.data(), nullptr, nullptr, nullptr, dim};
    weights.context = rows(context, options.negative > 0, words, dim, "context: not (n, dim) float32");
    weights.nodes = rows(nodes, options.hierarchical, words, dim, "nodes: not (n, dim) float32");
    std::vector<std::int32_t> links;
    if (options.hierarchical) {
        Tree array;
        require(nb::try_cast(tree, array, false) && array.shape(0) == words && array.shape(1) == 2, "tree: not (n, 2) int32");
        links = copied(array);
        require(lexarium::is_tree(links.data(), words), "tree: not every word reaches the root by a way of its own, or the ways are too long");
        weights.tree = links.data();
    }
    const lexarium::EncodedTexts texts{ids.data(), offsets.data(), offsets.size() - 1, counts.data(), words};
    std::atomic<std::int64_t> done{0};
    const Tick tick(std::move(progress), done);
    const lexarium::Word2VecLoops& loops = lexarium::loops_of_word2vec();
    std::vector<double> losses;
    {
        nb::gil_scoped_release released;
        losses = lexarium::train_word2vec(texts, options, weights, loops, done, tick);
    }
    return lexarium::array(std::move(losses));
}

}  // namespace

NB_MODULE(_word2vec, m) {
    nb::set_leak_warnings(false);  // at exit a traceback may still hold an object
    nb::class_<Word2VecOptions>(m, "Options")
        .def(nb::init<>())
        .def_rw("skip_gram", &Word2VecOptions::skip_gram)
        .def_rw("hierarchical", &Word2VecOptions::hierarchical)
        .def_rw("negative", &Word2VecOptions::negative)
        .def_rw("ns_exponent", &Word2VecOptions::ns_exponent)
        .def_rw("mean", &Word2VecOptions::mean)
        .def_rw("window", &Word2VecOptions::window)
        .def_rw("shrink_windows", &Word2VecOptions::shrink_windows)
        .def_rw("sample", &Word2VecOptions::sample)
        .def_rw("alpha", &Word2VecOptions::alpha)
        .def_rw("min_alpha", &Word2VecOptions::min_alpha)
        .def_rw("epochs", &Word2VecOptions::epochs)
        .def_rw("threads", &Word2VecOptions::threads)
        .def_rw("seed", &Word2VecOptions::seed)
        .def_rw("shared_words", &Word2VecOptions::shared_words);
    m.def("train", &train, "ids"_a.noconvert(), "offsets"_a.noconvert(), "counts"_a.noconvert(), "options"_a, "vectors"_a.noconvert(),
          "context"_a.none(), "nodes"_a.none(), "tree"_a.none(), "progress"_a.none());
}
