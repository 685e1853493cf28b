// Compiled once for each instruction set: no header of the standard library but those that simd.hpp includes.
#include "fasttext_train_loops.hpp"

#include "simd_sums.hpp"

namespace lexarium {
namespace LEXARIUM_SET {
namespace {

using fasttext::Rows;
using fasttext::row_of;

constexpr std::size_t kRegisters = 8;  // accumulators: of components in sums, of rows in products

inline Floats least(Floats a, Floats b) { return a < b ? a : b; }
inline Floats greatest(Floats a, Floats b) { return a > b ? a : b; }

// e^x for x in -87 .. 87, within 3e-7 of its size: 2^n times a polynomial of degree 6 (Taylor's, around 0).
inline Floats exponential(Floats x) {
    x = least(greatest(x, all(-87.0f)), all(87.0f));
    const Floats turns = x * 1.44269504f;
    const Ints whole = __builtin_convertvector(turns + (turns < 0 ? all(-0.5f) : all(0.5f)), Ints);
    const Floats n = __builtin_convertvector(whole, Floats);
    const Floats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;  // ln 2 in two parts (Cody and Waite, 1980)
    Floats p = all(1.0f / 720);
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const Ints bits = (whole + 127) << 23;
    Floats power;
    std::memcpy(&power, &bits, sizeof power);
    return p * power;
}

inline Floats sigmoid(Floats x) { return 1.0f / (1.0f + exponential(-x)); }

// N registers of each row at a time, from component `from` on.
template <std::size_t N>
void sum_columns(Rows matrix, const std::int32_t* which, std::size_t count, std::size_t from, float* to) {
    Floats total[N] = {};
    for (std::size_t i = 0; i < count; ++i) {
        const float* row = row_of(matrix, static_cast<std::size_t>(which[i])) + from;
        LEXARIUM_UNROLL
        for (std::size_t k = 0; k < N; ++k) total[k] += load(row + k * kLanes);
    }
    LEXARIUM_UNROLL
    for (std::size_t k = 0; k < N; ++k) store(to + from + k * kLanes, total[k]);
}

template <std::size_t N>
void add_columns(Rows matrix, const std::int32_t* which, std::size_t count, std::size_t from, const float* change) {
    Floats kept[N];
    LEXARIUM_UNROLL
    for (std::size_t k = 0; k < N; ++k) kept[k] = load(change + from + k * kLanes);
    for (std::size_t i = 0; i < count; ++i) {
        float* row = row_of(matrix, static_cast<std::size_t>(which[i])) + from;
        LEXARIUM_UNROLL
        for (std::size_t k = 0; k < N; ++k) store(row + k * kLanes, load(row + k * kLanes) + kept[k]);
    }
}

// Calls work<N>(from) over all components, in pieces of kRegisters registers and one smaller piece.
#define LEXARIUM_IN_PIECES(FUNCTION, ...)                                            \
    std::size_t from = 0;                                                            \
    for (; from + kRegisters * kLanes <= matrix.stride; from += kRegisters * kLanes) \
        FUNCTION<kRegisters>(matrix, which, count, from, __VA_ARGS__);               \
    switch ((matrix.stride - from) / kLanes) {                                       \
        case 7: FUNCTION<7>(matrix, which, count, from, __VA_ARGS__); break;         \
        case 6: FUNCTION<6>(matrix, which, count, from, __VA_ARGS__); break;         \
        case 5: FUNCTION<5>(matrix, which, count, from, __VA_ARGS__); break;         \
        case 4: FUNCTION<4>(matrix, which, count, from, __VA_ARGS__); break;         \
        case 3: FUNCTION<3>(matrix, which, count, from, __VA_ARGS__); break;         \
        case 2: FUNCTION<2>(matrix, which, count, from, __VA_ARGS__); break;         \
        case 1: FUNCTION<1>(matrix, which, count, from, __VA_ARGS__); break;         \
        default: break;                                                              \
    }

void sum_rows(Rows matrix, const std::int32_t* which, std::size_t count, float* to) {
    LEXARIUM_IN_PIECES(sum_columns, to)
}

void add_rows(Rows matrix, const std::int32_t* which, std::size_t count, const float* change) {
    LEXARIUM_IN_PIECES(add_columns, change)
}

#undef LEXARIUM_IN_PIECES

void add_scaled(float* to, const float* from, float factor, std::size_t n) {
    for (std::size_t c = 0; c < n; c += kLanes) store(to + c, load(to + c) + factor * load(from + c));
}

void move(float* to, const float* from, const float* change, float factor, std::size_t n) {
    for (std::size_t c = 0; c < n; c += kLanes) store(to + c, load(from + c) + factor * load(change + c));
}

void scale(float* values, float factor, std::size_t n) {
    for (std::size_t c = 0; c < n; c += kLanes) store(values + c, load(values + c) * factor);
}

// products[i] = rows[i] . hidden, i < N; writes up to kLanes - 1 floats more.
template <std::size_t N>
inline void products_of(float* const* rows, std::size_t stride, const float* hidden, float* products) {
    Floats total[N] = {};
    for (std::size_t c = 0; c < stride; c += kLanes) {
        const Floats h = load(hidden + c);
        LEXARIUM_UNROLL
        for (std::size_t i = 0; i < N; ++i) total[i] += load(rows[i] + c) * h;
    }
    store(products, lane_sums<N>(total));
    if constexpr (N > kLanes) store(products + kLanes, lane_sums<N, kLanes>(total));
}

// gradient += the sum of factors[i] rows[i], with the rows as they stand; then rows[i] += factors[i] hidden.
template <std::size_t N>
inline void step_of(float* const* rows, std::size_t stride, const float* hidden, const float* factors, float* gradient) {
    for (std::size_t c = 0; c < stride; c += kLanes) {
        const Floats h = load(hidden + c);
        Floats change = load(gradient + c);
        LEXARIUM_UNROLL
        for (std::size_t i = 0; i < N; ++i) {
            const Floats row = load(rows[i] + c);
            change += factors[i] * row;
            store(rows[i] + c, row + factors[i] * h);
        }
        store(gradient + c, change);
    }
}

#define LEXARIUM_BY_COUNT(FUNCTION, COUNT, ...)       \
    switch (COUNT) {                                  \
        case 8: FUNCTION<8>(__VA_ARGS__); break;      \
        case 7: FUNCTION<7>(__VA_ARGS__); break;      \
        case 6: FUNCTION<6>(__VA_ARGS__); break;      \
        case 5: FUNCTION<5>(__VA_ARGS__); break;      \
        case 4: FUNCTION<4>(__VA_ARGS__); break;      \
        case 3: FUNCTION<3>(__VA_ARGS__); break;      \
        case 2: FUNCTION<2>(__VA_ARGS__); break;      \
        case 1: FUNCTION<1>(__VA_ARGS__); break;      \
        default: break;                               \
    }

// The rows of the next step: they stand anywhere in memory, and come while this one is computed.
void fetch(Rows matrix, const std::int32_t* which, std::size_t count) {
    for (std::size_t i = 0; i < count && i < kRegisters; ++i) {
        const float* row = row_of(matrix, static_cast<std::size_t>(which[i]));
        for (std::size_t c = 0; c < matrix.stride; c += fasttext::kMultiple) __builtin_prefetch(row + c, 1);
    }
}

void logistic(Rows output, const std::int32_t* which, const float* labels, std::size_t count, std::size_t next,
              const float* hidden, float rate, float* gradient) {
    constexpr std::size_t kRoom = kLanes > kRegisters ? kLanes : kRegisters;
    for (std::size_t begin = 0; begin < count; begin += kRegisters) {
        const std::size_t n = count - begin < kRegisters ? count - begin : kRegisters;
        float* rows[kRegisters];
        for (std::size_t i = 0; i < n; ++i)
            rows[i] = row_of(output, static_cast<std::size_t>(which[begin + i]));
        fetch(output, which + begin + n, count - begin - n + next);
        float factors[kRoom] = {};
        LEXARIUM_BY_COUNT(products_of, n, rows, output.stride, hidden, factors)
        for (std::size_t i = 0; i < n; i += kLanes) store(factors + i, sigmoid(load(factors + i)));
        for (std::size_t i = 0; i < n; ++i) factors[i] = rate * (labels[begin + i] - factors[i]);
        LEXARIUM_BY_COUNT(step_of, n, rows, output.stride, hidden, factors, gradient)
    }
}

void softmax(Rows output, std::size_t classes, std::size_t target, const float* hidden, float rate, float* gradient,
             float* scores) {
    float* rows[kRegisters];
    const auto at = [&](std::size_t begin) {
        const std::size_t n = classes - begin < kRegisters ? classes - begin : kRegisters;
        for (std::size_t i = 0; i < n; ++i) rows[i] = row_of(output, begin + i);
        return n;
    };
    float largest = -3e38f;
    for (std::size_t begin = 0; begin < classes; begin += kRegisters) {
        const std::size_t n = at(begin);
        LEXARIUM_BY_COUNT(products_of, n, rows, output.stride, hidden, scores + begin)
        for (std::size_t i = 0; i < n; ++i) largest = scores[begin + i] > largest ? scores[begin + i] : largest;
    }
    for (std::size_t k = classes; k % fasttext::kMultiple != 0; ++k) scores[k] = largest;
    float total = 0;
    for (std::size_t k = 0; k < classes; k += kLanes) store(scores + k, exponential(load(scores + k) - largest));
    for (std::size_t k = 0; k < classes; ++k) total += scores[k];
    const float share = -rate / total;
    for (std::size_t k = 0; k < classes; ++k) scores[k] *= share;
    scores[target] += rate;
    for (std::size_t begin = 0; begin < classes; begin += kRegisters) {
        const std::size_t n = at(begin);
        LEXARIUM_BY_COUNT(step_of, n, rows, output.stride, hidden, scores + begin, gradient)
    }
}

#undef LEXARIUM_BY_COUNT

}  // namespace

extern const fasttext::TrainLoops kFastTextLoops;
const fasttext::TrainLoops kFastTextLoops = {sum_rows, add_rows, fetch, add_scaled, move, scale, logistic, softmax};

}  // namespace LEXARIUM_SET
}  // namespace lexarium
