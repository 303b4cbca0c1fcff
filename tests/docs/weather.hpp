// weather.hpp: the events, topics and actors of the station.
#pragma once

#include <actor/actor.hpp>
#include <iostream>
#include <string>

struct Temperature {
  std::string place;
  double celsius = 0;
};
struct Alert {
  std::string place;
  double celsius = 0;
};
using WeatherEvent = std::variant<Temperature, Alert>;

enum class WeatherTopic { Reading, Frost, Alert };

constexpr WeatherTopic topic_of(const Temperature& t) {
  return t.celsius < 0 ? WeatherTopic::Frost : WeatherTopic::Reading;
}
constexpr WeatherTopic topic_of(const Alert&) {
  return WeatherTopic::Alert;
}

constexpr actor::OverflowPolicy overflow_policy(WeatherTopic topic) {
  if (topic == WeatherTopic::Reading) return actor::OverflowPolicy::drop_oldest();  // the newest is what counts
  return actor::OverflowPolicy::block();                                            // none may be lost
}

/// It gets colder by half a degree ten times a second.
class Thermometer : public actor::Actor<WeatherEvent> {
  void on_start() override {
    ctx().every(std::chrono::milliseconds(100), [this] { ctx().send(Temperature{"garden", celsius_ -= 0.5}); });
  }
  double celsius_ = 2;
};

class Alerter : public actor::Actor<WeatherEvent> {
  void handle_event(const actor::Envelope<WeatherEvent>& envelope) override {
    if (const Temperature* t = envelope.get_if<Temperature>())
      ctx().send_child_event(Alert{t->place, t->celsius}, envelope.id());
  }
};

class Display : public actor::Actor<WeatherEvent> {
  void handle_event(const actor::Envelope<WeatherEvent>& envelope) override {
    envelope.visit(actor::overloaded{
        [](const Temperature& t) { std::cout << t.place << ": " << t.celsius << " C" << std::endl; },
        [](const Alert& a) { std::cout << "FROST in the " << a.place << ": " << a.celsius << " C" << std::endl; }});
  }
};
