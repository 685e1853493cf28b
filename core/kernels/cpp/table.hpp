// Distinct byte strings and their numbers.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "counting_buffer.hpp"
#include "parallel.hpp"

namespace lexarium {

inline constexpr std::size_t kPadding = 8;  // bytes that may be read, and are zero, behind a text
inline constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::size_t kMostInKey = std::numeric_limits<std::uint32_t>::max();

// The first `count` (at most 8) of 8 readable bytes, the others zero.
inline std::uint64_t load(const std::uint8_t* bytes, std::size_t count) {
    std::uint64_t value;
    std::memcpy(&value, bytes, 8);
    return count >= 8 ? value : value & ((std::uint64_t{1} << 8 * count) - 1);
}

inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    a = (a ^ b) * 0xD6E8FEB86659FD93u;
    return a ^ a >> 32;
}

inline void check_length(std::size_t n) {
    if (n > kMostInKey) throw std::length_error("a word has more than " + std::to_string(kMostInKey) + " bytes");
}

// A copy of a byte string, with the padding that a Key needs; good until the next one is made.
class Padded {
public:
    const std::uint8_t* operator()(std::string_view bytes) {
        check_length(bytes.size());
        copy_.assign(bytes.begin(), bytes.end());
        copy_.resize(bytes.size() + kPadding);
        return copy_.data();
    }

private:
    std::vector<std::uint8_t> copy_;
};

// A byte string as two words: itself where it is short, two hash values where it is longer than 16.
struct Key {
    std::uint64_t low = 0, high = 0;
    std::uint32_t length = 0;
    std::uint32_t hash = 0;

    Key() = default;

    // Reads up to 8 bytes behind the string. Throws std::length_error where its length needs more than 32 bits.
    Key(const std::uint8_t* bytes, std::size_t n) : length(static_cast<std::uint32_t>(n)) {
        if (n <= 8) {
            low = load(bytes, n);
        } else if (n <= 16) {
            low = load(bytes, 8);
            high = load(bytes + 8, n - 8);
        } else {
            check_length(n);
            for (; n > 8; bytes += 8, n -= 8) {
                low = mix(low, load(bytes, 8));
                high = mix(high ^ 0xA0761D6478BD642Fu, load(bytes, 8));
            }
            low = mix(low, load(bytes, n));
            high = mix(high ^ 0xA0761D6478BD642Fu, load(bytes, n));
        }
        const std::uint64_t h = mix(mix(low ^ length, 0x9E3779B97F4A7C15u) + high, 0xBF58476D1CE4E5B9u);
        hash = static_cast<std::uint32_t>(h >> 32 ^ h);
    }
};

// Distinct byte strings, numbered as they come; open addressing, at most half full. A slot holds short
// strings whole, and where its string was last counted, so that counting a term touches one cache line.
class Table {
public:
    struct Slot {
        std::uint64_t low = 0, high = 0;
        std::uint32_t length = 0;
        std::uint32_t id = kNone;
        std::uint32_t row = kNone;  // the last row with this string, and where in that row it stands
        std::uint32_t place = 0;
    };

    Table() : slots_(1 << 12), mask_(slots_.size() - 1), arena_(kPadding) { offsets_.push_back(0); }
    // Throws Stopped where `stop`, which has to outlive the table, becomes true while it grows: with millions of
    // strings that takes a second. It is then as it was before.
    explicit Table(const std::atomic<bool>& stop) : Table() { stop_ = &stop; }

    // The same strings without those that `keep` has not; the ids close up, in their order.
    template <typename Keep>
    Table without(const Keep& keep) const {
        Table rest;
        rest.stop_ = stop_;
        for (std::uint32_t id = 0; id < size(); ++id)
            if (keep(id)) rest.intern(data(id), length(id));
        return rest;
    }

    std::uint32_t size() const { return static_cast<std::uint32_t>(offsets_.size() - 1); }
    const std::uint8_t* data(std::uint32_t id) const { return arena_.data() + offsets_[id]; }
    std::size_t length(std::uint32_t id) const { return offsets_[id + 1] - offsets_[id]; }

    void prefetch(const Key& key) const {
#if defined(__GNUC__)
        __builtin_prefetch(&slots_[key.hash & mask_]);
#else
        (void)key;
#endif
    }

    std::uint32_t find(const Key& key, const std::uint8_t* bytes) const {
        for (std::size_t i = key.hash & mask_;; i = (i + 1) & mask_) {
            const Slot& slot = slots_[i];
            if (slot.id == kNone || same(slot, key, bytes)) return slot.id;
        }
    }

    // Makes room for `count` strings, so that fewer do not make it grow.
    void reserve(std::size_t count) {
        offsets_.reserve(count + 1);
        std::size_t slots = slots_.size();
        while (2 * (count + 1) >= slots) slots *= 2;
        if (slots > slots_.size()) grow(slots);
    }

    // The slot stays where it is until the next call.
    Slot& intern(const Key& key, const std::uint8_t* bytes) {
        if (2 * (std::size_t{size()} + 1) > mask_) grow(2 * slots_.size());
        for (std::size_t i = key.hash & mask_;; i = (i + 1) & mask_) {
            Slot& slot = slots_[i];
            if (slot.id == kNone) return insert(slot, key, bytes);
            if (same(slot, key, bytes)) return slot;
        }
    }

    std::uint32_t find(const std::uint8_t* bytes, std::size_t n) const { return find(Key(bytes, n), bytes); }
    Slot& intern(const std::uint8_t* bytes, std::size_t n) { return intern(Key(bytes, n), bytes); }

private:
    bool same(const Slot& slot, const Key& key, const std::uint8_t* bytes) const {
        return slot.low == key.low && slot.high == key.high && slot.length == key.length &&
               (key.length <= 16 || std::memcmp(data(slot.id), bytes, key.length) == 0);
    }

    Slot& insert(Slot& slot, const Key& key, const std::uint8_t* bytes) {
        const std::uint32_t id = size();
        if (id >= 0x7FFFFFFF) throw std::length_error("more than 2^31 distinct terms");
        slot.low = key.low;
        slot.high = key.high;
        slot.length = key.length;
        slot.id = id;
        arena_.resize(arena_.size() - kPadding);
        arena_.insert(arena_.end(), bytes, bytes + key.length);
        offsets_.push_back(arena_.size());
        arena_.resize(arena_.size() + kPadding);
        return slot;
    }

    void grow(std::size_t slots) {  // a power of two
        std::vector<Slot, HugePages<Slot>> wider;
        wider.reserve(slots);
        while (wider.size() < slots) {
            wider.resize(std::min(slots, wider.size() + kTogether));
            look_now();
        }
        const std::size_t mask = slots - 1;
        for (std::size_t from = 0; from < slots_.size(); ++from) {
            if (from % kTogether == 0) look_now();
            const Slot& slot = slots_[from];
            if (slot.id == kNone) continue;
            std::size_t i = Key(data(slot.id), slot.length).hash & mask;
            while (wider[i].id != kNone) i = (i + 1) & mask;
            wider[i] = slot;
        }
        slots_.swap(wider);
        mask_ = mask;
    }

    void look_now() const {
        if (stop_ != nullptr) look(*stop_);
    }

    static constexpr std::size_t kTogether = 1 << 12;  // slots

    const std::atomic<bool>* stop_ = nullptr;
    std::vector<Slot, HugePages<Slot>> slots_;
    std::size_t mask_;
    std::vector<std::uint8_t> arena_;  // padded, so that keys may be read from it
    std::vector<std::uint64_t> offsets_;
};

}  // namespace lexarium
