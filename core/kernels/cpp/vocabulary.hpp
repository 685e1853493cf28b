// The look-up table of a stored vocabulary: words to their indices. No Python in here.
//
// The table is what lexarium/vocabulary.py describes: word i stands as i + 1 in the first free slot from
// crc32(word) % slots on, 0 is free. A table may come from a stranger, so whatever it says is checked.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "strings.hpp"

namespace lexarium {

// Like zlib's (ISO 3309), of eight bytes at a time (Kounavis and Berry, 2005: "slicing").
std::uint32_t crc32(std::string_view word);

// n words, word i being bytes[offsets[i] .. offsets[i + 1]). The offsets are read one at a time and never trusted.
struct Words {
    const std::uint8_t* bytes;
    std::size_t size;  // of `bytes`
    const std::int64_t* offsets;
    std::size_t count;

    // Whether word i is inside `bytes`; then `word` is it, by the offsets that were looked at.
    bool holds(std::size_t i, std::string_view& word) const {
        if (i >= count) return false;
        const std::int64_t begin = offsets[i], end = offsets[i + 1];
        if (begin < 0 || begin > end || static_cast<std::uint64_t>(end) > size) return false;
        word = {reinterpret_cast<const char*>(bytes) + begin, static_cast<std::size_t>(end - begin)};
        return true;
    }
};

// What came of building a table: the slots, or the first word that stands twice, or a word that found no slot.
struct Built {
    std::vector<std::uint32_t> slots;
    std::int64_t first = -1, second = -1;  // the two places of one word
    bool crowded = false;                  // more than `probes` slots were taken
};

// The words must stay as they are. Throws Stopped (parallel.hpp) on `stop`, as merge() does.
Built build_slots(const Packed& words, std::size_t slots, std::size_t probes, const std::atomic<bool>& stop);

inline constexpr std::int64_t kUnknown = -1, kDamaged = -2;

// The index of `word`, kUnknown, or kDamaged where the table points at a word that does not hold.
std::int64_t find(const Words& words, const std::uint32_t* slots, std::size_t count, std::size_t probes,
                  std::string_view word);

// Several vocabularies as one: the distinct words of all in the order of their bytes, and for each vocabulary
// the place of each of its words among them.
struct Merged {
    std::vector<std::uint8_t> bytes;
    std::vector<std::int64_t> offsets;
    std::vector<std::vector<std::int64_t>> places;
};
Merged merge(const std::vector<Packed>& vocabularies, const std::atomic<bool>& stop);

}  // namespace lexarium
