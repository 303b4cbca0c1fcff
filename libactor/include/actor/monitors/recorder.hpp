#pragma once
// Writes every delivery to a file as a line of JSON, for people, for tools, and for a Replayer. Owned by the runtime's
// Monitors; its hooks come one at a time, flush() is for any thread.
//
//   {"id":"<32 digits>","parent":null,"topic":"WeatherTopic.Reading","sender":"sensor","receiver":"alerter",
//    "label":"Temperature","type":"weather::Temperature","wall":"2026-11-22T19:55:53.25Z","monotonic_ns":8123,
//    "event":{"celsius":21.5}}                                                            (on one line)
//
// "redelivered", "maybe_duplicate" and "attempt" are there when they say something. actor/json.hpp has the event.

#include <actor/monitor.hpp>
#include <actor/subscribe.hpp>
#include <cstddef>
#include <filesystem>
#include <iosfwd>
#include <mutex>
#include <string>

namespace actor {

struct RecorderOptions {
  Subscribe topics = Subscribe::all();  ///< of other topics nothing is written
  bool append = false;                  ///< keep what the file holds
  /// How many lines go out together. They go whole, in one write(): a process that is killed leaves no half line, but
  /// takes along what it had not written yet.
  std::size_t lines_per_write = 1;
};

class Recorder : public Monitor {
 public:
  /// Throws Error(Io) when the file cannot be opened. When it cannot be written later on, the monitor is removed, as
  /// all that throw are, and the reason is logged.
  explicit Recorder(const std::filesystem::path& path, RecorderOptions options = {});
  /// `out` outlives the recorder, and belongs to it until then.
  explicit Recorder(std::ostream& out, RecorderOptions options = {});
  ~Recorder() override;  ///< Writes what is left.
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void on_event_delivered(const Observation& event) override;
  void on_actor_stop(ActorId actor) override;

  /// Writes what has been kept back. Throws Error(Io).
  void flush();

 private:
  void write_lines();

  const RecorderOptions options_;
  const std::string name_;
  int fd_ = -1;
  std::ostream* out_ = nullptr;
  std::mutex mutex_;
  std::string lines_;
  std::size_t line_count_ = 0;
};

}  // namespace actor
