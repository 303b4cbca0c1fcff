#pragma once
// What the broker has to say: one line per event, as text for people or as JSON for programs, to stderr. Owned by the
// brain, one thread.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "manifest/manifest.hpp"

namespace spdlog {
class logger;
}

namespace actor::broker {

class EventLog {
 public:
  using Value = std::variant<std::string, std::int64_t, double>;
  using Fields = std::initializer_list<std::pair<std::string_view, Value>>;

  explicit EventLog(LogFormat format);
  ~EventLog();

  /// `event`: a fixed word, such as "died"; `actor`: may be empty; `text`: the same for people. The fields appear in
  /// JSON only: the text says them too.
  void info(std::string_view event, std::string_view actor, const std::string& text, Fields fields = {});
  void warn(std::string_view event, std::string_view actor, const std::string& text, Fields fields = {});
  void error(std::string_view event, std::string_view actor, const std::string& text, Fields fields = {});

 private:
  void write(int level, std::string_view event, std::string_view actor, const std::string& text, Fields fields);

  LogFormat format_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace actor::broker
