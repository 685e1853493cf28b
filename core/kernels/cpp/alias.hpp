// Drawing from a fixed distribution in constant time.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "random.hpp"

namespace lexarium {

// Draws words in proportion to counts^exponent: Walker's alias method (1977), built as Vose (1991) does. Throws
// std::invalid_argument where these are all 0, or too large or too small to be added up.
class Alias {
    static constexpr int kRedraws = 16;

public:
    Alias(const std::int64_t* counts, std::size_t words, double exponent) : slots_(words) {
        std::vector<double> share(words);
        double total = 0;
        for (std::size_t i = 0; i < words; ++i) total += share[i] = counts[i] > 0 ? std::pow(static_cast<double>(counts[i]), exponent) : 0.0;
        const double scale = static_cast<double>(words) / total;
        if (!(scale > 0) || !std::isfinite(scale)) throw std::invalid_argument("the counts to this power give no shares to draw by");
        std::vector<std::size_t> small, large;
        for (std::size_t i = 0; i < words; ++i) {
            share[i] *= scale;
            (share[i] < 1 ? small : large).push_back(i);
        }
        while (!small.empty() && !large.empty()) {
            const std::size_t less = small.back(), more = large.back();
            small.pop_back();
            set(less, share[less], more);
            share[more] -= 1 - share[less];
            if (share[more] < 1) {
                large.pop_back();
                small.push_back(more);
            }
        }
        for (std::size_t i : large) set(i, 1, i);
        for (std::size_t i : small) set(i, 1, i);  // what rounding left
    }

    // One number serves twice: its upper half chooses the slot, its lower half decides within it.
    std::int32_t draw(Random& random) const {
        const std::uint64_t number = random.next_long();
        const std::uint64_t place = (number >> 32) * slots_.size();
        const Slot& slot = slots_[place >> 32];
        const std::int32_t stays = -static_cast<std::int32_t>(static_cast<std::uint32_t>(number) < slot.stay);
        const std::int32_t own = static_cast<std::int32_t>(place >> 32);
        return slot.other ^ ((slot.other ^ own) & stays);  // a jump would go wrong half of the time
    }

    std::int32_t draw_other_than(std::int32_t word, Random& random) const {
        for (int i = 0; i < kRedraws; ++i)
            if (const std::int32_t drawn = draw(random); drawn != word) return drawn;
        return (word + 1) % static_cast<std::int32_t>(slots_.size());
    }

private:
    struct Slot {
        std::uint32_t stay;  // of 2^32
        std::int32_t other;
    };
    void set(std::size_t i, double share, std::size_t other) {
        slots_[i] = {static_cast<std::uint32_t>(std::min(share * 0x1p32, 4294967295.0)), static_cast<std::int32_t>(other)};
    }
    std::vector<Slot> slots_;
};

}  // namespace lexarium
