#include "manifest/parse_events.hpp"

namespace actor::broker {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t mib = std::uint64_t{1} << 20;
constexpr std::uint64_t gib = std::uint64_t{1} << 30;

}  // namespace

void read_broker_events(TableReader& read, BrokerSection& broker) {
  read.text("state_dir", broker.state_dir);
  read.bytes("dead_letters", broker.dead_letter_bytes, {mib, 64 * gib});
  read.duration("mailbox_hold", broker.mailbox_hold, {0s, 24h});
}

void read_actor_events(TableReader& read, ActorSection& actor) {
  read.choice<DeliveryMode>("delivery", actor.after_death.delivery,
                            {{"at_least_once", DeliveryMode::AtLeastOnce}, {"at_most_once", DeliveryMode::AtMostOnce}});
  read.integer("poison_after", actor.after_death.poison_after, {0, 1000});
  read.choice<MailboxOnRestart>("mailbox_on_restart", actor.after_death.mailbox,
                                {{"keep", MailboxOnRestart::Keep},
                                 {"drop", MailboxOnRestart::Drop},
                                 {"dead_letter", MailboxOnRestart::DeadLetter}});
  if (read.has("poison_after") && actor.after_death.delivery == DeliveryMode::AtMostOnce) {
    read.error("poison_after", "is only for delivery = \"at_least_once\": with at_most_once no event comes again");
  }
}

}  // namespace actor::broker
