// Python's side of pooling: checks what it is given, and releases the interpreter while it works.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string_view.h>

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "pooling.hpp"
#include "python.hpp"
#include "python_text.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T, int dimensions>
using Given = nb::ndarray<const T, nb::ndim<dimensions>, nb::c_contig, nb::device::cpu>;
using Rows = nb::ndarray<nb::numpy, float, nb::ndim<2>>;

class Pooler {
public:
    Pooler(const Pooler&) = delete;
    Pooler(Given<std::uint8_t, 1> bytes, Given<std::int64_t, 1> offsets, Given<std::uint32_t, 1> slots, std::size_t probes,
           Given<float, 2> vectors)
        : bytes_(std::move(bytes)), offsets_(std::move(offsets)), slots_(std::move(slots)), vectors_(std::move(vectors)) {
        if (offsets_.size() == 0 || slots_.size() == 0) throw nb::value_error("there are no offsets or no slots");
        if (vectors_.shape(0) != offsets_.size() - 1) throw nb::value_error("there is not one vector for each word");
        const lexarium::Words words{bytes_.data(), bytes_.size(), offsets_.data(), offsets_.size() - 1};
        model_ = {words, slots_.data(), slots_.size(), probes, vectors_.data(), vectors_.shape(1)};
    }

    Rows pool_texts(nb::sequence texts, std::string_view rule, bool lowercase, std::optional<Given<float, 1>> weights,
                    bool per_token, int threads) const {
        const lexarium::Views views(texts);
        return pool(cut(views, rule, lowercase), weights, per_token, threads);
    }

    Rows pool_tokens(nb::sequence tokens, Given<std::int64_t, 1> ends, std::optional<Given<float, 1>> weights,
                     bool per_token, int threads) const {
        const lexarium::Views views(tokens);
        const std::vector<std::int64_t> own(ends.data(), ends.data() + ends.size());  // checked, and then nobody's to change
        return pool(given(views, own), weights, per_token, threads);
    }

    nb::tuple find_texts(nb::sequence texts, std::string_view rule, bool lowercase, int threads) const {
        const lexarium::Views views(texts);
        return find(cut(views, rule, lowercase), threads);
    }

private:
    static lexarium::Documents cut(const lexarium::Views& views, std::string_view rule, bool lowercase) {
        return {&views.get(), nullptr, views.get().size(), &lexarium::characters(), lexarium::rule_of(rule), lowercase};
    }

    static lexarium::Documents given(const lexarium::Views& views, const std::vector<std::int64_t>& ends) {
        const std::int64_t* at = ends.data();
        if (ends.size() == 0 || at[0] != 0) throw nb::value_error("the offsets do not begin with 0");
        for (std::size_t i = 1; i < ends.size(); ++i)
            if (at[i] < at[i - 1]) throw nb::value_error("the offsets do not rise");
        if (static_cast<std::uint64_t>(at[ends.size() - 1]) != views.get().size())
            throw nb::value_error("the offsets do not end with the number of tokens");
        return {&views.get(), at, ends.size() - 1, nullptr, lexarium::Rule::words, false};
    }

    Rows pool(const lexarium::Documents& documents, const std::optional<Given<float, 1>>& weights, bool per_token,
              int threads) const {
        if (weights && weights->size() != model_.words.count) throw nb::value_error("there is not one weight for each word");
        auto* rows = new std::vector<float>(documents.count * model_.dim);
        nb::capsule owner(rows, [](void* p) noexcept { delete static_cast<std::vector<float>*>(p); });
        const auto per = per_token ? lexarium::Per::token : lexarium::Per::weight;
        run(threads, [&](const lexarium::Work& work) {
            lexarium::pool(model_, documents, weights ? weights->data() : nullptr, per, work, rows->data());
        });
        return Rows(rows->data(), {documents.count, model_.dim}, owner);
    }

    nb::tuple find(const lexarium::Documents& documents, int threads) const {
        std::vector<std::int64_t> ids, offsets;
        run(threads, [&](const lexarium::Work& work) { lexarium::look_up(model_, documents, work, ids, offsets); });
        return nb::make_tuple(lexarium::array(std::move(ids)), lexarium::array(std::move(offsets)));
    }

    template <typename Action>
    static void run(int threads, const Action& action) {
        if (threads < 1 || threads > 1024) throw nb::value_error("threads is out of range");
        const std::atomic<std::int64_t> done{0};
        const lexarium::Watch watch(nb::none(), done);
        const lexarium::PoolingLoops& loops = lexarium::pooling_loops();  // reads the environment
        nb::gil_scoped_release released;
        action({threads, loops, [&] { watch(); }});
    }

    Given<std::uint8_t, 1> bytes_;
    Given<std::int64_t, 1> offsets_;
    Given<std::uint32_t, 1> slots_;
    Given<float, 2> vectors_;
    lexarium::Model model_;
};

}  // namespace

NB_MODULE(_pooling, m) {
    nb::set_leak_warnings(false);  // at exit a traceback may still hold an object
    // noconvert: an array of another type is a mistake, and copying a memory map behind the caller's back another.
    nb::class_<Pooler>(m, "Pooler")
        .def(nb::init<Given<std::uint8_t, 1>, Given<std::int64_t, 1>, Given<std::uint32_t, 1>, std::size_t, Given<float, 2>>(),
             "bytes"_a.noconvert(), "offsets"_a.noconvert(), "slots"_a.noconvert(), "probes"_a, "vectors"_a.noconvert())
        .def("pool_texts", &Pooler::pool_texts, "texts"_a, "rule"_a, "lowercase"_a, "weights"_a.noconvert().none(),
             "per_token"_a, "threads"_a)
        .def("pool_tokens", &Pooler::pool_tokens, "tokens"_a, "ends"_a.noconvert(), "weights"_a.noconvert().none(),
             "per_token"_a, "threads"_a)
        .def("find_texts", &Pooler::find_texts, "texts"_a, "rule"_a, "lowercase"_a, "threads"_a);
}
