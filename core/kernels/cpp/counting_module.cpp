// Python's side of counting: strings in, numpy arrays out; the interpreter is released while it counts.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <mutex>
#include <string>
#include <utility>

#include "counting.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

// UTF-8 views of Python strings; keeps alive what had to be made for them.
class Views {
public:
    Views(nb::sequence texts, bool lowercase) {
        const std::size_t count = nb::len(texts);
        views_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) add(texts[i], lowercase);
    }
    const std::vector<std::string_view>& get() const { return views_; }

private:
    void add(nb::object text, bool lowercase) {
        if (!PyUnicode_Check(text.ptr())) throw nb::type_error("a text is not a str");
        if (lowercase && !PyUnicode_IS_ASCII(text.ptr())) text = text.attr("lower")();
        Py_ssize_t size = 0;
        const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
        if (data == nullptr) {  // a lone surrogate
            PyErr_Clear();
            text = text.attr("encode")("utf-8", "surrogatepass");
            data = PyBytes_AS_STRING(text.ptr());
            size = PyBytes_GET_SIZE(text.ptr());
        }
        kept_.append(text);
        views_.emplace_back(data, static_cast<std::size_t>(size));
    }

    std::vector<std::string_view> views_;
    nb::list kept_;
};

template <typename T>
nb::ndarray<nb::numpy, T, nb::ndim<1>> array(std::vector<T>&& values) {
    auto* owned = new std::vector<T>(std::move(values));
    nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return nb::ndarray<nb::numpy, T, nb::ndim<1>>(owned->data(), {owned->size()}, owner);
}

nb::tuple arrays(lexarium::Rows&& rows) {
    return nb::make_tuple(array(std::move(rows.offsets)), array(std::move(rows.columns)), array(std::move(rows.counts)));
}

// Settings whose table of word characters lives as long as they do.
struct Given {
    Given(nb::bytes word, int min_length, int shortest, int longest, bool lowercase, int threads)
        : bits(word.c_str(), word.size()), lowercase(lowercase) {
        if (min_length < 1 || shortest < 1 || longest < shortest || longest > 100 || threads < 1 || threads > 1024)
            throw nb::value_error("min_length, shortest, longest or threads is out of range");
        settings = {{reinterpret_cast<const std::uint8_t*>(bits.data()), bits.size() * 8},
                    min_length, shortest, longest, lowercase, threads};
    }
    std::string bits;
    bool lowercase;
    lexarium::Settings settings;
};

class PyLearner {
public:
    PyLearner(const PyLearner&) = delete;
    PyLearner(nb::bytes word, int min_length, int shortest, int longest, bool lowercase, int threads,
              nb::sequence stop_words)
        : given_(word, min_length, shortest, longest, lowercase, threads),
          learner_(given_.settings, Views(stop_words, false).get()) {}

    void add(nb::sequence texts) {
        Views views(texts, given_.lowercase);
        nb::gil_scoped_release released;
        std::lock_guard<std::mutex> one_at_a_time(mutex_);
        learner_.add(views.get());
    }

    nb::tuple finish() {
        lexarium::Strings terms;
        lexarium::Rows rows;
        {
            nb::gil_scoped_release released;
            std::lock_guard<std::mutex> one_at_a_time(mutex_);
            learner_.finish(terms, rows);
        }
        auto [offsets, columns, counts] = std::move(rows);
        return nb::make_tuple(array(std::move(terms.bytes)), array(std::move(terms.offsets)), array(std::move(offsets)),
                              array(std::move(columns)), array(std::move(counts)));
    }

private:
    Given given_;
    std::mutex mutex_;
    lexarium::Learner learner_;
};

using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Offsets = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

class PyCounter {
public:
    PyCounter(const PyCounter&) = delete;
    PyCounter(nb::bytes word, int min_length, int shortest, int longest, bool lowercase, int threads,
              nb::sequence stop_words, Bytes bytes, Offsets offsets)
        : given_(word, min_length, shortest, longest, lowercase, threads),
          counter_(given_.settings, Views(stop_words, false).get(), checked(bytes, offsets)) {}

    nb::tuple count(nb::sequence texts) const {
        Views views(texts, given_.lowercase);
        lexarium::Rows rows;
        {
            nb::gil_scoped_release released;
            rows = counter_.count(views.get());
        }
        return arrays(std::move(rows));
    }

private:
    static lexarium::Terms checked(const Bytes& bytes, const Offsets& offsets) {
        if (offsets.size() == 0 || offsets.data()[0] != 0) throw nb::value_error("the offsets do not begin with 0");
        for (std::size_t i = 1; i < offsets.size(); ++i)
            if (offsets.data()[i] < offsets.data()[i - 1]) throw nb::value_error("the offsets do not rise");
        if (static_cast<std::size_t>(offsets.data()[offsets.size() - 1]) > bytes.size())
            throw nb::value_error("the offsets go beyond the bytes");
        return {reinterpret_cast<const char*>(bytes.data()), offsets.data(), offsets.size() - 1};
    }

    Given given_;
    lexarium::Counter counter_;
};

}  // namespace

NB_MODULE(_counting, m) {
    nb::class_<PyLearner>(m, "Learner")
        .def(nb::init<nb::bytes, int, int, int, bool, int, nb::sequence>(), "word"_a, "min_length"_a, "shortest"_a,
             "longest"_a, "lowercase"_a, "threads"_a, "stop_words"_a)
        .def("add", &PyLearner::add, "texts"_a)
        .def("finish", &PyLearner::finish);
    nb::class_<PyCounter>(m, "Counter")
        .def(nb::init<nb::bytes, int, int, int, bool, int, nb::sequence, Bytes, Offsets>(), "word"_a, "min_length"_a,
             "shortest"_a, "longest"_a, "lowercase"_a, "threads"_a, "stop_words"_a, "bytes"_a, "offsets"_a)
        .def("count", &PyCounter::count, "texts"_a);
}
