// Times what plans run: `tandem profile`.
#ifndef TANDEM_RUNTIME_PROFILER_H_
#define TANDEM_RUNTIME_PROFILER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tandem/ir/source_range.h"

namespace tandem {

// Hangs on CallOptions::profiler. Thread-safe; keeps the first `max_events`
// and counts the rest.
class Profiler {
 public:
  struct Event {
    std::string name;     // "aten::conv2d", "group 3"
    std::string backend;  // who ran it
    SourceRange range;
    int64_t start_ns = 0;  // since the profiler was made
    int64_t duration_ns = 0;
    uint64_t thread = 0;  // 0, 1, … in order of appearance
  };

  explicit Profiler(size_t max_events = 1'000'000);

  // Nanoseconds since the profiler was made.
  int64_t Now() const;
  // Ends at Now(). The thread is the caller's.
  void Add(std::string name, std::string backend, const SourceRange& range,
           int64_t start_ns);

  std::vector<Event> events() const;
  size_t dropped() const;

 private:
  const size_t max_events_;
  const int64_t origin_ns_;
  mutable absl::Mutex mutex_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> threads_ ABSL_GUARDED_BY(mutex_);
  size_t dropped_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A line of a table: what took how long in all.
struct ProfileRow {
  std::string what;
  int64_t calls = 0;
  int64_t total_ns = 0;
};
// By operator and backend; by line of the user's source ("model.py:12  y = …",
// of the archive's code where that is not known). Longest first.
std::vector<ProfileRow> ByOperator(const std::vector<Profiler::Event>& events);
std::vector<ProfileRow> ByLine(const std::vector<Profiler::Event>& events);

// The trace that chrome://tracing and Perfetto open.
std::string ChromeTrace(const std::vector<Profiler::Event>& events);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_PROFILER_H_
