// What `many` runs hundreds of: one Source, which sends nothing, and Listeners that wait for it.

#include <actor/run.hpp>

namespace many {

struct Beat {
  std::uint64_t number = 0;
};
using Events = std::variant<Beat>;
enum class Topic { Beats };
constexpr Topic topic_of(const Beat&) {
  return Topic::Beats;
}
constexpr actor::OverflowPolicy overflow_policy(Topic) {
  return actor::OverflowPolicy::block();
}

class Source : public actor::Actor<Events> {};

class Listener : public actor::Actor<Events> {
 public:
  void handle_event(const actor::Envelope<Events>&) override {}
};

}  // namespace many

int main(int argc, char** argv) {
  return actor::run<many::Source, many::Listener>(argc, argv);
}
