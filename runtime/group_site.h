// One prim::FusionGroup of a plan: executables for the shapes it has met.
#ifndef TANDEM_RUNTIME_GROUP_SITE_H_
#define TANDEM_RUNTIME_GROUP_SITE_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tandem/backends/group.h"
#include "tandem/ir/graph.h"

namespace tandem {

class Plan;

// What a group does with inputs of one description.
struct GroupEntry {
  std::vector<ValueDescription> inputs;
  std::shared_ptr<const GroupExecutable> executable;  // null: refused
  std::string reason;
  bool checked = false;
  uint64_t last_use = 0;
  // The executable failed later on: kernels from now on.
  std::atomic<bool> refused{false};
};

// Thread-safe. Executables are compiled when a description is first met, by the
// thread that met it, and kept for the kMaxEntries that were met last; a
// description that the backend refused is remembered, too. After the first
// kEager of them a description is compiled only when it comes again soon: where
// every call has another shape, compiling costs more than it saves, and
// libraries that generate code keep some of it for good.
class GroupSite {
 public:
  static constexpr size_t kMaxEntries = 32;
  static constexpr size_t kEager = 128;
  // "Soon": among so many new descriptions.
  static constexpr size_t kRecent = 64;

  // `kernels` computes the same node by node, from the group's inputs.
  GroupSite(const GroupBackend* backend, std::shared_ptr<const Graph> graph,
            std::unique_ptr<const Plan> kernels);
  ~GroupSite();

  struct Found {
    // Null, or without an executable, when kernels must run the call.
    // Lives as long as *last does.
    GroupEntry* entry = nullptr;
    // Its first call, by a backend that is not trusted: compare with kernels.
    bool check = false;
  };
  // `last`, if not null, is what the caller got last time: the same shapes
  // again need no lock.
  Found Find(const KernelCall& call, std::shared_ptr<GroupEntry>* last);
  // An executable that failed or gave what it must not: kernels from now on.
  void Refuse(GroupEntry* entry, std::string reason);

  const GroupBackend& backend() const { return *backend_; }
  const Graph& graph() const { return *graph_; }
  const Plan& kernels() const { return *kernels_; }
  // What was compiled so far, and what was refused why: a line each.
  std::string ToString() const;

 private:
  Found Use(const std::shared_ptr<GroupEntry>& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const std::shared_ptr<GroupEntry>* FindLocked(const KernelCall& call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const GroupBackend* const backend_;
  const std::shared_ptr<const Graph> graph_;
  const std::unique_ptr<const Plan> kernels_;
  PackedWeights weights_;
  mutable absl::Mutex mutex_;
  std::vector<std::shared_ptr<GroupEntry>> entries_ ABSL_GUARDED_BY(mutex_);
  // Has this description been met lately? Remembers it.
  bool ComesAgain(const KernelCall& call) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  uint64_t clock_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t compiled_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<size_t> recent_ ABSL_GUARDED_BY(mutex_);  // hashes, a ring
};

}  // namespace tandem

#endif  // TANDEM_RUNTIME_GROUP_SITE_H_
