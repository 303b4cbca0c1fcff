// Where the broker finds the module for topics that travel by iceoryx: beside the daemon that comes with it.

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "iceoryx/module_place.hpp"

namespace actor::iceoryx {
namespace {

namespace fs = std::filesystem;

class ModulePlace : public testing::Test {
 protected:
  ModulePlace() { fs::create_directories(programs_); }
  ~ModulePlace() override { fs::remove_all(prefix_); }

  static fs::path make(const fs::path& file) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << "it";
    return fs::canonical(file);
  }

  const fs::path prefix_ = fs::path(testing::TempDir()) / ("module_place." + std::to_string(getpid()));
  const fs::path programs_ = prefix_ / "bin";
};

TEST_F(ModulePlace, IsInADirectoryOfLibactorsOwnWhereItIsInstalled) {
  EXPECT_EQ(installed_place().filename(), "libactor")
      << "not where the linker looks for libraries: " << installed_place();
  const fs::path module = make((programs_ / installed_place() / module_name).lexically_normal());
  EXPECT_EQ(find_module(make(programs_ / "actor-roudi")), module);
}

TEST_F(ModulePlace, IsFoundFromALinkToTheDaemonToo) {
  const fs::path module = make((programs_ / installed_place() / module_name).lexically_normal());
  fs::create_directories(prefix_ / "elsewhere");
  fs::create_symlink(make(programs_ / "actor-roudi"), prefix_ / "elsewhere" / "actor-roudi");
  EXPECT_EQ(find_module(prefix_ / "elsewhere" / "actor-roudi"), module);
}

TEST_F(ModulePlace, IsBesideTheDaemonWhereBothWereBuilt) {
  make((programs_ / installed_place() / module_name).lexically_normal());
  const fs::path module = make(programs_ / module_name);
  EXPECT_EQ(find_module(make(programs_ / "actor-roudi")), module);
}

TEST_F(ModulePlace, IsForTheLoaderToFindWhereItIsNowhere) {
  EXPECT_EQ(find_module(make(programs_ / "actor-roudi")), module_name);
  EXPECT_EQ(find_module(""), module_name);
}

}  // namespace
}  // namespace actor::iceoryx
