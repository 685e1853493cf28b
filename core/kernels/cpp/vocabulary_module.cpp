// Python's side of the vocabulary's table; the interpreter is released while a table is built.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <atomic>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "python.hpp"
#include "python_text.hpp"
#include "strings.hpp"
#include "vocabulary.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using GivenBytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using GivenOffsets = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Slots = nb::ndarray<const std::uint32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

constexpr std::size_t kBrief = 1 << 12;  // words: for fewer, no other thread watches for Ctrl-C

nb::tuple pack(nb::sequence words) {
    const lexarium::Views views(words);
    std::vector<std::uint8_t> bytes;
    std::vector<std::int64_t> offsets{0};
    offsets.reserve(views.get().size() + 1);
    for (auto word : views.get()) {
        bytes.insert(bytes.end(), word.begin(), word.end());
        offsets.push_back(static_cast<std::int64_t>(bytes.size()));
    }
    return nb::make_tuple(lexarium::array(std::move(bytes)), lexarium::array(std::move(offsets)));
}

nb::tuple build(GivenBytes bytes, GivenOffsets offsets, std::size_t slots, std::size_t probes) {
    const lexarium::Checked checked(bytes.data(), bytes.size(), offsets.data(), offsets.size());
    const lexarium::Packed words = checked.get();
    if (slots <= words.count || probes == 0) throw nb::value_error("there must be more slots than words, and a probe");
    if (words.count >= std::numeric_limits<std::uint32_t>::max()) throw nb::value_error("more than 2^32 - 2 words");
    lexarium::Built built;
    lexarium::interruptible(words.count < kBrief, [&](const std::atomic<bool>& stop) {
        built = lexarium::build_slots(words, slots, probes, stop);
    });
    return nb::make_tuple(lexarium::array(std::move(built.slots)), built.first, built.second, built.crowded);
}

nb::tuple merge(nb::sequence vocabularies) {
    std::vector<GivenBytes> alive;
    std::vector<lexarium::Checked> checked;
    for (nb::handle given : vocabularies) {
        const auto pair = nb::cast<nb::tuple>(given);
        if (pair.size() != 2) throw nb::value_error("a vocabulary is a pair of bytes and offsets");
        GivenBytes bytes;
        GivenOffsets offsets;
        if (!nb::try_cast(pair[0], bytes, false) || !nb::try_cast(pair[1], offsets, false))
            throw nb::type_error("a vocabulary is a pair of bytes (uint8) and offsets (int64), both contiguous");
        checked.emplace_back(bytes.data(), bytes.size(), offsets.data(), offsets.size());
        alive.push_back(std::move(bytes));
    }
    std::vector<lexarium::Packed> words;
    std::size_t count = 0;
    for (const lexarium::Checked& one : checked) {
        words.push_back(one.get());
        count += words.back().count;
    }
    lexarium::Merged merged;
    lexarium::interruptible(count < kBrief, [&](const std::atomic<bool>& stop) { merged = lexarium::merge(words, stop); });
    nb::list places;
    for (auto& of_one : merged.places) places.append(lexarium::array(std::move(of_one)));
    return nb::make_tuple(lexarium::array(std::move(merged.bytes)), lexarium::array(std::move(merged.offsets)), places);
}

// Looks words up in a table that may be a memory map; nothing of it is read before a word is asked for.
class Table {
public:
    Table(GivenBytes bytes, GivenOffsets offsets, Slots slots, std::size_t probes)
        : bytes_(std::move(bytes)), offsets_(std::move(offsets)), slots_(std::move(slots)), probes_(probes) {
        if (offsets_.size() == 0 || slots_.size() == 0) throw nb::value_error("there are no offsets or no slots");
    }

    // One index per word, -1 for an unknown one.
    nb::object find(nb::sequence words) const {
        const lexarium::Words own{bytes_.data(), bytes_.size(), offsets_.data(), offsets_.size() - 1};
        const lexarium::Views views(words);
        std::vector<std::int64_t> found;
        found.reserve(views.get().size());
        for (auto word : views.get()) {
            lexarium::look_for_signals(found.size());
            found.push_back(lexarium::find(own, slots_.data(), slots_.size(), probes_, word));
            if (found.back() == lexarium::kDamaged) throw nb::value_error("the table points outside the words");
        }
        return nb::cast(lexarium::array(std::move(found)));
    }

private:
    GivenBytes bytes_;
    GivenOffsets offsets_;
    Slots slots_;
    std::size_t probes_;
};

}  // namespace

NB_MODULE(_vocabulary, m) {
    nb::set_leak_warnings(false);  // at exit a traceback may still hold an object
    m.def("pack", &pack, "words"_a);
    m.def("build", &build, "bytes"_a.noconvert(), "offsets"_a.noconvert(), "slots"_a, "probes"_a);
    m.def("merge", &merge, "vocabularies"_a);
    nb::class_<Table>(m, "Table")
        .def(nb::init<GivenBytes, GivenOffsets, Slots, std::size_t>(), "bytes"_a.noconvert(), "offsets"_a.noconvert(),
             "slots"_a.noconvert(), "probes"_a)
        .def("find", &Table::find, "words"_a);
}
