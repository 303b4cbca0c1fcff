#pragma once
// One tool that observes this actor: the monitor that writes its packets, and the ear for what it wants sent. Owned by
// Observers, the actor's thread.

#include <actor/host.hpp>
#include <control/channel.hpp>
#include <functional>
#include <span>

namespace actor {

class Observer final : public Monitor {
 public:
  /// `wishes`: what the tool wants to see. `on_backlog` is called when it is slow to read: flush() when the socket is
  /// writable again.
  Observer(Fd socket, control::Observe wishes, Host& host, std::span<const EventType* const> types,
           std::function<void()> on_backlog);

  int fd() const { return channel_.fd(); }
  bool has_queued() const { return channel_.has_queued(); }
  bool has_backlog() const { return backlog_ || channel_.has_queued(); }
  /// As much waits for the tool as may: what else there is to tell it is lost, and what it wants waits in its socket.
  bool is_full() const;
  void flush();
  /// Nothing is said any more: what is not queued by now will be read.
  void finish();
  /// Does what the tool has asked for; nothing while the answers would find no room. False: the tool is gone, or talks
  /// nonsense.
  bool receive();

  void on_event_dispatched(const Observation& event) override;
  void on_event_delivered(const Observation& event) override;
  void on_event_handled(const Observation& event) override;
  void on_overflow(const Observation& event, const OverflowPolicy& policy) override;
  void on_error(ActorId actor, const Error& error) override;

 private:
  bool wants(std::string_view topic, control::SeenAs as) const;
  void tell_event(const Observation& event, control::SeenAs as, const OverflowPolicy& policy);
  template <class Message>
  void tell(const Message& message);
  template <class Message>
  void send(const Message& message);
  void note_backlog(std::size_t more_bytes);
  std::size_t unread_bytes() const;
  void tell_lost();
  void send_as(const control::SendAs& request);
  EventId send_in_its_name(const control::SendAs& request);
  const EventType& type_of(const control::SendAs& request) const;

  control::Channel channel_;
  const control::Observe wishes_;
  Host& host_;
  std::span<const EventType* const> types_;
  std::function<void()> on_backlog_;
  std::size_t socket_bytes_;
  bool backlog_ = false;    // as the tool knows it
  std::uint64_t lost_ = 0;  // packets that found no room, and the tool was not told of
};

}  // namespace actor
