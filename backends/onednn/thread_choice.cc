#include "tandem/backends/onednn/thread_choice.h"

#include <algorithm>

namespace tandem::onednn {
namespace {

// A smoothed value follows the last eight runs or so; one run counts for at
// most four times what was expected of it.
constexpr int kMemory = 8;
constexpr double kMost = 4;
// The share of waiting from which on a team is doubted.
constexpr double kDoubt = 0.2;
// Runs of a trial, and runs between two trials.
constexpr int kTrials = 3;
constexpr int kFirstPause = 16, kLongestPause = 512;
// By how much the other way has to be better.
constexpr double kBetter = 0.95;

}  // namespace

ThreadChoice::Way ThreadChoice::Next() {
  absl::MutexLock lock(&mutex_);
  if (trials_ > 0) return way_ == kTeam ? kAlone : kTeam;
  return way_;
}

void ThreadChoice::Add(Way way, double wall, double cpu) {
  absl::MutexLock lock(&mutex_);
  Estimate& e = estimates_[way];
  e.runs = std::min(e.runs + 1, kMemory);
  if (e.runs == 1) {
    e.wall = wall;
  } else {
    e.wall += (std::min(wall, kMost * e.wall) - e.wall) / e.runs;
  }
  if (way == kTeam && wall > 0) {
    waiting_ += (std::clamp(1 - cpu / wall, 0.0, 1.0) - waiting_) / kMemory;
  }
  if (trials_ > 0) {
    if (way == way_ || --trials_ > 0) return;
    // The trial is over.
    const Way other = way;
    if (estimates_[other].wall < kBetter * estimates_[way_].wall) {
      way_ = other;
      pause_ = kFirstPause;
    } else {
      pause_ = std::min(std::max(kFirstPause, 2 * pause_), kLongestPause);
    }
    until_trial_ = pause_;
    return;
  }
  if (until_trial_ > 0) {
    --until_trial_;
    return;
  }
  if (way_ == kTeam && (e.runs < kMemory || waiting_ < kDoubt)) return;
  trials_ = kTrials;
  estimates_[way_ == kTeam ? kAlone : kTeam] = Estimate();
}

}  // namespace tandem::onednn
