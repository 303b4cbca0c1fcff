#include <poll.h>
#include <sys/eventfd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <control/runtime_path.hpp>
#include <nlohmann/json.hpp>
#include <testing/broker_watch.hpp>

namespace actor::testing {
namespace {

using Clock = std::chrono::steady_clock;

/// How long an actor may take to come to what it is asked: it does so between two events.
constexpr std::chrono::seconds answer_limit(10);
/// Packets read from one socket before the others get their turn.
constexpr int packets_per_turn = 1000;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

}  // namespace

BrokerWatch::BrokerWatch(const std::string& broker, std::span<const EventType* const> types)
    : broker_(control::find_broker(broker, control::Asker::Tool)),
      events_(types),
      bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      channel_(control::connect_to(broker_)) {
  if (!bell_) throw_errno("observing a broker (eventfd)");
}

BrokerWatch::~BrokerWatch() {
  stop();
}

// ---- the test's thread ----

void BrokerWatch::start(std::shared_ptr<Monitor> monitor) {
  monitor_ = std::move(monitor);
  channel_.send<control::ToBroker>(control::Request{R"({"command":"observe"})"});
  thread_ = std::thread([this] { run(); });
  std::unique_lock lock(mutex_);
  const bool in_time = changed_.wait_for(lock, answer_limit, [this] { return broker_gone_ || everybody_watches(); });
  const auto reply = nlohmann::json::parse(reply_.value_or("{}"), nullptr, false);
  const std::string doing = "observing the broker at " + broker_ + ": ";
  std::optional<Error> error;
  if (reply.is_object() && reply.contains("error")) {
    error = Error(ErrorCode::Refused, doing + reply["error"].dump());
  } else if (broker_gone_) {
    error = Error(ErrorCode::Io, doing + "it hung up" + (problem_.empty() ? "" : "; " + problem_));
  } else if (!in_time) {
    std::string busy;
    for (const LifePtr& life : lives_) {
      if (!life->watching && !life->silent) busy += (busy.empty() ? "" : ", ") + std::string(life->actor.name());
    }
    error = Error(ErrorCode::SettleTimeout, doing + "no answer within 10 s from " + (busy.empty() ? "it" : busy) +
                                                "; an actor answers between two events");
  }
  lock.unlock();
  if (!error) return;
  stop();
  throw Error(*error);
}

bool BrokerWatch::everybody_watches() const {
  return reply_ && std::all_of(lives_.begin(), lives_.end(),
                               [](const LifePtr& life) { return life->watching || life->silent || life->over; });
}

void BrokerWatch::stop() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake();
  thread_.join();
  const std::scoped_lock lock(mutex_);
  // Closed: the broker and the actors see it, and go on unobserved.
  channel_ = control::Channel(Fd());
  lives_.clear();
  items_.clear();
}

void BrokerWatch::check() const {
  const std::scoped_lock lock(mutex_);
  if (!problem_.empty())
    throw Error(ErrorCode::Io, "the recording of the broker at " + broker_ + " has holes: " + problem_);
}

BrokerWatch::LifePtr BrokerWatch::find_running(ActorId actor) const {
  const auto found = std::find_if(lives_.rbegin(), lives_.rend(), [&](const LifePtr& life) {
    return life->actor == actor && !life->over && !life->silent;
  });
  return found == lives_.rend() ? nullptr : *found;
}

std::string BrokerWatch::names_of_running() const {
  std::string names;
  for (const LifePtr& life : lives_) {
    if (!life->over && !life->silent) names += (names.empty() ? "" : ", ") + std::string(life->actor.name());
  }
  return names.empty() ? "nobody" : names;
}

EventId BrokerWatch::send_as(ActorId sender, const Injected& event) {
  control::SendAs message;
  message.topic = event.topic;
  message.policy = static_cast<std::uint8_t>(event.policy.kind);
  message.deadline_ns = event.policy.deadline.count();
  message.type = event.type->name;
  message.type_hash = event.type->hash;
  message.parent = event.parent;
  message.payload.resize(event.type->encoded_size(event.event));
  event.type->encode(event.event, message.payload);

  const std::string doing = "sending " + std::string(event.type->label) + " as " + std::string(sender.name()) + ": ";
  std::unique_lock lock(mutex_);
  asked_ = broker_gone_ ? nullptr : find_running(sender);
  if (!asked_) {
    if (broker_gone_) throw Error(ErrorCode::MailboxClosed, doing + "the broker is gone");
    throw Error(ErrorCode::NoSuchActor, doing + "no actor of that name runs now; there are " + names_of_running());
  }
  message.request = ++request_;
  answer_.reset();
  asked_->channel.send<control::ToObserved>(message);
  wake();
  const bool answered = changed_.wait_for(lock, answer_limit, [this] { return answer_.has_value(); });
  asked_.reset();
  if (!answered)
    throw Error(ErrorCode::SettleTimeout, doing + "it did not come to it within 10 s: is it busy with an event?");
  if (answer_->error) throw Error(*answer_->error);
  return answer_->id;
}

void BrokerWatch::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(bell_.get(), &one, sizeof one);  // full means: rung already
}

// ---- the watch's thread ----

void BrokerWatch::run() {
  for (;;) {
    const std::vector<Item> items = take_items();
    for (const Item& item : items) give(item);
    {
      const std::scoped_lock lock(mutex_);
      if (stop_) return;
      changed_.notify_all();
      if (!items_.empty()) continue;
    }
    if (items.empty()) wait_for_news();
  }
}

void BrokerWatch::wait_for_news() {
  std::vector<pollfd> polled{{bell_.get(), POLLIN, 0}};
  const auto add = [&](const control::Channel& channel) {
    polled.push_back({channel.fd(), static_cast<short>(channel.has_queued() ? POLLIN | POLLOUT : POLLIN), 0});
  };
  {
    const std::scoped_lock lock(mutex_);
    if (!broker_gone_) add(channel_);
    for (const LifePtr& life : lives_) {
      if (!life->silent) add(life->channel);
    }
  }
  ::poll(polled.data(), polled.size(), -1);
  std::uint64_t rings = 0;
  [[maybe_unused]] const auto drained = read(bell_.get(), &rings, sizeof rings);
}

/// What can be given out now, causes first.
std::vector<BrokerWatch::Item> BrokerWatch::take_items() {
  const std::scoped_lock lock(mutex_);
  read_everything();
  if (items_.empty()) return {};
  const auto younger = [](const Item& a, const Item& b) { return a.at_ns < b.at_ns; };
  const std::int64_t youngest = std::max_element(items_.begin(), items_.end(), younger)->at_ns;
  const std::int64_t horizon = std::min(youngest, read_everything());
  std::stable_sort(items_.begin(), items_.end(), younger);
  const auto end = std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return item.at_ns > horizon; });
  std::vector<Item> items(std::make_move_iterator(items_.begin()), std::make_move_iterator(end));
  items_.erase(items_.begin(), end);
  return items;
}

/// Returns until when all has been read: INT64_MAX, unless a socket has more.
std::int64_t BrokerWatch::read_everything() {
  std::int64_t until = INT64_MAX;
  // The broker first: what it says of an actor's end comes after all that the actor said.
  if (!broker_gone_) read_broker();
  for (const LifePtr& life : lives_) {
    if (!life->silent && read_life(life)) until = std::min(until, life->read_until_ns);
  }
  return until;
}

void BrokerWatch::read_broker() {
  channel_.flush();
  control::Packet packet;
  for (;;) {
    const auto result = channel_.receive(packet);
    if (result == control::ReceiveResult::Nothing) return;
    if (result == control::ReceiveResult::Closed) return broker_is_gone();
    std::string error;
    auto message = control::decode_to_actor(packet, error);
    if (!message) {
      note_problem("the broker sent what cannot be read: " + error);
      return broker_is_gone();
    }
    on_broker(*message, packet.fds);
  }
}

void BrokerWatch::on_broker(control::ToActor& message, std::vector<Fd>& fds) {
  if (const auto* reply = std::get_if<control::Reply>(&message)) {
    reply_part_ += reply->json;
    if (!reply->more) reply_ = std::exchange(reply_part_, {});
  } else if (const auto* refused = std::get_if<control::Refused>(&message)) {
    note_problem(refused->reason);
  } else if (const auto* observed = std::get_if<control::Observed>(&message)) {
    lives_.push_back(std::make_shared<Life>(observed->name, std::move(fds.at(0))));
    items_.push_back({now_ns(), lives_.back(), *observed});
  } else if (const auto* ended = std::get_if<control::ObservedEnded>(&message)) {
    LifePtr ending;
    for (const LifePtr& life : lives_) {
      if (life->actor.name() != ended->name || life->over) continue;
      life->over = true;
      ending = life;
    }
    // Without a life: it was to come back, and now it does not.
    if (!ending) ending = std::make_shared<Life>(ended->name, Fd());
    items_.push_back({now_ns(), std::move(ending), *ended});
  }
}

/// True when there may be more.
bool BrokerWatch::read_life(const LifePtr& life) {
  life->channel.flush();
  control::Packet packet;
  for (int i = 0; i < packets_per_turn; ++i) {
    const auto result = life->channel.receive(packet);
    if (result == control::ReceiveResult::Nothing) return false;
    std::string error;
    std::optional<control::ToTool> message;
    if (result == control::ReceiveResult::Packet) {
      message = control::decode_to_tool(packet, error);
      if (!message) note_problem(std::string(life->actor.name()) + " sent what cannot be read: " + error);
    }
    if (!message) {  // its end is the broker's to tell, unless that is gone
      life->silent = true;
      if (broker_gone_) items_.push_back({now_ns(), life, control::ObservedEnded{{}, "the broker is gone", false, 0}});
      return false;
    }
    life->read_until_ns = std::visit([](const auto& held) { return held.at_ns; }, *message);
    items_.push_back({life->read_until_ns, life, std::move(*message)});
  }
  return true;
}

void BrokerWatch::broker_is_gone() {
  broker_gone_ = true;
  std::string names;
  for (const LifePtr& life : lives_) {
    if (life->over) continue;
    names += (names.empty() ? "" : ", ") + std::string(life->actor.name());
    if (life->silent) items_.push_back({now_ns(), life, control::ObservedEnded{{}, "the broker is gone", false, 0}});
  }
  if (!names.empty() && reply_) note_problem("the broker hung up while these ran: " + names);
}

void BrokerWatch::note_problem(const std::string& what) {
  problem_ += (problem_.empty() ? "" : "; ") + what;
}

// ---- giving out ----

void BrokerWatch::give(const Item& item) {
  const LifePtr& life = item.life;
  const std::string name(life->actor.name());
  std::visit(
      Overloaded{
          [&](const control::Observed&) {
            if (coming_back_.erase(life->actor) == 0) monitor_->on_actor_registered(life->actor);
          },
          [&](const control::ObservedEnded& end) { give_end(life, end); },
          [&](const control::ToTool& message) {
            std::visit(
                Overloaded{
                    [&](const control::Watching&) {
                      const std::scoped_lock lock(mutex_);
                      life->watching = true;
                    },
                    [&](const control::SeenEvent& seen) { give(life, seen); },
                    [&](const control::SeenError& seen) {
                      monitor_->on_error(life->actor, Error(static_cast<ErrorCode>(seen.code), seen.what));
                    },
                    [&](const control::Lost& lost) {
                      const std::scoped_lock lock(mutex_);
                      note_problem(name + " did more than could be recorded, " + std::to_string(lost.packets) +
                                   " packets are lost; let it do less, or record it where the machine is idle");
                    },
                    [&](const control::Backlog& backlog) { life->backlog = backlog.begins; },
                    [&](const control::Sent& sent) {
                      answer(life, sent.request, {sent.id, std::nullopt});
                    },
                    [&](const control::NotSent& refusal) {
                      answer(life, refusal.request, {{}, Error(static_cast<ErrorCode>(refusal.code), refusal.why)});
                    },
                },
                message);
          },
      },
      item.what);
}

void BrokerWatch::give(const LifePtr& life, const control::SeenEvent& seen) {
  Observation observation;
  SeenPayload payload;
  if (seen.as != control::SeenAs::Handled) {
    payload = events_.payload_of(seen);
  } else if (life->in_hand == seen.id) {
    payload = std::exchange(life->payload_in_hand, {});
  }
  observation.type = payload.type;
  observation.event = payload.event.get();
  observation.meta = meta_of(seen);
  observation.topic = seen.topic;
  observation.receiver = ActorId(seen.receiver);
  switch (seen.as) {
    case control::SeenAs::Dispatched:
      return monitor_->on_event_dispatched(observation);
    case control::SeenAs::Delivered:
      life->in_hand = seen.id;
      life->payload_in_hand = payload;
      return monitor_->on_event_delivered(observation);
    case control::SeenAs::Handled:
      return monitor_->on_event_handled(observation);
    case control::SeenAs::Overflow:
      return monitor_->on_overflow(observation, policy_of(seen));
  }
}

void BrokerWatch::give_end(const LifePtr& life, const control::ObservedEnded& end) {
  if (end.comes_back) {
    coming_back_.insert(life->actor);
    monitor_->on_actor_restart(life->actor, Error(ErrorCode::External, end.why),
                               std::chrono::nanoseconds(end.delay_ns));
  } else {
    coming_back_.erase(life->actor);
    monitor_->on_actor_stop(life->actor);
  }
  answer(life, 0,
         {{}, Error(ErrorCode::MailboxClosed, std::string(life->actor.name()) + " ended before it sent: " + end.why)});
  const std::scoped_lock lock(mutex_);
  if (life->backlog)
    note_problem(std::string(life->actor.name()) + " ended while it did more than could be recorded: " + end.why);
  std::erase(lives_, life);
}

/// `request` 0: whatever it was asked.
void BrokerWatch::answer(const LifePtr& life, std::uint64_t request, Answer answer) {
  const std::scoped_lock lock(mutex_);
  if (asked_ != life || (request != 0 && request != request_) || answer_) return;
  answer_ = std::move(answer);
  changed_.notify_all();
}

}  // namespace actor::testing
