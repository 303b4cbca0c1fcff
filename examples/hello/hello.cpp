// Two actors: one greets every second, the other prints what it hears.
//   hello --in-process                        both inside this process
//   actor-broker examples/hello/hello.toml    each a process of its own

#include <actor/run.hpp>
#include <actor/supervisor.hpp>
#include <iostream>
#include <string>

struct Greeting {  // an event is a plain struct: nothing to derive from, no macro, no serialize()
  std::string text;
  int number = 0;
};
using HelloEvent = std::variant<Greeting>;

class Greeter : public actor::Actor<HelloEvent> {
  void on_start() override {
    ctx().every(std::chrono::seconds(1), [this] { ctx().send(Greeting{"hello, world", ++count_}); });
  }
  int count_ = 0;
};

class Printer : public actor::Actor<HelloEvent> {
  void handle_event(const actor::Envelope<HelloEvent>& envelope) override {
    if (const Greeting* greeting = envelope.get_if<Greeting>())
      std::cout << envelope.sender() << ": " << greeting->text << " #" << greeting->number << std::endl;
  }
};

int main(int argc, char** argv) {
  if (argc < 2 || std::string(argv[1]) != "--in-process") return actor::run<Greeter, Printer>(argc, argv);
  actor::Supervisor<HelloEvent> supervisor;
  supervisor.add_actor<Printer>("printer", {actor::of<Greeting>});
  supervisor.add_actor<Greeter>("greeter", actor::Subscribe::none());
  supervisor.stop_on_signals();
  supervisor.run();
}
