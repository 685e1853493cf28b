// One text to its tokens, or to its n-grams of characters; one object to a thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "counting.hpp"
#include "counting_words.hpp"
#include "parallel.hpp"
#include "table.hpp"
#include "text.hpp"

namespace lexarium {

struct Token {
    Key key;
    const std::uint8_t* begin;
    std::size_t length;
};

// The bytes of the texts begin .. end - 1.
inline std::size_t bytes_of(const Texts& texts, std::size_t begin, std::size_t end) {
    if (texts.offsets != nullptr) {
        end = static_cast<std::size_t>(texts.offsets[end]);
        begin = static_cast<std::size_t>(texts.offsets[begin]);
    }
    std::size_t sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += texts.views[i].size();
    return sum;
}

inline std::overflow_error too_many(std::size_t most, const char* what) {
    return std::overflow_error("a text has more than " + std::to_string(most) + " " + what);
}

class Analysis {
public:
    Analysis(const Settings& settings, const Table& stops, const std::atomic<bool>& stop)
        : settings_(settings),
          stops_(stops),
          stop_(stop),
          tokenizer_(*settings.characters, settings.rule, settings.lowercase),
          words_(*settings.characters) {}

    // Calls `found` with each token of text i, in order, or with each of its n-grams of characters, in any; throws
    // std::overflow_error where the text has more bytes, or more given terms, than settings.most. Up to
    // 64 tokens before, `coming` is called with the same: what it fetches from memory has then arrived. Looks at
    // `stop` as often, and throws Stopped.
    template <typename Coming, typename Found>
    void scan(const Texts& texts, std::size_t i, const Coming& coming, const Found& found) {
        check_size(texts, i);
        std::size_t waiting = 0;
        auto hand_over = [&] {
            look(stop_);
            for (std::size_t k = 0; k < waiting; ++k) found(waiting_[k]);
            waiting = 0;
        };
        auto keep = [&](const std::uint8_t* begin, std::size_t length) {
            waiting_[waiting] = {Key(begin, length), begin, length};
            coming(waiting_[waiting]);
            if (++waiting == kWaiting) hand_over();
        };
        switch (settings_.analyzer) {
            case Analyzer::word: scan_tokens(texts.views[i], keep); break;
            case Analyzer::chars: scan_characters(collapse(tokenizer_.prepare(texts.views[i])), keep); break;
            case Analyzer::chars_wb: scan_pieces(tokenizer_.prepare(texts.views[i]), keep); break;
            case Analyzer::given: scan_given(texts, i, keep); break;
        }
        hand_over();
    }

private:
    void check_size(const Texts& texts, std::size_t i) const {
        const auto terms = texts.offsets ? static_cast<std::size_t>(texts.offsets[i + 1] - texts.offsets[i]) : 0;
        if (terms > settings_.most) throw too_many(settings_.most, "terms");
        if (bytes_of(texts, i, i + 1) > settings_.most) throw too_many(settings_.most, "bytes");
    }

    template <typename Keep>
    void scan_tokens(std::string_view text, const Keep& keep) {
        auto keep_unless_stopped = [&](const std::uint8_t* begin, std::size_t length) {
            if (stops_.size() == 0 || stops_.find(begin, length) == kNone) keep(begin, length);
        };
        if (settings_.rule != Rule::unicode) return tokenizer_.scan(text, keep_unless_stopped);
        const std::string_view prepared = tokenizer_.prepare(text);
        words_.scan(reinterpret_cast<const std::uint8_t*>(prepared.data()), prepared.size(), keep_unless_stopped);
    }

    bool is_space(const std::uint8_t* s, std::size_t left, std::size_t& length) const {
        const std::uint32_t code = decode(s, left, length);
        return code != kNoCharacter && settings_.characters->kind(code) == kSpace;
    }

    // Copies into the buffer, two and more white spaces as one space; ends_[k] is where character k ends.
    std::size_t collapse(std::string_view text) {
        const auto* s = reinterpret_cast<const std::uint8_t*>(text.data());
        buffer_.resize(text.size() + kPadding);
        ends_.assign(1, 0);
        std::size_t to = 0, length = 0, next = 0;
        for (std::size_t i = 0; i < text.size();) {
            const std::size_t begin = i;
            std::size_t spaces = 0;
            while (i < text.size() && is_space(s + i, text.size() - i, next)) {
                i += next;
                ++spaces;
            }
            if (spaces >= 2) {
                buffer_[to++] = ' ';
            } else {
                if (spaces == 0) {
                    decode(s + i, text.size() - i, length);
                    i += length;
                }
                std::memcpy(&buffer_[to], s + begin, i - begin);
                to += i - begin;
            }
            ends_.push_back(to);
        }
        std::memset(&buffer_[to], 0, kPadding);
        return ends_.size() - 1;
    }

    template <typename Keep>
    void scan_characters(std::size_t characters, const Keep& keep) const {
        for (std::size_t n = settings_.shortest; n <= std::min<std::size_t>(settings_.longest, characters); ++n)
            for (std::size_t k = 0; k + n <= characters; ++k) keep(&buffer_[ends_[k]], ends_[k + n] - ends_[k]);
    }

    // All pieces stand one after another in the buffer, a space before and after each; a piece that is shorter
    // than an n-gram gives itself, once.
    template <typename Keep>
    void scan_pieces(std::string_view text, const Keep& keep) {
        const auto* s = reinterpret_cast<const std::uint8_t*>(text.data());
        buffer_.resize(2 * text.size() + 2 + kPadding);
        std::size_t to = 0, length = 0;
        for (std::size_t i = 0; i < text.size();) {
            if (is_space(s + i, text.size() - i, length)) {
                i += length;
                continue;
            }
            ends_.assign(1, to);
            buffer_[to++] = ' ';
            ends_.push_back(to);
            for (; i < text.size() && !is_space(s + i, text.size() - i, length); i += length) {
                std::memcpy(&buffer_[to], s + i, length);
                ends_.push_back(to += length);
            }
            buffer_[to++] = ' ';
            ends_.push_back(to);
            std::memset(&buffer_[to], 0, kPadding);
            const std::size_t characters = ends_.size() - 1;
            scan_characters(characters, keep);
            if (characters < static_cast<std::size_t>(settings_.shortest)) keep(&buffer_[ends_[0]], to - ends_[0]);
        }
    }

    template <typename Keep>
    void scan_given(const Texts& texts, std::size_t i, const Keep& keep) {
        std::size_t total = 0;
        for (std::int64_t k = texts.offsets[i]; k < texts.offsets[i + 1]; ++k) total += texts.views[k].size();
        buffer_.resize(total + kPadding);
        std::size_t to = 0;
        for (std::int64_t k = texts.offsets[i]; k < texts.offsets[i + 1]; ++k) {
            const std::string_view term = texts.views[k];
            if (!term.empty()) std::memcpy(&buffer_[to], term.data(), term.size());
            to += term.size();
        }
        std::memset(&buffer_[to], 0, kPadding);
        to = 0;
        for (std::int64_t k = texts.offsets[i]; k < texts.offsets[i + 1]; to += texts.views[k++].size())
            keep(&buffer_[to], texts.views[k].size());
    }

    const Settings& settings_;
    static constexpr std::size_t kWaiting = 64;
    const Table& stops_;
    const std::atomic<bool>& stop_;
    Tokenizer tokenizer_;
    WordScanner words_;
    Token waiting_[kWaiting];
    std::vector<std::uint8_t> buffer_;
    std::vector<std::size_t> ends_;
};

inline void intern_all(Table& table, const std::vector<std::string_view>& words) {
    Padded padded;
    for (auto word : words) table.intern(padded(word), word.size());
}

// Cuts texts into `count` runs of about equal bytes; returns count + 1 indices.
inline std::vector<std::size_t> cut(const Texts& texts, int count) {
    if (texts.offsets == nullptr) return cut(texts.views, count);
    std::vector<std::size_t> cuts;
    for (int t = 0; t <= count; ++t) cuts.push_back(texts.count * t / count);
    return cuts;
}

inline constexpr std::size_t kBytesPerEntry = 8;  // of text, for each distinct term of a text: about

}  // namespace lexarium
