// Python's side of reading a corpus: strings and bytes in, numpy arrays out; the interpreter is released meanwhile.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string_view.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "corpus.hpp"
#include "parallel.hpp"
#include "python.hpp"
#include "python_text.hpp"
#include "strings.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T>
using Flat = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

std::string_view view(const nb::bytes& raw) { return {raw.c_str(), raw.size()}; }

class PyEncoder {
public:
    PyEncoder(const PyEncoder&) = delete;
    PyEncoder(std::string_view rule, bool lowercase, int threads)
        : encoder_(lexarium::characters(), lexarium::rule_of(rule), lowercase, checked(threads)) {}

    void add(nb::handle texts) {
        const lexarium::Views views(texts);
        changing(views.bytes() < kBrief, [&](auto& stop) { encoder_.add(views.get(), stop); });
    }

    void add_lines(nb::bytes block) {
        const std::string_view whole = view(block);
        changing(whole.size() < kBrief, [&](auto& stop) { encoder_.add_lines(whole, stop); });
    }

    void add_tokens(nb::handle texts) {
        nb::list flat;
        std::vector<std::int64_t> lengths;
        for (nb::handle tokens : texts) {
            const std::size_t before = nb::len(flat);
            for (nb::handle token : tokens) {
                lexarium::look_for_signals(nb::len(flat));
                flat.append(token);
            }
            lengths.push_back(static_cast<std::int64_t>(nb::len(flat) - before));
        }
        const lexarium::Views views(flat);
        changing(views.bytes() < kBrief, [&](auto& stop) { encoder_.add_tokens(views.get(), lengths, stop); });
    }

    nb::tuple take() {
        lexarium::Taken taken;
        changing(true, [&](auto&) { taken = encoder_.take(); });
        return nb::make_tuple(lexarium::array(std::move(taken.ids)), lexarium::array(std::move(taken.lengths)));
    }

    std::size_t words() {
        std::size_t found = 0;
        locked(true, [&](auto&) { found = encoder_.words(); });
        return found;
    }

    std::int64_t highest() {
        std::int64_t found = 0;
        locked(false, [&](auto& stop) { found = encoder_.highest(stop); });
        return found;
    }

    nb::tuple choose(std::int64_t min_count, nb::object max_vocab) {
        std::size_t most = std::numeric_limits<std::int32_t>::max();
        if (!max_vocab.is_none()) most = std::min(most, nb::cast<std::size_t>(max_vocab));
        lexarium::Chosen chosen;
        locked(false, [&](auto& stop) { chosen = encoder_.choose(min_count, most, stop); });
        return nb::make_tuple(lexarium::array(std::move(chosen.bytes)), lexarium::array(std::move(chosen.offsets)),
                              lexarium::array(std::move(chosen.counts)), lexarium::array(std::move(chosen.table)));
    }

    nb::tuple match(Flat<const std::uint8_t> bytes, Flat<const std::int64_t> offsets) {
        const lexarium::Checked words(bytes.data(), bytes.size(), offsets.data(), offsets.size());
        lexarium::Chosen chosen;
        locked(false, [&](auto& stop) { chosen = encoder_.match(words.get(), stop); });
        return nb::make_tuple(lexarium::array(std::move(chosen.counts)), lexarium::array(std::move(chosen.table)));
    }

private:
    static int checked(int threads) {
        if (threads < 1 || threads > 1024) throw nb::value_error("threads is not from 1 to 1024");
        return threads;
    }

    static constexpr std::size_t kBrief = 1 << 16;  // bytes: for less, no other thread watches for Ctrl-C

    // Two Python threads take turns.
    template <typename Work>
    void locked(bool brief, const Work& work) {
        lexarium::interruptible(brief, [&](const std::atomic<bool>& stop) {
            std::lock_guard<std::mutex> one_at_a_time(mutex_);
            if (broken_) throw std::runtime_error("an earlier call failed or was interrupted; this Encoder is of no more use");
            work(stop);
        });
    }

    // The same; what throws in the middle of its work leaves an encoder that is of no more use. What is refused
    // (std::invalid_argument) has changed nothing.
    template <typename Work>
    void changing(bool brief, const Work& work) {
        locked(brief, [&](const std::atomic<bool>& stop) {
            broken_ = true;
            try {
                work(stop);
            } catch (const std::invalid_argument&) {
                broken_ = false;
                throw;
            }
            broken_ = false;
        });
    }

    std::mutex mutex_;
    bool broken_ = false;
    lexarium::Encoder encoder_;
};

std::size_t renumber(Flat<std::int32_t> ids, Flat<std::int64_t> offsets, Flat<const std::int32_t> table) {
    if (offsets.size() == 0) throw nb::value_error("there are no offsets");
    const std::int64_t* all = offsets.data();
    lexarium::interruptible(ids.size() + offsets.size() < 1 << 16, [&](const std::atomic<bool>& stop) {
        lexarium::renumber(ids.data(), ids.size(), offsets.data(), offsets.size() - 1, table.data(), table.size(), stop);
    });
    return static_cast<std::size_t>(all[offsets.size() - 1]);
}

nb::list tokens(nb::str text, std::string_view rule, bool lowercase) {
    nb::list given;
    given.append(text);
    const lexarium::Views views(given);
    lexarium::Tokenizer tokenizer(lexarium::characters(), lexarium::rule_of(rule), lowercase);
    nb::list found;
    tokenizer.scan(views.get()[0], [&](const std::uint8_t* begin, std::size_t length) {
        nb::object token = nb::steal(PyUnicode_DecodeUTF8(reinterpret_cast<const char*>(begin),
                                                          static_cast<Py_ssize_t>(length), "surrogatepass"));
        if (!token.is_valid()) throw nb::python_error();
        found.append(token);
    });
    return found;
}

std::size_t find_invalid(nb::bytes raw) {
    const std::string_view all = view(raw);
    nb::gil_scoped_release released;
    return lexarium::find_invalid(reinterpret_cast<const std::uint8_t*>(all.data()), all.size());
}

}  // namespace

NB_MODULE(_corpus, m) {
    nb::set_leak_warnings(false);  // at exit a traceback may still hold an object
    nb::class_<PyEncoder>(m, "Encoder")
        .def(nb::init<std::string_view, bool, int>(), "rule"_a, "lowercase"_a, "threads"_a)
        .def("add", &PyEncoder::add, "texts"_a)
        .def("add_lines", &PyEncoder::add_lines, "block"_a)
        .def("add_tokens", &PyEncoder::add_tokens, "texts"_a)
        .def("take", &PyEncoder::take)
        .def_prop_ro("words", &PyEncoder::words)
        .def_prop_ro("highest", &PyEncoder::highest)
        .def("choose", &PyEncoder::choose, "min_count"_a, "max_vocab"_a.none())
        .def("match", &PyEncoder::match, "bytes"_a.noconvert(), "offsets"_a.noconvert());
    m.def("renumber", &renumber, "ids"_a.noconvert(), "offsets"_a.noconvert(), "table"_a.noconvert());
    m.def("tokens", &tokens, "text"_a, "rule"_a, "lowercase"_a);
    m.def("find_invalid", &find_invalid, "raw"_a);
}
