#include "brain/event_log.hpp"

#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

namespace actor::broker {
namespace {

/// stderr, but never waiting for it: a terminal that was stopped with Ctrl-S must not stop the broker. Lines that find
/// no room are lost, and the next one says how many.
class ImpatientStderr final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (lost_ > 0 && write_all("(" + std::to_string(lost_) + " lines of the broker are missing here)\n")) lost_ = 0;
    if (!write_all({line.data(), line.size()})) ++lost_;
  }
  void flush_() override {}

 private:
  static bool write_all(std::string_view text) {
    while (!text.empty()) {
      pollfd polled{STDERR_FILENO, POLLOUT, 0};
      if (poll(&polled, 1, 0) != 1) return false;
      // A pipe that is writable has room for 4096 bytes (PIPE_BUF).
      const ssize_t count = write(STDERR_FILENO, text.data(), std::min<std::size_t>(text.size(), 4096));
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  std::uint64_t lost_ = 0;
};

}  // namespace

EventLog::EventLog(LogFormat format)
    : format_(format), logger_(std::make_shared<spdlog::logger>("broker", std::make_shared<ImpatientStderr>())) {
  logger_->set_pattern(format == LogFormat::Json ? "%v" : "%H:%M:%S.%e %l %v");
}

EventLog::~EventLog() = default;

void EventLog::info(std::string_view event, std::string_view actor, const std::string& text, Fields fields) {
  write(spdlog::level::info, event, actor, text, fields);
}
void EventLog::warn(std::string_view event, std::string_view actor, const std::string& text, Fields fields) {
  write(spdlog::level::warn, event, actor, text, fields);
}
void EventLog::error(std::string_view event, std::string_view actor, const std::string& text, Fields fields) {
  write(spdlog::level::err, event, actor, text, fields);
}

void EventLog::write(int level, std::string_view event, std::string_view actor, const std::string& text,
                     Fields fields) {
  const auto severity = static_cast<spdlog::level::level_enum>(level);
  if (format_ == LogFormat::Text) {
    logger_->log(severity, "{}{}{}", actor, actor.empty() ? "" : ": ", text);
    return;
  }
  nlohmann::ordered_json line;
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch());
  line["time_us"] = now.count();
  const auto name = spdlog::level::to_string_view(severity);
  line["level"] = std::string(name.data(), name.size());
  line["event"] = event;
  if (!actor.empty()) line["actor"] = actor;
  line["text"] = text;
  for (const auto& [key, value] : fields) {
    std::visit([&, k = std::string(key)](const auto& held) { line[k] = held; }, value);
  }
  // Names come from other processes: what is not UTF-8 is replaced, not thrown about.
  logger_->log(severity, "{}", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

}  // namespace actor::broker
