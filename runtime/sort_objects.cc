// sort() and sorted() of lists of tuples and of objects with __lt__.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "tandem/ir/class_type.h"
#include "tandem/runtime/executor.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// a < b of what sort() takes beside objects: numbers, strings, and tuples of
// these, compared from the front. Nullopt for anything else.
std::optional<bool> LessThan(const IValue& a, const IValue& b, int depth) {
  if (a.tag() != b.tag() || depth > 64) return std::nullopt;
  switch (a.tag()) {
    case IValue::Tag::kBool:
    case IValue::Tag::kInt:
      return a.AsInt() < b.AsInt();
    case IValue::Tag::kDouble:
      return a.AsDouble() < b.AsDouble();
    case IValue::Tag::kString:
      return a.AsString() < b.AsString();
    case IValue::Tag::kTuple: {
      const auto& x = a.AsTuple().values;
      const auto& y = b.AsTuple().values;
      for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        if (!Equal(x[i], y[i])) return LessThan(x[i], y[i], depth + 1);
      }
      return x.size() < y.size();
    }
    default:
      return std::nullopt;
  }
}

}  // namespace

absl::Status Execution::SortObjects(const Plan& plan, const Instruction& i,
                                    IValue* r) {
  const uint32_t* operands = plan.operands.data() + i.b;
  const Ref<ListObject> list = r[operands[0]].AsRef<ListObject>();
  const bool reverse = i.c > 1 && r[operands[1]].AsBool();
  std::vector<IValue> values = list->values;
  absl::Status failure;
  const auto less = [&](const IValue& a, const IValue& b) {
    if (!failure.ok()) return false;
    if (const std::optional<bool> known = LessThan(a, b, 0);
        known.has_value()) {
      return *known;
    }
    Function* method =
        a.is_object() ? a.AsObject().type()->FindMethod("__lt__") : nullptr;
    if (method == nullptr) {
      failure = absl::InvalidArgumentError(
          "Only list of Tensors, ints, floats, bools, strs or a User Defined "
          "Class that "
          "defines the __lt__ compare method can be sorted");
      return false;
    }
    absl::StatusOr<const Plan*> plan = engine_.PlanFor(method);
    if (!plan.ok()) {
      failure = plan.status();
      return false;
    }
    IValue args[2] = {a, b};
    Results results;
    failure = Run(**plan, args, 2, &results);
    return failure.ok() && results[0].AsBool();
  };
  // A merge sort by hand: whatever __lt__ answers, it stays in bounds.
  std::vector<IValue> buffer(values.size());
  for (size_t width = 1; width < values.size(); width *= 2) {
    for (size_t lo = 0; lo < values.size(); lo += 2 * width) {
      const size_t mid = std::min(lo + width, values.size());
      const size_t hi = std::min(lo + 2 * width, values.size());
      size_t x = lo, y = mid;
      for (size_t k = lo; k < hi; ++k) {
        bool second = x == mid;
        if (!second && y < hi) {
          second =
              reverse ? less(values[x], values[y]) : less(values[y], values[x]);
        }
        buffer[k] = second ? values[y++] : values[x++];
      }
    }
    values.swap(buffer);
    TANDEM_RETURN_IF_ERROR(failure);
  }
  if (i.a == UINT32_MAX) {
    list->values = std::move(values);
  } else {
    r[i.a] = IValue(MakeList(list->element_type, std::move(values)));
  }
  return absl::OkStatus();
}

}  // namespace tandem
