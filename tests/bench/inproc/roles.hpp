#pragma once
// Who takes part in an exchange: a source, relays, sinks. Both sides run these same roles and differ only in what
// carries their messages, which they see as `Out`: send(message), finish() and, for the source, is_full(). A role
// belongs to one thread; what it has counted may be read once that has ended.

#include <cstdint>
#include <vector>

#include "../measure.hpp"
#include "allocations.hpp"
#include "exchange.hpp"

namespace bench {

/// Where a message goes: to the stage of that number, or back to the source.
enum class Hop : std::uint64_t { Back, Stage1, Stage2, Stage3, Stage4, Stage5, Stage6, Stage7, Stage8 };
static_assert(static_cast<unsigned>(Hop::Stage8) == most_stages);

struct Message {
  Hop hop;
  std::uint64_t sequence;
  std::int64_t sent_ns;  // only while each is timed
  std::array<std::uint64_t, 5> words;
};
static_assert(sizeof(Message) == 64);

inline void read(const Message& message) {
  keep(sum_words(message.words.data(), sizeof message.words));
}

class alignas(64) Source {
 public:
  explicit Source(const Exchange& what) : what_(what) {
    if (is_timed_here()) times_.reserve(what.timed);
  }

  /// Fills the window.
  template <class Out>
  void start(Out&& out) {
    while (sent_ < what_.total() && sent_ - acknowledged_ < what_.shape.window) send_next(out);
  }
  template <class Out>
  void handle(const Message& answer, Out&& out) {
    read(answer);
    ++handled_;
    if (answer.sequence > what_.events && is_timed_here()) times_.push_back(monotonic_ns() - answer.sent_ns);
    if (answer.sequence != acknowledged_ + what_.shape.acknowledge_every) ++misplaced_;
    acknowledged_ = answer.sequence;
    if (acknowledged_ == what_.total()) return out.finish();
    start(out);
  }
  /// Without a window: sends `burst` events if there is room. False when all are sent.
  template <class Out>
  bool produce(unsigned burst, Out&& out) {
    for (; burst > 0 && sent_ < what_.total() && !out.is_full(); --burst) send_next(out);
    if (sent_ < what_.total()) return true;
    out.finish();
    return false;
  }

  void add_to(Result& result) const {
    result.sent += sent_ * what_.shape.readers;
    result.handled += handled_;
    result.misplaced += misplaced_;
    if (!times_.empty()) result.p50_ns = static_cast<double>(median(times_));
  }

 private:
  /// A round trip ends where it began; a pass ends at the sink.
  bool is_timed_here() const { return what_.shape.stages == 1; }

  template <class Out>
  void send_next(Out& out) {
    Message message;
    message.hop = Hop::Stage1;
    message.sequence = ++sent_;
    message.sent_ns = sent_ > what_.events ? monotonic_ns() : 0;
    message.words.fill(sent_);
    out.send(message);
  }

  const Exchange what_;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t handled_ = 0;
  std::uint64_t misplaced_ = 0;
  std::vector<std::int64_t> times_;
};

/// Stages 1 to n - 1.
class alignas(64) Relay {
 public:
  Relay(const Exchange& what, unsigned stage) : total_(what.total()), next_(static_cast<Hop>(stage + 1)) {}

  template <class Out>
  void handle(const Message& in, Out&& out) {
    read(in);
    if (in.sequence != ++handled_) ++misplaced_;
    Message message;
    message.hop = next_;
    message.sequence = in.sequence;
    message.sent_ns = in.sent_ns;
    message.words = in.words;
    out.send(message);
    if (handled_ == total_) out.finish();
  }

  void add_to(Result& result) const {
    result.sent += handled_;
    result.handled += handled_;
    result.misplaced += misplaced_;
  }

 private:
  std::uint64_t total_;
  Hop next_;
  std::uint64_t handled_ = 0;
  std::uint64_t misplaced_ = 0;
};

/// The end of the chain. Its clock and its counter say what the whole exchange took.
class alignas(64) Sink {
 public:
  struct Mark {
    std::int64_t clock_ns = 0;
    std::int64_t cpu_ns = 0;
    std::uint64_t allocations = 0;
  };

  explicit Sink(const Exchange& what) : what_(what) {
    if (what.shape.stages > 1) times_.reserve(what.timed);
  }

  template <class Out>
  void handle(const Message& in, Out&& out) {
    read(in);
    if (in.sequence > what_.events && what_.shape.stages > 1) times_.push_back(monotonic_ns() - in.sent_ns);
    if (in.sequence != ++handled_) ++misplaced_;
    if (handled_ == what_.warm_up()) first_ = mark();
    if (handled_ == what_.events) last_ = mark();
    if (++unacknowledged_ == what_.shape.acknowledge_every) acknowledge(in, out);
    if (handled_ == what_.total()) out.finish();
  }

  const Mark& first() const { return first_; }
  const Mark& last() const { return last_; }
  void add_to(Result& result) const {
    result.sent += acknowledgements_;
    result.handled += handled_;
    result.misplaced += misplaced_;
    if (!times_.empty()) result.p50_ns = static_cast<double>(median(times_));
  }

 private:
  static Mark mark() { return {monotonic_ns(), cpu_ns(), allocations()}; }

  template <class Out>
  void acknowledge(const Message& in, Out& out) {
    unacknowledged_ = 0;
    ++acknowledgements_;
    Message message;
    message.hop = Hop::Back;
    message.sequence = in.sequence;
    message.sent_ns = in.sent_ns;
    message.words = in.words;
    out.send(message);
  }

  const Exchange what_;
  std::uint64_t handled_ = 0;
  std::uint64_t unacknowledged_ = 0;
  std::uint64_t acknowledgements_ = 0;
  std::uint64_t misplaced_ = 0;
  Mark first_;
  Mark last_;
  std::vector<std::int64_t> times_;
};

/// Everybody who takes part in one exchange; made before it and read after it, by the thread that starts it.
struct Cast {
  explicit Cast(const Exchange& what) : source(what) {
    for (unsigned stage = 1; stage < what.shape.stages; ++stage) relays.emplace_back(what, stage);
    for (unsigned reader = 0; reader < what.shape.readers; ++reader) sinks.emplace_back(what);
  }
  Result result(const Exchange& what) const;

  Source source;
  std::vector<Relay> relays;  // relays[i] is stage i + 1
  std::vector<Sink> sinks;
};

}  // namespace bench
