// Threads: as many as asked for, started and joined here, never pinned to a core.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>

namespace lexarium {

// Runs `work(t)` for t in 0 .. count - 1, each in a thread; the first exception is thrown again here.
template <typename Work>
void in_parallel(int count, const Work& work) {
    std::vector<std::exception_ptr> failed(count);
    auto guarded = [&](int t) {
        try {
            work(t);
        } catch (...) {
            failed[t] = std::current_exception();
        }
    };
    std::vector<std::thread> threads;
    for (int t = 1; t < count; ++t) threads.emplace_back(guarded, t);
    guarded(0);
    for (auto& thread : threads) thread.join();
    for (auto& error : failed)
        if (error) std::rethrow_exception(error);
}

// The same, each in a thread of its own, while this thread calls `tick()` ten times a second. Where tick() or
// a worker throws, `stop` becomes true: workers look at it at least every hundredth of a second, and return.
template <typename Work, typename Tick>
void in_parallel_watched(int count, std::atomic<bool>& stop, const Work& work, const Tick& tick) {
    std::vector<std::exception_ptr> failed(count + 1);
    std::mutex mutex;
    std::condition_variable finished;
    int running = count;
    std::vector<std::thread> threads;
    auto guarded = [&](int t) {
        try {
            work(t);
        } catch (...) {
            failed[t] = std::current_exception();
            stop.store(true, std::memory_order_relaxed);
        }
        std::lock_guard<std::mutex> lock(mutex);
        if (--running == 0) finished.notify_all();
    };
    try {
        for (int t = 0; t < count; ++t) threads.emplace_back(guarded, t);
        std::unique_lock<std::mutex> lock(mutex);
        while (running > 0) {
            finished.wait_for(lock, std::chrono::milliseconds(100), [&] { return running == 0; });
            lock.unlock();
            tick();
            lock.lock();
        }
    } catch (...) {
        failed[count] = std::current_exception();
        stop.store(true, std::memory_order_relaxed);
    }
    for (auto& thread : threads) thread.join();
    for (auto& error : failed)
        if (error) std::rethrow_exception(error);
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
