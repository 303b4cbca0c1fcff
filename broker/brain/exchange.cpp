#include "brain/exchange.hpp"

#include <actor/error.hpp>
#include <algorithm>
#include <shm/bell.hpp>

namespace actor::broker {

Exchange::Peer* Exchange::peer(ActorIndex actor) {
  const auto found = peers_.find(actor);
  return found == peers_.end() ? nullptr : &found->second;
}
const Exchange::Peer* Exchange::peer(ActorIndex actor) const {
  const auto found = peers_.find(actor);
  return found == peers_.end() ? nullptr : &found->second;
}
Exchange::Live* Exchange::find(RouteId id) {
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : &found->second;
}
const Exchange::Live* Exchange::find(RouteId id) const {
  const auto found = live_.find(id);
  return found == live_.end() ? nullptr : &found->second;
}

void Exchange::touch(const Live& live) {
  affected_.insert(live.route.publisher);
  affected_.insert(live.route.reader);
}

void Exchange::ring(const Kept& bell) {
  if (turn_ == nullptr) return shm::ring(bell->get());
  turn_->when_safe([bell] { shm::ring(bell->get()); });
}

// ---- routes come and go ----

void Exchange::apply(const RouteChanges& changes, bool finishes) {
  for (const Route& route : changes.removed) remove(route, finishes);
  for (const RouteId id : changes.added) open(id);
}

void Exchange::open(RouteId id) {
  Live live;
  live.route = *table_.find(id);
  const auto make = is_between_users(live.route) ? shm::make_bell_between_users : shm::make_bell;
  live.data_bell = safe_.keep(make());
  live.space_bell = safe_.keep(make());
  Live& added = live_.emplace(id, std::move(live)).first->second;
  outgoing_[added.route.publisher].insert(id);
  incoming_[added.route.reader].insert(id);
  // A publisher that has not joined yet gets all its routes when it does.
  if (Peer* publisher = peer(added.route.publisher)) begin_segment(added, *publisher);
  touch(added);
}

/// At the begin of a life of either side. Whoever has a bell can break it for good (shutdown(), or another connect(),
/// of its socket): what one life has done, the next ones must not be made to pay for. The reader gets them with Attach,
/// the publisher with AddRoute or SwitchReader.
void Exchange::renew_bells(Live& live) {
  if (live.removed || !is_between_users(live.route)) return;
  try {
    Kept data_bell = safe_.keep(shm::make_bell_between_users());
    live.space_bell = safe_.keep(shm::make_bell_between_users());
    live.data_bell = std::move(data_bell);
  } catch (const Error&) {  // no descriptor is left: those that are there are good enough for honest actors
  }
}

void Exchange::remove(const Route& route, bool finishes) {
  Live* live = find(route.id);
  if (!live || live->removed) return;
  live->removed = true;
  if (Peer* publisher = peer(route.publisher)) {
    publisher->session->send(control::RemoveRoute{route.id});
    live->answers.push_back(Answer::Remove);
  } else {
    live->publisher_done = true;
  }
  Peer* reader = peer(route.reader);
  if (reader && finishes) {
    live->reader_done = false;
  } else {
    if (reader) {
      live->cursor = done(*live);
      if (live->reader_knows) reader->deeds.read += live->cursor - live->reader_began;
      reader->deeds.may_have_missed |= live->route.overwriting;
      reader->session->send(control::Detach{route.id});
      live->reader_knows = false;
      // It lets go of the extents now: a route that comes before the publisher has answered must bring them along.
      for (Segment& segment : live->segments) {
        segment.given = Given::No;
        forget_extents(*live, segment.owner);
      }
    }
    live->reader_done = true;
  }
  touch(*live);
  finish_removal(*live);
}

void Exchange::finish_removal(Live& live) {
  if (!live.removed || !live.publisher_done || !live.reader_done) return;
  if (const std::uint64_t left = waiting(live)) {
    const std::uint64_t from = live.cursor;
    read_queue(live, left, left_over_);
    discarded_[live.route.reader] += left - std::min(left, live.cursor - from);
  }
  // Until here the publisher has kept what is queued.
  if (Peer* publisher = peer(live.route.publisher)) publisher->session->send(control::ReaderGone{live.route.id});
  if (Peer* publisher = peer(live.route.publisher); publisher && !live.segments.empty()) {
    const Segment& newest = live.segments.back();
    if (newest.view && !newest.ended) publisher->deeds.pushed += end(live) - newest.view->base();
  }
  for (Segment& segment : live.segments) segment.given = Given::No;
  for (const Segment& segment : live.segments) forget_extents(live, segment.owner);
  const RouteId id = live.route.id;
  outgoing_[live.route.publisher].erase(id);
  incoming_[live.route.reader].erase(id);
  live_.erase(id);
}

// ---- actors come and go ----

void Exchange::joined(std::shared_ptr<Incarnation> incarnation, Session& session) {
  const ActorIndex actor = incarnation->actor;
  Peer& self = peers_[actor] = Peer{std::move(incarnation), &session, {}};
  for (const RouteId id : outgoing_[actor]) {
    renew_bells(live_.at(id));
    begin_segment(live_.at(id), self);
  }
  for (const RouteId id : incoming_[actor]) {
    renew_bells(live_.at(id));
    attach_all(live_.at(id), self);
    attach_latched(live_.at(id), self);
  }
  affected_.insert(actor);
}

Deeds Exchange::left(ActorIndex actor) {
  const auto found = peers_.find(actor);
  if (found == peers_.end()) return {};
  Peer dead = std::move(found->second);
  peers_.erase(found);
  // Copies: a removed route disappears from the sets when its last side is done.
  for (const RouteId id : std::set<RouteId>(outgoing_[actor])) {
    Live& live = live_.at(id);
    end_segment(live, dead);
    touch(live);
    finish_removal(live);
  }
  for (const RouteId id : std::set<RouteId>(incoming_[actor])) {
    Live& live = live_.at(id);
    reader_left(live, dead);
    touch(live);
    finish_removal(live);
  }
  affected_.erase(actor);
  keep_latched(dead.incarnation);
  return std::move(dead.deeds);
}

bool Exchange::is_done_with(ActorIndex actor) const {
  const auto in = incoming_.find(actor);
  if (in != incoming_.end() && !in->second.empty()) return false;
  const auto out = outgoing_.find(actor);
  if (out != outgoing_.end() && std::any_of(out->second.begin(), out->second.end(), [this](RouteId id) {
        return !live_.at(id).segments.empty() || live_.at(id).removed;
      }))
    return false;
  return std::none_of(latched_.begin(), latched_.end(), [&](const auto& life) { return life->actor == actor; });
}

void Exchange::forget(ActorIndex actor) {
  outgoing_.erase(actor);
  incoming_.erase(actor);
  discarded_.erase(actor);
  given_up_.erase(actor);
  affected_.erase(actor);
}

void Exchange::begin_segment(Live& live, Peer& publisher) {
  if (live.removed) return;
  // A successor may know other topics than its predecessor did.
  if (const Route* now = table_.find(live.route.id)) live.route = *now;
  const Peer* reader = live.reader_knows ? peer(live.route.reader) : nullptr;
  control::AddRoute message{};
  message.route = live.route.id;
  message.reader = table_.name_of(live.route.reader);
  message.topics = live.route.topics;
  message.slots = live.route.slots;
  message.overwriting = live.route.overwriting;
  message.base = live.next_base;
  message.cursor_index = live.route.cursor_index;
  // SUBTLE: a living reader that has not stored its cursor yet is no reader: its word may still hold an older route's.
  message.reader_present = reader != nullptr;
  std::vector<Kept> fds{live.data_bell, live.space_bell};
  if (reader) fds.push_back(reader->incarnation->status.fd());
  live.follows = reader ? reader->incarnation->number : 0;
  Segment segment;
  segment.owner = publisher.incarnation;
  segment.topics = live.route.topics;
  live.segments.push_back(std::move(segment));
  publisher.session->send(message, std::move(fds));
}

void Exchange::end_segment(Live& live, Peer& dead) {
  const Incarnation& self = *dead.incarnation;
  live.answers.clear();
  live.follows = 0;
  if (live.removed) live.publisher_done = true;
  if (live.segments.empty() || live.segments.back().owner->number != self.number || live.segments.back().ended) return;
  Segment& segment = live.segments.back();
  if (!segment.ring) {  // it died before its ring was announced: nothing was ever written
    live.segments.pop_back();
    return;
  }
  std::string error;
  const auto ending = shm::final_head(*segment.view, self.status.fd()->get(), live.route.id, done(live), error);
  segment.ended = true;
  // Without a readable end the ring ends where its reader stands.
  segment.ending = ending.value_or(shm::Ending{std::max(done(live), live.next_base), false});
  live.next_base = std::max(live.next_base, segment.end());
  dead.deeds.pushed += segment.end() - std::min(segment.view->base(), segment.end());
  if (!ending)
    dead.deeds.wrong.push_back("its ring to '" + table_.name_of(live.route.reader) +
                               "' cannot be read to its end: " + error);
  if (Peer* reader = peer(live.route.reader); reader && segment.given != Given::No) {
    reader->session->send(
        control::PublisherEnded{live.route.id, self.number, segment.ending.final_head, segment.ending.from_record});
    ring(live.data_bell);
  }
  // An empty one is of no use to a reader who never saw it: a publisher that crashes in a loop leaves nothing behind.
  if (segment.given == Given::No && segment.end() == segment.view->base()) live.segments.pop_back();
  drop_drained(live);
}

void Exchange::reader_left(Live& live, Peer& dead) {
  if (live.reader_knows) {
    // Its own word says how far it came. A lie in it can only make it miss or repeat its own events.
    const std::uint64_t said = dead.incarnation->status.done(live.route.cursor_index);
    std::uint64_t most = live.next_base;
    for (const Segment& segment : live.segments) {
      // The head may lag behind the slots, of which there are slots(), by a burst.
      if (segment.view)
        most = std::max(most, segment.ended ? segment.end() : segment.view->head() + segment.view->slots());
    }
    if (said >= live.cursor && said <= most) live.cursor = said;
    dead.deeds.read += live.cursor - std::min(live.reader_began, live.cursor);
    dead.deeds.may_have_missed |= live.route.overwriting;
  }
  live.reader_knows = false;
  if (live.removed) live.reader_done = true;
  for (Segment& segment : live.segments) {
    segment.given = Given::No;
    segment.owner->given.erase({live.route.reader, dead.incarnation->number});
  }
  drop_drained(live);
  Peer* publisher = peer(live.route.publisher);
  if (publisher && !live.removed && live.follows == dead.incarnation->number)
    publisher->session->send(control::ReaderGone{live.route.id});
  live.follows = 0;
  ring(live.space_bell);
}

/// A dead publisher's segment that nobody has attached and whose end is behind the cursor is of no use.
void Exchange::drop_drained(Live& live) {
  while (!live.segments.empty()) {
    const Segment& oldest = live.segments.front();
    if (!oldest.ended || oldest.given != Given::No || live.cursor < oldest.end()) return;
    live.segments.pop_front();
  }
}

// ---- what the actors answer ----

void Exchange::attach_all(Live& live, Peer& reader) {
  if (live.removed) return;
  for (Segment& segment : live.segments) {
    if (segment.ring && segment.given == Given::No) attach(live, segment, reader);
  }
}

void Exchange::attach(Live& live, Segment& segment, Peer& reader) {
  control::Attach message{};
  message.route = live.route.id;
  message.publisher = segment.owner->name;
  message.publisher_key = segment.owner->key;
  message.incarnation = segment.owner->number;
  message.topics = segment.topics;
  message.slots = segment.view->slots();
  message.overwriting = segment.view->overwriting();
  message.base = segment.view->base();
  message.first_counter = segment.view->first_counter();
  message.cursor = done(live);
  message.cursor_index = live.route.cursor_index;
  message.ended = segment.ended;
  message.final_head = segment.ending.final_head;
  message.from_record = segment.ending.from_record;
  segment.given = Given::Sent;
  reader.session->send(message, {segment.ring, segment.owner->status.fd(), live.data_bell, live.space_bell});
  const auto& owner = *segment.owner;
  if (!segment.owner->given.insert({live.route.reader, reader.incarnation->number}).second) return;
  for (const auto& [number, extent] : owner.extents) {
    reader.session->send(control::PeerExtentAdded{owner.key, owner.number, number, extent.bytes}, {extent.fd});
  }
}

/// When the reader has everything that there is, the publisher is told to follow it.
void Exchange::maybe_switch(Live& live) {
  Peer* publisher = peer(live.route.publisher);
  Peer* reader = peer(live.route.reader);
  if (!publisher || !reader || live.removed || live.segments.empty()) return;
  for (const Segment& segment : live.segments) {
    if (segment.given != Given::Attached) return;
  }
  if (live.follows == reader->incarnation->number) return;
  live.follows = reader->incarnation->number;
  live.answers.push_back(Answer::Switch);
  publisher->session->send(control::SwitchReader{live.route.id, live.route.cursor_index},
                           {reader->incarnation->status.fd(), live.data_bell, live.space_bell});
}

template <class Predicate>
bool Exchange::every(const std::map<ActorIndex, std::set<RouteId>>& routes, ActorIndex actor, Predicate holds) const {
  const auto found = routes.find(actor);
  if (found == routes.end()) return true;
  return std::all_of(found->second.begin(), found->second.end(), [&](RouteId id) {
    const Live& live = live_.at(id);
    return live.removed || holds(live);
  });
}

bool Exchange::all_attached(const Live& live) {
  return std::all_of(live.segments.begin(), live.segments.end(),
                     [](const Segment& segment) { return !segment.ring || segment.given == Given::Attached; });
}

/// Once a publisher has a ring for the route, nothing that it sends can be missed. That it still follows the cursor of
/// a dead reader, because it is in a handler or stopped, only delays its reuse of memory and its bell until it looks.
bool Exchange::settled(ActorIndex actor) const {
  if (!peer(actor)) return false;
  const auto in_place = [&](const Live& live) {
    return all_attached(live) && (!peer(live.route.publisher) || announced(live));
  };
  return every(outgoing_, actor, announced) && every(incoming_, actor, in_place);
}

bool Exchange::is_followed(RouteId route) const {
  const Live* live = find(route);
  const Peer* reader = live ? peer(live->route.reader) : nullptr;
  return reader && live->answers.empty() && live->follows == reader->incarnation->number;
}

bool Exchange::owes_answer(ActorIndex actor) const {
  return !every(outgoing_, actor, announced) || !every(incoming_, actor, all_attached);
}

}  // namespace actor::broker
