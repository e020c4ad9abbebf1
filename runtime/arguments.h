// Arguments of a call from outside, fitted to a signature.
#ifndef TANDEM_RUNTIME_ARGUMENTS_H_
#define TANDEM_RUNTIME_ARGUMENTS_H_

#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "tandem/ir/schema.h"
#include "tandem/runtime/engine.h"

namespace tandem {

// Puts positional and named arguments in the schema's order, adds defaults,
// checks types; messages are PyTorch's ("forward() is missing value for
// argument 'x'. Declaration: …"). Lists and dicts whose declared element types
// are looser than the parameter's (as read from a file of plain values) are
// typed anew where their content fits.
// `self`, where there is one, comes before `args`.
using BoundArguments = absl::InlinedVector<IValue, 8>;
absl::Status BindArguments(const FunctionSchema& schema,
                           absl::string_view function_name, const IValue* self,
                           absl::Span<IValue> args, const NamedValues& kwargs,
                           BoundArguments* bound);

// `value` as a value of `type`: int to float where a float is asked, tuples and
// untyped lists to typed ones, element by element. NotFound when it cannot be.
absl::StatusOr<IValue> CoerceTo(const IValue& value, const TypePtr& type);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_ARGUMENTS_H_
