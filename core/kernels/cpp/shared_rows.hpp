// Rows that several threads train, and a thread's own copies of those that all of them need at every step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace lexarium {

inline constexpr std::size_t kHugePage = 2 << 20;

// Floats of any value, beginning a cache line. Rows are visited at random: on huge pages, which Linux takes where it can, their
// addresses are found sooner.
class Memory {
public:
    explicit Memory(std::size_t floats) {
        if (floats == 0) return;
        const std::size_t bytes = floats * sizeof(float), alignment = bytes >= kHugePage ? kHugePage : 64;
        memory_.reset(static_cast<float*>(std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)));
        if (!memory_) throw std::bad_alloc();
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        if (bytes >= kHugePage) madvise(memory_.get(), bytes, MADV_HUGEPAGE);
#endif
    }
    float* data() const { return memory_.get(); }

private:
    struct Free {
        void operator()(float* memory) const { std::free(memory); }
    };
    std::unique_ptr<float, Free> memory_;
};

// `count` rows of `stride` floats from `rows` on. Rows that every thread writes to at every step would travel from
// processor to processor all the time; so each thread works on a copy, and hands over what it has added from time
// to time (as Ji, Satish, Li, Dubey, 2016, do between machines, more often for frequent words). Nothing is lost by it.
class SharedRows {
public:
    static constexpr std::size_t kBlock = 64;  // rows that are handed over together

    SharedRows(float* rows, std::size_t count, std::size_t stride)
        : rows_(rows), floats_(count * stride), block_(kBlock * stride), locks_((count + kBlock - 1) / kBlock) {}

    std::size_t count() const { return block_ == 0 ? 0 : floats_ / (block_ / kBlock); }

    class Copy {
    public:
        // Others may hand over rows meanwhile: these are read under their locks.
        explicit Copy(SharedRows& shared) : shared_(shared), own_(shared.floats_), seen_(shared.floats_) {
            each(shared.locks_.size(), [](float& all, float& own, float& seen) { own = seen = all; });
        }
        float* data() const { return own_.data(); }

        // Hands over what was added to the first `blocks` since they last were, and takes in what others have added.
        void exchange(std::size_t blocks) {
            each(blocks, [](float& all, float& own, float& seen) { own = seen = all += own - seen; });
        }

    private:
        template <typename Do>
        void each(std::size_t blocks, const Do& act) {
            float *all = shared_.rows_, *own = own_.data(), *seen = seen_.data();
            for (std::size_t block = 0; block < std::min(blocks, shared_.locks_.size()); ++block) {
                const std::size_t last = std::min((block + 1) * shared_.block_, shared_.floats_);
                std::lock_guard<std::mutex> lock(shared_.locks_[block]);
                for (std::size_t i = block * shared_.block_; i < last; ++i) act(all[i], own[i], seen[i]);
            }
        }

        SharedRows& shared_;
        Memory own_, seen_;
    };

private:
    float* rows_;
    std::size_t floats_, block_;
    std::vector<std::mutex> locks_;
};

// How many words one of several threads trains on between two exchanges, all threads together at most `most`. Of few
// different words each thread would take many steps on every row, and all threads' steps added up would go too far.
struct Alone {
    Alone(std::size_t most, std::size_t different, int threads)
        : few(threads > 1 && kSteps * different < most), words((few ? kSteps * different : most) / static_cast<std::size_t>(threads)) {}

    static constexpr std::size_t kSteps = 8;  // on a row, about, of all threads together
    bool few;
    std::size_t words;
};

}  // namespace lexarium
