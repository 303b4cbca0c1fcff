#pragma once
// Two venues quote prices, a finder sees where one sells for less than the other pays, an executor trades if the fees
// leave something over, a ledger adds up. Every venue and pair is a topic of its own: the topic is a struct, made from
// the event's values, and nobody lists them beforehand. Prices in cents.

#include <actor/actor.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <map>
#include <random>
#include <string>

namespace arbitrage {

struct Quote {  // what `venue` pays (bid) and takes (ask)
  std::string venue, pair;
  std::int64_t bid = 0, ask = 0;
};
struct Opportunity {
  std::string pair, buy_at, sell_at;
  std::int64_t gain = 0;
};
struct Trade {
  std::string pair, buy_at, sell_at;
  std::int64_t gain = 0;  ///< after fees
};
struct Closed {  // nothing more will come from `speaker` about `pair`
  std::string speaker, pair;
};
using MarketEvent = std::variant<Quote, Opportunity, Trade, Closed>;

/// The topic, for example Market{speaker=zurich,pair=BTC/EUR}.
struct Market {
  std::string speaker, pair;
};
inline Market topic_of(const Quote& quote) {
  return {quote.venue, quote.pair};
}
inline Market topic_of(const Opportunity& opportunity) {
  return {"finder", opportunity.pair};
}
inline Market topic_of(const Trade& trade) {
  return {"executor", trade.pair};
}
inline Market topic_of(const Closed& closed) {
  return {closed.speaker, closed.pair};
}
/// An old price is worth nothing, so a venue's newest wins (Closed is its last, and always arrives). All else counts.
inline actor::OverflowPolicy overflow_policy(const Market& topic) {
  const bool is_ours = topic.speaker == "finder" || topic.speaker == "executor";
  return is_ours ? actor::OverflowPolicy::block() : actor::OverflowPolicy::drop_oldest();
}

inline const std::array<std::string, 2> venues = {"zurich", "london"};
inline const std::array<std::string, 2> pairs = {"BTC/EUR", "ETH/EUR"};
inline constexpr std::int64_t fees = 30;  // of the two halves of a trade

/// A venue, named like its actor: 100 quotes for each pair, then it closes.
class Feed : public actor::Actor<MarketEvent> {
  void on_start() override {
    const std::string_view name = ctx().actor_name();
    std::seed_seq seed(name.begin(), name.end());  // each venue its own, the same in every run
    dice_.seed(seed);
    timer_ = ctx().every(std::chrono::milliseconds(1), [this] { tick(); });
  }

  void tick() {
    const std::string venue(ctx().actor_name());
    ++ticks_;
    for (const std::string& pair : pairs) {
      const std::int64_t middle = 500'000 + static_cast<std::int64_t>(dice_() % 100);
      if (ticks_ <= 100) ctx().send(Quote{venue, pair, middle - 20, middle + 20});
      if (ticks_ > 100) ctx().send(Closed{venue, pair});
    }
    if (ticks_ > 100) ctx().cancel(timer_);
  }

  std::mt19937 dice_;
  actor::TimerId timer_ = 0;
  int ticks_ = 0;
};

class Finder : public actor::Actor<MarketEvent> {
  void handle_event(const actor::Envelope<MarketEvent>& envelope) override {
    if (const Quote* quote = envelope.get_if<Quote>()) {
      auto& quotes = quotes_[quote->pair];
      for (const auto& [venue, other] : quotes) {
        if (venue == quote->venue) continue;
        compare(*quote, other, envelope.id());
        compare(other, *quote, envelope.id());
      }
      quotes[quote->venue] = *quote;
    } else if (const Closed* closed = envelope.get_if<Closed>()) {
      if (++closed_[closed->pair] == venues.size())
        ctx().send_child_event(Closed{"finder", closed->pair}, envelope.id());
    }
  }

  /// The opportunity names the quote that it comes from: a tool, or a test, can follow the chain.
  void compare(const Quote& buy, const Quote& sell, actor::EventId because_of) {
    const std::int64_t gain = sell.bid - buy.ask;
    if (gain > 0) ctx().send_child_event(Opportunity{buy.pair, buy.venue, sell.venue, gain}, because_of);
  }

  std::map<std::string, std::map<std::string, Quote>> quotes_;  // the newest, by pair and venue
  std::map<std::string, std::size_t> closed_;
};

class Executor : public actor::Actor<MarketEvent> {
  void handle_event(const actor::Envelope<MarketEvent>& envelope) override {
    if (const Opportunity* found = envelope.get_if<Opportunity>(); found && found->gain > fees) {
      ctx().send_child_event(Trade{found->pair, found->buy_at, found->sell_at, found->gain - fees}, envelope.id());
    } else if (const Closed* closed = envelope.get_if<Closed>()) {
      ctx().send_child_event(Closed{"executor", closed->pair}, envelope.id());
    }
  }
};

/// Ends the runtime when all pairs are closed.
class Ledger : public actor::Actor<MarketEvent> {
  void handle_event(const actor::Envelope<MarketEvent>& envelope) override {
    if (const Trade* trade = envelope.get_if<Trade>()) {
      ++trades_;
      gain_ += trade->gain;
    } else if (envelope.get_if<Closed>() && ++closed_ == pairs.size()) {
      std::cout << trades_ << " trades, " << gain_ << " cents gained" << std::endl;
      ctx().stop_runtime();
    }
  }

  std::size_t trades_ = 0, closed_ = 0;
  std::int64_t gain_ = 0;
};

}  // namespace arbitrage
