#include "vocabulary.hpp"

#include <algorithm>
#include <array>

#include "parallel.hpp"

namespace lexarium {

namespace {

constexpr std::size_t kBatch = 64;  // words whose slots are fetched from memory together

using Slices = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr Slices make_slices() {
    Slices slices{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t rest = byte;
        for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0xEDB88320u : 0);
        slices[0][byte] = rest;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t byte = 0; byte < 256; ++byte)
            slices[k][byte] = slices[k - 1][byte] >> 8 ^ slices[0][slices[k - 1][byte] & 0xFF];
    return slices;
}

constexpr Slices kSlices = make_slices();

void prefetch(const void* address) {
#if defined(__GNUC__)
    __builtin_prefetch(address);
#else
    (void)address;
#endif
}

}  // namespace

std::uint32_t crc32(std::string_view word) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(word.data());
    std::size_t left = word.size();
    std::uint32_t crc = 0xFFFFFFFFu;
    for (; left >= 8; at += 8, left -= 8) {
        crc ^= at[0] | std::uint32_t{at[1]} << 8 | std::uint32_t{at[2]} << 16 | std::uint32_t{at[3]} << 24;
        crc = kSlices[7][crc & 0xFF] ^ kSlices[6][crc >> 8 & 0xFF] ^ kSlices[5][crc >> 16 & 0xFF] ^
              kSlices[4][crc >> 24] ^ kSlices[3][at[4]] ^ kSlices[2][at[5]] ^ kSlices[1][at[6]] ^ kSlices[0][at[7]];
    }
    for (; left > 0; ++at, --left) crc = crc >> 8 ^ kSlices[0][(crc ^ *at) & 0xFF];
    return ~crc;
}

Built build_slots(const Packed& words, std::size_t slots, std::size_t probes, const std::atomic<bool>& stop) {
    Built built;
    built.slots.assign(slots, 0);
    std::vector<std::uint32_t> crcs(words.count);  // compared before the bytes are
    for (std::size_t begin = 0; begin < words.count; begin += kBatch) {
        look(stop);
        const std::size_t end = std::min(words.count, begin + kBatch);
        for (std::size_t i = begin; i < end; ++i) {
            crcs[i] = crc32(words[i]);
            prefetch(&built.slots[crcs[i] % slots]);
        }
        for (std::size_t i = begin; i < end; ++i) {
            std::size_t slot = crcs[i] % slots, probe = 0;
            for (; probe < probes && built.slots[slot] != 0; ++probe) {
                const std::size_t other = built.slots[slot] - 1;
                if (crcs[other] == crcs[i] && words[other] == words[i]) {
                    built.first = static_cast<std::int64_t>(other);
                    built.second = static_cast<std::int64_t>(i);
                    return built;
                }
                slot = slot + 1 < slots ? slot + 1 : 0;
            }
            if (probe == probes) {
                built.crowded = true;
                return built;
            }
            built.slots[slot] = static_cast<std::uint32_t>(i + 1);
        }
    }
    return built;
}

std::int64_t find(const Words& words, const std::uint32_t* slots, std::size_t count, std::size_t probes,
                  std::string_view word) {
    std::size_t slot = crc32(word) % count;
    for (std::size_t probe = 0; probe < std::min(count, probes); ++probe) {
        const std::size_t taken = slots[slot];
        if (taken == 0) return kUnknown;
        std::string_view other;
        if (!words.holds(taken - 1, other)) return kDamaged;
        if (other == word) return static_cast<std::int64_t>(taken - 1);
        slot = slot + 1 < count ? slot + 1 : 0;
    }
    return kUnknown;
}

Merged merge(const std::vector<Packed>& vocabularies, const std::atomic<bool>& stop) {
    struct Entry {
        std::string_view word;
        std::size_t vocabulary, index;
    };
    std::vector<Entry> entries;
    Merged merged;
    for (std::size_t v = 0; v < vocabularies.size(); ++v) {
        merged.places.emplace_back(vocabularies[v].count);
        for (std::size_t i = 0; i < vocabularies[v].count; ++i) {
            look(stop);
            entries.push_back({vocabularies[v][i], v, i});
        }
    }
    // std::string_view compares bytes as unsigned: char_traits<char> does.
    std::sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
        look(stop);
        return a.word < b.word;
    });
    merged.offsets.push_back(0);
    for (std::size_t k = 0; k < entries.size(); ++k) {
        look(stop);
        const Entry& entry = entries[k];
        if (k == 0 || entry.word != entries[k - 1].word) {
            merged.bytes.insert(merged.bytes.end(), entry.word.begin(), entry.word.end());
            merged.offsets.push_back(static_cast<std::int64_t>(merged.bytes.size()));
        }
        merged.places[entry.vocabulary][entry.index] = static_cast<std::int64_t>(merged.offsets.size()) - 2;
    }
    return merged;
}

}  // namespace lexarium
