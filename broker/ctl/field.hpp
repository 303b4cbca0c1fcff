#pragma once
// Fields of the broker's answers, read with care: what is missing or of another kind is empty, never an error. Pure
// functions; any thread.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>

namespace actor::ctl {

using Json = nlohmann::json;

/// As a cell: text as it is, numbers as numbers, lists with commas; empty when it is missing or null.
std::string cell(const Json& object, const char* key);
/// 0 when it is missing.
std::uint64_t natural(const Json& object, const char* key);
double real(const Json& object, const char* key);
/// A member, or null.
const Json& member(const Json& object, const char* key);
/// A list of objects. Throws Json::exception for anything else.
const Json& list_at(const Json& object, const char* key);

/// The broker's answer. Throws Refusal when it is a no, or makes no sense.
Json parse_answer(const std::string& json);

/// The answer is no: exit code 1.
struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace actor::ctl
