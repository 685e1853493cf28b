// Python's side of fastText's vectors: arrays and strings in, numpy arrays out.
#include "fasttext.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fasttext_hash.hpp"
#include "fasttext_scores.hpp"
#include "parallel.hpp"
#include "python.hpp"
#include "python_text.hpp"

namespace nb = nanobind;
using namespace nb::literals;
namespace ft = lexarium::fasttext;

namespace {

template <typename T, std::size_t dimensions>
using Array = nb::ndarray<const T, nb::ndim<dimensions>, nb::c_contig, nb::device::cpu>;
using Floats2 = nb::ndarray<nb::numpy, float, nb::ndim<2>>;

void require(bool holds, const char* problem) {
    if (!holds) throw nb::value_error(problem);
}

template <typename T>
nb::ndarray<nb::numpy, T, nb::ndim<2>> matrix(std::vector<T>&& values, std::size_t rows, std::size_t dim) {
    auto* owned = new std::vector<T>(std::move(values));
    nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return nb::ndarray<nb::numpy, T, nb::ndim<2>>(owned->data(), {rows, dim}, owner);
}

// A vocabulary's three arrays.
struct PyWords {
    PyWords(Array<std::uint8_t, 1> bytes, Array<std::int64_t, 1> offsets, Array<std::uint32_t, 1> slots)
        : bytes(bytes), offsets(offsets), slots(slots) {
        require(offsets.size() >= 1 && slots.size() >= offsets.size(), "the vocabulary's arrays do not belong together");
        words = {bytes.data(), offsets.data(), slots.data(), bytes.size(), offsets.size() - 1, slots.size()};
    }
    Array<std::uint8_t, 1> bytes;
    Array<std::int64_t, 1> offsets;
    Array<std::uint32_t, 1> slots;
    ft::Words words;
};

// Rows as codes; see plugins/fasttext, model.py: Quantised.
struct PyCodes {
    PyCodes(Array<std::uint8_t, 2> codes, Array<float, 1> centroids, std::optional<Array<std::uint8_t, 1>> norm_codes,
            std::optional<Array<float, 1>> norms, std::size_t dim, std::size_t per_part)
        : codes(codes), centroids(centroids), norm_codes(norm_codes), norms(norms), dim(dim) {
        require(dim >= 1 && dim < (1u << 20) && per_part >= 1 && per_part <= dim, "dim or per_part is out of range");
        require(codes.shape(1) == (dim + per_part - 1) / per_part && centroids.size() == 256 * dim, "the codes and the centroids do not belong together");
        require(norm_codes.has_value() == norms.has_value(), "there are codes of lengths without lengths, or lengths without codes");
        require(!norms || (norms->size() == 256 && norm_codes->size() == codes.shape(0)), "the codes of lengths do not belong to the rows");
        view = {codes.data(), centroids.data(), norms ? norm_codes->data() : nullptr, norms ? norms->data() : nullptr,
                codes.shape(0), codes.shape(1), per_part};
    }
    Array<std::uint8_t, 2> codes;
    Array<float, 1> centroids;
    std::optional<Array<std::uint8_t, 1>> norm_codes;
    std::optional<Array<float, 1>> norms;
    std::size_t dim;
    ft::Codes view;
};

// The rows of n-grams: dense, or codes, of which those behind `first` are buckets'.
struct PyBuckets {
    PyBuckets(std::optional<Array<float, 2>> rows, std::optional<PyCodes> codes, std::size_t first, std::optional<Array<std::int64_t, 1>> ids,
              std::int64_t count, bool pruned)
        : rows(rows), codes(codes) {
        require(rows.has_value() != codes.has_value(), "give rows, or codes, and not both");
        require(count >= 0 && count <= 0x7FFFFFFF, "the number of buckets is out of range");
        require(rows ? first == 0 : first <= codes->view.rows, "the first row of a bucket is out of range");
        const std::size_t kept = rows ? rows->shape(0) : codes->view.rows - first;
        dim = rows ? rows->shape(1) : codes->dim;
        require(kept <= static_cast<std::size_t>(count), "there are more rows than buckets");
        require(ids || kept == static_cast<std::size_t>(count), "rows are missing, and nothing says which");
        if (ids) {
            std::vector<std::int64_t> own(ids->data(), ids->data() + ids->size());  // checked values must not change later
            require(own.size() == kept, "there is not one id for each row");
            for (std::size_t i = 0; i < kept; ++i)
                require(own[i] > (i ? own[i - 1] : -1) && own[i] < count, "the ids of the rows do not rise, or are out of range");
            this->ids = std::make_shared<const std::vector<std::int64_t>>(std::move(own));
        }
        view = {rows ? rows->data() : nullptr, codes ? codes->view : ft::Codes{}, first, this->ids ? this->ids->data() : nullptr, kept,
                static_cast<std::uint32_t>(count), pruned};
    }
    std::optional<Array<float, 2>> rows;
    std::optional<PyCodes> codes;
    std::shared_ptr<const std::vector<std::int64_t>> ids;
    std::size_t dim;
    ft::Buckets view;
};

constexpr int kLongest = 1000;  // n-gram or run of words

ft::Grams grams_of(int shortest, int longest, int words) {
    // With no limit a stranger's model with one long word would take hours: the square of its length.
    require(longest >= 0 && longest <= kLongest && shortest >= 0 && words >= 0 && words <= kLongest, "the lengths of n-grams are out of range");
    return {shortest, longest, words};
}

void check_threads(int threads) { require(threads >= 1 && threads <= 1024, "threads is out of range"); }

// Runs `work(begin, end, stop)` over 0 .. count - 1 in equal parts. Ctrl-C sets `stop`.
template <typename Work>
void in_parts(std::size_t count, int threads, const Work& work) {
    constexpr std::size_t kPart = 64;
    const std::size_t workers = std::clamp<std::size_t>((count + kPart - 1) / kPart, 1, static_cast<std::size_t>(threads));
    std::atomic<std::size_t> next{0};
    std::atomic<std::int64_t> done{0};
    std::atomic<bool> stop{false};
    const lexarium::Watch watch(nb::none(), done);
    nb::gil_scoped_release released;
    lexarium::in_parallel_watched(
        static_cast<int>(workers), stop,
        [&](int) {
            for (std::size_t begin; (begin = next.fetch_add(kPart)) < count && !stop.load(std::memory_order_relaxed);)
                work(begin, std::min(count, begin + kPart), stop);
        },
        watch);
}

nb::tuple word_means(const PyWords& words, std::optional<Array<float, 2>> rows, const PyBuckets& buckets, int shortest, int longest, int threads) {
    const std::size_t count = words.words.count, dim = buckets.dim;
    const ft::Grams grams = grams_of(shortest, longest, 1);
    check_threads(threads);
    require(rows ? rows->shape(0) == count && rows->shape(1) == dim : buckets.codes && buckets.view.first_code == count,
            "there is not one row for each word");
    std::vector<float> vectors(count * dim);
    std::vector<std::int32_t> sizes(count);
    {
        const ft::BucketIndex index(buckets.view);
        const float* given = rows ? rows->data() : nullptr;
        const ft::Loops& loops = ft::loops();
        in_parts(count, threads, [&](std::size_t begin, std::size_t end, const std::atomic<bool>& stop) {
            ft::word_means(words.words, given, buckets.view, index, grams, dim, begin, end, loops, stop, vectors.data(), sizes.data());
        });
    }
    return nb::make_tuple(matrix(std::move(vectors), count, dim), lexarium::array(std::move(sizes)));
}

class PyModel {
public:
    PyModel(const PyModel&) = delete;
    PyModel(const PyWords& words, Array<float, 2> vectors, Array<std::int32_t, 1> sizes, const PyBuckets& buckets, int shortest,
            int longest, int run)
        : words_(words), vectors_(vectors), sizes_(sizes), buckets_(buckets),
          model_(checked(words, vectors, sizes, buckets), vectors.data(), sizes.data(), buckets_.view,
                 grams_of(shortest, longest, run), vectors.shape(1)) {}

    Floats2 from_grams(nb::sequence words, int threads) const {
        check_threads(threads);
        const lexarium::Views views(words);
        const auto& texts = views.get();
        std::vector<float> vectors(texts.size() * model_.dim());
        in_parts(texts.size(), threads, [&](std::size_t begin, std::size_t end, const std::atomic<bool>& stop) {
            for (std::size_t i = begin; i < end; ++i) model_.from_grams(texts[i], vectors.data() + i * model_.dim(), stop);
        });
        return matrix(std::move(vectors), texts.size(), model_.dim());
    }

    nb::tuple pool(nb::sequence given, std::string_view pooling, std::string_view split, bool lowercase, std::string_view label_prefix,
                   std::optional<Array<float, 1>> weights, float unknown, bool per_token, int threads) const {
        check_threads(threads);
        require(!weights || weights->size() == vectors_.shape(0), "there is not one weight for each word");
        const ft::Weighing weighing{pooling_of(pooling), weights ? weights->data() : nullptr, unknown, per_token};
        const ft::Reading reading = reading_of(split, lowercase, label_prefix);
        const auto& characters = lexarium::characters();
        const lexarium::Views views(given);
        const auto& texts = views.get();
        std::vector<float> sums(texts.size() * model_.dim());
        std::vector<double> totals(texts.size());
        std::atomic<std::size_t> next{0};
        over_texts(views.bytes(), threads, [&](const std::atomic<bool>& stop) {
            model_.pool(texts, next, reading, characters, weighing, sums.data(), totals.data(), stop);
        });
        return nb::make_tuple(matrix(std::move(sums), texts.size(), model_.dim()), lexarium::array(std::move(totals)));
    }

    nb::ndarray<nb::numpy, double, nb::ndim<2>> scores(nb::sequence given, std::string_view label_prefix, int threads) {
        check_threads(threads);
        if (!scores_) {
            std::shared_ptr<const ft::Scores> made;
            lexarium::interruptible(words_.words.count < kBrief, [&](const std::atomic<bool>& stop) {
                made = std::make_shared<const ft::Scores>(model_, stop);
            });
            scores_ = made;  // with the interpreter's lock: of two threads that made one, the last one's stays
        }
        const std::shared_ptr<const ft::Scores> table = scores_;
        const lexarium::Views views(given);
        const auto& texts = views.get();
        std::vector<double> means(texts.size() * model_.dim());
        std::atomic<std::size_t> next{0};
        over_texts(views.bytes(), threads,
                   [&](const std::atomic<bool>& stop) { table->read(texts, next, label_prefix, means.data(), stop); });
        return matrix(std::move(means), texts.size(), model_.dim());
    }

private:
    static constexpr std::size_t kBrief = 1 << 14;  // bytes of text that are read before a thread would have started

    // Runs `work(stop)` in as many threads as `size` bytes of text repay. Ctrl-C sets `stop`.
    template <typename Work>
    static void over_texts(std::size_t size, int threads, const Work& work) {
        if (threads == 1 || size <= kBrief) return lexarium::interruptible(size <= kBrief, work);
        std::atomic<std::int64_t> done{0};
        std::atomic<bool> stop{false};
        const lexarium::Watch watch(nb::none(), done);
        const int workers = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(threads), size / kBrief + 1));
        nb::gil_scoped_release released;
        lexarium::in_parallel_watched(workers, stop, [&](int) { work(stop); }, watch);
    }

    static const ft::Words& checked(const PyWords& words, const Array<float, 2>& vectors, const Array<std::int32_t, 1>& sizes, const PyBuckets& buckets) {
        require(vectors.shape(0) == words.words.count && sizes.size() == words.words.count, "there is not one vector and one size for each word");
        require(vectors.shape(1) == buckets.dim, "the vectors of words and of buckets differ in their number of components");
        require(!buckets.codes || buckets.view.first_code == words.words.count, "there is not one code for each word");
        return words.words;
    }

    static ft::Pooling pooling_of(std::string_view name) {
        if (name == "weighted") return ft::Pooling::weighted;
        if (name == "normalized") return ft::Pooling::normalized;
        if (name == "features") return ft::Pooling::features;
        throw nb::value_error("pooling is none of weighted, normalized, features");
    }

    static ft::Reading reading_of(std::string_view split, bool lowercase, std::string_view label_prefix) {
        using Split = ft::Reading::Split;
        if (split == "fasttext") return {Split::fasttext, lexarium::Rule::whitespace, false, label_prefix};
        if (split == "lines") return {Split::lines, lexarium::Rule::whitespace, false, label_prefix};
        return {Split::rule, lexarium::rule_of(split), lowercase, label_prefix};
    }

    PyWords words_;
    Array<float, 2> vectors_;
    Array<std::int32_t, 1> sizes_;
    PyBuckets buckets_;
    ft::Model model_;
    std::shared_ptr<const ft::Scores> scores_;  // made when first asked for
};

std::string bytes_of(nb::str text) {
    nb::list one;
    one.append(text);
    return std::string(lexarium::Views(one).get()[0]);
}

std::uint32_t hash(nb::str word) { return ft::hash_of(bytes_of(word)); }

auto ngrams(nb::str word, int shortest, int longest, std::int64_t count) {
    grams_of(shortest, longest, 1);
    require(count >= 1 && count <= 0x7FFFFFFF, "the number of buckets is out of range");
    std::vector<std::int64_t> found;
    ft::for_ngrams(bytes_of(word), shortest, longest, static_cast<std::uint32_t>(count), [&](std::uint32_t bucket) { found.push_back(bucket); });
    return lexarium::array(std::move(found));
}

auto runs(nb::sequence words, int longest, std::int64_t count) {
    grams_of(1, 1, longest);
    require(count >= 1 && count <= 0x7FFFFFFF, "the number of buckets is out of range");
    const lexarium::Views views(words);
    std::vector<std::uint32_t> hashes;
    for (const auto word : views.get()) hashes.push_back(ft::hash_of(word));
    std::vector<std::int64_t> found;
    ft::for_runs(hashes.data(), hashes.size(), longest, static_cast<std::uint32_t>(count), [&](std::uint32_t bucket) { found.push_back(bucket); });
    return lexarium::array(std::move(found));
}

// An array whose type and layout must be the ones declared: nothing is converted unseen.
auto fixed(const char* name) { return nb::arg(name).noconvert(); }

}  // namespace

NB_MODULE(_fasttext, m) {
    nb::set_leak_warnings(false);  // at exit a traceback may still hold an object
    nb::class_<PyWords>(m, "Words")
        .def(nb::init<Array<std::uint8_t, 1>, Array<std::int64_t, 1>, Array<std::uint32_t, 1>>(), fixed("bytes"), fixed("offsets"),
             fixed("slots"));
    nb::class_<PyCodes>(m, "Codes")
        .def(nb::init<Array<std::uint8_t, 2>, Array<float, 1>, std::optional<Array<std::uint8_t, 1>>, std::optional<Array<float, 1>>, std::size_t,
                      std::size_t>(),
             fixed("codes"), fixed("centroids"), fixed("norm_codes").none(), fixed("norms").none(), "dim"_a, "per_part"_a);
    nb::class_<PyBuckets>(m, "Buckets")
        .def(nb::init<std::optional<Array<float, 2>>, std::optional<PyCodes>, std::size_t, std::optional<Array<std::int64_t, 1>>, std::int64_t, bool>(),
             fixed("rows").none(), "codes"_a.none(), "first"_a, fixed("ids").none(), "count"_a, "pruned"_a);
    nb::class_<PyModel>(m, "Model")
        .def(nb::init<const PyWords&, Array<float, 2>, Array<std::int32_t, 1>, const PyBuckets&, int, int, int>(), "words"_a, fixed("vectors"),
             fixed("sizes"), "buckets"_a, "shortest"_a, "longest"_a, "run"_a)
        .def("from_grams", &PyModel::from_grams, "words"_a, "threads"_a)
        .def("pool", &PyModel::pool, "texts"_a, "pooling"_a, "split"_a, "lowercase"_a, "label_prefix"_a, fixed("weights").none(), "unknown"_a,
             "per_token"_a, "threads"_a)
        .def("scores", &PyModel::scores, "texts"_a, "label_prefix"_a, "threads"_a);
    m.def("word_means", &word_means, "words"_a, fixed("rows").none(), "buckets"_a, "shortest"_a, "longest"_a, "threads"_a);
    m.def("hash", &hash, "word"_a);
    m.def("ngrams", &ngrams, "word"_a, "shortest"_a, "longest"_a, "count"_a);
    m.def("runs", &runs, "words"_a, "longest"_a, "count"_a);
}
