// Python's side of counting: strings in, numpy arrays out; the interpreter is released while it counts.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string_view.h>

#include <atomic>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "counting.hpp"
#include "python.hpp"
#include "python_text.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using lexarium::array;
using GivenBytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using GivenOffsets = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

constexpr auto kMost = static_cast<std::int64_t>(lexarium::kMostInText);

lexarium::Settings settings_of(std::string_view analyzer, std::string_view rule, bool lowercase, int shortest, int longest,
                               int threads, std::int64_t most) {
    if (shortest < 1 || longest < shortest || longest > 100 || threads < 1 || threads > 1024)
        throw nb::value_error("shortest, longest or threads is out of range");
    if (most < 1 || most > kMost) throw nb::value_error("most is out of range");
    using lexarium::Analyzer;
    const bool known = analyzer == "word" || analyzer == "char" || analyzer == "char_wb" || analyzer == "given";
    if (!known) throw nb::value_error("the analyzer is none of word, char, char_wb, given");
    const Analyzer chosen = analyzer == "word"   ? Analyzer::word
                            : analyzer == "char" ? Analyzer::chars
                            : analyzer == "given" ? Analyzer::given
                                                  : Analyzer::chars_wb;
    return {&lexarium::characters(), chosen, lexarium::rule_of(rule), lowercase, shortest, longest, threads, static_cast<std::size_t>(most)};
}

constexpr std::size_t kBrief = 1 << 16;  // bytes: for less, no other thread watches for Ctrl-C

// The texts of a call: strings, or (analyzer "given") strings that are terms, with the offsets of each text's.
class Input {
public:
    Input(const lexarium::Settings& settings, nb::handle strings, const std::optional<GivenOffsets>& offsets)
        : views_(strings), texts_{views_.get()} {
        texts_.count = views_.get().size();
        if (offsets.has_value() != (settings.analyzer == lexarium::Analyzer::given))
            throw nb::value_error("offsets belong to the analyzer \"given\", and to no other");
        if (!offsets) return;
        offsets_.assign(offsets->data(), offsets->data() + offsets->size());
        lexarium::check_offsets(offsets_.data(), offsets_.size(), texts_.count);
        texts_.offsets = offsets_.data();
        texts_.count = offsets_.size() - 1;
    }
    Input(const Input&) = delete;
    const lexarium::Texts& get() const { return texts_; }
    bool brief() const { return views_.bytes() + views_.get().size() < kBrief; }

private:
    lexarium::Views views_;
    std::vector<std::int64_t> offsets_;  // checked, and then nobody's to change
    lexarium::Texts texts_;
};

// A numpy array that owns what the buffer held.
template <typename T>
nb::ndarray<nb::numpy, T, nb::ndim<1>> array(lexarium::Buffer<T>&& values) {
    auto* owned = new lexarium::Buffer<T>(std::move(values));
    nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<lexarium::Buffer<T>*>(p); });
    owned->reserve(1);  // an array of nothing has an address, too
    return nb::ndarray<nb::numpy, T, nb::ndim<1>>(owned->data(), {owned->size()}, owner);
}

template <typename Count>
nb::tuple arrays(lexarium::Rows<Count>&& rows) {
    return nb::make_tuple(array(std::move(rows.offsets)), array(std::move(rows.columns)), array(std::move(rows.counts)));
}

class PyLearner {
public:
    PyLearner(const PyLearner&) = delete;
    PyLearner(std::string_view analyzer, std::string_view rule, bool lowercase, int shortest, int longest, int threads,
              nb::handle stop_words, bool rows, std::int64_t prune_at, std::int64_t most)
        : settings_(settings_of(analyzer, rule, lowercase, shortest, longest, threads, most)),
          learner_(settings_, lexarium::Views(stop_words).get(), rows, at_least_none(prune_at)) {}

    void add(nb::handle texts, std::optional<GivenOffsets> offsets) {
        const Input input(settings_, texts, offsets);
        feed(input.get());
    }

    // One text a line; lines end with \n, and \r before it is no part of the text. Reads nothing of a block that
    // is not UTF-8.
    std::size_t add_lines(nb::bytes block) {
        if (settings_.analyzer == lexarium::Analyzer::given) throw nb::value_error("lines are texts, and no terms");
        const std::string_view all(block.c_str(), block.size());
        const auto* raw = reinterpret_cast<const std::uint8_t*>(all.data());
        if (const std::size_t place = lexarium::find_invalid(raw, all.size()); place < all.size())
            throw nb::value_error(("byte " + std::to_string(place) + " of the block is not UTF-8").c_str());
        std::vector<std::string_view> views;
        for (std::size_t begin = 0; begin < all.size();) {
            const std::size_t end = std::min(all.find('\n', begin), all.size());
            std::size_t behind = end;
            while (behind > begin && all[behind - 1] == '\r') --behind;
            views.push_back(all.substr(begin, behind - begin));
            begin = end + 1;
        }
        feed({views, nullptr, views.size()});
        return views.size();
    }

    nb::tuple finish() {
        lexarium::Learned learned;
        locked([&](const std::function<void()>& tick) {
            learned = learner_.finish(tick);
            finished_ = true;
        });
        return nb::make_tuple(array(std::move(learned.bytes)), array(std::move(learned.offsets)),
                              array(std::move(learned.texts)), array(std::move(learned.counts)),
                              array(std::move(learned.entropy)), arrays(std::move(learned.rows)));
    }

private:
    static std::size_t at_least_none(std::int64_t prune_at) {
        if (prune_at < 0) throw nb::value_error("prune_at is negative");
        return static_cast<std::size_t>(prune_at);
    }

    void feed(const lexarium::Texts& texts) {
        locked([&](const std::function<void()>& tick) { learner_.add(texts, tick); });
    }

    // Two Python threads take turns. What throws in the middle of its work leaves a learner that is of no more use.
    template <typename Work>
    void locked(const Work& work) {
        const lexarium::Watch watch(nb::none(), unused_);
        nb::gil_scoped_release released;
        std::lock_guard<std::mutex> one_at_a_time(mutex_);
        if (finished_) throw std::invalid_argument("it is finished already");
        if (broken_) throw std::runtime_error("an earlier call failed or was interrupted; this Learner is of no more use");
        broken_ = true;
        work([&watch] { watch(); });
        broken_ = false;
    }

    lexarium::Settings settings_;
    lexarium::Learner learner_;
    std::mutex mutex_;
    bool finished_ = false;
    bool broken_ = false;
    std::atomic<std::int64_t> unused_{0};
};

// A Counter or a Hasher.
template <typename Counts>
class PyCounts {
public:
    PyCounts(const PyCounts&) = delete;
    // `make(counts, stop words, stop)` constructs it in place; it runs without the interpreter's lock.
    template <typename Make>
    PyCounts(const lexarium::Settings& settings, nb::handle stop_words, bool brief, const Make& make) : settings_(settings) {
        const lexarium::Views stops(stop_words);
        lexarium::interruptible(brief, [&](const std::atomic<bool>& stop) { make(counts_, stops.get(), stop); });
    }

    nb::tuple count(nb::handle texts, std::optional<GivenOffsets> offsets) const {
        const Input input(settings_, texts, offsets);
        lexarium::Rows<float> rows;
        lexarium::interruptible(
            input.brief(), [&](const std::atomic<bool>& stop) { rows = counts_->count(input.get(), stop); });
        return arrays(std::move(rows));
    }

private:
    lexarium::Settings settings_;
    std::optional<Counts> counts_;
};

using PyCounter = PyCounts<lexarium::Counter>;
using PyHasher = PyCounts<lexarium::Hasher>;

}  // namespace

NB_MODULE(_counting, m) {
    nb::set_leak_warnings(false);  // at exit a traceback may still hold an object
    nb::class_<PyLearner>(m, "Learner")
        .def(nb::init<std::string_view, std::string_view, bool, int, int, int, nb::handle, bool, std::int64_t,
                      std::int64_t>(),
             "analyzer"_a, "rule"_a, "lowercase"_a, "shortest"_a, "longest"_a, "threads"_a, "stop_words"_a, "rows"_a,
             "prune_at"_a, "most"_a = kMost)
        .def("add", &PyLearner::add, "texts"_a, "offsets"_a.noconvert().none() = nb::none())
        .def("add_lines", &PyLearner::add_lines, "block"_a)
        .def("finish", &PyLearner::finish);
    nb::class_<PyCounter>(m, "Counter")
        .def(
            "__init__",
            [](PyCounter* self, std::string_view analyzer, std::string_view rule, bool lowercase, int shortest,
               int longest, int threads, nb::handle stop_words, GivenBytes bytes, GivenOffsets offsets, std::int64_t most) {
                const auto settings = settings_of(analyzer, rule, lowercase, shortest, longest, threads, most);
                const lexarium::Checked checked(bytes.data(), bytes.size(), offsets.data(), offsets.size());
                const lexarium::Packed terms = checked.get();
                if (terms.count >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
                    throw nb::value_error("more than 2^31 - 2 terms");
                const bool brief = bytes.size() + terms.count < kBrief;
                new (self) PyCounter(settings, stop_words, brief, [&](auto& counter, auto& stops, auto& stop) {
                    counter.emplace(settings, stops, terms, stop);
                });
            },
            "analyzer"_a, "rule"_a, "lowercase"_a, "shortest"_a, "longest"_a, "threads"_a, "stop_words"_a,
            "bytes"_a.noconvert(), "offsets"_a.noconvert(), "most"_a = kMost)
        .def("count", &PyCounter::count, "texts"_a, "offsets"_a.noconvert().none() = nb::none());
    nb::class_<PyHasher>(m, "Hasher")
        .def(
            "__init__",
            [](PyHasher* self, std::string_view analyzer, std::string_view rule, bool lowercase, int shortest,
               int longest, int threads, nb::handle stop_words, std::int64_t columns, bool alternate_sign,
               std::int64_t most) {
                if (columns < 1 || columns > std::numeric_limits<std::int32_t>::max())
                    throw nb::value_error("the number of columns is not in 1 to 2^31 - 1");
                const auto settings = settings_of(analyzer, rule, lowercase, shortest, longest, threads, most);
                new (self) PyHasher(settings, stop_words, true, [&](auto& hasher, auto& stops, auto&) {
                    hasher.emplace(settings, stops, static_cast<std::uint32_t>(columns), alternate_sign);
                });
            },
            "analyzer"_a, "rule"_a, "lowercase"_a, "shortest"_a, "longest"_a, "threads"_a, "stop_words"_a, "columns"_a,
            "alternate_sign"_a, "most"_a = kMost)
        .def("count", &PyHasher::count, "texts"_a, "offsets"_a.noconvert().none() = nb::none());
}
