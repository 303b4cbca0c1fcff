// The keeper as a process, for keeper_test: `keeper_host SOCKET NAME`. Its brain hands its end of the keeper's socket
// to the test over SOCKET (so that the test is the brain), and then ends as the test says: one byte, its exit code.
// Or it does not: at 200 it hangs in a loop, at 201 in its sleep.

#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <control/fd.hpp>
#include <control/runtime_path.hpp>
#include <control/seqpacket.hpp>
#include <cstdlib>
#include <vector>

#include "keeper/keeper.hpp"
#include "keeper/pulse.hpp"
#include "runtime_dir.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const int test = std::atoi(argv[1]);
  const actor::broker::RuntimeDir directory(actor::control::runtime_directory(argv[2]));
  const actor::broker::KeeperOptions options{.stop_timeout = std::chrono::milliseconds(200),
                                             .same_request = std::chrono::nanoseconds(0),
                                             .brain_watchdog = std::chrono::milliseconds(600),
                                             .at_end = [&] { directory.remove(); }};
  return actor::broker::run_keeper(options, [&](actor::Fd keeper, actor::broker::Pulse& pulse) {
    pulse.rest();
    const auto pid = static_cast<int>(::getpid());
    const int fds[] = {keeper.get()};
    actor::control::send_seqpacket(test, std::as_bytes(std::span(&pid, 1)), fds);
    keeper.reset();
    pollfd polled{test, POLLIN, 0};
    (void)::poll(&polled, 1, -1);
    std::array<std::byte, 1> code = {};
    std::vector<actor::Fd> none;
    (void)actor::control::receive_seqpacket(test, code, none);
    const int said = static_cast<int>(code[0]);
    if (said == 200 || said == 201) pulse.beat();
    for (std::atomic<unsigned> turns = 0; said == 200; ++turns) {
    }
    while (said == 201) (void)::pause();
    return said;
  });
}
