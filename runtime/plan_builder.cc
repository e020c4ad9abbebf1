#include "tandem/runtime/plan_builder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/runtime/plan_emitter.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {

RegisterKind KindOf(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kInt:
    case TypeKind::kScalarType:
    case TypeKind::kLayout:
    case TypeKind::kMemoryFormat:
    case TypeKind::kQScheme:
      return RegisterKind::kInt;
    case TypeKind::kBool:
      return RegisterKind::kBool;
    case TypeKind::kFloat:
      return RegisterKind::kDouble;
    default:
      return RegisterKind::kValue;
  }
}

absl::StatusOr<std::unique_ptr<Plan>> PlanBuilder::Build(
    const Function& function, const Graph& graph) {
  plan_->function = &function;
  Scope scope{&function, 0, {}, {}, 0, {}, {}};
  for (Value* input : graph.inputs()) {
    const uint32_t r = NewRegister(*input->type());
    scope.registers[input] = r;
    plan_->inputs.push_back(r);
    if (input->type()->is(TypeKind::kClass)) stable_.insert(r);
  }
  TANDEM_RETURN_IF_ERROR(EmitBlock(*graph.block(), scope));
  Instruction ret{OpCode::kReturn};
  ret.b = static_cast<uint32_t>(plan_->operands.size());
  ret.c = static_cast<uint32_t>(graph.outputs().size());
  for (Value* v : graph.outputs()) {
    plan_->operands.push_back(RegisterOf(v, scope));
  }
  plan_->num_outputs = ret.c;
  plan_->code.push_back(ret);
  TANDEM_RETURN_IF_ERROR(status_);
  PutPrologueInFront();
  absl::flat_hash_set<uint32_t> kept;
  for (const auto& [r, v] : plan_->constants) kept.insert(r);
  kept.insert(plan_->borrowed.begin(), plan_->borrowed.end());
  for (uint32_t r = 0; r < plan_->registers.size(); ++r) {
    if (plan_->registers[r] == RegisterKind::kValue && !kept.contains(r) &&
        !reused_.contains(r)) {
      plan_->references.push_back(r);
    }
  }
  return std::move(plan_);
}

uint32_t PlanBuilder::NewRegister(RegisterKind kind) {
  plan_->registers.push_back(kind);
  return static_cast<uint32_t>(plan_->registers.size() - 1);
}

uint32_t PlanBuilder::ConstantRegister(const IValue& value, const Type& type) {
  const uint32_t r = NewRegister(KindOf(type));
  plan_->constants.emplace_back(r, value);
  constants_.insert(r);
  return r;
}

uint32_t PlanBuilder::RegisterOf(const Value* v, Scope& scope) {
  const auto it = scope.registers.find(v);
  if (it != scope.registers.end()) return it->second;
  // Constants get registers where they are used, wherever they stand.
  IValue value;
  if (v->node()->is(NodeKind::kConstant)) {
    value = v->node()->constant();
  } else if (status_.ok()) {
    status_ = absl::InternalError(
        absl::StrCat("the graph of '", scope.function->qualified_name(),
                     "' uses %", v->DebugName(), " before it is made"));
  }
  const uint32_t r = ConstantRegister(value, *v->type());
  scope.registers[v] = r;
  return r;
}

uint32_t PlanBuilder::Define(const Value* v, Scope& scope) {
  const auto it = scope.assigned.find(v);
  const uint32_t r =
      it != scope.assigned.end() ? it->second : NewRegister(*v->type());
  scope.registers[v] = r;
  return r;
}

uint32_t PlanBuilder::SiteOf(const Node& node, const Scope& scope) {
  plan_->sites.push_back({node.range(), scope.call_site, scope.function});
  return static_cast<uint32_t>(plan_->sites.size() - 1);
}

Instruction& PlanBuilder::Emit(OpCode op, uint32_t site) {
  Instruction i{op};
  i.site = site;
  plan_->code.push_back(i);
  return plan_->code.back();
}

PlanBuilder::Deaths PlanBuilder::FindDeaths(const Block& block) {
  Deaths deaths;
  const auto note = [&](const Value* v, const Node* definition) {
    const Node* last = definition;
    for (const Use& use : v->uses()) {
      Node* user = AncestorIn(&block, use.user);
      if (user == block.return_node()) return;  // lives on
      if (last == nullptr || last->is(NodeKind::kParam) ||
          last->IsBefore(user)) {
        last = user;
      }
    }
    if (last != nullptr) deaths[last].push_back(v);
  };
  for (Node* n : block) {
    if (n->is(NodeKind::kConstant)) continue;
    for (const Value* v : n->outputs()) note(v, n);
  }
  return deaths;
}

bool PlanBuilder::DiesAt(const Value* v, const Node* node,
                         const Deaths& deaths) const {
  const auto it = deaths.find(node);
  return it != deaths.end() &&
         std::find(it->second.begin(), it->second.end(), v) != it->second.end();
}

bool PlanBuilder::Owned(const Value* v, const Scope& scope) const {
  const auto it = scope.registers.find(v);
  return it != scope.registers.end() &&
         Kind(it->second) == RegisterKind::kValue &&
         !constants_.contains(it->second) && !stable_.contains(it->second) &&
         !reused_.contains(it->second);
}

void PlanBuilder::EmitDrops(const Node* node, const Deaths& deaths,
                            const Scope& scope, size_t code_before) {
  const auto it = deaths.find(node);
  if (it == deaths.end()) return;
  std::vector<uint32_t> registers;
  for (const Value* v : it->second) {
    if (Owned(v, scope)) registers.push_back(scope.registers.at(v));
    if (const auto t = scope.tuples.find(v); t != scope.tuples.end()) {
      for (uint32_t r : t->second) {
        if (Kind(r) == RegisterKind::kValue) registers.push_back(r);
      }
    }
  }
  if (registers.empty()) return;
  std::sort(registers.begin(), registers.end());
  registers.erase(std::unique(registers.begin(), registers.end()),
                  registers.end());
  // A lone simple instruction carries its drops itself.
  const bool simple = plan_->code.size() == code_before + 1 &&
                      node->blocks().empty() &&
                      plan_->code.back().drop_count == 0 &&
                      plan_->code.back().op != OpCode::kRaise;
  if (!simple) Emit(OpCode::kDrop, 0);
  Instruction& i = plan_->code.back();
  i.drop_begin = static_cast<uint32_t>(plan_->drops.size());
  i.drop_count =
      static_cast<uint16_t>(std::min<size_t>(registers.size(), 60000));
  plan_->drops.insert(plan_->drops.end(), registers.begin(),
                      registers.begin() + i.drop_count);
}

uint32_t PlanBuilder::Operand(const Value* v, const Node* node,
                              const Deaths& deaths, Scope& scope) {
  const uint32_t r = RegisterOf(v, scope);
  if (!DiesAt(v, node, deaths) || !Owned(v, scope)) return r;
  // Once only: f(x, x) moves nothing.
  size_t uses = 0;
  for (const Value* in : node->inputs()) uses += in == v ? 1 : 0;
  return uses == 1 ? r | kMoveBit : r;
}

absl::Status PlanBuilder::EmitBlock(const Block& block, Scope& scope) {
  const Deaths deaths = FindDeaths(block);
  for (Node* n : block) {
    if (n->is(NodeKind::kConstant)) continue;
    const size_t before = plan_->code.size();
    TANDEM_RETURN_IF_ERROR(EmitNode(*n, scope, deaths));
    EmitDrops(n, deaths, scope, before);
  }
  return absl::OkStatus();
}

void PlanBuilder::EmitMove(uint32_t dst, uint32_t src, bool move,
                           uint32_t site) {
  if (dst == src) return;
  OpCode op = move ? OpCode::kMove : OpCode::kCopy;
  if (Kind(dst) != RegisterKind::kValue) {
    op = Kind(src) == Kind(dst) ? OpCode::kCopyNumber : OpCode::kCastNumber;
  } else if (Kind(src) != RegisterKind::kValue || constants_.contains(src) ||
             stable_.contains(src) || reused_.contains(src)) {
    op = OpCode::kCopy;
  }
  Instruction& i = Emit(op, site);
  i.a = dst;
  i.b = src;
}

uint32_t PlanBuilder::PutOperands(const Node& n, const Deaths& deaths,
                                  Scope& scope, bool may_move) {
  std::vector<uint32_t> list;
  for (const Value* v : n.inputs()) {
    list.push_back(may_move ? Operand(v, &n, deaths, scope)
                            : RegisterOf(v, scope));
  }
  const uint32_t begin = static_cast<uint32_t>(plan_->operands.size());
  plan_->operands.insert(plan_->operands.end(), list.begin(), list.end());
  return begin;
}

void PlanBuilder::PutOutputs(const Node& n, Scope& scope) {
  for (const Value* v : n.outputs())
    plan_->operands.push_back(Define(v, scope));
}

uint32_t PlanBuilder::PutType(TypePtr type) {
  plan_->types.push_back(std::move(type));
  return static_cast<uint32_t>(plan_->types.size() - 1);
}

void PlanBuilder::EmitSimple(OpCode op, const Node& n, Scope& scope,
                             uint32_t site) {
  const uint32_t b = RegisterOf(n.input(0), scope);
  const uint32_t c = n.inputs().size() > 1 ? RegisterOf(n.input(1), scope) : 0;
  const uint32_t a = Define(n.output(), scope);
  Instruction& i = Emit(op, site);
  i.a = a;
  i.b = b;
  i.c = c;
}

void PlanBuilder::PutPrologueInFront() {
  if (prologue_.empty()) return;
  const uint32_t shift = static_cast<uint32_t>(prologue_.size());
  for (Instruction& i : plan_->code) {
    switch (i.op) {
      case OpCode::kJump:
      case OpCode::kJumpIfFalse:
      case OpCode::kLoopEnter:
      case OpCode::kLoopNext:
      case OpCode::kLoopNextFor:
        i.c += shift;
        break;
      default:
        break;
    }
  }
  plan_->code.insert(plan_->code.begin(), prologue_.begin(), prologue_.end());
}

absl::StatusOr<std::unique_ptr<Plan>> BuildPlan(
    const Function& function, const Graph& graph, const Registry& registry,
    absl::Span<const std::string> backends) {
  return PlanBuilder(registry, backends).Build(function, graph);
}

}  // namespace tandem
