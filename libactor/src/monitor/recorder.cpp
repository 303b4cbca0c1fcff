#include <fcntl.h>
#include <unistd.h>

#include <actor/detail/text.hpp>
#include <actor/json.hpp>
#include <actor/monitors/recorder.hpp>
#include <cerrno>
#include <cstdio>
#include <ostream>

namespace actor {
namespace {

std::int64_t ns_of(auto time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

void append_line(std::string& line, const Observation& event) {
  const Meta& meta = event.meta;
  detail::JsonWriter out(line);
  const auto text = [&](std::string_view key, std::string_view value) {
    out.key(key);
    out.string(value);
  };
  out.open('{');
  text("id", to_string(meta.id));
  out.key("parent");
  meta.parent ? out.string(to_string(meta.parent)) : out.null();
  text("topic", event.topic);
  text("sender", meta.sender.name());
  text("receiver", event.receiver.name());
  text("label", event.label());
  out.key("type");
  event.type ? out.string(event.type->name) : out.null();
  std::string wall;
  detail::append_wall_time(wall, ns_of(meta.wall_time));
  text("wall", wall);
  out.key("monotonic_ns");
  out.integer(ns_of(meta.monotonic_time));
  for (const auto& [key, flag] :
       {std::pair("redelivered", meta.redelivered), {"maybe_duplicate", meta.maybe_duplicate}}) {
    if (!flag) continue;
    out.key(key);
    out.boolean(true);
  }
  if (meta.attempt != 1) {
    out.key("attempt");
    out.natural(meta.attempt);
  }
  out.key("event");
  event.type ? event.type->to_json(event.event, out) : out.null();
  out.close('}');
  line += '\n';
}

}  // namespace

Recorder::Recorder(const std::filesystem::path& path, RecorderOptions options)
    : options_(std::move(options)), name_(path.string()) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND | (options_.append ? 0 : O_TRUNC);
  fd_ = open(name_.c_str(), flags, 0666);
  if (fd_ < 0) throw_errno("opening " + name_ + " to record events");
}

Recorder::Recorder(std::ostream& out, RecorderOptions options)
    : options_(std::move(options)), name_("a stream"), out_(&out) {}

Recorder::~Recorder() {
  try {
    flush();
  } catch (const Error& error) {
    std::fprintf(stderr, "libactor: the end of a recording is lost: %s\n", error.what());
  }
  if (fd_ >= 0) close(fd_);
}

void Recorder::on_event_delivered(const Observation& event) {
  if (!options_.topics.includes(event.topic)) return;
  const std::scoped_lock lock(mutex_);
  append_line(lines_, event);
  if (++line_count_ >= options_.lines_per_write) write_lines();
}

void Recorder::on_actor_stop(ActorId) {
  flush();
}

void Recorder::flush() {
  const std::scoped_lock lock(mutex_);
  write_lines();
}

void Recorder::write_lines() {
  const std::string lines = std::exchange(lines_, {});
  line_count_ = 0;
  if (out_) {
    if (!(out_->write(lines.data(), static_cast<std::streamsize>(lines.size())).flush()))
      throw Error(ErrorCode::Io, "recording events to " + name_ + ": the stream has failed");
    return;
  }
  for (std::string_view rest = lines; !rest.empty();) {
    const ssize_t written = write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_errno("recording events to " + name_);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace actor
