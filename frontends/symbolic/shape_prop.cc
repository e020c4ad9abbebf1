#include "tandem/frontends/symbolic/shape_prop.h"

#include "absl/strings/str_cat.h"

namespace tandem::fx {

IValue ShapeProp::run_node(Node* node) {
  absl::StatusOr<IValue> value =
      eager::Try([&] { return Interpreter::run_node(node); });
  if (!value.ok()) {
    eager::Throw(absl::Status(
        value.status().code(),
        absl::StrCat("ShapeProp error for: node=", FormatNode(node), ": ",
                     value.status().message())));
  }
  if (value->is_tensor() && value->AsTensor().defined() &&
      value->AsTensor().dtype() != DType::kUndefined) {
    node->output()->set_type(TensorType::Of(value->AsTensor()));
  } else if (TypePtr type = value->TypeOf(); type != nullptr) {
    node->output()->set_type(std::move(type));
  }
  return *std::move(value);
}

const TensorType* TensorMetaOf(const Node* node) {
  const TensorType* type = node->output()->type()->AsTensor();
  return type == nullptr || type->is_plain() ? nullptr : type;
}

}  // namespace tandem::fx
