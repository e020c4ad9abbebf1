#include "tandem/runtime/in_place.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/operators/shape_functions.h"
#include "tandem/passes/rewrite.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

using Values = absl::flat_hash_map<const Value*, IValue>;

// A tensor without elements; undefined ones stay.
absl::StatusOr<IValue> Sizes(const IValue& v) {
  if (!v.is_tensor() || !v.AsTensor().defined()) return v;
  const Tensor& t = v.AsTensor();
  TANDEM_ASSIGN_OR_RETURN(Tensor meta,
                          Tensor::Meta(t.sizes(), t.strides(), t.dtype()));
  return IValue(std::move(meta));
}

absl::StatusOr<IValue> Describe(const ValueDescription& d) {
  // A number: whatever it is, a float tensor keeps its dtype beside it; others
  // are left to kernels.
  if (!d.is_tensor) return IValue(1.0);
  TANDEM_ASSIGN_OR_RETURN(Tensor meta,
                          Tensor::Meta(d.sizes, d.strides, d.dtype));
  return IValue(std::move(meta));
}

absl::Status Visit(const Node& n, Values* values) {
  if (n.is(NodeKind::kConstant)) {
    TANDEM_ASSIGN_OR_RETURN((*values)[n.output()], Sizes(n.constant()));
    return absl::OkStatus();
  }
  std::vector<IValue> arguments;
  for (const Value* v : n.inputs()) {
    const auto it = values->find(v);
    if (it == values->end()) return absl::UnimplementedError("");
    arguments.push_back(it->second);
  }
  if (n.is(NodeKind::kListConstruct)) {
    (*values)[n.output()] =
        IValue(MakeList(n.output()->type()->element(), std::move(arguments)));
    return absl::OkStatus();
  }
  if (!n.is(NodeKind::kOperator)) return absl::UnimplementedError("");
  TANDEM_ASSIGN_OR_RETURN(ShapeResults results,
                          ResultShapes(*n.op(), arguments));
  for (size_t i = 0; i < n.outputs().size() && i < results.values.size(); ++i) {
    (*values)[n.output(i)] = std::move(results.values[i]);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckInPlace(const Tensor& self, const Tensor& result) {
  if (self.sizes() != result.sizes()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "output with shape ", DimsToString(self.sizes()),
        " doesn't match the broadcast shape ", DimsToString(result.sizes())));
  }
  if (self.dtype() != result.dtype()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "result type ", TypeName(result.dtype()),
        " can't be cast to the desired output type ", TypeName(self.dtype())));
  }
  return absl::OkStatus();
}

bool SameLayout(const Tensor& self, const Tensor& result) {
  for (size_t d = 0; d < self.sizes().size(); ++d) {
    if (self.sizes()[d] > 1 && self.strides()[d] != result.strides()[d]) {
      return false;
    }
  }
  return true;
}

absl::Status CheckInPlace(const Graph& group,
                          absl::Span<const ValueDescription> inputs) {
  const auto is_marked = [](const Node& n) {
    return n.FindAttribute(kInPlaceAttribute) != nullptr;
  };
  if (!AnyNode(*group.block(), is_marked)) return absl::OkStatus();
  Values values;
  for (size_t i = 0; i < inputs.size() && i < group.inputs().size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(values[group.inputs()[i]], Describe(inputs[i]));
  }
  for (const Node* n : *group.block()) {
    // What is not known may not matter.
    const absl::Status visited = Visit(*n, &values);
    if (!is_marked(*n)) continue;
    const auto self = values.find(n->input(0));
    const auto result = values.find(n->output());
    if (!visited.ok() || self == values.end() || result == values.end() ||
        !self->second.is_tensor() || !result->second.is_tensor()) {
      return absl::UnimplementedError(absl::StrCat(
          "it is not known whether ", n->op()->schema.name,
          ", which was in place, keeps the sizes and dtype of its input"));
    }
    const absl::Status kept =
        CheckInPlace(self->second.AsTensor(), result->second.AsTensor());
    if (!kept.ok()) return absl::UnimplementedError(kept.message());
  }
  return absl::OkStatus();
}

}  // namespace tandem
