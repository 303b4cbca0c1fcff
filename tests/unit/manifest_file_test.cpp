// Manifests as files: what is looked at beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "manifest/check.hpp"
#include "manifest_lines.hpp"

namespace actor::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A directory that is gone after the test.
class ManifestFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "manifest-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path write(const std::string& name, std::string_view text, bool executable = false) {
    const std::filesystem::path file = directory_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    if (executable) std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }

  std::vector<std::string> check(std::string_view text, const std::string& path) {
    const ManifestResult result = load_manifest(write("m.toml", text));
    EXPECT_THAT(lines_of(result.errors), IsEmpty());
    return lines_of(check_executables(result.manifest.value(), path));
  }

  std::filesystem::path directory_;
};

TEST_F(ManifestFile, IsReadFromDisk) {
  const ManifestResult result = load_manifest(write("station.toml", "\xef\xbb\xbf[actors.a]\r\nexec = 'a'\r\n"));
  EXPECT_THAT(lines_of(result.errors), IsEmpty());
  EXPECT_EQ(result.manifest.value().file, directory_ / "station.toml");
}

TEST_F(ManifestFile, ThatCannotBeReadIsAnErrorThatSaysWhy) {
  EXPECT_THAT(lines_of(load_manifest(directory_ / "none.toml").errors),
              ElementsAre(AllOf(HasSubstr("none.toml: cannot read the manifest"), HasSubstr("No such file"))));
  EXPECT_THAT(lines_of(load_manifest(directory_).errors), ElementsAre(HasSubstr("it is a directory")));
  EXPECT_THAT(lines_of(load_manifest("/dev/zero").errors), ElementsAre(HasSubstr("bigger than 1 MiB")));
  if (::geteuid() == 0) return;  // root reads everything
  std::filesystem::permissions(write("secret.toml", ""), std::filesystem::perms::none);
  EXPECT_THAT(lines_of(load_manifest(directory_ / "secret.toml").errors), ElementsAre(HasSubstr("make it readable")));
}

TEST_F(ManifestFile, MayBeOneMebibyteAndNotAByteMore) {
  std::string text = "[actors.a]\nexec = 'a'\n#";
  text.resize(max_manifest_bytes, 'x');
  EXPECT_TRUE(load_manifest(write("full.toml", text)).manifest);
  EXPECT_THAT(lines_of(load_manifest(write("over.toml", text + 'x')).errors),
              ElementsAre(HasSubstr("bigger than 1 MiB")));
}

TEST_F(ManifestFile, ProgramsAreFoundBesideItInPathOrWhereTheyAre) {
  const std::string beside = write("bin/beside", "", true);
  const std::string in_path = write("path/tool", "", true);
  write("earlier/tool", "not executable, so that the search goes on");
  const std::string path = directory_.string() + "/earlier::" + directory_.string() + "/path";
  const Manifest manifest = load_manifest(write("m.toml",
                                                "[actors.a]\nexec = './bin/beside'\n[actors.b]\nexec = 'tool'\n"
                                                "[actors.c]\nexec = '" +
                                                    in_path + "'\n"))
                                .manifest.value();
  EXPECT_EQ(find_executable(manifest, manifest.actors[0], path), beside);
  EXPECT_EQ(find_executable(manifest, manifest.actors[1], path), in_path);
  EXPECT_EQ(find_executable(manifest, manifest.actors[2], path), in_path);
  EXPECT_EQ(find_executable(manifest, manifest.actors[1], ""), std::nullopt);
  EXPECT_THAT(check_executables(manifest, path), IsEmpty());
}

TEST_F(ManifestFile, ProgramsThatCannotRunAreReportedTogether) {
  write("plain", "");
  write("tool", "", true);
  EXPECT_THAT(
      check(
          "[actors.a]\nexec = './none'\n[actors.b]\nexec = './plain'\n[actors.c]\nexec = '/'\n"
          "[actors.d]\nexec = 'tool'\n[actors.e]\nexec = 'nowhere-at-all'\n[actors.f]\nexec = './tool'\ncwd = 'none'\n",
          "/nonexistent"),
      ElementsAre(
          AllOf(HasSubstr("m.toml:2:8: actors.a.exec: there is no file " + directory_.string() + "/none"),
                HasSubstr("the manifest's directory")),
          HasSubstr("m.toml:4:8: actors.b.exec: " + directory_.string() + "/plain may not be executed"),
          HasSubstr("m.toml:6:8: actors.c.exec: / is not a file"),
          HasSubstr(
              "m.toml:8:8: actors.d.exec: \"tool\" is in no directory of PATH (/nonexistent); did you mean \"./tool\""),
          HasSubstr("m.toml:10:8: actors.e.exec: \"nowhere-at-all\" is in no directory of PATH"),
          HasSubstr("m.toml:13:7: actors.f.cwd: there is no directory " + directory_.string() + "/none")));
}

TEST_F(ManifestFile, IsCheckedToItsEndWhateverIsWrongBefore) {
  write("tool", "", true);
  const Checked checked = check_manifest(
      write("m.toml",
            "[topics.T]\nblock_deadline = '5s'\n[actors.a]\nexec = 'helo'\nargs = 1\n"
            "[actors.b]\nexec = './tool'\ncwd = 'none'\n[actors.c]\nexec = './tool'\nuser = 'no such user'\n"));
  EXPECT_FALSE(checked.manifest);
  EXPECT_THAT(lines_of(checked.errors),
              ElementsAre(HasSubstr("m.toml:2:18: topics.T.block_deadline: is only for overflow = \"block\""),
                          HasSubstr("m.toml:4:8: actors.a.exec: \"helo\" is in no directory of PATH"),
                          HasSubstr("m.toml:5:8: actors.a.args: must be an array"),
                          HasSubstr("m.toml:8:7: actors.b.cwd: there is no directory"),
                          HasSubstr("m.toml:11:8: actors.c.user: there is no user \"no such user\"")));
  EXPECT_THAT(lines_of(check_manifest(write("m.toml", "[actors.a]\ncwd = 'none'\n")).errors),
              ElementsAre(HasSubstr("m.toml:1:9: actors.a.exec: missing"), HasSubstr("m.toml:2:7: actors.a.cwd:")));
}

}  // namespace
}  // namespace actor::broker
