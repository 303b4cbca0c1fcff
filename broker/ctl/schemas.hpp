#pragma once
// The event types of a runtime, as its broker knows them: what makes JSON of an event, and an event of JSON, without
// the application's code. One thread.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace actor::ctl {

struct TypeInfo {
  std::string name;  ///< "station::Temperature"
  std::uint64_t hash = 0;
  std::string schema;
  std::vector<std::string> actors;  ///< whose programs know it, and run
};

class Schemas {
 public:
  explicit Schemas(std::string broker) : broker_(std::move(broker)) {}

  /// Asks the broker. Throws NoBroker, Refusal.
  void fetch();
  const std::vector<TypeInfo>& types() const { return types_; }
  /// Asks the broker when it is a new one. Null when nobody knows it.
  const TypeInfo* find(std::uint64_t hash);

 private:
  std::string broker_;
  std::vector<TypeInfo> types_;
};

/// The type without its namespaces: "Temperature".
std::string label_of(const std::string& type);

}  // namespace actor::ctl
