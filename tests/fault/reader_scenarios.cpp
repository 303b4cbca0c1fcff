// A reader that dies while it receives, goes over to a dead publisher's successor, tries again, or attaches.

#include <actor/error.hpp>
#include <memory>

#include "fault/fan.hpp"
#include "fault/scenario.hpp"
#include "fault/stepped.hpp"

namespace actor::fault {
namespace {

struct Receive {
  std::string name;
  FanOptions options;
  std::function<void(Fan&)> before;  // in the parent: the publisher's doings; reader 0 has no process yet
  std::uint64_t events;              // values below are to be handled, each at least once
  bool attaches = false;             // the operation is to attach; else to handle three events
  std::uint32_t attempts = 0;        // of event 0 before the operation
};

constexpr std::uint64_t handled_in_child = 3;

/// What the successor of a reader that died makes of it. `marks`: what the dead one did.
class Aftermath {
 public:
  Aftermath(const Receive& scenario, Report& report, Fan& fan) : scenario_(scenario), report_(report), fan_(fan) {}

  void judge(const Marks& marks) {
    Reader& successor = fan_.start_reader(0);
    const std::vector<Got> got = successor.receive_all();
    for (const auto& problem : successor.corrupt) report_.add(report_.corrupted, problem);
    std::vector<std::uint32_t> times;
    for (std::uint64_t value = 0; value < scenario_.events; ++value) times.push_back(marks.effects[value].load());
    std::uint64_t expected = got.empty() ? scenario_.events : got.front().value;
    for (const Got& event : got) {
      if (!event.whole || event.value >= scenario_.events)
        return report_.add(report_.corrupted, "value " + std::to_string(event.value) + " is not whole");
      if (event.value != expected) report_.add(report_.lost, "out of order: " + std::to_string(event.value));
      expected = event.value + 1;
      judge_retry(event, times[event.value], &event == &got.front());
      ++times[event.value];
    }
    if (expected != scenario_.events) report_.add(report_.hung, "the successor does not get to the last event");
    for (std::uint64_t value = 0; value < scenario_.events; ++value) {
      if (times[value] == 0) report_.add(report_.lost, "value " + std::to_string(value) + " was never handled");
    }
  }

 private:
  /// Only the event in flight comes again, marked, with the number of its attempt.
  void judge_retry(const Got& event, std::uint32_t before, bool first) {
    const auto which = "value " + std::to_string(event.value);
    if (before != 0 && !first) report_.add(report_.duplicated, which + " comes again, but was not in flight");
    if (before != 0 && !event.redelivered()) report_.add(report_.duplicated, which + " comes again, unmarked");
    if (event.redelivered() && !first) report_.add(report_.duplicated, which + " is marked, but was not in flight");
    const std::uint32_t attempts = before + (event.value == 0 ? scenario_.attempts : 0);
    if (event.attempt < attempts + 1)
      report_.add(report_.duplicated, which + " says attempt " + std::to_string(event.attempt) + ", but is number " +
                                          std::to_string(attempts + 1));
  }

  const Receive& scenario_;
  Report& report_;
  Fan& fan_;
};

/// The reader lives in a child, the publisher here.
class ReaderRun {
 public:
  ReaderRun(const Receive& scenario, Report& report) : scenario_(scenario), report_(report), fan_(scenario.options) {
    scenario.before(fan_);
    child_.emplace([this](int socket, Marks& marks) { return prepare(socket, marks); });
    Note note = receive_note(child_->socket());
    if (note.kind != 'R') throw Error(ErrorCode::External, "the child of scenario " + scenario_.name + " ended early");
    // Before it has said that it is attached, its memory says nothing.
    if (!scenario_.attaches) fan_.adopt_reader(0, std::move(note.fds[0]));
    send_note(child_->socket(), 'g');
    child_->begin();
  }

  std::uint64_t watch(std::uint64_t stride) {
    std::uint64_t instructions = 0;
    for (;;) {
      report_.at = instructions;
      const auto copy = fan_.copy();
      Aftermath(scenario_, report_, *copy).judge(child_->marks());
      if (child_->finished()) return instructions;
      instructions += child_->step(stride);
    }
  }

  bool kill(std::uint64_t instructions) {
    report_.at = instructions;
    child_->step(instructions);
    const bool finished = child_->finished();
    child_->kill();
    if (!scenario_.attaches) fan_.reader_died(0);
    Aftermath(scenario_, report_, fan_).judge(child_->marks());
    return finished;
  }

 private:
  std::function<void()> prepare(int socket, Marks& marks) {
    std::shared_ptr<Reader> reader = fan_.make_reader(0);
    if (!scenario_.attaches) fan_.attach_all(*reader, 0);
    const int status = reader->port->status_fd();
    send_note(socket, 'R', 0, std::span(&status, 1));
    ACTOR_ASSERT(receive_note(socket).kind == 'g', "the parent answers");
    if (scenario_.attaches) return [reader, this] { fan_.attach_all(*reader, 0); };
    return [reader, &marks] {
      for (std::uint64_t i = 0; i < handled_in_child; ++i) {
        const auto got = reader->take();
        if (!got) return;
        if (got->whole) marks.effects[got->value].fetch_add(1);
        reader->done();
      }
      reader->port->prepare_wait();  // lets the publisher reuse what was handled
    };
  }

  const Receive& scenario_;
  Report& report_;
  Fan fan_;
  std::optional<Stepped> child_;
};

template <class T>
void send_all(Fan& fan, std::uint64_t from, std::uint64_t until) {
  for (std::uint64_t value = from; value < until; ++value) fan.writer().send<T>(value);
  fan.writer().port->flush();
}

template <class T>
Receive receive(const char* payload, const char* place, std::uint64_t base) {
  return {.name = std::string("receive ") + payload + " " + place,
          .options = {.readers = 1, .capacity = 8, .base = base, .memory_bytes = 256 * 1024},
          .before = [](Fan& fan) { fan.start_writer(), send_all<T>(fan, 0, 7); },
          .events = 7};
}

/// The first two events are a dead publisher's, the third is its successor's.
Receive receive_over_the_end() {
  return {.name = "receive over a dead publisher's end",
          .options = {.readers = 1, .capacity = 8, .memory_bytes = 256 * 1024},
          .before =
              [](Fan& fan) {
                fan.start_writer();
                send_all<InPool>(fan, 0, 2);
                std::string error;
                ACTOR_ASSERT(fan.writer_died(error), "its memory is in order");
                fan.start_writer();
                send_all<InPool>(fan, 2, 6);
              },
          .events = 6};
}

/// A reader died with event 0 in hand, and its successor dies too.
Receive receive_again() {
  Receive scenario = receive<InTail>("", "", 7);
  scenario.name = "receive an event again";
  scenario.before = [](Fan& fan) {
    fan.start_writer();
    send_all<InTail>(fan, 0, 7);
    fan.start_reader(0).take();
    fan.reader_died(0);
  };
  scenario.attempts = 1;
  return scenario;
}

Receive attach() {
  Receive scenario = receive_over_the_end();
  scenario.name = "attach at the reader";
  scenario.attaches = true;
  return scenario;
}

void add(std::vector<Scenario>& all, Receive receive) {
  auto shared = std::make_shared<const Receive>(std::move(receive));
  all.push_back(
      {shared->name,
       [shared](std::uint64_t stride, Report& report) { return ReaderRun(*shared, report).watch(stride); },
       [shared](std::uint64_t instructions, Report& report) { return ReaderRun(*shared, report).kill(instructions); }});
}

}  // namespace

std::vector<Scenario> reader_scenarios() {
  std::vector<Scenario> all;
  add(all, receive<InSlot>("slot", "at index 0", 0));
  add(all, receive<InTail>("tail", "at the wrap", 6));
  add(all, receive<InPool>("pool", "at 2^32", (std::uint64_t{1} << 32) - 2));
  add(all, receive_over_the_end());
  add(all, receive_again());
  add(all, attach());
  return all;
}

std::vector<Scenario> scenarios() {
  std::vector<Scenario> all = publisher_scenarios();
  for (Scenario& scenario : reader_scenarios()) all.push_back(std::move(scenario));
  return all;
}

}  // namespace actor::fault
