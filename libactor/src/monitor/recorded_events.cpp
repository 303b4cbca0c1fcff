#include <actor/error.hpp>
#include <actor/monitors/recorded_events.hpp>
#include <algorithm>

namespace actor {

RecordedLines::RecordedLines(const std::filesystem::path& path, Subscribe topics, bool every_delivery)
    : path_(path.string()), topics_(std::move(topics)), every_delivery_(every_delivery), file_(path) {
  if (!file_) throw_errno("opening the recording " + path_);
}

RecordedLines::~RecordedLines() = default;

/// Errors of `read` get the line's place in front.
template <class Read>
void RecordedLines::in_line(Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    throw Error(error.code(), path_ + ":" + std::to_string(line_number_) + ": " + error.what());
  }
}

bool RecordedLines::read_line() {
  while (std::getline(file_, line_)) {
    ++line_number_;
    const bool is_whole = !file_.eof();  // else the newline is missing
    if (line_.empty()) continue;
    try {
      at_ = std::make_unique<detail::JsonReader>(line_);
      return true;
    } catch (const Error& error) {
      if (is_whole) throw Error(error.code(), path_ + ":" + std::to_string(line_number_) + ": " + error.what());
      was_cut_ = true;
      return false;
    }
  }
  if (file_.bad()) throw_errno("reading the recording " + path_);
  return false;
}

bool RecordedLines::is_wanted() {
  at_->enter("topic");
  const std::string topic = at_->string();
  at_->leave();
  if (!topics_.includes(topic)) return false;
  at_->enter("id");
  const EventId id = detail::read_json_event_id(*at_);
  at_->leave();
  return every_delivery_ || seen_.insert(id).second;
}

void RecordedLines::read_meta(Meta& meta) {
  const auto read = [&](std::string_view name, auto& value) {
    at_->enter(name);
    detail::read_json(*at_, value);
    at_->leave();
  };
  const auto read_if_there = [&](std::string_view name, auto& value) {
    if (at_->has(name)) read(name, value);
  };
  std::optional<EventId> parent;
  std::int64_t monotonic_ns = 0;
  read("id", meta.id);
  read("parent", parent);
  read("sender", meta.sender);
  read("wall", meta.wall_time);
  read("monotonic_ns", monotonic_ns);
  meta.parent = parent.value_or(EventId{});
  meta.monotonic_time = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(monotonic_ns));
  read_if_there("redelivered", meta.redelivered);
  read_if_there("maybe_duplicate", meta.maybe_duplicate);
  read_if_there("attempt", meta.attempt);
}

std::size_t RecordedLines::type_among(std::span<const EventType* const> types) {
  at_->enter("type");
  const std::string name = at_->is_null() ? std::string() : at_->string();
  const auto type =
      std::find_if(types.begin(), types.end(), [&](const EventType* candidate) { return candidate->name == name; });
  if (type == types.end()) {
    std::string known;
    for (const EventType* candidate : types) known.append(known.empty() ? "" : ", ").append(candidate->name);
    at_->refuse("one of this program's events (" + known + ")");
  }
  at_->leave();
  return static_cast<std::size_t>(type - types.begin());
}

std::optional<std::size_t> RecordedLines::next(std::span<const EventType* const> types, Meta& meta, std::string& topic,
                                               ActorId& receiver) {
  bool wanted = false;
  while (!wanted) {
    if (!read_line()) return std::nullopt;
    in_line([&] { wanted = is_wanted(); });
  }
  std::size_t type = 0;
  in_line([&] {
    read_meta(meta);
    at_->enter("topic");
    topic = at_->string();
    at_->leave();
    at_->enter("receiver");
    receiver = ActorId(at_->string());
    at_->leave();
    type = type_among(types);
  });
  return type;
}

void RecordedLines::read_event(const EventType& type, void* event) {
  in_line([&] {
    at_->enter("event");
    type.from_json(*at_, event);
    at_->leave();
  });
}

}  // namespace actor
