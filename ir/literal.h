// Values as literals of code and graphs.
#ifndef TANDEM_IR_LITERAL_H_
#define TANDEM_IR_LITERAL_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/ivalue.h"

namespace tandem {

// "text" with PyTorch's escapes: \" \' \\ \a \b \f \n \t \v, other bytes
// outside of 0x20-0x7e as three octal digits. `for_graph` writes them as
// PyTorch's graphs do: \r by name, bytes past 0x7f through signed arithmetic.
std::string QuoteString(absl::string_view text, bool for_graph = false);

// Can a list or dict be written without its type where this is the type of its
// elements? Not where a member does not tell it (Optional, Union, Any, …).
bool ElementTypeIsInferable(const Type& element);

// Appends the value as code has it: 1, 2.5, "a", [1, 2], (1, 2),
// annotate(List[int], []), {"a": 1}, __torch__.Color.RED,
// torch.device("cpu"). `custom` is asked first for every value inside; when it
// returns true it has appended the text. False when something has no literal
// (tensors, objects): the text is then incomplete.
bool AppendLiteral(const IValue& value, std::string* out,
                   absl::FunctionRef<bool(const IValue&, std::string*)> custom,
                   bool for_graph = false);

}  // namespace tandem

#endif  // TANDEM_IR_LITERAL_H_
