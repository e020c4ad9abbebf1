#include "tandem/runtime/group_site.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/runtime/in_place.h"
#include "tandem/runtime/plan.h"
#include "tandem/tensor/context.h"

namespace tandem {
namespace {

bool Matches(const ValueDescription& d, const IValue& v) {
  if (!v.is_tensor()) return !d.is_tensor && v.is_scalar();
  const TensorImpl* t = v.AsTensor().impl();
  return d.is_tensor && t != nullptr && d.dtype == t->dtype &&
         d.device == t->device && d.sizes == t->sizes &&
         d.strides == t->strides && d.quantized == (t->quantizer != nullptr);
}

// Plain numbers and tensors are what groups compute with.
bool IsTakenByGroups(const IValue& v) {
  if (!v.is_tensor()) return v.is_scalar() && !v.is_complex();
  const TensorImpl* t = v.AsTensor().impl();
  return t != nullptr && !t->conj && !t->neg && t->layout == Layout::kStrided &&
         t->device.type != DeviceType::kMeta && !t->wrapped_number;
}

bool Matches(const GroupEntry& entry, const KernelCall& call) {
  for (size_t i = 0; i < call.num_inputs; ++i) {
    const IValue& v = call.in(i);
    if (!IsTakenByGroups(v) || !Matches(entry.inputs[i], v)) return false;
  }
  return true;
}

ValueDescription Describe(const IValue& v) {
  ValueDescription d;
  if (!v.is_tensor()) return d;
  const TensorImpl& t = *v.AsTensor().impl();
  d.is_tensor = true;
  d.quantized = t.quantizer != nullptr;
  d.dtype = t.dtype;
  d.device = t.device;
  d.sizes = t.sizes;
  d.strides = t.strides;
  return d;
}

void Warn(absl::string_view message) {
  const std::string line = absl::StrCat("warning: ", message, "\n");
  if (OutputSink* sink = CurrentContext().warnings; sink != nullptr) {
    sink->Write(line);
  } else {
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
}

std::string ToString(const ValueDescription& d) {
  if (!d.is_tensor) return "number";
  std::string text =
      absl::StrCat(TypeName(d.dtype), "[", absl::StrJoin(d.sizes, ", "), "]");
  if (!d.is_contiguous()) {
    absl::StrAppend(&text, " strides [", absl::StrJoin(d.strides, ", "), "]");
  }
  return text;
}

}  // namespace

GroupSite::GroupSite(const GroupBackend* backend,
                     std::shared_ptr<const Graph> graph,
                     std::unique_ptr<const Plan> kernels)
    : backend_(backend),
      graph_(std::move(graph)),
      kernels_(std::move(kernels)) {}

GroupSite::~GroupSite() = default;

const std::shared_ptr<GroupEntry>* GroupSite::FindLocked(
    const KernelCall& call) {
  for (const auto& entry : entries_) {
    if (!Matches(*entry, call)) continue;
    entry->last_use = ++clock_;
    return &entry;
  }
  return nullptr;
}

bool GroupSite::ComesAgain(const KernelCall& call) {
  size_t hash = 0;
  for (size_t i = 0; i < call.num_inputs; ++i) {
    const IValue& v = call.in(i);
    if (!v.is_tensor()) continue;
    const TensorImpl& t = *v.AsTensor().impl();
    hash = absl::HashOf(hash, t.dtype, absl::MakeConstSpan(t.sizes),
                        absl::MakeConstSpan(t.strides));
  }
  const auto it = std::find(recent_.begin(), recent_.end(), hash);
  if (it != recent_.end()) {
    recent_.erase(it);
    return true;
  }
  if (recent_.size() >= kRecent) recent_.erase(recent_.begin());
  recent_.push_back(hash);
  return false;
}

GroupSite::Found GroupSite::Use(const std::shared_ptr<GroupEntry>& entry) {
  Found found;
  found.entry = entry.get();
  found.check = !entry->checked && !backend_->is_trusted();
  entry->checked = true;
  return found;
}

GroupSite::Found GroupSite::Find(const KernelCall& call,
                                 std::shared_ptr<GroupEntry>* last) {
  if (*last != nullptr && !(*last)->refused.load(std::memory_order_relaxed) &&
      Matches(**last, call)) {
    return {last->get(), false};
  }
  for (size_t i = 0; i < call.num_inputs; ++i) {
    if (!IsTakenByGroups(call.in(i))) return {};
  }
  {
    absl::MutexLock lock(&mutex_);
    if (const auto* entry = FindLocked(call)) return Use(*last = *entry);
    if (compiled_ >= kEager && !ComesAgain(call)) return {};
    ++compiled_;
  }
  // Compiled without the lock: other shapes go on meanwhile. Two threads may
  // compile the same; the first to end is kept.
  auto made = std::make_shared<GroupEntry>();
  for (size_t i = 0; i < call.num_inputs; ++i) {
    made->inputs.push_back(Describe(call.in(i)));
  }
  absl::StatusOr<std::unique_ptr<GroupExecutable>> executable = nullptr;
  if (absl::Status kept = CheckInPlace(*graph_, made->inputs); kept.ok()) {
    executable = backend_->Compile(*graph_, made->inputs, &weights_);
  } else {
    executable = absl::UnimplementedError(kept.message());
  }
  if (executable.ok() && *executable != nullptr) {
    made->executable = *std::move(executable);
  } else {
    // What a backend does not do is no news; what goes wrong is.
    if (executable.status().code() != absl::StatusCode::kUnimplemented) {
      Warn(
          absl::StrCat(backend_->name(),
                       " cannot compile a group that it took; kernels run it: ",
                       executable.ok() ? "no executable came back"
                                       : executable.status().message()));
    }
    made->reason = executable.ok() ? std::string("no executable came back")
                                   : std::string(executable.status().message());
  }
  absl::MutexLock lock(&mutex_);
  if (const auto* entry = FindLocked(call)) return Use(*last = *entry);
  if (entries_.size() >= kMaxEntries) {
    entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                    [](const auto& a, const auto& b) {
                                      return a->last_use < b->last_use;
                                    }));
  }
  made->last_use = ++clock_;
  entries_.push_back(std::move(made));
  return Use(*last = entries_.back());
}

void GroupSite::Refuse(GroupEntry* entry, std::string reason) {
  Warn(absl::StrCat(backend_->name(), ": ", reason,
                    "; kernels run this group from now on"));
  entry->refused.store(true, std::memory_order_relaxed);
  absl::MutexLock lock(&mutex_);
  entry->reason = std::move(reason);
}

std::string GroupSite::ToString() const {
  absl::MutexLock lock(&mutex_);
  std::string text;
  for (const auto& entry : entries_) {
    std::vector<std::string> inputs;
    for (const ValueDescription& d : entry->inputs) {
      inputs.push_back(tandem::ToString(d));
    }
    absl::StrAppend(&text, "(", absl::StrJoin(inputs, ", "), "): ",
                    entry->executable != nullptr && !entry->refused
                        ? entry->executable->ToString()
                        : absl::StrCat("kernels, because ", entry->reason),
                    "\n");
  }
  return text;
}

}  // namespace tandem
