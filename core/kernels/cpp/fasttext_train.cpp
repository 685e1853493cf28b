#include "fasttext_train.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "fasttext_hash.hpp"

namespace lexarium {
namespace fasttext {

namespace {

constexpr std::size_t kLongestSentence = 1024;  // fastText cuts a longer line
constexpr std::int64_t kReported = 1000;        // tokens between two looks at the learning rate
constexpr std::int64_t kLook = 1 << 20;         // tokens between two looks at `stop` where most are left out
constexpr std::int64_t kCounted = 1 << 24;      // tokens that tell how often words occur

inline void prefetch(Rows matrix, std::int32_t row) {
#if defined(__GNUC__)
    const float* values = row_of(matrix, static_cast<std::size_t>(row));
    for (std::size_t c = 0; c < matrix.stride; c += kMultiple) __builtin_prefetch(values + c);
#else
    (void)matrix, (void)row;
#endif
}

// The learning rate of one thread, as the tokens of all threads go by: one that takes a second part goes on with it.
class Rate {
public:
    Rate(const Schedule& schedule, std::int64_t tokens, Control& control)
        : schedule_(schedule), total_(static_cast<double>(tokens) * schedule.epochs), control_(control) { report(); }
    ~Rate() { report(); }
    Rate(const Rate&) = delete;

    float value() const { return value_; }

    void passed(std::int64_t tokens) {
        if ((waiting_ += tokens) >= kReported) report();
    }

private:
    void report() {
        const std::int64_t done = control_.done.fetch_add(waiting_, std::memory_order_relaxed) + waiting_;
        waiting_ = 0;
        const double left = std::max(0.0, 1.0 - static_cast<double>(done) / total_);
        value_ = static_cast<float>(schedule_.last + (schedule_.first - schedule_.last) * left);
    }

    const Schedule& schedule_;
    double total_;
    Control& control_;
    std::int64_t waiting_ = 0;
    float value_ = 0;
};

// Says that a thread has trained on `words` more, and puts its copies under the two matrices that it works on.
inline void pass(Apart<2>& apart, std::size_t words, Rows& input, Rows& output) {
    if (!apart.passed(words)) return;
    input.own = apart.own(0), output.own = apart.own(1);
}

// One thread's walk over the sentences: what both models of words share.
class Walk {
public:
    Walk(const Unlabelled& data, const Loss& loss, Rows input, Rows output, Shared& shared, const Schedule& schedule, int t, Control& control)
        : data_(data), texts_(data.texts), loss_(loss), input_(input), output_(output), apart_({&shared.input, &shared.output}, shared.exchanges), loops_(loss.loops()),
          control_(control), rate_(schedule, texts_.tokens(), control), random_(schedule.seed, static_cast<std::uint64_t>(t)),
          step_(input.stride), ring_(2 * static_cast<std::size_t>(data.window) + 2),
          sums_(data.cbow ? ring_ * input.stride : 0), changes_(sums_.size()) {
        const std::int64_t all = texts_.offsets[texts_.count];
        begin_ = all * t / schedule.threads;
        end_ = all * (t + 1) / schedule.threads;
        first_ = t == 0 ? 0 : static_cast<std::size_t>(std::upper_bound(texts_.offsets + 1, texts_.offsets + texts_.count + 1, begin_) - (texts_.offsets + 1));
        sentence_.reserve(kLongestSentence + 1);
    }

    void epoch() {
        for (std::size_t text = first_; text < texts_.count && !stopped(); ++text) {
            const std::int64_t start = texts_.offsets[text], stop = texts_.offsets[text + 1];
            if (stop > end_ && start >= end_) break;
            for (std::int64_t i = std::max(start, begin_); i < std::min(stop, end_); ++i) {
                add(texts_.ids[i]);
                if (sentence_.size() < kLongestSentence && read_ < kLook) continue;
                learn();
                if (stopped()) return;
            }
            if (stop <= end_ && texts_.end >= 0) add(texts_.end);
            learn();
        }
    }

private:
    bool stopped() const { return control_.stop.load(std::memory_order_relaxed); }

    void add(std::int32_t word) {
        ++read_;
        if (!texts_.has(word)) return;
        if (random_.uniform() < data_.keep[word]) sentence_.push_back(word);
    }

    void learn() {
        data_.cbow ? cbow() : skip_gram();
        rate_.passed(read_);
        pass(apart_, static_cast<std::size_t>(read_) - sentence_.size(), input_, output_);  // those that were left out
        sentence_.clear();
        read_ = 0;
    }

    // The words around `at` are others_.
    void look_around(std::size_t at) {
        const std::size_t reach = 1 + random_.below(static_cast<std::uint32_t>(data_.window));
        from_ = at < reach ? 0 : at - reach;
        to_ = std::min(sentence_.size(), at + reach + 1);
    }

    // The middle word, as the mean of its rows, learns to tell the words around it one after another. Each step moves
    // each row of the word by the same change, and so their mean; the rows themselves are changed once, at the end.
    void skip_gram() {
        for (std::size_t at = 0; at < sentence_.size() && !stopped(); ++at) {
            pass(apart_, 1, input_, output_);
            if (at + 1 < sentence_.size()) {
                const std::int32_t next = sentence_[at + 1];
                for (std::size_t i = 0; i < texts_.rows_in(next); ++i) prefetch(input_, texts_.rows_of(next)[i]);
            }
            look_around(at);
            const std::size_t count = texts_.rows_in(sentence_[at]);
            const std::int32_t* rows = texts_.rows_of(sentence_[at]);
            if (count == 0 || to_ - from_ < 2) continue;
            around_.clear();
            for (std::size_t i = from_; i < to_; ++i)
                if (i != at) around_.push_back(sentence_[i]);
            loss_.prepare(output_, around_.data(), around_.size(), random_, step_);
            loops_.sum(input_, rows, count, step_.hidden.data());
            loops_.scale(step_.hidden.data(), 1.0f / static_cast<float>(count), input_.stride);
            std::fill(step_.gradient.begin(), step_.gradient.end(), 0.0f);
            loss_.learn(output_, around_.data(), around_.size(), rate_.value(), data_.paces[sentence_[at]], step_);
            loops_.add(input_, rows, count, step_.gradient.data());
        }
    }

    // The mean of all rows of the words around learns to tell the middle word. A word's rows are summed when it
    // comes into the window and changed when it goes; in between its sum follows its own changes.
    void cbow() {
        const std::size_t stride = input_.stride, window = static_cast<std::size_t>(data_.window);
        std::size_t entered = 0, left = 0;
        for (std::size_t at = 0; at < sentence_.size() && !stopped(); ++at) {
            pass(apart_, 1, input_, output_);  // the sums that are here lack what others add now, for as long as the window is
            for (; entered < std::min(sentence_.size(), at + window + 1); ++entered) enter(entered);
            for (; left + window < at; ++left) leave(left);
            look_around(at);
            std::size_t count = 0;
            float* hidden = step_.hidden.data();
            std::fill(step_.hidden.begin(), step_.hidden.end(), 0.0f);
            for (std::size_t i = from_; i < to_; ++i) {
                if (i == at) continue;
                count += texts_.rows_in(sentence_[i]);
                loops_.add_scaled(hidden, sums_.data() + i % ring_ * stride, 1.0f, stride);
            }
            if (count == 0) continue;
            loops_.scale(hidden, 1.0f / static_cast<float>(count), stride);
            std::fill(step_.gradient.begin(), step_.gradient.end(), 0.0f);
            loss_.prepare(output_, &sentence_[at], 1, random_, step_);
            loss_.learn(output_, &sentence_[at], 1, rate_.value(), 0.0f, step_);
            for (std::size_t i = from_; i < to_; ++i) {
                if (i == at) continue;
                const std::size_t place = i % ring_ * stride;
                loops_.add_scaled(changes_.data() + place, step_.gradient.data(), 1.0f, stride);
                loops_.add_scaled(sums_.data() + place, step_.gradient.data(), static_cast<float>(texts_.rows_in(sentence_[i])), stride);
            }
        }
        for (; left < entered; ++left) leave(left);
    }

    void enter(std::size_t i) {
        const std::size_t place = i % ring_ * input_.stride;
        std::fill_n(changes_.data() + place, input_.stride, 0.0f);
        loops_.sum(input_, texts_.rows_of(sentence_[i]), texts_.rows_in(sentence_[i]), sums_.data() + place);
    }

    void leave(std::size_t i) {
        loops_.add(input_, texts_.rows_of(sentence_[i]), texts_.rows_in(sentence_[i]), changes_.data() + i % ring_ * input_.stride);
    }

    const Unlabelled& data_;
    const Texts& texts_;
    const Loss& loss_;
    Rows input_, output_;
    Apart<2> apart_;
    const TrainLoops& loops_;
    Control& control_;
    Rate rate_;
    Random random_;
    Step step_;
    std::size_t ring_;                   // places for the words in the window, one more than it is wide
    std::vector<float> sums_, changes_;  // (ring, stride), for CBOW
    std::int64_t begin_ = 0, end_ = 0;   // this thread's tokens
    std::size_t first_ = 0;              // the first text with some of them
    std::vector<std::int32_t> sentence_, around_;
    std::int64_t read_ = 0;
    std::size_t from_ = 0, to_ = 0;
};

// The input rows of a text: those of its words, then those of its runs of words.
class Features {
public:
    Features(const Labelled& data, const std::atomic<bool>& stop) : data_(data), stop_(stop) {}

    const std::vector<std::int32_t>& of(std::size_t text) {
        const Texts& texts = data_.texts;
        rows_.clear();
        hashes_.clear();
        for (std::int64_t i = texts.offsets[text]; i < texts.offsets[text + 1]; ++i) add(texts.ids[i]);
        if (texts.end >= 0) add(texts.end);
        if (data_.runs.longest > 1 && data_.runs.buckets > 0)
            for_runs(hashes_.data(), hashes_.size(), data_.runs.longest, data_.runs.buckets, [&](std::uint32_t bucket) {
                if (data_.runs.row_of_bucket[bucket] >= 0) rows_.push_back(data_.runs.row_of_bucket[bucket]);
            }, &stop_);
        return rows_;
    }

private:
    void add(std::int32_t word) {
        if (!data_.texts.has(word)) return;
        const std::int32_t* rows = data_.texts.rows_of(word);
        rows_.insert(rows_.end(), rows, rows + data_.texts.rows_in(word));
        if (data_.runs.longest > 1) hashes_.push_back(data_.runs.hashes[word]);
    }

    const Labelled& data_;
    const std::atomic<bool>& stop_;
    std::vector<std::int32_t> rows_;
    std::vector<std::uint32_t> hashes_;
};

}  // namespace

Loss::Loss(Kind kind, const std::int64_t* counts, std::size_t size, int negative, double exponent)
    : loops_(fasttext_loops()), kind_(kind), size_(size),
      negative_(size < 2 ? 0 : static_cast<std::size_t>(negative)), first_(negative_ + 1, 0.0f) {
    first_[0] = 1.0f;
    if (kind == Kind::negative_sampling) samples_.emplace(counts, size, exponent);
    if (kind == Kind::hierarchical_softmax) build_tree(counts);
}

// Huffman's tree as the original program builds it, so that models go both ways: among equal counts an inner node
// before a leaf, and the second of two joined is the one that a 1 leads to.
void Loss::build_tree(const std::int64_t* counts) {
    const std::size_t n = size_;
    std::vector<std::int64_t> weight(2 * n - 1, 0);
    std::copy(counts, counts + n, weight.begin());
    std::vector<std::size_t> parent(2 * n - 1, 0);
    std::vector<float> second(2 * n - 1, 0.0f);
    std::size_t leaves = n, inner = n;  // leaves left, from the rarest on; the next inner node
    const auto smallest = [&](std::size_t next) {
        return leaves > 0 && (inner >= next || weight[leaves - 1] < weight[inner]) ? --leaves : inner++;
    };
    for (std::size_t node = n; node < 2 * n - 1; ++node) {
        const std::size_t one = smallest(node), two = smallest(node);
        weight[node] = weight[one] + weight[two];
        parent[one] = parent[two] = node;
        second[two] = 1.0f;
    }
    // The root comes last and a parent behind its children, so depths are known from the root down. Where counts are
    // above 0 the tree is at most 90 deep; many that are 0 make a chain, whose ways together grow with their square.
    std::vector<std::size_t> depth(2 * n - 1, 0);
    for (std::size_t node = 2 * n - 2; node-- > 0;) depth[node] = depth[parent[node]] + 1;
    const std::size_t most = std::max(std::size_t{128} * n, std::size_t{1} << 20);
    std::size_t total = 0;
    for (std::size_t k = 0; k < n; ++k)
        if ((total += depth[k]) > most) throw std::invalid_argument("so many counts of 0 make the tree too deep");
    nodes_.reserve(total);
    turns_.reserve(total);
    starts_.assign(1, 0);
    for (std::size_t k = 0; k < n; ++k) {
        for (std::size_t node = k; parent[node] != 0; node = parent[node]) {
            nodes_.push_back(static_cast<std::int32_t>(parent[node] - n));
            turns_.push_back(second[node]);
        }
        starts_.push_back(static_cast<std::int64_t>(nodes_.size()));
    }
}

void Loss::prepare(Rows output, const std::int32_t* targets, std::size_t count, Random& random, Step& step) const {
    if (kind_ != Kind::negative_sampling) return;
    // Each target, and behind it its samples.
    step.rows.clear();
    step.ends.clear();
    for (std::size_t i = 0; i < count; ++i) {
        step.rows.push_back(targets[i]);
        for (std::size_t sample = 0; sample < negative_; ++sample) {
            step.rows.push_back(samples_->draw_other_than(targets[i], random));
        }
        step.ends.push_back(step.rows.size());
    }
    loops_.fetch(output, step.rows.data(), step.rows.size());
}

void Loss::learn(Rows output, const std::int32_t* targets, std::size_t count, float rate, float pace, Step& step) const {
    float *hidden = step.hidden.data(), *gradient = step.gradient.data();
    if (kind_ == Kind::one_vs_all) {
        if (step.rows.size() != size_) {
            step.rows.resize(size_);
            for (std::size_t k = 0; k < size_; ++k) step.rows[k] = static_cast<std::int32_t>(k);
        }
        step.labels.assign(size_, 0.0f);
        for (std::size_t i = 0; i < count; ++i) step.labels[targets[i]] = 1.0f;
        loops_.logistic(output, step.rows.data(), step.labels.data(), size_, 0, hidden, rate, gradient);
        return;
    }
    if (count > 1) step.begin = step.hidden;
    if (kind_ == Kind::softmax) step.scores.resize((size_ / kMultiple + 2) * kMultiple);
    for (std::size_t i = 0; i < count; ++i) {
        if (kind_ == Kind::negative_sampling) {
            const std::size_t begin = i > 0 ? step.ends[i - 1] : 0, end = step.ends[i];
            loops_.logistic(output, step.rows.data() + begin, first_.data(), end - begin, step.rows.size() - end, hidden, rate, gradient);
        } else if (kind_ == Kind::hierarchical_softmax) {
            const std::int64_t begin = starts_[targets[i]], n = starts_[targets[i] + 1] - begin;
            loops_.logistic(output, nodes_.data() + begin, turns_.data() + begin, static_cast<std::size_t>(n), 0, hidden, rate, gradient);
        } else {
            loops_.softmax(output, size_, static_cast<std::size_t>(targets[i]), hidden, rate, gradient, step.scores.data());
        }
        if (i + 1 < count) loops_.move(hidden, step.begin.data(), gradient, pace, output.stride);
    }
}

// Fisher and Yates.
void shuffle(std::vector<std::size_t>& order, std::size_t begin, std::size_t end, Random& random) {
    for (std::size_t i = end; i > begin + 1; --i) {
        const std::uint64_t upper = random.next();  // a statement of its own: compilers differ in which operand comes first
        std::swap(order[i - 1], order[begin + (upper << 32 | random.next()) % (i - begin)]);
    }
}

std::vector<std::int64_t> Loss::of_nodes(const std::vector<std::int64_t>& targets) const {
    std::vector<std::int64_t> found(rows());
    for (std::size_t k = 0; k < targets.size(); ++k)
        for (std::int64_t i = starts_[k]; i < starts_[k + 1]; ++i) found[found.size() - 1 - static_cast<std::size_t>(nodes_[static_cast<std::size_t>(i)])] += targets[k];
    return found;
}

namespace {

// How often each word stands in the first tokens.
std::vector<std::int64_t> occurrences(const Texts& texts, std::int64_t tokens, std::int64_t ends) {
    std::vector<std::int64_t> counts(texts.words);
    for (std::int64_t i = 0; i < tokens; ++i)
        if (const std::int32_t word = texts.ids[i]; texts.has(word)) ++counts[static_cast<std::size_t>(word)];
    if (texts.end >= 0) counts[static_cast<std::size_t>(texts.end)] += ends;
    return counts;
}

}  // namespace

Exchanges Shared::exchanges_of(const Texts& texts, const Labelled* labelled, const Loss& loss, std::size_t in_rows, std::size_t out_rows, const Steps& steps) {
    const std::int64_t tokens = in_rows + out_rows == 0 ? 0 : std::min(texts.offsets[texts.count], kCounted);
    const auto whole = std::upper_bound(texts.offsets + 1, texts.offsets + texts.count + 1, tokens) - (texts.offsets + 1);
    const std::int64_t ends = texts.end < 0 || tokens == 0 ? 0 : whole;
    const std::vector<std::int64_t> counts = occurrences(texts, tokens, ends);
    std::vector<std::int64_t> in(std::max(in_rows, out_rows));
    for (std::size_t word = 0; word < counts.size(); ++word) {
        const auto number = static_cast<std::int32_t>(word);
        for (std::size_t i = 0; i < texts.rows_in(number); ++i)
            if (const auto row = static_cast<std::size_t>(texts.rows_of(number)[i]); row < in.size()) in[row] += counts[word];
    }
    std::vector<std::int64_t> out = in;
    if (loss.is_tree() && out_rows > 0) {
        std::vector<std::int64_t> targets = labelled ? std::vector<std::int64_t>(loss.size()) : counts;
        if (labelled)
            for (std::int64_t i = 0; i < labelled->label_offsets[whole]; ++i) ++targets[static_cast<std::size_t>(labelled->labels[i])];
        out = loss.of_nodes(targets);
    }
    in.resize(in_rows);
    out.resize(out_rows);
    return {{in, out}, static_cast<double>(tokens + ends), texts.words, steps};
}

void train_words(const Unlabelled& data, const Loss& loss, Rows input, Rows output, Shared& shared, const Schedule& schedule,
                 int t, Control& control) {
    Walk walk(data, loss, input, output, shared, schedule, t, control);
    for (int epoch = 0; epoch < schedule.epochs && !control.stop.load(std::memory_order_relaxed); ++epoch) walk.epoch();
}

void train_labels(const Labelled& data, const Loss& loss, Rows input, Rows output, Shared& shared, const Schedule& schedule,
                  int t, std::vector<std::size_t>& order, Control& control) {
    // Rows of labels are few as well, and each text is one step on them: accuracy is the original's all the same.
    Apart<2> apart({&shared.input, &shared.output}, shared.exchanges);
    const TrainLoops& loops = loss.loops();
    const Texts& texts = data.texts;
    const std::size_t begin = texts.count * static_cast<std::size_t>(t) / static_cast<std::size_t>(schedule.threads);
    const std::size_t end = texts.count * static_cast<std::size_t>(t + 1) / static_cast<std::size_t>(schedule.threads);
    Random random(schedule.seed, static_cast<std::uint64_t>(t));
    Rate rate(schedule, texts.tokens(), control);
    Step step(input.stride);
    Features features(data, control.stop);
    // One label drawn from several is what a softmax can learn; one-vs-all takes all of them.
    const bool all_labels = loss.takes_all();
    for (int epoch = 0; epoch < schedule.epochs; ++epoch) {
        shuffle(order, begin, end, random);
        for (std::size_t i = begin; i < end; ++i) {
            if (control.stop.load(std::memory_order_relaxed)) return;
            const std::size_t text = order[i];
            const std::int32_t* labels = data.labels + data.label_offsets[text];
            std::size_t count = static_cast<std::size_t>(data.label_offsets[text + 1] - data.label_offsets[text]);
            const std::int64_t tokens = texts.offsets[text + 1] - texts.offsets[text] + (texts.end >= 0 ? 1 : 0);
            rate.passed(tokens);
            pass(apart, static_cast<std::size_t>(tokens), input, output);
            if (count == 0) continue;
            const std::vector<std::int32_t>& rows = features.of(text);
            if (rows.empty()) continue;
            if (!all_labels && count > 1) labels += random.below(static_cast<std::uint32_t>(count));
            if (!all_labels) count = 1;
            const float share = 1.0f / static_cast<float>(rows.size());
            loops.sum(input, rows.data(), rows.size(), step.hidden.data());
            loops.scale(step.hidden.data(), share, input.stride);
            std::fill(step.gradient.begin(), step.gradient.end(), 0.0f);
            loss.prepare(output, labels, count, random, step);
            loss.learn(output, labels, count, rate.value(), 0.0f, step);
            loops.scale(step.gradient.data(), share, input.stride);
            loops.add(input, rows.data(), rows.size(), step.gradient.data());
        }
    }
}

}  // namespace fasttext
}  // namespace lexarium
