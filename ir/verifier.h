// Checks that a graph is well-formed. Run after building one by hand, after
// reading one from text, and by tests after every pass.
#ifndef TANDEM_IR_VERIFIER_H_
#define TANDEM_IR_VERIFIER_H_

#include "absl/status/status.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/graph.h"

namespace tandem {

struct VerifyOptions {
  // Loads, stores and other nodes of the compiler's first phase.
  bool allow_before_ssa = false;
  // Types of operands against schemas, blocks and attributes.
  bool check_types = true;
};

// InternalError names the node and what is wrong: a value that is used before
// it is defined, uses that do not fit inputs, counts that the node's kind or
// the operator's schema does not allow, attributes that are missing, types
// that do not fit.
absl::Status VerifyGraph(const Graph& graph, const VerifyOptions& options = {});

// All functions of the unit that are defined, their graphs against their
// signatures.
absl::Status VerifyUnit(const CompilationUnit& unit,
                        const VerifyOptions& options = {});

}  // namespace tandem

#endif  // TANDEM_IR_VERIFIER_H_
