// UTF-8 text to tokens: one tokenizer for all kernels, equal to lexarium/tokens.py on every text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "eight_bytes.hpp"
#include "table.hpp"

namespace lexarium {

// What a character is to Python's `re`, `str.split` and `str.isspace`.
enum Kind : std::uint8_t {
    kMark,   // neither of the others: [^\w\s]
    kWord,   // \w: alphanumeric or _
    kSpace,  // \s, which is also what str.split cuts at
    kMore,   // of a byte: it needs its successors to tell
};

// The character database of the running Python (python_text.hpp fills it in): tables for the code points
// below kTabled, functions for the few texts that go beyond. Const, and shared by all threads.
struct Characters {
    static constexpr std::uint32_t kTabled = 0x20000;
    const std::uint8_t* kinds;   // (kTabled)
    const std::uint32_t* lower;  // (kTabled), the lower case where it is one character, else the character
    Kind (*kind_beyond)(std::uint32_t code);
    std::uint32_t (*lower_beyond)(std::uint32_t code);
    std::string (*lower_text)(std::string_view text);  // all of str.lower

    Kind kind(std::uint32_t code) const {
        return code < kTabled ? static_cast<Kind>(kinds[code]) : kind_beyond(code);
    }
    std::uint32_t lowered(std::uint32_t code) const { return code < kTabled ? lower[code] : lower_beyond(code); }
};

inline constexpr std::uint32_t kNoCharacter = 0xFFFFFFFF;

// The character at s, of which `left` >= 1 bytes are there, and its length in bytes. Accepts what Python's
// "utf-8" codec accepts, and surrogates, which a str may hold; else kNoCharacter and the length 1.
inline std::uint32_t decode(const std::uint8_t* s, std::size_t left, std::size_t& length) {
    const std::uint32_t lead = s[0];
    length = 1;
    if (lead < 0x80) return lead;
    const std::size_t wanted = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (lead < 0xC2 || lead > 0xF4 || wanted > left) return kNoCharacter;
    std::uint32_t code = lead & (0x7Fu >> wanted);
    for (std::size_t i = 1; i < wanted; ++i) {
        if ((s[i] & 0xC0) != 0x80) return kNoCharacter;
        code = code << 6 | (s[i] & 0x3Fu);
    }
    if ((wanted == 3 && code < 0x800) || (wanted == 4 && (code < 0x10000 || code > 0x10FFFF))) return kNoCharacter;
    length = wanted;
    return code;
}

// Writes a character's 1 to 4 bytes; returns how many.
inline std::size_t encode(std::uint32_t code, std::uint8_t* to) {
    if (code < 0x80) {
        to[0] = static_cast<std::uint8_t>(code);
        return 1;
    }
    const std::size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (std::size_t i = length - 1; i > 0; --i, code >>= 6) to[i] = static_cast<std::uint8_t>(0x80 | (code & 0x3F));
    to[0] = static_cast<std::uint8_t>((0xF00 >> length & 0xFF) | code);
    return length;
}

// How many of the n bytes, from the first on, are ASCII; looks at eight at a time and may stop up to seven short.
inline std::size_t ascii_prefix(const std::uint8_t* s, std::size_t n) {
    std::size_t i = 0;
    for (std::uint64_t eight; i + 8 <= n; i += 8) {
        std::memcpy(&eight, s + i, 8);
        if (eight & 0x8080808080808080u) break;
    }
    return i;
}

// How many bytes from s on, to the first that fails, `passes` lets through: it takes eight bytes and sets the highest bit
// of each that passes, whatever the other bits. Eight bytes behind the one that fails may be read.
template <typename Passes>
std::size_t prefix_where(const std::uint8_t* s, Passes&& passes) {
    constexpr std::uint64_t kHigh = 0x8080808080808080u;
    for (std::size_t i = 0;; i += 8)
        if (const std::uint64_t fails = ~passes(eight(s + i)) & kHigh) return i + lowest_bit(fails) / 8;
}

// How many bytes from s on are ASCII characters that can be seen: neither controls nor the blank.
inline std::size_t ascii_visible(const std::uint8_t* s) {
    return prefix_where(s, [](std::uint64_t bytes) {
        const std::uint64_t low = bytes & 0x7F7F7F7F7F7F7F7Fu;
        return (low + 0x5F5F5F5F5F5F5F5Fu) & ~bytes;  // from 0x21 on
    });
}

// How many bytes from s on are ASCII letters, digits and underscores.
inline std::size_t ascii_word(const std::uint8_t* s) {
    return prefix_where(s, [](std::uint64_t bytes) {
        constexpr std::uint64_t kEach = 0x0101010101010101u;
        const std::uint64_t low = bytes & 0x7F * kEach, lower = low | 0x20 * kEach;
        const std::uint64_t letter = (lower + (0x80 - 'a') * kEach) & ~(lower + (0x7F - 'z') * kEach);
        const std::uint64_t digit = (low + (0x80 - '0') * kEach) & ~(low + (0x7F - '9') * kEach);
        const std::uint64_t other = ~((low ^ '_' * kEach) + 0x7F * kEach);  // the highest bit, where no bit differs
        return (letter | digit | other) & ~bytes;
    });
}

// Where the first byte that Python's strict "utf-8" codec refuses stands, as UnicodeDecodeError.start; n: nowhere.
inline std::size_t find_invalid(const std::uint8_t* s, std::size_t n) {
    std::size_t i = 0, length = 0;
    while (i < n) {
        if (s[i] < 0x80) {
            const std::size_t skipped = ascii_prefix(s + i, n - i);
            i += skipped ? skipped : 1;
            continue;
        }
        const std::uint32_t code = decode(s + i, n - i, length);
        if (code == kNoCharacter || (code >= 0xD800 && code <= 0xDFFF)) return i;
        i += length;
    }
    return n;
}

// The tokenizers of lexarium/tokens.py that need no dictionary and no pattern of one's own.
enum class Rule : std::uint8_t {
    unicode,     // runs of two or more word characters
    words,       // runs of word characters, and each mark by itself
    whitespace,  // what white space separates
    characters,  // each character that is not white space
};

// Calls `found(const uint8_t* begin, size_t length)` for each token of a text, in order; kPadding bytes behind
// each token may be read, and the bytes stay until the next scan. One to a thread.
class Tokenizer {
public:
    Tokenizer(const Characters& characters, Rule rule, bool lowercase)
        : characters_(&characters), rule_(rule), lowercase_(lowercase) {
        for (std::uint32_t c = 0; c < 256; ++c) kinds_[c] = c < 0x80 ? characters.kinds[c] : std::uint8_t{kMore};
    }

    template <typename Found>
    void scan(std::string_view text, Found&& found) {
        const std::size_t n = lowercase_ ? copy_lowered(text) : copy(text);
        switch (rule_) {
            case Rule::unicode: return scan_runs<2, false>(n, found);
            case Rule::words: return scan_runs<1, true>(n, found);
            case Rule::whitespace: return scan_pieces(n, found);
            case Rule::characters: return scan_characters(n, found);
        }
    }

    // The text itself, in the case that its tokens are given in; the bytes stay until the next call.
    std::string_view prepare(std::string_view text) {
        const std::size_t n = lowercase_ ? copy_lowered(text) : copy(text);
        return {reinterpret_cast<const char*>(buffer_.get()), n};
    }

private:
    Kind kind_at(const std::uint8_t* s, std::size_t left, std::size_t& length) const {
        length = 1;
        if (kinds_[*s] != kMore) return static_cast<Kind>(kinds_[*s]);
        const std::uint32_t code = decode(s, left, length);
        return code == kNoCharacter ? kMark : characters_->kind(code);
    }

    template <std::size_t shortest, bool marks, typename Found>
    void scan_runs(std::size_t n, Found& found) const {
        const std::uint8_t* s = buffer_.get();
        std::size_t i = 0, length = 0;
        while (i < n) {
            const std::size_t begin = i;
            std::size_t count = 0;  // in characters
            Kind next = kMark;
            for (;;) {
                const std::size_t run = ascii_word(s + i);  // ends at the padding, a zero, which is no word
                i += run;
                count += run;
                if (i >= n || (next = kind_at(s + i, n - i, length)) != kWord) break;
                i += length;
                ++count;
            }
            if (count >= shortest) found(s + begin, i - begin);
            if (i >= n) return;
            if (marks && next == kMark) found(s + i, length);
            i += length;  // the character that ended the run
        }
    }

    template <typename Found>
    void scan_pieces(std::size_t n, Found& found) const {
        const std::uint8_t* s = buffer_.get();
        for (std::size_t i = 0, length = 0; i < n;) {
            const std::size_t begin = i;
            while ((i += ascii_visible(s + i)) < n && kind_at(s + i, n - i, length) != kSpace) i += length;
            if (i > begin) found(s + begin, i - begin);
            if (i < n) i += length;
        }
    }

    template <typename Found>
    void scan_characters(std::size_t n, Found& found) const {
        const std::uint8_t* s = buffer_.get();
        for (std::size_t i = 0, length; i < n; i += length)
            if (kind_at(s + i, n - i, length) != kSpace) found(s + i, length);
    }

    std::size_t padded(std::size_t n) {
        std::memset(buffer_.get() + n, 0, kPadding);
        return n;
    }

    void reserve(std::size_t size) {
        if (size <= capacity_) return;
        capacity_ = 0;
        buffer_.reset(new std::uint8_t[size + size / 2]);  // not zeroed: pages never written are never resident
        capacity_ = size + size / 2;
    }

    std::size_t copy(std::string_view text) {
        reserve(text.size() + kPadding);
        if (!text.empty()) std::memcpy(buffer_.get(), text.data(), text.size());
        return padded(text.size());
    }

    // ASCII stays one byte, and no other character takes more than twice its bytes in lower case.
    std::size_t copy_lowered(std::string_view text) {
        const auto* s = reinterpret_cast<const std::uint8_t*>(text.data());
        const std::size_t n = text.size();
        reserve(2 * n + kPadding);
        std::uint8_t* to = buffer_.get();
        for (std::size_t i = 0, length; i < n;) {
            if (const std::size_t run = ascii_prefix(s + i, n - i)) {
                for (std::size_t k = 0; k < run; ++k) to[k] = lower_ascii(s[i + k]);
                to += run;
                i += run;
            } else if (s[i] < 0x80) {
                *to++ = lower_ascii(s[i++]);
            } else {
                const std::uint32_t code = decode(s + i, n - i, length);
                if (code == kSigma) return copy(characters_->lower_text(text));
                if (code == kDottedI) {
                    std::memcpy(to, "i\xCC\x87", 3);
                    to += 3;
                } else if (code == kNoCharacter) {
                    *to++ = s[i];
                } else {
                    to += encode(characters_->lowered(code), to);
                }
                i += length;
            }
        }
        return padded(static_cast<std::size_t>(to - buffer_.get()));
    }

    static std::uint8_t lower_ascii(std::uint8_t c) {
        return static_cast<std::uint8_t>(c + (static_cast<std::uint8_t>(c - 'A') < 26 ? 32 : 0));
    }

    static constexpr std::uint32_t kSigma = 0x3A3;     // its lower case depends on its neighbours
    static constexpr std::uint32_t kDottedI = 0x130;   // its lower case is two characters
    const Characters* characters_;
    Rule rule_;
    bool lowercase_;
    std::uint8_t kinds_[256];
    std::unique_ptr<std::uint8_t[]> buffer_;
    std::size_t capacity_ = 0;
};

}  // namespace lexarium
