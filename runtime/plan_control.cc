// Control in a plan: branches, loops, calls, forks, groups.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/runtime/group_site.h"
#include "tandem/runtime/plan_builder.h"
#include "tandem/runtime/plan_emitter.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// A plan with more instructions than this keeps further calls as calls.
constexpr size_t kMaxFlattenedCode = 20000;
constexpr size_t kMaxFlattenedDepth = 64;
constexpr uint32_t kNone = UINT32_MAX;

bool IsConstantTrue(const Value* v) {
  const std::optional<IValue> c = ConstantOf(v);
  return c.has_value() && c->is_bool() && c->AsBool();
}

}  // namespace

absl::Status PlanBuilder::EmitIf(Node& n, Scope& scope, uint32_t site) {
  const uint32_t condition = RegisterOf(n.input(), scope);
  std::vector<uint32_t> results;
  for (const Value* v : n.outputs()) results.push_back(Define(v, scope));
  const uint32_t branch = Here();
  Emit(OpCode::kJumpIfFalse, site).b = condition;
  TANDEM_RETURN_IF_ERROR(EmitBranch(*n.block(0), results, scope, site));
  uint32_t over = kNone;
  if (!n.block(1)->empty() || !results.empty()) {
    over = Here();
    Emit(OpCode::kJump, site);
  }
  plan_->code[branch].c = Here();
  TANDEM_RETURN_IF_ERROR(EmitBranch(*n.block(1), results, scope, site));
  if (over != kNone) plan_->code[over].c = Here();
  return absl::OkStatus();
}

absl::Status PlanBuilder::EmitBranch(const Block& block,
                                     const std::vector<uint32_t>& results,
                                     Scope& scope, uint32_t site) {
  // A result made in the branch and used for nothing else is made in place.
  for (size_t i = 0; i < results.size(); ++i) {
    const Value* v = block.output(i);
    if (v->node()->owning_block() == &block &&
        !v->node()->is(NodeKind::kParam) &&
        !v->node()->is(NodeKind::kConstant) && v->uses().size() == 1 &&
        KindOf(*v->type()) == Kind(results[i])) {
      scope.assigned[v] = results[i];
    }
  }
  TANDEM_RETURN_IF_ERROR(EmitBlock(block, scope));
  for (size_t i = 0; i < results.size(); ++i) {
    const Value* v = block.output(i);
    if (IsNeverRead(v)) continue;
    const bool own = v->node()->owning_block() == &block &&
                     v->uses().size() == 1 && Owned(v, scope);
    EmitMove(results[i], RegisterOf(v, scope), own, site);
  }
  return absl::OkStatus();
}

bool PlanBuilder::CanCarryInPlace(const Block& body, size_t i) const {
  const Value* v = body.output(i + 1);
  const Value* in = body.input(i + 1);
  const Node* definition = v->node();
  if (definition->owning_block() != &body || !definition->blocks().empty())
    return false;
  switch (definition->kind()) {
    case NodeKind::kOperator:
    case NodeKind::kListConstruct:
    case NodeKind::kTupleConstruct:
    case NodeKind::kTupleIndex:
      break;
    default:
      return false;
  }
  // A list that is appended to is the same list: harmless, yet keep it
  // simple.
  if (v->uses().size() != 1 || KindOf(*v->type()) != KindOf(*in->type()))
    return false;
  for (const Use& use : in->uses()) {
    const Node* user = AncestorIn(&body, use.user);
    if (user == body.return_node() || definition->IsBefore(user)) return false;
  }
  return true;
}

absl::Status PlanBuilder::EmitLoop(Node& n, Scope& scope, uint32_t site) {
  const Block& body = *n.block();
  const size_t carried = n.outputs().size();
  const uint32_t max = RegisterOf(n.input(0), scope);
  const uint32_t start = RegisterOf(n.input(1), scope);
  const uint32_t counter = NewRegister(RegisterKind::kInt);
  scope.registers[body.input(0)] = counter;
  std::vector<uint32_t> registers;
  for (size_t i = 0; i < carried; ++i) {
    // The carried register is the result of the loop, too.
    const uint32_t r = Define(n.output(i), scope);
    registers.push_back(r);
    scope.registers[body.input(i + 1)] = r;
    EmitMove(r, RegisterOf(n.input(i + 2), scope), false, site);
  }
  const uint32_t enter = Here();
  const uint32_t enter_operands = static_cast<uint32_t>(plan_->operands.size());
  plan_->operands.push_back(max);
  plan_->operands.push_back(start);
  {
    Instruction& i = Emit(OpCode::kLoopEnter, site);
    i.a = counter;
    i.b = enter_operands;
  }
  const uint32_t top = Here();
  std::vector<bool> in_place(carried);
  for (size_t i = 0; i < carried; ++i) {
    in_place[i] = CanCarryInPlace(body, i);
    if (in_place[i]) scope.assigned[body.output(i + 1)] = registers[i];
  }
  TANDEM_RETURN_IF_ERROR(EmitBlock(body, scope));
  EmitCarry(body, registers, in_place, scope, site);
  if (IsConstantTrue(body.output(0))) {
    Instruction& i = Emit(OpCode::kLoopNextFor, site);
    i.a = counter;
    i.b = max;
    i.c = top;
  } else {
    const uint32_t condition = RegisterOf(body.output(0), scope);
    const uint32_t operands = static_cast<uint32_t>(plan_->operands.size());
    plan_->operands.push_back(max);
    plan_->operands.push_back(condition);
    Instruction& i = Emit(OpCode::kLoopNext, site);
    i.a = counter;
    i.b = operands;
    i.c = top;
  }
  plan_->code[enter].c = Here();
  return absl::OkStatus();
}

void PlanBuilder::EmitCarry(const Block& body,
                            const std::vector<uint32_t>& registers,
                            const std::vector<bool>& in_place, Scope& scope,
                            uint32_t site) {
  struct Transfer {
    uint32_t dst, src;
    bool move;
  };
  std::vector<Transfer> transfers;
  absl::flat_hash_set<uint32_t> written;
  for (size_t i = 0; i < registers.size(); ++i) {
    const Value* v = body.output(i + 1);
    if (in_place[i] || IsNeverRead(v)) continue;
    const uint32_t src = RegisterOf(v, scope);
    if (src == registers[i]) continue;
    const bool own = v->node()->owning_block() == &body &&
                     !v->node()->is(NodeKind::kParam) &&
                     v->uses().size() == 1 && Owned(v, scope);
    transfers.push_back({registers[i], src, own});
    written.insert(registers[i]);
  }
  // A source that another transfer overwrites goes through a register of its
  // own.
  for (Transfer& t : transfers) {
    if (!written.contains(t.src)) continue;
    const uint32_t temporary = NewRegister(Kind(t.src));
    EmitMove(temporary, t.src, false, site);
    t.src = temporary;
    t.move = true;
  }
  for (const Transfer& t : transfers) EmitMove(t.dst, t.src, t.move, site);
}

absl::Status PlanBuilder::EmitCall(Node& n, Scope& scope, const Deaths& deaths,
                                   uint32_t site) {
  Function* callee = nullptr;
  size_t first = 0;
  if (n.is(NodeKind::kCallFunction)) {
    const std::optional<IValue> f = ConstantOf(n.input());
    if (f.has_value() && f->is_function())
      callee = const_cast<Function*>(f->AsFunction());
    first = 1;
  } else if (const ClassType* type = n.input()->type()->AsClass();
             type != nullptr) {
    callee = type->FindMethod(n.attribute_name());
    if (callee == nullptr && type->is_opaque()) {
      return EmitDynamicCall(n, scope, deaths, site);
    }
  } else if (n.input()->type()->is(TypeKind::kInterface)) {
    return EmitDynamicCall(n, scope, deaths, site);
  }
  if (callee == nullptr) return Unsupported(n, "what it calls is not known");
  TANDEM_RETURN_IF_ERROR(callee->EnsureDefined());
  if (callee->graph() == nullptr) {
    return Unsupported(
        n, absl::StrCat("'", callee->qualified_name(), "' has no body"));
  }
  const Graph& graph = *callee->graph();
  if (graph.inputs().size() != n.inputs().size() - first) {
    return Unsupported(n, "the number of arguments is wrong");
  }
  if (plan_->code.size() < kMaxFlattenedCode &&
      scope.depth < kMaxFlattenedDepth) {
    return Flatten(n, *callee, first, scope, site);
  }
  plan_->may_draw = true;  // not looked into
  plan_->calls.push_back({callee});
  std::vector<uint32_t> list;
  for (size_t i = first; i < n.inputs().size(); ++i) {
    list.push_back(Operand(n.input(i), &n, deaths, scope));
  }
  const uint32_t begin = static_cast<uint32_t>(plan_->operands.size());
  plan_->operands.insert(plan_->operands.end(), list.begin(), list.end());
  PutOutputs(n, scope);
  Instruction& i = Emit(OpCode::kCallPlan, site);
  i.a = static_cast<uint32_t>(plan_->calls.size() - 1);
  i.b = begin;
  i.c = static_cast<uint32_t>(list.size());
  i.d = static_cast<uint32_t>(n.outputs().size());
  return absl::OkStatus();
}

absl::Status PlanBuilder::Flatten(Node& n, const Function& callee, size_t first,
                                  Scope& scope, uint32_t site) {
  const Graph& graph = *callee.graph();
  Scope inner{&callee, site, {}, {}, scope.depth + 1, {}, {}};
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const uint32_t argument = RegisterOf(n.input(first + i), scope);
    const Value* parameter = graph.inputs()[i];
    if (KindOf(*parameter->type()) != Kind(argument)) {
      // A number for an optional one, say: the same content, another kind.
      const uint32_t r = NewRegister(*parameter->type());
      EmitMove(r, argument, false, site);
      inner.registers[parameter] = r;
    } else {
      inner.registers[parameter] = argument;
    }
  }
  const size_t num_outputs =
      std::min(n.outputs().size(), graph.outputs().size());
  for (size_t i = 0; i < num_outputs; ++i) {
    const Value* result = graph.outputs()[i];
    const Value* out = n.output(i);
    const Node* definition = result->node();
    const bool fresh = definition->owning_block() == graph.block() &&
                       !definition->is(NodeKind::kParam) &&
                       !definition->is(NodeKind::kConstant) &&
                       result->uses().size() == 1 &&
                       KindOf(*result->type()) == KindOf(*out->type());
    if (result->node()->is(NodeKind::kTupleConstruct) && fresh &&
        !scope.assigned.contains(out) &&
        (IsOnlyTakenApart(out) || scope.split_results.contains(out))) {
      inner.split_results.insert(result);
      continue;
    }
    if (fresh) inner.assigned[result] = Define(out, scope);
  }
  TANDEM_RETURN_IF_ERROR(EmitBlock(*graph.block(), inner));
  for (size_t i = 0; i < num_outputs; ++i) {
    const Value* result = graph.outputs()[i];
    if (inner.assigned.contains(result)) continue;
    if (const auto t = inner.tuples.find(result);
        t != inner.tuples.end() && inner.split_results.contains(result)) {
      scope.tuples[n.output(i)] = std::move(t->second);
      continue;
    }
    const uint32_t dst = Define(n.output(i), scope);
    EmitMove(dst, RegisterOf(result, inner), false, site);
  }
  return absl::OkStatus();
}

absl::Status PlanBuilder::EmitDynamicCall(Node& n, Scope& scope,
                                          const Deaths& deaths, uint32_t site) {
  plan_->may_draw = true;
  plan_->names.push_back(n.attribute_name());
  const uint32_t begin = PutOperands(n, deaths, scope, false);
  PutOutputs(n, scope);
  Instruction& i = Emit(OpCode::kCallDynamic, site);
  i.a = static_cast<uint32_t>(plan_->names.size() - 1);
  i.b = begin;
  i.c = static_cast<uint32_t>(n.inputs().size());
  i.d = static_cast<uint32_t>(n.outputs().size());
  return absl::OkStatus();
}

absl::Status PlanBuilder::EmitEnterExit(Node& n, Scope& scope,
                                        const Deaths& deaths, uint32_t site) {
  plan_->names.push_back(n.is(NodeKind::kEnter) ? "__enter__" : "__exit__");
  std::vector<uint32_t> list = {RegisterOf(n.input(), scope)};
  if (n.is(NodeKind::kExit)) {
    // type, value and traceback of an exception: never there.
    for (int k = 0; k < 3; ++k)
      list.push_back(ConstantRegister(IValue(), *Type::None()));
  }
  const uint32_t begin = static_cast<uint32_t>(plan_->operands.size());
  plan_->operands.insert(plan_->operands.end(), list.begin(), list.end());
  PutOutputs(n, scope);
  Instruction& i = Emit(OpCode::kCallDynamic, site);
  i.a = static_cast<uint32_t>(plan_->names.size() - 1);
  i.b = begin;
  i.c = static_cast<uint32_t>(list.size());
  i.d = static_cast<uint32_t>(n.outputs().size());
  return absl::OkStatus();
}

absl::Status PlanBuilder::EmitFork(Node& n, Scope& scope, const Deaths& deaths,
                                   uint32_t site) {
  const NodeAttribute* subgraph = n.FindAttribute("Subgraph");
  if (subgraph == nullptr) return Unsupported(n, "a fork without a body");
  // The body is a function of its own that the plan owns.
  auto function = std::make_shared<Function>(
      absl::StrCat(scope.function->qualified_name(), ".__forked_function"),
      scope.function->unit());
  function->set_graph(
      std::get<std::shared_ptr<Graph>>(subgraph->payload)->Clone());
  plan_->calls.push_back({function.get()});
  plan_->forked.push_back(std::move(function));
  const uint32_t begin = PutOperands(n, deaths, scope, false);
  const uint32_t t = PutType(n.output()->type());
  const uint32_t dst = Define(n.output(), scope);
  plan_->operands.push_back(dst);
  Instruction& i = Emit(OpCode::kFork, site);
  i.a = static_cast<uint32_t>(plan_->calls.size() - 1);
  i.b = begin;
  i.c = static_cast<uint32_t>(n.inputs().size());
  i.d = t;
  return absl::OkStatus();
}

absl::Status PlanBuilder::EmitGroup(Node& n, Scope& scope, const Deaths& deaths,
                                    uint32_t site) {
  const auto& graph = n.Get<std::shared_ptr<Graph>>("Subgraph");
  const std::string& name = n.Get<std::string>("backend");
  const GroupBackend* backend = registry_.FindGroupBackend(name);
  if (backend == nullptr) {
    return Unsupported(n, absl::StrCat("no backend '", name, "'"));
  }
  TANDEM_ASSIGN_OR_RETURN(
      std::unique_ptr<const Plan> kernels,
      BuildPlan(*scope.function, *graph, registry_, backends_));
  const uint32_t begin = PutOperands(n, deaths, scope, false);
  PutOutputs(n, scope);
  plan_->groups.push_back(
      std::make_unique<GroupSite>(backend, graph, std::move(kernels)));
  Instruction& i = Emit(OpCode::kGroup, site);
  i.a = static_cast<uint32_t>(plan_->groups.size() - 1);
  i.b = begin;
  i.c = static_cast<uint32_t>(n.inputs().size());
  i.d = static_cast<uint32_t>(n.outputs().size());
  return absl::OkStatus();
}

}  // namespace tandem
