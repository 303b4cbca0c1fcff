// Two actors play ping-pong until PINGPONG_ROUNDS (default 10), then end the whole runtime. Each event type is its own
// topic; each answer names the event that it answers, so that a tool can draw the whole rally as one chain.
//   pingpong --in-process                           both inside this process
//   actor-broker examples/pingpong/pingpong.toml    each a process of its own

#include <actor/run.hpp>
#include <actor/supervisor.hpp>
#include <cstdlib>
#include <iostream>
#include <string>

struct Ping {
  int round = 0;
};
struct Pong {
  int round = 0;
};
using PingPongEvent = std::variant<Ping, Pong>;

class Pinger : public actor::Actor<PingPongEvent> {
  void on_start() override {
    if (const char* rounds = std::getenv("PINGPONG_ROUNDS")) rounds_ = std::stoi(rounds);
    // Serves until somebody answers: the other player may still be on its way.
    serve_ = ctx().every(std::chrono::milliseconds(100), [this] { serve(); });
    serve();
  }

  void handle_event(const actor::Envelope<PingPongEvent>& envelope) override {
    const Pong* pong = envelope.get_if<Pong>();
    if (!pong || pong->round != round_) return;  // an answer to an earlier serve
    if (round_ == 1) ctx().cancel(serve_);
    if (round_ >= rounds_) return finish();
    ctx().send_child_event(Ping{++round_}, envelope.id());
  }

  void serve() {
    round_ = 1;
    served_at_ = std::chrono::steady_clock::now();
    ctx().send(Ping{round_});
  }

  void finish() {
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - served_at_;
    std::cout << round_ << " rounds, " << took.count() / round_ << " us each" << std::endl;
    ctx().stop_runtime();
  }

  int rounds_ = 10;
  int round_ = 0;
  actor::TimerId serve_ = 0;
  std::chrono::steady_clock::time_point served_at_;
};

class Ponger : public actor::Actor<PingPongEvent> {
  void handle_event(const actor::Envelope<PingPongEvent>& envelope) override {
    if (const Ping* ping = envelope.get_if<Ping>()) ctx().send_child_event(Pong{ping->round}, envelope.id());
  }
};

int main(int argc, char** argv) {
  if (argc < 2 || std::string(argv[1]) != "--in-process") return actor::run<Pinger, Ponger>(argc, argv);
  actor::Supervisor<PingPongEvent> supervisor;
  supervisor.add_actor<Ponger>("ponger", {actor::of<Ping>});
  supervisor.add_actor<Pinger>("pinger", {actor::of<Pong>});
  supervisor.stop_on_signals();
  supervisor.run();
}
