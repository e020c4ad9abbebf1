#include "tandem/runtime/plan_builder.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "tandem/passes/rewrite.h"
#include "tandem/runtime/default_value.h"
#include "tandem/runtime/group_site.h"
#include "tandem/runtime/scalar_opcodes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// A plan with more instructions than this keeps further calls as calls.
constexpr size_t kMaxFlattenedCode = 20000;
constexpr size_t kMaxFlattenedDepth = 64;
constexpr uint32_t kNone = UINT32_MAX;

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

// The node in `block` that is `node` or contains it.
Node* AncestorIn(const Block* block, Node* node) {
  while (node->owning_block() != block)
    node = node->owning_block()->owning_node();
  return node;
}

bool IsConstantTrue(const Value* v) {
  const std::optional<IValue> c = ConstantOf(v);
  return c.has_value() && c->is_bool() && c->AsBool();
}

class Builder {
 public:
  Builder(const Registry& registry, absl::Span<const std::string> backends)
      : registry_(registry),
        backends_(backends),
        plan_(std::make_unique<Plan>()) {
    plan_->sites.push_back({});
  }

  absl::StatusOr<std::unique_ptr<Plan>> Build(const Function& function,
                                              const Graph& graph) {
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

  uint32_t NewRegister(RegisterKind kind) {
    plan_->registers.push_back(kind);
    return static_cast<uint32_t>(plan_->registers.size() - 1);
  }
  uint32_t NewRegister(const Type& type) { return NewRegister(KindOf(type)); }
  RegisterKind Kind(uint32_t r) const { return plan_->registers[r]; }

  uint32_t ConstantRegister(const IValue& value, const Type& type) {
    const uint32_t r = NewRegister(KindOf(type));
    plan_->constants.emplace_back(r, value);
    constants_.insert(r);
    return r;
  }

  uint32_t RegisterOf(const Value* v, Scope& scope) {
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

  // The register that a definition writes.
  uint32_t Define(const Value* v, Scope& scope) {
    const auto it = scope.assigned.find(v);
    const uint32_t r =
        it != scope.assigned.end() ? it->second : NewRegister(*v->type());
    scope.registers[v] = r;
    return r;
  }

  uint32_t SiteOf(const Node& node, const Scope& scope) {
    plan_->sites.push_back({node.range(), scope.call_site, scope.function});
    return static_cast<uint32_t>(plan_->sites.size() - 1);
  }

  Instruction& Emit(OpCode op, uint32_t site) {
    Instruction i{op};
    i.site = site;
    plan_->code.push_back(i);
    return plan_->code.back();
  }

  uint32_t Here() const { return static_cast<uint32_t>(plan_->code.size()); }

  // ---- lifetimes

  // Values of `block` whose last use is `node`: released after it.
  using Deaths = absl::flat_hash_map<const Node*, std::vector<const Value*>>;

  Deaths FindDeaths(const Block& block) {
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

  bool DiesAt(const Value* v, const Node* node, const Deaths& deaths) const {
    const auto it = deaths.find(node);
    return it != deaths.end() && std::find(it->second.begin(), it->second.end(),
                                           v) != it->second.end();
  }

  // Is this register the value's own, so that its content may be dropped?
  bool Owned(const Value* v, const Scope& scope) const {
    const auto it = scope.registers.find(v);
    return it != scope.registers.end() &&
           Kind(it->second) == RegisterKind::kValue &&
           !constants_.contains(it->second) && !stable_.contains(it->second) &&
           !reused_.contains(it->second);
  }

  void EmitDrops(const Node* node, const Deaths& deaths, const Scope& scope,
                 size_t code_before) {
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

  // Operand for an instruction that can take the value over at its last use.
  uint32_t Operand(const Value* v, const Node* node, const Deaths& deaths,
                   Scope& scope) {
    const uint32_t r = RegisterOf(v, scope);
    if (!DiesAt(v, node, deaths) || !Owned(v, scope)) return r;
    // Once only: f(x, x) moves nothing.
    size_t uses = 0;
    for (const Value* in : node->inputs()) uses += in == v ? 1 : 0;
    return uses == 1 ? r | kMoveBit : r;
  }

  // ---- nodes

  // An uninitialized value that needs no register of its own.
  static bool IsNeverRead(const Value* v) {
    return v->node()->is(NodeKind::kUninitialized) &&
           !NeedsReference(*v->type());
  }

  absl::Status EmitBlock(const Block& block, Scope& scope) {
    const Deaths deaths = FindDeaths(block);
    for (Node* n : block) {
      if (n->is(NodeKind::kConstant)) continue;
      const size_t before = plan_->code.size();
      TANDEM_RETURN_IF_ERROR(EmitNode(*n, scope, deaths));
      EmitDrops(n, deaths, scope, before);
    }
    return absl::OkStatus();
  }

  void EmitMove(uint32_t dst, uint32_t src, bool move, uint32_t site) {
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

  // Lists operands in the plan; returns where they begin.
  uint32_t PutOperands(const Node& n, const Deaths& deaths, Scope& scope,
                       bool may_move) {
    std::vector<uint32_t> list;
    for (const Value* v : n.inputs()) {
      list.push_back(may_move ? Operand(v, &n, deaths, scope)
                              : RegisterOf(v, scope));
    }
    const uint32_t begin = static_cast<uint32_t>(plan_->operands.size());
    plan_->operands.insert(plan_->operands.end(), list.begin(), list.end());
    return begin;
  }
  void PutOutputs(const Node& n, Scope& scope) {
    for (const Value* v : n.outputs())
      plan_->operands.push_back(Define(v, scope));
  }
  uint32_t PutType(TypePtr type) {
    plan_->types.push_back(std::move(type));
    return static_cast<uint32_t>(plan_->types.size() - 1);
  }

  // a = op(b[, c]) of registers.
  void EmitSimple(OpCode op, const Node& n, Scope& scope, uint32_t site) {
    const uint32_t b = RegisterOf(n.input(0), scope);
    const uint32_t c =
        n.inputs().size() > 1 ? RegisterOf(n.input(1), scope) : 0;
    const uint32_t a = Define(n.output(), scope);
    Instruction& i = Emit(op, site);
    i.a = a;
    i.b = b;
    i.c = c;
  }

  absl::Status EmitConstruct(Node& n, Scope& scope, const Deaths& deaths,
                             uint32_t site) {
    const uint32_t begin = PutOperands(n, deaths, scope, /*may_move=*/true);
    const uint32_t dst = Define(n.output(), scope);
    const OpCode op = n.is(NodeKind::kListConstruct) ? OpCode::kListConstruct
                      : n.is(NodeKind::kTupleConstruct)
                          ? OpCode::kTupleConstruct
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

  // ---- lists and tuples that need not be made in each call

  // Do all uses only look at what the list holds, while they run?
  static bool IsOnlyRead(const Value* list) {
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

  static bool IsNumberList(const Type& type) {
    return KindOf(*type.element()) != RegisterKind::kValue;
  }

  // A list of constants is one itself.
  bool EmitConstantList(const Node& n, Scope& scope) {
    if (scope.assigned.contains(n.output())) return false;
    std::optional<IValue> list = ConstantArgument(n.output());
    if (!list.has_value()) return false;
    scope.registers[n.output()] =
        ConstantRegister(*std::move(list), *n.output()->type());
    return true;
  }

  // A list of numbers stays in its register and is filled anew.
  absl::Status EmitReusedList(Node& n, Scope& scope, const Deaths& deaths,
                              uint32_t site) {
    if (scope.assigned.contains(n.output())) {
      return EmitConstruct(n, scope, deaths, site);
    }
    TANDEM_RETURN_IF_ERROR(EmitConstruct(n, scope, deaths, site));
    plan_->code.back().op = OpCode::kListRefill;
    reused_.insert(plan_->code.back().a);
    return absl::OkStatus();
  }

  // Which element a prim::TupleIndex takes; `size` when that is not known.
  static size_t ElementIndex(const Node& n, size_t size) {
    const std::optional<IValue> c = ConstantOf(n.input(1));
    if (!c.has_value() || !c->is_int()) return size;
    const int64_t i =
        c->AsInt() < 0 ? c->AsInt() + static_cast<int64_t>(size) : c->AsInt();
    return i >= 0 && i < static_cast<int64_t>(size) ? static_cast<size_t>(i)
                                                    : size;
  }

  static bool IsOnlyTakenApart(const Value* tuple) {
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

  absl::Status EmitSplitTuple(Node& n, Scope& scope, const Deaths& deaths,
                              uint32_t site) {
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

  absl::Status EmitNode(Node& n, Scope& scope, const Deaths& deaths) {
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
        Instruction& i =
            Emit(n.is(NodeKind::kListUnpack) ? OpCode::kListUnpack
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

  absl::Status Unsupported(const Node& n, absl::string_view why) const {
    return absl::UnimplementedError(
        absl::StrCat(n.name(), ": ", why, "\n", n.range().Highlight()));
  }

  absl::StatusOr<size_t> SlotOf(const Node& n) const {
    const ClassType* type = n.input(0)->type()->AsClass();
    const std::optional<size_t> slot =
        type == nullptr ? std::nullopt
                        : type->FindAttribute(n.attribute_name());
    if (!slot.has_value()) {
      return Unsupported(
          n, absl::StrCat("no attribute '", n.attribute_name(), "'"));
    }
    return *slot;
  }

  // Attributes that no method writes are read once, before everything else.
  absl::Status EmitGetAttr(Node& n, Scope& scope, uint32_t site) {
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

  absl::Status EmitOperator(Node& n, Scope& scope, const Deaths& deaths,
                            uint32_t site) {
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
      Instruction& i =
          Emit(name == "aten::__range_length" ? OpCode::kRangeLength
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
      if (name == "aten::__getitem__" &&
          n.input()->type()->is(TypeKind::kList)) {
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

  absl::Status EmitKernel(Node& n, Scope& scope, const Deaths& deaths,
                          uint32_t site) {
    const Operator& op = *n.op();
    KernelSite kernel;
    kernel.op = &op;
    kernel.others = registry_.FindAll(op, backends_);
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
        (type.is(TypeKind::kOptional) ? kernel.optional_tensors
                                      : kernel.tensors)
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
    plan_->may_draw |=
        (op.effects & static_cast<uint8_t>(Effect::kRandom)) != 0;
    plan_->kernels.push_back(std::move(kernel));
    Instruction& i = Emit(OpCode::kKernel, site);
    i.a = static_cast<uint32_t>(plan_->kernels.size() - 1);
    i.b = begin;
    i.c = static_cast<uint32_t>(n.inputs().size());
    i.d = static_cast<uint32_t>(n.outputs().size());
    return absl::OkStatus();
  }

  absl::Status EmitIf(Node& n, Scope& scope, uint32_t site) {
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

  absl::Status EmitBranch(const Block& block,
                          const std::vector<uint32_t>& results, Scope& scope,
                          uint32_t site) {
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

  // Can the body's result `i` be written straight into the carried register?
  bool CanCarryInPlace(const Block& body, size_t i) const {
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
      if (user == body.return_node() || definition->IsBefore(user))
        return false;
    }
    return true;
  }

  absl::Status EmitLoop(Node& n, Scope& scope, uint32_t site) {
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
    const uint32_t enter_operands =
        static_cast<uint32_t>(plan_->operands.size());
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

  // All results of a turn become the next turn's inputs at once.
  void EmitCarry(const Block& body, const std::vector<uint32_t>& registers,
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

  absl::Status EmitCall(Node& n, Scope& scope, const Deaths& deaths,
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
    } else if (n.input()->type()->is(TypeKind::kInterface)) {
      return EmitDynamicCall(n, scope, deaths, site);
    }
    if (callee == nullptr) return Unsupported(n, "what it calls is not known");
    TANDEM_RETURN_IF_ERROR(callee->EnsureDefined());
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

  absl::Status Flatten(Node& n, const Function& callee, size_t first,
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

  absl::Status EmitDynamicCall(Node& n, Scope& scope, const Deaths& deaths,
                               uint32_t site) {
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

  // `with x:` calls __enter__ and __exit__ of the object.
  absl::Status EmitEnterExit(Node& n, Scope& scope, const Deaths& deaths,
                             uint32_t site) {
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

  absl::Status EmitFork(Node& n, Scope& scope, const Deaths& deaths,
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

  absl::Status EmitGroup(Node& n, Scope& scope, const Deaths& deaths,
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

  void PutPrologueInFront() {
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

}  // namespace

absl::StatusOr<std::unique_ptr<Plan>> BuildPlan(
    const Function& function, const Graph& graph, const Registry& registry,
    absl::Span<const std::string> backends) {
  return Builder(registry, backends).Build(function, graph);
}

}  // namespace tandem
