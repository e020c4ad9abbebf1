#include "tandem/passes/freeze.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/ir/alias_analysis.h"
#include "tandem/ir/class_type.h"
#include "tandem/passes/eliminate_dead_code.h"
#include "tandem/passes/fold_constants.h"
#include "tandem/passes/inline.h"
#include "tandem/passes/rewrite.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int kMaxContainerDepth = 64;
constexpr int kMaxRounds = 8;

// PyTorch compares a graph's constants when it opens an archive; what it cannot
// compare, and what has no storage, it takes as an attribute alone.
bool CanBeConstant(const Tensor& t) {
  if (!t.defined()) return true;
  switch (t.dtype()) {
    case DType::kBits1x8:
    case DType::kBits2x4:
    case DType::kBits4x2:
    case DType::kBits8:
    case DType::kBits16:
    case DType::kFloat8E5M2:
    case DType::kFloat8E4M3FN:
    case DType::kFloat8E5M2FNUZ:
    case DType::kFloat8E4M3FNUZ:
    case DType::kFloat8E8M0FNU:
      return false;
    default:
      return !t.is_meta() && !t.is_sparse();
  }
}

// Identities of the memory that a value is and holds. False if that is not all
// known (objects, futures …) or the value is too deep.
bool GatherMemory(const IValue& v, std::vector<const void*>* out,
                  int depth = 0) {
  if (depth > kMaxContainerDepth) return false;
  switch (v.tag()) {
    case IValue::Tag::kTensor: {
      const Tensor& t = v.AsTensor();
      if (!t.defined()) return true;
      const void* identity = t.storage().get();
      out->push_back(identity != nullptr ? identity : t.impl());
      return true;
    }
    case IValue::Tag::kList:
    case IValue::Tag::kTuple: {
      const bool list = v.is_list();
      if (list) out->push_back(&v.AsList());
      for (const IValue& e : list ? v.AsList().values : v.AsTuple().values) {
        if (!GatherMemory(e, out, depth + 1)) return false;
      }
      return true;
    }
    case IValue::Tag::kDict: {
      out->push_back(&v.AsDict());
      bool known = true;
      v.AsDict().ForEach([&](const IValue& key, const IValue& value) {
        known = known && GatherMemory(key, out, depth + 1) &&
                GatherMemory(value, out, depth + 1);
      });
      return known;
    }
    case IValue::Tag::kObject:
    case IValue::Tag::kFuture:
    case IValue::Tag::kGenerator:
      return false;
    default:
      return true;  // numbers, strings; packed parameters do not change
  }
}

// A graph that runs on the object: a function's or a fork's inside of it.
struct Unit {
  Graph* graph;
  absl::flat_hash_map<const Value*, const ModuleObject*> inputs, objects;
  std::shared_ptr<Graph> keep;  // a fork's: its node may go away
};

class Freezer {
 public:
  Freezer(Program* program, const FreezeOptions& options,
          const PassContext& context, PassResult* result)
      : program_(program),
        options_(options),
        context_(context),
        result_(result) {}

  absl::Status Run() {
    for (Function* f : FunctionsOf(*program_)) {
      if (f->graph() != nullptr) FindWrites(*f->graph()->block());
    }
    for (Function* f : FunctionsOf(*program_)) {
      if (f->graph() == nullptr) continue;
      TANDEM_RETURN_IF_ERROR(InlineAll(f->graph(), program_->object.get()));
    }
    // Numbers first, `training` above all: a branch that is never taken sets
    // and changes nothing.
    for (int round = 0; round < kMaxRounds; ++round) {
      FindAllWrites();
      size_t replaced = 0;
      for (Unit& unit : units_) {
        TANDEM_ASSIGN_OR_RETURN(const size_t n,
                                ReplaceAttributes(unit, /*numbers=*/true));
        replaced += n;
      }
      if (replaced == 0) break;
      for (Unit& unit : units_) {
        TANDEM_ASSIGN_OR_RETURN(
            const PassResult folded,
            FoldConstants(unit.graph, context_, PassOptions()));
        TANDEM_RETURN_IF_ERROR(
            EliminateDeadCode(unit.graph, context_, PassOptions()).status());
        result_->Merge(folded);
      }
    }
    FindAllWrites();
    FindChangedMemory();
    for (Unit& unit : units_) {
      TANDEM_RETURN_IF_ERROR(
          ReplaceAttributes(unit, /*numbers=*/false).status());
    }
    return absl::OkStatus();
  }

 private:
  using Objects = absl::flat_hash_map<const Value*, const ModuleObject*>;

  bool IsSet(const ClassType& type, absl::string_view name) const {
    return set_.contains(std::make_pair(type.name(), std::string(name)));
  }

  // ---- calls

  // Objects of values by the chain of attributes from the inputs.
  Objects Resolve(const Graph& graph, const Objects& inputs) const {
    Objects objects = inputs;
    ResolveBlock(*graph.block(), &objects);
    return objects;
  }
  void ResolveBlock(const Block& block, Objects* objects) const {
    for (const Node* n : block) {
      if (n->is(NodeKind::kGetAttr)) {
        const auto it = objects->find(n->input());
        if (it != objects->end()) {
          if (const IValue* v = ValueOf(*it->second, n->attribute_name());
              v != nullptr && v->is_object()) {
            (*objects)[n->output()] = &v->AsObject();
          }
        }
      } else if (n->is(NodeKind::kUncheckedCast)) {
        const auto it = objects->find(n->input());
        if (it != objects->end()) (*objects)[n->output()] = it->second;
      }
      for (const Block* b : n->blocks()) ResolveBlock(*b, objects);
    }
  }
  // The value of an attribute that no kept method sets; null otherwise.
  const IValue* ValueOf(const ModuleObject& object,
                        absl::string_view name) const {
    const auto slot = object.type()->FindAttribute(name);
    if (!slot.has_value() || IsSet(*object.type(), name)) return nullptr;
    return &object.GetUnlocked(*slot);
  }

  absl::Status InlineAll(Graph* graph, const ModuleObject* self) {
    Objects inputs;
    if (!graph->inputs().empty()) inputs[graph->inputs()[0]] = self;
    return InlineGraph(graph, std::move(inputs));
  }

  absl::Status InlineGraph(Graph* graph, Objects inputs,
                           std::shared_ptr<Graph> keep = nullptr) {
    TANDEM_RETURN_IF_ERROR(InlineCalls(graph, context_.max_nodes));
    FindWrites(*graph->block());
    Objects objects = Resolve(*graph, inputs);
    for (bool again = true; again;) {
      // An attribute of interface type that anything sets may hold another
      // object tomorrow.
      if (!all_writes_known_ && HasInterfaceCall(*graph->block())) {
        FindWritesOfProgram();
        objects = Resolve(*graph, inputs);
      }
      again = InlineInterfaces(graph, objects);
      if (!again) break;
      TANDEM_RETURN_IF_ERROR(InlineCalls(graph, context_.max_nodes));
      FindWrites(*graph->block());
      objects = Resolve(*graph, inputs);
    }
    TANDEM_RETURN_IF_ERROR(InlineForks(graph->block(), objects));
    unknown_calls_ |= AnyNode(*graph->block(), [](const Node& n) {
      switch (n.kind()) {
        case NodeKind::kCallFunction:
        case NodeKind::kCallMethod:
        case NodeKind::kPythonOp:
        case NodeKind::kUnknown:
          return true;
        default:
          return false;
      }
    });
    units_.push_back({graph, std::move(inputs), {}, std::move(keep)});
    return absl::OkStatus();
  }

  // Calls through interfaces whose object is known become calls of its class's
  // method.
  static bool IsInterfaceCall(const Node& n) {
    return n.is(NodeKind::kCallMethod) &&
           n.input()->type()->AsInterface() != nullptr;
  }
  static bool HasInterfaceCall(const Block& block) {
    return AnyNode(block, IsInterfaceCall);
  }
  bool InlineInterfaces(Graph* graph, const Objects& objects) {
    bool changed = false;
    ForEachNode(graph->block(), [&](Node* n) {
      if (!IsInterfaceCall(*n)) return;
      const auto it = objects.find(n->input());
      if (it == objects.end()) return;
      const ClassType& type = *it->second->type();
      if (type.FindMethod(n->attribute_name()) == nullptr) return;
      Node* cast = graph->Create(NodeKind::kUncheckedCast, {n->input()});
      cast->output()->set_type(type.shared());
      cast->InsertBefore(n);
      n->ReplaceInput(0, cast->output());
      changed = true;
    });
    return changed;
  }

  // Bodies of forks run on the same objects. They are the graph's own (Derive
  // has copied them).
  absl::Status InlineForks(Block* block, const Objects& objects) {
    for (Node* n : *block) {
      for (Block* b : n->blocks()) {
        TANDEM_RETURN_IF_ERROR(InlineForks(b, objects));
      }
      const NodeAttribute* a = n->FindAttribute("Subgraph");
      if (a == nullptr) continue;
      // Inlining may have brought one in that others share.
      std::shared_ptr<Graph> body =
          std::get<std::shared_ptr<Graph>>(a->payload)->Clone();
      n->SetAttribute("Subgraph", body);
      Objects inputs;
      for (size_t i = 0; i < body->inputs().size(); ++i) {
        const auto it = objects.find(n->input(i));
        if (it != objects.end()) inputs[body->inputs()[i]] = it->second;
      }
      TANDEM_RETURN_IF_ERROR(InlineGraph(body.get(), std::move(inputs), body));
    }
    return absl::OkStatus();
  }

  // ---- writes

  void FindWrites(const Block& block) {
    AnyNode(block, [&](const Node& n) {
      if (n.is(NodeKind::kSetAttr)) {
        set_.emplace(n.input(0)->type()->name(), n.attribute_name());
      }
      if (const NodeAttribute* a = n.FindAttribute("Subgraph"); a != nullptr) {
        FindWrites(*std::get<std::shared_ptr<Graph>>(a->payload)->block());
      }
      return false;
    });
  }
  void FindAllWrites() {
    set_.clear();
    const bool whole_program = all_writes_known_ || unknown_calls_;
    all_writes_known_ = false;
    for (Unit& unit : units_) FindWrites(*unit.graph->block());
    if (whole_program) FindWritesOfProgram();
    for (Unit& unit : units_) {
      unit.objects = Resolve(*unit.graph, unit.inputs);
    }
  }
  // Calls are left that may run anything of the program.
  void FindWritesOfProgram() {
    if (all_writes_known_) return;
    all_writes_known_ = true;
    const CompilationUnit& base =
        program_->base != nullptr ? *program_->base : *program_->unit;
    for (size_t i = 0; i < base.functions().size(); ++i) {
      Function* f = base.functions()[i].get();
      if (f->EnsureDefined().ok() && f->graph() != nullptr) {
        FindWrites(*f->graph()->block());
      }
    }
  }

  // The value that a GetAttr may be replaced by, written memory aside.
  const IValue* CandidateOf(const Unit& unit, const Node& n,
                            std::vector<const void*>* memory) const {
    if (!n.is(NodeKind::kGetAttr)) return nullptr;
    const auto it = unit.objects.find(n.input());
    if (it == unit.objects.end()) return nullptr;
    if (it->second == program_->object.get() &&
        absl::c_linear_search(options_.attributes, n.attribute_name())) {
      return nullptr;
    }
    const IValue* v = ValueOf(*it->second, n.attribute_name());
    if (v == nullptr || !GatherMemory(*v, memory)) return nullptr;
    if (v->is_tensor() && !CanBeConstant(v->AsTensor())) return nullptr;
    if (unknown_calls_ && !memory->empty()) return nullptr;
    return v;
  }

  // Replaces candidates by constants in copies of the graphs and asks what is
  // written then, until nothing new is.
  void FindChangedMemory() {
    for (bool again = true; again;) {
      again = false;
      absl::flat_hash_set<const void*> escaped;
      bool outside_is_written = false;
      for (const Unit& unit : units_) {
        absl::flat_hash_map<const Value*, Value*> map;
        Graph copy;
        copy.block()->CloneFrom(*unit.graph->block(), &map);
        struct Constant {
          Value* value;
          std::vector<const void*> memory;
        };
        std::vector<Constant> constants;
        std::vector<Constant> others;
        AnyNode(*unit.graph->block(), [&](const Node& n) {
          if (!n.is(NodeKind::kGetAttr)) return false;
          std::vector<const void*> memory;
          const IValue* v = CandidateOf(unit, n, &memory);
          Value* copied = map.at(n.output());
          if (v != nullptr && !IsChanged(memory)) {
            if (memory.empty()) return false;
            Value* c = InsertConstantBefore(copied->node(), *v, copied->type());
            copied->ReplaceAllUsesWith(c);
            constants.push_back({c, std::move(memory)});
          } else {
            // Its present value, as far as it is known.
            const auto it = unit.objects.find(n.input());
            memory.clear();
            if (it != unit.objects.end()) {
              const auto slot =
                  it->second->type()->FindAttribute(n.attribute_name());
              if (slot.has_value()) {
                GatherMemory(it->second->GetUnlocked(*slot), &memory);
              }
            }
            others.push_back({copied, std::move(memory)});
          }
          return false;
        });
        const AliasAnalysis aliases(copy, {/*distinct_constants=*/true});
        for (const Constant& c : constants) {
          if (aliases.IsWritten(c.value)) {
            for (const void* m : c.memory) again |= changed_.insert(m).second;
          } else if (aliases.MayEscape(c.value)) {
            escaped.insert(c.memory.begin(), c.memory.end());
          }
        }
        for (const Constant& c : others) {
          if (c.value->type()->is(TypeKind::kClass) ||
              !aliases.IsWritten(c.value)) {
            continue;
          }
          outside_is_written = true;
          for (const void* m : c.memory) again |= changed_.insert(m).second;
        }
      }
      // What one method puts into an attribute another may change there.
      if (outside_is_written) {
        for (const void* m : escaped) again |= changed_.insert(m).second;
      }
    }
  }
  bool IsChanged(const std::vector<const void*>& memory) const {
    return std::any_of(memory.begin(), memory.end(),
                       [&](const void* m) { return changed_.contains(m); });
  }

  // ---- constants

  // Returns how many. `numbers`: only what has no memory.
  absl::StatusOr<size_t> ReplaceAttributes(const Unit& unit, bool numbers) {
    absl::Status status;
    size_t count = 0;
    ForEachNode(unit.graph->block(), [&](Node* n) {
      std::vector<const void*> memory;
      const IValue* v = CandidateOf(unit, *n, &memory);
      if (numbers && !memory.empty()) return;
      if (v == nullptr || IsChanged(memory)) {
        if (!numbers && n->is(NodeKind::kGetAttr) &&
            !n->output()->type()->AsClass()) {
          result_->Count("attributes kept");
        }
        return;
      }
      if (n->attribute_name() == "training" && n->output()->has_uses() &&
          v->is_bool() && v->AsBool() && !options_.allow_training) {
        status = absl::FailedPreconditionError(absl::StrCat(
            "freeze: '", unit.objects.at(n->input())->type()->name(),
            "' is in training mode; call eval() before saving, or freeze with "
            "allow_training"));
        return;
      }
      Value* c = InsertConstantBefore(n, *v, n->output()->type());
      n->output()->ReplaceAllUsesWith(c);
      n->Destroy();
      result_->Count("attributes frozen");
      ++count;
    });
    if (!status.ok()) return status;
    return count;
  }

  Program* const program_;
  const FreezeOptions& options_;
  const PassContext& context_;
  PassResult* const result_;
  std::vector<Unit> units_;
  // (class, attribute) that a kept method sets.
  absl::flat_hash_set<std::pair<std::string, std::string>> set_;
  absl::flat_hash_set<const void*> changed_;
  bool unknown_calls_ = false;
  bool all_writes_known_ = false;  // of the whole program
};

void FindUsedAttributes(const Block& block, const ClassType* type,
                        absl::flat_hash_set<std::string>* used, bool* other) {
  AnyNode(block, [&](const Node& n) {
    for (size_t i = 0; i < n.inputs().size(); ++i) {
      if (n.input(i)->type()->AsClass() != type) continue;
      if (i == 0 && (n.is(NodeKind::kGetAttr) || n.is(NodeKind::kSetAttr))) {
        used->insert(n.attribute_name());
      } else if (!n.is(NodeKind::kFork)) {
        *other = true;  // somebody else may use any
      }
    }
    if (const NodeAttribute* a = n.FindAttribute("Subgraph"); a != nullptr) {
      FindUsedAttributes(*std::get<std::shared_ptr<Graph>>(a->payload)->block(),
                         type, used, other);
    }
    return false;
  });
}

class FreezePass : public Pass {
 public:
  FreezePass()
      : Pass({"freeze",
              "attributes that no method writes become constants",
              /*needs=*/0,
              /*gives=*/kInlined | kFrozen,
              /*breaks=*/0,
              {"methods NAME;…  methods to keep (all)",
               "attributes NAME;…  attributes that stay",
               "allow_training freezes modules in training mode too"}}) {}

  absl::StatusOr<PassResult> RunOnGraph(Graph*, const PassContext&,
                                        const PassOptions&) const override {
    return PassResult{};
  }
  absl::StatusOr<PassResult> RunOnProgram(
      Program* program, const PassContext& context,
      const PassOptions& options) const override {
    FreezeOptions freeze;
    freeze.methods = options.GetList("methods");
    freeze.attributes = options.GetList("attributes");
    TANDEM_ASSIGN_OR_RETURN(freeze.allow_training,
                            options.GetBool("allow_training", false));
    PassResult result;
    TANDEM_ASSIGN_OR_RETURN(*program,
                            Freeze(*program, freeze, context, &result));
    return result;
  }
};

}  // namespace

absl::StatusOr<Program> Freeze(const Program& program,
                               const FreezeOptions& options,
                               const PassContext& context, PassResult* result) {
  PassResult local;
  if (result == nullptr) result = &local;
  DeriveOptions keep;
  if (!options.methods.empty()) {
    for (const std::string& name : options.methods) {
      if (program.type().FindMethod(name) == nullptr) {
        std::vector<absl::string_view> names;
        for (const Function* f : program.type().methods()) {
          names.push_back(f->name());
        }
        return absl::NotFoundError(absl::StrCat(
            "freeze: '", program.type().name(), "' has no method '", name,
            "'; it has ", absl::StrJoin(names, ", ")));
      }
    }
  }
  for (const std::string& name : options.attributes) {
    if (!program.type().FindAttribute(name).has_value()) {
      return absl::NotFoundError(
          absl::StrCat("freeze: '", program.type().name(),
                       "' has no attribute '", name, "'"));
    }
  }
  // Methods that are called by kept ones are needed until they are inlined.
  TANDEM_ASSIGN_OR_RETURN(Program all, Derive(program));
  for (Function* f : FunctionsOf(all)) {
    if (f->graph() == nullptr) continue;
    TANDEM_RETURN_IF_ERROR(InlineCalls(f->graph(), context.max_nodes));
  }
  keep.consume = true;
  if (!options.methods.empty()) {
    keep.keep_method = [&](absl::string_view name) {
      return absl::c_linear_search(options.methods, name);
    };
  }
  Program frozen = std::move(all);
  if (keep.keep_method) {
    TANDEM_ASSIGN_OR_RETURN(frozen, Derive(frozen, keep));
  }
  TANDEM_RETURN_IF_ERROR(Freezer(&frozen, options, context, result).Run());

  absl::flat_hash_set<std::string> used(options.attributes.begin(),
                                        options.attributes.end());
  bool other = false;
  for (Function* f : FunctionsOf(frozen)) {
    if (f->graph() == nullptr) continue;
    TANDEM_ASSIGN_OR_RETURN(
        const PassResult dead,
        EliminateDeadCode(f->graph(), context, PassOptions()));
    result->Merge(dead);
    FindUsedAttributes(*f->graph()->block(), &frozen.type(), &used, &other);
  }
  if (other) return frozen;
  keep.keep_method = nullptr;
  keep.keep_attribute = [&](absl::string_view name) {
    return used.contains(name);
  };
  return Derive(frozen, keep);
}

std::unique_ptr<Pass> MakeFreezePass() {
  return std::make_unique<FreezePass>();
}

}  // namespace tandem
