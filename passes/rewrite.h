// Small steps that passes share.
#ifndef TANDEM_PASSES_REWRITE_H_
#define TANDEM_PASSES_REWRITE_H_

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/graph.h"

namespace tandem {

// A constant that a pass makes, before `at`, with its place in the source. Its
// type is the value's own where that says more than `type`. Unlike a 0-dim
// tensor that a trace wrote down, one made here stays a tensor in type
// promotion (see TakenAsNumber).
Value* InsertConstantBefore(Node* at, IValue value, const TypePtr& type);

// Traces keep numbers as 0-dim tensor constants. As second operand of
// arithmetic PyTorch's executor turns them back into numbers, weak in type
// promotion: the number as a wrapped tensor where that holds for input `i`.
std::optional<IValue> TakenAsNumber(const Node& node, size_t i);

// The If becomes the nodes of the branch; returns what now stands in its place
// (the first moved node or what followed the If).
Node* ReplaceIfByBranch(Node* node, size_t branch);

// The Loop does not run: its results are what it was given. Returns the next
// node.
Node* ReplaceLoopByInputs(Node* node);

// All nodes, those of nested blocks before their owner. The callee may destroy
// or replace the node that it is given.
void ForEachNode(Block* block, absl::FunctionRef<void(Node*)> visit);

// Input by the name of its schema's argument; null when there is none.
Value* InputNamed(const Node& node, absl::string_view name);
// Its constant value.
std::optional<IValue> ConstantInput(const Node& node, absl::string_view name);

// Does the operator change the sizes of a tensor that it is given (resize_,
// squeeze_, …)? True of any that writes and is none of PyTorch's.
bool MayChangeSizes(const Node& node);

// An attribute of operators that stand for their in-place form: the result must
// have the sizes and the dtype of the first input, as what PyTorch writes into
// it has. Plans check it; a group is only compiled for inputs where it holds.
inline constexpr char kInPlaceAttribute[] = "in_place";

// Does any node of the graph, nested ones too, satisfy it?
bool AnyNode(const Block& block, absl::FunctionRef<bool(const Node&)> is);

}  // namespace tandem

#endif  // TANDEM_PASSES_REWRITE_H_
