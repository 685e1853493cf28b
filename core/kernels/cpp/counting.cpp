#include "counting.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <limits>
#include <stdexcept>
#include <thread>
#include <utility>

namespace lexarium {
namespace {

constexpr std::size_t kPadding = 8;  // bytes that may be read, and are zero, behind a text
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

// The first `count` (at most 8) of 8 readable bytes, the others zero.
std::uint64_t load(const std::uint8_t* bytes, std::size_t count) {
    std::uint64_t value;
    std::memcpy(&value, bytes, 8);
    return count >= 8 ? value : value & ((std::uint64_t{1} << 8 * count) - 1);
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    a = (a ^ b) * 0xD6E8FEB86659FD93u;
    return a ^ a >> 32;
}

// A byte string as two words: itself where it is short, two hash values where it is longer than 16.
struct Key {
    std::uint64_t low = 0, high = 0;
    std::uint32_t length = 0;
    std::uint32_t hash = 0;

    Key() = default;

    // Reads up to 8 bytes behind the string.
    Key(const std::uint8_t* bytes, std::size_t n) : length(static_cast<std::uint32_t>(n)) {
        if (n <= 8) {
            low = load(bytes, n);
        } else if (n <= 16) {
            low = load(bytes, 8);
            high = load(bytes + 8, n - 8);
        } else {
            for (; n > 8; bytes += 8, n -= 8) {
                low = mix(low, load(bytes, 8));
                high = mix(high ^ 0xA0761D6478BD642Fu, load(bytes, 8));
            }
            low = mix(low, load(bytes, n));
            high = mix(high ^ 0xA0761D6478BD642Fu, load(bytes, n));
        }
        const std::uint64_t h = mix(mix(low ^ length, 0x9E3779B97F4A7C15u) + high, 0xBF58476D1CE4E5B9u);
        hash = static_cast<std::uint32_t>(h >> 32 ^ h);
    }
};

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

// Cuts texts into `count` runs of about equal bytes; returns count + 1 indices.
std::vector<std::size_t> cut(const std::vector<std::string_view>& texts, int count) {
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

std::uint32_t decode(const std::uint8_t* s, std::size_t left, int& length) {
    const std::uint8_t lead = s[0];
    const int wanted = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead >= 0x80 && (lead < 0xC0 || static_cast<std::size_t>(wanted) > left)) {
        length = 1;  // not UTF-8: Python never gives us this; it is no word character
        return 0;
    }
    length = wanted;
    if (wanted == 1) return lead;
    std::uint32_t code = lead & (0x7F >> wanted);
    for (int i = 1; i < wanted; ++i) code = code << 6 | (s[i] & 0x3F);
    return code;
}

// Calls `found(begin, length)` for each token of a text that is padded with zeros.
class Scanner {
public:
    explicit Scanner(const Settings& settings) : settings_(settings) {
        for (int c = 0; c < 256; ++c) {
            kind_[c] = c >= 0x80 ? kOther : settings.word.contains(c) ? kWord : kBreak;
            lower_[c] = settings.lowercase_ascii && c >= 'A' && c <= 'Z' ? c + 32 : c;
        }
    }

    template <typename Found>
    void scan(std::string_view text, Found&& found) {
        const std::size_t n = text.size();
        if (buffer_.size() < n + kPadding) buffer_.resize(n + n / 2 + kPadding);
        std::uint8_t* s = buffer_.data();
        for (std::size_t i = 0; i < n; ++i) s[i] = lower_[static_cast<std::uint8_t>(text[i])];
        std::memset(s + n, 0, kPadding);
        std::size_t i = 0;
        while (i < n) {
            if (kind_[s[i]] == kBreak) {
                ++i;
                continue;
            }
            const std::size_t begin = i;
            int characters = 0;
            while (i < n) {
                if (kind_[s[i]] == kWord) {
                    ++i;
                } else if (kind_[s[i]] == kBreak) {
                    break;
                } else {
                    int length;
                    if (!settings_.word.contains(decode(s + i, n - i, length))) {
                        if (i == begin) i += length;  // no token begins here
                        break;
                    }
                    i += length;
                }
                ++characters;
            }
            if (characters >= settings_.min_length && characters > 0) found(s + begin, i - begin);
        }
    }

private:
    enum : std::uint8_t { kBreak, kWord, kOther };
    const Settings& settings_;
    std::uint8_t kind_[256];
    std::uint8_t lower_[256];
    std::vector<std::uint8_t> buffer_;
};

}  // namespace

// Distinct byte strings, numbered as they come; open addressing, at most half full. A slot holds short
// strings whole, and where its string was last counted, so that counting a term touches one cache line.
class Table {
public:
    struct Slot {
        std::uint64_t low = 0, high = 0;
        std::uint32_t length = 0;
        std::uint32_t id = kNone;
        std::uint32_t row = kNone;  // the last row with this string, and where in that row it stands
        std::uint32_t place = 0;
    };

    Table() : slots_(1 << 12), mask_(slots_.size() - 1), arena_(kPadding) { offsets_.push_back(0); }

    std::uint32_t size() const { return static_cast<std::uint32_t>(offsets_.size() - 1); }
    const std::uint8_t* data(std::uint32_t id) const { return arena_.data() + offsets_[id]; }
    std::size_t length(std::uint32_t id) const { return offsets_[id + 1] - offsets_[id]; }

    void prefetch(const Key& key) const {
#if defined(__GNUC__)
        __builtin_prefetch(&slots_[key.hash & mask_]);
#else
        (void)key;
#endif
    }

    std::uint32_t find(const Key& key, const std::uint8_t* bytes) const {
        for (std::size_t i = key.hash & mask_;; i = (i + 1) & mask_) {
            const Slot& slot = slots_[i];
            if (slot.id == kNone || same(slot, key, bytes)) return slot.id;
        }
    }

    // The slot stays where it is until the next call.
    Slot& intern(const Key& key, const std::uint8_t* bytes) {
        if (2 * (std::size_t{size()} + 1) > mask_) grow();
        for (std::size_t i = key.hash & mask_;; i = (i + 1) & mask_) {
            Slot& slot = slots_[i];
            if (slot.id == kNone) return insert(slot, key, bytes);
            if (same(slot, key, bytes)) return slot;
        }
    }

    std::uint32_t find(const std::uint8_t* bytes, std::size_t n) const { return find(Key(bytes, n), bytes); }
    Slot& intern(const std::uint8_t* bytes, std::size_t n) { return intern(Key(bytes, n), bytes); }

private:
    bool same(const Slot& slot, const Key& key, const std::uint8_t* bytes) const {
        return slot.low == key.low && slot.high == key.high && slot.length == key.length &&
               (key.length <= 16 || std::memcmp(data(slot.id), bytes, key.length) == 0);
    }

    Slot& insert(Slot& slot, const Key& key, const std::uint8_t* bytes) {
        const std::uint32_t id = size();
        if (id >= 0x7FFFFFFF) throw std::length_error("more than 2^31 distinct terms");
        slot.low = key.low;
        slot.high = key.high;
        slot.length = key.length;
        slot.id = id;
        arena_.resize(arena_.size() - kPadding);
        arena_.insert(arena_.end(), bytes, bytes + key.length);
        offsets_.push_back(arena_.size());
        arena_.resize(arena_.size() + kPadding);
        return slot;
    }

    void grow() {
        std::vector<Slot> wider(slots_.size() * 2);
        const std::size_t mask = wider.size() - 1;
        for (const Slot& slot : slots_) {
            if (slot.id == kNone) continue;
            std::size_t i = Key(data(slot.id), slot.length).hash & mask;
            while (wider[i].id != kNone) i = (i + 1) & mask;
            wider[i] = slot;
        }
        slots_.swap(wider);
        mask_ = mask;
    }

    std::vector<Slot> slots_;
    std::size_t mask_;
    std::vector<std::uint8_t> arena_;  // padded, so that keys may be read from it
    std::vector<std::uint64_t> offsets_;
};

namespace {

std::uint32_t intern_view(Table& table, std::string_view text) {
    std::vector<std::uint8_t> padded(text.begin(), text.end());
    padded.resize(text.size() + kPadding);
    return table.intern(padded.data(), text.size()).id;
}

std::uint32_t intern_ids(Table& table, std::vector<std::uint32_t> ids) {
    const std::size_t count = ids.size();
    ids.resize(count + kPadding / sizeof ids[0]);
    return table.intern(reinterpret_cast<const std::uint8_t*>(ids.data()), count * sizeof ids[0]).id;
}

std::vector<std::uint32_t> ids_of(const Table& grams, std::uint32_t gram) {
    std::vector<std::uint32_t> ids(grams.length(gram) / sizeof(std::uint32_t));
    std::memcpy(ids.data(), grams.data(gram), grams.length(gram));
    return ids;
}

}  // namespace

// One thread's part of a corpus. A term is coded as 2 x token, or 2 x gram + 1.
struct Learner::Worker {
    explicit Worker(const Settings& settings) : scanner(settings) {}

    void count(Table::Slot& slot, std::uint32_t code) {
        const auto row = static_cast<std::uint32_t>(lengths.size());
        if (slot.row == row) {
            ++counts[first + slot.place];
        } else {
            slot.row = row;
            slot.place = static_cast<std::uint32_t>(codes.size() - first);
            codes.push_back(code);
            counts.push_back(1);
        }
    }

    void add(const Settings& settings, std::string_view text) {
        line.clear();
        keys.clear();
        first = codes.size();
        scanner.scan(text, [&](const std::uint8_t* begin, std::size_t length) {
            if (stops.size() && stops.find(begin, length) != kNone) return;
            keys.push_back({Key(begin, length), begin});
            tokens.prefetch(keys.back().key);
        });
        const bool alone = settings.shortest == 1;
        for (const Token& token : keys) {
            Table::Slot& slot = tokens.intern(token.key, token.begin);
            line.push_back(slot.id);
            if (alone) count(slot, 2 * slot.id);
        }
        line.insert(line.end(), kPadding / sizeof line[0], 0);
        for (int n = std::max(2, settings.shortest); n <= settings.longest; ++n) {
            const std::size_t size = n * sizeof line[0];
            const auto* ids = reinterpret_cast<const std::uint8_t*>(line.data());
            const std::size_t grams_here = keys.size() + 1 > std::size_t(n) ? keys.size() + 1 - n : 0;
            for (std::size_t i = 0; i < grams_here; i += kBatch) {
                Key* ahead = gram_keys;
                const std::size_t end = std::min(grams_here, i + kBatch);
                for (std::size_t k = i; k < end; ++k, ++ahead) {
                    *ahead = Key(ids + k * sizeof line[0], size);
                    grams.prefetch(*ahead);
                }
                for (std::size_t k = i; k < end; ++k) {
                    Table::Slot& slot = grams.intern(gram_keys[k - i], ids + k * sizeof line[0]);
                    count(slot, 2 * slot.id + 1);
                }
            }
        }
        lengths.push_back(codes.size() - first);
    }

    // The ranks of the first two tokens, each plus one (0: no second), and the code.
    struct Term {
        std::uint64_t key;
        std::uint32_t code;
    };

    std::vector<std::uint32_t> ranks_of(std::uint32_t code) const {
        if (!(code & 1)) return {rank[code >> 1]};
        auto ids = ids_of(grams, code >> 1);
        for (auto& id : ids) id = rank[id];
        return ids;
    }

    void sort_terms(bool alone) {
        token_column.assign(tokens.size(), -1);
        gram_column.assign(grams.size(), -1);
        sorted.reserve((alone ? tokens.size() : 0) + grams.size());
        if (alone)
            for (std::uint32_t id = 0; id < tokens.size(); ++id)
                sorted.push_back({(std::uint64_t{rank[id]} + 1) << 32, 2 * id});
        for (std::uint32_t id = 0; id < grams.size(); ++id) {
            std::uint32_t two[2];
            std::memcpy(two, grams.data(id), sizeof two);
            sorted.push_back({(std::uint64_t{rank[two[0]]} + 1) << 32 | (std::uint64_t{rank[two[1]]} + 1), 2 * id + 1});
        }
        std::sort(sorted.begin(), sorted.end(),
                  [&](const Term& a, const Term& b) { return before(*this, a, *this, b); });
    }

    static bool before(const Worker& s, const Term& a, const Worker& t, const Term& b) {
        if (a.key != b.key || !(a.code & b.code & 1)) return a.key < b.key;
        if (s.grams.length(a.code >> 1) == 8 || t.grams.length(b.code >> 1) == 8)
            return s.grams.length(a.code >> 1) < t.grams.length(b.code >> 1);
        return s.ranks_of(a.code) < t.ranks_of(b.code);
    }

    bool precedes(const Worker& other) const { return before(*this, sorted[next], other, other.sorted[other.next]); }

    void take(std::int32_t column) {
        const std::uint32_t code = sorted[next++].code;
        (code & 1 ? gram_column : token_column)[code >> 1] = column;
    }

    void spell(std::uint32_t code, std::vector<std::uint8_t>& bytes) const {
        auto append = [&](std::uint32_t id) {
            bytes.insert(bytes.end(), tokens.data(id), tokens.data(id) + tokens.length(id));
        };
        if (!(code & 1)) return append(code >> 1);
        const std::uint8_t* packed = grams.data(code >> 1);
        for (std::size_t i = 0, n = grams.length(code >> 1) / sizeof(std::uint32_t); i < n; ++i) {
            std::uint32_t id;
            std::memcpy(&id, packed + i * sizeof id, sizeof id);
            if (i) bytes.push_back(' ');
            append(id);
        }
    }

    void write_rows(const std::vector<std::int64_t>& places, Rows& rows) const {
        std::vector<std::uint64_t> row;
        std::size_t at = 0;
        for (std::size_t i = 0; i < places.size(); ++i) {
            row.clear();
            for (std::int64_t k = 0; k < lengths[i]; ++k, ++at) {
                const std::uint32_t code = codes[at];
                const auto column = static_cast<std::uint32_t>((code & 1 ? gram_column : token_column)[code >> 1]);
                row.push_back(std::uint64_t{column} << 32 | static_cast<std::uint32_t>(counts[at]));
            }
            std::sort(row.begin(), row.end());
            std::int64_t where = places[i];
            for (std::uint64_t entry : row) {
                rows.columns[where] = static_cast<std::int32_t>(entry >> 32);
                rows.counts[where++] = static_cast<std::int32_t>(entry & 0xFFFFFFFF);
            }
        }
    }

    struct Token {
        Key key;
        const std::uint8_t* begin;
    };
    static constexpr std::size_t kBatch = 32;
    Key gram_keys[kBatch];
    std::vector<Token> keys;
    Scanner scanner;
    Table stops, tokens, grams;
    std::vector<std::uint32_t> line;   // the tokens of the text at hand
    std::vector<std::uint32_t> codes;  // of all rows, one after another
    std::vector<std::int32_t> counts;
    std::vector<std::int64_t> lengths;  // of each row
    std::size_t first = 0;              // of the row at hand
    std::vector<std::uint32_t> rank;    // of each token, among those of all workers
    std::vector<Term> sorted;
    std::size_t next = 0;  // of `sorted`, while terms are numbered
    std::vector<std::int32_t> token_column, gram_column;
};

Learner::Learner(Settings settings, std::vector<std::string_view> stop_words) : settings_(settings) {
    for (int t = 0; t < settings.threads; ++t) {
        workers_.push_back(std::make_unique<Worker>(settings_));
        for (auto word : stop_words) intern_view(workers_.back()->stops, word);
    }
}

Learner::~Learner() = default;

void Learner::add(const std::vector<std::string_view>& texts) {
    const int threads = settings_.threads;
    const auto cuts = cut(texts, threads);
    in_parallel(threads, [&](int t) {
        for (std::size_t i = cuts[t]; i < cuts[t + 1]; ++i) workers_[t]->add(settings_, texts[i]);
    });
    for (int t = 0; t < threads; ++t) blocks_.emplace_back(t, cuts[t + 1] - cuts[t]);
}

// Tokens of all workers, numbered by the order of their bytes.
void Learner::rank_tokens() {
    Table all;
    std::vector<std::vector<std::uint32_t>> merged(workers_.size());
    for (std::size_t t = 0; t < workers_.size(); ++t) {
        const Table& own = workers_[t]->tokens;
        for (std::uint32_t id = 0; id < own.size(); ++id)
            merged[t].push_back(all.intern(own.data(id), own.length(id)).id);
    }
    std::vector<std::pair<std::uint64_t, std::uint32_t>> order(all.size());
    for (std::uint32_t id = 0; id < all.size(); ++id) {
        std::uint64_t prefix = 0;
        for (std::size_t i = 0; i < 8; ++i) prefix = prefix << 8 | (i < all.length(id) ? all.data(id)[i] : 0);
        order[id] = {prefix, id};
    }
    std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
        if (a.first != b.first) return a.first < b.first;
        const std::size_t la = all.length(a.second), lb = all.length(b.second);
        const int differs = std::memcmp(all.data(a.second), all.data(b.second), std::min(la, lb));
        return differs ? differs < 0 : la < lb;
    });
    std::vector<std::uint32_t> rank(all.size());
    for (std::uint32_t r = 0; r < order.size(); ++r) rank[order[r].second] = r;
    for (std::size_t t = 0; t < workers_.size(); ++t)
        for (std::uint32_t id : merged[t]) workers_[t]->rank.push_back(rank[id]);
}

// A space comes before every word character, so that terms in the order of their bytes are sequences of
// tokens in the order of the tokens, a beginning before the whole. Each worker sorts its own terms, then
// all are merged; a term that several workers met gets one column.
void Learner::number_terms(Strings& terms) {
    in_parallel(settings_.threads, [&](int t) { workers_[t]->sort_terms(settings_.shortest == 1); });
    terms.offsets.assign(1, 0);
    for (std::int32_t column = 0;; ++column) {
        Worker* least = nullptr;
        for (auto& worker : workers_)
            if (worker->next < worker->sorted.size() && (!least || worker->precedes(*least))) least = worker.get();
        if (!least) break;
        if (column == std::numeric_limits<std::int32_t>::max()) throw std::length_error("more than 2^31 terms");
        least->spell(least->sorted[least->next].code, terms.bytes);
        terms.offsets.push_back(static_cast<std::int64_t>(terms.bytes.size()));
        for (auto& worker : workers_)
            if (worker.get() != least && worker->next < worker->sorted.size() && !least->precedes(*worker) &&
                !worker->precedes(*least))
                worker->take(column);
        least->take(column);
    }
}

void Learner::finish(Strings& terms, Rows& rows) {
    rank_tokens();
    number_terms(terms);
    // Rows in the order in which the texts came, columns ascending.
    rows.offsets.assign(1, 0);
    std::vector<std::vector<std::int64_t>> places(workers_.size());  // where each row of a worker goes
    for (const auto& [t, count] : blocks_)
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t length = workers_[t]->lengths[places[t].size()];
            places[t].push_back(rows.offsets.back());
            rows.offsets.push_back(rows.offsets.back() + length);
        }
    rows.columns.resize(rows.offsets.back());
    rows.counts.resize(rows.offsets.back());
    in_parallel(settings_.threads, [&](int t) { workers_[t]->write_rows(places[t], rows); });
}

struct Counter::Index {
    Table stops, tokens, grams;
    std::vector<std::int32_t> token_column, gram_column;  // -1: not a term
};

Counter::Counter(Settings settings, std::vector<std::string_view> stop_words, const Terms& terms)
    : settings_(settings), index_(std::make_unique<Index>()) {
    for (auto word : stop_words) intern_view(index_->stops, word);
    std::vector<std::uint32_t> ids;
    for (std::size_t column = 0; column < terms.count; ++column) {
        const std::string_view term = terms[column];
        ids.clear();
        for (std::size_t begin = 0; begin <= term.size();) {
            const std::size_t end = std::min(term.find(' ', begin), term.size());
            ids.push_back(intern_view(index_->tokens, term.substr(begin, end - begin)));
            begin = end + 1;
        }
        index_->token_column.resize(index_->tokens.size(), -1);
        if (ids.size() == 1) {
            if (index_->token_column[ids[0]] >= 0) throw std::invalid_argument("a term stands twice");
            index_->token_column[ids[0]] = static_cast<std::int32_t>(column);
        } else {
            const std::uint32_t gram = intern_ids(index_->grams, ids);
            index_->gram_column.resize(index_->grams.size(), -1);
            if (index_->gram_column[gram] >= 0) throw std::invalid_argument("a term stands twice");
            index_->gram_column[gram] = static_cast<std::int32_t>(column);
        }
    }
}

Counter::~Counter() = default;

Rows Counter::count(const std::vector<std::string_view>& texts) const {
    const Index& index = *index_;
    const int threads = static_cast<int>(
        std::max<std::size_t>(1, std::min<std::size_t>(settings_.threads, texts.size() / 64)));
    const auto cuts = cut(texts, threads);
    std::vector<Rows> parts(threads);
    in_parallel(threads, [&](int t) {
        Scanner scanner(settings_);
        std::vector<std::uint32_t> line, found;
        Rows& rows = parts[t];
        for (std::size_t i = cuts[t]; i < cuts[t + 1]; ++i) {
            line.clear();
            found.clear();
            scanner.scan(texts[i], [&](const std::uint8_t* begin, std::size_t length) {
                if (index.stops.size() && index.stops.find(begin, length) != kNone) return;
                line.push_back(index.tokens.find(begin, length));
            });
            const std::size_t tokens = line.size();
            if (settings_.shortest == 1)
                for (std::uint32_t token : line)
                    if (token != kNone && index.token_column[token] >= 0) found.push_back(index.token_column[token]);
            line.resize(tokens + kPadding / sizeof line[0]);
            for (int n = std::max(2, settings_.shortest); n <= settings_.longest; ++n)
                for (std::size_t k = 0; k + n <= tokens; ++k) {
                    const auto* ids = reinterpret_cast<const std::uint8_t*>(line.data() + k);
                    const std::uint32_t gram = index.grams.find(ids, n * sizeof(std::uint32_t));
                    if (gram != kNone) found.push_back(index.gram_column[gram]);
                }
            std::sort(found.begin(), found.end());
            for (std::size_t k = 0; k < found.size(); ++k) {
                if (k && found[k] == found[k - 1]) {
                    ++rows.counts.back();
                } else {
                    rows.columns.push_back(static_cast<std::int32_t>(found[k]));
                    rows.counts.push_back(1);
                }
            }
            rows.offsets.push_back(static_cast<std::int64_t>(rows.columns.size()));
        }
    });
    Rows all;
    all.offsets.push_back(0);
    for (Rows& part : parts) {
        const auto before = static_cast<std::int64_t>(all.columns.size());
        for (std::int64_t offset : part.offsets) all.offsets.push_back(before + offset);
        all.columns.insert(all.columns.end(), part.columns.begin(), part.columns.end());
        all.counts.insert(all.counts.end(), part.counts.begin(), part.counts.end());
    }
    return all;
}

}  // namespace lexarium
