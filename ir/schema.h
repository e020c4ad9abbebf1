// Signatures of operators and functions, with what aliases and what is written.
#ifndef TANDEM_IR_SCHEMA_H_
#define TANDEM_IR_SCHEMA_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/type.h"

namespace tandem {

// "(a)", "(a!)", "(a -> *)", "(a|b)", with the same for the elements of a list.
struct AliasInfo {
  std::vector<std::string> before, after;  // sets; "*" is the wildcard
  bool is_write = false;
  std::vector<AliasInfo> contained;
  std::string ToString() const;
};

struct Argument {
  std::string name;
  TypePtr type;
  // int[2]: a single number is repeated that often.
  std::optional<int32_t> fixed_size;
  std::optional<IValue> default_value;
  bool kwarg_only = false;
  bool is_out = false;  // kwarg-only and written: "Tensor(a!) out"
  std::optional<AliasInfo> alias;
};

struct FunctionSchema {
  std::string name;           // "aten::add", or a function's qualified name
  std::string overload_name;  // "Tensor", may be empty
  std::vector<Argument> arguments;
  std::vector<Argument> returns;
  bool is_vararg = false;
  bool is_varret = false;

  // "aten::add.Tensor(Tensor self, …) -> Tensor", PyTorch's text.
  std::string ToString() const;
  // "aten::add.Tensor"
  std::string FullName() const;
  std::optional<size_t> ArgumentIndex(absl::string_view name) const;
  // Any argument written in place.
  bool is_mutable() const;
};

// Parses a line of the operator table ("aten::add.Tensor(Tensor self, …) ->
// …").
absl::StatusOr<FunctionSchema> ParseSchema(absl::string_view text);

}  // namespace tandem

#endif  // TANDEM_IR_SCHEMA_H_
