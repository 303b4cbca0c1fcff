// A publisher that dies while it publishes, follows a new reader, pushes what was staged, or reclaims.

#include <actor/error.hpp>
#include <algorithm>
#include <memory>

#include "fault/fan.hpp"
#include "fault/scenario.hpp"
#include "fault/stepped.hpp"

namespace actor::fault {
namespace {

constexpr std::uint64_t after_value = 1000;
constexpr int rounds = 50;  // more than any recovery takes

using Sync = std::function<void()>;

struct Publish {
  std::string name;
  FanOptions options;
  std::function<void(Writer&, const Sync&)> prepare;  // in the child; each Sync is met by one of `between`
  std::vector<std::function<void(Fan&, std::vector<std::vector<Got>>&)>> between;
  std::function<void(Writer&, const Fan&)> operation;  // in the child
  std::uint64_t committed;  // values below were sent before the operation, and belong to everybody
  std::uint64_t commits;    // how many more are committed when the operation is over
};

/// What the broker and the readers make of a publisher that died after `instructions`.
class Aftermath {
 public:
  Aftermath(const Publish& scenario, Report& report, Fan& fan, std::vector<std::vector<Got>> got)
      : scenario_(scenario), report_(report), fan_(fan), got_(std::move(got)) {}

  void judge(bool finished) {
    succeed();
    for (unsigned i = 0; i < got_.size(); ++i) {
      if (!got_[i].empty() && got_[i].back().value == after_value) got_[i].pop_back();
      judge_reader(i);
      if (got_[i].size() != got_[0].size())
        report_.add(report_.split, "reader " + std::to_string(i) + " has " + std::to_string(got_[i].size()) +
                                       " events, reader 0 has " + std::to_string(got_[0].size()));
    }
    const std::uint64_t all = scenario_.committed + scenario_.commits;
    if (got_[0].size() > all || (finished && got_[0].size() != all))
      report_.add(report_.lost, "the operation committed " + std::to_string(got_[0].size()) + " events in all, not " +
                                    std::to_string(all));
  }

 private:
  void read(unsigned index) {
    for (const Got& got : fan_.reader(index).receive_all()) got_[index].push_back(got);
  }

  /// What the broker does; some readers have read ahead by then, some are restarted behind it.
  void succeed() {
    if (report_.at % 2 == 0) read(0);
    std::string error;
    if (!fan_.writer_died(error)) return report_.add(report_.corrupted, "the dead one's memory is refused: " + error);
    if (report_.at % 3 == 0) {
      const unsigned second = std::min(1u, fan_.reader_count() - 1);
      fan_.reader_died(second);
      fan_.start_reader(second);
    }
    Writer& successor = fan_.start_writer();
    successor.send<InPool>(after_value);
    for (int round = 0; round < rounds; ++round) {
      successor.port->push_staged();
      successor.port->flush();
      for (unsigned i = 0; i < fan_.reader_count(); ++i) read(i);
      const auto at_end = [](const auto& got) { return !got.empty() && got.back().value == after_value; };
      if (!successor.port->has_staged() && std::all_of(got_.begin(), got_.end(), at_end)) return;
    }
    report_.add(report_.hung, "the successor's event does not come through");
  }

  void judge_reader(unsigned index) {
    const auto who = "reader " + std::to_string(index);
    const auto& got = got_[index];
    for (const auto& problem : fan_.reader(index).corrupt) report_.add(report_.corrupted, who + ": " + problem);
    if (got.size() < scenario_.committed)
      report_.add(report_.lost,
                  who + " has " + std::to_string(got.size()) + " events of " + std::to_string(scenario_.committed));
    std::uint64_t last_counter = 0;
    for (std::size_t n = 0; n < got.size(); ++n) {
      const auto which = who + ": event " + std::to_string(n);
      if (!got[n].whole) report_.add(report_.corrupted, which + " is not whole");
      if (got[n].value != n) return report_.add(report_.lost, which + " is number " + std::to_string(got[n].value));
      if (got[n].counter <= last_counter || (n < got_[0].size() && got[n].counter != got_[0][n].counter))
        report_.add(report_.duplicated, which + " has a number that was used before, or two");
      last_counter = got[n].counter;
    }
  }

  const Publish& scenario_;
  Report& report_;
  Fan& fan_;
  std::vector<std::vector<Got>> got_;
};

/// The publisher lives in a child, its readers here.
class PublisherRun {
 public:
  PublisherRun(const Publish& scenario, Report& report)
      : scenario_(scenario), report_(report), fan_(scenario.options), got_(scenario.options.readers) {
    for (unsigned i = 0; i < fan_.reader_count(); ++i) fan_.start_reader(i);
    child_.emplace([this](int socket, Marks&) { return prepare(socket); });
    for (const auto& between : scenario_.between) {
      hear('S');
      between(fan_, got_);
      send_note(child_->socket(), 'g');
    }
    hear('D');
    child_->begin();
  }

  std::uint64_t watch(std::uint64_t stride) {
    std::uint64_t instructions = 0;
    for (;;) {
      hear_all();
      report_.at = instructions;
      const auto copy = fan_.copy();
      for (unsigned i = 0; i < copy->reader_count(); ++i) copy->start_reader(i);
      Aftermath(scenario_, report_, *copy, got_).judge(child_->finished());
      if (child_->finished()) return instructions;
      instructions += child_->step(stride);
    }
  }

  bool kill(std::uint64_t instructions) {
    report_.at = instructions;
    child_->step(instructions);
    const bool finished = child_->finished();
    child_->kill();
    hear_all();
    Aftermath(scenario_, report_, fan_, got_).judge(finished);
    return finished;
  }

 private:
  std::function<void()> prepare(int socket) {
    std::shared_ptr<Writer> writer = fan_.make_writer(
        [socket](std::uint32_t extent, std::uint64_t, int fd) { send_note(socket, 'E', extent, std::span(&fd, 1)); });
    const WriterFds fds = Fan::descriptors(*writer, fan_);
    std::vector<int> raw = {fds.status.get()};
    for (const Fd& ring : fds.rings) raw.push_back(ring.get());
    send_note(socket, 'W', 0, raw);
    scenario_.prepare(*writer, [socket] {
      send_note(socket, 'S');
      ACTOR_ASSERT(receive_note(socket).kind == 'g', "the parent answers");
    });
    send_note(socket, 'D');
    return [writer, this] { scenario_.operation(*writer, fan_); };
  }

  bool take_note(Note note) {
    if (note.kind == 'W') {
      WriterFds fds{std::move(note.fds[0]), {}, {}};
      for (std::size_t i = 1; i < note.fds.size(); ++i) fds.rings.push_back(std::move(note.fds[i]));
      fan_.adopt_writer(std::move(fds));
    } else if (note.kind == 'E') {
      fan_.add_extent(static_cast<std::uint32_t>(note.number), note.fds[0].get());
    }
    return note.kind != 0;
  }
  void hear(char kind) {
    for (;;) {
      Note note = receive_note(child_->socket());
      if (note.kind == kind) return;
      if (!take_note(std::move(note)))
        throw Error(ErrorCode::External, "the child of scenario " + scenario_.name + " ended while it was prepared");
    }
  }
  void hear_all() {
    while (take_note(receive_note(child_->socket(), false))) {
    }
  }

  const Publish& scenario_;
  Report& report_;
  Fan fan_;
  std::vector<std::vector<Got>> got_;
  std::optional<Stepped> child_;
};

template <class T>
void send_prepared(Writer& writer, const std::vector<T>& events) {
  for (const T& event : events) writer.port->send({&event_type<T>(), &event, 0, {}});
}

template <class T>
std::vector<T> events_from(std::uint64_t value, std::uint64_t count) {
  std::vector<T> events;
  for (std::uint64_t i = 0; i < count; ++i) events.push_back(make_event<T>(value + i));
  return events;
}

void read_from(Fan& fan, std::vector<std::vector<Got>>& got, unsigned first, unsigned until) {
  for (unsigned i = first; i < until; ++i) {
    for (const Got& event : fan.reader(i).receive_all()) got[i].push_back(event);
    fan.reader(i).port->prepare_wait();
    fan.reader(i).port->end_wait();
  }
}

struct Place {
  const char* name;
  std::uint64_t base;
  std::uint64_t before;  // events before the operation, read by everybody
};
constexpr Place places[] = {{"at index 0", 0, 0},
                            {"at the wrap", 0, 8},
                            {"before the wrap", 3, 4},
                            {"at 2^32", (std::uint64_t{1} << 32) - 4, 3}};

/// `count` events at once: one burst, one head store.
template <class T>
Publish publish(const char* payload, const Place& place, std::uint64_t count, unsigned readers = 3) {
  Publish scenario;
  scenario.name = "publish-1to" + std::to_string(readers) + " " + payload + (count > 1 ? " burst " : " ") + place.name;
  scenario.options = {.readers = readers, .capacity = 8, .base = place.base, .memory_bytes = 256 * 1024};
  const std::uint64_t unflushed = count > 1 ? 2 : 0;  // in mid-burst: the head lags already
  scenario.prepare = [before = place.before, unflushed](Writer& writer, const Sync& sync) {
    for (std::uint64_t i = 0; i < before; ++i) writer.send<T>(i);
    writer.port->flush();
    sync();
    for (std::uint64_t i = 0; i < unflushed; ++i) writer.send<T>(before + i);
  };
  scenario.between = {[readers](Fan& fan, auto& got) { read_from(fan, got, 0, readers); }};
  scenario.committed = place.before + unflushed;
  scenario.commits = count;
  scenario.operation = [events = events_from<T>(scenario.committed, count)](Writer& writer, const Fan&) {
    send_prepared(writer, events);
    writer.port->flush();
  };
  return scenario;
}

/// The last reader's ring is full: nobody gets the event.
template <class T>
Publish publish_full(const char* payload, const Place& place) {
  Publish scenario = publish<T>(payload, place, 1);
  scenario.name = std::string("publish-1to3-full ") + payload + " " + place.name;
  scenario.prepare = [before = place.before](Writer& writer, const Sync& sync) {
    for (std::uint64_t i = 0; i < before; ++i) writer.send<T>(i);
    writer.port->flush();
    sync();
    for (std::uint64_t i = 0; i < 8; ++i) writer.send<T>(before + i);
    writer.port->flush();
    sync();
  };
  scenario.between.push_back([](Fan& fan, auto& got) { read_from(fan, got, 0, 2); });
  scenario.committed = place.before + 8;
  scenario.commits = 0;
  scenario.operation = [events = events_from<T>(scenario.committed, 2)](Writer& writer, const Fan&) {
    send_prepared(writer, events);
    writer.port->flush();
  };
  return scenario;
}

/// Room comes to the last reader's ring: what was staged goes out.
template <class T>
Publish push_staged(const char* payload) {
  Publish scenario = publish_full<T>(payload, places[1]);
  scenario.name = std::string("push-staged-1to3 ") + payload;
  scenario.prepare = [full = scenario.prepare, events = events_from<T>(16, 3)](Writer& writer, const Sync& sync) {
    full(writer, sync);
    send_prepared(writer, events);
    sync();
  };
  scenario.between.push_back([](Fan& fan, auto& got) { read_from(fan, got, 2, 3); });
  scenario.commits = 3;
  scenario.operation = [](Writer& writer, const Fan&) { writer.port->push_staged(); };
  return scenario;
}

/// What some readers are done with is taken back and used again; another has still to read what lies beside it.
Publish reclaim() {
  Publish scenario = publish<InPool>("", places[0], 2);
  scenario.name = "reclaim-and-reuse";
  scenario.prepare = [](Writer& writer, const Sync& sync) {
    for (std::uint64_t i = 0; i < 3; ++i) writer.send<InPool>(i);
    writer.port->flush();
    sync();
    for (std::uint64_t i = 3; i < 6; ++i) writer.send<InPool>(i);
    writer.port->flush();
    sync();
  };
  scenario.between = {[](Fan& fan, auto& got) { read_from(fan, got, 0, 3); },
                      [](Fan& fan, auto& got) { read_from(fan, got, 0, 2); }};
  scenario.committed = 6;
  scenario.commits = 2;
  scenario.operation = [events = events_from<InPool>(6, 2)](Writer& writer, const Fan&) {
    writer.port->sender().reclaim_all();
    send_prepared(writer, events);
    writer.port->flush();
  };
  return scenario;
}

/// A reader comes back: the publisher is told of its new memory in the middle of things, and publishes.
Publish switch_reader() {
  Publish scenario = publish<InTail>("", places[2], 1);
  scenario.name = "attach at the publisher";
  // The status segment of reader 0, as this process got it before the fork.
  scenario.operation = [event = make_event<InTail>(scenario.committed)](Writer& writer, const Fan& fan) {
    std::string error;
    auto status = shm::PeerSegment::open(fan.reader_status(0), sizeof(shm::Status), error);
    writer.port->sender().find_route(Fan::route_of(0))->set_reader(std::move(*status), 0);
    writer.port->send({&event_type<InTail>(), &event, 0, {}});
    writer.port->flush();
  };
  return scenario;
}

Publish publish_overwriting(const Place& place) {
  Publish scenario = publish<InPool>("pool", place, 3);
  scenario.name = std::string("publish-1to3-overwriting ") + place.name;
  scenario.options.policy = OverflowPolicy::drop_oldest();
  return scenario;
}

void add(std::vector<Scenario>& all, Publish publish) {
  auto shared = std::make_shared<const Publish>(std::move(publish));
  all.push_back({shared->name,
                 [shared](std::uint64_t stride, Report& report) { return PublisherRun(*shared, report).watch(stride); },
                 [shared](std::uint64_t instructions, Report& report) {
                   return PublisherRun(*shared, report).kill(instructions);
                 }});
}

}  // namespace

std::vector<Scenario> publisher_scenarios() {
  std::vector<Scenario> all;
  for (const Place& place : places) {
    add(all, publish<InSlot>("slot", place, 1));
    add(all, publish<InTail>("tail", place, 1));
    add(all, publish<InPool>("pool", place, 1));
    add(all, publish<InSlot>("slot", place, 3));
    add(all, publish<InPool>("pool", place, 3));
    add(all, publish<InTail>("tail", place, 3, 1));  // to one reader there is a shorter way
    add(all, publish<InPool>("pool", place, 3, 1));
    add(all, publish_full<InSlot>("slot", place));
    add(all, publish_full<InPool>("pool", place));
    add(all, publish_overwriting(place));
  }
  add(all, push_staged<InSlot>("slot"));
  add(all, push_staged<InPool>("pool"));
  add(all, reclaim());
  add(all, switch_reader());
  return all;
}

}  // namespace actor::fault
