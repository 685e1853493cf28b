// Word2Vec apart from its loops: who draws what, the tree, the learning rate, the threads.
#include "word2vec.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "alias.hpp"
#include "dispatch.hpp"
#include "parallel.hpp"
#include "random.hpp"
#include "shared_rows.hpp"
#include "word2vec_loops.hpp"

namespace lexarium {

LEXARIUM_DECLARE_LOOPS(Word2VecLoops, word2vec_loops, chosen_word2vec_loops)

namespace {

constexpr std::size_t kLeast = 16, kMost = 4096;  // words of a text that are trained on together
constexpr std::size_t kProducts = 500'000'000;    // multiplications of a batch, about: it is not broken off
constexpr std::int64_t kLook = 1 << 20;           // words between two looks at `stop` where most are left out
constexpr std::int64_t kDeepest = 4096;           // turns from the root of a tree to a word
constexpr std::int64_t kReport = 1000;            // words after which the learning rate falls
constexpr std::int64_t kCounted = 1 << 24;        // words that tell how often words occur
constexpr std::size_t kOwn = 16384;               // rows of which threads have copies, all threads together
constexpr double kApart = 4096;                   // words that two threads train on between two exchanges, at most
constexpr double kUsualRate = 0.025;                  // the learning rate for which this is right

std::size_t stride_of(std::size_t dim) { return (dim + kRowFloats - 1) / kRowFloats * kRowFloats; }

// Rows padded with zeros; copied from (n, dim), by `threads`, for who touches a page first waits for it; and, when the
// work ends, back.
class Rows {
public:
    Rows(float* packed, std::size_t rows, std::size_t dim, int threads)
        : packed_(packed), rows_(packed ? rows : 0), dim_(dim), stride_(stride_of(dim)), padded_(rows_ * stride_) {
        const std::size_t parts = std::min(static_cast<std::size_t>(threads), 1 + rows_ * stride_ / kPart);
        in_parallel(static_cast<int>(parts), [&](int t) {
            const auto part = static_cast<std::size_t>(t);
            for (std::size_t i = rows_ * part / parts; i < rows_ * (part + 1) / parts; ++i) {
                float* const row = data() + i * stride_;
                std::memcpy(row, packed_ + i * dim_, dim_ * sizeof(float));
                std::fill(row + dim_, row + stride_, 0.0f);
            }
        });
    }
    ~Rows() {
        for (std::size_t i = 0; i < rows_; ++i) std::memcpy(packed_ + i * dim_, data() + i * stride_, dim_ * sizeof(float));
    }
    Rows(const Rows&) = delete;
    float* data() const { return padded_.data(); }

private:
    static constexpr std::size_t kPart = 1 << 20;  // floats that are worth a thread
    float* packed_;
    std::size_t rows_, dim_, stride_;
    Memory padded_;
};

// The inner nodes above each word, from the root down, and the label of the turn at each: 1 - bit.
struct Paths {
    std::vector<std::int64_t> offsets;
    std::vector<std::int32_t> nodes;
    std::vector<float> labels;
    std::size_t longest = 0;

    Paths(const std::int32_t* tree, std::size_t words) : offsets{0} {
        if (tree == nullptr) return;
        std::vector<std::int32_t> links;
        for (std::size_t word = 0; word < words; ++word) {
            links.clear();
            for (std::int32_t link = tree[2 * word]; link >= 0; link = tree[link / 2 * 2 + 1]) links.push_back(link);
            for (auto link = links.rbegin(); link != links.rend(); ++link) {
                nodes.push_back(*link / 2);
                labels.push_back(static_cast<float>(1 - *link % 2));
            }
            offsets.push_back(static_cast<std::int64_t>(nodes.size()));
            longest = std::max(longest, links.size());
        }
    }
};

// A word of share f is kept with probability sqrt(s/f) + s/f, as word2vec.c and gensim have it: times 2^32.
std::vector<std::uint32_t> kept(const EncodedTexts& texts, double sample) {
    std::vector<std::uint32_t> keep(texts.words, std::numeric_limits<std::uint32_t>::max());
    if (sample <= 0) return keep;
    const double total = std::accumulate(texts.counts, texts.counts + texts.words, 0.0);
    for (std::size_t i = 0; i < texts.words; ++i) {
        const double ratio = sample * total / static_cast<double>(texts.counts[i]);
        const double probability = std::sqrt(ratio) + ratio;
        if (probability < 1) keep[i] = static_cast<std::uint32_t>(probability * 0x1p32);
    }
    return keep;
}

// The losses of the positions that were looked at, added up.
struct Loss {
    double loss = 0, inputs = 0;
};

// When the busiest `own` rows are exchanged: by how often the words of these texts are trained, which the counts of a
// model that grows do not tell.
Exchanges exchanges_of(const EncodedTexts& texts, const std::vector<std::uint32_t>& keep, const Paths& paths, std::size_t own, const Word2VecOptions& options) {
    std::vector<double> words(own == 0 ? 0 : texts.words), nodes(paths.nodes.empty() ? 0 : words.size());
    const std::int64_t tokens = words.empty() ? 0 : std::min(texts.offsets[texts.texts], kCounted);
    for (std::int64_t i = 0; i < tokens; ++i)
        if (const auto word = static_cast<std::uint32_t>(texts.ids[i]); word < words.size()) words[word] += keep[word] * 0x1p-32;
    // From the last node on, the root; one place more than there are nodes.
    for (std::size_t word = 0; word < nodes.size(); ++word)
        for (std::int64_t i = paths.offsets[word]; i < paths.offsets[word + 1]; ++i) nodes[nodes.size() - 2 - static_cast<std::size_t>(paths.nodes[static_cast<std::size_t>(i)])] += words[word];
    const double total = std::accumulate(words.begin(), words.end(), 0.0);
    const double turns = std::accumulate(nodes.begin(), nodes.end(), 0.0) / std::max(1.0, total);  // on the way to a word
    const double inputs = options.shrink_windows ? options.window + 1.0 : 2.0 * options.window;
    const double outputs = (options.negative > 0 ? options.negative + 1.0 : 0.0) + turns;
    const auto busiest = [&](const std::vector<double>& rows) {
        return std::vector<std::int64_t>(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(std::min(own, rows.size())));
    };
    return {{busiest(words), busiest(words), busiest(nodes)}, total, texts.words,
            Steps{std::max(1.0, inputs * outputs), std::max(options.alpha, options.min_alpha) / kUsualRate, kApart, options.shared_words, options.threads}};
}

class Worker {
public:
    Worker(const EncodedTexts& texts, const Word2VecOptions& options, const std::vector<std::uint32_t>& keep, const Alias& alias,
           const Paths& paths, const Word2VecRows& rows, const std::array<SharedRows*, 3>& shared, const Exchanges& exchanges,
           const Word2VecLoops& loops, int number)
        : texts_(texts), options_(options), keep_(keep), alias_(alias), rows_(rows), apart_(shared, exchanges),
          train_(options.skip_gram ? loops.skip_gram : loops.bag_of_words), random_(options.seed, static_cast<std::uint64_t>(number)),
          seen_(static_cast<std::size_t>(options.epochs)) {
        const std::size_t m = 2 * static_cast<std::size_t>(options.window);
        const std::size_t negative = static_cast<std::size_t>(options.negative);
        const std::size_t k = std::max(paths.longest, negative + 1);
        inputs_.resize(m + kSpare);
        drawn_.resize(2 * (negative + 1));
        path_.resize(paths.longest);
        errors_.resize(m * k + kRowFloats);
        changes_.resize(m * rows.stride);
        hidden_.resize(rows.stride);
        watched_.resize(2 * m * k);
        const std::size_t outputs = (negative > 0 ? negative + 1 : 0) + paths.longest;
        const std::size_t most = std::clamp(exchanges.words(), kLeast, kMost);
        const std::size_t size = std::clamp(kProducts / (m * std::max<std::size_t>(1, outputs) * rows.dim), kLeast, most);
        words_.resize(size + m);
        places_.resize(words_.size() + kSpare);
        reach_.resize(words_.size(), options.window);
        negatives_.resize(words_.size() * negative);
        scratch_ = {places_.data(), inputs_.data(), drawn_.data(), path_.data(), nullptr, nullptr, 0, errors_.data(), changes_.data(), hidden_.data(), watched_.data(), 0, 0};
        batch_ = {words_.data(), reach_.data(), negatives_.data(), 0, 0, 0, negative, nullptr, nullptr, nullptr, options.mean, 0, 0};
        if (options.hierarchical) {
            batch_.path_offsets = paths.offsets.data();
            batch_.path_nodes = paths.nodes.data();
            batch_.path_labels = paths.labels.data();
        }
    }

    // Trains on words first .. last - 1 of all texts together, once for each epoch: a long text serves several threads.
    void run(std::int64_t first, std::int64_t last, std::atomic<std::int64_t>& done, const std::atomic<bool>& stop) {
        const std::int64_t* offsets = texts_.offsets;
        const auto begin = static_cast<std::size_t>(std::upper_bound(offsets, offsets + texts_.texts, first) - offsets);
        const double total = static_cast<double>(texts_.offsets[texts_.texts]) * options_.epochs;
        std::int64_t seen = 0;
        fall(static_cast<double>(done.load(std::memory_order_relaxed)) / total);
        for (int epoch = 0; epoch < options_.epochs; ++epoch) {
            for (std::size_t text = begin > 0 ? begin - 1 : 0; text < texts_.texts && offsets[text] < last; ++text) {
                const std::int64_t end = std::min(offsets[text + 1], last);
                for (std::int64_t at = std::max(offsets[text], first); at < end;) {
                    if (stop.load(std::memory_order_relaxed)) return;
                    const std::int64_t next = fill(at, end);
                    seen += next - at;
                    at = next;
                    if (ready(at == end)) {
                        draw();
                        train_(rows_, batch_, scratch_);
                        look(static_cast<std::size_t>(epoch));
                        if (apart_.passed(batch_.last - batch_.first)) take_own();
                    }
                    pass(at == end);
                    if (seen < kReport) continue;
                    fall(static_cast<double>(done.fetch_add(seen, std::memory_order_relaxed) + seen) / total);
                    seen = 0;
                }
            }
        }
        done.fetch_add(seen, std::memory_order_relaxed);
    }

    const std::vector<Loss>& seen() const { return seen_; }  // (epochs)

private:
    void take_own() {
        rows_.own_vectors = apart_.own(0);
        rows_.own_context = apart_.own(1);
        rows_.own_nodes = apart_.own(2);
    }

    // The learning rate when a share of all words is done: not the first one where a thread takes a second part.
    void fall(double share) {
        batch_.alpha = static_cast<float>(options_.alpha - (options_.alpha - options_.min_alpha) * std::min(share, 1.0));
    }

    // Takes words from `at` on, without those that subsampling leaves out; returns where it stopped.
    std::int64_t fill(std::int64_t at, std::int64_t end) {
        std::size_t count = batch_.count;
        end = std::min(end, at + kLook);
        for (; at < end && count < words_.size(); ++at) {
            const std::int32_t word = texts_.ids[at];
            const std::size_t place = static_cast<std::uint32_t>(word);
            if (place >= keep_.size()) continue;
            const std::uint32_t keep = keep_[place];
            if (keep == std::numeric_limits<std::uint32_t>::max() || random_.next() < keep) words_[count++] = word;
        }
        batch_.count = count;
        return at;
    }

    // Whether there are words to train on: those whose windows are there whole, and at the end of a text all.
    bool ready(bool ends) {
        const std::size_t window = static_cast<std::size_t>(options_.window), after = ends ? 0 : window;
        batch_.last = std::max(batch_.first, batch_.count - std::min(batch_.count, after));
        return batch_.last > batch_.first;
    }

    // Leaves the words that windows still reach back to, and those to train on later; after a text, none.
    void pass(bool ends) {
        const std::size_t kept = std::min(batch_.last, static_cast<std::size_t>(options_.window));
        const auto words = words_.begin() + static_cast<std::ptrdiff_t>(batch_.last - kept);
        std::copy(words, words_.begin() + static_cast<std::ptrdiff_t>(batch_.count), words_.begin());
        batch_.count = ends ? 0 : batch_.count - (batch_.last - kept);
        batch_.first = ends ? 0 : kept;
    }

    void draw() {
        const std::uint32_t window = static_cast<std::uint32_t>(options_.window);
        for (std::size_t i = batch_.first; i < batch_.last; ++i) {
            if (options_.shrink_windows) reach_[i] = static_cast<std::int32_t>(1 + random_.below(window));
            for (std::size_t j = 0; j < batch_.negative; ++j) negatives_[i * batch_.negative + j] = alias_.draw_other_than(words_[i], random_);
        }
        batch_.watched = batch_.first + random_.below(static_cast<std::uint32_t>(batch_.last - batch_.first));
    }

    // Adds up the loss of the watched position: an error is alpha * (1 - probability of the label), or its negative.
    void look(std::size_t epoch) {
        if (scratch_.watched_errors == 0 || !(batch_.alpha > 0)) return;
        double loss = 0;
        for (std::size_t i = 0; i < scratch_.watched_errors; ++i)
            loss -= std::log(std::max(1.0 - std::abs(static_cast<double>(watched_[i])) / batch_.alpha, 1e-7));
        seen_[epoch].loss += loss;
        seen_[epoch].inputs += static_cast<double>(scratch_.watched_inputs);
    }

    const EncodedTexts& texts_;
    const Word2VecOptions& options_;
    const std::vector<std::uint32_t>& keep_;
    const Alias& alias_;
    Word2VecRows rows_;
    Apart<3> apart_;
    Word2VecLoop train_;
    Random random_;
    std::vector<float*> places_, inputs_, drawn_, path_;
    std::vector<float> errors_, changes_, hidden_, watched_;
    std::vector<std::int32_t> words_, reach_, negatives_;
    Word2VecScratch scratch_{};
    Word2VecBatch batch_{};
    std::vector<Loss> seen_;
};

}  // namespace

const Word2VecLoops& loops_of_word2vec() { return chosen_word2vec_loops(); }

bool is_tree(const std::int32_t* tree, std::size_t words) {
    if (words < 2) return tree[0] < 0 && tree[1] < 0;
    const std::int64_t root = static_cast<std::int64_t>(words) - 2;
    std::vector<std::uint8_t> taken(2 * (words - 1));  // by a child; with as many places as links, none stays free
    const auto take = [&](std::int64_t link) { return taken[static_cast<std::size_t>(link)]++ == 0; };
    std::vector<std::int64_t> depths(words - 1, 1);  // turns from the root to a child of each inner node
    for (std::int64_t node = root - 1; node >= 0; --node) {
        const std::int64_t link = tree[2 * node + 1], parent = link / 2;
        if (parent <= node || parent > root || !take(link)) return false;
        depths[static_cast<std::size_t>(node)] = depths[static_cast<std::size_t>(parent)] + 1;
    }
    if (tree[2 * root + 1] >= 0 || tree[2 * root + 3] >= 0) return false;
    // A tree of counts, also one that grew with new words, is far below: n long ways would take n^2 memory.
    const std::int64_t most = std::max(std::int64_t{128} * static_cast<std::int64_t>(words), std::int64_t{1} << 20);
    std::int64_t total = 0;
    for (std::size_t word = 0; word < words; ++word) {
        const std::int64_t link = tree[2 * word];
        if (link < 0 || link / 2 > root || !take(link)) return false;
        const std::int64_t depth = depths[static_cast<std::size_t>(link / 2)];
        if (depth > kDeepest || (total += depth) > most) return false;
    }
    return true;
}

std::vector<double> train_word2vec(const EncodedTexts& texts, const Word2VecOptions& options, const Word2VecWeights& weights,
                                   const Word2VecLoops& loops, std::atomic<std::int64_t>& done, const Word2VecTick& tick) {
    const Alias alias(texts.counts, texts.words, options.ns_exponent);
    const Paths paths(weights.tree, texts.words);
    const std::vector<std::uint32_t> keep = kept(texts, options.sample);
    Rows vectors(weights.vectors, texts.words, weights.dim, options.threads);
    Rows context(weights.context, texts.words, weights.dim, options.threads);
    Rows nodes(weights.nodes, texts.words, weights.dim, options.threads);
    const std::size_t stride = stride_of(weights.dim);
    const std::size_t own = options.threads < 2 ? 0 : std::min(texts.words, kOwn / static_cast<std::size_t>(options.threads));
    const Word2VecRows rows{vectors.data(), context.data(), nodes.data(), {}, {}, {}, weights.dim, stride};
    const Exchanges exchanges = exchanges_of(texts, keep, paths, own, options);
    const std::size_t inner = weights.nodes && texts.words > 0 ? texts.words - 1 : 0;
    SharedRows shared_vectors(vectors.data(), texts.words, own, stride), shared_context(context.data(), texts.words, weights.context ? own : 0, stride);
    SharedRows shared_nodes(nodes.data(), inner, std::min(inner, own), stride, Busiest::last);
    std::vector<std::vector<Loss>> seen(static_cast<std::size_t>(options.threads));
    const std::int64_t all = texts.offsets[texts.texts];
    std::atomic<bool> stop{false};
    const auto work = [&](int t) {
        Worker worker(texts, options, keep, alias, paths, rows, {&shared_vectors, &shared_context, &shared_nodes}, exchanges, loops, t);
        worker.run(all * t / options.threads, all * (t + 1) / options.threads, done, stop);
        seen[static_cast<std::size_t>(t)] = worker.seen();
    };
    in_parallel_watched(options.threads, stop, work, [&] { tick(); });
    std::vector<double> losses(static_cast<std::size_t>(options.epochs));
    for (std::size_t epoch = 0; epoch < losses.size(); ++epoch) {
        Loss all_threads;
        for (const std::vector<Loss>& of_thread : seen) {
            all_threads.loss += of_thread[epoch].loss;
            all_threads.inputs += of_thread[epoch].inputs;
        }
        losses[epoch] = all_threads.loss / all_threads.inputs;
    }
    return losses;
}

}  // namespace lexarium
