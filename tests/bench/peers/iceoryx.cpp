// iceoryx 2: a publisher that waits for slow subscribers, its payloads written and read in place. Spinning cases poll
// take(), the others sleep in a WaitSet. Its RouDi, of which a machine can have one, is a child of ours with just the
// memory that the case needs.

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_hoofs/posix_wrapper/posix_access_rights.hpp>
#include <iceoryx_posh/internal/roudi/roudi.hpp>
#include <iceoryx_posh/popo/untyped_publisher.hpp>
#include <iceoryx_posh/popo/untyped_subscriber.hpp>
#include <iceoryx_posh/popo/wait_set.hpp>
#include <iceoryx_posh/roudi/iceoryx_roudi_components.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <stdexcept>

#include "../children.hpp"
#include "../processes.hpp"
#include "found.hpp"

namespace bench {
namespace {

constexpr std::uint64_t largest_queue = iox::popo::SubscriberChunkQueueData_t::MAX_CAPACITY;

iox::capro::ServiceDescription service(Direction direction) {
  if (direction == Direction::Forward) return {"libactor", "bench", "there"};
  return {"libactor", "bench", "back"};
}

/// Of one reader, for all writers.
std::uint64_t queue_of(const Case& what) {
  return std::min(what.capacity * what.writers, largest_queue);
}

std::string runtime_name(const char* as, Direction direction, unsigned index) {
  return std::string("bench-") + as + (direction == Direction::Forward ? "-there-" : "-back-") + std::to_string(index);
}

/// What iceoryx leaves of a runtime that did not end by itself, as none of ours does.
void remove_runtime_files(const Case& what) {
  for (unsigned i = 0; i < std::max(what.readers, what.writers); ++i) {
    for (const char* as : {"writer", "reader"}) {
      for (const Direction direction : {Direction::Forward, Direction::Back}) {
        const std::string socket = "/tmp/" + runtime_name(as, direction, i);
        unlink(socket.c_str());
        unlink((socket + ".lock").c_str());
      }
    }
  }
}

/// A RouDi in a process of its own, for one run.
class Roudi {
 public:
  explicit Roudi(const Case& what) : what_(what), ready_(shared_object<std::atomic<int>>()) {
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);  // it tells of its every step
      dup2(nowhere, STDOUT_FILENO);
      dup2(nowhere, STDERR_FILENO);
      serve();
      _exit(0);
    }
    constexpr int tries = 5000;
    for (int i = 0; i < tries && !ready_->load(); ++i) {
      usleep(2000);
      if (waitpid(pid_, nullptr, WNOHANG) != pid_) continue;
      pid_ = -1;
      break;
    }
    if (ready_->load()) return;
    end();
    throw std::runtime_error("RouDi did not start: does another one run on this machine?");
  }
  Roudi(const Roudi&) = delete;
  Roudi& operator=(const Roudi&) = delete;
  ~Roudi() {
    end();
    remove_runtime_files(what_);
  }

  std::int64_t cpu_ns() const { return cpu_ns_of(pid_); }

 private:
  void end() {
    if (pid_ < 0) return;
    kill(pid_, SIGTERM);
    kill(pid_, SIGCONT);  // whoever was stopped would not hear it
    waitpid(pid_, nullptr, 0);
  }

  void serve() {
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, nullptr);
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kError,
                                                             iox::log::LogLevelOutput::kHideLogLevel);
    iox::RouDiConfig_t config;
    iox::mepoo::MePooConfig pools;
    constexpr std::uint64_t loaned = 16;  // by each end, beside what is queued
    const std::uint64_t chunks =
        (what_.readers * queue_of(what_) + loaned) * what_.writers + loaned * what_.readers + queue_of(what_);
    const auto bytes = static_cast<std::uint32_t>((Message(what_).bytes() + 63) / 64 * 64);
    pools.addMemPool({bytes, static_cast<std::uint32_t>(chunks)});
    const auto group = iox::posix::PosixGroup::getGroupOfCurrentProcess().getName();
    config.m_sharedMemorySegments.push_back({group, group, pools});
    iox::roudi::IceOryxRouDiComponents components(config);
    iox::roudi::RouDi roudi(components.rouDiMemoryManager, components.portManager,
                            iox::roudi::RouDi::RoudiStartupParameters{iox::roudi::MonitoringMode::OFF, false});
    ready_->store(1);
    int signal = 0;
    sigwait(&stop, &signal);
  }

  const Case what_;
  std::shared_ptr<std::atomic<int>> ready_;
  int pid_;
};

void join(const char* as, Direction direction, unsigned index) {
  iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kError,
                                                           iox::log::LogLevelOutput::kHideLogLevel);
  // A process has one runtime: whichever of its ends is made first names it.
  static bool joined = false;
  if (std::exchange(joined, true)) return;
  iox::runtime::PoshRuntime::initRuntime(
      iox::RuntimeName_t(iox::cxx::TruncateToCapacity, runtime_name(as, direction, index)));
}

iox::popo::PublisherOptions publisher_options() {
  iox::popo::PublisherOptions options;
  options.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
  return options;
}
iox::popo::SubscriberOptions subscriber_options(const Case& what) {
  iox::popo::SubscriberOptions options;
  options.queueCapacity = queue_of(what);
  options.queueFullPolicy = iox::popo::QueueFullPolicy::BLOCK_PRODUCER;
  return options;
}

class IceoryxWriter : public Writer {
 public:
  IceoryxWriter(const Case& what, Direction direction)
      : publisher_(service(direction), publisher_options()),
        bytes_(static_cast<std::uint32_t>(Message(what).bytes())) {}
  bool is_connected() override { return publisher_.hasSubscribers(); }
  void write(Message& message, std::uint64_t number) override {
    auto chunk = publisher_.loan(bytes_, alignof(std::uint64_t));
    if (chunk.has_error()) throw std::runtime_error("iceoryx has no chunk left");
    message.write(chunk.value(), number);
    publisher_.publish(chunk.value());
  }

 private:
  iox::popo::UntypedPublisher publisher_;
  std::uint32_t bytes_;
};

class IceoryxReader : public Reader {
 public:
  IceoryxReader(const Case& what, Direction direction)
      : subscriber_(service(direction), subscriber_options(what)), spin_(what.mode == Mode::Spin) {
    if (!spin_) {
      waits_.attachState(subscriber_, iox::popo::SubscriberState::HAS_DATA).or_else([](auto) {
        throw std::runtime_error("iceoryx cannot attach to its WaitSet");
      });
    }
  }
  ~IceoryxReader() override {
    if (!spin_) waits_.detachState(subscriber_, iox::popo::SubscriberState::HAS_DATA);
  }
  bool is_connected() override { return subscriber_.getSubscriptionState() == iox::SubscribeState::SUBSCRIBED; }
  std::uint64_t read(Message& message) override {
    for (;;) {
      auto chunk = subscriber_.take();
      if (!chunk.has_error()) {
        const std::uint64_t number = message.read(chunk.value());
        subscriber_.release(chunk.value());
        return number;
      }
      if (!spin_) waits_.wait();
    }
  }

 private:
  iox::popo::UntypedSubscriber subscriber_;
  bool spin_;
  iox::popo::WaitSet<1> waits_;
};

class IceoryxLink : public Link {
 public:
  explicit IceoryxLink(const Case& what) : what_(what), roudi_(what) {}
  std::unique_ptr<Writer> writer(Direction direction, unsigned index) override {
    join("writer", direction, index);
    return std::make_unique<IceoryxWriter>(what_, direction);
  }
  std::unique_ptr<Reader> reader(Direction direction, unsigned index) override {
    join("reader", direction, index);
    return std::make_unique<IceoryxReader>(what_, direction);
  }
  std::int64_t server_cpu_ns() const override { return roudi_.cpu_ns(); }

 private:
  const Case what_;
  Roudi roudi_;
};

/// RouDi holds this lock as long as it runs.
std::string another_roudi() {
  const int fd = open("/tmp/iox-unique-roudi.lock", O_RDWR | O_CLOEXEC);
  if (fd < 0) return "";
  const bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
  close(fd);
  return held ? "another RouDi runs on this machine, which can have one only" : "";
}

}  // namespace

Peer iceoryx_peer() {
  return {"iceoryx", another_roudi(), [](const Case&) { return true; },
          [](const Case& what) {
            return run_over([](const Case& of) -> std::unique_ptr<Link> { return std::make_unique<IceoryxLink>(of); },
                            what);
          }};
}

}  // namespace bench
