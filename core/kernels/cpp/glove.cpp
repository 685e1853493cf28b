#include "glove.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <numeric>

#include "parallel.hpp"
#include "random.hpp"

namespace lexarium {

namespace {

constexpr std::size_t kCache = std::size_t{1} << 20;        // bytes of parameters that a tile may touch
constexpr std::int32_t kTiles = 256;                        // most tiles in a row of them
constexpr std::int32_t kSide = 256;                         // rows summed together for a global shuffle
constexpr std::int64_t kBin = std::int64_t{1} << 22;        // pairs for each bin of a global shuffle
constexpr std::int64_t kBins = 1024;                        // most bins
constexpr std::int64_t kLook = std::int64_t{1} << 12;       // occurrences or entries between two looks at `stop`
constexpr std::size_t kPiece = std::size_t{1} << 14;        // most entries that a thread takes in training
constexpr std::int64_t kPasses = 16;                        // over the corpus to gather occurrences, about
constexpr std::int64_t kFewest = std::int64_t{1} << 20;     // occurrences that are worth a pass

// What random numbers are for: each purpose has streams of its own.
enum class Purpose : std::uint64_t { words, bins, blocks, gathered, iterations };

Random random_for(Purpose purpose, std::uint64_t seed, std::uint64_t number) {
    return Random(seed, static_cast<std::uint64_t>(purpose) << 56 ^ number);
}

template <typename T>
void shuffle(T* begin, std::size_t count, Random& random) {  // Fisher and Yates
    for (std::size_t i = count; i > 1; --i) std::swap(begin[i - 1], begin[random.below(static_cast<std::uint32_t>(i))]);
}

std::vector<std::int32_t> inverse(const std::vector<std::int32_t>& order) {
    std::vector<std::int32_t> place(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<std::int32_t>(i);
    return place;
}

[[noreturn]] void fail(int number, const char* what) { throw DiskError(number, what); }

}  // namespace

EntryStore::~EntryStore() { clear(); }

void EntryStore::clear() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
    lists_ = {};
}

// Where in the file to write so many bytes, or -1: they are kept in memory.
std::int64_t EntryStore::place(std::size_t bytes) {
    const auto size = static_cast<std::int64_t>(bytes);
    if (kept_ + size <= limit_) {
        kept_ += size;
        return -1;
    }
    if (file_ < 0) {
        std::string name = folder_ + "/lexarium-XXXXXX";
        file_ = ::mkstemp(name.data());
        if (file_ < 0) fail(errno, "cannot be created");
        ::unlink(name.c_str());
        ::fcntl(file_, F_SETFD, FD_CLOEXEC);
    }
    return std::exchange(written_, written_ + size);
}

std::size_t EntryStore::add(std::vector<Entry>&& entries) {
    const std::size_t bytes = entries.size() * sizeof(Entry);
    std::size_t number = 0;
    std::int64_t offset = 0;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        offset = place(bytes);
        number = lists_.size();
        lists_.push_back({offset < 0 ? std::move(entries) : std::vector<Entry>(), offset});
    }
    if (offset < 0) return number;
    const auto* from = reinterpret_cast<const char*>(entries.data());
    for (std::size_t done = 0; done < bytes;) {
        const auto wrote = ::pwrite(file_, from + done, bytes - done, offset + static_cast<std::int64_t>(done));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) fail(wrote < 0 ? errno : ENOSPC, "cannot be written");
        done += static_cast<std::size_t>(wrote);
    }
    return number;
}

const Entry* EntryStore::read(std::size_t list, std::size_t first, std::size_t count, std::vector<Entry>& buffer) const {
    const List& from = lists_[list];
    if (from.offset < 0) return from.entries.data() + first;
    buffer.resize(count);
    auto* to = reinterpret_cast<char*>(buffer.data());
    const std::size_t bytes = count * sizeof(Entry);
    const std::int64_t offset = from.offset + static_cast<std::int64_t>(first * sizeof(Entry));
    for (std::size_t done = 0; done < bytes;) {
        const auto got = ::pread(file_, to + done, bytes - done, offset + static_cast<std::int64_t>(done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) fail(got < 0 ? errno : EIO, "cannot be read");
        done += static_cast<std::size_t>(got);
    }
    return buffer.data();
}

std::int32_t tile_side(std::int32_t words, std::size_t width) {
    const std::size_t row = 2 * width * sizeof(float);  // a tile has rows of words and as many of contexts
    const auto fits = static_cast<std::int32_t>(std::max<std::size_t>(16, kCache / (2 * row)));
    return std::max(fits, (words - 1) / kTiles + 1);
}

// What one thread needs to sum blocks of rows.
struct Entries::Work {
    const Tokens& tokens;
    const Occurrences& occurrences;
    RowSums sums;
    std::vector<Entry> found;         // in the order of rows; `log` holds x, and `weight` nothing yet
    std::vector<std::int32_t> part;   // of each of them
};

Entries::Entries(const Tokens& tokens, const Window& window, const Shuffle& shuffle, const Weighting& weighting,
                 const Spill& spill, int threads, std::atomic<std::int64_t>& done, const Tick& tick)
    : window_(window), shuffle_(shuffle), weighting_(weighting), words_(tokens.words),
      side_(shuffle.tile > 0 ? shuffle.tile : kSide), parts_((words_ - 1) / side_ + 1), word_(words_),
      store_(shuffle.tile > 0 ? spill.memory : spill.memory / 2, spill.folder), gathered_(spill.memory / 2, spill.folder) {
    blocks_.resize(parts_);
    if (shuffle.tile == 0) {
        const std::int64_t pairs = tokens.size() * window.size * 2;
        parts_ = static_cast<std::int32_t>(std::clamp<std::int64_t>(pairs / kBin, 1, kBins));
    }
    std::iota(word_.begin(), word_.end(), 0);
    Random random = random_for(Purpose::words, shuffle.seed, 0);
    lexarium::shuffle(word_.data(), word_.size(), random);
    place_ = inverse(word_);
    std::atomic<bool> stop{false};
    in_parallel_watched(1, stop, [&](int) { starts_ = starts_of(tokens, place_, stop); }, tick);
    const auto blocks = static_cast<std::int32_t>(blocks_.size());
    auto start = [&](std::int32_t block) { return starts_[std::min(std::int64_t{block} * side_, std::int64_t{words_})]; };
    for (std::int32_t first = 0; first < blocks;) {
        std::int32_t last = first + 1;  // as many blocks as have their occurrences in memory together
        const auto fit = std::max({static_cast<std::int64_t>(spill.memory / sizeof(Occurrence)), tokens.size() / kPasses, kFewest});
        while (last < blocks && start(last + 1) - start(first) <= fit) ++last;
        const auto end = static_cast<std::int32_t>(std::min(std::int64_t{last} * side_, std::int64_t{words_}));
        Occurrences occurrences;
        in_parallel_watched(1, stop, [&](int) { occurrences.gather(tokens, window, place_, starts_, first * side_, end, stop); }, tick);
        std::atomic<std::int32_t> next{first};
        auto work = [&](int) {
            Work own{tokens, occurrences, RowSums(tokens, window), {}, {}};
            while (!stop.load(std::memory_order_relaxed)) {
                const std::int32_t block = next.fetch_add(1, std::memory_order_relaxed);
                if (block >= last) return;
                sum_block(own, block, stop, done);
                if (!stop.load(std::memory_order_relaxed)) keep(own, block, stop);
            }
        };
        in_parallel_watched(threads, stop, work, tick);
        first = last;
    }
    if (shuffle.tile == 0) gather(threads, tick);
    ranges_ = pieces();
    for (const Range& range : ranges_) size_ += static_cast<std::int64_t>(range.count);
}

// All ranges, none so long that the other threads wait for it.
std::vector<Range> Entries::pieces() const {
    std::vector<Range> cut;
    for (const auto& parts : blocks_)
        for (const Range& range : parts)
            for (std::size_t first = 0; first < range.count; first += kPiece)
                cut.push_back({range.list, range.first + first, std::min(kPiece, range.count - first)});
    return cut;
}

void Entries::sum_block(Work& work, std::int32_t block, std::atomic<bool>& stop, std::atomic<std::int64_t>& done) {
    Random random = random_for(Purpose::bins, shuffle_.seed, static_cast<std::uint64_t>(block));
    work.found.clear();
    work.part.clear();
    const auto last = static_cast<std::int32_t>(std::min(std::int64_t{block} * side_ + side_, std::int64_t{words_}));
    for (std::int32_t place = block * side_; place < last; ++place) {
        const Occurrence* end = work.occurrences.end(place);
        for (const Occurrence* one = work.occurrences.begin(place); one < end;) {
            if (stop.load(std::memory_order_relaxed)) return;
            const auto some = std::min<std::int64_t>(kLook, end - one);
            work.sums.sum(one, one + some);
            one += some;
            done.fetch_add(some, std::memory_order_relaxed);
        }
        for (std::size_t i = 0; i < work.sums.size(); ++i) {
            const std::int32_t column = work.sums.columns()[i];
            const std::int32_t part = shuffle_.tile > 0 ? place_[column] / side_
                                                        : static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(parts_)));
            work.found.push_back({word_[place], column, static_cast<float>(work.sums.value(column)), 0});
            work.part.push_back(part);
        }
        work.sums.clear();
    }
}

// Sorts what was found into its parts, each of them shuffled.
void Entries::keep(Work& work, std::int32_t block, const std::atomic<bool>& stop) {
    std::vector<std::size_t> next(static_cast<std::size_t>(parts_) + 1);
    for (const std::int32_t part : work.part) ++next[part + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    std::vector<Range> ranges(parts_);
    for (std::int32_t part = 0; part < parts_; ++part) ranges[part] = {0, next[part], next[part + 1] - next[part]};
    std::vector<Entry> entries(work.found.size());
    const double bend = std::log(weighting_.x_max);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (i % kLook == 0 && stop.load(std::memory_order_relaxed)) return;
        Entry entry = work.found[i];
        const double log = std::log(static_cast<double>(entry.log));
        entry.log = static_cast<float>(log);
        entry.weight = log < bend ? static_cast<float>(std::exp(weighting_.alpha * (log - bend))) : 1.0f;
        entries[next[work.part[i]]++] = entry;
    }
    Random random = random_for(Purpose::blocks, shuffle_.seed, static_cast<std::uint64_t>(block));
    for (const Range& range : ranges) {
        if (stop.load(std::memory_order_relaxed)) return;
        lexarium::shuffle(entries.data() + range.first, range.count, random);
    }
    const std::size_t list = store_.add(std::move(entries));
    for (Range& range : ranges) range.list = list;
    blocks_[block] = std::move(ranges);
}

// Joins the pieces of each bin and shuffles it: with the random choice of bins, every order is as likely
// (Rao, 1961; Sandelius, 1962).
void Entries::gather(int threads, const Tick& tick) {
    std::vector<std::vector<Range>> bins(parts_);
    std::atomic<std::int32_t> next{0};
    std::atomic<bool> stop{false};
    auto work = [&](int) {
        std::vector<Entry> buffer;
        while (!stop.load(std::memory_order_relaxed)) {
            const std::int32_t bin = next.fetch_add(1, std::memory_order_relaxed);
            if (bin >= parts_) return;
            std::vector<Entry> joined;
            for (const auto& parts : blocks_) {
                const Entry* from = read(parts[bin], buffer);
                joined.insert(joined.end(), from, from + parts[bin].count);
            }
            Random random = random_for(Purpose::gathered, shuffle_.seed, static_cast<std::uint64_t>(bin));
            lexarium::shuffle(joined.data(), joined.size(), random);
            const std::size_t count = joined.size();
            bins[bin] = {{gathered_.add(std::move(joined)), 0, count}};
        }
    };
    in_parallel_watched(threads, stop, work, tick);
    store_.clear();
    blocks_ = std::move(bins);
    side_ = 0;
}

std::vector<Range> Entries::order(std::uint64_t seed, std::int64_t iteration) const {
    std::vector<Range> ranges = ranges_;
    Random random = random_for(Purpose::iterations, seed, static_cast<std::uint64_t>(iteration));
    lexarium::shuffle(ranges.data(), ranges.size(), random);
    return ranges;
}

const Entry* Entries::read(const Range& range, std::vector<Entry>& buffer) const {
    return (side_ > 0 ? store_ : gathered_).read(range.list, range.first, range.count, buffer);
}

double train_glove(const Entries& entries, const GloveLoops& loops, const Tables& tables, const Rates& rates, const Turn& turn,
                   std::atomic<std::int64_t>& done, const Tick& tick) {
    const std::vector<Range> ranges = entries.order(turn.seed, turn.iteration);
    std::vector<double> losses(turn.threads);
    std::atomic<std::size_t> next{0};
    std::atomic<bool> stop{false};
    auto work = [&](int thread) {
        std::vector<Entry> buffer;
        while (!stop.load(std::memory_order_relaxed)) {
            const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
            if (number >= ranges.size()) return;
            const std::size_t count = ranges[number].count;
            const Entry* from = entries.read(ranges[number], buffer);
            for (std::size_t first = 0; first < count && !stop.load(std::memory_order_relaxed); first += kLook) {
                const std::size_t some = std::min<std::size_t>(kLook, count - first);
                losses[thread] += loops.train(from + first, some, tables, rates);
                done.fetch_add(static_cast<std::int64_t>(some), std::memory_order_relaxed);
            }
        }
    };
    in_parallel_watched(turn.threads, stop, work, tick);
    const double total = std::accumulate(losses.begin(), losses.end(), 0.0);
    return entries.size() > 0 ? total / static_cast<double>(entries.size()) : 0.0;
}

}  // namespace lexarium
