// The words of a text, found 64 bytes at a time: the same as Tokenizer finds with Rule::unicode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "eight_bytes.hpp"
#include "text.hpp"

namespace lexarium {

// Runs of two and more word characters. One object to a thread.
class WordScanner {
public:
    explicit WordScanner(const Characters& characters) : characters_(characters) {}

    // Calls found(begin, length) for each word of the n bytes at s, in order.
    template <typename Found>
    void scan(const std::uint8_t* s, std::size_t n, const Found& found) {
        mark(s, n);
        std::uint64_t before = 0;  // 1: the last byte of the 64 before belongs to a word
        std::size_t begin = 0;
        bool inside = false;
        for (std::size_t k = 0; k < marks_.size(); ++k) {
            std::uint64_t edges = marks_[k] ^ (marks_[k] << 1 | before);
            before = marks_[k] >> 63;
            for (; edges != 0; edges &= edges - 1, inside = !inside) {  // a begin, an end, a begin ...
                const std::size_t at = 64 * k + lowest_bit(edges);
                if (!inside)
                    begin = at;
                else if (is_long(s + begin, at - begin))
                    found(s + begin, at - begin);
            }
        }
    }

private:
    static constexpr std::size_t kBlock = 64;

    // Two characters and more. What one character needs follows from its first byte: words are valid UTF-8.
    static bool is_long(const std::uint8_t* s, std::size_t length) {
        if (length > 4 || s[0] < 0x80) return length > 1;
        return length > (s[0] < 0xE0 ? 2u : s[0] < 0xF0 ? 3u : 4u);
    }

    // Bit i % 64 of marks_[i / 64] becomes 1 where byte i belongs to a word; a last bit behind the text stays 0.
    void mark(const std::uint8_t* s, std::size_t n) {
        marks_.assign(n / kBlock + 1, 0);
        std::size_t clear = 0;  // bytes before belong to characters that are dealt with
        for (std::size_t k = 0; k < marks_.size(); ++k) {
            const std::size_t from = k * kBlock;
            std::uint64_t beyond;
            if (from + kBlock <= n) {
                marks_[k] |= ascii_words(s + from, beyond);
            } else {
                std::uint8_t rest[kBlock] = {};
                if (n > from) std::memcpy(rest, s + from, n - from);
                marks_[k] |= ascii_words(rest, beyond);
            }
            for (; beyond != 0; beyond &= beyond - 1) {
                const std::size_t i = from + lowest_bit(beyond);
                if (i < clear) continue;
                std::size_t length = 0;
                const std::uint32_t code = decode(s + i, n - i, length);
                clear = i + length;
                if (code == kNoCharacter || characters_.kind(code) != kWord) continue;
                for (std::size_t j = i; j < clear; ++j) marks_[j / kBlock] |= std::uint64_t{1} << j % kBlock;
            }
        }
    }

    // Of 64 bytes, which are ASCII letters, digits or _, and in `beyond` which are no ASCII.
    static std::uint64_t ascii_words(const std::uint8_t* s, std::uint64_t& beyond) {
        std::uint8_t flags[kBlock];
        for (std::size_t i = 0; i < kBlock; ++i) {  // the compiler makes vectors of it
            const auto letter = static_cast<std::uint8_t>((s[i] | 0x20) - 'a');
            const auto digit = static_cast<std::uint8_t>(s[i] - '0');
            flags[i] = static_cast<std::uint8_t>((letter < 26) | (digit < 10) | (s[i] == '_'));
        }
        std::uint64_t any = 0;
        for (std::size_t i = 0; i < kBlock; i += 8) any |= eight(s + i);
        beyond = 0;
        if ((any & kHigh) != 0)
            for (std::size_t i = 0; i < kBlock; i += 8) beyond |= gather(eight(s + i) >> 7 & kLow) << i;
        std::uint64_t words = 0;
        for (std::size_t i = 0; i < kBlock; i += 8) words |= gather(eight(flags + i)) << i;
        return words;
    }

    static constexpr std::uint64_t kLow = 0x0101010101010101u, kHigh = 0x8080808080808080u;
    const Characters& characters_;
    std::vector<std::uint64_t> marks_;
};

}  // namespace lexarium
