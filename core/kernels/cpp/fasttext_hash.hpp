// fastText's hash values: of words, of the n-grams of a word's characters, of runs of words.
//
// Bojanowski, Grave, Joulin, Mikolov, "Enriching word vectors with subword information", 2017; the values are
// those of the original program, so that models go both ways.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lexarium {
namespace fasttext {

inline constexpr std::uint32_t kHashStart = 2166136261u;  // FNV-1a, but that a byte from 0x80 on is sign-extended
inline constexpr std::uint32_t kHashFactor = 16777619u;
inline constexpr std::uint64_t kRunFactor = 116049371u;

inline std::uint32_t hash_byte(std::uint32_t hash, char byte) {
    return (hash ^ static_cast<std::uint32_t>(static_cast<std::int8_t>(byte))) * kHashFactor;
}

inline std::uint32_t hash_of(std::string_view text) {
    std::uint32_t hash = kHashStart;
    for (const char byte : text) hash = hash_byte(hash, byte);
    return hash;
}

inline bool is_set(const std::atomic<bool>* stop) { return stop != nullptr && stop->load(std::memory_order_relaxed); }

inline bool continues(char byte) { return (static_cast<std::uint8_t>(byte) & 0xC0) == 0x80; }  // a UTF-8 character

// Calls `found(bucket)` for each n-gram of shortest to longest characters of "<word>", in fastText's order. The
// brackets by themselves are none. bucket_count > 0. Breaks off once `stop`, where there is one, is set.
template <typename Found>
void for_ngrams(std::string_view word, int shortest, int longest, std::uint32_t bucket_count, Found&& found,
                const std::atomic<bool>* stop = nullptr) {
    const std::size_t n = word.size() + 2;
    const auto at = [&](std::size_t i) { return i == 0 ? '<' : i == n - 1 ? '>' : word[i - 1]; };
    for (std::size_t begin = 0; begin < n; ++begin) {
        if (continues(at(begin))) continue;
        if (is_set(stop)) return;
        std::uint32_t hash = kHashStart;
        std::size_t end = begin;
        for (int length = 1; end < n && length <= longest; ++length) {
            hash = hash_byte(hash, at(end++));
            while (end < n && continues(at(end))) hash = hash_byte(hash, at(end++));
            if (length >= shortest && !(length == 1 && (begin == 0 || end == n))) found(hash % bucket_count);
        }
    }
}

// Calls `found(bucket)` for each run of 2 to `longest` words, given by their hash values (count), in fastText's
// order. bucket_count > 0. Breaks off once `stop`, where there is one, is set.
template <typename Found>
void for_runs(const std::uint32_t* words, std::size_t count, int longest, std::uint32_t bucket_count, Found&& found,
              const std::atomic<bool>* stop = nullptr) {
    // The program keeps the values as signed: they are sign-extended.
    const auto wide = [](std::uint32_t value) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(static_cast<std::int32_t>(value))); };
    for (std::size_t first = 0; first < count && !is_set(stop); ++first) {
        std::uint64_t hash = wide(words[first]);
        for (std::size_t next = first + 1; next < count && next - first < static_cast<std::size_t>(longest); ++next) {
            hash = hash * kRunFactor + wide(words[next]);
            found(static_cast<std::uint32_t>(hash % bucket_count));
        }
    }
}

}  // namespace fasttext
}  // namespace lexarium
