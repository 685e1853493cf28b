#include "counting.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <stdexcept>
#include <utility>

#include "counting_columns.hpp"
#include "counting_terms.hpp"
#include "parallel.hpp"
#include "table.hpp"

namespace lexarium {

namespace {

constexpr std::size_t kBatch = 32;  // n-grams whose slots are fetched from memory together
constexpr std::size_t kLogs = 64;   // counts whose logarithm is looked up

struct Sums {
    std::int64_t counts = 0;
    std::int64_t texts = 0;
    double entropy = 0;  // of count x ln(count)
};

// count x ln(count)
double entropy_of(std::int64_t count) {
    static const std::array<double, kLogs> small = [] {
        std::array<double, kLogs> values{};
        for (std::size_t n = 1; n < kLogs; ++n) values[n] = static_cast<double>(n) * std::log(static_cast<double>(n));
        return values;
    }();
    if (count < static_cast<std::int64_t>(kLogs)) return small[count];
    return static_cast<double>(count) * std::log(static_cast<double>(count));
}

std::uint32_t id_at(const std::uint8_t* packed, std::size_t i) {
    std::uint32_t id;
    std::memcpy(&id, packed + i * sizeof id, sizeof id);
    return id;
}

// Where a term stands in the order: the ranks of its first two tokens, each plus one (0: there is no second).
// A longer one is found by its code.
struct Place {
    std::uint64_t key;
    std::uint32_t code;
};

// The first 8 of `length` bytes, as a number that is in the order of the bytes.
std::uint64_t prefix(const std::uint8_t* bytes, std::size_t length) {
    const std::uint64_t value = load(bytes, length);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return value;
#else
    return __builtin_bswap64(value);
#endif
}

// A token, or a token and a space, with its first 16 bytes as two numbers, zeros behind the end.
struct Spelled {
    std::uint64_t first, second;
    std::uint32_t id;
    bool inner;
};

}  // namespace

// One thread's part of a corpus. A term is coded as 2 x token, or 2 x gram + 1; a gram is the packed ids of its tokens.
struct Learner::Worker {
    Worker(const Settings& settings, bool rows, std::size_t prune_at, const std::atomic<bool>& stop)
        : settings(settings), rows(rows), prune_at(prune_at), stop(stop), tokens(stop), grams(stop),
          analysis(settings, stops, stop) {}

    bool alone() const { return settings.analyzer != Analyzer::word || settings.shortest == 1; }
    int longest() const { return settings.analyzer == Analyzer::word ? settings.longest : 1; }

    // For about as many codes as so many bytes of text will give; what is not needed is not touched.
    void make_room(std::size_t bytes) {
        codes.make_room(bytes / kBytesPerEntry);
        counts.make_room(bytes / kBytesPerEntry);
    }

    void count(Table::Slot& slot, std::uint32_t code) {
        if (slot.row == row) {
            ++counts[first + slot.place];
        } else {
            slot.row = row;
            slot.place = static_cast<std::uint32_t>(codes.size() - first);
            codes.push_back(code);
            counts.push_back(1);
        }
    }

    void add(const Texts& texts, std::size_t i) {
        if (row == kNone - 1) throw std::length_error("more than 2^32 - 2 texts in one thread");
        line.clear();
        first = codes.size();
        const bool counted = alone(), joined = longest() > 1;
        auto coming = [&](const Token& token) { tokens.prefetch(token.key); };
        analysis.scan(texts, i, coming, [&](const Token& token) {
            Table::Slot& slot = tokens.intern(token.key, token.begin);
            if (joined) line.push_back(slot.id);
            if (counted) count(slot, 2 * slot.id);
        });
        const std::size_t length = line.size();
        line.insert(line.end(), kPadding / sizeof line[0], 0);
        for (int n = std::max(2, settings.shortest); n <= longest(); ++n) add_grams(length, n);
        add_sums();
        ++row;
        if (rows) {
            lengths.push_back(static_cast<std::int64_t>(codes.size() - first));
        } else {
            codes.clear();
            counts.clear();
        }
        if (prune_at != 0) prune();
    }

    void add_grams(std::size_t count_of_tokens, std::size_t n) {
        const std::size_t end = count_of_tokens + 1 > n ? count_of_tokens + 1 - n : 0;
        const auto* ids = reinterpret_cast<const std::uint8_t*>(line.data());
        constexpr std::size_t width = sizeof line[0];
        Key ahead[kBatch];
        for (std::size_t i = 0; i < end; i += kBatch) {
            look(stop);
            const std::size_t behind = std::min(end, i + kBatch);
            for (std::size_t k = i; k < behind; ++k) {
                ahead[k - i] = Key(ids + k * width, n * width);
                grams.prefetch(ahead[k - i]);
            }
            for (std::size_t k = i; k < behind; ++k) {
                Table::Slot& slot = grams.intern(ahead[k - i], ids + k * width);
                count(slot, 2 * slot.id + 1);
            }
        }
    }

    void add_sums() {
        token_sums.resize(tokens.size());
        gram_sums.resize(grams.size());
        for (std::size_t k = first; k < codes.size(); ++k) {
            Sums& sums = (codes[k] & 1 ? gram_sums : token_sums)[codes[k] >> 1];
            sums.counts += counts[k];
            ++sums.texts;
            if (counts[k] > 1) sums.entropy += entropy_of(counts[k]);
        }
    }

    // Where there are more than prune_at terms, drops those that stand in the fewest texts, all of one number of
    // texts together, so that at most three quarters of prune_at are left: then it is seldom done. Where tokens are
    // no terms, those that no term has are dropped, too, before they outnumber the others.
    void prune() {
        const std::size_t terms = (alone() ? tokens.size() : 0) + std::size_t{grams.size()};
        if (terms > prune_at)
            drop(most_dropped(prune_at - prune_at / 4));
        else if (!alone() && tokens.size() / 2 / longest() > prune_at)
            drop(0);
    }

    // The smallest number of texts that no more than `left` terms, fewer than there are, stand in more of.
    std::int64_t most_dropped(std::size_t left) const {
        std::vector<std::int64_t> texts;
        if (alone())
            for (const Sums& sums : token_sums) texts.push_back(sums.texts);
        for (const Sums& sums : gram_sums) texts.push_back(sums.texts);
        const auto first = texts.begin() + static_cast<std::ptrdiff_t>(left);
        std::nth_element(texts.begin(), first, texts.end(), std::greater<>());
        return *first;
    }

    // Drops the terms that stand in `least` texts or fewer; a token stays while a gram has it.
    void drop(std::int64_t least) {
        std::vector<std::uint8_t> needed(tokens.size());
        auto keeps_gram = [&](std::uint32_t id) { return gram_sums[id].texts > least; };
        for (std::uint32_t id = 0; id < grams.size(); ++id)
            if (keeps_gram(id))
                for (std::size_t i = 0; i < grams.length(id) / sizeof id; ++i) needed[id_at(grams.data(id), i)] = 1;
        auto keeps_token = [&](std::uint32_t id) { return needed[id] || (alone() && token_sums[id].texts > least); };
        std::vector<std::uint32_t> renumbered(tokens.size());
        std::uint32_t next = 0;
        for (std::uint32_t id = 0; id < tokens.size(); ++id) renumbered[id] = keeps_token(id) ? next++ : kNone;
        Table fewer(stop);
        std::vector<std::uint32_t> ids;
        std::uint32_t kept = 0;
        for (std::uint32_t id = 0; id < grams.size(); ++id) {
            look(stop);
            if (!keeps_gram(id)) continue;
            const std::size_t n = grams.length(id) / sizeof id;
            ids.clear();
            for (std::size_t i = 0; i < n; ++i) ids.push_back(renumbered[id_at(grams.data(id), i)]);
            ids.resize(n + kPadding / sizeof id);
            fewer.intern(reinterpret_cast<const std::uint8_t*>(ids.data()), n * sizeof id);
            gram_sums[kept++] = gram_sums[id];
        }
        grams = std::move(fewer);
        gram_sums.resize(kept);
        for (std::uint32_t id = 0; id < tokens.size(); ++id)
            if (renumbered[id] != kNone) token_sums[renumbered[id]] = token_sums[id];
        tokens = tokens.without([&](std::uint32_t id) {
            look(stop);
            return renumbered[id] != kNone;
        });
        token_sums.resize(tokens.size());
    }

    std::uint64_t key_of(std::uint32_t code) const {
        if (!(code & 1)) return (std::uint64_t{last_rank[code >> 1]} + 1) << 32;
        const std::uint32_t gram = code >> 1;
        const std::uint32_t second = id_at(grams.data(gram), 1);
        const bool two = grams.length(gram) == 2 * sizeof second;
        return (std::uint64_t{inner_rank[id_at(grams.data(gram), 0)]} + 1) << 32 |
               (std::uint64_t{(two ? last_rank : inner_rank)[second]} + 1);
    }

    bool has_controls() const {
        for (std::uint32_t id = 0; id < tokens.size(); ++id) {
            look(stop);
            const std::uint8_t* bytes = tokens.data(id);
            if (std::any_of(bytes, bytes + tokens.length(id), [](std::uint8_t c) { return c < ' '; })) return true;
        }
        return false;
    }

    // Byte i of a token, and of the space behind it; -1 behind the end.
    int byte_of(const Spelled& token, std::size_t i) const {
        const std::size_t length = tokens.length(token.id);
        return i < length ? tokens.data(token.id)[i] : token.inner && i == length ? ' ' : -1;
    }

    // Puts the tokens in order, and with `inner` each with a space behind it, too.
    void spell_tokens(bool inner) {
        spelled.reserve(tokens.size() * std::size_t{inner ? 2u : 1u});
        for (std::uint32_t id = 0; id < tokens.size(); ++id) {
            look(stop);
            const std::uint8_t* bytes = tokens.data(id);
            const std::size_t length = tokens.length(id);
            for (int k = 0; k <= (inner ? 1 : 0); ++k) {
                Spelled token{prefix(bytes, length), length > 8 ? prefix(bytes + 8, length - 8) : 0, id, k == 1};
                if (token.inner && length < 16)
                    (length < 8 ? token.first : token.second) |= std::uint64_t{' '} << (56 - 8 * (length % 8));
                spelled.push_back(token);
            }
        }
        std::sort(spelled.begin(), spelled.end(), [&](const Spelled& a, const Spelled& b) {
            look(stop);
            return compare(*this, a, *this, b) < 0;
        });
        last_rank.resize(tokens.size());
        inner_rank.resize(tokens.size());
    }

    // Below, equal to or above 0, as a token of one worker comes before, is, or comes behind one of another.
    static int compare(const Worker& s, const Spelled& a, const Worker& t, const Spelled& b) {
        if (a.first != b.first) return a.first < b.first ? -1 : 1;
        if (a.second != b.second) return a.second < b.second ? -1 : 1;
        const std::size_t length = s.tokens.length(a.id);
        if (length <= 16 && length == t.tokens.length(b.id) && a.inner == b.inner) return 0;
        for (std::size_t i = 0;; ++i) {
            const int x = s.byte_of(a, i), y = t.byte_of(b, i);
            if (x != y) return x < y ? -1 : 1;
            if (x < 0) return int{a.inner} - int{b.inner};  // a token may itself end with a space
        }
    }

    void sort_terms() {
        sorted.reserve((alone() ? tokens.size() : 0) + std::size_t{grams.size()});
        if (alone())
            for (const Spelled& token : spelled)  // in the order of the ranks already
                if (!token.inner) sorted.push_back({key_of(2 * token.id), 2 * token.id});
        const auto middle = static_cast<std::ptrdiff_t>(sorted.size());
        for (std::uint32_t id = 0; id < grams.size(); ++id) {
            look(stop);
            sorted.push_back({key_of(2 * id + 1), 2 * id + 1});
        }
        auto earlier = [&](const Place& a, const Place& b) {
            look(stop);
            return before(*this, a, *this, b);
        };
        std::sort(sorted.begin() + middle, sorted.end(), earlier);
        std::inplace_merge(sorted.begin(), sorted.begin() + middle, sorted.end(), earlier);
        token_column.resize(tokens.size());
        gram_column.resize(grams.size());
    }

    // The terms of one key are one term, or all of three tokens and more: then the ranks decide from the third on.
    static bool before(const Worker& s, const Place& a, const Worker& t, const Place& b) {
        if (a.key != b.key || !(a.code & 1)) return a.key < b.key;
        const std::size_t na = s.grams.length(a.code >> 1) / 4, nb = t.grams.length(b.code >> 1) / 4;
        for (std::size_t i = 2; i < std::min(na, nb); ++i) {
            const std::uint32_t ra = s.rank_in(a.code >> 1, i, na), rb = t.rank_in(b.code >> 1, i, nb);
            if (ra != rb) return ra < rb;
        }
        return na < nb;
    }

    std::uint32_t rank_in(std::uint32_t gram, std::size_t i, std::size_t n) const {
        const std::uint32_t id = id_at(grams.data(gram), i);
        return i + 1 == n ? last_rank[id] : inner_rank[id];
    }

    void spell(std::uint32_t code, std::vector<std::uint8_t>& bytes) const {
        auto append = [&](std::uint32_t id) {
            bytes.insert(bytes.end(), tokens.data(id), tokens.data(id) + tokens.length(id));
        };
        if (!(code & 1)) return append(code >> 1);
        const std::uint8_t* packed = grams.data(code >> 1);
        for (std::size_t i = 0, n = grams.length(code >> 1) / sizeof(std::uint32_t); i < n; ++i) {
            if (i) bytes.push_back(' ');
            append(id_at(packed, i));
        }
    }

    void write_rows(const std::vector<std::int64_t>& places, std::size_t terms, Rows<std::int32_t>& all) const {
        Columns columns(terms);
        std::size_t at = 0;
        for (std::size_t i = 0; i < places.size(); ++i) {
            look(stop);
            for (std::int64_t k = 0; k < lengths[i]; ++k, ++at) {
                const std::uint32_t code = codes[at];
                columns.add((code & 1 ? gram_column : token_column)[code >> 1], counts[at]);
            }
            std::int64_t where = places[i];
            columns.drain([&](std::uint32_t column, std::int32_t count) {
                all.columns[where] = static_cast<std::int32_t>(column);
                all.counts[where++] = count;
            });
        }
    }

    const Settings& settings;
    const bool rows;
    const std::size_t prune_at;
    const std::atomic<bool>& stop;
    Table stops, tokens, grams;
    Analysis analysis;
    std::uint32_t row = 0;                 // the text at hand
    std::vector<std::uint32_t> line;       // its tokens
    std::size_t first = 0;                 // of `codes`: where it begins
    Buffer<std::uint32_t> codes;           // of the text at hand, or of all, one after another
    Buffer<std::int32_t> counts;           // of each code
    std::vector<std::int64_t> lengths;     // of each text, in codes
    std::vector<Sums> token_sums, gram_sums;
    std::vector<Spelled> spelled;                      // the tokens in order
    std::vector<std::uint32_t> last_rank, inner_rank;  // of each token, among those of all workers
    std::vector<Place> sorted;
    std::vector<std::uint32_t> token_column, gram_column;
};

// The terms of one run of keys, merged: column 0 is the first of them.
struct Learner::Part {
    std::vector<std::size_t> next, end;  // of each worker's `sorted`
    std::size_t terms = 0;
    std::vector<std::uint8_t> bytes;
    std::vector<std::int64_t> ends;  // of each term, in `bytes`
    std::vector<Sums> sums;

    // Calls found(workers that have it, ...) for each distinct term, in order.
    template <typename Found>
    void merge(std::vector<std::unique_ptr<Worker>>& workers, const Found& found) const {
        auto at = next;
        std::vector<std::size_t> same;
        for (;;) {
            same.clear();
            for (std::size_t w = 0; w < workers.size(); ++w) {
                if (at[w] == end[w]) continue;
                if (!same.empty()) {
                    const Worker &mine = *workers[w], &least = *workers[same[0]];
                    const Place &a = mine.sorted[at[w]], &b = least.sorted[at[same[0]]];
                    if (Worker::before(least, b, mine, a)) continue;
                    if (Worker::before(mine, a, least, b)) same.clear();
                }
                same.push_back(w);
            }
            if (same.empty()) return;
            look(workers[0]->stop);
            found(same, at);
            for (std::size_t w : same) ++at[w];
        }
    }
};

Learner::Learner(Settings settings, const std::vector<std::string_view>& stop_words, bool rows, std::size_t prune_at)
    : settings_(settings), rows_(rows) {
    if (rows && prune_at != 0) throw std::invalid_argument("rows cannot be kept where terms are dropped");
    if (prune_at != 0) settings_.threads = 1;  // what is dropped follows from what was read before
    for (int t = 0; t < settings_.threads; ++t) {
        workers_.push_back(std::make_unique<Worker>(settings_, rows, prune_at, stop_));
        intern_all(workers_.back()->stops, stop_words);
    }
}

Learner::~Learner() = default;

void Learner::add(const Texts& texts, const std::function<void()>& tick) {
    const int threads = settings_.threads;
    const auto cuts = cut(texts, threads);
    in_parallel_watched(
        threads, stop_,
        [&](int t) {
            if (rows_) workers_[t]->make_room(bytes_of(texts, cuts[t], cuts[t + 1]));
            for (std::size_t i = cuts[t]; i < cuts[t + 1]; ++i) workers_[t]->add(texts, i);
        },
        tick);
    if (rows_)
        for (int t = 0; t < threads; ++t) blocks_.emplace_back(t, cuts[t + 1] - cuts[t]);
}

// Tokens of all workers, by the order of their bytes. Terms are to be in the order of theirs, and in a term a
// token ends with the term, or with a space. So each has two ranks: that of "token", and that of "token ".
// Each worker sorts its own; then they are merged.
void Learner::rank_tokens() {
    const int threads = settings_.threads;
    std::vector<char> with_controls(threads);
    in_parallel(threads, [&](int t) { with_controls[t] = workers_[t]->has_controls(); });
    // Where no token has a character below the space, "token " comes right behind "token".
    const bool plain = std::find(with_controls.begin(), with_controls.end(), 1) == with_controls.end();
    in_parallel(threads, [&](int t) { workers_[t]->spell_tokens(!plain); });
    std::vector<std::size_t> at(threads), same;
    for (std::uint32_t rank = 0;; ++rank) {
        look(stop_);
        same.clear();
        for (int w = 0; w < threads; ++w) {
            const Worker& mine = *workers_[w];
            if (at[w] == mine.spelled.size()) continue;
            if (!same.empty()) {
                const Worker& least = *workers_[same[0]];
                const int order = Worker::compare(mine, mine.spelled[at[w]], least, least.spelled[at[same[0]]]);
                if (order > 0) continue;
                if (order < 0) same.clear();
            }
            same.push_back(w);
        }
        if (same.empty()) break;
        if (rank >= 0x7FFFFFFE) throw std::length_error("more than 2^31 - 2 distinct words");
        for (std::size_t w : same) {
            Worker& worker = *workers_[w];
            const Spelled& token = worker.spelled[at[w]++];
            if (plain) {
                worker.last_rank[token.id] = 2 * rank;
                worker.inner_rank[token.id] = 2 * rank + 1;
            } else {
                (token.inner ? worker.inner_rank : worker.last_rank)[token.id] = rank;
            }
        }
    }
}

// Each worker sorts its own terms; then each thread merges one run of the keys, twice: the first time only to
// know how many terms come before the next run's. A term that several workers met gets one column.
std::vector<Learner::Part> Learner::number_terms() {
    const int threads = settings_.threads;
    in_parallel(threads, [&](int t) { workers_[t]->sort_terms(); });
    std::vector<Part> parts(threads);
    const auto& guide = workers_[0]->sorted;  // cut evenly, the others at the same keys
    for (auto& worker : workers_) {
        std::size_t begin = 0;
        for (int t = 0; t < threads; ++t) {
            std::size_t end = worker->sorted.size();
            if (t + 1 < threads) {
                const std::uint64_t key = guide.empty() ? 0 : guide[guide.size() * (t + 1) / threads].key;
                end = std::lower_bound(worker->sorted.begin(), worker->sorted.end(), key,
                                       [](const Place& p, std::uint64_t k) { return p.key < k; }) -
                      worker->sorted.begin();
            }
            parts[t].next.push_back(begin);
            parts[t].end.push_back(end);
            begin = end;
        }
    }
    in_parallel(threads, [&](int t) {
        parts[t].merge(workers_, [&](const auto&, const auto&) { ++parts[t].terms; });
    });
    std::size_t total = 0;
    std::vector<std::size_t> before(threads);
    for (int t = 0; t < threads; ++t) {
        before[t] = total;
        total += parts[t].terms;
    }
    if (total > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
        throw std::length_error("more than 2^31 - 1 distinct terms");
    in_parallel(threads, [&](int t) {
        Part& part = parts[t];
        auto column = static_cast<std::uint32_t>(before[t]);
        part.ends.reserve(part.terms);
        part.sums.reserve(part.terms);
        part.merge(workers_, [&](const auto& same, const auto& at) {
            Sums sums;
            for (std::size_t w : same) {
                Worker& worker = *workers_[w];
                const std::uint32_t code = worker.sorted[at[w]].code, id = code >> 1;
                (code & 1 ? worker.gram_column : worker.token_column)[id] = column;
                const Sums& own = (code & 1 ? worker.gram_sums : worker.token_sums)[id];
                sums.counts += own.counts;
                sums.texts += own.texts;
                sums.entropy += own.entropy;
            }
            workers_[same[0]]->spell(workers_[same[0]]->sorted[at[same[0]]].code, part.bytes);
            part.ends.push_back(static_cast<std::int64_t>(part.bytes.size()));
            part.sums.push_back(sums);
            ++column;
        });
    });
    return parts;
}

// Rows in the order in which the texts came, columns ascending.
void Learner::write_rows(std::size_t terms, Rows<std::int32_t>& rows) {
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
    in_parallel(settings_.threads, [&](int t) { workers_[t]->write_rows(places[t], terms, rows); });
}

// Parts one behind another, each thread writing its own.
void Learner::join(const std::vector<Part>& parts, Learned& learned) const {
    std::vector<std::size_t> terms{0}, bytes{0};  // before each part
    for (const Part& part : parts) {
        terms.push_back(terms.back() + part.terms);
        bytes.push_back(bytes.back() + part.bytes.size());
    }
    learned.bytes.resize(bytes.back());
    learned.offsets.resize(terms.back() + 1);
    learned.texts.resize(terms.back());
    learned.counts.resize(terms.back());
    learned.entropy.resize(terms.back());
    learned.offsets[0] = 0;
    in_parallel(static_cast<int>(parts.size()), [&](int t) {
        const Part& part = parts[t];
        std::copy(part.bytes.begin(), part.bytes.end(), learned.bytes.data() + bytes[t]);
        for (std::size_t i = 0, to = terms[t]; i < part.terms; ++i, ++to) {
            learned.offsets[to + 1] = static_cast<std::int64_t>(bytes[t]) + part.ends[i];
            learned.texts[to] = part.sums[i].texts;
            learned.counts[to] = part.sums[i].counts;
            learned.entropy[to] = part.sums[i].entropy;
        }
    });
}

Learned Learner::finish(const std::function<void()>& tick) {
    Learned learned;
    auto work = [&](int) {
        rank_tokens();
        const auto parts = number_terms();
        join(parts, learned);
        if (rows_) write_rows(learned.texts.size(), learned.rows);
    };
    in_parallel_watched(1, stop_, work, tick);
    return learned;
}

}  // namespace lexarium
