// Word2Vec: skip-gram and continuous bag of words, by negative sampling and by hierarchical softmax.
//
// Mikolov, Chen, Corrado, Dean, "Efficient estimation of word representations in vector space", 2013, and
// Mikolov, Sutskever, Chen, Corrado, Dean, "Distributed representations of words and phrases", 2013. As in
// pWord2Vec (Ji, Satish, Li, Dubey, "Parallelizing word2vec in shared and distributed memory", 2016) the
// negatives of a centre word serve all words of its window, so that a step is a small matrix product.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared_rows.hpp"

namespace lexarium {

struct Word2VecOptions {
    bool skip_gram = true;
    bool hierarchical = false;
    int negative = 5;
    double ns_exponent = 0.75;
    bool mean = true;            // CBOW: the mean of the window's vectors, or their sum
    int window = 5;
    bool shrink_windows = true;  // each centre word draws its reach from 1 .. window
    double sample = 1e-3;        // 0 keeps every word
    double alpha = 0.025;
    double min_alpha = 0.0001;
    int epochs = 5;
    int threads = 1;
    std::uint64_t seed = 0;
    std::size_t shared_words = kSharedWords;  // as in Exchanges (shared_rows.hpp)
};

// t words in s texts over a vocabulary of n: text i is ids[offsets[i] .. offsets[i + 1]). Another thread of the caller
// may write to the ids meanwhile: one that is not in 0 .. n - 1 is passed over.
struct EncodedTexts {
    const std::int32_t* ids;
    const std::int64_t* offsets;
    std::size_t texts;
    const std::int64_t* counts;  // (n)
    std::size_t words;           // n
};

// Whether (n, 2) links are a binary tree whose leaves are the n words: the parent of leaf i and that of inner node
// i, each as 2 * parent + bit, where bit says which child it is; -1 for none. Parents follow their children, and
// inner node n - 2 is the root. No way may be longer than 4096 turns, nor all of them together than 128 n, or 2^20.
bool is_tree(const std::int32_t* tree, std::size_t words);

// What is trained, in place; each (n, dim). context belongs to negative sampling, nodes and tree to
// hierarchical softmax; null where that is off.
struct Word2VecWeights {
    float* vectors;
    float* context;
    float* nodes;
    const std::int32_t* tree;
    std::size_t dim;
};

// The loops for this processor. Reads the environment: call it with the interpreter's lock.
struct Word2VecLoops;
const Word2VecLoops& loops_of_word2vec();

// Trains, and returns the mean loss of a word and a neighbour in each epoch (NaN where none was looked at).
// `done` counts the words of all epochs; where `stop` becomes true or `tick` throws, the weights are those so far.
class Word2VecTick {
public:
    virtual ~Word2VecTick() = default;
    virtual void operator()() const = 0;
};
std::vector<double> train_word2vec(const EncodedTexts& texts, const Word2VecOptions& options,
                                   const Word2VecWeights& weights, const Word2VecLoops& loops, std::atomic<std::int64_t>& done,
                                   const Word2VecTick& tick);

}  // namespace lexarium
