#pragma once
// Which sections of a manifest were read without an error. Whether sections make sense together is checked in those
// that have errors too, but nothing is concluded from what such a section does not say: it may have meant to. A plain
// value, internal to the manifest.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/manifest.hpp"

namespace actor::broker {

class SoundSections {
 public:
  /// `errors`: all that reading has found.
  explicit SoundSections(const std::vector<ManifestError>& errors) {
    for (const ManifestError& error : errors) {
      keys_.insert(error.key);
      is_root_sound_ &= error.key.find('.') != std::string::npos;
    }
  }

  bool all() const { return keys_.empty(); }

  /// `section`: its path, such as actors.cpu. It need not be there.
  bool has(const std::string& section) const {
    const auto inside = keys_.lower_bound(section + '.');
    return is_root_sound_ && !keys_.contains(section) && (inside == keys_.end() || !inside->starts_with(section + '.'));
  }

 private:
  std::set<std::string> keys_;
  bool is_root_sound_ = true;  // else a whole kind of section may be misspelt
};

}  // namespace actor::broker
