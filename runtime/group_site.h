// One prim::FusionGroup of a plan: executables for the shapes it has met.
#ifndef TANDEM_RUNTIME_GROUP_SITE_H_
#define TANDEM_RUNTIME_GROUP_SITE_H_

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

// Thread-safe. Executables are compiled when a description is first met, by the
// thread that met it, and kept for the kMaxEntries that were met last; a
// description that the backend refused is remembered, too.
class GroupSite {
 public:
  static constexpr size_t kMaxEntries = 32;

  // `kernels` computes the same node by node, from the group's inputs.
  GroupSite(const GroupBackend* backend, std::shared_ptr<const Graph> graph,
            std::unique_ptr<const Plan> kernels);
  ~GroupSite();

  struct Found {
    // Null when kernels must run the call.
    std::shared_ptr<const GroupExecutable> executable;
    // Its first call, by a backend that is not trusted: compare with kernels.
    bool check = false;
  };
  Found Find(const KernelCall& call);
  // An executable that failed or gave what it must not: kernels from now on.
  void Refuse(const GroupExecutable* executable, std::string reason);

  const GroupBackend& backend() const { return *backend_; }
  const Graph& graph() const { return *graph_; }
  const Plan& kernels() const { return *kernels_; }
  // What was compiled so far, and what was refused why: a line each.
  std::string ToString() const;

 private:
  struct Entry {
    std::vector<ValueDescription> inputs;
    std::shared_ptr<const GroupExecutable> executable;  // null: refused
    std::string reason;
    bool checked = false;
    uint64_t last_use = 0;
  };
  Found Use(Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Entry* FindLocked(const KernelCall& call)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const GroupBackend* const backend_;
  const std::shared_ptr<const Graph> graph_;
  const std::unique_ptr<const Plan> kernels_;
  PackedWeights weights_;
  mutable absl::Mutex mutex_;
  std::vector<std::unique_ptr<Entry>> entries_ ABSL_GUARDED_BY(mutex_);
  uint64_t clock_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tandem

#endif  // TANDEM_RUNTIME_GROUP_SITE_H_
