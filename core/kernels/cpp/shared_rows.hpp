// Rows that several threads train, and a thread's own copies of those that all of them need at every step.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

// Floats of any value, beginning a cache line. Rows are visited at random: on huge pages, which Linux takes where it
// can, their addresses are found sooner.
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

inline constexpr std::size_t kBlock = 64;  // rows that are handed over together

// When a thread hands over which blocks of rows. All threads' steps on a row are added up, and of too many steps apart
// the sum goes too far: at each turn the first block is handed over, at every second two, at every fourth four, as a
// word that is half as frequent may wait twice as long; more of them where words are more evenly frequent; and where
// there are few different words, turns are short.
class Turns {
public:
    // `steps` (rows): how often there is one on each row that is handed over, in whatever order, while `total` words pass;
    // `words` differ. All threads together train on `most` words between two turns at most.
    Turns(const std::int64_t* steps, std::size_t rows, double total, std::size_t words, std::size_t most, int threads)
        : few_(threads > 1 && kFew * words < most), words_((few_ ? kFew * words : most) / static_cast<std::size_t>(threads)) {
        const double share = static_cast<double>(words_ * static_cast<std::size_t>(threads)) / std::max(1.0, total);
        std::vector<std::size_t> waits((rows + kBlock - 1) / kBlock);  // for each block the power of 2
        std::size_t least = ~std::size_t{0};
        for (std::size_t block = waits.size(); block-- > 0;) {
            const std::int64_t* const first = steps + block * kBlock;
            const double at_once = share * static_cast<double>(*std::max_element(first, std::min(first + kBlock, steps + rows)));
            std::size_t wait = 0;
            while (block >> wait > 0 && static_cast<double>(std::size_t{2} << wait) * at_once <= kSteps) ++wait;
            waits[block] = least = std::min(least, wait);
        }
        for (std::size_t block = 0; block < waits.size(); ++block) {
            blocks_.resize(waits[block] + 1, block);
            blocks_.back() = block + 1;
        }
    }

    bool few() const { return few_; }
    std::size_t words() const { return words_; }  // of one thread between two turns

    // How many blocks at this turn, counted from 1.
    std::size_t blocks(std::size_t turn) const {
        if (blocks_.empty()) return 0;
        std::size_t wait = 0;
        while (wait + 1 < blocks_.size() && (turn >> wait) % 2 == 0) ++wait;
        return blocks_[wait];
    }

private:
    // Steps of all threads on a row between its turns, about: where words are few, and where blocks wait.
    static constexpr std::size_t kFew = 8;
    static constexpr double kSteps = 32;
    bool few_;
    std::size_t words_;
    std::vector<std::size_t> blocks_;  // those that wait for 2^i turns or fewer
};

// `count` rows of `stride` floats from `rows` on. Rows that every thread writes to at every step would travel from
// processor to processor all the time; so each thread works on a copy, and hands over what it has added from time
// to time (as Ji, Satish, Li, Dubey, 2016, do between machines, more often for frequent words). Nothing is lost by it.
class SharedRows {
public:
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

}  // namespace lexarium
