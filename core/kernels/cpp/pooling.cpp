#include "pooling.hpp"

#include <algorithm>
#include <stdexcept>

#include "finder.hpp"
#include "parallel.hpp"
#include "pooling_loops.hpp"

namespace lexarium {

namespace {

constexpr std::size_t kPiece = 256;              // tokens added up in float; the pieces are added in double
constexpr std::size_t kRun = 32;                 // documents that a thread takes at a time
constexpr std::size_t kWorthAThread = 1 << 16;   // bytes
constexpr std::size_t kNoticed = 1 << 16;        // bytes of tokens between two looks at `stop`
constexpr std::size_t kRemembered = 1 << 13;     // words

// Hands the word of each token of a document to `found(id)`; looks at `stop` now and then.
class Reader {
public:
    Reader(const Model& model, const Documents& documents, const std::atomic<bool>& stop)
        : documents_(documents), stop_(stop), finder_(model, kRemembered) {
        if (documents.ends == nullptr) tokenizer_.emplace_back(*documents.characters, documents.rule, documents.lowercase);
    }

    template <typename Found>
    void read(std::size_t document, Found&& found) {
        const auto& strings = *documents_.strings;
        if (documents_.ends == nullptr) {
            tokenizer_[0].scan(strings[document], [&](const std::uint8_t* begin, std::size_t length) {
                one(begin, length, found);
            });
            return;
        }
        for (std::int64_t i = documents_.ends[document]; i < documents_.ends[document + 1]; ++i) {
            const std::string_view token = strings[static_cast<std::size_t>(i)];
            padded_.assign(token.begin(), token.end());
            padded_.resize(token.size() + kPadding);
            one(padded_.data(), token.size(), found);
        }
    }

private:
    template <typename Found>
    void one(const std::uint8_t* begin, std::size_t length, Found&& found) {
        seen_ += length + 1;
        if (seen_ >= kNoticed) {
            seen_ = 0;
            if (stop_.load(std::memory_order_relaxed)) stopped_ = true;
        }
        if (!stopped_) found(finder_({reinterpret_cast<const char*>(begin), length}));
    }

    const Documents& documents_;
    const std::atomic<bool>& stop_;
    Finder<Model> finder_;
    std::vector<Tokenizer> tokenizer_;  // one, or none
    std::vector<std::uint8_t> padded_;
    std::size_t seen_ = 0;
    bool stopped_ = false;
};

// Runs `each(reader, document)` for every document, in `work.threads` threads at most, a run of documents at a time.
template <typename Prepare>
void for_each_run(const Model& model, const Documents& documents, const Work& work, const Prepare& prepare) {
    std::size_t bytes = 0;
    for (auto string : *documents.strings) bytes += string.size() + 1;
    const std::size_t useful = std::min(1 + bytes / kWorthAThread, 1 + documents.count / kRun);
    const int threads = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(work.threads), useful));
    std::atomic<std::size_t> next{0};
    std::atomic<bool> stop{false};
    auto run = [&](int) {
        Reader reader(model, documents, stop);
        auto each = prepare();
        while (!stop.load(std::memory_order_relaxed)) {
            const std::size_t begin = next.fetch_add(kRun);
            if (begin >= documents.count) return;
            for (std::size_t d = begin; d < std::min(documents.count, begin + kRun); ++d) each(reader, d);
        }
    };
    if (bytes < kWorthAThread) {  // done before anybody could interrupt it
        run(0);
    } else {
        in_parallel_watched(threads, stop, run, work.tick);
    }
}

}  // namespace

std::int64_t Model::find(std::string_view word) const {
    const std::int64_t id = lexarium::find(words, slots, slot_count, probes, word);
    if (id == kDamaged) throw std::invalid_argument("the vocabulary's table points outside its words");
    return id;
}

void pool(const Model& model, const Documents& documents, const float* weights, Per per, const Work& work, float* out) {
    const PoolingLoops& loops = work.loops;
    const std::size_t dim = model.dim;
    for_each_run(model, documents, work, [&] {
        return [&, ids = std::vector<std::int64_t>(), factors = std::vector<float>(), piece = std::vector<float>(dim),
                sum = std::vector<double>(dim)](Reader& reader, std::size_t d) mutable {
            double total = 0;
            bool several = false;  // pieces
            std::fill(sum.begin(), sum.end(), 0.0);
            auto add = [&] {
                loops.add_rows(model.vectors, dim, ids.data(), weights ? factors.data() : nullptr, ids.size(), piece.data());
                for (std::size_t c = 0; c < dim; ++c) sum[c] = several ? sum[c] + piece[c] : piece[c];
                several = true;
                ids.clear();
                factors.clear();
            };
            reader.read(d, [&](std::int64_t id) {
                if (id < 0) return;
#if defined(__GNUC__)
                for (std::size_t c = 0; c < dim; c += 16) __builtin_prefetch(model.vectors + static_cast<std::size_t>(id) * dim + c);
#endif
                ids.push_back(id);
                if (weights) factors.push_back(weights[id]);
                total += weights && per == Per::weight ? weights[id] : 1;
                if (ids.size() == kPiece) add();
            });
            if (!ids.empty()) add();
            if (total == 0) total = 1;
            for (std::size_t c = 0; c < dim; ++c) out[d * dim + c] = static_cast<float>(sum[c] / total);
        };
    });
}

void look_up(const Model& model, const Documents& documents, const Work& work, std::vector<std::int64_t>& ids,
             std::vector<std::int64_t>& offsets) {
    std::vector<std::vector<std::int64_t>> found(documents.count);
    for_each_run(model, documents, work, [&] {
        return [&](Reader& reader, std::size_t d) {
            reader.read(d, [&](std::int64_t id) { found[d].push_back(id); });
        };
    });
    offsets.assign(1, 0);
    offsets.reserve(documents.count + 1);
    for (const auto& of_one : found) offsets.push_back(offsets.back() + static_cast<std::int64_t>(of_one.size()));
    ids.reserve(static_cast<std::size_t>(offsets.back()));
    for (auto& of_one : found) {
        ids.insert(ids.end(), of_one.begin(), of_one.end());
        std::vector<std::int64_t>().swap(of_one);
    }
}

}  // namespace lexarium
