// Nodes of a plan that make values: operators, containers, attributes.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/backends/group.h"
#include "tandem/passes/rewrite.h"
#include "tandem/runtime/default_value.h"
#include "tandem/runtime/plan_emitter.h"
#include "tandem/runtime/scalar_opcodes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

}  // namespace

absl::Status PlanBuilder::EmitConstruct(Node& n, Scope& scope,
                                        const Deaths& deaths, uint32_t site) {
  const uint32_t begin = PutOperands(n, deaths, scope, /*may_move=*/true);
  const uint32_t dst = Define(n.output(), scope);
  const OpCode op = n.is(NodeKind::kListConstruct)    ? OpCode::kListConstruct
                    : n.is(NodeKind::kTupleConstruct) ? OpCode::kTupleConstruct
                                                      : OpCode::kDictConstruct;
  const TypePtr type = n.output()->type();
  const uint32_t t =
      PutType(op == OpCode::kListConstruct ? type->element() : type);
  Instruction& i = Emit(op, site);
  i.a = dst;
  i.b = begin;
  i.c = static_cast<uint32_t>(n.inputs().size());
  i.d = t;
  return absl::OkStatus();
}

bool PlanBuilder::IsOnlyRead(const Value* list) {
  for (const Use& use : list->uses()) {
    const Node* n = use.user;
    if (!n->is(NodeKind::kOperator)) return false;
    const FunctionSchema& schema = n->op()->schema;
    if (use.index >= schema.arguments.size()) return false;
    const Argument& a = schema.arguments[use.index];
    const Type& type =
        a.type->is(TypeKind::kOptional) ? *a.type->element() : *a.type;
    // A list of a given type: what takes anything may keep it.
    if (a.alias.has_value() || !type.is(TypeKind::kList) ||
        type.element()->is(TypeKind::kVar) ||
        type.element()->is(TypeKind::kAny)) {
      return false;
    }
    for (const Argument& r : schema.returns) {
      if (!r.type->is(TypeKind::kTensor) && NeedsReference(*r.type)) {
        return false;
      }
    }
  }
  return true;
}

bool PlanBuilder::EmitConstantList(const Node& n, Scope& scope) {
  if (scope.assigned.contains(n.output())) return false;
  std::optional<IValue> list = ConstantArgument(n.output());
  if (!list.has_value()) return false;
  scope.registers[n.output()] =
      ConstantRegister(*std::move(list), *n.output()->type());
  return true;
}

absl::Status PlanBuilder::EmitReusedList(Node& n, Scope& scope,
                                         const Deaths& deaths, uint32_t site) {
  if (scope.assigned.contains(n.output())) {
    return EmitConstruct(n, scope, deaths, site);
  }
  TANDEM_RETURN_IF_ERROR(EmitConstruct(n, scope, deaths, site));
  plan_->code.back().op = OpCode::kListRefill;
  reused_.insert(plan_->code.back().a);
  return absl::OkStatus();
}

size_t PlanBuilder::ElementIndex(const Node& n, size_t size) {
  const std::optional<IValue> c = ConstantOf(n.input(1));
  if (!c.has_value() || !c->is_int()) return size;
  const int64_t i =
      c->AsInt() < 0 ? c->AsInt() + static_cast<int64_t>(size) : c->AsInt();
  return i >= 0 && i < static_cast<int64_t>(size) ? static_cast<size_t>(i)
                                                  : size;
}

bool PlanBuilder::IsOnlyTakenApart(const Value* tuple) {
  if (!tuple->type()->is(TypeKind::kTuple)) return false;
  const size_t size = tuple->type()->elements().size();
  for (const Use& use : tuple->uses()) {
    const Node& n = *use.user;
    if (n.is(NodeKind::kTupleUnpack) && n.outputs().size() == size) continue;
    if (n.is(NodeKind::kTupleIndex) && use.index == 0 &&
        ElementIndex(n, size) < size) {
      continue;
    }
    return false;
  }
  return true;
}

absl::Status PlanBuilder::EmitSplitTuple(Node& n, Scope& scope,
                                         const Deaths& deaths, uint32_t site) {
  std::vector<uint32_t> elements;
  for (size_t k = 0; k < n.inputs().size(); ++k) {
    const uint32_t operand = Operand(n.input(k), &n, deaths, scope);
    const uint32_t r = NewRegister(*n.input(k)->type());
    EmitMove(r, operand & ~kMoveBit, (operand & kMoveBit) != 0, site);
    elements.push_back(r);
  }
  scope.tuples[n.output()] = std::move(elements);
  return absl::OkStatus();
}

absl::Status PlanBuilder::EmitNode(Node& n, Scope& scope,
                                   const Deaths& deaths) {
  const uint32_t site = SiteOf(n, scope);
  switch (n.kind()) {
    case NodeKind::kOperator:
      return EmitOperator(n, scope, deaths, site);
    case NodeKind::kIf:
      return EmitIf(n, scope, site);
    case NodeKind::kLoop:
      return EmitLoop(n, scope, site);
    case NodeKind::kCallFunction:
    case NodeKind::kCallMethod:
      return EmitCall(n, scope, deaths, site);
    case NodeKind::kGetAttr:
      return EmitGetAttr(n, scope, site);
    case NodeKind::kSetAttr: {
      TANDEM_ASSIGN_OR_RETURN(const size_t slot, SlotOf(n));
      const uint32_t value = Operand(n.input(1), &n, deaths, scope);
      const uint32_t object = RegisterOf(n.input(0), scope);
      Instruction& i = Emit(OpCode::kSetAttr, site);
      i.a = value;
      i.b = object;
      i.c = static_cast<uint32_t>(slot);
      return absl::OkStatus();
    }
    case NodeKind::kListConstruct:
      if (IsOnlyRead(n.output())) {
        if (EmitConstantList(n, scope)) return absl::OkStatus();
        if (IsNumberList(*n.output()->type())) {
          return EmitReusedList(n, scope, deaths, site);
        }
      }
      return EmitConstruct(n, scope, deaths, site);
    case NodeKind::kTupleConstruct:
      if (scope.split_results.contains(n.output()) ||
          IsOnlyTakenApart(n.output())) {
        return EmitSplitTuple(n, scope, deaths, site);
      }
      return EmitConstruct(n, scope, deaths, site);
    case NodeKind::kDictConstruct:
      return EmitConstruct(n, scope, deaths, site);
    case NodeKind::kListUnpack:
    case NodeKind::kTupleUnpack: {
      if (const auto t = scope.tuples.find(n.input());
          t != scope.tuples.end()) {
        const bool last = DiesAt(n.input(), &n, deaths);
        const std::vector<uint32_t> elements = t->second;
        for (size_t k = 0; k < n.outputs().size(); ++k) {
          EmitMove(Define(n.output(k), scope), elements[k], last, site);
        }
        if (last) scope.tuples.erase(n.input());
        return absl::OkStatus();
      }
      const uint32_t begin = PutOperands(n, deaths, scope, false);
      PutOutputs(n, scope);
      Instruction& i = Emit(n.is(NodeKind::kListUnpack) ? OpCode::kListUnpack
                                                        : OpCode::kTupleUnpack,
                            site);
      i.b = begin;
      i.c = static_cast<uint32_t>(n.outputs().size());
      return absl::OkStatus();
    }
    case NodeKind::kTupleIndex:
      if (const auto t = scope.tuples.find(n.input(0));
          t != scope.tuples.end()) {
        const uint32_t element = t->second[ElementIndex(n, t->second.size())];
        EmitMove(Define(n.output(), scope), element, false, site);
        return absl::OkStatus();
      }
      EmitSimple(OpCode::kTupleIndex, n, scope, site);
      return absl::OkStatus();
    case NodeKind::kTupleSlice: {
      EmitSimple(OpCode::kTupleSlice, n, scope, site);
      plan_->code.back().c = static_cast<uint32_t>(n.Get<int64_t>("beg"));
      plan_->code.back().d = static_cast<uint32_t>(n.Get<int64_t>("end"));
      return absl::OkStatus();
    }
    case NodeKind::kCreateObject: {
      const uint32_t t = PutType(n.output()->type());
      const uint32_t dst = Define(n.output(), scope);
      Instruction& i = Emit(OpCode::kCreateObject, site);
      i.a = dst;
      i.d = t;
      return absl::OkStatus();
    }
    case NodeKind::kPrint: {
      const uint32_t begin = PutOperands(n, deaths, scope, false);
      Instruction& i = Emit(OpCode::kPrint, site);
      i.b = begin;
      i.c = static_cast<uint32_t>(n.inputs().size());
      return absl::OkStatus();
    }
    case NodeKind::kRaiseException: {
      const uint32_t message = RegisterOf(n.input(0), scope);
      const uint32_t name = n.inputs().size() > 1
                                ? RegisterOf(n.input(1), scope)
                                : ConstantRegister(IValue(), *Type::None());
      Instruction& i = Emit(OpCode::kRaise, site);
      i.b = message;
      i.c = name;
      return absl::OkStatus();
    }
    case NodeKind::kUncheckedCast: {
      const uint32_t src = RegisterOf(n.input(), scope);
      const uint32_t t = PutType(n.output()->type());
      const uint32_t dst = Define(n.output(), scope);
      Instruction& i = Emit(OpCode::kUncheckedCast, site);
      i.a = dst;
      i.b = src;
      i.d = t;
      return absl::OkStatus();
    }
    case NodeKind::kIsInstance: {
      plan_->type_lists.push_back(n.Get<std::vector<TypePtr>>("types"));
      EmitSimple(OpCode::kIsInstance, n, scope, site);
      plan_->code.back().d =
          static_cast<uint32_t>(plan_->type_lists.size() - 1);
      return absl::OkStatus();
    }
    case NodeKind::kToList: {
      const uint32_t begin = PutOperands(n, deaths, scope, false);
      const uint32_t t = PutType(n.output()->type());
      const uint32_t dst = Define(n.output(), scope);
      Instruction& i = Emit(OpCode::kToList, site);
      i.a = dst;
      i.b = begin;
      i.d = t;
      return absl::OkStatus();
    }
    case NodeKind::kEnumName:
      EmitSimple(OpCode::kEnumName, n, scope, site);
      return absl::OkStatus();
    case NodeKind::kEnumValue:
      EmitSimple(OpCode::kEnumValue, n, scope, site);
      return absl::OkStatus();
    case NodeKind::kModuleContainerIndex:
      EmitSimple(OpCode::kModuleIndex, n, scope, site);
      return absl::OkStatus();
    case NodeKind::kUninitialized: {
      // Not read by right programs: where a wrong one comes to no harm,
      // whatever the register holds will do.
      const TypePtr& type = n.output()->type();
      const uint32_t dst = Define(n.output(), scope);
      if (!NeedsReference(*type)) return absl::OkStatus();
      const uint32_t t = PutType(type);
      Instruction& i = Emit(OpCode::kDefault, site);
      i.a = dst;
      i.d = t;
      return absl::OkStatus();
    }
    case NodeKind::kEnter:
    case NodeKind::kExit:
      return EmitEnterExit(n, scope, deaths, site);
    case NodeKind::kFork:
      return EmitFork(n, scope, deaths, site);
    case NodeKind::kFusionGroup:
      return EmitGroup(n, scope, deaths, site);
    default:
      return Unsupported(n, "this kind of node cannot run");
  }
}

absl::Status PlanBuilder::Unsupported(const Node& n,
                                      absl::string_view why) const {
  return absl::UnimplementedError(
      absl::StrCat(n.name(), ": ", why, "\n", n.range().Highlight()));
}

absl::StatusOr<size_t> PlanBuilder::SlotOf(const Node& n) const {
  const ClassType* type = n.input(0)->type()->AsClass();
  const std::optional<size_t> slot =
      type == nullptr ? std::nullopt : type->FindAttribute(n.attribute_name());
  if (!slot.has_value()) {
    return Unsupported(n,
                       absl::StrCat("no attribute '", n.attribute_name(), "'"));
  }
  return *slot;
}

absl::Status PlanBuilder::EmitGetAttr(Node& n, Scope& scope, uint32_t site) {
  TANDEM_ASSIGN_OR_RETURN(const size_t slot, SlotOf(n));
  const uint32_t object = RegisterOf(n.input(), scope);
  const ClassType& type = *n.input()->type()->AsClass();
  const bool written = type.attributes()[slot].is_written;
  if (stable_.contains(object) && !written &&
      !scope.assigned.contains(n.output())) {
    const auto key = std::make_pair(object, static_cast<uint32_t>(slot));
    const auto it = attributes_.find(key);
    if (it != attributes_.end()) {
      scope.registers[n.output()] = it->second;
      return absl::OkStatus();
    }
    const uint32_t r = NewRegister(*n.output()->type());
    const bool borrow = Kind(r) == RegisterKind::kValue;
    Instruction i{borrow ? OpCode::kBorrowAttr : OpCode::kGetAttrStable};
    i.a = r;
    i.b = object;
    i.c = static_cast<uint32_t>(slot);
    i.site = site;
    prologue_.push_back(i);
    if (borrow) plan_->borrowed.push_back(r);
    stable_.insert(r);
    attributes_[key] = r;
    scope.registers[n.output()] = r;
    return absl::OkStatus();
  }
  const uint32_t dst = Define(n.output(), scope);
  Instruction& i =
      Emit(written ? OpCode::kGetAttr : OpCode::kGetAttrStable, site);
  i.a = dst;
  i.b = object;
  i.c = static_cast<uint32_t>(slot);
  return absl::OkStatus();
}

absl::Status PlanBuilder::EmitOperator(Node& n, Scope& scope,
                                       const Deaths& deaths, uint32_t site) {
  const Operator& op = *n.op();
  if (const std::optional<OpCode> code = ScalarOpCode(op); code.has_value()) {
    EmitSimple(*code, n, scope, site);
    return absl::OkStatus();
  }
  const std::string& name = op.schema.name;
  const std::string& overload = op.schema.overload_name;
  if (name == "aten::__range_length" || name == "aten::__derive_index") {
    const uint32_t begin = PutOperands(n, deaths, scope, false);
    const uint32_t dst = Define(n.output(), scope);
    Instruction& i = Emit(name == "aten::__range_length" ? OpCode::kRangeLength
                                                         : OpCode::kDeriveIndex,
                          site);
    i.a = dst;
    i.b = begin;
    return absl::OkStatus();
  }
  if (name == "aten::wait" || name == "prim::awaitable_wait") {
    EmitSimple(OpCode::kWait, n, scope, site);
    return absl::OkStatus();
  }
  if (overload == "t" || overload == "list") {
    if (name == "aten::len" && n.input()->type()->is(TypeKind::kList)) {
      EmitSimple(OpCode::kListLen, n, scope, site);
      return absl::OkStatus();
    }
    if (name == "aten::__getitem__" && n.input()->type()->is(TypeKind::kList)) {
      EmitSimple(OpCode::kListGet, n, scope, site);
      return absl::OkStatus();
    }
    if (name == "aten::append") {
      const uint32_t list = RegisterOf(n.input(0), scope);
      const uint32_t value = Operand(n.input(1), &n, deaths, scope);
      const uint32_t dst =
          n.output()->has_uses() ? Define(n.output(), scope) : kNone;
      Instruction& i = Emit(OpCode::kAppend, site);
      i.a = dst;
      i.b = list;
      i.c = value;
      return absl::OkStatus();
    }
  }
  if ((name == "aten::sort" || name == "aten::sorted") && overload == "any") {
    const uint32_t begin = PutOperands(n, deaths, scope, false);
    const uint32_t dst =
        n.outputs().empty() ? kNone : Define(n.output(), scope);
    Instruction& i = Emit(OpCode::kSortObjects, site);
    i.a = dst;
    i.b = begin;
    i.c = static_cast<uint32_t>(n.inputs().size());
    return absl::OkStatus();
  }
  if (name == "prim::ModuleContainerIndex") {
    EmitSimple(OpCode::kModuleIndex, n, scope, site);
    return absl::OkStatus();
  }
  if (name == "prim::EnumName" || name == "prim::EnumValue") {
    EmitSimple(
        name == "prim::EnumName" ? OpCode::kEnumName : OpCode::kEnumValue, n,
        scope, site);
    return absl::OkStatus();
  }
  return EmitKernel(n, scope, deaths, site);
}

absl::Status PlanBuilder::EmitKernel(Node& n, Scope& scope,
                                     const Deaths& deaths, uint32_t site) {
  const Operator& op = *n.op();
  KernelSite kernel;
  kernel.op = &op;
  kernel.in_place = n.FindAttribute(kInPlaceAttribute) != nullptr;
  kernel.others = registry_.FindAll(op, backends_);
  // Those that only take sparse tensors are registered under a name of their
  // own and decline others.
  const std::string sparse = "sparse";
  const KernelEntry* const of_sparse =
      registry_.Find(op, absl::MakeConstSpan(&sparse, 1));
  if (of_sparse != nullptr) kernel.others.push_back(of_sparse);
  if (!kernel.others.empty()) {
    kernel.entry = kernel.others.front();
    kernel.others.erase(kernel.others.begin());
  }
  // Kernels for quantized tensors are registered under this name.
  const std::string quantized = "quantized";
  kernel.quantized = registry_.Find(op, absl::MakeConstSpan(&quantized, 1));
  if (kernel.entry == nullptr) {
    // An error where the program reaches it: it may never.
    for (const Value* v : n.outputs()) Define(v, scope);
    const uint32_t message =
        ConstantRegister(IValue(absl::StrCat("no backend has a kernel for ",
                                             op.schema.ToString())),
                         *Type::Str());
    const uint32_t name = ConstantRegister(IValue(), *Type::None());
    Instruction& i = Emit(OpCode::kRaise, site);
    i.b = message;
    i.c = name;
    return absl::OkStatus();
  }
  for (size_t i = 0; i < n.inputs().size() && i < 250; ++i) {
    if (i >= op.schema.arguments.size()) break;  // varargs
    const Type& type = *op.schema.arguments[i].type;
    const Type& e = type.is(TypeKind::kOptional) ? *type.element() : type;
    if (e.is(TypeKind::kTensor)) {
      (type.is(TypeKind::kOptional) ? kernel.optional_tensors : kernel.tensors)
          .push_back(static_cast<uint8_t>(i));
    } else if (e.is(TypeKind::kList) &&
               (e.element()->is(TypeKind::kTensor) ||
                (e.element()->is(TypeKind::kOptional) &&
                 e.element()->element()->is(TypeKind::kTensor)))) {
      kernel.tensor_lists.push_back(static_cast<uint8_t>(i));
    }
  }
  const uint32_t begin = PutOperands(n, deaths, scope, false);
  if (std::optional<IValue> number = TakenAsNumber(n, 1)) {
    plan_->operands[begin + 1] =
        ConstantRegister(*std::move(number), *Type::Tensor());
  }
  // Kernels read their inputs unboxed: a number in a generic register of an
  // optional argument is fine, the tags agree.
  PutOutputs(n, scope);
  plan_->may_draw |= (op.effects & static_cast<uint8_t>(Effect::kRandom)) != 0;
  plan_->kernels.push_back(std::move(kernel));
  Instruction& i = Emit(OpCode::kKernel, site);
  i.a = static_cast<uint32_t>(plan_->kernels.size() - 1);
  i.b = begin;
  i.c = static_cast<uint32_t>(n.inputs().size());
  i.d = static_cast<uint32_t>(n.outputs().size());
  return absl::OkStatus();
}

}  // namespace tandem
