// What the results of an operator look like, from what its arguments look like:
// the shape function of a row. Over the rules of <family>_shapes.h and
// promotion.h, which kernels call as well.
#ifndef TANDEM_IR_OPERATORS_SHAPE_FUNCTIONS_H_
#define TANDEM_IR_OPERATORS_SHAPE_FUNCTIONS_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/operator_table.h"

namespace tandem {

// Arguments by name. Tensors need no elements (Tensor::Meta); what else there
// is has its value.
class ShapeArguments {
 public:
  ShapeArguments(const Operator& op, absl::Span<const IValue> values)
      : op_(op), values_(values) {}
  const Operator& op() const { return op_; }
  bool Is(absl::string_view name) const { return op_.schema.name == name; }
  absl::string_view overload() const { return op_.schema.overload_name; }

  // Null where there is none of that name, or None.
  const IValue* Find(absl::string_view name) const;
  // Undefined without one.
  const Tensor& tensor(absl::string_view name) const;
  const Tensor& self() const;  // the first argument
  int64_t integer(absl::string_view name, int64_t fallback) const;
  bool flag(absl::string_view name, bool fallback = false) const;
  // An int is a list of one.
  std::optional<Dims> ints(absl::string_view name) const;
  std::optional<DType> dtype(absl::string_view name = "dtype") const;
  std::vector<Tensor> tensors(absl::string_view name) const;
  absl::Span<const IValue> values() const { return values_; }

 private:
  const Operator& op_;
  const absl::Span<const IValue> values_;
};

struct ShapeResults {
  std::vector<IValue> values;  // tensors are Tensor::Meta, lists hold such
  // False: strides are a guess (contiguous ones); sizes and dtypes are right.
  bool strides_known = true;
};

using ShapeFunction =
    absl::StatusOr<ShapeResults> (*)(const ShapeArguments& arguments);

// Null for operators that have none.
ShapeFunction FindShapeFunction(const Operator& op);

// Of the row: UnimplementedError for operators without a shape function, the
// operator's own error where it would refuse the shapes.
absl::StatusOr<ShapeResults> ResultShapes(const Operator& op,
                                          absl::Span<const IValue> arguments);

}  // namespace tandem

#endif  // TANDEM_IR_OPERATORS_SHAPE_FUNCTIONS_H_
