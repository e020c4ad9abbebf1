// The class behind BuildPlan: registers, lifetimes, an emitter for each kind of
// node. Its parts are plan_builder.cc (registers and lifetimes), plan_values.cc
// (operators, containers, attributes) and plan_control.cc (branches, loops,
// calls, groups).
#ifndef TANDEM_RUNTIME_PLAN_EMITTER_H_
#define TANDEM_RUNTIME_PLAN_EMITTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/graph.h"
#include "tandem/runtime/default_value.h"
#include "tandem/runtime/plan.h"

namespace tandem {

// What a register of this type holds.
RegisterKind KindOf(const Type& type);

// The node in `block` that is `node` or contains it.
inline Node* AncestorIn(const Block* block, Node* node) {
  while (node->owning_block() != block)
    node = node->owning_block()->owning_node();
  return node;
}

class PlanBuilder {
 public:
  PlanBuilder(const Registry& registry, absl::Span<const std::string> backends)
      : registry_(registry),
        backends_(backends),
        plan_(std::make_unique<Plan>()) {
    plan_->sites.push_back({});
  }

  absl::StatusOr<std::unique_ptr<Plan>> Build(const Function& function,
                                              const Graph& graph);

 private:
  // One graph being flattened: the function itself or a callee.
  struct Scope {
    const Function* function;
    uint32_t call_site;
    absl::flat_hash_map<const Value*, uint32_t> registers;
    // Registers that the definitions of these values write to.
    absl::flat_hash_map<const Value*, uint32_t> assigned;
    size_t depth;
    // Tuples that are never made: registers of their elements.
    absl::flat_hash_map<const Value*, std::vector<uint32_t>> tuples;
    // Results of this graph whose taker looks at the elements only.
    absl::flat_hash_set<const Value*> split_results;
  };

  uint32_t NewRegister(RegisterKind kind);
  uint32_t NewRegister(const Type& type) { return NewRegister(KindOf(type)); }
  RegisterKind Kind(uint32_t r) const { return plan_->registers[r]; }
  uint32_t ConstantRegister(const IValue& value, const Type& type);
  uint32_t RegisterOf(const Value* v, Scope& scope);
  // The register that a definition writes.
  uint32_t Define(const Value* v, Scope& scope);
  uint32_t SiteOf(const Node& node, const Scope& scope);
  Instruction& Emit(OpCode op, uint32_t site);
  uint32_t Here() const { return static_cast<uint32_t>(plan_->code.size()); }
  // ---- lifetimes
  // Values of `block` whose last use is `node`: released after it.
  using Deaths = absl::flat_hash_map<const Node*, std::vector<const Value*>>;
  Deaths FindDeaths(const Block& block);
  bool DiesAt(const Value* v, const Node* node, const Deaths& deaths) const;
  // Is this register the value's own, so that its content may be dropped?
  bool Owned(const Value* v, const Scope& scope) const;
  void EmitDrops(const Node* node, const Deaths& deaths, const Scope& scope,
                 size_t code_before);
  // Operand for an instruction that can take the value over at its last use.
  uint32_t Operand(const Value* v, const Node* node, const Deaths& deaths,
                   Scope& scope);
  // ---- nodes
  // An uninitialized value that needs no register of its own.
  static bool IsNeverRead(const Value* v) {
    return v->node()->is(NodeKind::kUninitialized) &&
           !NeedsReference(*v->type());
  }
  absl::Status EmitBlock(const Block& block, Scope& scope);
  void EmitMove(uint32_t dst, uint32_t src, bool move, uint32_t site);
  // Lists operands in the plan; returns where they begin.
  uint32_t PutOperands(const Node& n, const Deaths& deaths, Scope& scope,
                       bool may_move);
  void PutOutputs(const Node& n, Scope& scope);
  uint32_t PutType(TypePtr type);
  // a = op(b[, c]) of registers.
  void EmitSimple(OpCode op, const Node& n, Scope& scope, uint32_t site);
  absl::Status EmitConstruct(Node& n, Scope& scope, const Deaths& deaths,
                             uint32_t site);
  // ---- lists and tuples that need not be made in each call
  // Do all uses only look at what the list holds, while they run?
  static bool IsOnlyRead(const Value* list);
  static bool IsNumberList(const Type& type) {
    return KindOf(*type.element()) != RegisterKind::kValue;
  }

  // A list of constants is one itself.
  bool EmitConstantList(const Node& n, Scope& scope);
  // A list of numbers stays in its register and is filled anew.
  absl::Status EmitReusedList(Node& n, Scope& scope, const Deaths& deaths,
                              uint32_t site);
  // Which element a prim::TupleIndex takes; `size` when that is not known.
  static size_t ElementIndex(const Node& n, size_t size);
  static bool IsOnlyTakenApart(const Value* tuple);
  absl::Status EmitSplitTuple(Node& n, Scope& scope, const Deaths& deaths,
                              uint32_t site);
  absl::Status EmitNode(Node& n, Scope& scope, const Deaths& deaths);
  absl::Status Unsupported(const Node& n, absl::string_view why) const;
  absl::StatusOr<size_t> SlotOf(const Node& n) const;
  // Attributes that no method writes are read once, before everything else.
  absl::Status EmitGetAttr(Node& n, Scope& scope, uint32_t site);
  absl::Status EmitOperator(Node& n, Scope& scope, const Deaths& deaths,
                            uint32_t site);
  absl::Status EmitKernel(Node& n, Scope& scope, const Deaths& deaths,
                          uint32_t site);
  absl::Status EmitIf(Node& n, Scope& scope, uint32_t site);
  absl::Status EmitBranch(const Block& block,
                          const std::vector<uint32_t>& results, Scope& scope,
                          uint32_t site);
  // Can the body's result `i` be written straight into the carried register?
  bool CanCarryInPlace(const Block& body, size_t i) const;
  absl::Status EmitLoop(Node& n, Scope& scope, uint32_t site);
  // All results of a turn become the next turn's inputs at once.
  void EmitCarry(const Block& body, const std::vector<uint32_t>& registers,
                 const std::vector<bool>& in_place, Scope& scope,
                 uint32_t site);
  absl::Status EmitCall(Node& n, Scope& scope, const Deaths& deaths,
                        uint32_t site);
  absl::Status Flatten(Node& n, const Function& callee, size_t first,
                       Scope& scope, uint32_t site);
  absl::Status EmitDynamicCall(Node& n, Scope& scope, const Deaths& deaths,
                               uint32_t site);
  // `with x:` calls __enter__ and __exit__ of the object.
  absl::Status EmitEnterExit(Node& n, Scope& scope, const Deaths& deaths,
                             uint32_t site);
  absl::Status EmitFork(Node& n, Scope& scope, const Deaths& deaths,
                        uint32_t site);
  absl::Status EmitGroup(Node& n, Scope& scope, const Deaths& deaths,
                         uint32_t site);
  void PutPrologueInFront();
  const Registry& registry_;
  const absl::Span<const std::string> backends_;
  std::unique_ptr<Plan> plan_;
  absl::Status status_;
  std::vector<Instruction> prologue_;
  absl::flat_hash_set<uint32_t> constants_;
  // Registers that are written once, before all else: arguments, attributes.
  absl::flat_hash_set<uint32_t> stable_;
  // Registers that keep their list of numbers from call to call.
  absl::flat_hash_set<uint32_t> reused_;
  absl::flat_hash_map<std::pair<uint32_t, uint32_t>, uint32_t> attributes_;
};

}  // namespace tandem

#endif  // TANDEM_RUNTIME_PLAN_EMITTER_H_
