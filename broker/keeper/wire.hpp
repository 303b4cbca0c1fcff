#pragma once
// What brain and keeper say to each other: structs of fixed size over a SOCK_SEQPACKET pair, so that the keeper has
// nothing to parse. Both are one program of one build, so there is no version. Descriptors ride along as told.

#include <control/seqpacket.hpp>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace actor::broker {

enum class RequestKind : std::uint32_t {
  None = 0,
  Spawn = 1,    ///< Fds: a memfd that holds `blob_bytes` bytes: exec, cwd, arguments, environment, each ended by a NUL,
                ///< then Orders, which have `number` bytes (0: none); [cgroup.procs of the child's own]
  Kill = 2,     ///< `number` = signal
  AckExit = 3,  ///< the keeper forgets the child, or that it could not be started
  Store = 4,    ///< keep a copy of the descriptor under `id`. Fds: it
  Drop = 5,
  Running = 6,      ///< this brain has begun, or taken over
  StopTimeout = 7,  ///< `number` = milliseconds: how long children get when the brain leaves them behind
};

struct KeeperRequest {
  RequestKind kind = RequestKind::None;
  std::uint32_t blob_bytes = 0;
  std::uint64_t id = 0;         // a child's serial, or a key of Store and Drop
  std::uint32_t arguments = 0;  // argv[0] counts
  std::uint32_t environment = 0;
  std::int32_t number = 0;
  std::uint32_t whole_group = 0;
};
static_assert(sizeof(KeeperRequest) == 32 && std::has_unique_object_representations_v<KeeperRequest>);

inline constexpr std::uint32_t max_blob_bytes = 1u << 20;

enum class NoticeKind : std::uint32_t {
  None = 0,
  Spawned = 1,      ///< Fds: pidfd, control, out, err
  SpawnFailed = 2,  ///< `number` = errno, `step` = SpawnStep
  Exited = 3,       ///< `number` = wait status
  Shutdown = 4,     ///< `number` = signal, `serial` = how many there have been, with this one
  Stored = 5,       ///< `serial` = the key of Store. Fds: it
  HandedOver = 6,   ///< a brain that begins knows all now
};

struct KeeperNotice {
  NoticeKind kind = NoticeKind::None;
  std::uint32_t step = 0;
  std::uint64_t serial = 0;
  std::int32_t pid = 0;
  std::int32_t number = 0;
};
static_assert(sizeof(KeeperNotice) == 24 && std::has_unique_object_representations_v<KeeperNotice>);

template <class Fixed>
control::SendResult send_fixed(int socket, const Fixed& value, std::span<const int> fds = {}) {
  return control::send_seqpacket(socket, std::as_bytes(std::span(&value, 1)), fds);
}

template <class Fixed>
control::Received receive_fixed(int socket, Fixed& value, std::vector<Fd>& fds) {
  return control::receive_seqpacket(socket, std::as_writable_bytes(std::span(&value, 1)), fds);
}

}  // namespace actor::broker
