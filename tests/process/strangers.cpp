// A program that was built against other headers: the same names, another schema, another policy.

#include <actor/run.hpp>

namespace puppets {

#ifdef OTHER_SCHEMA
struct Number {
  double value;
};
#else
struct Number {
  int value;
};
#endif
enum class Topic { Numbers };
constexpr Topic topic_of(const Number&) {
  return Topic::Numbers;
}
constexpr actor::OverflowPolicy overflow_policy(Topic) {
#ifdef OTHER_SCHEMA
  return actor::OverflowPolicy::block();
#else
  return actor::OverflowPolicy::drop_oldest();
#endif
}

class Stranger : public actor::Actor<std::variant<Number>> {};

}  // namespace puppets

int main(int argc, char** argv) {
  return actor::run<puppets::Stranger>(argc, argv);
}
