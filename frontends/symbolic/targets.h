// Functions by the path that Python has for them, and operators of the table.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_TARGETS_H_
#define TANDEM_FRONTENDS_SYMBOLIC_TARGETS_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tandem::fx {

// "torch.relu" of aten::relu, "torch._C._nn.gelu" of aten::gelu.
std::string FunctionTarget(absl::string_view operator_name);
// "operator.add" of aten::add and aten::add_; empty where Python has no symbol
// for it.
std::string SymbolTarget(absl::string_view operator_name);
// The reverse of both, and of torch.nn.functional's names: "aten::relu".
// Empty when the path is none of them.
std::string OperatorName(absl::string_view function_target);

// "{} + {}" of operator.add; empty for what is written as a call.
absl::string_view SymbolFormat(absl::string_view function_target);
// "{} += {}" of operator.iadd.
absl::string_view InplaceFormat(absl::string_view function_target);
// The repr() of the function without the address that CPython puts into some:
// "<built-in function add>".
std::string FunctionRepr(absl::string_view function_target);
// Has an effect besides its result.
bool IsImpureFunction(absl::string_view function_target);

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_TARGETS_H_
