#include "tandem/ir/operators/shape_functions.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/strip.h"
#include "tandem/ir/operators/shape_function_tables.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

using Table = absl::flat_hash_map<absl::string_view, ShapeFunction>;

const Table& Functions() {
  static const Table* const kTable = [] {
    auto* table = new Table;
    for (auto entries :
         {shape_functions::Pointwise(), shape_functions::Views(),
          shape_functions::Joins(), shape_functions::Reductions(),
          shape_functions::Layers()}) {
      for (const shape_functions::Entry& e : entries) {
        for (absl::string_view name : e.names) (*table)[name] = e.function;
      }
    }
    return table;
  }();
  return *kTable;
}

// The result of an operator that writes its first argument and returns it.
absl::StatusOr<ShapeResults> InPlace(const ShapeArguments& a) {
  if (!a.self().defined()) return shape_functions::Unknown();
  return shape_functions::One(a.self());
}

// In-place operators keep what they write, but those that change its sizes.
bool KeepsSelf(const Operator& op) {
  const FunctionSchema& s = op.schema;
  if (s.arguments.empty() || s.returns.size() != 1 ||
      !s.arguments[0].alias.has_value() || !s.arguments[0].alias->is_write ||
      !s.arguments[0].type->is(TypeKind::kTensor)) {
    return false;
  }
  for (const char* name :
       {"aten::resize_", "aten::resize_as_", "aten::set_", "aten::t_",
        "aten::transpose_", "aten::squeeze_", "aten::unsqueeze_",
        "aten::swapaxes_", "aten::swapdims_", "aten::as_strided_",
        "aten::set_data", "aten::resize_as_sparse_", "aten::detach_",
        "aten::sparse_resize_", "aten::sparse_resize_and_clear_",
        "aten::_resize_output_"}) {
    if (s.name == name) return false;
  }
  return true;
}

}  // namespace

// ---- ShapeArguments

const IValue* ShapeArguments::Find(absl::string_view name) const {
  const std::optional<size_t> i = op_.schema.ArgumentIndex(name);
  if (!i.has_value() || *i >= values_.size() || values_[*i].is_none()) {
    return nullptr;
  }
  return &values_[*i];
}

namespace {
const Tensor& Undefined() {
  static const Tensor* const kUndefined = new Tensor;
  return *kUndefined;
}
}  // namespace

const Tensor& ShapeArguments::tensor(absl::string_view name) const {
  const IValue* v = Find(name);
  return v != nullptr && v->is_tensor() ? v->AsTensor() : Undefined();
}

const Tensor& ShapeArguments::self() const {
  return !values_.empty() && values_[0].is_tensor() ? values_[0].AsTensor()
                                                    : Undefined();
}

int64_t ShapeArguments::integer(absl::string_view name,
                                int64_t fallback) const {
  const IValue* v = Find(name);
  return v != nullptr && v->is_int() ? v->AsInt() : fallback;
}

bool ShapeArguments::flag(absl::string_view name, bool fallback) const {
  const IValue* v = Find(name);
  return v != nullptr && v->is_bool() ? v->AsBool() : fallback;
}

std::optional<Dims> ShapeArguments::ints(absl::string_view name) const {
  const IValue* v = Find(name);
  if (v == nullptr) return std::nullopt;
  if (v->is_int()) return Dims{v->AsInt()};
  if (!v->is_list()) return std::nullopt;
  Dims dims;
  for (const IValue& item : v->AsList().values) {
    if (!item.is_int()) return std::nullopt;
    dims.push_back(item.AsInt());
  }
  return dims;
}

std::optional<DType> ShapeArguments::dtype(absl::string_view name) const {
  const IValue* v = Find(name);
  if (v == nullptr || !v->is_int() || v->AsInt() < 0 || v->AsInt() > 1000) {
    return std::nullopt;
  }
  return DTypeFromInt(static_cast<int>(v->AsInt()));
}

std::vector<Tensor> ShapeArguments::tensors(absl::string_view name) const {
  std::vector<Tensor> out;
  const IValue* v = Find(name);
  if (v == nullptr || !v->is_list()) return out;
  for (const IValue& item : v->AsList().values) {
    if (item.is_tensor()) out.push_back(item.AsTensor());
  }
  return out;
}

// ---- The table

ShapeFunction FindShapeFunction(const Operator& op) {
  if (op.schema.is_mutable()) return KeepsSelf(op) ? &InPlace : nullptr;
  absl::string_view name = op.schema.name;
  if (!absl::ConsumePrefix(&name, "aten::")) return nullptr;
  const auto it = Functions().find(name);
  return it == Functions().end() ? nullptr : it->second;
}

absl::StatusOr<ShapeResults> ResultShapes(const Operator& op,
                                          absl::Span<const IValue> arguments) {
  const ShapeFunction function = FindShapeFunction(op);
  if (function == nullptr) {
    return absl::UnimplementedError(op.schema.FullName());
  }
  for (const IValue& v : arguments) {
    if (v.is_tensor() && v.AsTensor().defined() &&
        (v.AsTensor().is_sparse() || v.AsTensor().is_quantized())) {
      return absl::UnimplementedError("sparse and quantized tensors");
    }
  }
  return function(ShapeArguments(op, arguments));
}

// ---- What functions share

namespace shape_functions {

absl::StatusOr<Tensor> Made(DimSpan sizes, DType dtype) {
  return Tensor::Meta(sizes, ContiguousStrides(sizes), dtype);
}

ShapeResults One(Tensor tensor, bool strides_known) {
  ShapeResults r;
  r.values.emplace_back(std::move(tensor));
  r.strides_known = strides_known;
  return r;
}

absl::StatusOr<ShapeResults> One(DimSpan sizes, DType dtype,
                                 bool strides_known) {
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Made(sizes, dtype));
  return One(std::move(t), strides_known);
}

absl::StatusOr<ShapeResults> One(DimSpan sizes, DimSpan strides, DType dtype) {
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Tensor::Meta(sizes, strides, dtype));
  return One(std::move(t));
}

absl::Status Unknown() {
  return absl::UnimplementedError("not known from shapes alone");
}

}  // namespace shape_functions
}  // namespace tandem
