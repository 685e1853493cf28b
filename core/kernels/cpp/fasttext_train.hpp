// Training fastText: skip-gram and CBOW over parts of words, and classification. No Python in here.
//
// Bojanowski, Grave, Joulin, Mikolov, "Enriching word vectors with subword information", 2017; Joulin and others,
// "Bag of tricks for efficient text classification", 2017.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "alias.hpp"
#include "fasttext_train_loops.hpp"
#include "random.hpp"
#include "shared_rows.hpp"

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
    explicit Step(std::size_t stride) : hidden(stride), gradient(stride), begin(stride) {}
    std::vector<float> hidden, gradient, begin;  // (stride); begin: the hidden vector before the first target
    std::vector<std::int32_t> rows;               // of the output matrix; of negative sampling those of all targets
    std::vector<std::size_t> ends;                // negative sampling: where those of each target end
    std::vector<float> labels, scores;
};

// A loss over the rows of the output matrix, one per target: words or labels.
class Loss {
public:
    // counts: how often each of the targets occurs. Negative samples are drawn by count^exponent, `negative` of
    // them for each target; throws std::invalid_argument where that gives no shares (alias.hpp). Hierarchical softmax
    // takes counts that fall, below 2^62 together; throws the same where so many are 0 that its tree is too deep. Reads
    // the environment (dispatch.hpp): call it with the interpreter's lock.
    Loss(Kind kind, const std::int64_t* counts, std::size_t size, int negative, double exponent);

    std::size_t size() const { return size_; }
    // How many rows of the output are trained for a target, about.
    double outputs() const { return kind_ == Kind::negative_sampling ? static_cast<double>(negative_) + 1 : kind_ == Kind::hierarchical_softmax ? 16 : 1; }
    const TrainLoops& loops() const { return loops_; }
    std::size_t rows() const { return is_tree() ? size_ - std::min(size_, std::size_t{1}) : size_; }  // of the output: a tree's inner nodes
    // Of a tree: how often each row is trained, the root's first, where the targets are so often (size).
    std::vector<std::int64_t> of_nodes(const std::vector<std::int64_t>& targets) const;
    bool is_tree() const { return kind_ == Kind::hierarchical_softmax; }
    bool takes_all() const { return kind_ == Kind::one_vs_all; }  // of the labels of a text, not one of them

    // What can be done before step.hidden is known: draws the negative samples, and fetches the first rows.
    void prepare(Rows output, const std::int32_t* targets, std::size_t count, Random& random, Step& step) const;

    // Then one step towards each of the targets, one after another: adds what the hidden vector should change by to
    // step.gradient, zero before, and between the steps `pace` times that to step.hidden. One-vs-all takes all targets
    // in one step.
    void learn(Rows output, const std::int32_t* targets, std::size_t count, float rate, float pace, Step& step) const;

private:
    void build_tree(const std::int64_t* counts);

    const TrainLoops& loops_;
    Kind kind_;
    std::size_t size_;
    std::size_t negative_;
    std::optional<Alias> samples_;      // negative sampling
    std::vector<float> first_;          // negative sampling: the labels of a target and its samples, 1, 0, 0 ...
    std::vector<std::int64_t> starts_;  // hierarchical softmax: the inner nodes from target k to the root stand from
    std::vector<std::int32_t> nodes_;   // starts_[k] on, and which way goes on to the target
    std::vector<float> turns_;
};

struct Schedule {
    float first, last;  // the learning rate falls linearly from one to the other
    int epochs;
    int threads;
    std::uint64_t seed;
    std::size_t shared_words;  // as in Exchanges (shared_rows.hpp)
};

// How far the work has come, and whether to leave off.
struct Control {
    std::atomic<std::int64_t> done{0};  // tokens
    std::atomic<bool> stop{false};
};

struct Unlabelled {
    Texts texts;
    const float* keep;   // (words): the probability with which an occurrence of a word is kept
    const float* paces;  // (words): what the mean of a word's rows changes by where each of them changes by 1
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

// Tokens of two threads between two exchanges, at most, at the usual learning rates of words and of labels. A text is
// one step of its labels, and the rows of a tree have exchanges sooner for the many that a word trains: these may wait for
// longer than words with their samples.
inline constexpr double kWordsApart = 2048, kTreeApart = 8192, kLabelsApart = 8192;
inline constexpr float kUsualRate = 0.05f, kUsualRateOfLabels = 0.1f;

// The busiest rows of both matrices, of which each thread has copies: none where there is one thread.
struct Shared {
    Shared(const Texts& texts, const Labelled* labelled, const Loss& loss, Rows in, std::size_t in_rows, Rows out, const Steps& steps)
        : input(in.values, in_rows, own(in_rows, steps.threads), in.stride),
          output(out.values, loss.rows(), own(loss.rows(), steps.threads), out.stride, loss.is_tree() ? Busiest::last : Busiest::first),
          exchanges(exchanges_of(texts, labelled, loss, input.count(), output.count(), steps)) {}
    SharedRows input, output;
    Exchanges exchanges;

private:
    static std::size_t own(std::size_t rows, int threads) {
        constexpr std::size_t kOwn = 8192;  // of all threads together
        return threads < 2 ? 0 : std::min(rows, kOwn / static_cast<std::size_t>(threads));
    }
    // By how often the words of the first input rows occur where the texts begin, for output rows as well, but for a
    // tree's: by how often its words are, or the labels.
    static Exchanges exchanges_of(const Texts& texts, const Labelled* labelled, const Loss& loss, std::size_t in_rows, std::size_t out_rows, const Steps& steps);
};

// The work of thread `t` of schedule.threads.
void train_words(const Unlabelled& data, const Loss& loss, Rows input, Rows output, Shared& shared, const Schedule& schedule,
                 int t, Control& control);

// Puts order[begin .. end) in a random order.
void shuffle(std::vector<std::size_t>& order, std::size_t begin, std::size_t end, Random& random);

// Texts are taken in an order of `order` (count) that each thread shuffles in its part of it before each epoch.
void train_labels(const Labelled& data, const Loss& loss, Rows input, Rows output, Shared& shared, const Schedule& schedule,
                  int t, std::vector<std::size_t>& order, Control& control);

}  // namespace fasttext
}  // namespace lexarium
