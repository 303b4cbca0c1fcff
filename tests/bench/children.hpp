#pragma once
// The ends of a benchmark that are no actors: forked children of the driver (which has one thread), pinned, with the
// memory that they share. Used by the driver only.

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// The cores that this process may use, at most two: [0] and [1] are where the ends of a spinning case are pinned.
const std::vector<int>& cores();
void pin_to(int core);

/// Children that end on their own. A child that is not done after `limit_s` seconds, or whose parent died, is ended.
class Children {
 public:
  static constexpr unsigned limit_s = 120;

  Children() = default;
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children();

  /// `core` < 0: not pinned.
  void start(int core, const std::function<void()>& body);
  /// Throws std::runtime_error, with what it said, as soon as one of them fails, or another child of this process (a
  /// server, which they need) ends. The destructor ends those that are left.
  void wait();

 private:
  struct Complaint;
  struct Child {
    int pid;
    std::shared_ptr<Complaint> complaint;
  };
  std::vector<Child> running_;
};

/// In words: what waitpid() said of a child.
std::string how_it_ended(int status);

/// Zeroed memory that children share with us and each other.
std::shared_ptr<void> shared_memory(std::size_t bytes);

template <class T>
std::shared_ptr<T> shared_object(std::size_t count = 1) {
  return std::static_pointer_cast<T>(shared_memory(sizeof(T) * count));
}

}  // namespace bench
