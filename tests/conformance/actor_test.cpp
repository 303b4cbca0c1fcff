// The same guarantees as a user sees them: through Actor, Context and Envelope, dispatched from a Port.

#include <actor/actor.hpp>

#include "conformance/conformance.hpp"

namespace actor::conformance {

enum class Channel { Requests, Answers };

struct Request {
  std::uint64_t number;
};
struct Answer {
  std::uint64_t number;
  std::string text;
};
using Dialogue = std::variant<Request, Answer>;

constexpr Channel topic_of(const Request&) {
  return Channel::Requests;
}
constexpr Channel topic_of(const Answer&) {
  return Channel::Answers;
}
constexpr OverflowPolicy overflow_policy(Channel) {
  return OverflowPolicy::block();
}

namespace {

/// Answers every request, and keeps the last one.
class Server : public Actor<Dialogue> {
 public:
  void handle_event(const Envelope<Dialogue>& envelope) override {
    const auto* request = envelope.get_if<Request>();
    ASSERT_NE(request, nullptr);
    EXPECT_EQ(envelope.topic(), "Channel.Requests");
    EXPECT_EQ(envelope.label(), "Request");
    EXPECT_EQ(envelope.sender().name(), "client");
    last = envelope.retain<Request>();
    ctx().send_child_event(Answer{request->number, std::string(100, 'a')}, envelope.id());
  }
  std::shared_ptr<const Request> last;
};

/// Asks at the start, and asks again when an answer comes.
class Client : public Actor<Dialogue> {
 public:
  void on_start() override { asked = ctx().send(Request{0}); }
  void handle_event(const Envelope<Dialogue>& envelope) override {
    const auto* answer = envelope.get_if<Answer>();
    ASSERT_NE(answer, nullptr);
    EXPECT_EQ(answer->text, std::string(100, 'a'));
    EXPECT_EQ(envelope.parent(), asked);
    EXPECT_EQ(envelope.to_owned().topic, "Channel.Answers");
    Loan<Request> next = ctx().loan<Request>();
    next->number = answer->number + 1;
    asked = ctx().send(std::move(next));
  }
  EventId asked;
};

/// Hands the next event of `peer` to `actor`, decoded when it does not lie in place. False: there is none.
bool dispatch_one(Peer& peer, ActorBase& actor) {
  Delivery delivery;
  if (!peer.next(delivery)) return false;
  Answer answer;
  const void* event = delivery.object;
  if (!event) {
    EXPECT_TRUE(event_type<Answer>().decode(delivery.payload, &answer));
    event = &answer;
  }
  actor.dispatch(delivery, event, peer.port());
  peer.port().handled(delivery, true);
  peer.port().flush();
  return true;
}

}  // namespace
}  // namespace actor::conformance

CONFORMANCE_SUITE(Actors);

namespace actor::conformance {

TEST_P(Actors, AConversationKeepsItsParentsTopicsAndPayloads) {
  make_world({.topics = {{"Channel.Requests", OverflowPolicy::block(), 64},
                         {"Channel.Answers", OverflowPolicy::block(), 64}}});
  Peer& client_peer = world().add("client", event_types<Dialogue>(), {"Channel.Answers"});
  Peer& server_peer = world().add("server", event_types<Dialogue>(), {"Channel.Requests"});
  Host client_host(client_peer.id(), client_peer.port(), client_peer.loop(), client_peer.waker());
  Host server_host(server_peer.id(), server_peer.port(), server_peer.loop(), server_peer.waker());
  Client client;
  Server server;
  client.bind(client_host);
  server.bind(server_host);
  client.on_start();
  client_peer.port().flush();
  for (std::uint64_t round = 0; round < 200; ++round) {
    ASSERT_TRUE(dispatch_one(server_peer, server)) << "round " << round;
    ASSERT_TRUE(server.last);
    EXPECT_EQ(server.last->number, round);
    ASSERT_TRUE(dispatch_one(client_peer, client)) << "round " << round;
  }
  EXPECT_EQ(totals().handled, 400u);
  EXPECT_EQ(queued(), 1u) << "the client's last request";
  client.unbind();
  server.unbind();
}

}  // namespace actor::conformance
