// A classifier's scores of texts: the mean of a few numbers for each word, from a table that has them beside the word.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fasttext.hpp"

namespace lexarium {
namespace fasttext {

// Words of 1 to 15 bytes, and what each adds to the sum of a text. It knows the words that Words::find finds, no others:
// the stored vocabulary is the truth, this a copy that one cache line a word is read from.
class ScoreTable {
public:
    static constexpr std::size_t kInline = 2;   // numbers of a row that stand in its entry
    static constexpr std::size_t kLongest = 15;  // bytes of a word

    // A word's bytes, zeros behind, its length in the highest byte; 0 is no word.
    struct Key {
        std::uint64_t low, high;
        bool operator==(const Key& other) const { return ((low ^ other.low) | (high ^ other.high)) == 0; }
    };
    struct alignas(32) Entry {
        Key key{0, 0};
        float sums[kInline] = {};  // the word's row times its size, where it has so few numbers
        float size = 0;
        std::uint32_t row = 0;
    };

    // Copies the vocabulary; breaks off once `stop` is set.
    ScoreTable(const Words& words, const float* rows, const std::int32_t* sizes, std::size_t dim, const std::atomic<bool>& stop);

    // Of a word that begins at `s`, of which `left` bytes may be read; one longer than kLongest gets a key that no entry has.
    static Key key_of(const char* s, std::size_t length, std::size_t left);

    std::size_t home(const Key& key) const;
    const Entry* slot(std::size_t index) const { return entries_.data() + index; }
    // The entry, looked for from its home on; null: there is none.
    const Entry* find(const Key& key, std::size_t home) const;
    // Whether each word of up to kLongest bytes has an entry: if so, one that has none is unknown.
    bool complete() const { return complete_; }

private:
    static constexpr std::size_t kProbes = 32;  // entries that a search reads; a stranger's words may be chosen to collide
    bool insert(const Entry& entry);

    std::vector<Entry> entries_;  // a power of 2, and kProbes behind, so that a search does not turn round
    std::size_t shift_;
    bool complete_ = true;
};

// The mean of the rows of texts, cut and weighted as Pooling::features has it. Const, and shared by all threads.
class Scores {
public:
    Scores(const Model& model, const std::atomic<bool>& stop);

    // means (texts, dim), zero before. One of the threads that do so together, which take texts from `next` on.
    void read(const std::vector<std::string_view>& texts, std::atomic<std::size_t>& next, std::string_view label_prefix, double* means,
              const std::atomic<bool>& stop) const;

private:
    friend class ScoreReader;
    const Model& model_;
    ScoreTable table_;
    std::vector<std::uint32_t> hashes_;  // (words), where runs of words are features
    std::int64_t end_;                   // the row of </s>, or -1
};

}  // namespace fasttext
}  // namespace lexarium
