// Look-up of words in a stored vocabulary, with a memory for short ones: most tokens of a text are few words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "table.hpp"

namespace lexarium {

// One to a thread. Stored: `std::int64_t find(std::string_view) const`, which may throw.
template <typename Stored>
class Finder {
public:
    Finder(const Stored& stored, std::size_t places) : stored_(stored), places_(places) {}  // a power of 2

    // Reads up to 8 bytes behind the word.
    std::int64_t operator()(std::string_view word) {
        if (word.size() > 16) return stored_.find(word);
        const Key key(reinterpret_cast<const std::uint8_t*>(word.data()), word.size());  // of up to 16 bytes it holds all
        Place& place = places_[key.hash & (places_.size() - 1)];
        if (place.low != key.low || place.high != key.high || place.length != key.length)
            place = {key.low, key.high, stored_.find(word), key.length};
        return place.row;
    }

private:
    struct Place {
        std::uint64_t low = 0, high = 0;
        std::int64_t row = -1;
        std::uint32_t length = kNone;
    };
    const Stored& stored_;
    std::vector<Place> places_;
};

}  // namespace lexarium
