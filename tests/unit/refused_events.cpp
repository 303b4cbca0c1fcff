// Each CASE must fail to compile, with a message that says why and what to do: the build compiles this file once per
// case and looks for the message. The first case is well-formed, so that a broken file does not pass for a refusal.

#include <actor/event.hpp>
#include <actor/topic.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace refused {
#if CASE == 0
struct Event {
  std::string text;
};
#elif CASE == 1
struct Event {
  int* pointer;
};
#elif CASE == 2
struct Inner {
  std::string_view text;
};
struct Event {
  std::vector<Inner> inner;
};
#elif CASE == 3
namespace {
struct Event {
  int value;
};
}  // namespace
#elif CASE == 4
struct alignas(128) Event {
  int value;
};
#elif CASE == 5
struct Event {
  explicit Event(int);
  int value;
};
#elif CASE == 6
struct Base {
  int value;
};
struct Event : Base {};
#elif CASE == 7
struct Event {
  std::unique_ptr<int> owned;
};
#elif CASE == 8
struct Event {};
struct Other {};
enum class Topic { One };
constexpr Topic topic_of(const Event&) {
  return Topic::One;
}
#endif
}  // namespace refused

#if CASE == 8
using Topic = actor::topic_type<std::variant<refused::Event, refused::Other>>;
Topic topic{};
#else
const auto& type = actor::event_type<refused::Event>();
#endif
