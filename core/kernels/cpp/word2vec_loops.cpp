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

// 1 / (1 + e^-x), to 1e-5; beyond +-30 it stays as it is there. 2^y is the exponent's bits times a polynomial.
inline Floats sigmoid(Floats x) {
    const Floats limit = all(30.0f);
    x = x > limit ? limit : x;
    x = x < -limit ? -limit : x;
    const Floats y = x * all(-1.44269504f);
    const Floats round = all(12582912.0f);  // 1.5 * 2^23: adding it leaves no room for a fraction
    const Floats whole = (y + round) - round;
    const Floats part = y - whole;
    Floats power = all(0.0096181291f);
    power = power * part + all(0.0555041087f);
    power = power * part + all(0.2402265070f);
    power = power * part + all(0.6931471806f);
    power = power * part + all(1.0f);
    const Ints bits = (__builtin_convertvector(whole, Ints) + 127) << 23;
    Floats scale;
    std::memcpy(&scale, &bits, sizeof scale);
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

// errors (NI, NO) of a block; writes up to kLanes floats more.
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
    constexpr int lanes = static_cast<int>(kLanes);
    const Floats rate = all(alpha);
    const auto keep = [&](int first, Floats logits) { store(errors + first, rate * (load(labels + first) - sigmoid(logits))); };
    keep(0, lane_sums<NI * NO, 0>(products));
    if constexpr (NI * NO > lanes) keep(lanes, lane_sums<NI * NO, lanes>(products));
    if constexpr (NI * NO > 2 * lanes) keep(2 * lanes, lane_sums<NI * NO, 2 * lanes>(products));
    if constexpr (NI * NO > 3 * lanes) keep(3 * lanes, lane_sums<NI * NO, 3 * lanes>(products));
    if constexpr (NI * NO > 4 * lanes) keep(4 * lanes, lane_sums<NI * NO, 4 * lanes>(products));
    if constexpr (NI * NO > 5 * lanes) keep(5 * lanes, lane_sums<NI * NO, 5 * lanes>(products));
    static_assert(NI * NO <= 6 * lanes, "a block has more errors than are kept");
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
// INPUTS is m, so that no loop is left to go round; 0 stands for every other m.
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
    if constexpr (INPUTS > 0) {
        LEXARIUM_UNROLL
        for (std::size_t j = 0; j < INPUTS; ++j) take(j);
    } else {
        for (std::size_t j = 0; j < m; ++j) take(j);
    }
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

// Direct. m changes from word to word: a loop of m turns inside that of the columns would be foretold wrongly once a column.
template <int NO>
void spread(float* const* inputs, std::size_t m, float* const* outputs, std::size_t width, const float* errors, float* changes, std::size_t stride) {
    static constexpr Spread by_inputs[] = {
        spread_inputs<NO, true, 0>, spread_inputs<NO, true, 1>, spread_inputs<NO, true, 2>, spread_inputs<NO, true, 3>,
        spread_inputs<NO, true, 4>, spread_inputs<NO, true, 5>, spread_inputs<NO, true, 6>, spread_inputs<NO, true, 7>,
        spread_inputs<NO, true, 8>, spread_inputs<NO, true, 9>, spread_inputs<NO, true, 10>};
    by_inputs[m <= 10 ? m : 0](inputs, m, outputs, width, errors, changes, stride);
}

// The sum of m inputs, times `share`.
template <int COLUMNS>
inline void gather_columns(float* const* inputs, std::size_t m, std::size_t c, Floats share, float* hidden) {
    Floats total[COLUMNS];
    LEXARIUM_UNROLL
    for (int k = 0; k < COLUMNS; ++k) total[k] = load(inputs[0] + c + k * kLanes);
    for (std::size_t j = 1; j < m; ++j) {
        LEXARIUM_UNROLL
        for (int k = 0; k < COLUMNS; ++k) total[k] += load(inputs[j] + c + k * kLanes);
    }
    LEXARIUM_UNROLL
    for (int k = 0; k < COLUMNS; ++k) store(hidden + c + k * kLanes, total[k] * share);
}

inline void gather(float* const* inputs, std::size_t m, std::size_t width, Floats share, float* hidden) {
    std::size_t c = 0;
    for (; c + 4 * kLanes <= width; c += 4 * kLanes) gather_columns<4>(inputs, m, c, share, hidden);
    for (; c < width; c += kLanes) gather_columns<1>(inputs, m, c, share, hidden);
}

// Each of m inputs gains share x change.
inline void scatter(float* const* inputs, std::size_t m, std::size_t width, Floats share, const float* change) {
    for (std::size_t j = 0; j < m; ++j)
        for (std::size_t c = 0; c < width; c += kLanes) store(inputs[j] + c, load(inputs[j] + c) + share * load(change + c));
}

// One hidden vector: outputs gain errors x hidden, and the change of hidden is errors x outputs.
template <int NO>
void spread_bag(const float* hidden, float* const* outputs, std::size_t width, const float* errors, float* changes) {
    for (std::size_t c = 0; c < width; c += kLanes) {
        const Floats in = load(hidden + c);
        Floats out[NO], change = Floats{};
        LEXARIUM_UNROLL
        for (int i = 0; i < NO; ++i) out[i] = load(outputs[i] + c);
        LEXARIUM_UNROLL
        for (int i = 0; i < NO; ++i) change += all(errors[i]) * out[i];
        LEXARIUM_UNROLL  // loaded again: two outputs may be one row
        for (int i = 0; i < NO; ++i) store(outputs[i] + c, load(outputs[i] + c) + all(errors[i]) * in);
        store(changes + c, change);
    }
}

using Errors = void (*)(float* const*, std::size_t, float* const*, std::size_t, const float*, float, float*);
constexpr Errors kErrors[] = {all_errors<1>, all_errors<2>, all_errors<3>, all_errors<4>, all_errors<5>, all_errors<6>};
using SpreadBag = void (*)(const float*, float* const*, std::size_t, const float*, float*);
constexpr SpreadBag kBag[] = {spread_bag<1>, spread_bag<2>, spread_bag<3>, spread_bag<4>, spread_bag<5>, spread_bag<6>};
constexpr Spread kDirect[] = {spread<1>, spread<2>, spread<3>, spread<4>, spread<5>, spread<6>};
constexpr Spread kAside[] = {spread_inputs<1, false, 0>, spread_inputs<2, false, 0>, spread_inputs<3, false, 0>,
                             spread_inputs<4, false, 0>, spread_inputs<5, false, 0>, spread_inputs<6, false, 0>};

inline std::size_t padded(std::size_t dim) { return (dim + kLanes - 1) / kLanes * kLanes; }

inline float* vector_of(const Word2VecRows& rows, std::int32_t word) {
    const std::size_t row = static_cast<std::size_t>(word);
    return (row < rows.own ? rows.own_vectors : rows.vectors) + rows.stride * row;
}

inline float* context_of(const Word2VecRows& rows, std::int32_t word) {
    const std::size_t row = static_cast<std::size_t>(word);
    return (row < rows.own ? rows.own_context : rows.context) + rows.stride * row;
}

inline void prefetch(const float* row, std::size_t width) {
    for (std::size_t c = 0; c < width; c += 16) __builtin_prefetch(row + c, 1, 3);
}

// The errors of m inputs and k outputs; `labels` (k), or null: 1 for the first output, 0 for the others.
inline void step_errors(float* const* inputs, std::size_t m, std::size_t k, const float* labels, std::size_t width, float alpha, Word2VecScratch& s) {
    for (std::size_t i = 0; i < k; i += kOutputs) {
        const std::size_t block = k - i < kOutputs ? k - i : kOutputs;
        const float* tile = i == 0 ? kFirst.tile[block - 1] : kNone;
        alignas(64) float own[kTile] = {};
        if (labels != nullptr) {
            for (int j = 0; j < kInputs; ++j) std::memcpy(own + j * block, labels + i, block * sizeof(float));
            tile = own;
        }
        kErrors[block - 1](inputs, m, s.outputs + i, width, tile, alpha, s.errors + m * i);
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
    const Floats share = all(1.0f / static_cast<float>(m)), whole = all(1.0f);
    gather(s.inputs, m, width, mean ? share : whole, s.hidden);
    step_errors(&s.hidden, 1, k, labels, width, alpha, s);
    if (k <= kOutputs) {
        kBag[k - 1](s.hidden, s.outputs, width, s.errors, s.changes);
    } else {
        std::memset(s.changes, 0, width * sizeof(float));
        spread_aside(&s.hidden, 1, k, width, width, s);
    }
    scatter(s.inputs, m, width, mean ? whole : share, s.changes);
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

template <bool bag>
void train(const Word2VecRows& rows, const Word2VecBatch& batch, Word2VecScratch& s) {
    const std::size_t width = padded(rows.dim), stride = rows.stride;
    s.watched_errors = 0;
    for (std::size_t at = batch.first; at < batch.last; ++at) {
        const std::size_t reach = static_cast<std::size_t>(batch.reach[at]);
        const std::size_t begin = at > reach ? at - reach : 0;
        const std::size_t end = at + reach + 1 < batch.count ? at + reach + 1 : batch.count;
        const std::size_t word = static_cast<std::size_t>(batch.words[at]);
        std::size_t m = 0;
        for (std::size_t i = begin; i < end; ++i)
            if (i != at) s.inputs[m++] = vector_of(rows, batch.words[i]);
        if (end + 1 < batch.count) prefetch(vector_of(rows, batch.words[end + 1]), width);
        const std::int32_t* own = batch.negatives + at * batch.negative;
        const std::size_t ahead = at + 1 < batch.last ? batch.negative : 0;  // negatives of the next word
        if (ahead > 0) prefetch(context_of(rows, batch.words[at + 1]), width);
        for (std::size_t i = 0; i < ahead; ++i) prefetch(context_of(rows, own[batch.negative + i]), width);
        if (m == 0) continue;
        if (batch.path_offsets != nullptr) {
            const std::int64_t first = batch.path_offsets[word];
            const std::size_t k = static_cast<std::size_t>(batch.path_offsets[word + 1] - first);
            for (std::size_t i = 0; i < k; ++i) s.outputs[i] = rows.nodes + stride * static_cast<std::size_t>(batch.path_nodes[first + static_cast<std::int64_t>(i)]);
            if (k > 0) step<bag>(m, k, batch.path_labels + first, width, rows, batch, at == batch.watched, s);
        }
        if (batch.negative > 0) {
            s.outputs[0] = context_of(rows, batch.words[at]);
            for (std::size_t i = 0; i < batch.negative; ++i) s.outputs[i + 1] = context_of(rows, own[i]);
            step<bag>(m, batch.negative + 1, nullptr, width, rows, batch, at == batch.watched, s);
        }
    }
}

}  // namespace

extern const Word2VecLoops word2vec_loops;
const Word2VecLoops word2vec_loops = {train<false>, train<true>};

}  // namespace LEXARIUM_SET
}  // namespace lexarium
