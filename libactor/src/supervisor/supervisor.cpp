#include <actor/supervisor.hpp>
#include <cstdio>
#include <supervisor/core.hpp>
#include <supervisor/topology.hpp>

namespace actor {
namespace {

Topology topology_of(const SupervisorCore& core) {
  return {core.actors(), core.publishers()};
}

}  // namespace

SupervisorBase::SupervisorBase(SupervisorConfig config) : core_(std::make_unique<SupervisorCore>(std::move(config))) {}
SupervisorBase::~SupervisorBase() = default;

ActorId SupervisorBase::add(ActorSpec spec) {
  return core_->add(std::move(spec));
}

void SupervisorBase::say(const Error& error) {
  std::fprintf(stderr, "libactor: an event from outside was not sent: %s\n", error.what());
}

void SupervisorBase::remove_actor(ActorId actor) {
  core_->remove(actor);
}

void SupervisorBase::start() {
  core_->start();
}

void SupervisorBase::join() {
  core_->join();
  if (const auto errors = core_->errors(); !errors.empty()) throw errors.front();
}

void SupervisorBase::run() {
  start();
  join();
}

void SupervisorBase::stop() {
  core_->stop();
}

void SupervisorBase::stop_on_signals() {
  core_->stop_on_signals();
}

const SupervisorConfig& SupervisorBase::config() const {
  return core_->config();
}

Monitors& SupervisorBase::monitors() {
  return core_->monitors();
}

std::vector<Error> SupervisorBase::errors() const {
  return core_->errors();
}

std::vector<DeadLetter> SupervisorBase::dead_letters() const {
  return core_->dead_letters().kept();
}

std::uint64_t SupervisorBase::dead_letter_count() const {
  return core_->dead_letters().count();
}

std::vector<std::string> SupervisorBase::stalls() const {
  return core_->stalls();
}

std::vector<ActorId> SupervisorBase::actors() const {
  std::vector<ActorId> ids;
  for (const ActorSpec& spec : core_->actors()) ids.emplace_back(spec.name);
  return ids;
}

std::string SupervisorBase::to_mermaid() const {
  return actor::to_mermaid(topology_of(*core_));
}

std::string SupervisorBase::to_json() const {
  return actor::to_json(topology_of(*core_));
}

void SupervisorBase::settle() {
  core_->settle();
}

void SupervisorBase::advance(std::chrono::nanoseconds by) {
  core_->advance(by);
}

std::chrono::nanoseconds SupervisorBase::now() const {
  return core_->now();
}

bool SupervisorBase::post(ActorId actor, std::function<void(Host&)> work) {
  return core_->post(actor, std::move(work));
}

void SupervisorBase::call_on(ActorId actor, const std::function<void(Host&)>& work) {
  core_->call_on(actor, work);
}

}  // namespace actor
