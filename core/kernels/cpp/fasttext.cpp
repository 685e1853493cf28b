#include "fasttext.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "fasttext_hash.hpp"
#include "fasttext_loops.hpp"
#include "finder.hpp"

namespace lexarium {
namespace fasttext {
namespace {

constexpr std::size_t kMaxProbes = 4096;  // as lexarium/vocabulary.py
constexpr auto kOutside = "the vocabulary's table points at a word that does not exist, or lies outside its bytes";

int bit_count(std::uint64_t bits) { return __builtin_popcountll(bits); }

// ASCII white space and NUL.
constexpr auto kBreaks = [] {
    std::array<bool, 256> breaks{};
    for (const unsigned char c : {'\0', '\t', '\n', '\v', '\f', '\r', ' '}) breaks[c] = true;
    return breaks;
}();

bool is_break(char c) { return kBreaks[static_cast<std::uint8_t>(c)]; }

// A sum of rows, collected so that the loop over them runs without a call for each.
class Sum {
public:
    Sum(std::size_t dim, const Loops& loops) : loops_(loops), dim_(dim) {}

    void begin(float* to) {  // (dim), zero
        to_ = to;
        pending_ = 0;
    }
    void add(const float* row, float weight) {
        // Fetched now, added later: meanwhile the next words are looked up.
        for (std::size_t d = 0; d < dim_; d += 64 / sizeof(float)) __builtin_prefetch(row + d);
        rows_[pending_] = row;
        weights_[pending_] = weight;
        if (++pending_ == kPending) flush();
    }
    void add_code(const Codes& codes, std::size_t row, float weight) {
        if (codes.norm_codes) weight *= codes.norms[codes.norm_codes[row]];
        for (std::size_t part = 0; part < codes.parts; ++part) {
            const std::size_t first = part * codes.per_part;
            const std::size_t width = std::min(codes.per_part, dim_ - first);
            const float* centroid = codes.centroids + 256 * first + codes.codes[row * codes.parts + part] * width;
            for (std::size_t d = 0; d < width; ++d) to_[first + d] += weight * centroid[d];
        }
    }
    void flush() {
        loops_.add_rows(to_, rows_, weights_, pending_, dim_);
        pending_ = 0;
    }

private:
    static constexpr std::size_t kPending = 64;
    const Loops& loops_;
    std::size_t dim_;
    float* to_ = nullptr;
    const float* rows_[kPending];
    float weights_[kPending];
    std::size_t pending_ = 0;
};

// Adds a bucket's row; returns whether it counts.
bool add_bucket(const Buckets& buckets, const BucketIndex& index, std::uint32_t bucket, std::size_t dim, Sum& sum) {
    const std::int64_t row = index.row(bucket);
    if (row < 0) return !buckets.pruned;
    if (buckets.rows)
        sum.add(buckets.rows + static_cast<std::size_t>(row) * dim, 1);
    else
        sum.add_code(buckets.codes, buckets.first_code + static_cast<std::size_t>(row), 1);
    return true;
}

std::int64_t add_grams(const Buckets& buckets, const BucketIndex& index, Grams grams, std::string_view word, std::size_t dim, Sum& sum,
                       const std::atomic<bool>& stop) {
    if (grams.longest < 1 || buckets.count == 0 || word == kEnd) return 0;
    std::int64_t counted = 0;
    for_ngrams(word, grams.shortest, grams.longest, buckets.count,
               [&](std::uint32_t bucket) { counted += add_bucket(buckets, index, bucket, dim, sum); }, &stop);
    return counted;
}

double add_runs(const Buckets& buckets, const BucketIndex& index, int longest, const std::vector<std::uint32_t>& hashes, std::size_t dim,
                Sum& sum, const std::atomic<bool>& stop) {
    if (longest < 2 || buckets.count == 0) return 0;
    double counted = 0;
    for_runs(hashes.data(), hashes.size(), longest, buckets.count,
             [&](std::uint32_t bucket) { counted += add_bucket(buckets, index, bucket, dim, sum); }, &stop);
    return counted;
}

void scale(float* values, std::size_t count, float factor) {
    for (std::size_t i = 0; i < count; ++i) values[i] *= factor;
}

float length_of(const float* values, std::size_t count) {
    float total = 0;
    for (std::size_t i = 0; i < count; ++i) total += values[i] * values[i];
    return std::sqrt(total);
}

// Calls `found` for each piece between `breaks`, until it returns false.
template <typename Breaks, typename Found>
void split(std::string_view text, const Breaks& breaks, Found&& found) {
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t begin = i;
        while (i < text.size() && !breaks(text[i])) ++i;
        if (i > begin && !found(text.substr(begin, i - begin))) return;
        ++i;
    }
}

}  // namespace

std::string_view Words::word(std::size_t row) const {
    std::string_view found;
    if (!all().holds(row, found)) throw std::out_of_range(kOutside);
    return found;
}

std::int64_t Words::find(std::string_view wanted) const {
    const std::int64_t row = lexarium::find(all(), slots, slot_count, kMaxProbes, wanted);
    if (row == kDamaged) throw std::out_of_range(kOutside);
    return row;
}

BucketIndex::BucketIndex(const Buckets& buckets) : ids_(buckets.ids), kept_(buckets.kept) {
    const std::size_t groups = (std::size_t{buckets.count} + 63) / 64;
    if (!ids_ || groups > kept_ + 1024) return;
    bits_.resize(groups);
    before_.resize(groups);
    for (std::size_t i = 0; i < kept_; ++i) bits_[static_cast<std::size_t>(ids_[i]) / 64] |= std::uint64_t{1} << (ids_[i] % 64);
    std::uint32_t total = 0;
    for (std::size_t group = 0; group < groups; ++group) {
        before_[group] = total;
        total += static_cast<std::uint32_t>(bit_count(bits_[group]));
    }
}

std::int64_t BucketIndex::row(std::uint32_t bucket) const {
    if (!ids_) return bucket < kept_ ? static_cast<std::int64_t>(bucket) : -1;
    if (bits_.empty()) {
        const std::int64_t* found = std::lower_bound(ids_, ids_ + kept_, std::int64_t{bucket});
        return found != ids_ + kept_ && *found == bucket ? found - ids_ : -1;
    }
    const std::uint64_t group = bits_[bucket / 64], bit = std::uint64_t{1} << (bucket % 64);
    if (!(group & bit)) return -1;
    return static_cast<std::int64_t>(before_[bucket / 64]) + bit_count(group & (bit - 1));
}

Model::Model(const Words& words, const float* vectors, const std::int32_t* sizes, const Buckets& buckets, Grams grams, std::size_t dim)
    : words_(words), vectors_(vectors), sizes_(sizes), buckets_(buckets), index_(buckets), grams_(grams), dim_(dim),
      loops_(loops()) {}

bool Model::from_grams(std::string_view word, float* to, const std::atomic<bool>& stop) const {
    Sum sum(dim_, loops_);
    std::fill_n(to, dim_, 0.f);
    sum.begin(to);
    const std::int64_t counted = fasttext::add_grams(buckets_, index_, grams_, word, dim_, sum, stop);
    sum.flush();
    if (counted == 0) return false;
    scale(to, dim_, static_cast<float>(1.0 / static_cast<double>(counted)));
    return true;
}

double Model::add_grams(std::string_view word, float* to, const std::atomic<bool>& stop) const {
    Sum sum(dim_, loops_);
    sum.begin(to);
    const std::int64_t counted = fasttext::add_grams(buckets_, index_, grams_, word, dim_, sum, stop);
    sum.flush();
    return static_cast<double>(counted);
}

double Model::add_runs(const std::vector<std::uint32_t>& hashes, float* to, const std::atomic<bool>& stop) const {
    Sum sum(dim_, loops_);
    sum.begin(to);
    const double counted = fasttext::add_runs(buckets_, index_, grams_.words, hashes, dim_, sum, stop);
    sum.flush();
    return counted;
}

// One text after another; keeps what it needs between them. One to a thread.
class Reader {
public:
    Reader(const Model& model, const Reading& reading, const Weighing& weighing, const Characters& characters,
           std::size_t places, const std::atomic<bool>& stop)
        : model_(model), reading_(reading), weighing_(weighing), tokenizer_(characters, reading.rule, reading.lowercase),
          finder_(model.words_, places), sum_(model.dim_, model.loops_), vector_(model.dim_), stop_(stop) {}

    double read(std::string_view text, float* to) {
        end_ = text.data() + text.size();
        sum_.begin(to);
        total_ = 0;
        hashes_.clear();
        const bool features = weighing_.pooling == Pooling::features;
        each_word(text, [&](std::string_view word) {
            if (is_set(&stop_)) return false;
            if (!features) return add_word(word), true;
            if (word == kEnd) return false;  // what fastText takes for the end of the line
            return add_feature(word), true;
        });
        if (features) {
            add_feature(kEnd);
            total_ += add_runs(model_.buckets_, model_.index_, model_.grams_.words, hashes_, model_.dim_, sum_, stop_);
        }
        sum_.flush();
        return total_;
    }

private:
    std::int64_t find(std::string_view word) {
        // A tokenizer's words have 8 bytes behind them that may be read.
        const bool own = reading_.split == Reading::Split::rule, literal = word.data() == kEnd.data();
        const bool readable = !literal && (own || static_cast<std::size_t>(end_ - word.data()) >= word.size() + kPadding);
        return readable ? finder_(word) : model_.words_.find(word);
    }

    template <typename Found>
    void each_word(std::string_view text, Found&& found) {
        if (reading_.split == Reading::Split::fasttext) return split(text, is_break, found);
        if (reading_.split == Reading::Split::lines) return split(text, [](char c) { return c == '\n'; }, found);
        bool more = true;
        tokenizer_.scan(text, [&](const std::uint8_t* begin, std::size_t length) {
            if (more) more = found(std::string_view(reinterpret_cast<const char*>(begin), length));
        });
    }

    void add_word(std::string_view word) {
        const std::int64_t row = find(word);
        if (row < 0) return add_unknown(word);
        const float* vector = model_.vectors_ + static_cast<std::size_t>(row) * model_.dim_;
        float weight = weighing_.weights ? weighing_.weights[row] : 1.f;
        double counts = weighing_.per_token ? 1.0 : static_cast<double>(weight);
        if (weighing_.pooling == Pooling::normalized) {
            const float length = length_of(vector, model_.dim_);
            if (!(length > 0)) return;
            weight = 1 / length;
            counts = 1;
        }
        sum_.add(vector, weight);
        total_ += counts;
    }

    void add_unknown(std::string_view word) {
        if (weighing_.unknown == 0 || !model_.from_grams(word, vector_.data(), stop_)) return;
        const float length = length_of(vector_.data(), model_.dim_);
        if (!(length > 0)) return;  // none of its n-grams is known
        const bool normalized = weighing_.pooling == Pooling::normalized;
        sum_.add(vector_.data(), normalized ? 1 / length : weighing_.unknown);
        sum_.flush();  // the next unknown word takes its place
        total_ += normalized || weighing_.per_token ? 1.0 : static_cast<double>(weighing_.unknown);
    }

    void add_feature(std::string_view word) {
        const std::int64_t row = find(word);
        if (row >= 0) {
            sum_.add(model_.vectors_ + static_cast<std::size_t>(row) * model_.dim_, static_cast<float>(model_.sizes_[row]));
            total_ += model_.sizes_[row];
        } else {
            if (!reading_.label_prefix.empty() && word.substr(0, reading_.label_prefix.size()) == reading_.label_prefix) return;
            total_ += static_cast<double>(add_grams(model_.buckets_, model_.index_, model_.grams_, word, model_.dim_, sum_, stop_));
        }
        if (model_.grams_.words > 1) hashes_.push_back(hash_of(word));
    }

    const Model& model_;
    const Reading& reading_;
    const Weighing& weighing_;
    Tokenizer tokenizer_;
    Finder<Words> finder_;
    const char* end_ = nullptr;
    Sum sum_;
    std::vector<float> vector_;
    std::vector<std::uint32_t> hashes_;
    double total_ = 0;
    const std::atomic<bool>& stop_;
};

void Model::pool(const std::vector<std::string_view>& texts, std::atomic<std::size_t>& next, const Reading& reading,
                 const Characters& characters, const Weighing& weighing, float* sums, double* totals,
                 const std::atomic<bool>& stop) const {
    constexpr std::size_t kPart = 32;  // texts taken at a time
    constexpr std::size_t kPlaces = 1 << 13, kFewPlaces = 1 << 6;  // few texts would not repay making many
    Reader reader(*this, reading, weighing, characters, texts.size() < 8 * kPart ? kFewPlaces : kPlaces, stop);
    for (std::size_t begin; (begin = next.fetch_add(kPart)) < texts.size();)
        for (std::size_t i = begin; i < std::min(texts.size(), begin + kPart); ++i) {
            if (is_set(&stop)) return;
            totals[i] = reader.read(texts[i], sums + i * dim_);
        }
}

void word_means(const Words& words, const float* rows, const Buckets& buckets, const BucketIndex& index, Grams grams, std::size_t dim,
                std::size_t begin, std::size_t end, const Loops& loops, const std::atomic<bool>& stop, float* vectors,
                std::int32_t* sizes) {
    Sum sum(dim, loops);
    for (std::size_t i = begin; i < end && !is_set(&stop); ++i) {
        float* to = vectors + i * dim;
        std::fill_n(to, dim, 0.f);
        sum.begin(to);
        if (rows)
            sum.add(rows + i * dim, 1);
        else
            sum.add_code(buckets.codes, i, 1);
        const std::int64_t counted = 1 + add_grams(buckets, index, grams, words.word(i), dim, sum, stop);
        sum.flush();
        scale(to, dim, static_cast<float>(1.0 / static_cast<double>(counted)));
        sizes[i] = static_cast<std::int32_t>(counted);
    }
}

}  // namespace fasttext
}  // namespace lexarium
