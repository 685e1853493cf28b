// What every module shares on Python's side: vectors to numpy, and watching for Ctrl-C during long work.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "parallel.hpp"

namespace lexarium {

// A numpy array that owns what the vector held.
template <typename T>
nanobind::ndarray<nanobind::numpy, T, nanobind::ndim<1>> array(std::vector<T>&& values) {
    auto* owned = new std::vector<T>(std::move(values));
    nanobind::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return nanobind::ndarray<nanobind::numpy, T, nanobind::ndim<1>>(owned->data(), {owned->size()}, owner);
}

// A tick for in_parallel_watched, called without the interpreter's lock: raises Python's KeyboardInterrupt on
// Ctrl-C, and tells `progress` (a callable taking the units done, or None) how far the work has come.
class Watch {
public:
    Watch(nanobind::object progress, const std::atomic<std::int64_t>& done)
        : progress_(std::make_shared<const nanobind::object>(std::move(progress))), done_(done) {}
    void operator()() const {
        nanobind::gil_scoped_acquire held;
        if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
        if (!progress_->is_none()) (*progress_)(done_.load(std::memory_order_relaxed));
    }

private:
    // Shared, so that a copy, which may be made without the interpreter's lock, counts no reference of Python's. The
    // one made first is made, and goes last, with the lock.
    std::shared_ptr<const nanobind::object> progress_;
    const std::atomic<std::int64_t>& done_;
};

// Runs `work(stop)` without the interpreter's lock, which the caller holds. `stop` becomes true on Ctrl-C, and
// KeyboardInterrupt is raised here. What is `brief`, done before anybody could interrupt it, starts no thread.
template <typename Work>
void interruptible(bool brief, const Work& work) {
    const std::atomic<std::int64_t> done{0};
    const Watch watch(nanobind::none(), done);
    std::atomic<bool> stop{false};
    const nanobind::gil_scoped_release released;
    if (brief) {
        work(stop);
    } else {
        in_parallel_watched(1, stop, [&](int) { work(stop); }, watch);
    }
}

// For loops that hold the interpreter's lock: at every 65,536th step, raises KeyboardInterrupt on Ctrl-C.
inline void look_for_signals(std::size_t step) {
    if ((step & 0xFFFF) == 0xFFFF && PyErr_CheckSignals() != 0) throw nanobind::python_error();
}

}  // namespace lexarium
