// Rows that several threads train, and a thread's own copies of those that all of them need at every step.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "own_rows.hpp"

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

inline constexpr std::size_t kTogether = 64;         // rows that are handed over together
inline constexpr std::size_t kSharedWords = 1 << 20;  // words that are trained before there are copies

// What decides how far threads may go apart.
struct Steps {
    double pairs;              // of rows, that are trained for a word
    double rate;               // the learning rate, of the usual one
    double most;               // words that two threads train on between two exchanges, together, at most
    std::size_t shared_words;  // that are trained before there are copies, by all threads together
    int threads;
};

// When a thread hands over which blocks of rows. What all threads add to a row is summed up, and of too many steps apart
// the sum goes too far: at each exchange the first block is handed over, at every second two, at every fourth four, as a
// word that is half as frequent may wait twice as long; more of them where words are more evenly frequent; and exchanges
// come sooner where there are few different words, or many frequent ones, and where steps are many or long.
class Exchanges {
public:
    // `occurrences` of each matrix: how often its busiest rows are trained, in an order like theirs, while `total` words
    // are, `distinct` ones.
    Exchanges(const std::vector<std::vector<std::int64_t>>& occurrences, double total, std::size_t distinct, const Steps& steps) {
        const int threads = steps.threads;
        const double less = std::min(1.0, kPairs / steps.pairs);  // squared, for both rows of a pair go too far
        const double ease = less * less / std::max(1.0, steps.rate);
        // Half of it for 4 to 8 threads, each of which knows less of what all do; of more, exchanges that came sooner would
        // wait for each other.
        const double most = threads < 2 ? steps.most : steps.most * std::min(1.0, std::max(2.0 / threads, threads / 16.0));
        const double few = kFew * ease, some = kOften * ease;
        double apart = threads < 2 ? most : std::min(most * ease, few * static_cast<double>(distinct));
        for (const std::vector<std::int64_t>& rows : occurrences)
            if (rows.size() > kTogether) apart = std::min(apart, some * total / most_often(rows, kTogether, rows.size()));
        words_ = static_cast<std::size_t>(apart / threads);
        begin_ = steps.shared_words / static_cast<std::size_t>(threads);
        for (const std::vector<std::int64_t>& rows : occurrences) blocks_.push_back(blocks_of(rows, apart / std::max(1.0, total), some));
    }

    std::size_t words() const { return words_; }  // of one thread between two exchanges
    std::size_t begin() const { return begin_; }  // of one thread before it takes copies

    // How many blocks of a matrix at this exchange, counted from 1.
    std::size_t blocks(std::size_t matrix, std::size_t exchange) const {
        const std::vector<std::size_t>& blocks = blocks_[matrix];
        if (blocks.empty()) return 0;
        std::size_t wait = 0;
        while (wait + 1 < blocks.size() && (exchange >> wait) % 2 == 0) ++wait;
        return blocks[wait];
    }

private:
    // Of rows first .. last - 1 the one that is trained most often.
    static double most_often(const std::vector<std::int64_t>& rows, std::size_t first, std::size_t last) {
        const auto begin = rows.begin();
        return static_cast<double>(std::max(std::int64_t{1}, *std::max_element(begin + static_cast<std::ptrdiff_t>(first), begin + static_cast<std::ptrdiff_t>(last))));
    }

    // How many blocks wait for 2^i exchanges or fewer, of which each trains a share of all words.
    static std::vector<std::size_t> blocks_of(const std::vector<std::int64_t>& rows, double share, double some) {
        std::vector<std::size_t> waits((rows.size() + kTogether - 1) / kTogether), found;  // for each block the power of 2
        std::size_t least = ~std::size_t{0};
        for (std::size_t block = waits.size(); block-- > 0;) {
            const double at_once = share * most_often(rows, block * kTogether, std::min((block + 1) * kTogether, rows.size()));
            std::size_t wait = 0;
            while (block >> wait > 0 && static_cast<double>(std::size_t{2} << wait) * at_once <= some) ++wait;
            waits[block] = least = std::min(least, wait);
        }
        for (std::size_t block = 0; block < waits.size(); ++block) {
            found.resize(waits[block] + 1, block);
            found.back() = block + 1;
        }
        return found;
    }

    // How often all threads train a word between two exchanges of its row, about: on average where few words differ, and
    // at most outside the first block. Less often where an occurrence means more than kPairs steps: windows of 5 words and
    // 5 negatives.
    static constexpr double kFew = 8, kOften = 32, kPairs = 36;
    std::size_t words_, begin_;
    std::vector<std::vector<std::size_t>> blocks_;  // of each matrix
};

// Which rows of a matrix all threads need most: words fall with frequency, and a tree's root stands last.
enum class Busiest { first, last };

// The busiest `count` of `all` rows of `stride` floats. Rows that every thread writes to at every step would travel from
// processor to processor all the time; so each thread works on a copy, and hands over what it has added from time
// to time (as Ji, Satish, Li, Dubey, 2016, do between machines, more often for frequent words). Nothing is lost by it once
// all threads have copies.
class SharedRows {
public:
    SharedRows(float* rows, std::size_t all, std::size_t count, std::size_t stride, Busiest busiest = Busiest::first)
        : first_(busiest == Busiest::first ? 0 : all - count), count_(count), stride_(stride), busiest_(busiest), rows_(rows + first_ * stride),
          locks_((count + kTogether - 1) / kTogether) {}

    std::size_t count() const { return count_; }

    class Copy {
    public:
        // Others may hand over rows meanwhile: these are read under their locks.
        explicit Copy(SharedRows& shared) : shared_(shared), own_(shared.count_ * shared.stride_), seen_(shared.count_ * shared.stride_) {
            each(shared.locks_.size(), [](float& all, float& own, float& seen) { own = seen = all; });
        }
        OwnRows rows() const { return {own_.data(), shared_.first_, shared_.count_}; }

        // Hands over what was added to the busiest `blocks` since they last were, and takes in what others have added.
        void exchange(std::size_t blocks) {
            each(blocks, [](float& all, float& own, float& seen) { own = seen = all += own - seen; });
        }

    private:
        template <typename Do>
        void each(std::size_t blocks, const Do& act) {
            float *all = shared_.rows_, *own = own_.data(), *seen = seen_.data();
            for (std::size_t block = 0; block < std::min(blocks, shared_.locks_.size()); ++block) {
                std::size_t begin = block * kTogether, end = std::min(begin + kTogether, shared_.count_);
                if (shared_.busiest_ == Busiest::last) std::tie(begin, end) = std::pair(shared_.count_ - end, shared_.count_ - begin);
                std::lock_guard<std::mutex> lock(shared_.locks_[block]);
                for (std::size_t i = begin * shared_.stride_; i < end * shared_.stride_; ++i) act(all[i], own[i], seen[i]);
            }
        }

        SharedRows& shared_;
        Memory own_, seen_;
    };

private:
    std::size_t first_, count_, stride_;
    Busiest busiest_;
    float* rows_;
    std::vector<std::mutex> locks_;
};

// One thread's copies of the rows that all threads need most, of `N` matrices; all is handed over at the end. While
// vectors begin to grow, each step builds on those of all threads, and copies would slow them down: they are taken after
// a million words. Fewer are trained on the shared rows alone, and many threads learn from them what one learns.
template <std::size_t N>
class Apart {
public:
    Apart(const std::array<SharedRows*, N>& shared, const Exchanges& exchanges) : exchanges_(exchanges), shared_(shared) {}
    ~Apart() {
        for (std::size_t i = 0; i < N; ++i)
            if (copies_[i]) copies_[i]->exchange(~std::size_t{0});
    }
    Apart(const Apart&) = delete;

    // The copies of rows of matrix i: none before they are taken.
    OwnRows own(std::size_t i) const { return copies_[i] ? copies_[i]->rows() : OwnRows{}; }

    // Says that the thread has trained on `words` more; true where copies have been taken just now.
    bool passed(std::size_t words) {
        waiting_ += words;
        const bool begins = !begun_ && waiting_ >= exchanges_.begin();
        if (begins) {
            waiting_ = 0;
            begun_ = true;
            for (std::size_t i = 0; i < N; ++i) copies_[i].emplace(*shared_[i]);
        } else if (begun_ && waiting_ >= exchanges_.words()) {
            waiting_ = 0;
            ++done_;
            for (std::size_t i = 0; i < N; ++i) copies_[i]->exchange(exchanges_.blocks(i, done_));
        }
        return begins;
    }

private:
    const Exchanges& exchanges_;
    std::array<SharedRows*, N> shared_;
    std::array<std::optional<SharedRows::Copy>, N> copies_;
    bool begun_ = false;
    std::size_t waiting_ = 0, done_ = 0;  // words since the last exchange; exchanges
};

}  // namespace lexarium
