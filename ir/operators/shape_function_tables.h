// The tables that shape_functions.cc puts together; not for use elsewhere.
#ifndef TANDEM_IR_OPERATORS_SHAPE_FUNCTION_TABLES_H_
#define TANDEM_IR_OPERATORS_SHAPE_FUNCTION_TABLES_H_

#include "tandem/ir/operators/shape_functions.h"

namespace tandem::shape_functions {

// One function for operators of several names, all overloads.
struct Entry {
  ShapeFunction function;
  absl::Span<const absl::string_view> names;  // without "aten::"
};
absl::Span<const Entry> Pointwise();
absl::Span<const Entry> Views();
absl::Span<const Entry> Joins();  // and what is made of sizes
absl::Span<const Entry> Reductions();
absl::Span<const Entry> Layers();

// A contiguous result, or one of these strides.
absl::StatusOr<Tensor> Made(DimSpan sizes, DType dtype);
absl::StatusOr<ShapeResults> One(DimSpan sizes, DType dtype,
                                 bool strides_known = true);
absl::StatusOr<ShapeResults> One(DimSpan sizes, DimSpan strides, DType dtype);
ShapeResults One(Tensor tensor, bool strides_known = true);
absl::Status Unknown();

}  // namespace tandem::shape_functions

#endif  // TANDEM_IR_OPERATORS_SHAPE_FUNCTION_TABLES_H_
