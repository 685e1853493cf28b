#include "fasttext_scores.hpp"

#include <algorithm>
#include <cstring>

#include "counting_buffer.hpp"
#include "eight_bytes.hpp"
#include "fasttext_hash.hpp"

namespace lexarium {
namespace fasttext {
namespace {

constexpr std::size_t kBlock = 64;  // bytes

// Which of 64 bytes are ASCII white space or NUL.
std::uint64_t breaks_of(const char* s) {
    std::uint8_t flags[kBlock];
    for (std::size_t i = 0; i < kBlock; ++i) {  // the compiler makes vectors of it
        const auto c = static_cast<std::uint8_t>(s[i]);
        flags[i] = static_cast<std::uint8_t>((c == ' ') | (static_cast<std::uint8_t>(c - '\t') < 5) | (c == 0));
    }
    std::uint64_t breaks = 0;
    for (std::size_t i = 0; i < kBlock; i += 8) breaks |= gather(eight(flags + i)) << i;
    return breaks;
}

std::size_t log2_above(std::size_t count) {
    std::size_t bits = 6;
    while ((std::size_t{1} << bits) < count) ++bits;
    return bits;
}

// The bytes of a word that its key keeps, by its length.
struct Masks {
    constexpr Masks() {
        for (std::size_t length = 0; length <= ScoreTable::kLongest; ++length) {
            low[length] = length >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << 8 * length) - 1;
            high[length] = length <= 8 ? 0 : (std::uint64_t{1} << 8 * (length - 8)) - 1;
        }
    }
    std::uint64_t low[ScoreTable::kLongest + 2] = {}, high[ScoreTable::kLongest + 2] = {};  // of a longer word: nothing
};
constexpr Masks kMasks;

}  // namespace

ScoreTable::Key ScoreTable::key_of(const char* s, std::size_t length, std::size_t left) {
    std::uint8_t own[16] = {};
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(s);
    if (left < sizeof own) {
        std::memcpy(own, s, std::min(length, left));
        bytes = own;
    }
    length = std::min(length, kLongest + 1);
    return {eight(bytes) & kMasks.low[length], (eight(bytes + 8) & kMasks.high[length]) | std::uint64_t{length} << 56};
}

std::size_t ScoreTable::home(const Key& key) const {
    std::uint64_t mixed = (key.low ^ (key.high << 29 | key.high >> 35)) * 0x9E3779B97F4A7C15u;
    mixed ^= mixed >> 32;
    return static_cast<std::size_t>((mixed + key.high) * 0xD6E8FEB86659FD93u >> shift_);
}

const ScoreTable::Entry* ScoreTable::find(const Key& key, std::size_t home) const {
    const Entry* entry = entries_.data() + home;
    for (const Entry* last = entry + kProbes; entry != last; ++entry) {
        if (entry->key == key) return entry;
        if (entry->key.high == 0) return nullptr;
    }
    return nullptr;
}

bool ScoreTable::insert(const Entry& entry) {
    Entry* free = entries_.data() + home(entry.key);
    for (Entry* last = free + kProbes; free != last; ++free)
        if (free->key.high == 0) return *free = entry, true;
    return false;
}

ScoreTable::ScoreTable(const Words& words, const float* rows, const std::int32_t* sizes, std::size_t dim, const std::atomic<bool>& stop) {
    const std::size_t bits = log2_above(words.count + words.count / 2);
    const std::size_t size = (std::size_t{1} << bits) + kProbes;
    entries_.reserve(size);
    prefer_huge_pages(entries_.data(), size * sizeof(Entry));  // before the first touch
    entries_.resize(size);
    shift_ = 64 - bits;
    for (std::size_t row = 0; row < words.count && !is_set(&stop); ++row) {  // the first are the most frequent: they get their homes
        const std::string_view word = words.word(row);
        if (word.empty() || word.size() > kLongest) continue;
        if (words.find(word) != static_cast<std::int64_t>(row)) continue;  // of a damaged vocabulary
        Entry entry;
        entry.key = key_of(word.data(), word.size(), word.size());
        entry.size = static_cast<float>(sizes[row]);
        entry.row = static_cast<std::uint32_t>(row);
        for (std::size_t d = 0; d < std::min(dim, kInline); ++d) entry.sums[d] = rows[row * dim + d] * entry.size;
        complete_ = insert(entry) && complete_;
    }
}

Scores::Scores(const Model& model, const std::atomic<bool>& stop)
    : model_(model), table_(model.words_, model.vectors_, model.sizes_, model.dim_, stop), end_(model.words_.find(kEnd)) {
    if (model.grams_.words < 2) return;
    hashes_.reserve(model.words_.count);
    for (std::size_t row = 0; row < model.words_.count && !is_set(&stop); ++row) hashes_.push_back(hash_of(model.words_.word(row)));
}

// One text after another. One to a thread.
class ScoreReader {
public:
    ScoreReader(const Scores& scores, std::string_view label_prefix, const std::atomic<bool>& stop)
        : scores_(scores), model_(scores.model_), label_prefix_(label_prefix), sums_(model_.dim_), stop_(stop),
          end_key_(ScoreTable::key_of(kEnd.data(), kEnd.size(), kEnd.size())) {}

    void read(std::string_view text, double* means) {  // means (dim)
        text_ = text;
        total_ = 0;
        means_ = means;
        pending_ = 0;
        hashes_.clear();
        cut();
        std::fill(sums_.begin(), sums_.end(), 0.f);
        if (scores_.end_ >= 0) add_row(static_cast<std::size_t>(scores_.end_));
        if (model_.grams_.words > 1) {
            hashes_.push_back(hash_of(kEnd));
            total_ += model_.add_runs(hashes_, sums_.data(), stop_);
        }
        flush();
        if (total_ == 0) return;
        for (std::size_t d = 0; d < model_.dim_; ++d) means[d] /= total_;
    }

private:
    static constexpr std::size_t kPending = 64;
    struct Piece {
        ScoreTable::Key key;
        std::size_t home, begin, length;
    };

    // Words are collected, their entries on the way from memory, before the first of them is looked at.
    void cut() {
        const char* s = text_.data();
        const std::size_t n = text_.size();
        std::size_t begin = 0;
        for (std::size_t from = 0; from <= n && !is_set(&stop_); from += kBlock) {
            std::uint64_t breaks;
            if (from + kBlock <= n) {
                breaks = breaks_of(s + from);
            } else {
                char rest[kBlock] = {};
                if (n > from) std::memcpy(rest, s + from, n - from);
                breaks = breaks_of(rest) & ((std::uint64_t{2} << (n - from)) - 1);  // one behind the text ends its last word
            }
            for (; breaks != 0; breaks &= breaks - 1) {
                const std::size_t at = from + lowest_bit(breaks);
                if (at > begin) collect(begin, at - begin);
                begin = at + 1;
            }
            if (pending_ >= kPending && !settle()) return;
        }
        settle();
    }

    void collect(std::size_t begin, std::size_t length) {
        Piece& piece = pieces_[pending_++];
        piece.key = ScoreTable::key_of(text_.data() + begin, length, text_.size() - begin);
        piece.home = scores_.table_.home(piece.key);
        piece.begin = begin;
        piece.length = length;
        __builtin_prefetch(scores_.table_.slot(piece.home));
    }

    // Adds the words that are collected; returns whether the text goes on behind them.
    bool settle() {
        const bool few = model_.dim_ <= ScoreTable::kInline;
        const bool goes_on = few ? settle_all<true>() : settle_all<false>();
        pending_ = 0;
        return goes_on;
    }

    template <bool few>
    bool settle_all() {
        std::fill(sums_.begin(), sums_.end(), 0.f);
        float first = 0, second = 0, counted = 0;
        bool goes_on = true;
        for (std::size_t i = 0; i < pending_; ++i) {
            const Piece& piece = pieces_[i];
            if (piece.key == end_key_) {  // what fastText takes for the end of the line
                goes_on = false;
                break;
            }
            const ScoreTable::Entry* entry = scores_.table_.slot(piece.home);
            if (!(entry->key == piece.key) && !(entry = scores_.table_.find(piece.key, piece.home))) {
                add_other(text_.substr(piece.begin, piece.length));
                continue;
            }
            counted += entry->size;
            if (few) {
                first += entry->sums[0];
                second += entry->sums[1];
            } else {
                add_row(entry->row, entry->size);
            }
            if (!scores_.hashes_.empty()) hashes_.push_back(scores_.hashes_[entry->row]);
        }
        const float own[] = {first, second};
        if (few)
            for (std::size_t d = 0; d < model_.dim_; ++d) sums_[d] += own[d];
        total_ += static_cast<double>(counted);
        flush();
        return goes_on;
    }

    void flush() {
        for (std::size_t d = 0; d < model_.dim_; ++d) means_[d] += static_cast<double>(sums_[d]);
    }

    void add_row(std::size_t row, float size) {
        const float* values = model_.vectors_ + row * model_.dim_;
        for (std::size_t d = 0; d < model_.dim_; ++d) sums_[d] += values[d] * size;
    }

    void add_row(std::size_t row) {
        add_row(row, static_cast<float>(model_.sizes_[row]));
        total_ += model_.sizes_[row];
    }

    // A word that has no entry: it is too long for one, or unknown.
    void add_other(std::string_view word) {
        const bool unknown = word.size() <= ScoreTable::kLongest && scores_.table_.complete();
        const std::int64_t row = unknown ? -1 : model_.words_.find(word);
        if (row >= 0) {
            add_row(static_cast<std::size_t>(row));
        } else {
            if (!label_prefix_.empty() && word.substr(0, label_prefix_.size()) == label_prefix_) return;
            total_ += model_.add_grams(word, sums_.data(), stop_);
        }
        if (model_.grams_.words > 1) hashes_.push_back(hash_of(word));
    }

    const Scores& scores_;
    const Model& model_;
    const std::string_view label_prefix_;
    std::string_view text_;
    double total_ = 0;
    double* means_ = nullptr;
    Piece pieces_[kPending + kBlock];
    std::size_t pending_ = 0;
    std::vector<float> sums_;  // (dim), of a few words, so that they stay exact where a text is long
    std::vector<std::uint32_t> hashes_;
    const std::atomic<bool>& stop_;
    const ScoreTable::Key end_key_;
};

void Scores::read(const std::vector<std::string_view>& texts, std::atomic<std::size_t>& next, std::string_view label_prefix,
                  double* means, const std::atomic<bool>& stop) const {
    constexpr std::size_t kPart = 32;  // texts taken at a time
    ScoreReader reader(*this, label_prefix, stop);
    for (std::size_t begin; (begin = next.fetch_add(kPart)) < texts.size();)
        for (std::size_t i = begin; i < std::min(texts.size(), begin + kPart); ++i) {
            if (is_set(&stop)) return;
            reader.read(texts[i], means + i * model_.dim_);
        }
}

}  // namespace fasttext
}  // namespace lexarium
