// A user's program: two actors that talk, in this process, through the installed headers and library alone.
#include <actor/run.hpp>
#include <actor/supervisor.hpp>
#include <actor/version.hpp>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <variant>

namespace package_user {

struct Question {
  std::string text;
};
struct Answer {
  std::string text;
};
using Events = std::variant<Question, Answer>;

class Asker : public actor::Actor<Events> {
 public:
  explicit Asker(std::string& answer) : answer_(answer) {}
  void on_start() override { ctx().send(Question{"who is there?"}); }
  void handle_event(const actor::Envelope<Events>& envelope) override {
    if (const auto* answer = envelope.get_if<Answer>()) answer_ = answer->text;
    ctx().stop_runtime();
  }

 private:
  std::string& answer_;
};

class Answerer : public actor::Actor<Events> {
 public:
  void handle_event(const actor::Envelope<Events>& envelope) override {
    if (const auto* question = envelope.get_if<Question>()) ctx().send(Answer{question->text + " libactor"});
  }
};

}  // namespace package_user

int main(int argc, char** argv) {
  using namespace package_user;
  // Started with options, it is an actor's process, as under a broker: `package_user --version`.
  if (argc > 1) return actor::run<Answerer>(argc, argv);

  if (std::string_view(actor::version()) != PACKAGE_VERSION) {
    std::cerr << "the library says " << actor::version() << ", the package says " << PACKAGE_VERSION << '\n';
    return 1;
  }
  std::string answer;
  actor::Supervisor<Events> supervisor;
  supervisor.add_actor<Answerer>("answerer", {actor::of<Question>});
  supervisor.add_actor<Asker>("asker", {actor::of<Answer>}, std::ref(answer));
  supervisor.run();
  std::cout << answer << ' ' << actor::version() << '\n';
  return answer == "who is there? libactor" ? 0 : 1;
}
