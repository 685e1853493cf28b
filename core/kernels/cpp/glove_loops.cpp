#include "glove_loops.hpp"

#include "simd.hpp"

namespace lexarium {
namespace LEXARIUM_SET {

namespace {

constexpr std::size_t kAhead = 2;       // entries whose rows are fetched before they are needed
constexpr float kSmall = 0.01f;         // squared step up to which the series below is exact to float's rounding

typedef float Four __attribute__((vector_size(16)));

inline float total(Floats value) {  // in fours, then in pairs: a chain of few additions
    Four sum{};
    for (std::size_t i = 0; i < kLanes; i += 4) {
        Four part;
        std::memcpy(&part, reinterpret_cast<const char*>(&value) + i * sizeof(float), sizeof part);
        sum += part;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

// 1 / sqrt(1 + u); lane by lane, which the compiler joins again.
inline Floats inverse_root(Floats u) {
    float part[kLanes];
    std::memcpy(part, &u, sizeof part);
    for (std::size_t lane = 0; lane < kLanes; ++lane) part[lane] = 1.0f / __builtin_sqrtf(1.0f + part[lane]);
    return load(part);
}

inline Floats within(Floats value, Floats limit) {
    value = value < limit ? value : limit;
    return value > -limit ? value : -limit;
}

// AdaGrad's step for one register of components. With r = 1 / sqrt(g), g' = g + d^2 and the step s = d r,
// 1 / sqrt(g') = r / sqrt(1 + s^2): no root is needed where s is small, as it nearly always is.
template <bool kExact>
inline void step(float* value, float* rate, Floats gradient, Floats eta, Floats clip, Floats free) {
    const Floats r = load(rate);
    const Floats d = kExact ? within(gradient, clip) * eta * free : gradient * free;
    const Floats s = d * r, u = s * s;
    store(value, load(value) - s);
    store(rate, kExact ? r * inverse_root(u) : r - r * (u * (0.5f - 0.375f * u)));
}

// Both rows of an entry; the last register of each has a lane that holds 1 for ever.
template <bool kExact>
inline void update(float* word, float* context, std::size_t width, float force, const Rates& rates) {
    const Floats eta = all(rates.eta), clip = all(rates.clip), one = all(1.0f);
    const Floats by = all(kExact ? force : force * rates.eta);
    float* word_rate = word + width;
    float* context_rate = context + width;
    const std::size_t last = width - kLanes;
    for (std::size_t i = 0; i < last; i += kLanes) {
        const Floats w = load(word + i), c = load(context + i);
        step<kExact>(word + i, word_rate + i, by * c, eta, clip, one);
        step<kExact>(context + i, context_rate + i, by * w, eta, clip, one);
    }
    Floats free_word = one, free_context = one;
    free_word[kLanes - 1] = 0;
    free_context[kLanes - 2] = 0;
    const Floats w = load(word + last), c = load(context + last);
    step<kExact>(word + last, word_rate + last, by * c, eta, clip, free_word);
    step<kExact>(context + last, context_rate + last, by * w, eta, clip, free_context);
}

inline void fetch(const float* row, std::size_t width) {
    for (std::size_t i = 0; i < 2 * width; i += 16) __builtin_prefetch(row + i, 1);
}

// Several threads run this on the same tables: rows are read and written without locks on purpose (Recht et al.,
// "Hogwild!", 2011); a step lost now and then does no harm.
double train(const Entry* entries, std::size_t count, const Tables& tables, const Rates& rates) {
    const std::size_t width = tables.width, stride = 2 * width;
    const float limit = kSmall / (rates.eta * rates.eta), bound = rates.clip * rates.clip;
    const float small = limit < bound ? limit : bound;
    double loss = 0;
    for (std::size_t k = 0; k < count; ++k) {
        if (k + kAhead < count) {
            fetch(tables.words + stride * static_cast<std::size_t>(entries[k + kAhead].row), width);
            fetch(tables.contexts + stride * static_cast<std::size_t>(entries[k + kAhead].column), width);
        }
        const Entry& entry = entries[k];
        float* word = tables.words + stride * static_cast<std::size_t>(entry.row);
        float* context = tables.contexts + stride * static_cast<std::size_t>(entry.column);
        Floats dot{}, word_square{}, context_square{};
        for (std::size_t i = 0; i < width; i += kLanes) {
            const Floats w = load(word + i), c = load(context + i);
            dot += w * c;
            word_square += w * w;
            context_square += c * c;
        }
        const float difference = total(dot) - entry.log;
        const float force = entry.weight * difference;
        loss += 0.5 * static_cast<double>(force) * static_cast<double>(difference);
        // No component of a row is larger than its length, and no rate larger than 1.
        if (force * force * total(word_square + context_square) < small)
            update<false>(word, context, width, force, rates);
        else
            update<true>(word, context, width, force, rates);
    }
    return loss;
}

}  // namespace

extern const GloveLoops glove_loops;
const GloveLoops glove_loops = {kLanes, train};

}  // namespace LEXARIUM_SET
}  // namespace lexarium
