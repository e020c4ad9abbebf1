// Whether a group runs on a team of threads or on the caller's alone, learnt
// from how long it takes.
#ifndef TANDEM_BACKENDS_ONEDNN_THREAD_CHOICE_H_
#define TANDEM_BACKENDS_ONEDNN_THREAD_CHOICE_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace tandem::onednn {

// oneDNN's teams meet at the end of each primitive: on a machine whose cores
// others use as well, a member that is not scheduled keeps all waiting, and a
// network of fifty primitives takes twice as long on two threads as on one. No
// number of cores says when that is so; time does.
//
// A team runs until the calling thread waits for a good part of the time (on
// cores of its own it does not, and nothing else is ever tried). Then runs on
// one thread are timed as well, and the faster way is kept; the other is tried
// again now and then, more and more rarely while it loses. Thread-safe.
class ThreadChoice {
 public:
  enum Way { kTeam = 0, kAlone = 1 };

  Way Next();
  // What a run took of the clock and of the calling thread's CPU, in any one
  // unit.
  void Add(Way way, double wall, double cpu);

 private:
  struct Estimate {
    double wall = 0;
    int runs = 0;
  };

  absl::Mutex mutex_;
  Estimate estimates_[2] ABSL_GUARDED_BY(mutex_);
  Way way_ ABSL_GUARDED_BY(mutex_) = kTeam;
  double waiting_ ABSL_GUARDED_BY(mutex_) = 0;  // share of a team's time
  int trials_ ABSL_GUARDED_BY(mutex_) = 0;      // runs of the other way to come
  int until_trial_ ABSL_GUARDED_BY(mutex_) = 0;
  int pause_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tandem::onednn

#endif  // TANDEM_BACKENDS_ONEDNN_THREAD_CHOICE_H_
