#pragma once
// Publishers that wait for room and get none: for whom, on which topic, for how long, and what the one at the end of
// the chain is doing, or that the chain is a circle. Pure: told the time and what is seen of each actor; the brain
// looks, and logs. One thread.

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "supervision/watchdog.hpp"

namespace actor::broker {

/// An actor at one moment.
struct SeenActor {
  std::string name;
  Look look;
  std::string reader;  // while it waits for room: at whom
  std::string topic;
  std::string doing;  // else, to go after its name: "is handling Temperature on StationTopic.Reading from 'cpu'"
};

struct Stall {
  std::vector<std::string> actors;  // from the first that waits to the one that it all hangs on
  bool circle = false;              // the last waits for the first
  std::chrono::nanoseconds longest{};
  std::string text;
  bool operator==(const Stall&) const = default;
};

class StallWatch {
 public:
  using Time = std::chrono::nanoseconds;

  /// `after`: how long a wait lasts before look() tells of it.
  explicit StallWatch(Time after) : after_(after) {}
  void tell_after(Time after) { after_ = after; }

  /// What is stuck now, told once: again only when it has moved in between.
  std::vector<Stall> look(const std::vector<SeenActor>& actors, Time now);
  /// Everything that waits for room as of the last look(), however short.
  const std::vector<Stall>& waiting() const { return waiting_; }
  /// Did anybody wait at the last look()?
  bool may_park() const { return waiting_.empty(); }

 private:
  struct Still {
    std::uint64_t progress = 0;
    Look::Doing doing = Look::Doing::Awake;
    Time since{};
    bool told = false;
  };
  void note(const std::vector<SeenActor>& actors, Time now);
  std::vector<Stall> find(const std::vector<SeenActor>& actors, Time now) const;
  Stall describe(const std::vector<const SeenActor*>& chain, bool circle, Time now) const;

  Time after_;
  std::map<std::string, Still> still_;
  std::vector<Stall> waiting_;
};

}  // namespace actor::broker
