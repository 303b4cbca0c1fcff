// The monitors that come with the library, their hooks called by hand, and what reads their recordings.
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <actor/monitors/actor_monitor.hpp>
#include <actor/monitors/recorder.hpp>
#include <actor/monitors/replayer.hpp>
#include <actor/monitors/tracer.hpp>
#include <actor/supervisor.hpp>
#include <fstream>
#include <sstream>

namespace monitor_builtin_test {

using namespace actor;
using namespace std::chrono_literals;

struct Reading {
  std::string station;
  double celsius = 0;
  friend bool operator==(const Reading&, const Reading&) = default;
};
struct Alert {
  std::string text;
  friend bool operator==(const Alert&, const Alert&) = default;
};
using Events = std::variant<Reading, Alert>;
enum class Weather { Readings, Alerts };
constexpr Weather topic_of(const Reading&) {
  return Weather::Readings;
}
constexpr Weather topic_of(const Alert&) {
  return Weather::Alerts;
}
/// What a program has that does not know these events as they were recorded.
struct Unrelated {};
using OtherEvents = std::variant<Unrelated>;

const ActorId sensor("sensor"), alerter("alerter"), printer("printer");

Meta meta(std::uint64_t counter, std::chrono::nanoseconds at = {}) {
  Meta meta;
  meta.id = {7, counter};
  meta.sender = sensor;
  meta.wall_time += std::chrono::nanoseconds(1763841353250000000);
  meta.monotonic_time += at;
  return meta;
}

template <class T>
Observation delivery(const T& event, Meta of, ActorId receiver = printer) {
  const std::string_view topic = std::is_same_v<T, Reading> ? "Weather.Readings" : "Weather.Alerts";
  return {&event_type<T>(), &event, of, topic, receiver};
}

/// A file of its own for each test, gone afterwards.
struct RecordingTest : testing::Test {
  RecordingTest()
      : path(std::filesystem::path(testing::TempDir()) /
             (std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) + "-" +
              std::to_string(getpid()) + ".jsonl")) {}
  ~RecordingTest() override { std::filesystem::remove(path); }

  void write(const std::string& text) { std::ofstream(path) << text; }
  std::string written() const {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  /// Two readings to two receivers each, and an alert in answer to the second.
  void record_three_events() {
    Recorder recorder(path);
    const Reading first{"north", -1.5};
    const Reading second{"south", 31};
    const Alert alert{"hot"};
    for (const ActorId receiver : {alerter, printer})
      recorder.on_event_delivered(delivery(first, meta(1, 0s), receiver));
    for (const ActorId receiver : {alerter, printer})
      recorder.on_event_delivered(delivery(second, meta(2, 2s), receiver));
    Meta answer = meta(3, 3s);
    answer.parent = {7, 2};
    answer.sender = alerter;
    recorder.on_event_delivered(delivery(alert, answer));
  }
  std::vector<Events> read(const Subscribe& topics = Subscribe::all()) const {
    std::vector<Events> events;
    replay<Events>(path, topics, [&](const RecordedEvent<Events>& event) { events.push_back(event.event); });
    return events;
  }
  template <class Set = Events>
  std::string complaint() const {
    try {
      replay<Set>(path, Subscribe::all(), [](const RecordedEvent<Set>&) {});
    } catch (const Error& error) {
      return error.what();
    }
    return "nothing";
  }

  const std::filesystem::path path;
};

// ---- Recorder ----

TEST(Recorder, WritesALinePerDelivery) {
  std::ostringstream out;
  Recorder recorder(out);
  const Reading reading{"north \"1\"", 21.5};
  recorder.on_event_delivered(delivery(reading, meta(255, 8123ns)));
  Meta again = meta(256);
  again.parent = {7, 255};
  again.redelivered = true;
  again.maybe_duplicate = true;
  again.attempt = 2;
  recorder.on_event_delivered(delivery(Alert{"hot"}, again, alerter));
  EXPECT_EQ(out.str(),
            R"({"id":"000000000000000700000000000000ff","parent":null,"topic":"Weather.Readings","sender":"sensor",)"
            R"("receiver":"printer","label":"Reading","type":"monitor_builtin_test::Reading",)"
            R"("wall":"2025-11-22T19:55:53.25Z","monotonic_ns":8123,)"
            R"("event":{"station":"north \"1\"","celsius":21.5}})"
            "\n"
            R"({"id":"00000000000000070000000000000100","parent":"000000000000000700000000000000ff",)"
            R"("topic":"Weather.Alerts","sender":"sensor","receiver":"alerter","label":"Alert",)"
            R"("type":"monitor_builtin_test::Alert","wall":"2025-11-22T19:55:53.25Z","monotonic_ns":0,)"
            R"("redelivered":true,"maybe_duplicate":true,"attempt":2,"event":{"text":"hot"}})"
            "\n");
}

TEST(Recorder, WritesDownEventsOfAnUnknownType) {
  std::ostringstream out;
  Recorder recorder(out);
  recorder.on_event_delivered({nullptr, nullptr, meta(1), "Secret", printer});
  EXPECT_NE(out.str().find(R"("label":"?","type":null)"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find(R"("event":null})"), std::string::npos) << out.str();
}

TEST(Recorder, LeavesOutOtherTopics) {
  std::ostringstream out;
  Recorder recorder(out, {.topics = {Weather::Alerts}});
  recorder.on_event_delivered(delivery(Reading{}, meta(1)));
  EXPECT_EQ(out.str(), "");
  recorder.on_event_delivered(delivery(Alert{}, meta(2)));
  EXPECT_NE(out.str(), "");
}

TEST_F(RecordingTest, LinesGoOutInWholeGroups) {
  std::optional<Recorder> recorder(std::in_place, path, RecorderOptions{.lines_per_write = 3});
  const auto lines = [this] {
    const std::string text = written();
    EXPECT_TRUE(text.empty() || text.ends_with('\n'));
    return std::count(text.begin(), text.end(), '\n');
  };
  for (std::uint64_t i = 1; i <= 2; ++i) recorder->on_event_delivered(delivery(Alert{}, meta(i)));
  EXPECT_EQ(lines(), 0);
  recorder->on_event_delivered(delivery(Alert{}, meta(3)));
  EXPECT_EQ(lines(), 3);
  recorder->on_event_delivered(delivery(Alert{}, meta(4)));
  recorder->flush();
  EXPECT_EQ(lines(), 4);
  recorder->on_event_delivered(delivery(Alert{}, meta(5)));
  recorder->on_actor_stop(printer);
  EXPECT_EQ(lines(), 5);
  recorder->on_event_delivered(delivery(Alert{}, meta(6)));
  recorder.reset();
  EXPECT_EQ(lines(), 6);
}

TEST_F(RecordingTest, AppendKeepsWhatTheFileHolds) {
  record_three_events();
  const std::string before = written();
  Recorder(path, {.append = true}).on_event_delivered(delivery(Alert{}, meta(9)));
  EXPECT_TRUE(written().starts_with(before));
  EXPECT_GT(written().size(), before.size());
  record_three_events();
  EXPECT_EQ(written(), before);
}

TEST(Recorder, SaysWhichFileItCannotOpenAndWhy) {
  try {
    Recorder recorder("/nowhere/at/all.jsonl");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Io);
    EXPECT_STREQ(error.what(), "opening /nowhere/at/all.jsonl to record events: No such file or directory");
  }
}

TEST(Recorder, ThatCannotWriteIsRemovedAndLogged) {
  Monitors monitors;
  monitors.add<Recorder>("/dev/full");
  const Alert alert;
  testing::internal::CaptureStderr();
  monitors.delivered(delivery(alert, meta(1)));
  EXPECT_NE(testing::internal::GetCapturedStderr().find("recording events to /dev/full: No space left on device"),
            std::string::npos);
  EXPECT_FALSE(monitors.active());
}

// ---- Recording ----

TEST_F(RecordingTest, GivesEachEventOnce) {
  record_three_events();
  const std::vector<Events> expected = {Reading{"north", -1.5}, Reading{"south", 31}, Alert{"hot"}};
  EXPECT_EQ(read(), expected);
  EXPECT_EQ(read({Weather::Alerts}), std::vector<Events>{Alert{"hot"}});
}

TEST_F(RecordingTest, GivesEveryDeliveryWhenAsked) {
  record_three_events();
  RecordedEvents<Events> recording(path, Subscribe::all(), true);
  std::vector<ActorId> receivers;
  while (const auto event = recording.next()) receivers.push_back(event->receiver);
  EXPECT_EQ(receivers, (std::vector{alerter, printer, alerter, printer, printer}));
}

TEST_F(RecordingTest, GivesTheMetaAsItWas) {
  Meta odd = meta(1, 42ns);
  odd.parent = {1, 2};
  odd.redelivered = true;
  odd.maybe_duplicate = true;
  odd.attempt = 3;
  Recorder(path).on_event_delivered(delivery(Alert{"hot"}, odd, alerter));
  RecordedEvents<Events> recording(path);
  const auto event = recording.next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->meta, odd);
  EXPECT_EQ(event->topic, "Weather.Alerts");
  EXPECT_EQ(event->receiver, alerter);
  EXPECT_FALSE(recording.next());
}

TEST_F(RecordingTest, LeavesOutALastLineThatWasCutOff) {
  record_three_events();
  const std::string whole = written();
  write(whole.substr(0, whole.size() - 20));
  RecordedEvents<Events> recording(path);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(recording.next());
  EXPECT_FALSE(recording.next());
  EXPECT_TRUE(recording.was_cut());
  write(whole.substr(0, whole.size() - 1));  // the newline alone is missing
  EXPECT_EQ(read().size(), 3u);
}

TEST_F(RecordingTest, SaysWhereALineMakesNoSense) {
  record_three_events();
  const std::string good = written();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    write(text);
    return complaint();
  };
  EXPECT_EQ(with("-1.5", "\"cold\""), path.string() + ":1: event.celsius: expected a number, found \"cold\"");
  EXPECT_EQ(with("\"text\"", "\"words\""),
            path.string() + ":5: event: expected the fields text and no words, found {\"words\":\"hot\"}");
  EXPECT_EQ(with("monitor_builtin_test::Alert", "old::Alert"),
            path.string() +
                ":5: type: expected one of this program's events (monitor_builtin_test::Reading, "
                "monitor_builtin_test::Alert), found \"old::Alert\"");
  EXPECT_NE(with("{\"id\"", "{\"nr\"").find(path.string() + ":1: expected a field id, found {"), std::string::npos);
  write("\n\nhello\n");
  EXPECT_EQ(complaint().substr(0, path.string().size() + 20), path.string() + ":3: this is no JSON:");
  write(good);
  EXPECT_NE(complaint<OtherEvents>().find(":1: type: expected one of this program's events"), std::string::npos);
}

TEST_F(RecordingTest, SaysWhichFileIsMissing) {
  EXPECT_EQ(complaint(), "opening the recording " + path.string() + ": No such file or directory");
}

// ---- Replayer ----

struct Seen {
  std::vector<Events> events;
  std::vector<EventId> ids, parents;
  std::vector<ActorId> senders;
};
class Watcher : public Actor<Events> {
 public:
  explicit Watcher(Seen& seen) : seen_(seen) {}
  void handle_event(const Envelope<Events>& envelope) override {
    seen_.events.push_back(envelope.to_owned().event);
    seen_.ids.push_back(envelope.id());
    seen_.parents.push_back(envelope.parent());
    seen_.senders.push_back(envelope.sender());
  }

 private:
  Seen& seen_;
};

TEST_F(RecordingTest, ReplayerSendsWhatWasRecorded) {
  record_three_events();
  Seen seen;
  Supervisor<Events> supervisor;
  supervisor.add_actor<Watcher>("watcher", Subscribe::all(), std::ref(seen));
  supervisor.add_actor<Replayer<Events>>("replayer", Subscribe::none(), path,
                                         ReplayOptions{.at_end = ReplayOptions::AtEnd::StopRuntime});
  supervisor.run();
  EXPECT_EQ(seen.events, read());
  ASSERT_EQ(seen.events.size(), 3u);
  EXPECT_EQ(seen.parents, (std::vector{EventId{}, EventId{}, seen.ids[1]})) << "the alert answers the second reading";
  EXPECT_EQ(seen.senders[0], ActorId("replayer"));
}

TEST_F(RecordingTest, ReplayerSendsNothingOfABrokenRecording) {
  record_three_events();
  std::string text = written();
  text.replace(text.find("hot"), 3, "\x01");
  write(text);
  Seen seen;
  Supervisor<Events> supervisor(simulated(1));
  supervisor.add_actor<Watcher>("watcher", Subscribe::all(), std::ref(seen));
  supervisor.build_actor<Replayer<Events>>("replayer", path).restart(RestartClass::Temporary).add();
  supervisor.start();
  supervisor.settle();
  const std::vector<Error> errors = supervisor.errors();
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(std::string(errors[0].what()).find(path.string() + ":5: this is no JSON"), std::string::npos)
      << errors[0].what();
  EXPECT_TRUE(seen.events.empty());
}

TEST_F(RecordingTest, ReplayerKeepsTheRecordedPace) {
  record_three_events();  // at 0, 2 and 3 s
  for (const double speed : {1.0, 2.0}) {
    Seen seen;
    Supervisor<Events> supervisor(simulated(1));
    supervisor.add_actor<Watcher>("watcher", Subscribe::all(), std::ref(seen));
    const ReplayOptions options{.pace = ReplayOptions::Pace::Recorded, .speed = speed};
    supervisor.add_actor<Replayer<Events>>("replayer", Subscribe::none(), path, options);
    supervisor.start();
    const auto seen_at = [&](std::chrono::nanoseconds time) {
      supervisor.advance(
          std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(time.count()) / speed)) -
          supervisor.now());
      return seen.events.size();
    };
    EXPECT_EQ(seen_at(1s), 1u);
    EXPECT_EQ(seen_at(1999ms), 1u);
    EXPECT_EQ(seen_at(2s), 2u);
    EXPECT_EQ(seen_at(2999ms), 2u);
    EXPECT_EQ(seen_at(3s), 3u);
  }
}

// ---- ActorMonitor ----

TEST(ActorMonitor, KnowsWhoLivesAndWhoHasEnded) {
  ActorMonitor monitor;
  EXPECT_FALSE(monitor.is_alive(sensor));
  EXPECT_FALSE(monitor.is_stopped(sensor));
  monitor.on_actor_registered(sensor);
  monitor.on_actor_registered(alerter);
  EXPECT_EQ(monitor.actors(), (std::vector{alerter, sensor}));
  EXPECT_TRUE(monitor.is_alive("sensor"));
  monitor.on_actor_stop(sensor);
  EXPECT_EQ(monitor.actors(), std::vector{alerter});
  EXPECT_EQ(monitor.stopped_actors(), std::vector{sensor});
  EXPECT_TRUE(monitor.is_stopped("sensor"));
  EXPECT_FALSE(monitor.is_alive(sensor));
  monitor.on_actor_registered(sensor);
  EXPECT_TRUE(monitor.is_alive(sensor));
  EXPECT_TRUE(monitor.stopped_actors().empty());
}

TEST(ActorMonitor, CountsOverflowsAndRestarts) {
  ActorMonitor monitor;
  const Alert alert;
  monitor.on_overflow(delivery(alert, meta(1), printer), OverflowPolicy::drop());
  monitor.on_overflow(delivery(alert, meta(2), printer), OverflowPolicy::drop());
  monitor.on_overflow(delivery(alert, meta(2), alerter), OverflowPolicy::block());
  EXPECT_EQ(monitor.overflow_count(printer), 2u);
  EXPECT_EQ(monitor.overflow_count(alerter), 1u);
  EXPECT_EQ(monitor.overflow_count(sensor), 0u);
  EXPECT_EQ(monitor.overflow_count(), 3u);
  EXPECT_TRUE(monitor.actors().empty()) << "to overflow is no sign of life";
  monitor.on_actor_registered(sensor);
  monitor.on_actor_restart(sensor, Error(ErrorCode::External, "no luck"), 1s);
  EXPECT_EQ(monitor.restarts(sensor), 1u);
  EXPECT_TRUE(monitor.is_alive(sensor));
}

// ---- Tracer ----

struct TracerTest : testing::Test {
  TracerTest() {
    logger->set_pattern("%l %v");
    logger->set_level(spdlog::level::trace);
  }
  std::ostringstream out;
  std::shared_ptr<spdlog::logger> logger =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(out));
};

TEST_F(TracerTest, LogsEachHookAtItsLevel) {
  Tracer tracer(logger);
  const Alert alert{"hot"};
  const Observation event = delivery(alert, meta(1));
  tracer.on_event_dispatched(event);
  tracer.on_event_delivered(event);
  tracer.on_event_handled(event);
  tracer.on_overflow(event, OverflowPolicy::drop());
  tracer.on_error(printer, Error(ErrorCode::External, "no luck"));
  tracer.on_actor_registered(printer);
  tracer.on_actor_restart(printer, Error(ErrorCode::External, "no luck"), 250ms);
  tracer.on_actor_stop(printer);
  tracer.on_stall("printer waits for alerter");
  tracer.on_step_enter(printer);
  const std::string way = "Alert 00000000000000070000000000000001 on Weather.Alerts from sensor to printer";
  EXPECT_EQ(out.str(), "trace dispatched " + way + "\ntrace delivered " + way + "\ndebug handled " + way +
                           ": Alert{text=\"hot\"}\nwarning no room for " + way +
                           "; the policy is drop\nwarning printer failed: no luck\ndebug printer is there\n"
                           "warning printer comes back in 250ms: no luck\ninfo printer has ended\n"
                           "error actors wait for each other: printer waits for alerter\n");
}

TEST_F(TracerTest, LevelsCanBeChosen) {
  Tracer tracer(logger, {.handled = Tracer::Level::Off, .stop = Tracer::Level::Critical, .step = Tracer::Level::Info});
  tracer.on_event_handled({});
  tracer.on_actor_stop(printer);
  tracer.on_step_enter(printer);
  tracer.on_step_exit(printer, StepAction::Yield());
  EXPECT_EQ(out.str(), "critical printer has ended\ninfo printer takes a step\ninfo printer has taken a step: Yield\n");
}

TEST_F(TracerTest, LogsToTheProgramsDefaultLogger) {
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(logger);
  Tracer().on_actor_stop(printer);
  spdlog::set_default_logger(before);
  EXPECT_EQ(out.str(), "info printer has ended\n");
}

}  // namespace monitor_builtin_test
