// Two players guess a game master's secret number: one halves the range, the other takes chances. The master answers
// everybody on one topic, and each player picks out what is meant for it. Ends by itself when both have found it.
//   guesser --in-process                          all as actors of this process
//   actor-broker examples/guesser/guesser.toml    each a process of its own
// GUESSER_SEED=7 makes a game that can be played again.

#include <actor/run.hpp>
#include <actor/supervisor.hpp>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>

enum class Hint : std::uint8_t { Higher, Lower, Right };

struct Guess {
  int number = 0;
};
struct Answer {
  std::string player;
  int number = 0;
  Hint hint = Hint::Right;
};
using GameEvent = std::variant<Guess, Answer>;

// Each event type is its own topic. Block: nothing is lost, also not what is said to a process that is still starting.
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Guess>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Answer>) {
  return actor::OverflowPolicy::block();
}

constexpr int lowest = 1;
constexpr int highest = 1000;
constexpr std::size_t players = 2;

std::mt19937 dice(unsigned who) {
  const char* seed = std::getenv("GUESSER_SEED");
  return std::mt19937((seed ? static_cast<unsigned>(std::stoul(seed)) : std::random_device{}()) + who);
}

int between(int low, int high, std::mt19937& dice) {
  return std::uniform_int_distribution<int>(low, high)(dice);
}

class GameMaster : public actor::Actor<GameEvent> {
  void on_start() override {
    std::mt19937 generator = dice(0);
    secret_ = between(lowest, highest, generator);
  }

  void handle_event(const actor::Envelope<GameEvent>& envelope) override {
    const Guess* guess = envelope.get_if<Guess>();
    if (!guess) return;
    const std::string player(envelope.sender().name());
    const Hint hint = guess->number < secret_ ? Hint::Higher : guess->number > secret_ ? Hint::Lower : Hint::Right;
    ++guesses_[player];
    ctx().send_child_event(Answer{player, guess->number, hint}, envelope.id());
    if (hint != Hint::Right) return;
    std::cout << player << " found " << secret_ << " with guess " << guesses_[player] << std::endl;
    if (++found_ == players) ctx().stop_runtime();
  }

  int secret_ = 0;
  std::map<std::string, int> guesses_;
  std::size_t found_ = 0;
};

/// What both players have in common: the range that is left.
class Player : public actor::Actor<GameEvent> {
 protected:
  virtual int choose(int low, int high) = 0;

 private:
  void on_start() override { ctx().send(Guess{choose(low_, high_)}); }

  void handle_event(const actor::Envelope<GameEvent>& envelope) override {
    const Answer* answer = envelope.get_if<Answer>();
    if (!answer || answer->player != ctx().actor_name() || answer->hint == Hint::Right) return;
    (answer->hint == Hint::Higher ? low_ : high_) = answer->number + (answer->hint == Hint::Higher ? 1 : -1);
    ctx().send_child_event(Guess{choose(low_, high_)}, envelope.id());
  }

  int low_ = lowest;
  int high_ = highest;
};

class Bisector : public Player {
  int choose(int low, int high) override { return low + (high - low) / 2; }
};

class Gambler : public Player {
  int choose(int low, int high) override { return between(low, high, dice_); }
  std::mt19937 dice_ = dice(1);
};

int main(int argc, char** argv) {
  if (argc < 2 || std::string(argv[1]) != "--in-process") return actor::run<GameMaster, Bisector, Gambler>(argc, argv);
  actor::Supervisor<GameEvent> supervisor;
  supervisor.add_actor<GameMaster>("master", actor::of<Guess>);
  supervisor.add_actor<Bisector>("bisector", actor::of<Answer>);
  supervisor.add_actor<Gambler>("gambler", actor::of<Answer>);
  supervisor.stop_on_signals();
  supervisor.run();
}
