// A brain alone: what it does before there is a runtime.

#include "brain.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "brain/ledger.hpp"
#include "control/channel.hpp"
#include "keeper/pulse.hpp"
#include "keeper/wire.hpp"
#include "kept_lines.hpp"
#include "service_manager.hpp"
#include "session/epoch_page.hpp"

namespace actor::broker {
namespace {

TEST(BrainAlone, WhoseKeeperDiesBeforeItCouldBeginEndsTheActorsThatItKnowsOf) {
  char place[] = "/tmp/actor-brain-XXXXXX";
  ASSERT_NE(::mkdtemp(place), nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    for (;;) ::pause();
  }
  ::setpgid(child, child);
  auto [keeper, brains] = control::socket_pair();
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const int fds[] = {pidfd.get(), pidfd.get(), pidfd.get(), pidfd.get()};
  send_fixed(keeper.get(), KeeperNotice{.kind = NoticeKind::Spawned, .serial = 7, .pid = child}, fds);
  keeper.reset();

  auto parsed = parse_manifest("[actors.a]\nexec = 'a'\nstop_timeout = '1h'\n", "m.toml");
  ASSERT_TRUE(parsed.manifest);
  const ServiceManager service = ServiceManager::from_environment();
  Ledger ledger;
  EpochPage epochs;
  KeptLines lines;
  Pulse pulse{std::chrono::nanoseconds(0)};
  const BrainOptions options{.manifest = std::move(*parsed.manifest),
                             .run_for = std::nullopt,
                             .state_dir = std::string(place) + "/state",
                             .runtime_dir = std::string(place) + "/run",
                             .ledger = ledger,
                             .epochs = epochs,
                             .lines = lines,
                             .service = service};
  std::filesystem::create_directory(options.runtime_dir);
  EXPECT_EQ(run_brain(KeeperClient(std::move(brains)), control::listen_at(std::string(place) + "/run/control.sock"),
                      options, pulse),
            1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WTERMSIG(status), SIGTERM) << "told to end, and given its time";
  EXPECT_FALSE(std::filesystem::exists(options.runtime_dir));
  std::filesystem::remove_all(place);
}

}  // namespace
}  // namespace actor::broker
