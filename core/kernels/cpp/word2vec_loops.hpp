// What the loops of Word2Vec work on. Included by the file that is compiled for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "own_rows.hpp"

namespace lexarium {

inline constexpr std::size_t kRowFloats = 16;  // rows are padded with zeros to a multiple of it: 64 bytes
inline constexpr std::size_t kSpare = 8;       // pointers are copied so many at a time

// Rows of `stride` floats, of which `dim` are the vector. A thread has copies of its own of some, and works on these.
struct Word2VecRows {
    float* vectors;
    float* context;
    float* nodes;
    OwnRows own_vectors, own_context, own_nodes;
    std::size_t dim;
    std::size_t stride;
};

// A run of words of one text, of which `first` .. `last` - 1 are trained on and the others are what stands around them;
// with everything random already drawn.
struct Word2VecBatch {
    const std::int32_t* words;      // (count)
    const std::int32_t* reach;      // (count): how many words on either side are the window
    const std::int32_t* negatives;  // (count, negative): none is the word itself
    std::size_t count;
    std::size_t first, last;
    std::size_t negative;               // 0: no negative sampling
    const std::int64_t* path_offsets;   // null: no hierarchical softmax
    const std::int32_t* path_nodes;     // the inner nodes above word w: [path_offsets[w], path_offsets[w + 1])
    const float* path_labels;           // 1 - bit
    bool mean;
    float alpha;
    std::size_t watched;                // the position whose errors are kept
};

// Room to work in, one per thread; m = 2 * window words, k = the most outputs of a step.
struct Word2VecScratch {
    float** places;    // (count + kSpare): the vectors of the words of a batch
    float** inputs;    // (m + kSpare)
    float** drawn;     // (2, negative + 1): the outputs of a word, and those of the next
    float** path;      // (the longest): the inner nodes above a word
    float** outputs;   // of the step at hand: in `drawn`, or `path`
    float** next;      // in `drawn`: the outputs of the next word, to be fetched,
    std::size_t next_count;  // and how many: 0 after the last word
    float* errors;     // (m * k + kRowFloats)
    float* changes;    // (m, stride)
    float* hidden;     // (stride)
    float* watched;    // (m * k * 2): errors of the watched position
    std::size_t watched_errors;
    std::size_t watched_inputs;
};

using Word2VecLoop = void (*)(const Word2VecRows&, const Word2VecBatch&, Word2VecScratch&);

struct Word2VecLoops {
    Word2VecLoop skip_gram;
    Word2VecLoop bag_of_words;
};

}  // namespace lexarium
