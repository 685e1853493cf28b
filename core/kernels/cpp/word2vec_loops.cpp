// The loops of Word2Vec, compiled for each instruction set (dispatch.hpp).
//
// A step has m inputs and k outputs. Its errors (m, k) are alpha * (label - sigmoid(input . output)), all from the
// values before the step; then each input gains errors x outputs, each output errors x inputs. Threads share
// the rows without locks, on purpose (Hogwild; Recht, Re, Wright, Niu, 2011): a lost update costs no quality.
#include "simd_sums.hpp"
#include "word2vec_loops.hpp"

namespace lexarium {
namespace LEXARIUM_SET {
namespace {

constexpr int kOutputs = 6;  // held in registers together: a word and five negatives
#if defined(__AVX512F__)
constexpr int kInputs = 4, kColumns = 2;
#elif defined(__aarch64__)
constexpr int kInputs = 4, kColumns = 1;
#else  // 16 registers
constexpr int kInputs = 2, kColumns = 1;
#endif

// x between -30 and 30. Floats without their signs are ordered as integers are, of which the smaller takes one cycle.
inline Floats limited(Floats x) {
    const Floats most = all(30.0f);
    Ints bits, limit;
    std::memcpy(&bits, &x, sizeof bits);
    std::memcpy(&limit, &most, sizeof limit);
    const Ints sign = bits & static_cast<std::int32_t>(0x80000000u), size = bits ^ sign;
    bits = (size < limit ? size : limit) | sign;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

// 1 / (1 + e^-x), to 1e-5; beyond +-30 it stays as it is there. 2^y is the exponent's bits times a polynomial.
inline Floats sigmoid(Floats x) {
    x = limited(x);
    const Floats y = x * all(-1.44269504f);
    const Floats round = all(12582912.0f);  // 1.5 * 2^23: adding it leaves no room for a fraction
    const Floats moved = y + round;
    const Floats part = y - (moved - round);
    Ints bits;
    std::memcpy(&bits, &moved, sizeof bits);
    bits = (bits << 23) + (127 << 23);
    Floats scale;
    std::memcpy(&scale, &bits, sizeof scale);
    const Floats square = part * part;
    const Floats low = part * all(0.6931471806f) + all(1.0f), high = part * all(0.0555041087f) + all(0.2402265070f);
    const Floats power = (square * all(0.0096181291f) + high) * square + low;
    return all(1.0f) / (all(1.0f) + power * scale);
}

// The labels of a block of kInputs x NO pairs, as they lie in a block of errors.
constexpr std::size_t kTile = kInputs * kOutputs + kLanes;
struct FirstLabels {  // 1 for the first output, 0 for the others
    alignas(64) float tile[kOutputs][kTile] = {};
    constexpr FirstLabels() {
        for (int outputs = 1; outputs <= kOutputs; ++outputs)
            for (int input = 0; input < kInputs; ++input) tile[outputs - 1][input * outputs] = 1.0f;
    }
};
constexpr FirstLabels kFirst;
alignas(64) constexpr float kNone[kTile] = {};

// Those of `block` outputs from output i on: `given` (k), copied to `room` for each input, or, where that is null,
// 1 for the first output of all and 0 for the others.
inline const float* labels_of(const float* given, std::size_t i, std::size_t block, float* room) {
    if (given == nullptr) return i == 0 ? kFirst.tile[block - 1] : kNone;
    for (std::size_t j = 0; j < kInputs; ++j) std::memcpy(room + j * block, given + i, block * sizeof(float));
    return room;
}

// `count` errors of as many products, which are still in registers; writes up to kLanes - 1 floats more.
template <int count, int first = 0>
LEXARIUM_INLINE void finish(const Floats* products, const float* labels, float alpha, float* errors) {
    store(errors + first, all(alpha) * (load(labels + first) - sigmoid(lane_sums<count, first>(products))));
    constexpr int next = first + static_cast<int>(kLanes);
    if constexpr (next < count) finish<count, next>(products, labels, alpha, errors);
}

// act(j) for each of m inputs. INPUTS is m, so that no loop is left to go round: m changes from word to word, and where
// a short loop ends is foretold wrongly. 0 stands for every other m.
template <int INPUTS, typename Act>
LEXARIUM_INLINE void each_input(std::size_t m, const Act& act) {
    if constexpr (INPUTS > 0) {
        LEXARIUM_UNROLL
        for (std::size_t j = 0; j < INPUTS; ++j) act(j);
    } else {
        for (std::size_t j = 0; j < m; ++j) act(j);
    }
}

// errors (NI, NO) of a block.
template <int NI, int NO>
void block_errors(float* const* inputs, float* const* outputs, std::size_t width, const float* labels, float alpha, float* errors) {
    Floats products[NI * NO] = {};
    for (std::size_t c = 0; c < width; c += kLanes) {
        Floats in[NI];
        LEXARIUM_UNROLL
        for (int j = 0; j < NI; ++j) in[j] = load(inputs[j] + c);
        LEXARIUM_UNROLL
        for (int i = 0; i < NO; ++i) {
            const Floats out = load(outputs[i] + c);
            LEXARIUM_UNROLL
            for (int j = 0; j < NI; ++j) products[j * NO + i] += in[j] * out;
        }
    }
    finish<NI * NO>(products, labels, alpha, errors);
}

// errors (m, NO) of a step's block of outputs.
template <int NO>
void all_errors(float* const* inputs, std::size_t m, float* const* outputs, std::size_t width, const float* labels, float alpha, float* errors) {
    std::size_t j = 0;
    for (; j + kInputs <= m; j += kInputs) block_errors<kInputs, NO>(inputs + j, outputs, width, labels, alpha, errors + j * NO);
    if constexpr (kInputs > 2) {
        if (m - j == 3) block_errors<3, NO>(inputs + j, outputs, width, labels, alpha, errors + j * NO);
        if (m - j == 2) block_errors<2, NO>(inputs + j, outputs, width, labels, alpha, errors + j * NO);
    }
    if (m - j == 1) block_errors<1, NO>(inputs + j, outputs, width, labels, alpha, errors + j * NO);
}

// COLUMNS registers of each row, from column c: outputs gain errors x inputs, and errors x outputs go to the inputs
// themselves or (not `direct`) to `changes` (m, stride), to be added when all blocks of outputs have been seen.
template <int NO, bool direct, int COLUMNS, int INPUTS>
inline void spread_columns(float* const* inputs, std::size_t m, float* const* outputs, std::size_t c, const float* errors, float* changes, std::size_t stride) {
    Floats out[NO][COLUMNS], gain[NO][COLUMNS];
    LEXARIUM_UNROLL
    for (int i = 0; i < NO; ++i) {
        LEXARIUM_UNROLL
        for (int k = 0; k < COLUMNS; ++k) {
            out[i][k] = load(outputs[i] + c + k * kLanes);
            gain[i][k] = Floats{};
        }
    }
    const auto take = [&](std::size_t j) {
        float* const to = (direct ? inputs[j] : changes + j * stride) + c;
        Floats in[COLUMNS], change[COLUMNS];
        LEXARIUM_UNROLL
        for (int k = 0; k < COLUMNS; ++k) {
            in[k] = load(inputs[j] + c + k * kLanes);
            change[k] = direct ? in[k] : load(to + k * kLanes);
        }
        LEXARIUM_UNROLL
        for (int i = 0; i < NO; ++i) {
            const Floats error = all(errors[j * NO + i]);
            LEXARIUM_UNROLL
            for (int k = 0; k < COLUMNS; ++k) {
                change[k] += error * out[i][k];
                gain[i][k] += error * in[k];
            }
        }
        LEXARIUM_UNROLL
        for (int k = 0; k < COLUMNS; ++k) store(to + k * kLanes, change[k]);
    };
    each_input<INPUTS>(m, take);
    LEXARIUM_UNROLL
    for (int i = 0; i < NO; ++i) {  // loaded again: two outputs may be one row
        LEXARIUM_UNROLL
        for (int k = 0; k < COLUMNS; ++k) store(outputs[i] + c + k * kLanes, load(outputs[i] + c + k * kLanes) + gain[i][k]);
    }
}

template <int NO, bool direct, int INPUTS>
void spread_inputs(float* const* inputs, std::size_t m, float* const* outputs, std::size_t width, const float* errors, float* changes, std::size_t stride) {
    std::size_t c = 0;
    for (; c + kColumns * kLanes <= width; c += kColumns * kLanes)
        spread_columns<NO, direct, kColumns, INPUTS>(inputs, m, outputs, c, errors, changes, stride);
    for (; c < width; c += kLanes) spread_columns<NO, direct, 1, INPUTS>(inputs, m, outputs, c, errors, changes, stride);
}

using Spread = void (*)(float* const*, std::size_t, float* const*, std::size_t, const float*, float*, std::size_t);

// The same, direct, for any m.
template <int NO>
void spread(float* const* inputs, std::size_t m, float* const* outputs, std::size_t width, const float* errors, float* changes, std::size_t stride) {
    static constexpr Spread by_inputs[] = {
        spread_inputs<NO, true, 0>, spread_inputs<NO, true, 1>, spread_inputs<NO, true, 2>, spread_inputs<NO, true, 3>,
        spread_inputs<NO, true, 4>, spread_inputs<NO, true, 5>, spread_inputs<NO, true, 6>, spread_inputs<NO, true, 7>,
        spread_inputs<NO, true, 8>, spread_inputs<NO, true, 9>, spread_inputs<NO, true, 10>};
    by_inputs[m <= 10 ? m : 0](inputs, m, outputs, width, errors, changes, stride);
}

// The sum of m inputs, times `share`.
inline void gather(float* const* inputs, std::size_t m, std::size_t width, Floats share, float* hidden) {
    for (std::size_t c = 0; c < width; c += kLanes) {
        Floats total = {};
        for (std::size_t j = 0; j < m; ++j) total += load(inputs[j] + c);
        store(hidden + c, total * share);
    }
}

// Each of m inputs gains share x change.
inline void scatter(float* const* inputs, std::size_t m, std::size_t width, Floats share, const float* change) {
    for (std::size_t j = 0; j < m; ++j)
        for (std::size_t c = 0; c < width; c += kLanes) store(inputs[j] + c, load(inputs[j] + c) + share * load(change + c));
}

// What a step on a bag of m inputs needs: hidden is `share` of their sum, and each gains `back` of hidden's change.
struct BagStep {
    float* const* inputs;
    std::size_t m;
    float share, back;
    float* hidden;
    float* const* outputs;
    std::size_t width;
    const float* labels;
    float alpha;
    float* errors;
};

// `outputs` are those of the step, in an array that no store to a row can change.
template <int NO, int INPUTS>
LEXARIUM_INLINE void bag_errors(const BagStep& s, float* const* outputs) {
    float* const* const inputs = s.inputs;
    float* const hidden = s.hidden;
    const std::size_t width = s.width, m = s.m;
    const Floats share = all(s.share);
    Floats products[NO] = {};
    for (std::size_t c = 0; c < width; c += kLanes) {
        Floats total = {};
        each_input<INPUTS>(m, [&](std::size_t j) { total += load(inputs[j] + c); });
        total *= share;
        store(hidden + c, total);
        LEXARIUM_UNROLL
        for (int i = 0; i < NO; ++i) products[i] += total * load(outputs[i] + c);
    }
    finish<NO>(products, s.labels, s.alpha, s.errors);
}

// Outputs gain errors x hidden, and the change of hidden is errors x outputs.
template <int NO, int INPUTS>
LEXARIUM_INLINE void spread_bag(const BagStep& s, float* const* outputs) {
    float* const* const inputs = s.inputs;
    const float* const hidden = s.hidden;
    const std::size_t width = s.width, m = s.m;
    const Floats back = all(s.back);
    Floats errors[NO];
    LEXARIUM_UNROLL
    for (int i = 0; i < NO; ++i) errors[i] = all(s.errors[i]);
    for (std::size_t c = 0; c < width; c += kLanes) {
        const Floats in = load(hidden + c);
        Floats change = {};
        LEXARIUM_UNROLL
        for (int i = 0; i < NO; ++i) change += errors[i] * load(outputs[i] + c);
        LEXARIUM_UNROLL  // loaded again: two outputs may be one row
        for (int i = 0; i < NO; ++i) store(outputs[i] + c, load(outputs[i] + c) + errors[i] * in);
        change *= back;
        each_input<INPUTS>(m, [&](std::size_t j) { store(inputs[j] + c, load(inputs[j] + c) + change); });
    }
}

template <int NO, int INPUTS>
void bag_inputs(const BagStep& s) {
    float* outputs[NO];
    LEXARIUM_UNROLL
    for (int i = 0; i < NO; ++i) outputs[i] = s.outputs[i];
    bag_errors<NO, INPUTS>(s, outputs);
    spread_bag<NO, INPUTS>(s, outputs);
}

// For any m.
template <int NO>
void bag_outputs(const BagStep& s) {
    static constexpr void (*by_inputs[])(const BagStep&) = {
        bag_inputs<NO, 0>, bag_inputs<NO, 1>, bag_inputs<NO, 2>, bag_inputs<NO, 3>, bag_inputs<NO, 4>, bag_inputs<NO, 5>,
        bag_inputs<NO, 6>, bag_inputs<NO, 7>, bag_inputs<NO, 8>, bag_inputs<NO, 9>, bag_inputs<NO, 10>};
    by_inputs[s.m <= 10 ? s.m : 0](s);
}

using Errors = void (*)(float* const*, std::size_t, float* const*, std::size_t, const float*, float, float*);
constexpr Errors kErrors[] = {all_errors<1>, all_errors<2>, all_errors<3>, all_errors<4>, all_errors<5>, all_errors<6>};
constexpr void (*kBag[])(const BagStep&) = {bag_outputs<1>, bag_outputs<2>, bag_outputs<3>, bag_outputs<4>, bag_outputs<5>, bag_outputs<6>};
constexpr Spread kDirect[] = {spread<1>, spread<2>, spread<3>, spread<4>, spread<5>, spread<6>};
constexpr Spread kAside[] = {spread_inputs<1, false, 0>, spread_inputs<2, false, 0>, spread_inputs<3, false, 0>,
                             spread_inputs<4, false, 0>, spread_inputs<5, false, 0>, spread_inputs<6, false, 0>};

inline std::size_t padded(std::size_t dim) { return (dim + kLanes - 1) / kLanes * kLanes; }

inline float* vector_of(const Word2VecRows& rows, std::int32_t word) { return row_at(rows.vectors, rows.own_vectors, static_cast<std::size_t>(word), rows.stride); }
inline float* context_of(const Word2VecRows& rows, std::int32_t word) { return row_at(rows.context, rows.own_context, static_cast<std::size_t>(word), rows.stride); }
inline float* node_of(const Word2VecRows& rows, std::int32_t node) { return row_at(rows.nodes, rows.own_nodes, static_cast<std::size_t>(node), rows.stride); }

inline void prefetch(const float* row, std::size_t width) {
    for (std::size_t c = 0; c < width; c += kRowFloats) __builtin_prefetch(row + c, 1, 3);
}

// The outputs of the next word, in two portions, between which there is much to do: a processor waits for few at a time.
inline void prefetch_first(std::size_t width, const Word2VecScratch& s) {
    for (std::size_t i = 0; i < s.next_count / 2; ++i) prefetch(s.next[i], width);
}

inline void prefetch_rest(std::size_t width, const Word2VecScratch& s) {
    for (std::size_t i = s.next_count / 2; i < s.next_count; ++i) prefetch(s.next[i], width);
}

// The errors of m inputs and k outputs; `labels` (k), or null: 1 for the first output, 0 for the others.
inline void step_errors(float* const* inputs, std::size_t m, std::size_t k, const float* labels, std::size_t width, float alpha, Word2VecScratch& s) {
    for (std::size_t i = 0; i < k; i += kOutputs) {
        const std::size_t block = k - i < kOutputs ? k - i : kOutputs;
        alignas(64) float room[kTile] = {};
        kErrors[block - 1](inputs, m, s.outputs + i, width, labels_of(labels, i, block, room), alpha, s.errors + m * i);
    }
}

inline void spread_aside(float* const* inputs, std::size_t m, std::size_t k, std::size_t width, std::size_t stride, Word2VecScratch& s) {
    for (std::size_t i = 0; i < k; i += kOutputs) {
        const std::size_t block = k - i < kOutputs ? k - i : kOutputs;
        kAside[block - 1](inputs, m, s.outputs + i, width, s.errors + m * i, s.changes, stride);
    }
}

inline void watch(std::size_t m, std::size_t errors, Word2VecScratch& s) {
    std::memcpy(s.watched + s.watched_errors, s.errors, errors * sizeof(float));
    s.watched_errors += errors;
    s.watched_inputs = m;
}

// Each of m inputs with each of k outputs.
inline void skip_gram_step(std::size_t m, std::size_t k, const float* labels, std::size_t width, std::size_t stride, float alpha, Word2VecScratch& s) {
    step_errors(s.inputs, m, k, labels, width, alpha, s);
    prefetch_rest(width, s);
    if (k <= kOutputs) {
        kDirect[k - 1](s.inputs, m, s.outputs, width, s.errors, nullptr, 0);
        return;
    }
    for (std::size_t j = 0; j < m; ++j) std::memset(s.changes + j * stride, 0, width * sizeof(float));
    spread_aside(s.inputs, m, k, width, stride, s);
    for (std::size_t j = 0; j < m; ++j)
        for (std::size_t c = 0; c < width; c += kLanes) store(s.inputs[j] + c, load(s.inputs[j] + c) + load(s.changes + j * stride + c));
}

// The mean or sum of m inputs with each of k outputs; the error of a sum is divided among its terms.
inline void bag_step(std::size_t m, std::size_t k, const float* labels, std::size_t width, bool mean, float alpha, Word2VecScratch& s) {
    const float part = 1.0f / static_cast<float>(m), share = mean ? part : 1.0f, back = mean ? 1.0f : part;
    prefetch_rest(width, s);
    if (k <= kOutputs) {
        alignas(64) float room[kTile] = {};
        kBag[k - 1]({s.inputs, m, share, back, s.hidden, s.outputs, width, labels_of(labels, 0, k, room), alpha, s.errors});
        return;
    }
    gather(s.inputs, m, width, all(share), s.hidden);
    step_errors(&s.hidden, 1, k, labels, width, alpha, s);
    std::memset(s.changes, 0, width * sizeof(float));
    spread_aside(&s.hidden, 1, k, width, width, s);
    scatter(s.inputs, m, width, all(back), s.changes);
}

template <bool bag>
inline void step(std::size_t m, std::size_t k, const float* labels, std::size_t width, const Word2VecRows& rows, const Word2VecBatch& batch, bool watched, Word2VecScratch& s) {
    if constexpr (bag) {
        bag_step(m, k, labels, width, batch.mean, batch.alpha, s);
    } else {
        skip_gram_step(m, k, labels, width, rows.stride, batch.alpha, s);
    }
    if (watched) watch(bag ? 1 : m, bag ? k : m * k, s);
}

// `count` pointers, and up to kSpare - 1 more: one turn for every window up to 8, so that its end is not foretold wrongly.
inline void copy_pointers(float** to, float* const* from, std::size_t count) {
    for (std::size_t i = 0; i < count; i += kSpare) std::memcpy(to + i, from + i, kSpare * sizeof(float*));
}

// The context of a word and of its negatives.
inline void look_up(const Word2VecRows& rows, const Word2VecBatch& batch, std::size_t at, float** to) {
    const std::int32_t* drawn = batch.negatives + at * batch.negative;
    to[0] = context_of(rows, batch.words[at]);
    for (std::size_t i = 0; i < batch.negative; ++i) to[i + 1] = context_of(rows, drawn[i]);
}

template <bool bag>
void train(const Word2VecRows& rows, const Word2VecBatch& batch, Word2VecScratch& s) {
    const std::size_t width = padded(rows.dim);
    const std::size_t k = batch.negative > 0 ? batch.negative + 1 : 0;
    float** now = s.drawn;
    s.next = now + k;
    s.watched_errors = 0;
    for (std::size_t i = 0; i < batch.count; ++i) s.places[i] = vector_of(rows, batch.words[i]);
    if (k > 0) look_up(rows, batch, batch.first, now);
    for (std::size_t at = batch.first; at < batch.last; ++at) {
        const std::size_t reach = static_cast<std::size_t>(batch.reach[at]);
        const std::size_t before = at > reach ? reach : at;
        const std::size_t after = at + reach < batch.count ? reach : batch.count - 1 - at;
        const std::size_t word = static_cast<std::size_t>(batch.words[at]), m = before + after;
        copy_pointers(s.inputs, s.places + at - before, before);
        copy_pointers(s.inputs + before, s.places + at + 1, after);
        s.next_count = at + 1 < batch.last ? k : 0;
        if (s.next_count > 0) look_up(rows, batch, at + 1, s.next);
        if (at + after + 2 < batch.count) prefetch(s.places[at + after + 2], width);
        prefetch_first(width, s);
        if (m > 0 && batch.path_offsets != nullptr) {
            const std::int64_t first = batch.path_offsets[word];
            const std::size_t nodes = static_cast<std::size_t>(batch.path_offsets[word + 1] - first);
            s.outputs = s.path;
            for (std::size_t i = 0; i < nodes; ++i) s.outputs[i] = node_of(rows, batch.path_nodes[first + static_cast<std::int64_t>(i)]);
            if (nodes > 0) step<bag>(m, nodes, batch.path_labels + first, width, rows, batch, at == batch.watched, s);
        }
        if (m > 0 && k > 0) {
            s.outputs = now;
            step<bag>(m, k, nullptr, width, rows, batch, at == batch.watched, s);
        }
        float** const past = now;
        now = s.next;
        s.next = past;
    }
}

}  // namespace

extern const Word2VecLoops word2vec_loops;
const Word2VecLoops word2vec_loops = {train<false>, train<true>};

}  // namespace LEXARIUM_SET
}  // namespace lexarium
