// fastText's vectors: of words by their parts, of texts by their words; see fasttext_hash.hpp for the hashing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fasttext_loops.hpp"
#include "text.hpp"
#include "vocabulary.hpp"

namespace lexarium {
namespace fasttext {

inline constexpr std::string_view kEnd = "</s>";  // the end of a line

// n words as lexarium/vocabulary.py stores them; every access is checked, since the arrays may be a stranger's.
struct Words {
    const std::uint8_t* bytes;    // (byte_count)
    const std::int64_t* offsets;  // (count + 1)
    const std::uint32_t* slots;   // (slot_count), open addressing by crc32; 0 is free, else the word's row + 1
    std::size_t byte_count, count, slot_count;

    lexarium::Words all() const { return {bytes, byte_count, offsets, count}; }
    std::string_view word(std::size_t row) const;
    std::int64_t find(std::string_view word) const;  // the row, or -1
};

// The rows of a matrix as product quantiser codes (plugins/fasttext, model.py: Quantised).
struct Codes {
    const std::uint8_t* codes;       // (rows, parts)
    const float* centroids;          // (256 dim)
    const std::uint8_t* norm_codes;  // (rows), or null
    const float* norms;              // (256), or null
    std::size_t rows, parts, per_part;
};

// The rows of n-grams: `kept` of `count` buckets.
struct Buckets {
    const float* rows;        // (kept, dim), or null where they are codes
    Codes codes;              // the rows behind `first_code`
    std::size_t first_code;
    const std::int64_t* ids;  // (kept) rising, below count, which nobody else can write to; null where all are kept
    std::size_t kept;
    std::uint32_t count;
    bool pruned;  // an absent bucket does not count; else it is a row of zeros
};

struct Grams {
    int shortest, longest;  // characters of an n-gram; longest 0: none
    int words;              // longest run of words that is a feature; 1: none
};

// From a bucket to its row: a bit for each bucket and, for each 64 bits, how many are set before them.
class BucketIndex {
public:
    explicit BucketIndex(const Buckets& buckets);
    std::int64_t row(std::uint32_t bucket) const;  // -1: absent

private:
    const std::int64_t* ids_;
    std::size_t kept_;
    std::vector<std::uint64_t> bits_;  // empty where so few are kept that a search takes less memory
    std::vector<std::uint32_t> before_;
};

enum class Pooling : std::uint8_t {
    weighted,    // the sum of weight times vector
    normalized,  // the sum of the vectors divided by their lengths, as fastText's sentence vectors
    features,    // the sum of all rows of a text: words, n-grams, runs of words, </s>; a classifier's input
};

// How texts become words.
struct Reading {
    enum class Split : std::uint8_t { rule, fasttext, lines };  // by a tokenizer; at ASCII white space and NUL; at \n
    Split split;
    Rule rule;
    bool lowercase;
    std::string_view label_prefix;  // words that begin so are no features
};

struct Weighing {
    Pooling pooling;
    const float* weights;   // (words), or null: 1 each
    float unknown;          // the weight of a word that has a vector by its n-grams alone; 0: none is made
    bool per_token;         // totals count tokens, not weights
};

class Model {
public:
    // Reads the environment (dispatch.hpp): call it with the interpreter's lock.
    Model(const Words& words, const float* vectors, const std::int32_t* sizes, const Buckets& buckets, Grams grams, std::size_t dim);

    // The mean of the rows of a word's n-grams, whether it is known or not, into `to` (dim). False: there are none.
    // Breaks off, here and below, once `stop` is set.
    bool from_grams(std::string_view word, float* to, const std::atomic<bool>& stop) const;

    // Sums of texts into sums (texts, dim), zero before, and what to divide by into totals (texts). One of the threads
    // that do so together: it takes texts from `next` on until there are none left.
    void pool(const std::vector<std::string_view>& texts, std::atomic<std::size_t>& next, const Reading& reading,
              const Characters& characters, const Weighing& weighing, float* sums, double* totals,
              const std::atomic<bool>& stop) const;

    // Adds the rows of a word's n-grams, or of the runs of words with these hash values, to `to` (dim); returns how many count.
    double add_grams(std::string_view word, float* to, const std::atomic<bool>& stop) const;
    double add_runs(const std::vector<std::uint32_t>& hashes, float* to, const std::atomic<bool>& stop) const;

    std::size_t dim() const { return dim_; }

private:
    friend class Reader;
    friend class Scores;
    friend class ScoreReader;
    Words words_;
    const float* vectors_;        // (words, dim), the mean of a word's rows
    const std::int32_t* sizes_;   // (words), how many rows that is
    Buckets buckets_;
    BucketIndex index_;
    Grams grams_;
    std::size_t dim_;
    const Loops& loops_;
};

// vectors (words, dim) and sizes (words): the mean of each word's row, rows (words, dim), and of those of its n-grams;
// </s> has no n-grams. Words begin .. end - 1; summed in the order and the precision of fastText, to the bit.
void word_means(const Words& words, const float* rows, const Buckets& buckets, const BucketIndex& index, Grams grams, std::size_t dim,
                std::size_t begin, std::size_t end, const Loops& loops, const std::atomic<bool>& stop, float* vectors,
                std::int32_t* sizes);

}  // namespace fasttext
}  // namespace lexarium
