#include "tandem/tensor/ref.h"

#include <vector>

namespace tandem {

// Objects that wait for the outermost Free() of this thread.
class Graveyard {
 public:
  static constexpr int kMaxDepth = 64;

  void Bury(RefCounted* object) {
    if (depth_ >= kMaxDepth) {
      waiting_.push_back(object);
      return;
    }
    ++depth_;
    object->Dispose();
    if (depth_ == 1) {
      while (!waiting_.empty()) {
        RefCounted* next = waiting_.back();
        waiting_.pop_back();
        next->Dispose();
      }
    }
    --depth_;
  }

 private:
  int depth_ = 0;
  std::vector<RefCounted*> waiting_;
};

void RefCounted::Free() const {
  thread_local Graveyard graveyard;
  graveyard.Bury(const_cast<RefCounted*>(this));
}

}  // namespace tandem
