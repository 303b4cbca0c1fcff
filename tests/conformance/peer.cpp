#include "conformance/peer.hpp"

#include <actor/error.hpp>
#include <future>
#include <limits>

#include "conformance/events.hpp"

namespace actor::conformance {
namespace {

Number number_in(const Delivery& delivery) {
  if (delivery.object) return *static_cast<const Number*>(delivery.object);
  Number number{};
  ACTOR_ASSERT(event_type<Number>().decode(delivery.payload, &number), "a Number arrives as it was sent");
  return number;
}

}  // namespace

Peer::Peer(std::string_view name, const std::map<std::string, PeerTopic>& topics) : id_(name), topics_(topics) {}

Peer::~Peer() {
  end();
  port_.reset();
  injection_->close();
}

void Peer::set_port(std::unique_ptr<Port> port) {
  port_ = std::move(port);
  handles_.clear();
  if (!port_) return;
  for (const auto& [name, topic] : topics_)
    handles_.emplace(name, port_->open_topic(name, topic.policy, topic.latched));
}

std::uint16_t Peer::topic(std::string_view name) const {
  const auto found = handles_.find(name);
  ACTOR_ASSERT(found != handles_.end(), "a test declares its topics in its WorldOptions");
  return found->second;
}

EventId Peer::send_number(std::string_view topic_name, std::uint64_t value, EventId parent) {
  return send(topic_name, Number{value}, parent);
}

bool Peer::next(Delivery& out) {
  if (!threaded_) injection_->run();
  return port_->next(out);
}

bool Peer::take(Receipt& out) {
  if (!next(in_hand_)) return false;
  const Delivery& delivery = in_hand_;
  out = {};
  out.id = delivery.id;
  out.parent = delivery.parent;
  out.sender = std::string(delivery.sender.name());
  out.topic = std::string(port_->topic_name(delivery.topic));
  out.flags = delivery.flags;
  out.attempt = delivery.attempt;
  out.known = delivery.type != Delivery::unknown_type;
  if (delivery.type == event_index<Events, Number>) out.value = number_in(delivery).value;
  return true;
}

void Peer::done() {
  port_->handled(in_hand_, in_hand_.type != Delivery::unknown_type);
}

bool Peer::receive(Receipt& out) {
  if (!take(out)) return false;
  done();
  return true;
}

std::vector<Receipt> Peer::receive_all() {
  std::vector<Receipt> all;
  for (Receipt receipt; receive(receipt);) all.push_back(receipt);
  return all;
}

std::vector<std::uint64_t> Peer::receive_numbers() {
  std::vector<std::uint64_t> numbers;
  for (const Receipt& receipt : receive_all()) numbers.push_back(receipt.value);
  return numbers;
}

Peer::Turn Peer::consume() {
  Receipt receipt;
  return receive(receipt) ? Turn::Worked : Turn::Idle;
}

void Peer::start(std::function<Turn(Peer&)> turn) {
  ACTOR_ASSERT(!thread_.joinable(), "a peer has one thread");
  stop_when_idle_ = false;
  leave_ = false;
  finished_ = {};
  threaded_ = true;
  thread_ = std::thread([this, turn = std::move(turn)] {
    loop_until_finished(turn);
    finished_.set_value();
    while (!leave_) {  // others may still come and go: the world tells this port so here
      if (injection_->run() == 0) loop_.wait();
    }
  });
}

void Peer::join() {
  finished_.get_future().wait();
  leave_ = true;
  injection_->post([] {});  // wakes it
  thread_.join();
  threaded_ = false;
}

void Peer::stop() {
  stop_when_idle_ = true;
  injection_->post([] {});
  join();
}

void Peer::end() {
  if (!thread_.joinable()) return;
  end_now_ = true;
  stop();
}

void Peer::run(const std::function<void()>& work) {
  if (!threaded_) {
    injection_->run();
    return work();
  }
  std::promise<void> done;
  injection_->post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

void Peer::loop_until_finished(const std::function<Turn(Peer&)>& turn) {
  Turn last = Turn::Worked;
  while (!end_now_) {
    injection_->run();
    port_->new_turn();
    const bool may_go_on = push_staged();
    if (may_go_on && last == Turn::Finished) break;
    if (may_go_on) last = turn(*this);
    if (last == Turn::Worked || port_->has_staged()) port_->flush();
    if (last == Turn::Idle && stop_when_idle_ && !port_->has_staged()) break;
    if (last == Turn::Idle || port_->has_staged()) sleep();
  }
  port_->flush();
}

bool Peer::push_staged() {
  return !port_->has_staged() || port_->push_staged();
}

void Peer::sleep() {
  port_->flush();
  if (port_->prepare_wait()) {
    const std::int64_t deadline_ns = port_->next_deadline();
    const auto until = deadline_ns == std::numeric_limits<std::int64_t>::max()
                           ? Loop::Clock::time_point::max()
                           : Loop::Clock::time_point(std::chrono::nanoseconds(deadline_ns));
    loop_.wait(until);
  }
  port_->end_wait();
}

}  // namespace actor::conformance
