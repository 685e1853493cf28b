// Training fastText: skip-gram and CBOW over parts of words, and classification. No Python in here.
//
// Bojanowski, Grave, Joulin, Mikolov, "Enriching word vectors with subword information", 2017; Joulin and others,
// "Bag of tricks for efficient text classification", 2017.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fasttext_train_loops.hpp"
#include "random.hpp"

namespace lexarium {
namespace fasttext {

// A corpus as numbers of words, and the input rows of each word. Everything has been checked, but another thread of
// the caller may write to the ids meanwhile: a number that is not in 0 .. words - 1 is passed over.
struct Texts {
    const std::int32_t* ids;       // (t): the tokens of all texts, one after another
    const std::int64_t* offsets;   // (count + 1): text i has tokens offsets[i] .. offsets[i + 1]
    std::size_t count;
    const std::int64_t* starts;    // (words + 1): word w has the rows rows[starts[w]] .. rows[starts[w + 1]]
    const std::int32_t* rows;
    std::int32_t end;              // the word that stands behind each text, or -1
    std::size_t words;

    bool has(std::int32_t id) const { return static_cast<std::uint32_t>(id) < words; }

    const std::int32_t* rows_of(std::int32_t word) const { return rows + starts[word]; }
    std::size_t rows_in(std::int32_t word) const { return static_cast<std::size_t>(starts[word + 1] - starts[word]); }
    std::int64_t tokens() const { return offsets[count] + (end >= 0 ? static_cast<std::int64_t>(count) : 0); }
};

enum class Kind { negative_sampling, hierarchical_softmax, softmax, one_vs_all };

// What one step of a loss needs room for; one per thread.
struct Step {
    explicit Step(std::size_t stride) : hidden(stride), gradient(stride) {}
    std::vector<float> hidden, gradient;
    std::vector<std::int32_t> rows;
    std::vector<float> labels, weights, scores;
};

// A loss over the rows of the output matrix, one per target: words or labels.
class Loss {
public:
    // counts: how often each of the targets occurs. Negative samples are drawn by count^exponent, `negative` of
    // them for `shared` targets together. Hierarchical softmax takes counts that fall, below 2^62 together. Reads the
    // environment (dispatch.hpp): call it with the interpreter's lock.
    Loss(Kind kind, const std::int64_t* counts, std::size_t size, int negative, double exponent, int shared);

    std::size_t size() const { return size_; }
    const Loops& loops() const { return loops_; }
    bool takes_all() const { return kind_ == Kind::one_vs_all; }  // of the labels of a text, not one of them

    // One step towards each of the targets: adds what the hidden vector should change by to step.gradient.
    void learn(Rows output, const std::int32_t* targets, std::size_t count, float rate, Random& random, Step& step) const;

private:
    void sample(const std::int32_t* targets, std::size_t count, Random& random, Step& step) const;
    std::int32_t draw(Random& random) const;
    void build_tree(const std::int64_t* counts);
    void build_table(const std::int64_t* counts, double exponent);

    const Loops& loops_;
    Kind kind_;
    std::size_t size_;
    std::size_t negative_, shared_;
    std::vector<std::uint32_t> thresholds_;  // drawing by weight (Walker, 1977): target k, where a number from 0
    std::vector<std::int32_t> others_;       // to 2^32 - 1 is below thresholds_[k], else others_[k]
    std::vector<std::int64_t> starts_;       // hierarchical softmax: the inner nodes from target k to the root
    std::vector<std::int32_t> nodes_;        // stand from starts_[k] on, and which way goes on to the target
    std::vector<float> turns_;
    std::vector<float> ones_;
};

struct Schedule {
    float first, last;  // the learning rate falls linearly from one to the other
    int epochs;
    int threads;
    std::uint64_t seed;
};

// How far the work has come, and whether to leave off.
struct Control {
    std::atomic<std::int64_t> done{0};  // tokens
    std::atomic<bool> stop{false};
};

struct Words {
    Texts texts;
    const float* keep;  // (words): the probability with which an occurrence of a word is kept
    bool cbow;
    int window;
};

// Word-n-grams: their buckets, and the input row of each bucket.
struct Runs {
    int longest = 1;
    std::uint32_t buckets = 0;
    const std::uint32_t* hashes = nullptr;      // (words)
    const std::int32_t* row_of_bucket = nullptr;  // (buckets), -1 where there is none
};

struct Labelled {
    Texts texts;
    Runs runs;
    const std::int32_t* labels;         // those of text i from label_offsets[i] on
    const std::int64_t* label_offsets;  // (count + 1)
};

// The work of thread `t` of schedule.threads.
void train_words(const Words& words, const Loss& loss, Rows input, Rows output, const Schedule& schedule, int t,
                 Control& control);

// Puts order[begin .. end) in a random order.
void shuffle(std::vector<std::size_t>& order, std::size_t begin, std::size_t end, Random& random);

// Texts are taken in an order of `order` (count) that each thread shuffles in its part of it before each epoch.
void train_labels(const Labelled& data, const Loss& loss, Rows input, Rows output, const Schedule& schedule, int t,
                  std::vector<std::size_t>& order, Control& control);

}  // namespace fasttext
}  // namespace lexarium
