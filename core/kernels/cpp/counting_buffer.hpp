// Memory for large results: not zeroed, so that a page is first touched by the thread that writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace lexarium {

// Asks for pages of 2 MiB where Linux has them: one page fault instead of 512. Changes nothing else.
inline void prefer_huge_pages([[maybe_unused]] void* begin, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    constexpr std::uintptr_t huge = std::uintptr_t{1} << 21;
    if (bytes < 2 * huge) return;
    const auto address = reinterpret_cast<std::uintptr_t>(begin);
    const std::uintptr_t first = (address + huge - 1) & ~(huge - 1), behind = (address + bytes) & ~(huge - 1);
    // A refusal leaves small pages, which is no error.
    (void)madvise(reinterpret_cast<void*>(first), behind - first, MADV_HUGEPAGE);
#endif
}

// The allocator of a std::vector that is large and read here and there.
template <typename T>
struct HugePages {
    using value_type = T;
    HugePages() = default;
    template <typename Other>
    HugePages(const HugePages<Other>&) {}

    T* allocate(std::size_t count) {
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc();
        void* memory = std::malloc(count * sizeof(T));
        if (memory == nullptr) throw std::bad_alloc();
        prefer_huge_pages(memory, count * sizeof(T));
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t) { std::free(memory); }
    friend bool operator==(const HugePages&, const HugePages&) { return true; }
    friend bool operator!=(const HugePages&, const HugePages&) { return false; }
};

// A vector of plain values, without initial values: what resize() adds is to be written before it is read.
template <typename T>
class Buffer {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Buffer() { std::free(data_); }

    std::size_t size() const { return size_; }
    T* data() { return data_; }
    const T* data() const { return data_; }
    T& operator[](std::size_t i) { return data_[i]; }
    const T& operator[](std::size_t i) const { return data_[i]; }
    void clear() { size_ = 0; }

    void reserve(std::size_t count) {
        if (count <= capacity_) return;
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc();
        void* moved = std::realloc(data_, count * sizeof(T));
        if (moved == nullptr) throw std::bad_alloc();
        data_ = static_cast<T*>(moved);
        capacity_ = count;
        prefer_huge_pages(data_, count * sizeof(T));
    }

    // Room for `more` values behind the last one; grows by half, so that single values are cheap to add.
    void make_room(std::size_t more) {
        if (size_ + more > capacity_) reserve(size_ + more + size_ / 2 + 64);
    }

    void resize(std::size_t count) {
        reserve(count);
        size_ = count;
    }

    void push_back(T value) {
        make_room(1);
        data_[size_++] = value;
    }

    void swap(Buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

private:
    T* data_ = nullptr;
    std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace lexarium
