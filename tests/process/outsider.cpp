// Programs that know iceoryx and nothing of libactor: they read and write a topic of a broker as docs/iceoryx.md says.
//   outsider read SERVICE INSTANCE EVENT          prints "listening", then each value
//   outsider write SERVICE EVENT FIRST LAST       publishes the values, as {SERVICE, "@outside", EVENT}
//   outsider die-locked SERVICE INSTANCE EVENT    is killed inside iceoryx, holding a lock that RouDi needs
// With a seventh word: its own name at RouDi.

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iceoryx_posh/popo/publisher.hpp>
#include <iceoryx_posh/popo/subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <mutex>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;

/// The layout of the event puppets::Number.
struct Number {
  int value;
};

iox::capro::ServiceDescription described(const std::string& service, const std::string& instance,
                                         const std::string& event) {
  using iox::capro::IdString_t;
  return {IdString_t(iox::cxx::TruncateToCapacity, service), IdString_t(iox::cxx::TruncateToCapacity, instance),
          IdString_t(iox::cxx::TruncateToCapacity, event)};
}

int read_numbers(const iox::capro::ServiceDescription& service) {
  iox::popo::Subscriber<Number> subscriber(service);
  while (subscriber.getSubscriptionState() != iox::SubscribeState::SUBSCRIBED) std::this_thread::sleep_for(1ms);
  std::puts("listening");
  std::fflush(stdout);
  for (;;) {
    auto sample = subscriber.take();
    if (sample.has_error()) {
      std::this_thread::sleep_for(1ms);
      continue;
    }
    std::printf("read %d\n", sample.value()->value);
    std::fflush(stdout);
  }
}

int write_numbers(const iox::capro::ServiceDescription& service, int first, int last) {
  iox::popo::PublisherOptions options;
  options.subscriberTooSlowPolicy = iox::popo::ConsumerTooSlowPolicy::WAIT_FOR_CONSUMER;
  iox::popo::Publisher<Number> publisher(service, options);
  while (!publisher.hasSubscribers()) std::this_thread::sleep_for(1ms);
  for (int value = first; value <= last; ++value)
    publisher.loan().and_then([&](auto& sample) {
      sample->value = value;
      sample.publish();
    });
  std::printf("wrote %d\n", last);
  return 0;
}

int die_locked(const iox::capro::ServiceDescription& service) {
  auto* const publisher = iox::runtime::PoshRuntime::getInstance().getMiddlewarePublisher(service);
  publisher->m_chunkSenderData.lock();
  raise(SIGKILL);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const std::string what = argv[1];
  const std::string name = argc > 6 ? argv[6] : "outsider-" + what;
  iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, name));
  if (what == "read") return read_numbers(described(argv[2], argv[3], argv[4]));
  if (what == "write" && argc > 5)
    return write_numbers(described(argv[2], "@outside", argv[3]), std::atoi(argv[4]), std::atoi(argv[5]));
  if (what == "die-locked") return die_locked(described(argv[2], argv[3], argv[4]));
  return 2;
}
