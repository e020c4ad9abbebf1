// Values as Python shows them to people: in messages and results.
#ifndef TANDEM_IR_PYTHON_TEXT_H_
#define TANDEM_IR_PYTHON_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tandem/ir/ivalue.h"

namespace tandem {

// repr(): "'text'", "{'a': tensor([1.])}", "(1, 2.5)". `separator` stands
// between elements of containers.
std::string ToPythonString(const IValue& value,
                           absl::string_view separator = ", ");

// type(v).__name__: "str", "dict", "Tensor", "NoneType".
std::string PythonTypeName(const IValue& value);

}  // namespace tandem

#endif  // TANDEM_IR_PYTHON_TEXT_H_
