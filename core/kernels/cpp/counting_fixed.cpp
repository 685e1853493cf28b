// Counting in columns that are known beforehand: those of a vocabulary, or those of hash values.
#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "counting.hpp"
#include "counting_columns.hpp"
#include "counting_terms.hpp"
#include "parallel.hpp"
#include "table.hpp"

namespace lexarium {

namespace {

constexpr std::size_t kBatch = 32;              // terms whose slots are fetched from memory together
constexpr std::size_t kWorthAThread = 1 << 16;  // bytes of text

// A row's columns as they come, each with a sign in its lowest bit (0: plus), and the row that they make.
class RowMaker {
public:
    // `columns` to choose from, about how many bytes of text to come, and at most so many terms in one.
    RowMaker(std::size_t columns, std::size_t bytes, std::size_t most) : most_(most) {
        if (bytes > columns) sums_.emplace(columns);  // else preparing them would take longer than sorting
    }

    void add(std::uint32_t column, bool minus) { found_.push_back(column << 1 | (minus ? 1u : 0u)); }

    void finish(Rows<float>& rows) {
        if (found_.size() > most_) throw too_many(most_, "terms");
        rows.columns.make_room(found_.size());
        rows.counts.make_room(found_.size());
        std::int32_t* columns = rows.columns.data() + rows.columns.size();
        float* counts = rows.counts.data() + rows.counts.size();
        std::size_t distinct = 0;
        auto write = [&](std::uint32_t column, std::int32_t count) {
            columns[distinct] = static_cast<std::int32_t>(column);
            counts[distinct++] = static_cast<float>(count);
        };
        if (sums_) {
            for (std::uint32_t entry : found_) sums_->add(entry >> 1, entry & 1 ? -1 : 1);
            sums_->drain(write);
        } else {
            std::sort(found_.begin(), found_.end());
            for (std::size_t k = 0; k < found_.size();) {
                const std::uint32_t column = found_[k] >> 1;
                std::int32_t count = 0;
                for (; k < found_.size() && found_[k] >> 1 == column; ++k) count += found_[k] & 1 ? -1 : 1;
                write(column, count);
            }
        }
        rows.columns.resize(rows.columns.size() + distinct);
        rows.counts.resize(rows.counts.size() + distinct);
        rows.offsets.push_back(static_cast<std::int64_t>(rows.columns.size()));
        found_.clear();
    }

private:
    const std::size_t most_;
    std::vector<std::uint32_t> found_;
    std::optional<Columns> sums_;
};

// Rows of all texts, of `columns` columns; `work(i, analysis, row)` adds the columns of text i.
template <typename Work>
Rows<float> count_all(const Settings& settings, const Table& stops, const Texts& texts, std::size_t columns,
                      const std::atomic<bool>& stop, const Work& work) {
    const std::size_t all_bytes = bytes_of(texts, 0, texts.count);
    const std::size_t useful = std::max<std::size_t>(1, std::min(texts.count, 1 + all_bytes / kWorthAThread));
    const int threads = static_cast<int>(std::min<std::size_t>(settings.threads, useful));
    const auto cuts = cut(texts, threads);
    std::vector<Rows<float>> parts(threads);
    in_parallel(threads, [&](int t) {
        Analysis analysis(settings, stops, stop);
        const std::size_t bytes = bytes_of(texts, cuts[t], cuts[t + 1]);
        RowMaker row(columns, bytes, settings.most);
        const std::size_t room = (t == 0 ? all_bytes : bytes) / kBytesPerEntry;
        parts[t].columns.reserve(room);  // not touched yet
        parts[t].counts.reserve(room);
        for (std::size_t i = cuts[t]; i < cuts[t + 1]; ++i) {
            work(i, analysis, row);
            row.finish(parts[t]);
        }
    });
    Rows<float> all = std::move(parts[0]);  // stays where it is; the others go behind it
    all.offsets.insert(all.offsets.begin(), 0);
    if (threads == 1) return all;
    std::vector<std::size_t> before{0, all.columns.size()};
    for (int t = 1; t < threads; ++t) {
        for (std::int64_t offset : parts[t].offsets) all.offsets.push_back(static_cast<std::int64_t>(before[t]) + offset);
        before.push_back(before[t] + parts[t].columns.size());
    }
    all.columns.resize(before.back());
    all.counts.resize(before.back());
    const int arrays = 2 * (threads - 1);
    in_parallel(threads, [&](int first) {
        for (int k = first; k < arrays; k += threads) {
            const int t = 1 + k / 2;
            const Rows<float>& part = parts[t];
            if (k % 2 == 0)
                std::copy_n(part.columns.data(), part.columns.size(), all.columns.data() + before[t]);
            else
                std::copy_n(part.counts.data(), part.counts.size(), all.counts.data() + before[t]);
        }
    });
    return all;
}

std::uint32_t rotate(std::uint32_t value, int by) { return value << by | value >> (32 - by); }

}  // namespace

struct Counter::Index {
    Table stops, tokens, grams;
    std::vector<std::int32_t> token_column, gram_column;  // -1: not a term
    std::size_t columns = 0;
};

Counter::Counter(Settings settings, const std::vector<std::string_view>& stop_words, const Packed& terms,
                 const std::atomic<bool>& stop)
    : settings_(settings), index_(std::make_unique<Index>()) {
    Index& index = *index_;
    intern_all(index.stops, stop_words);
    index.columns = terms.count;
    const bool joined = settings.analyzer == Analyzer::word && settings.longest > 1;
    if (joined)
        index.grams.reserve(terms.count);
    else
        index.tokens.reserve(terms.count);
    auto take = [](std::vector<std::int32_t>& columns, std::uint32_t id, std::size_t size, std::size_t column) {
        columns.resize(size, -1);
        if (columns[id] >= 0) throw std::invalid_argument("a term stands twice");
        columns[id] = static_cast<std::int32_t>(column);
    };
    Padded padded;
    auto token = [&](std::string_view text) { return index.tokens.intern(padded(text), text.size()).id; };
    // Terms come in order, so the first word of a term is mostly that of the one before.
    std::string_view first_word;
    std::uint32_t first_id = kNone;
    std::vector<std::uint32_t> ids;  // of a batch of grams, each padded
    struct Gram {
        std::size_t begin, bytes, column;
        Key key;
    };
    std::vector<Gram> grams;
    auto intern_grams = [&] {
        for (Gram& gram : grams) {
            gram.key = Key(reinterpret_cast<const std::uint8_t*>(ids.data() + gram.begin), gram.bytes);
            index.grams.prefetch(gram.key);
        }
        for (const Gram& gram : grams) {
            const std::uint32_t id = index.grams.intern(gram.key, reinterpret_cast<const std::uint8_t*>(ids.data() + gram.begin)).id;
            take(index.gram_column, id, index.grams.size(), gram.column);
        }
        ids.clear();
        grams.clear();
    };
    for (std::size_t column = 0; column < terms.count; ++column) {
        look(stop);
        const std::string_view term = terms[column];
        const std::size_t space = joined ? term.find(' ') : std::string_view::npos;
        if (space == std::string_view::npos) {
            const std::uint32_t id = token(term);
            take(index.token_column, id, index.tokens.size(), column);
            continue;
        }
        if (first_id == kNone || term.substr(0, space) != first_word) {
            first_word = term.substr(0, space);
            first_id = token(first_word);
        }
        const std::size_t from = ids.size();
        ids.push_back(first_id);
        for (std::size_t begin = space + 1; begin <= term.size();) {
            const std::size_t end = std::min(term.find(' ', begin), term.size());
            ids.push_back(token(term.substr(begin, end - begin)));
            begin = end + 1;
        }
        grams.push_back({from, (ids.size() - from) * sizeof ids[0], column, {}});
        ids.resize(ids.size() + kPadding / sizeof ids[0]);
        if (grams.size() == kBatch) intern_grams();
    }
    intern_grams();
    index.token_column.resize(index.tokens.size(), -1);
}

Counter::~Counter() = default;

Rows<float> Counter::count(const Texts& texts, const std::atomic<bool>& stop) const {
    const Index& index = *index_;
    const bool word = settings_.analyzer == Analyzer::word;
    const bool alone = !word || settings_.shortest == 1;
    const int longest = word ? settings_.longest : 1;
    return count_all(settings_, index.stops, texts, index.columns, stop, [&](std::size_t i, Analysis& analysis, RowMaker& row) {
        thread_local std::vector<std::uint32_t> line;
        line.clear();
        auto coming = [&](const Token& token) { index.tokens.prefetch(token.key); };
        analysis.scan(texts, i, coming, [&](const Token& token) {
            const std::uint32_t id = index.tokens.find(token.key, token.begin);
            if (longest > 1) line.push_back(id);
            if (alone && id != kNone && index.token_column[id] >= 0) row.add(static_cast<std::uint32_t>(index.token_column[id]), false);
        });
        const std::size_t length = line.size();
        line.resize(length + kPadding / sizeof line[0]);
        const auto* ids = reinterpret_cast<const std::uint8_t*>(line.data());
        constexpr std::size_t width = sizeof line[0];
        Key ahead[kBatch];
        for (std::size_t n = std::max(2, settings_.shortest); n <= std::size_t(longest) && n <= length; ++n)
            for (std::size_t begin = 0, end = length + 1 - n; begin < end; begin += kBatch) {
                look(stop);
                const std::size_t behind = std::min(end, begin + kBatch);
                for (std::size_t k = begin; k < behind; ++k) {
                    ahead[k - begin] = Key(ids + k * width, n * width);
                    index.grams.prefetch(ahead[k - begin]);
                }
                for (std::size_t k = begin; k < behind; ++k) {
                    const std::uint32_t gram = index.grams.find(ahead[k - begin], ids + k * width);
                    if (gram != kNone) row.add(static_cast<std::uint32_t>(index.gram_column[gram]), false);
                }
            }
    });
}

std::int32_t murmur3(const std::uint8_t* bytes, std::size_t n) {
    constexpr std::uint32_t c1 = 0xCC9E2D51u, c2 = 0x1B873593u;
    std::uint32_t hash = 0;
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        std::uint32_t block = bytes[i] | std::uint32_t{bytes[i + 1]} << 8 | std::uint32_t{bytes[i + 2]} << 16 |
                              std::uint32_t{bytes[i + 3]} << 24;
        block = rotate(block * c1, 15) * c2;
        hash = rotate(hash ^ block, 13) * 5 + 0xE6546B64u;
    }
    std::uint32_t rest = 0;
    for (std::size_t k = n; k > i; --k) rest = rest << 8 | bytes[k - 1];
    if (n > i) hash ^= rotate(rest * c1, 15) * c2;
    hash ^= static_cast<std::uint32_t>(n);
    hash = (hash ^ hash >> 16) * 0x85EBCA6Bu;
    hash = (hash ^ hash >> 13) * 0xC2B2AE35u;
    return static_cast<std::int32_t>(hash ^ hash >> 16);
}

struct Hasher::Stops {
    Table table;
};

Hasher::Hasher(Settings settings, const std::vector<std::string_view>& stop_words, std::uint32_t columns, bool alternate_sign)
    : settings_(settings), stops_(std::make_unique<Stops>()), columns_(columns), alternate_sign_(alternate_sign) {
    intern_all(stops_->table, stop_words);
}

Hasher::~Hasher() = default;

Rows<float> Hasher::count(const Texts& texts, const std::atomic<bool>& stop) const {
    const bool word = settings_.analyzer == Analyzer::word;
    const std::size_t shortest = word ? settings_.shortest : 1, longest = word ? settings_.longest : 1;
    return count_all(settings_, stops_->table, texts, columns_, stop, [&](std::size_t i, Analysis& analysis, RowMaker& row) {
        auto add = [&](const std::uint8_t* bytes, std::size_t n) {
            const std::int64_t hash = murmur3(bytes, n);
            // The absolute value, of -2^31 too: 64 bits hold it.
            const std::uint64_t column = static_cast<std::uint64_t>(hash < 0 ? -hash : hash) % columns_;
            row.add(static_cast<std::uint32_t>(column), alternate_sign_ && hash < 0);
        };
        auto coming = [](const Token&) {};
        if (longest == 1) return analysis.scan(texts, i, coming, [&](const Token& token) { add(token.begin, token.length); });
        thread_local std::vector<std::uint8_t> joined;  // all tokens, a space between them: an n-gram is a part of it
        thread_local std::vector<std::size_t> begins;
        joined.clear();
        begins.clear();
        analysis.scan(texts, i, coming, [&](const Token& token) {
            begins.push_back(joined.size());
            joined.insert(joined.end(), token.begin, token.begin + token.length);
            joined.push_back(' ');
        });
        const std::size_t length = begins.size();
        begins.push_back(joined.size());
        for (std::size_t n = shortest; n <= longest && n <= length; ++n)
            for (std::size_t k = 0; k + n <= length; ++k) {
                look(stop);
                add(&joined[begins[k]], begins[k + n] - begins[k] - 1);
            }
    });
}

}  // namespace lexarium
