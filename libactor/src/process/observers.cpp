#include <poll.h>

#include <actor/error.hpp>
#include <cstdio>
#include <process/observer.hpp>
#include <process/observers.hpp>

namespace actor {
namespace {

/// So many tools at once. The broker has a lower limit; those that have just gone may still be among these.
constexpr std::size_t max_observers = 64;
/// How long an actor that has ended waits for its tools to take what it still had to say.
constexpr int last_words_ms = 200;

}  // namespace

Observers::Observers(Host& host, std::span<const EventType* const> types, EpollLoop& loop)
    : host_(host), types_(types), loop_(loop) {}

Observers::~Observers() {
  for (auto& [number, member] : members_) {
    if (member.watch) loop_.unwatch(member.watch);
  }
}

void Observers::add(control::Observe wishes, Fd socket) {
  if (members_.size() >= max_observers) {
    std::fprintf(stderr, "libactor: %s: %zu tools observe it already; another one is turned away\n",
                 std::string(host_.id.name()).c_str(), members_.size());
    return;  // the socket closes, and the tool sees it
  }
  const std::uint64_t number = next_number_++;
  Member& member = members_[number];
  member.observer = std::make_shared<Observer>(std::move(socket), std::move(wishes), host_, types_, [this, number] {
    const auto found = members_.find(number);
    if (found != members_.end() && found->second.observer) watch(number, found->second);
  });
  member.handle = monitors_.add(member.observer);
  watch(number, member);
}

void Observers::start() {
  started_ = true;
  for (auto& [number, member] : members_) watch(number, member);
}

/// What a tool wants sent waits in its socket until the actor has started: before, nobody would be sent it.
void Observers::watch(std::uint64_t number, Member& member) {
  const bool writes = member.observer->has_backlog();
  // What is not taken out of the socket must not keep the actor awake.
  const auto interest = !writes                      ? Loop::Interest::Read
                        : member.observer->is_full() ? Loop::Interest::Write
                                                     : Loop::Interest::ReadWrite;
  if (member.watch && member.watching == interest) return;
  if (member.watch) loop_.unwatch(std::exchange(member.watch, 0));
  if (!started_ && !writes) return;
  member.watching = interest;
  member.watch = loop_.watch_always(member.observer->fd(), interest, [this, number] { serve(number); });
}

void Observers::serve(std::uint64_t number) {
  const auto found = members_.find(number);
  if (found == members_.end()) return;
  Member& member = found->second;
  member.observer->flush();
  if (started_ ? member.observer->receive() : true) return watch(number, member);
  loop_.unwatch(member.watch);
  member.handle->remove();
  members_.erase(found);
}

void Observers::finish() {
  const auto until = Loop::Clock::now() + std::chrono::milliseconds(last_words_ms);
  for (auto& [number, member] : members_) {
    while (member.observer->has_queued() && Loop::Clock::now() < until) {
      pollfd polled{member.observer->fd(), POLLOUT, 0};
      ::poll(&polled, 1, last_words_ms);
      member.observer->flush();
    }
    member.observer->finish();
  }
}

}  // namespace actor
