#include "tandem/runtime/profiler.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tandem/runtime/executor.h"
#include "tandem/runtime/group_site.h"

namespace tandem {
namespace {

int64_t ClockNanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// "model.py:12  y = self.conv(x)"
std::string LineOf(const SourceRange& range) {
  if (!range.valid()) return "(no source)";
  const SourceRange r = range.OriginalOrSelf();
  const Source& source = *r.source();
  const size_t line = source.LineIndex(r.start());
  const size_t begin = source.LineStart(line);
  const size_t end = line + 1 < source.line_count() ? source.LineStart(line + 1)
                                                    : source.size();
  const absl::string_view text =
      absl::StripAsciiWhitespace(source.text().substr(begin, end - begin));
  const auto place = r.file_line_column();
  return absl::StrCat(
      place.has_value()
          ? absl::StrCat(place->file, ":", place->line)
          : absl::StrCat(source.name().value_or("code"), ":",
                         static_cast<int64_t>(line) + source.first_line()),
      "  ", text.substr(0, 100));
}

std::vector<ProfileRow> Gather(
    const std::vector<Profiler::Event>& events,
    const std::function<std::string(const Profiler::Event&)>& key) {
  std::map<std::string, ProfileRow> rows;
  for (const Profiler::Event& e : events) {
    ProfileRow& row = rows[key(e)];
    ++row.calls;
    row.total_ns += e.duration_ns;
  }
  std::vector<ProfileRow> sorted;
  for (auto& [what, row] : rows) {
    row.what = what;
    sorted.push_back(std::move(row));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const ProfileRow& a, const ProfileRow& b) {
                     return a.total_ns > b.total_ns;
                   });
  return sorted;
}

std::string Json(absl::string_view s) {
  std::string text = "\"";
  for (char c : s) {
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&text, "\\u%04x", c);
    } else {
      text += c;
    }
  }
  return text + '"';
}

}  // namespace

Profiler::Profiler(size_t max_events)
    : max_events_(max_events), origin_ns_(ClockNanos()) {}

int64_t Profiler::Now() const { return ClockNanos() - origin_ns_; }

void Profiler::Add(std::string name, std::string backend,
                   const SourceRange& range, int64_t start_ns) {
  const int64_t end = Now();
  const uint64_t id = std::hash<std::thread::id>()(std::this_thread::get_id());
  absl::MutexLock lock(&mutex_);
  if (events_.size() >= max_events_) {
    ++dropped_;
    return;
  }
  auto it = std::find(threads_.begin(), threads_.end(), id);
  if (it == threads_.end()) it = threads_.insert(threads_.end(), id);
  events_.push_back({std::move(name), std::move(backend), range, start_ns,
                     end - start_ns,
                     static_cast<uint64_t>(it - threads_.begin())});
}

std::vector<Profiler::Event> Profiler::events() const {
  absl::MutexLock lock(&mutex_);
  return events_;
}

size_t Profiler::dropped() const {
  absl::MutexLock lock(&mutex_);
  return dropped_;
}

std::vector<ProfileRow> ByOperator(const std::vector<Profiler::Event>& events) {
  return Gather(events, [](const Profiler::Event& e) {
    return absl::StrCat(e.name, "  [", e.backend, "]");
  });
}

std::vector<ProfileRow> ByLine(const std::vector<Profiler::Event>& events) {
  return Gather(events,
                [](const Profiler::Event& e) { return LineOf(e.range); });
}

std::string ChromeTrace(const std::vector<Profiler::Event>& events) {
  std::string text = "{\"traceEvents\": [";
  for (size_t i = 0; i < events.size(); ++i) {
    const Profiler::Event& e = events[i];
    absl::StrAppendFormat(
        &text,
        "%s\n{\"ph\": \"X\", \"pid\": 1, \"tid\": %d, \"ts\": %.3f, \"dur\": "
        "%.3f, \"name\": %s, \"cat\": %s, \"args\": {\"line\": %s}}",
        i == 0 ? "" : ",", e.thread, static_cast<double>(e.start_ns) / 1000,
        static_cast<double>(e.duration_ns) / 1000, Json(e.name),
        Json(e.backend), Json(LineOf(e.range)));
  }
  return text + "\n]}\n";
}

absl::Status Execution::Profile(const Plan& plan, const Instruction& i,
                                IValue* r) {
  Profiler& profiler = *options_.profiler;
  const int64_t start = profiler.Now();
  const bool group = i.op == OpCode::kGroup;
  absl::Status status = group                        ? CallGroup(plan, i, r)
                        : plan.kernels[i.a].in_place ? CallInPlace(plan, i, r)
                                                     : CallKernel(plan, i, r);
  profiler.Add(group ? absl::StrCat("group ", i.a)
                     : plan.kernels[i.a].op->schema.FullName(),
               group ? std::string(plan.groups[i.a]->backend().name())
                     : plan.kernels[i.a].entry->backend,
               plan.sites[i.site].range, start);
  return status;
}

}  // namespace tandem
