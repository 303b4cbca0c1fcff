// The exchange as plain values, for the brain's ledger, and back.

#include <algorithm>
#include <shm/bell.hpp>

#include "brain/exchange.hpp"

namespace actor::broker {

ExchangeState Exchange::save() const {
  ExchangeState state;
  std::map<const Incarnation*, std::uint32_t> places;
  const auto place = [&](const std::shared_ptr<Incarnation>& memory) {
    const auto [known, is_new] = places.emplace(memory.get(), static_cast<std::uint32_t>(state.memories.size()));
    if (!is_new) return known->second;
    ExchangeState::Memory saved{
        memory->actor, memory->name, memory->key, memory->number, memory->memory_bytes, key_of(memory->status.fd()), {},
        memory->given};
    for (const auto& [number, extent] : memory->extents)
      saved.extents.push_back({number, extent.bytes, key_of(extent.fd)});
    state.memories.push_back(std::move(saved));
    return known->second;
  };
  for (const auto& [id, live] : live_) {
    ExchangeState::Live saved{
        live.route,      key_of(live.data_bell), key_of(live.space_bell), {}, live.cursor,  live.next_base,
        live.follows,    live.reader_began,      live.reader_knows,       {}, live.removed, live.publisher_done,
        live.reader_done};
    for (const Segment& segment : live.segments)
      saved.segments.push_back({place(segment.owner), segment.topics, key_of(segment.ring),
                                segment.view ? segment.view->shape() : shm::RingShape{}, segment.ended,
                                segment.ending.final_head, segment.ending.from_record,
                                static_cast<std::uint8_t>(segment.given)});
    for (const Answer answer : live.answers) saved.answers.push_back(static_cast<std::uint8_t>(answer));
    state.live.push_back(std::move(saved));
  }
  for (const auto& [actor, peer] : peers_) state.peers.push_back({place(peer.incarnation), peer.deeds});
  state.discarded = discarded_;
  state.given_up = given_up_;
  for (const auto& memory : latched_) state.latched.push_back(place(memory));
  return state;
}

bool Exchange::load(const ExchangeState& state, std::string& error) {
  std::vector<std::shared_ptr<Incarnation>> memories;
  for (const ExchangeState::Memory& saved : state.memories) {
    const Kept status = safe_.find(saved.status);
    error = "the keeper has no status segment of '" + saved.name + "'";
    auto view = status ? StatusView::open(status, error) : std::nullopt;
    if (!view) return false;
    auto memory = std::make_shared<Incarnation>();
    *memory = {saved.actor, saved.name, saved.key, saved.number, saved.memory_bytes, std::move(*view), {}, saved.given};
    for (const ExchangeState::Extent& extent : saved.extents) {
      memory->extents.emplace(extent.number, Incarnation::Extent{extent.bytes, safe_.find(extent.fd)});
      if (memory->extents.at(extent.number).fd) continue;
      error = "the keeper has not all the memory of '" + saved.name + "'";
      return false;
    }
    memories.push_back(std::move(memory));
  }
  for (const ExchangeState::Live& saved : state.live) {
    Live live;
    live.route = saved.route;
    live.data_bell = safe_.find(saved.data_bell);
    live.space_bell = safe_.find(saved.space_bell);
    error = "the keeper has not all that belongs to route " + std::to_string(saved.route.id);
    if (!live.data_bell || !live.space_bell) return false;
    for (const ExchangeState::Segment& from : saved.segments) {
      Segment segment;
      segment.owner = memories.at(from.owner);
      segment.topics = from.topics;
      segment.ring = safe_.find(from.ring);
      if (from.ring != 0 && !segment.ring) return false;
      if (segment.ring) segment.view = shm::RingView::open(segment.ring->get(), from.shape, error);
      if (segment.ring && !segment.view) return false;
      segment.ended = from.ended;
      segment.ending = {from.final_head, from.from_record};
      segment.given = static_cast<Given>(from.given);
      live.segments.push_back(std::move(segment));
    }
    live.cursor = saved.cursor;
    live.next_base = saved.next_base;
    live.follows = saved.follows;
    live.reader_began = saved.reader_began;
    live.reader_knows = saved.reader_knows;
    for (const std::uint8_t answer : saved.answers) live.answers.push_back(static_cast<Answer>(answer));
    live.removed = saved.removed;
    live.publisher_done = saved.publisher_done;
    live.reader_done = saved.reader_done;
    outgoing_[saved.route.publisher].insert(saved.route.id);
    incoming_[saved.route.reader].insert(saved.route.id);
    affected_.insert({saved.route.publisher, saved.route.reader});
    live_.emplace(saved.route.id, std::move(live));
  }
  for (const ExchangeState::Peer& saved : state.peers) {
    auto memory = memories.at(saved.memory);
    const ActorIndex actor = memory->actor;
    peers_.emplace(actor, Peer{std::move(memory), nullptr, saved.deeds});
    affected_.insert(actor);
  }
  discarded_ = state.discarded;
  given_up_ = state.given_up;
  for (const std::uint32_t memory : state.latched) latched_.push_back(memories.at(memory));
  return true;
}

std::shared_ptr<Incarnation> Exchange::rejoin(ActorIndex actor, Session& session) {
  Peer* self = peer(actor);
  if (!self) return nullptr;
  self->session = &session;
  return self->incarnation;
}

void Exchange::ring_all() {
  for (const auto& [id, live] : live_) {
    ring(live.data_bell);
    ring(live.space_bell);
  }
}

}  // namespace actor::broker
