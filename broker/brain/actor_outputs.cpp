#include "brain/actor_outputs.hpp"

#include <unistd.h>

#include <algorithm>

namespace actor::broker {

ActorOutputs::ActorOutputs(EpollLoop& loop, LogFormat format, KeptLines& kept, OutputHandler& handler)
    : loop_(loop), handler_(handler), output_(STDOUT_FILENO, format, kept) {}

ActorOutputs::~ActorOutputs() {
  while (!pipes_.empty()) drop(pipes_.begin());
  if (sink_watch_ != 0) loop_.unwatch(sink_watch_);
}

void ActorOutputs::drop(std::map<std::uint64_t, Pipe>::iterator found) {
  loop_.unwatch(found->second.watch);
  handler_.let_go(found->second.pipe.take_fd());
  pipes_.erase(found);
}

void ActorOutputs::add(const std::string& actor, pid_t pid, Fd out, Fd err) {
  add_pipe(actor, pid, OutputStream::Out, std::move(out));
  add_pipe(actor, pid, OutputStream::Err, std::move(err));
}

void ActorOutputs::add_pipe(const std::string& actor, pid_t pid, OutputStream stream, Fd fd) {
  if (!fd) return;
  const std::uint64_t id = next_++;
  const WatchId watch = loop_.watch_always(fd.get(), Loop::Interest::Read, [this, id] { readable(id); });
  pipes_.emplace(id, Pipe{OutputPipe(output_, actor, pid, stream, std::move(fd)), watch});
  by_pid_.emplace(pid, id);
}

void ActorOutputs::readable(std::uint64_t id) {
  const auto found = pipes_.find(id);
  const OutputPipe::Read read = found->second.pipe.read_some();
  if (read != OutputPipe::Read::Some) {
    const auto printed_by =
        std::find_if(by_pid_.begin(), by_pid_.end(), [id](const auto& item) { return item.second == id; });
    const pid_t pid = printed_by->first;
    by_pid_.erase(printed_by);
    drop(found);
    if (read == OutputPipe::Read::Descriptor) handler_.sent_descriptor(pid);
  }
  watch_sink();
}

void ActorOutputs::finish(pid_t pid) {
  const auto [first, last] = by_pid_.equal_range(pid);
  for (auto it = first; it != last; ++it) {
    const auto found = pipes_.find(it->second);
    found->second.pipe.finish();
    drop(found);
  }
  by_pid_.erase(pid);
  watch_sink();
}

void ActorOutputs::look(pid_t pid) {
  const auto [first, last] = by_pid_.equal_range(pid);
  std::vector<std::uint64_t> pipes;
  for (auto it = first; it != last; ++it) pipes.push_back(it->second);
  for (const std::uint64_t id : pipes) readable(id);
}

void ActorOutputs::finish_all() {
  output_.finish(std::chrono::milliseconds(500));
}

void ActorOutputs::watch_sink() {
  if (output_.has_queued() == (sink_watch_ != 0)) return;
  if (sink_watch_ != 0) {
    loop_.unwatch(sink_watch_);
    sink_watch_ = 0;
    return;
  }
  sink_watch_ = loop_.watch_always(output_.fd(), Loop::Interest::Write, [this] {
    output_.flush();
    watch_sink();
  });
}

}  // namespace actor::broker
