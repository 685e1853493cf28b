// Python's side of text.hpp: the running interpreter's character database, and views of Python strings.
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "python.hpp"
#include "text.hpp"

namespace lexarium {

// Constant functions of the code point: they need neither the interpreter's lock nor its memory.
inline Kind kind_of(std::uint32_t code) {
    return code == '_' || Py_UNICODE_ISALNUM(code) ? kWord : Py_UNICODE_ISSPACE(code) ? kSpace : kMark;
}

inline std::uint32_t lower_of(std::uint32_t code) { return Py_UNICODE_TOLOWER(code); }

// str.lower of UTF-8 that may hold surrogates; takes the interpreter's lock. What is no UTF-8 stays as it is.
inline std::string lower_text(std::string_view text) {
    namespace nb = nanobind;
    nb::gil_scoped_acquire held;
    const auto size = static_cast<Py_ssize_t>(text.size());
    nb::object given = nb::steal(PyUnicode_DecodeUTF8(text.data(), size, "surrogatepass"));
    if (!given.is_valid()) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) throw nb::python_error();
        PyErr_Clear();
        return std::string(text);
    }
    const nb::bytes lowered = nb::borrow<nb::bytes>(given.attr("lower")().attr("encode")("utf-8", "surrogatepass"));
    return std::string(lowered.c_str(), lowered.size());
}

// Filled in on first use, once per module: two milliseconds.
inline const Characters& characters() {
    struct Tables {
        Tables() : kinds(Characters::kTabled), lower(Characters::kTabled) {
            for (std::uint32_t code = 0; code < Characters::kTabled; ++code) {
                kinds[code] = kind_of(code);
                lower[code] = lower_of(code);
            }
            found = {kinds.data(), lower.data(), kind_of, lower_of, lower_text};
        }
        std::vector<std::uint8_t> kinds;
        std::vector<std::uint32_t> lower;
        Characters found;
    };
    static const Tables tables;
    return tables.found;
}

// The rule of a name: unicode, words, whitespace or characters.
inline Rule rule_of(std::string_view name) {
    if (name == "unicode") return Rule::unicode;
    if (name == "words") return Rule::words;
    if (name == "whitespace") return Rule::whitespace;
    if (name == "characters") return Rule::characters;
    throw std::invalid_argument("the rule is none of unicode, words, whitespace, characters");
}

// UTF-8 views of Python strings (surrogates as three bytes), which it keeps alive. Made, used up and dropped
// batch by batch: a str that is not ASCII is encoded anew, because Python would keep its own copy for ever.
class Views {
public:
    explicit Views(nanobind::handle texts) {  // a sequence of str
        const std::size_t count = nanobind::len(texts);
        views_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            look_for_signals(i);
            add(nanobind::steal(PySequence_GetItem(texts.ptr(), static_cast<Py_ssize_t>(i))));
        }
    }
    const std::vector<std::string_view>& get() const { return views_; }

    std::size_t bytes() const {
        std::size_t sum = 0;
        for (auto view : views_) sum += view.size();
        return sum;
    }

private:
    void add(nanobind::object text) {
        if (!text.is_valid()) throw nanobind::python_error();
        if (!PyUnicode_Check(text.ptr())) throw nanobind::type_error("a text is not a str");
        if (PyUnicode_IS_COMPACT_ASCII(text.ptr())) {
            views_.emplace_back(static_cast<const char*>(PyUnicode_DATA(text.ptr())),
                                static_cast<std::size_t>(PyUnicode_GET_LENGTH(text.ptr())));
        } else {
            nanobind::object encoded = nanobind::steal(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogatepass"));
            if (!encoded.is_valid()) throw nanobind::python_error();
            text = encoded;
            views_.emplace_back(PyBytes_AS_STRING(text.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(text.ptr())));
        }
        kept_.append(text);
    }

    std::vector<std::string_view> views_;
    nanobind::list kept_;
};

}  // namespace lexarium
