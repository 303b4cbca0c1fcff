// What actors and tools say over their control sockets, and what becomes of who says what he must not.

#include <actor/version.hpp>
#include <algorithm>
#include <csignal>

#include "brain/brain.hpp"

namespace actor::broker {
namespace {

/// Descriptors come free when others end: nobody tells when.
constexpr auto shortage_pause = std::chrono::milliseconds(100);

/// Of an answer to a tool that go into one packet.
constexpr std::size_t reply_part_bytes = control::max_packet_bytes / 2;

}  // namespace

void Brain::hello(Session& session, control::Hello hello, Fd status) {
  ActorEntry* entry = entry_of(session);
  try {
    if (!entry && spare_hello(session, hello, status)) return;
    if (!entry) entry = adopt(session, hello);
    if (entry) admit(*entry, hello, std::move(status));
  } catch (const Error& error) {
    fail(session, error.what());
  }
}

void Brain::message(Session& session, control::ToBroker message, std::vector<Fd> fds) {
  if (SharedProcess* process = process_of(session)) return heard(*process, message);
  ActorEntry* entry = entry_of(session);
  if (!entry) return;
  Exchange::Violation violation;
  speaker_ = &session;
  try {
    violation = dispatch(*entry, message, fds);
  } catch (const Error& error) {
    speaker_ = nullptr;
    return fail(session, error.what());
  }
  speaker_ = nullptr;
  if (!violation) return;
  session.close();
  violated(session, *violation);
}

/// Descriptors or memory ran out while an actor was served: that actor is given up, the others go on.
void Brain::fail(Session& session, const std::string& why) {
  log_.error("out_of_resources", "", why);
  session.close();
  violated(session, "the broker could not serve it: " + why);
}

Exchange::Violation Brain::dispatch(ActorEntry& entry, const control::ToBroker& message, std::vector<Fd>& fds) {
  Exchange::Violation violation;
  std::visit(
      [&](const auto& held) {
        using Message = std::decay_t<decltype(held)>;
        const ActorIndex from = entry.index;
        if constexpr (std::is_same_v<Message, control::RouteReady>) {
          violation = exchange_.route_ready(from, held, std::move(fds.at(0)));
        } else if constexpr (std::is_same_v<Message, control::ExtentAdded>) {
          violation = exchange_.extent_added(from, held, std::move(fds.at(0)));
        } else if constexpr (std::is_same_v<Message, control::RouteSwitched>) {
          violation = exchange_.route_switched(from, held);
        } else if constexpr (std::is_same_v<Message, control::Attached>) {
          violation = exchange_.attached(from, held);
        } else if constexpr (std::is_same_v<Message, control::SegmentDrained>) {
          violation = exchange_.drained(from, held);
        } else if constexpr (std::is_same_v<Message, control::ExtentDropped>) {
          violation = exchange_.extent_dropped(from, held);
        } else if constexpr (std::is_same_v<Message, control::StopRuntime>) {
          begin_shutdown("actor '" + entry.name + "' asked for it");
        } else if constexpr (std::is_same_v<Message, control::Quiesced>) {
          advance_shutdown();
        } else if constexpr (requires { this->on_message(entry, held); }) {
          on_message(entry, held);
        }
      },
      message);
  return violation;
}

void Brain::request(Session& session, const std::string& json) {
  const std::string text = answer(session, json);
  std::size_t at = 0;
  do {
    const std::size_t end = std::min(at + reply_part_bytes, text.size());
    session.send(control::Reply{text.substr(at, end - at), end != text.size()});
    at = end;
  } while (at != text.size());
}

void Brain::other_version(Session& session, unsigned version) {
  const std::string text = "it speaks version " + std::to_string(version) +
                           " of the control protocol, this broker speaks version " + std::to_string(protocol_version) +
                           ": build both with the same libactor";
  if (ActorEntry* entry = entry_of(session)) return refuse(*entry, text);
  if (SharedProcess* process = process_of(session)) return process_refused(*process, text);
  session.send(control::Refused{text});
  log_.warn("refused", "", "refused a program that connected: " + text);
}

void Brain::violated(Session& session, const std::string& what) {
  if (ActorEntry* entry = entry_of(session)) {
    log_.error("violation", entry->name, "broke the control protocol and is killed: " + what);
    entry->circumstances.corrupt = true;
    kill(*entry, SIGKILL, true);
    return;
  }
  if (ActorEntry* entry = entry_of_spare(session)) {
    log_.error("violation", entry->name, "its spare process broke the control protocol and is killed: " + what);
    return drop_spare(*entry);
  }
  if (SharedProcess* process = process_of(session)) return process_lost(*process, what);
  log_.warn("violation", "", "closed a connection that broke the control protocol: " + what);
  hung_up(session);
}

/// Whoever makes the broker talk to one that does not listen waits for it.
void Brain::lags(Session& session) {
  if (speaker_ && speaker_ != &session) speaker_->hold();
}

void Brain::caught_up(Session&) {
  for (auto& [index, entry] : entries_) {
    if (entry->session) entry->session->let_speak();
  }
}

void Brain::sent_descriptor(pid_t pid) {
  Session* session = nullptr;
  for (auto& [serial, process] : processes_) {
    if (process.pid == pid) session = process.session.get();
  }
  for (auto& [index, entry] : entries_) {
    if (entry->spare.serial != 0 && entry->spare.pid == pid) session = entry->spare.session.get();
    if (entry->pid == pid && entry->serial != 0 && !entry->has_exited) session = entry->session.get();
  }
  if (!session) return;
  session->close();
  violated(*session, "it sent a descriptor to its standard output or error");
}

/// What it has sent stays where it is.
void Brain::out_of_descriptors(Session&) {
  if (!std::exchange(told_shortage_, true))
    log_.error(
        "out_of_resources", "",
        "this process is out of file descriptors: some actors are not heard until there are some; raise its limit "
        "(LimitNOFILE= of its unit, ulimit -n)");
  if (shortage_timer_ == 0) shortage_timer_ = loop_.after(shortage_pause, [this] { feed_the_starved(); });
}

void Brain::feed_the_starved() {
  shortage_timer_ = 0;
  for (auto& [index, entry] : entries_) {
    if (entry->session) entry->session->go_on();
    if (entry->spare.session) entry->spare.session->go_on();
  }
  for (auto& [serial, process] : processes_) {
    if (process.session) process.session->go_on();
  }
  for (auto& [id, connection] : connections_) connection.session->go_on();
}

void Brain::hung_up(Session& session) {
  if (ActorEntry* entry = entry_of(session)) {
    // Its end follows at once, unless it only closed its socket: then it is of no use any more.
    if (entry->life == Life::Stopping || entry->said_goodbye) return;
    set_due(*entry, Due::HangUp, stop_timeout(*entry));
    return;
  }
  if (ActorEntry* entry = entry_of_spare(session)) return drop_spare(*entry);  // it can take nobody's place any more
  if (SharedProcess* process = process_of(session)) return process_lost(*process, "");
  const auto found = connections_.find(session.owner());
  if (found == connections_.end()) return;
  session.close();
  finished_.push_back(std::move(found->second.session));
  connections_.erase(found);
}

}  // namespace actor::broker
