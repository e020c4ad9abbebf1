#include "tandem/passes/fold_constants.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/alias_analysis.h"
#include "tandem/passes/rewrite.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// Every kernel takes it as it is.
bool IsPlain(const Tensor& t) {
  const TensorImpl* impl = t.impl();
  return impl == nullptr ||
         (!impl->conj && !impl->neg && impl->layout == Layout::kStrided &&
          impl->quantizer == nullptr && impl->device.type == DeviceType::kCpu);
}

// Values that kernels may be run on: no objects, functions, futures.
bool IsPlainValue(const IValue& v, int depth = 0) {
  if (depth > 16) return false;
  switch (v.tag()) {
    case IValue::Tag::kTensor:
      return IsPlain(v.AsTensor());
    case IValue::Tag::kList:
    case IValue::Tag::kTuple: {
      const auto& values = v.is_list() ? v.AsList().values : v.AsTuple().values;
      return std::all_of(values.begin(), values.end(), [&](const IValue& e) {
        return IsPlainValue(e, depth + 1);
      });
    }
    case IValue::Tag::kDict: {
      bool plain = true;
      v.AsDict().ForEach([&](const IValue& key, const IValue& value) {
        plain = plain && IsPlainValue(key, depth + 1) &&
                IsPlainValue(value, depth + 1);
      });
      return plain;
    }
    case IValue::Tag::kFunction:
    case IValue::Tag::kObject:
    case IValue::Tag::kFuture:
    case IValue::Tag::kGenerator:
    case IValue::Tag::kOpaque:
      return false;
    default:
      return true;
  }
}

int64_t BytesOf(const IValue& v) {
  if (v.is_tensor() && v.AsTensor().defined()) {
    // What the storage holds: a broadcast view takes nothing more.
    const Tensor& t = v.AsTensor();
    return t.storage() ? static_cast<int64_t>(t.storage()->bytes()) : 0;
  }
  int64_t bytes = 0;
  if (v.is_list() || v.is_tuple()) {
    for (const IValue& e :
         v.is_list() ? v.AsList().values : v.AsTuple().values) {
      bytes += 16 + BytesOf(e);
    }
  }
  return bytes;
}

void GatherStorages(const IValue& v,
                    absl::flat_hash_set<const Storage*>* storages) {
  if (v.is_tensor() && v.AsTensor().defined()) {
    storages->insert(v.AsTensor().storage().get());
  } else if (v.is_list() || v.is_tuple()) {
    for (const IValue& e :
         v.is_list() ? v.AsList().values : v.AsTuple().values) {
      GatherStorages(e, storages);
    }
  }
}

// Does a type name memory that could be shared?
bool HasMemory(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kBool:
    case TypeKind::kComplex:
    case TypeKind::kNumber:
    case TypeKind::kStr:
    case TypeKind::kNone:
    case TypeKind::kDevice:
    case TypeKind::kScalarType:
    case TypeKind::kLayout:
    case TypeKind::kMemoryFormat:
    case TypeKind::kQScheme:
    case TypeKind::kEnum:
      return false;
    case TypeKind::kOptional:
      return HasMemory(*type.element());
    default:
      return true;
  }
}

class Folder {
 public:
  Folder(Graph* graph, const PassContext& context)
      : context_(context),
        aliases_(*graph, {/*distinct_constants=*/true}),
        // In autocast an operator computes in another dtype than its inputs'.
        autocast_(AnyNode(*graph->block(), [](const Node& n) {
          return n.is(NodeKind::kEnter);
        })) {
    budget_ = context.max_folded_bytes;
  }

  PassResult Run(Graph* graph) {
    FoldBlock(graph->block());
    return std::move(result_);
  }

 private:
  void FoldBlock(Block* block) {
    for (Node* n = block->first(); n != block->return_node();) {
      n = FoldNode(n);
    }
  }

  // Returns where to go on.
  Node* FoldNode(Node* n) {
    Node* next = n->next();
    switch (n->kind()) {
      case NodeKind::kIf: {
        const std::optional<IValue> c = ConstantOf(n->input());
        if (c.has_value() && c->is_bool()) {
          result_.Count("ifs pruned");
          return ReplaceIfByBranch(n, c->AsBool() ? 0 : 1);
        }
        for (Block* b : n->blocks()) FoldBlock(b);
        return next;
      }
      case NodeKind::kLoop:
        FoldBlock(n->block());
        return next;
      case NodeKind::kOperator:
        FoldOperator(n);
        return next;
      case NodeKind::kTupleIndex:
      case NodeKind::kTupleUnpack:
        FoldTuple(n);
        return next;
      case NodeKind::kListUnpack:
        FoldListUnpack(n);
        return next;
      case NodeKind::kUncheckedCast:
        if (ConstantOf(n->input()).has_value()) Forward(n, n->input());
        return next;
      case NodeKind::kIsInstance:
        if (const auto v = ConstantOf(n->input()); v.has_value()) {
          bool is = false;
          for (const TypePtr& t : n->Get<std::vector<TypePtr>>("types")) {
            is = is || v->Conforms(*t);
          }
          Replace(n, IValue(is));
        }
        return next;
      case NodeKind::kEnumName:
      case NodeKind::kEnumValue:
        if (const auto v = ConstantOf(n->input());
            v.has_value() && v->is_enum()) {
          Replace(n, n->is(NodeKind::kEnumName) ? IValue(v->AsEnum().name)
                                                : v->AsEnum().value);
        }
        return next;
      default:
        return next;
    }
  }

  void Forward(Node* n, Value* v) {
    n->output()->ReplaceAllUsesWith(v);
    n->Destroy();
    result_.Count("values forwarded");
  }
  void Replace(Node* n, IValue value) {
    Value* c = InsertConstantBefore(n, std::move(value), n->output()->type());
    n->output()->ReplaceAllUsesWith(c);
    n->Destroy();
    result_.Count("operators folded");
  }

  // Tuples do not change.
  void FoldTuple(Node* n) {
    Node* made = n->input()->node();
    const std::optional<IValue> constant = ConstantOf(n->input());
    const bool is_constant = constant.has_value() && constant->is_tuple();
    if (!made->is(NodeKind::kTupleConstruct) && !is_constant) return;
    const size_t size =
        is_constant ? constant->AsTuple().values.size() : made->inputs().size();
    const auto element = [&](size_t i, const TypePtr& type) {
      return is_constant
                 ? InsertConstantBefore(n, constant->AsTuple().values[i], type)
                 : made->input(i);
    };
    if (n->is(NodeKind::kTupleIndex)) {
      const std::optional<IValue> index = ConstantOf(n->input(1));
      if (!index.has_value() || !index->is_int()) return;
      int64_t i = index->AsInt();
      if (i < 0) i += static_cast<int64_t>(size);
      if (i < 0 || i >= static_cast<int64_t>(size)) return;
      return Forward(n, element(static_cast<size_t>(i), n->output()->type()));
    }
    if (n->outputs().size() != size) return;
    for (size_t i = 0; i < size; ++i) {
      n->output(i)->ReplaceAllUsesWith(element(i, n->output(i)->type()));
    }
    n->Destroy();
    result_.Count("values forwarded");
  }

  void FoldListUnpack(Node* n) {
    Node* made = n->input()->node();
    if (!made->is(NodeKind::kListConstruct) ||
        made->inputs().size() != n->outputs().size() || Changed(n->input())) {
      return;
    }
    for (size_t i = 0; i < n->outputs().size(); ++i) {
      n->output(i)->ReplaceAllUsesWith(made->input(i));
    }
    n->Destroy();
    result_.Count("values forwarded");
  }

  // `x is None` where the type of x says it.
  bool FoldNoneCheck(Node* n) {
    const bool is = n->Is("aten::__is__");
    if (!is && !n->Is("aten::__isnot__")) return false;
    const TypePtr& a = n->input(0)->type();
    const TypePtr& b = n->input(1)->type();
    std::optional<bool> same;
    if (a->is(TypeKind::kNone) && b->is(TypeKind::kNone)) {
      same = true;
    } else if ((a->is(TypeKind::kNone) && !b->MayBeNone() &&
                !b->is(TypeKind::kVar)) ||
               (b->is(TypeKind::kNone) && !a->MayBeNone() &&
                !a->is(TypeKind::kVar))) {
      same = false;
    }
    if (!same.has_value()) return false;
    Replace(n, IValue(*same == is));
    return true;
  }

  bool Changed(const Value* v) const { return aliases_.IsWritten(v); }

  void FoldOperator(Node* n) {
    if (FoldNoneCheck(n)) return;
    if (context_.registry == nullptr || n->inputs().empty()) return;
    const Operator& op = *n->op();
    if (op.effects != 0 || op.schema.is_vararg || op.schema.is_varret ||
        n->outputs().empty()) {
      return;
    }
    std::vector<IValue> arguments;
    arguments.reserve(n->inputs().size());
    for (size_t i = 0; i < n->inputs().size(); ++i) {
      if (std::optional<IValue> number = TakenAsNumber(*n, i)) {
        arguments.push_back(*std::move(number));
        continue;
      }
      std::optional<IValue> v = EvaluateConstant(
          n->input(i), [&](const Value* list) { return Changed(list); });
      if (!v.has_value()) return;
      arguments.push_back(*std::move(v));
    }
    // Only now, as these questions cost more.
    int64_t bytes = 0;
    bool tensors = false;
    absl::flat_hash_set<const Storage*> storages;
    for (size_t i = 0; i < n->inputs().size(); ++i) {
      if (!IsPlainValue(arguments[i])) return;
      if (HasMemory(*n->input(i)->type()) && Changed(n->input(i))) return;
      bytes += BytesOf(arguments[i]);
      tensors = tensors || arguments[i].is_tensor() || arguments[i].is_list();
      GatherStorages(arguments[i], &storages);
    }
    if (aliases_.HasWrites(n) || (tensors && autocast_)) return;
    bool has_memory = false;
    for (const Value* v : n->outputs()) {
      if (!HasMemory(*v->type())) continue;
      if (Changed(v) || autocast_) return;
      has_memory = true;
    }
    // Factories give new memory: no need to fill it first.
    if (has_memory && bytes == 0 && EscapesFresh(n)) return;
    const int64_t limit = std::max(budget_, bytes);
    absl::StatusOr<std::vector<IValue>> results =
        ComputeWithin(op, std::move(arguments), limit);
    if (!results.ok() || results->size() != n->outputs().size()) return;
    int64_t made = 0;
    for (size_t i = 0; i < results->size(); ++i) {
      const IValue& r = (*results)[i];
      if (!IsPlainValue(r)) return;
      if (!HasMemory(*n->output(i)->type())) continue;
      // A view of a constant is one in every call. Memory that is new in every
      // call must not be shared by calls where somebody could change it.
      absl::flat_hash_set<const Storage*> own;
      GatherStorages(r, &own);
      bool shared = r.is_tensor();
      for (const Storage* s : own) shared = shared && storages.contains(s);
      if (shared) continue;
      if (aliases_.MayEscape(n->output(i))) return;
      made += BytesOf(r);
    }
    if (made > limit) return;
    for (size_t i = 0; i < results->size(); ++i) {
      const TypePtr type = n->output(i)->type();
      Value* c = InsertConstantBefore(n, std::move((*results)[i]), type);
      n->output(i)->ReplaceAllUsesWith(c);
    }
    n->Destroy();
    result_.Count("operators folded");
  }

  // With a bound on the memory that the kernel may take.
  absl::StatusOr<std::vector<IValue>> ComputeWithin(
      const Operator& op, std::vector<IValue> arguments, int64_t limit) {
    absl::flat_hash_set<const Storage*> given;
    for (const IValue& v : arguments) GatherStorages(v, &given);
    MemoryBudget memory(2 * limit + (int64_t{64} << 20));
    std::vector<IValue> results;
    {
      CallContext call = CurrentContext();
      call.memory = &memory;
      ScopedContext scope(call);
      TANDEM_ASSIGN_OR_RETURN(
          results, Compute(op, std::move(arguments), *context_.registry,
                           context_.backends));
    }
    // Storages give their bytes back to the budget that they were taken from:
    // none may outlive it.
    for (IValue& r : results) {
      TANDEM_ASSIGN_OR_RETURN(r, OutsideOfBudget(r, given));
    }
    return results;
  }
  static absl::StatusOr<IValue> OutsideOfBudget(
      const IValue& v, const absl::flat_hash_set<const Storage*>& given) {
    if (v.is_list() || v.is_tuple()) {
      std::vector<IValue> values;
      for (const IValue& e :
           v.is_list() ? v.AsList().values : v.AsTuple().values) {
        TANDEM_ASSIGN_OR_RETURN(IValue copy, OutsideOfBudget(e, given));
        values.push_back(std::move(copy));
      }
      if (v.is_list()) {
        return IValue(MakeList(v.AsList().element_type, std::move(values)));
      }
      return IValue(MakeRef<TupleObject>(std::move(values), v.AsTuple().type));
    }
    if (v.is_dict()) return absl::UnimplementedError("a result is a dict");
    if (!v.is_tensor() || !v.AsTensor().defined() ||
        given.contains(v.AsTensor().storage().get())) {
      return v;
    }
    if (!IsPlain(v.AsTensor())) {
      return absl::UnimplementedError("a result is no plain tensor");
    }
    const Tensor& t = v.AsTensor();
    Tensor copy = t.Alias();
    if (const Storage* storage = t.storage().get(); storage != nullptr) {
      TANDEM_ASSIGN_OR_RETURN(Ref<Storage> fresh,
                              Storage::Allocate(storage->bytes()));
      if (storage->bytes() > 0) {
        std::memcpy(fresh->data(), storage->data(), storage->bytes());
      }
      copy.impl()->storage = std::move(fresh);
    }
    return IValue(std::move(copy));
  }

  bool EscapesFresh(const Node* n) const {
    for (const Value* v : n->outputs()) {
      if (HasMemory(*v->type()) && aliases_.MayEscape(v)) return true;
    }
    return false;
  }

  const PassContext& context_;
  const AliasAnalysis aliases_;
  const bool autocast_;
  int64_t budget_;
  PassResult result_;
};

void PruneBlock(Block* block, PassResult* result) {
  for (Node *n = block->first(), *next; n != block->return_node(); n = next) {
    next = n->next();
    if (n->is(NodeKind::kIf)) {
      const std::optional<IValue> c = ConstantOf(n->input());
      if (c.has_value() && c->is_bool()) {
        next = ReplaceIfByBranch(n, c->AsBool() ? 0 : 1);
        result->Count("ifs pruned");
        continue;
      }
    } else if (n->is(NodeKind::kLoop)) {
      const std::optional<IValue> trips = ConstantOf(n->input(0));
      const std::optional<IValue> condition = ConstantOf(n->input(1));
      if ((trips.has_value() && trips->is_int() && trips->AsInt() <= 0) ||
          (condition.has_value() && condition->is_bool() &&
           !condition->AsBool())) {
        next = ReplaceLoopByInputs(n);
        result->Count("loops pruned");
        continue;
      }
    }
    for (Block* b : n->blocks()) PruneBlock(b, result);
  }
}

}  // namespace

std::optional<IValue> EvaluateConstant(
    const Value* v, absl::FunctionRef<bool(const Value*)> is_changed) {
  const Node* n = v->node();
  if (n->is(NodeKind::kConstant)) return n->constant();
  const bool list = n->is(NodeKind::kListConstruct);
  if (!list && !n->is(NodeKind::kTupleConstruct)) return std::nullopt;
  if (list && is_changed(v)) return std::nullopt;
  std::vector<IValue> values;
  for (const Value* in : n->inputs()) {
    std::optional<IValue> e = ConstantOf(in);
    if (!e.has_value()) return std::nullopt;
    values.push_back(*std::move(e));
  }
  if (list) return IValue(MakeList(v->type()->element(), std::move(values)));
  return IValue(MakeRef<TupleObject>(
      std::move(values), v->type()->is_named_tuple() ? v->type() : nullptr));
}

absl::StatusOr<std::vector<IValue>> Compute(
    const Operator& op, std::vector<IValue> arguments, const Registry& registry,
    absl::Span<const std::string> backends) {
  const FunctionSchema& schema = op.schema;
  if (schema.is_vararg || schema.is_varret ||
      arguments.size() != schema.arguments.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(schema.FullName(), ": arguments do not fit"));
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!IsPlainValue(arguments[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat(schema.FullName(), ": an argument is not plain"));
    }
    if (schema.arguments[i].type->is(TypeKind::kTensor) &&
        !(arguments[i].is_tensor() && arguments[i].AsTensor().defined())) {
      return absl::InvalidArgumentError(
          absl::StrCat(schema.FullName(), ": a tensor is undefined"));
    }
    // Kernels read numbers by the type of the parameter alone.
    const TypePtr& type = schema.arguments[i].type;
    const TypePtr& inner =
        type->is(TypeKind::kOptional) ? type->element() : type;
    if (inner->is(TypeKind::kFloat) && arguments[i].is_int()) {
      arguments[i] = IValue(static_cast<double>(arguments[i].AsInt()));
    }
  }
  const size_t num_inputs = arguments.size();
  const size_t num_outputs = schema.returns.size();
  std::vector<uint32_t> numbers(num_inputs + num_outputs);
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<uint32_t>(i);
  }
  absl::Status status = absl::NotFoundError(
      absl::StrCat("no backend has a kernel for ", schema.FullName()));
  for (const KernelEntry* entry : registry.FindAll(op, backends)) {
    std::vector<IValue> registers = arguments;
    registers.resize(num_inputs + num_outputs);
    const KernelCall call{
        registers.data(), numbers.data(), numbers.data() + num_inputs,
        static_cast<uint32_t>(num_inputs), static_cast<uint32_t>(num_outputs)};
    status = entry->kernel(call);
    if (status.ok()) {
      return std::vector<IValue>(registers.begin() + num_inputs,
                                 registers.end());
    }
    if (!IsDeclined(status)) break;
  }
  return status;
}

absl::StatusOr<PassResult> FoldConstants(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options) {
  return Folder(graph, context).Run(graph);
}

absl::StatusOr<PassResult> PruneConstantBranches(Graph* graph,
                                                 const PassContext& context,
                                                 const PassOptions& options) {
  PassResult result;
  PruneBlock(graph->block(), &result);
  return result;
}

}  // namespace tandem
