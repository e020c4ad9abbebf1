// Operators by name, with the overload chosen when the call is made.
#ifndef TANDEM_FRONTENDS_EAGER_INVOKE_H_
#define TANDEM_FRONTENDS_EAGER_INVOKE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/ir/ivalue.h"
#include "tandem/runtime/engine.h"

namespace tandem::eager {

// Calls the first overload of `name` ("aten::clamp", or "clamp" for it) that
// takes these values, overloads in the table's order: first as they are, then
// with numbers as weak 0-dim tensors and 0-dim tensors as numbers. One number
// stands for a list where the schema says int[2]. Gives None, the result, or a
// tuple of results.
//
//   Invoke("clamp", {x}, {{"min", 0.0}, {"max", 1.0}})
//
// The call goes to the thread's recorder, if there is one. An error without a
// match names each overload with the reason that it failed.
absl::StatusOr<IValue> Invoke(absl::string_view name, std::vector<IValue> args,
                              const NamedValues& kwargs = {},
                              Spelling spelling = Spelling::kFunction);

}  // namespace tandem::eager

#endif  // TANDEM_FRONTENDS_EAGER_INVOKE_H_
