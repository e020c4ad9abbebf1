// Operators on numbers that the executor does itself.
#ifndef TANDEM_RUNTIME_SCALAR_OPCODES_H_
#define TANDEM_RUNTIME_SCALAR_OPCODES_H_

#include <optional>

#include "tandem/ir/operator_table.h"
#include "tandem/runtime/plan.h"

namespace tandem {

// The instruction for "aten::add.int" and its like; inputs b (and c), result a.
std::optional<OpCode> ScalarOpCode(const Operator& op);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_SCALAR_OPCODES_H_
