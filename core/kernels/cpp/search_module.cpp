// Python's side of exact search: checks what it is given, and releases the interpreter while it works.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <utility>
#include <vector>

#include "python.hpp"
#include "search.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

template <typename T, int dimensions>
using Given = nb::ndarray<const T, nb::ndim<dimensions>, nb::c_contig, nb::device::cpu>;

constexpr std::size_t kMostQueries = 4096;
constexpr std::int64_t kMostKept = 1 << 20;

nb::object candidates(Given<float, 2> vectors, Given<float, 1> inverse, Given<float, 2> units, Given<std::int64_t, 1> keep, float margin, int threads) {
    const std::size_t dim = vectors.shape(1), count = units.shape(0);
    if (dim == 0 || units.shape(1) != dim) throw nb::value_error("the queries are not (q, dim)");
    if (inverse.size() != vectors.shape(0)) throw nb::value_error("there is not one length for each row");
    if (count > kMostQueries) throw nb::value_error("there are too many queries");
    const std::vector<std::int64_t> own(keep.data(), keep.data() + keep.size());  // checked, and then nobody's to change
    if (own.size() != count) throw nb::value_error("there is not one number for each query");
    for (const std::int64_t number : own)
        if (number < 1 || number > kMostKept) throw nb::value_error("a number of rows is out of range");
    if (!(margin >= 0 && margin <= 1)) throw nb::value_error("the margin is not from 0 to 1");
    if (threads < 1 || threads > 1024) throw nb::value_error("threads is out of range");
    const lexarium::SearchLoops& loops = lexarium::search_loops();  // reads the environment
    const std::atomic<std::int64_t> done{0};
    const lexarium::Watch watch(nb::none(), done);
    std::optional<lexarium::Candidates> found;
    {
        nb::gil_scoped_release released;
        found = lexarium::find_candidates({vectors.data(), inverse.data(), vectors.shape(0), dim}, {units.data(), own.data(), count}, margin, threads, loops,
                                          [&] { watch(); });
    }
    if (!found) return nb::none();
    return nb::make_tuple(lexarium::array(std::move(found->owners)), lexarium::array(std::move(found->rows)));
}

}  // namespace

NB_MODULE(_search, m) {
    nb::set_leak_warnings(false);  // at exit a traceback may still hold an object
    // noconvert: an array of another type is a mistake, and copying a memory map behind the caller's back another.
    m.def("candidates", &candidates, "vectors"_a.noconvert(), "inverse"_a.noconvert(), "units"_a.noconvert(), "keep"_a.noconvert(), "margin"_a, "threads"_a);
}
