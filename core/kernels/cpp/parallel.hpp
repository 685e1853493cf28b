// Threads: as many as asked for, started and joined here, never pinned to a core.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace lexarium {

// Thrown by a worker that finds `stop` true. in_parallel_watched reports what made it true, and not this.
struct Stopped : std::runtime_error {
    Stopped() : std::runtime_error("the work was stopped") {}
};

// For work that has no other way out of a loop, and for the comparisons of a sort.
inline void look(const std::atomic<bool>& stop) {
    if (stop.load(std::memory_order_relaxed)) throw Stopped();
}

// Up to `count` threads that take the parts 0 .. count - 1 one after another: a thread that the system does not
// start leaves its part to the others.
class Crew {
public:
    // `run(t)` does part t, and does not throw.
    template <typename Run>
    Crew(int count, int threads, const Run& run) : count_(count) {
        threads_.reserve(static_cast<std::size_t>(threads));
        try {
            for (int i = 0; i < threads; ++i) threads_.emplace_back([this, &run] { take_parts(run); });
        } catch (const std::system_error&) {  // no more threads, or no memory for one: those that run are enough
        } catch (const std::bad_alloc&) {
        }
    }
    Crew(const Crew&) = delete;
    ~Crew() {
        for (auto& thread : threads_) thread.join();
    }

    bool empty() const { return threads_.empty(); }

    // Does parts until none is left.
    template <typename Run>
    void take_parts(const Run& run) {
        for (int t = next_.fetch_add(1); t < count_; t = next_.fetch_add(1)) run(t);
    }

private:
    const int count_;
    std::atomic<int> next_{0};
    std::vector<std::thread> threads_;
};

// Runs `work(t)` for t in 0 .. count - 1, this thread and `count` - 1 others taking part (fewer, where the system
// starts no more); the first exception is thrown again here.
template <typename Work>
void in_parallel(int count, const Work& work) {
    std::vector<std::exception_ptr> failed(static_cast<std::size_t>(count));
    auto guarded = [&](int t) {
        try {
            work(t);
        } catch (...) {
            failed[static_cast<std::size_t>(t)] = std::current_exception();
        }
    };
    Crew(count, count - 1, guarded).take_parts(guarded);
    for (auto& error : failed)
        if (error) std::rethrow_exception(error);
}

// The same, in threads of their own, while this thread calls `tick()` ten times a second (where the system starts
// not one, the work is done in this thread, and nobody ticks). Where tick() or a worker throws, `stop` becomes
// true: workers look at it at least every hundredth of a second, and return or throw Stopped.
template <typename Work, typename Tick>
void in_parallel_watched(int count, std::atomic<bool>& stop, const Work& work, const Tick& tick) {
    std::vector<std::exception_ptr> failed(static_cast<std::size_t>(count) + 1);
    std::exception_ptr stopped;  // where nothing else is known
    std::mutex mutex;
    std::condition_variable finished;
    int running = count;
    auto guarded = [&](int t) {
        std::exception_ptr early;
        try {
            work(t);
        } catch (const Stopped&) {
            early = std::current_exception();
        } catch (...) {
            failed[static_cast<std::size_t>(t)] = std::current_exception();
            stop.store(true, std::memory_order_relaxed);
        }
        std::lock_guard<std::mutex> lock(mutex);
        if (early) stopped = early;
        if (--running == 0) finished.notify_all();
    };
    {
        Crew crew(count, count, guarded);
        if (crew.empty()) crew.take_parts(guarded);
        try {
            std::unique_lock<std::mutex> lock(mutex);
            while (running > 0) {
                finished.wait_for(lock, std::chrono::milliseconds(100), [&] { return running == 0; });
                lock.unlock();
                tick();
                lock.lock();
            }
        } catch (...) {
            failed.back() = std::current_exception();
            stop.store(true, std::memory_order_relaxed);
        }
    }
    for (auto& error : failed)
        if (error) std::rethrow_exception(error);
    if (stopped) std::rethrow_exception(stopped);
}

// Cuts texts into `count` runs of about equal bytes; returns count + 1 indices.
inline std::vector<std::size_t> cut(const std::vector<std::string_view>& texts, int count) {
    std::size_t total = 0;
    for (auto text : texts) total += text.size() + 1;
    std::vector<std::size_t> cuts{0};
    std::size_t seen = 0;
    for (std::size_t i = 0; i < texts.size() && static_cast<int>(cuts.size()) < count; ++i) {
        seen += texts[i].size() + 1;
        if (seen * count >= total * cuts.size()) cuts.push_back(i + 1);
    }
    cuts.resize(count, texts.size());
    cuts.push_back(texts.size());
    return cuts;
}

}  // namespace lexarium
