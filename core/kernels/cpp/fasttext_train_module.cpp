// Python's side of training fastText: arrays in, two matrices changed in place; the interpreter is released.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string_view.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <vector>

#include "fasttext_hash.hpp"
#include "fasttext_train.hpp"
#include "parallel.hpp"
#include "python.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace lexarium::fasttext;

namespace {

template <typename T>
using Array = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Matrix = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

void require(bool holds, const char* problem) {
    if (!holds) throw nb::value_error(problem);
}

// Checked values must not change later: all but the tokens, which are compared where they are used, is copied.
template <typename T>
std::vector<T> copied(const Array<T>& given) {
    return {given.data(), given.data() + given.size()};
}

// Offsets of `count` runs over `size` entries: from 0 to size, never falling.
void check_offsets(const std::vector<std::int64_t>& offsets, std::size_t size) {
    require(!offsets.empty() && offsets[0] == 0, "the offsets do not begin with 0");
    for (std::size_t i = 1; i < offsets.size(); ++i) require(offsets[i] >= offsets[i - 1], "the offsets fall");
    require(static_cast<std::uint64_t>(offsets.back()) == size, "the offsets do not end where the entries do");
}

void check_below(const std::int32_t* ids, std::size_t count, std::size_t limit, const char* problem) {
    for (std::size_t i = 0; i < count; ++i)
        require(ids[i] >= 0 && ids[i] < static_cast<std::int64_t>(limit), problem);
}

// A corpus and the input rows of its words; keeps the arrays that it looks into.
class PyTexts {
public:
    PyTexts(Array<std::int32_t> ids, Array<std::int64_t> offsets, Array<std::int64_t> starts, Array<std::int32_t> rows, int end)
        : ids_(ids), offsets_(copied(offsets)), starts_(copied(starts)), rows_(copied(rows)) {
        check_offsets(offsets_, ids.size());
        check_offsets(starts_, rows_.size());
        check_below(ids.data(), ids.size(), words(), "a word's number is out of range");
        require(end >= -1 && end < static_cast<std::int64_t>(words()), "the end's number is out of range");
        for (const std::int32_t row : rows_) {
            require(row >= 0, "a row's number is out of range");
            limit_ = std::max(limit_, static_cast<std::size_t>(row) + 1);
        }
        texts_ = {ids.data(), offsets_.data(), offsets_.size() - 1, starts_.data(), rows_.data(), end, words()};
    }
    PyTexts(const PyTexts&) = delete;
    const Texts& get() const { return texts_; }
    std::size_t words() const { return starts_.size() - 1; }
    std::size_t limit() const { return limit_; }  // above every row's number

private:
    Array<std::int32_t> ids_;
    std::vector<std::int64_t> offsets_, starts_;
    std::vector<std::int32_t> rows_;
    std::size_t limit_ = 0;
    Texts texts_{};
};

class PyLoss {
public:
    PyLoss(std::string_view name, Array<std::int64_t> counts, int negative, double exponent)
        : loss_(kind(name), checked(name, copied(counts), negative, exponent).data(), counts.size(), negative, exponent) {}
    const Loss& get() const { return loss_; }

private:
    static Kind kind(std::string_view name) {
        if (name == "ns") return Kind::negative_sampling;
        if (name == "hs") return Kind::hierarchical_softmax;
        if (name == "softmax") return Kind::softmax;
        if (name == "ova") return Kind::one_vs_all;
        throw nb::value_error("the loss is none of ns, hs, softmax, ova");
    }

    static std::vector<std::int64_t> checked(std::string_view name, std::vector<std::int64_t> counts, int negative, double exponent) {
        require(counts.size() > 0 && counts.size() < 0x7FFFFFFF, "there are no targets, or too many");
        require(negative >= 0 && negative <= 1'000'000, "negative is out of range");
        require(std::isfinite(exponent), "the exponent is not a number");
        std::int64_t total = 0;
        for (std::size_t k = 0; k < counts.size(); ++k) {
            require(counts[k] >= 0 && counts[k] < (std::int64_t{1} << 48), "a count is out of range");
            require((total += counts[k]) < (std::int64_t{1} << 62), "the counts are 2^62 or more together");
            require(name != "hs" || k == 0 || counts[k] <= counts[k - 1], "the counts rise");
        }
        require(total > 0 || name != "ns", "all counts are 0");
        return counts;
    }

    Loss loss_;
};

// (first learning rate, last one, epochs, threads, seed), and where it is not the usual number the words that are
// trained before threads take copies of rows
Schedule schedule(const nb::tuple& given) {
    double first, last;
    int epochs, threads;
    std::uint64_t seed;
    std::size_t shared_words = lexarium::kSharedWords;
    require((given.size() == 5 || (given.size() == 6 && nb::try_cast(given[5], shared_words))) && nb::try_cast(given[0], first) &&
                nb::try_cast(given[1], last) && nb::try_cast(given[2], epochs) && nb::try_cast(given[3], threads) &&
                nb::try_cast(given[4], seed),
            "the schedule is not two learning rates, epochs, threads, a seed, and perhaps a number of words");
    require(std::isfinite(first) && std::isfinite(last), "the learning rate is not a number");
    require(epochs >= 0, "epochs is below 0");
    require(threads >= 1 && threads <= 1024, "threads is not from 1 to 1024");
    return {static_cast<float>(first), static_cast<float>(last), epochs, threads, seed, shared_words};
}

Rows rows_of(const Matrix& matrix, std::size_t limit) {
    require(matrix.shape(1) > 0 && matrix.shape(1) % kMultiple == 0, "a row is not a multiple of 16 floats");
    require(matrix.shape(0) >= limit, "the matrix has too few rows");
    return {matrix.data(), matrix.shape(1), {}};
}

struct Matrices {
    Matrices(const Matrix& in, std::size_t in_rows, const Matrix& out, std::size_t out_rows)
        : input(rows_of(in, in_rows)), output(rows_of(out, out_rows)), input_rows(in.shape(0)) {
        require(input.stride == output.stride, "the two matrices have rows of different lengths");
    }
    Shared shared(const Texts& texts, const Labelled* labelled, const Loss& loss, const lexarium::Steps& steps) const { return {texts, labelled, loss, input, input_rows, output, steps}; }
    Rows input, output;
    std::size_t input_rows;
};

template <typename Work>
void watched(int threads, nb::object progress, const Work& work) {
    Control control;
    const lexarium::Watch watch(std::move(progress), control.done);
    nb::gil_scoped_release released;
    lexarium::in_parallel_watched(threads, control.stop, [&](int t) { work(t, control); }, watch);
}

// Of each word (words): what the mean of its rows changes by where each of them, twice the ones that it has twice,
// changes by 1.
std::vector<float> paces_of(const Texts& texts) {
    std::vector<float> paces(texts.words, 0.0f);
    std::vector<std::int32_t> rows;
    for (std::size_t word = 0; word < texts.words; ++word) {
        const auto number = static_cast<std::int32_t>(word);
        rows.assign(texts.rows_of(number), texts.rows_of(number) + texts.rows_in(number));
        std::sort(rows.begin(), rows.end());
        double squares = 0;
        for (auto run = rows.begin(), end = run; run != rows.end(); run = end) {
            end = std::upper_bound(run, rows.end(), *run);
            squares += static_cast<double>((end - run) * (end - run));
        }
        if (!rows.empty()) paces[word] = static_cast<float>(squares / static_cast<double>(rows.size()));
    }
    return paces;
}

void learn_words(const PyTexts& texts, Array<float> keep, const PyLoss& loss, Matrix input, Matrix output, bool cbow,
                 int window, nb::tuple rates, nb::object progress) {
    require(keep.size() == texts.words(), "keep has not one number for each word");
    require(window >= 1 && window <= 1000, "window is not from 1 to 1000");
    require(loss.get().size() == texts.words(), "the loss has not one target for each word");
    const Matrices matrices(input, texts.limit(), output, texts.words());
    const Schedule plan = schedule(rates);
    const std::vector<float> paces = cbow ? std::vector<float>() : paces_of(texts.get());
    const Unlabelled data{texts.get(), keep.data(), paces.data(), cbow, window};
    const double most = loss.get().is_tree() ? kTreeApart : kWordsApart, pairs = (window + 1) * loss.get().outputs();
    Shared shared = matrices.shared(texts.get(), nullptr, loss.get(), {pairs, std::max(plan.first, plan.last) / kUsualRate, most, plan.shared_words, plan.threads});
    watched(plan.threads, std::move(progress), [&](int t, Control& control) {
        train_words(data, loss.get(), matrices.input, matrices.output, shared, plan, t, control);
    });
}

void check_longest(int longest) { require(longest >= 1 && longest <= 1000, "longest is not from 1 to 1000"); }

// The runs of words of a classifier: (longest, hashes (words), row of each bucket).
class PyRuns {
public:
    PyRuns(int longest, Array<std::uint32_t> hashes, Array<std::int32_t> row_of_bucket)
        : hashes_(copied(hashes)), row_of_bucket_(copied(row_of_bucket)) {
        check_longest(longest);
        require(row_of_bucket_.size() < 0xFFFFFFFFu, "there are too many buckets");
        require(longest == 1 || !row_of_bucket_.empty(), "there are no buckets");
        for (const std::int32_t row : row_of_bucket_) {
            require(row >= -1, "a row's number is out of range");
            limit_ = std::max(limit_, static_cast<std::size_t>(std::int64_t{row} + 1));
        }
        runs_ = {longest, static_cast<std::uint32_t>(row_of_bucket_.size()), hashes_.data(), row_of_bucket_.data()};
    }
    PyRuns(const PyRuns&) = delete;
    const Runs& of(const PyTexts& texts) const {
        require(runs_.longest == 1 || hashes_.size() == texts.words(), "there is not one hash value for each word");
        return runs_;
    }
    std::size_t limit() const { return limit_; }

private:
    std::vector<std::uint32_t> hashes_;
    std::vector<std::int32_t> row_of_bucket_;
    std::size_t limit_ = 0;
    Runs runs_;
};

void learn_labels(const PyTexts& texts, const PyRuns& runs, Array<std::int32_t> given_labels, Array<std::int64_t> given_offsets,
                  const PyLoss& loss, Matrix input, Matrix output, nb::tuple rates, nb::object progress) {
    const std::vector<std::int32_t> labels = copied(given_labels);
    const std::vector<std::int64_t> label_offsets = copied(given_offsets);
    check_offsets(label_offsets, labels.size());
    require(label_offsets.size() == texts.get().count + 1, "there are not as many rows of labels as texts");
    check_below(labels.data(), labels.size(), loss.get().size(), "a label's number is out of range");
    const Matrices matrices(input, std::max(texts.limit(), runs.limit()), output, loss.get().size());
    const Schedule plan = schedule(rates);
    const Labelled data{texts.get(), runs.of(texts), labels.data(), label_offsets.data()};
    // Files are often sorted by label, and a classifier learns little from one label at a time.
    std::vector<std::size_t> order(texts.get().count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    lexarium::Random random(plan.seed, ~std::uint64_t{0});
    shuffle(order, 0, order.size(), random);
    Shared shared = matrices.shared(texts.get(), &data, loss.get(), {1, std::max(plan.first, plan.last) / kUsualRateOfLabels, kLabelsApart, plan.shared_words, plan.threads});
    watched(plan.threads, std::move(progress), [&](int t, Control& control) {
        train_labels(data, loss.get(), matrices.input, matrices.output, shared, plan, t, order, control);
    });
}

// Words in UTF-8, packed one after another.
class Strings {
public:
    Strings(const Array<std::uint8_t>& bytes, const Array<std::int64_t>& offsets)
        : bytes_(reinterpret_cast<const char*>(bytes.data())), offsets_(copied(offsets)) {
        check_offsets(offsets_, bytes.size());
    }
    std::size_t size() const { return offsets_.size() - 1; }
    std::string_view operator[](std::size_t i) const {
        return {bytes_ + offsets_[i], static_cast<std::size_t>(offsets_[i + 1] - offsets_[i])};
    }

private:
    const char* bytes_;
    std::vector<std::int64_t> offsets_;
};

// For each word the buckets of its n-grams of characters: (offsets (n + 1), buckets).
nb::tuple ngrams(Array<std::uint8_t> bytes, Array<std::int64_t> offsets, int shortest, int longest, std::uint32_t buckets) {
    require(shortest >= 1 && longest >= shortest && longest <= 1000, "the lengths of n-grams are out of range");
    require(buckets >= 1, "there are no buckets");
    const Strings words(bytes, offsets);
    std::vector<std::int64_t> ends{0};
    std::vector<std::uint32_t> found;
    watched(1, nb::none(), [&](int, Control& control) {
        for (std::size_t i = 0; i < words.size() && !is_set(&control.stop); ++i) {
            if (words[i] != "</s>")
                for_ngrams(words[i], shortest, longest, buckets, [&](std::uint32_t bucket) { found.push_back(bucket); }, &control.stop);
            ends.push_back(static_cast<std::int64_t>(found.size()));
        }
    });
    return nb::make_tuple(lexarium::array(std::move(ends)), lexarium::array(std::move(found)));
}

nb::ndarray<nb::numpy, std::uint32_t, nb::ndim<1>> hashes(Array<std::uint8_t> bytes, Array<std::int64_t> offsets) {
    const Strings words(bytes, offsets);
    std::vector<std::uint32_t> found(words.size());
    for (std::size_t i = 0; i < words.size(); ++i) found[i] = hash_of(words[i]);
    return lexarium::array(std::move(found));
}

// Which buckets the runs of 2 to `longest` words of the texts fall into: 1 for each that is used.
nb::ndarray<nb::numpy, std::uint8_t, nb::ndim<1>> used_buckets(const PyTexts& texts, Array<std::uint32_t> hashes, int longest, std::uint32_t buckets) {
    check_longest(longest);
    require(hashes.size() == texts.words(), "there is not one hash value for each word");
    require(buckets >= 1, "there are no buckets");
    std::vector<std::uint8_t> used(buckets, 0);
    watched(1, nb::none(), [&](int, Control& control) {
        const Texts& given = texts.get();
        std::vector<std::uint32_t> line;
        const auto add = [&](std::int32_t word) {
            if (given.has(word)) line.push_back(hashes.data()[word]);
        };
        for (std::size_t i = 0; i < given.count && !is_set(&control.stop); ++i) {
            line.clear();
            for (std::int64_t j = given.offsets[i]; j < given.offsets[i + 1]; ++j) add(given.ids[j]);
            if (given.end >= 0) add(given.end);
            for_runs(line.data(), line.size(), longest, buckets, [&](std::uint32_t bucket) { used[bucket] = 1; }, &control.stop);
        }
    });
    return lexarium::array(std::move(used));
}

// An array whose type and layout must be the ones declared: a copy would be trained in vain.
auto fixed(const char* name) { return nb::arg(name).noconvert(); }

}  // namespace

NB_MODULE(_fasttext_train, m) {
    nb::set_leak_warnings(false);  // at exit a traceback may still hold an object
    nb::class_<PyTexts>(m, "Texts")
        .def(nb::init<Array<std::int32_t>, Array<std::int64_t>, Array<std::int64_t>, Array<std::int32_t>, int>(), fixed("ids"),
             fixed("offsets"), fixed("starts"), fixed("rows"), "end"_a);
    nb::class_<PyLoss>(m, "Loss")
        .def(nb::init<std::string_view, Array<std::int64_t>, int, double>(), "name"_a, fixed("counts"), "negative"_a, "exponent"_a);
    nb::class_<PyRuns>(m, "Runs")
        .def(nb::init<int, Array<std::uint32_t>, Array<std::int32_t>>(), "longest"_a, fixed("hashes"), fixed("row_of_bucket"));
    m.def("learn_words", &learn_words, "texts"_a, fixed("keep"), "loss"_a, fixed("input"), fixed("output"), "cbow"_a, "window"_a,
          "schedule"_a, "progress"_a.none());
    m.def("learn_labels", &learn_labels, "texts"_a, "runs"_a, fixed("labels"), fixed("label_offsets"), "loss"_a, fixed("input"),
          fixed("output"), "schedule"_a, "progress"_a.none());
    m.def("ngrams", &ngrams, fixed("bytes"), fixed("offsets"), "shortest"_a, "longest"_a, "buckets"_a);
    m.def("hashes", &hashes, fixed("bytes"), fixed("offsets"));
    m.def("used_buckets", &used_buckets, "texts"_a, fixed("hashes"), "longest"_a, "buckets"_a);
}
