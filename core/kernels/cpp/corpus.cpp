#include "corpus.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include "parallel.hpp"
#include "table.hpp"

namespace lexarium {

namespace {

// The order of unsigned bytes, a beginning before the whole.
bool precedes(const Table& words, std::uint32_t a, std::uint32_t b) {
    const std::size_t la = words.length(a), lb = words.length(b);
    const int differs = std::memcmp(words.data(a), words.data(b), std::min(la, lb));
    return differs ? differs < 0 : la < lb;
}

// Cuts a block into `count` runs of whole lines of about equal bytes; returns count + 1 positions.
std::vector<std::size_t> cut_lines(std::string_view block, int count) {
    std::vector<std::size_t> cuts{0};
    for (int t = 1; t < count; ++t) {
        const std::size_t from = std::max(cuts.back(), block.size() / count * t);
        const std::size_t end = block.find('\n', from);
        cuts.push_back(end == std::string_view::npos ? block.size() : end + 1);
    }
    cuts.push_back(block.size());
    return cuts;
}

constexpr std::size_t kSmall = 1 << 14;  // bytes: for less, one thread is faster than two

}  // namespace

// One thread's part: its own words, and what it has read of the block at hand.
struct Encoder::Worker {
    Worker(const Characters& characters, Rule rule, bool lowercase) : tokenizer(characters, rule, lowercase) {}

    void put(const std::uint8_t* begin, std::size_t length, const std::atomic<bool>& stop) {
        waiting[count] = {Key(begin, length), begin};
        table.prefetch(waiting[count].key);
        if (++count == kBatch) flush(stop);
    }

    // The slots have been fetched while the batch filled up.
    void flush(const std::atomic<bool>& stop) {
        look(stop);
        for (std::size_t i = 0, end = std::exchange(count, 0); i < end; ++i) {
            const std::uint32_t id = table.intern(waiting[i].key, waiting[i].begin).id;
            if (id == counts.size()) counts.push_back(0);
            ++counts[id];
            read.ids.push_back(static_cast<std::int32_t>(id));
        }
    }

    void add(std::string_view text, const std::atomic<bool>& stop) {
        const std::size_t before = read.ids.size();
        tokenizer.scan(text, [&](const std::uint8_t* begin, std::size_t length) { put(begin, length, stop); });
        flush(stop);
        read.lengths.push_back(static_cast<std::int64_t>(read.ids.size() - before));
    }

    void add_lines(std::string_view block, const std::atomic<bool>& stop) {
        while (!block.empty()) {
            const std::size_t end = std::min(block.find('\n'), block.size());
            std::string_view line = block.substr(0, end);
            while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
            add(line, stop);
            block.remove_prefix(std::min(end + 1, block.size()));
        }
    }

    struct Token {
        Key key;
        const std::uint8_t* begin;
    };
    static constexpr std::size_t kBatch = 64;
    Token waiting[kBatch];
    std::size_t count = 0;
    Tokenizer tokenizer;
    Table table;
    std::vector<std::int64_t> counts;    // of each word of `table`
    std::vector<std::int32_t> numbers;   // of each word of `table`, among those of all workers
    Taken read;
};

Encoder::Encoder(const Characters& characters, Rule rule, bool lowercase, int threads) {
    for (int t = 0; t < threads; ++t) workers_.push_back(std::make_unique<Worker>(characters, rule, lowercase));
}

Encoder::~Encoder() = default;

void Encoder::add(const std::vector<std::string_view>& texts, const std::atomic<bool>& stop) {
    std::size_t bytes = 0;
    for (auto text : texts) bytes += text.size();
    const int threads = bytes < kSmall ? 1 : static_cast<int>(workers_.size());
    const auto cuts = cut(texts, threads);
    in_parallel(threads, [&](int t) {
        for (std::size_t i = cuts[t]; i < cuts[t + 1]; ++i) workers_[t]->add(texts[i], stop);
    });
    collect(threads, stop);
}

void Encoder::add_lines(std::string_view block, const std::atomic<bool>& stop) {
    const int threads = block.size() < kSmall ? 1 : static_cast<int>(workers_.size());
    const auto cuts = cut_lines(block, threads);
    std::vector<std::size_t> wrong(threads, block.size());
    in_parallel(threads, [&](int t) {
        const std::string_view piece = block.substr(cuts[t], cuts[t + 1] - cuts[t]);
        const std::size_t at = find_invalid(reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size());
        if (at < piece.size()) wrong[t] = cuts[t] + at;
    });
    const std::size_t first = *std::min_element(wrong.begin(), wrong.end());
    if (first < block.size())
        throw std::invalid_argument("the byte at offset " + std::to_string(first) + " is not UTF-8");
    in_parallel(threads, [&](int t) { workers_[t]->add_lines(block.substr(cuts[t], cuts[t + 1] - cuts[t]), stop); });
    collect(threads, stop);
}

void Encoder::add_tokens(const std::vector<std::string_view>& tokens, const std::vector<std::int64_t>& lengths,
                         const std::atomic<bool>& stop) {
    Worker& worker = *workers_[0];
    Padded padded;
    for (auto token : tokens) {
        worker.put(padded(token), token.size(), stop);
        worker.flush(stop);  // before the bytes go
    }
    worker.read.lengths.insert(worker.read.lengths.end(), lengths.begin(), lengths.end());
    collect(1, stop);
}

// Appends what the first `threads` workers have read, with the numbers that their words have among all.
void Encoder::collect(int threads, const std::atomic<bool>& stop) {
    std::size_t at = taken_.ids.size();
    std::vector<std::size_t> places;
    for (int t = 0; t < threads; ++t) {
        Worker& worker = *workers_[t];
        places.push_back(at);
        at += worker.read.ids.size();
        taken_.lengths.insert(taken_.lengths.end(), worker.read.lengths.begin(), worker.read.lengths.end());
        worker.read.lengths.clear();
        if (workers_.size() == 1) break;
        for (auto id = static_cast<std::uint32_t>(worker.numbers.size()); id < worker.table.size(); ++id) {
            look(stop);
            worker.numbers.push_back(static_cast<std::int32_t>(all_.intern(worker.table.data(id), worker.table.length(id)).id));
        }
    }
    if (workers_.size() == 1 && taken_.ids.empty()) {
        taken_.ids.swap(workers_[0]->read.ids);
        return;
    }
    taken_.ids.resize(at);
    in_parallel(threads, [&](int t) {
        Worker& worker = *workers_[t];
        std::int32_t* to = taken_.ids.data() + places[t];
        const std::int32_t* numbers = worker.numbers.data();
        const bool same = workers_.size() == 1;
        for (std::int32_t id : worker.read.ids) *to++ = same ? id : numbers[id];
        worker.read.ids.clear();
    });
}

Taken Encoder::take() { return std::exchange(taken_, Taken{}); }

const Table& Encoder::table() const { return workers_.size() == 1 ? workers_[0]->table : all_; }

std::size_t Encoder::words() const { return table().size(); }

std::vector<std::int64_t> Encoder::counts(const std::atomic<bool>& stop) const {
    if (workers_.size() == 1) return workers_[0]->counts;
    std::vector<std::int64_t> counts(words());
    for (const auto& worker : workers_)
        for (std::size_t id = 0; id < worker->numbers.size(); ++id) {
            look(stop);
            counts[worker->numbers[id]] += worker->counts[id];
        }
    return counts;
}

std::int64_t Encoder::highest(const std::atomic<bool>& stop) const {
    const auto counted = counts(stop);
    return counted.empty() ? 0 : *std::max_element(counted.begin(), counted.end());
}

Chosen Encoder::choose(std::int64_t min_count, std::size_t max_vocab, const std::atomic<bool>& stop) const {
    const Table& words = table();
    const auto counted = counts(stop);
    std::vector<std::uint32_t> order;
    for (std::uint32_t id = 0; id < words.size(); ++id)
        if (counted[id] >= min_count) order.push_back(id);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        look(stop);
        return counted[a] != counted[b] ? counted[a] > counted[b] : precedes(words, a, b);
    });
    if (order.size() > max_vocab) order.resize(max_vocab);
    Chosen chosen;
    chosen.table.assign(words.size(), -1);
    chosen.offsets.push_back(0);
    for (std::uint32_t id : order) {
        look(stop);
        chosen.table[id] = static_cast<std::int32_t>(chosen.counts.size());
        chosen.counts.push_back(counted[id]);
        chosen.bytes.insert(chosen.bytes.end(), words.data(id), words.data(id) + words.length(id));
        chosen.offsets.push_back(static_cast<std::int64_t>(chosen.bytes.size()));
    }
    return chosen;
}

Chosen Encoder::match(const Packed& words, const std::atomic<bool>& stop) const {
    if (words.count > 0x7FFFFFFF) throw std::length_error("more than 2^31 words");
    const auto counted = counts(stop);
    Chosen chosen;
    chosen.table.assign(this->words(), -1);
    chosen.counts.assign(words.count, 0);
    Padded padded;
    for (std::size_t i = 0; i < words.count; ++i) {
        look(stop);
        const std::string_view word = words[i];
        const std::uint32_t id = table().find(padded(word), word.size());
        if (id == kNone) continue;
        if (chosen.table[id] >= 0) throw std::invalid_argument("a word stands twice");
        chosen.table[id] = static_cast<std::int32_t>(i);
        chosen.counts[i] = counted[id];
    }
    return chosen;
}

void renumber(std::int32_t* ids, std::size_t t, std::int64_t* offsets, std::size_t s, const std::int32_t* table,
              std::size_t known, const std::atomic<bool>& stop) {
    if (offsets[0] != 0 || offsets[s] != static_cast<std::int64_t>(t))
        throw std::invalid_argument("the offsets do not go from 0 to the number of ids");
    for (std::size_t i = 0; i < s; ++i)
        if (offsets[i + 1] < offsets[i]) throw std::invalid_argument("the offsets do not rise");
    constexpr std::size_t kStep = 1 << 20;  // ids between two looks at `stop`
    for (std::size_t begin = 0; begin < t; begin += kStep) {
        look(stop);
        std::uint32_t largest = 0;
        for (std::size_t i = begin, end = std::min(t, begin + kStep); i < end; ++i)
            largest = std::max(largest, static_cast<std::uint32_t>(ids[i]));
        if (largest >= known) throw std::invalid_argument("an id is out of range");
    }
    std::size_t to = 0, from = 0, seen = 0;
    for (std::size_t i = 1; i <= s; ++i) {
        if ((++seen & (kStep - 1)) == 0) look(stop);
        const auto end = static_cast<std::size_t>(offsets[i]);
        if (end > t) throw std::invalid_argument("the offsets were changed meanwhile");
        for (; from < end; ++from) {
            if ((++seen & (kStep - 1)) == 0) look(stop);
            const auto number = static_cast<std::uint32_t>(ids[from]);
            if (number >= known) throw std::invalid_argument("an id was changed meanwhile, and is out of range");
            const std::int32_t id = table[number];
            ids[to] = id;
            to += id >= 0;
        }
        offsets[i] = static_cast<std::int64_t>(to);
    }
}

}  // namespace lexarium
