#pragma once
// The comparison itself: peers, each in the same cases, in turns. Whatever happens to one of them ends its side of a
// case, with a note, and the others go on. Made and used by the driver.

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "../rounds.hpp"
#include "link.hpp"

namespace bench {

struct Thoroughness {
  bool quick = false;  ///< few events, one round: do they work?
  bool floors = true;  ///< what no transport can beat, too
  /// Of one run of a peer: then it is ended, and counts as failed.
  std::chrono::milliseconds run_limit = std::chrono::seconds(30);
  std::chrono::milliseconds time = std::chrono::minutes(11);  ///< for all; more rounds where the machine leaves it
};

class Comparison {
 public:
  /// A peer that fails in so many cases is left out of the others.
  static constexpr int most_failures = 3;

  Comparison(std::vector<Peer> peers, const Thoroughness& thoroughness);

  void measure(const std::vector<Case>& cases);

  const std::vector<Row>& rows() const { return rows_; }
  /// Who was left out of what, and why.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void measure(const Case& what, std::int64_t until_ns);
  void note(const std::string& what);
  void failed(const std::string& peer, const Case& what, const std::exception& error);
  bool has_failed_too_often(const std::string& peer) const;
  Outcome run(const Peer& peer, const Case& what) const;
  Case sized(const Peer& peer, const Case& what) const;
  void add_side(std::vector<Side>& sides, const Peer& peer, const Case& what);
  void add_floor(std::vector<Side>& sides, const Case& what) const;
  void take_turns(const Case& what, std::vector<Side>& sides, std::int64_t until_ns);

  const Thoroughness thoroughness_;
  Effort effort_;
  std::vector<Peer> peers_;
  std::map<std::string, int> failures_;
  std::vector<Row> rows_;
  std::vector<std::string> notes_;
};

}  // namespace bench
