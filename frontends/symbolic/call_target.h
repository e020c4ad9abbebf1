// Runs what a node of the FX dialect names: Python's functions and methods on
// boxed values.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_CALL_TARGET_H_
#define TANDEM_FRONTENDS_SYMBOLIC_CALL_TARGET_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/operator_table.h"

namespace tandem::fx {

using Values = std::vector<IValue>;
using KeywordValues = std::vector<std::pair<std::string, IValue>>;

// An overload and its arguments in the schema's order.
struct BoundCall {
  const Operator* op;
  Values args;
};

// The first overload that takes the arguments, as Python's calls are resolved:
// numbers may stand for tensors, single integers for lists, dtypes are marked
// values (argument.h). `self`: the first argument is the schema's self.
// InvalidArgumentError names the function and the types.
absl::StatusOr<BoundCall> ResolveCall(const OperatorTable& table,
                                      absl::string_view name, bool self,
                                      const Values& args,
                                      const KeywordValues& kwargs);

// Calls go through eager::Dispatch: to the thread's recorder, where there is
// one. Throw Error.
IValue CallFunctionTarget(const std::string& target, Values args,
                          KeywordValues kwargs);
IValue CallMethodTarget(const std::string& name, Values args,
                        KeywordValues kwargs);

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_CALL_TARGET_H_
