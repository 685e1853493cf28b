// Texts to one vector each, in one pass: cut into tokens, look up in a stored vocabulary, average. No Python in here.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "pooling_loops.hpp"
#include "text.hpp"
#include "vocabulary.hpp"

namespace lexarium {

// n words and their rows in `vectors` (n, dim), of somebody else, perhaps memory maps: nothing is read before it is
// needed, and nothing that it says is trusted.
struct Model {
    Words words;
    const std::uint32_t* slots;
    std::size_t slot_count;
    std::size_t probes;  // at most so many slots are looked at for a word
    const float* vectors;
    std::size_t dim;

    std::int64_t find(std::string_view word) const;  // the row, or -1; throws where the table is damaged
};

// What a sum is divided by: the sum of its weights, or the number of its known tokens.
enum class Per { weight, token };

// The documents: texts to cut with `rule`, or, where `ends` is not null, tokens of which document d has those from
// ends[d] to ends[d + 1].
struct Documents {
    const std::vector<std::string_view>* strings;
    const std::int64_t* ends;
    std::size_t count;
    const Characters* characters;
    Rule rule;
    bool lowercase;
};

struct Work {
    int threads;
    const PoolingLoops& loops;  // of one instruction set
    std::function<void()> tick;  // called ten times a second; may throw
};

// The weighted means, (count, dim), each row a function of its document alone: known tokens are added in order, in
// float up to 256 of them, beyond that in double. `weights` (n,) or null; a document without a known token is zeros.
void pool(const Model& model, const Documents& documents, const float* weights, Per per, const Work& work, float* out);

// The word of each token, -1 for an unknown one, of all documents one after another; offsets has count + 1.
void look_up(const Model& model, const Documents& documents, const Work& work, std::vector<std::int64_t>& ids,
             std::vector<std::int64_t>& offsets);

}  // namespace lexarium
