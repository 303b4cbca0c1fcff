#pragma once
// What the drivers of the benchmarks have in common at their ends: the words they are started with, and the files they
// leave. Used by their main() only.

#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace bench {

struct Option {
  std::string name;   // "--json"
  std::string value;  // how the usage calls it: "FILE"; empty: it takes none
  /// False: no sense can be made of that value.
  std::function<bool(const std::string& value)> take;
};

Option flag(std::string name, bool& to);
Option text_option(std::string name, std::string value, std::string& to);
/// A whole number from 1 on.
Option number_option(std::string name, std::string value, unsigned& to);

/// A driver's main(): takes its words, then runs it. `more`: what its usage says below the options. Returns the status:
/// 1, with what went wrong, if `run` threw; 2, with the usage, if a word was not understood.
int drive(int argc, char** argv, const std::vector<Option>& options, const std::string& more,
          const std::function<void()>& run);

/// Throws std::system_error when the file cannot be written.
void save(const std::string& path, const std::function<void(std::ostream&)>& write);

}  // namespace bench
