// GloVe: Pennington, Socher, Manning, "GloVe: Global Vectors for Word Representation", 2014.
//
// Words are put in a random order and the matrix is cut into square tiles of it, small enough that the
// parameters of a tile's rows and columns fit the cache. Entries are in random order inside a tile, tiles in
// another random order in each iteration. Or entries are shuffled as a whole, and the cache misses paid for.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cooccurrence.hpp"
#include "glove_loops.hpp"

namespace lexarium {

using Tick = std::function<void()>;  // called ten times a second; what it throws ends the work

// What the disk refuses, with the number that the system gives it (errno).
struct DiskError : std::runtime_error {
    DiskError(int number, const char* what) : std::runtime_error(what), number(number) {}
    int number;
};

// Lists of entries, in memory up to a number of bytes and from there on in a file that has no name, so that
// nothing is left behind however the process ends.
class EntryStore {
public:
    EntryStore(std::int64_t limit, std::string folder) : limit_(limit), folder_(std::move(folder)) {}
    EntryStore(const EntryStore&) = delete;
    EntryStore& operator=(const EntryStore&) = delete;
    ~EntryStore();

    // Keeps a list and returns its number.  Throws DiskError where the disk is full.
    std::size_t add(std::vector<Entry>&& entries);

    // `count` entries of a list from `first` on; in `buffer` where they come from the file.
    const Entry* read(std::size_t list, std::size_t first, std::size_t count, std::vector<Entry>& buffer) const;

    void clear();
    std::int64_t written() const { return written_; }  // bytes in the file

private:
    struct List {
        std::vector<Entry> entries;
        std::int64_t offset = -1;  // in the file
    };
    std::int64_t place(std::size_t bytes);

    std::int64_t limit_, kept_ = 0, written_ = 0;
    std::string folder_;
    int file_ = -1;
    std::mutex mutex_;
    std::vector<List> lists_;
};

// Words on a tile's side: as many as fit the cache with `width` components, more where the tiles would be too many.
std::int32_t tile_side(std::int32_t words, std::size_t width);

struct Shuffle {
    std::int32_t tile;  // words on a tile's side; 0: all entries are shuffled together
    std::uint64_t seed;
};

struct Weighting {
    double x_max, alpha;
};

struct Spill {
    std::int64_t memory;  // bytes of entries that are kept in memory, and of occurrences gathered at a time
    std::string folder;
};

// Entries that stand together and are trained together, by one thread.
struct Range {
    std::size_t list, first, count;
};

// All entries of a corpus, shuffled; the same for any number of threads. `done` counts occurrences.
class Entries {
public:
    Entries(const Tokens& tokens, const Window& window, const Shuffle& shuffle, const Weighting& weighting, const Spill& spill,
            int threads, std::atomic<std::int64_t>& done, const Tick& tick);

    std::int64_t size() const { return size_; }
    std::int32_t words() const { return words_; }
    std::int64_t written() const { return store_.written() + gathered_.written(); }

    // All ranges, in the order of an iteration.
    std::vector<Range> order(std::uint64_t seed, std::int64_t iteration) const;
    const Entry* read(const Range& range, std::vector<Entry>& buffer) const;

private:
    struct Work;
    void sum_block(Work& work, std::int32_t block, std::atomic<bool>& stop, std::atomic<std::int64_t>& done);
    void keep(Work& work, std::int32_t block, const std::atomic<bool>& stop);
    std::vector<Range> pieces() const;
    void gather(int threads, const Tick& tick);

    Window window_;
    Shuffle shuffle_;
    Weighting weighting_;
    std::int32_t words_, side_, parts_;         // parts of a block of rows: its tiles, or the bins of a global shuffle
    std::vector<std::int32_t> word_, place_;    // the random order of words, and its inverse
    std::vector<std::int64_t> starts_;
    std::vector<std::vector<Range>> blocks_;    // (blocks, parts)
    std::vector<Range> ranges_;
    std::int64_t size_ = 0;
    EntryStore store_, gathered_;
};

struct Turn {
    std::int64_t iteration;
    std::uint64_t seed;
    int threads;
};

// Trains `tables` in place, with the loops that their width was made for, on every entry once; returns the mean loss. `done` counts entries.
double train_glove(const Entries& entries, const GloveLoops& loops, const Tables& tables, const Rates& rates, const Turn& turn,
                   std::atomic<std::int64_t>& done, const Tick& tick);

}  // namespace lexarium
