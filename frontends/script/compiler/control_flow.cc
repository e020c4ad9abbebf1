// if, for and while.

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

absl::Status FunctionCompiler::EmitIf(const IfStmt& stmt) {
  TANDEM_ASSIGN_OR_RETURN(Condition condition, EmitCondition(*stmt.condition));
  return EmitIfElse(
      Range(stmt), condition, Range(stmt.then.span),
      [&] { return EmitStatements(stmt.then.statements); },
      Range(stmt.otherwise.span),
      [&] { return EmitStatements(stmt.otherwise.statements); });
}

absl::StatusOr<std::shared_ptr<Environment>> FunctionCompiler::EmitBranch(
    Block* block, const SourceRange& range,
    const std::vector<Refinement>& refinements, const Emit& body) {
  PushFrame(block);
  const WithInsertPoint inside(graph_.get(), block);
  absl::Status status = InsertRefinements(range, refinements);
  if (status.ok()) status = body();
  std::shared_ptr<Environment> frame = PopFrame();
  if (!status.ok()) return status;
  return frame;
}

absl::Status FunctionCompiler::EmitIfElse(const SourceRange& range,
                                          const Condition& condition,
                                          const SourceRange& then_range,
                                          const Emit& then,
                                          const SourceRange& else_range,
                                          const Emit& otherwise) {
  // Where the condition is known only one branch is compiled: so modules guard
  // what does not exist by `is None` and hasattr.
  if (condition.known.has_value()) {
    TANDEM_RETURN_IF_ERROR(InsertRefinements(
        range, *condition.known ? condition.refinements.if_true
                                : condition.refinements.if_false));
    return *condition.known ? then() : otherwise();
  }
  Node* node = Insert(NodeKind::kIf, {condition.value}, range, /*outputs=*/0);
  Block* true_block = node->AddBlock();
  Block* false_block = node->AddBlock();
  TANDEM_ASSIGN_OR_RETURN(
      std::shared_ptr<Environment> when_true,
      EmitBranch(true_block, then_range, condition.refinements.if_true, then));
  TANDEM_ASSIGN_OR_RETURN(
      std::shared_ptr<Environment> when_false,
      EmitBranch(false_block, else_range, condition.refinements.if_false,
                 otherwise));
  return MergeBranches(range, node, when_true, when_false);
}

// Variables set in the branches are variables after them where both have a
// value, or the branch without one exits.
absl::Status FunctionCompiler::MergeBranches(
    const SourceRange& range, Node* node,
    const std::shared_ptr<Environment>& when_true,
    const std::shared_ptr<Environment>& when_false) {
  Block* true_block = node->block(0);
  Block* false_block = node->block(1);
  const bool true_exits = Exits(true_block);
  const bool false_exits = Exits(false_block);
  if (true_exits && false_exits) exit_blocks_.insert(node->owning_block());

  std::set<std::string> mutated;
  const auto collect = [&](Environment& defines, Environment& other,
                           Block* other_block, bool other_exits,
                           absl::string_view branch) {
    for (const std::string& name : defines.DefinedVariables()) {
      const WithInsertPoint inside(graph_.get(), other_block);
      if (other.FindInAnyFrame(name) != nullptr || other_exits) {
        mutated.insert(name);
        continue;
      }
      const absl::Status error =
          Error(range, name, " is not defined in the ", branch, " branch");
      environment_->SetVariableError(name, std::string(error.message()));
    }
  };
  collect(*when_true, *when_false, false_block, false_exits, "false");
  collect(*when_false, *when_true, true_block, true_exits, "true");

  for (const std::string& name : mutated) {
    Value* true_value = nullptr;
    Value* false_value = nullptr;
    if (!true_exits) {
      const WithInsertPoint inside(graph_.get(), true_block);
      TANDEM_ASSIGN_OR_RETURN(true_value, when_true->GetValue(name, range));
    }
    if (!false_exits) {
      const WithInsertPoint inside(graph_.get(), false_block);
      TANDEM_ASSIGN_OR_RETURN(false_value, when_false->GetValue(name, range));
    }
    if (true_exits && false_exits) continue;
    const auto uninitialized = [&](Block* block, const TypePtr& type) {
      const WithInsertPoint inside(graph_.get(), block);
      Value* value = Insert(NodeKind::kUninitialized, {})->output();
      value->set_type(type);
      Node* store = Insert(NodeKind::kStore, {value}, {}, /*outputs=*/0);
      store->SetAttribute("name", name);
      return value;
    };
    if (true_exits) {
      true_value = uninitialized(true_block, false_value->type());
    } else if (false_exits) {
      false_value = uninitialized(false_block, true_value->type());
    }
    // A variable that was a union before may be one again.
    bool to_union = false;
    if (Value* before = AsSimple(environment_->FindInAnyFrame(name))) {
      to_union =
          IsUnion(before->type()) || Is(before->type(), TypeKind::kNumber);
    }
    TypePtr unified = Unify(true_value->type(), false_value->type(), to_union);
    if (unified == nullptr) {
      const absl::Status error =
          Error(range, "Type mismatch: ", name, " is set to type ",
                Repr(true_value->type()), " in the true branch and type ",
                Repr(false_value->type()), " in the false branch");
      if (when_true->FindInParentFrame(name) != nullptr ||
          when_false->FindInParentFrame(name) != nullptr) {
        return error;
      }
      // An error only if the variable is used.
      environment_->SetVariableError(name, std::string(error.message()));
      continue;
    }
    environment_->SetType(name, std::move(unified));
  }
  return absl::OkStatus();
}

// Loop(max_trip_count) with a body block and a block that computes the
// condition; to_ssa.h gives it its final form.
absl::Status FunctionCompiler::EmitLoop(const SourceRange& range,
                                        const Emit& body,
                                        const Sugared& iterable,
                                        List<const Expr*> targets,
                                        const Expr* condition) {
  Value* max_trip_count = nullptr;
  if (iterable != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(max_trip_count, iterable->Length(range, *this));
  } else {
    max_trip_count = IntConstant(std::numeric_limits<int64_t>::max(), range);
  }
  Node* loop = Insert(NodeKind::kLoop, {}, range, /*outputs=*/0);
  Block* body_block = loop->AddBlock();
  Block* condition_block = loop->AddBlock();
  {
    PushFrame(condition_block);
    absl::StatusOr<Value*> out = nullptr;
    if (condition != nullptr) {
      const WithInsertPoint inside(graph_.get(), condition_block);
      out = EmitExpr(*condition);
      if (out.ok()) out = EmitToBool(Range(*condition), *out);
    } else {
      const WithInsertPoint before(graph_.get(), loop);
      out = InsertConstant(true, range);
    }
    PopFrame();
    if (!out.ok()) return out.status();
    condition_block->AddOutput(*out);
  }
  loop->AddInput(max_trip_count);

  const LoopStatus saved = loop_status_;
  loop_status_ = LoopStatus::kLoop;
  Value* trip_count = body_block->AddInput("", Type::Int());
  PushFrame(body_block);
  const WithInsertPoint inside(graph_.get(), body_block);
  const Emit emit = [&]() -> absl::Status {
    if (iterable != nullptr) {
      TANDEM_ASSIGN_OR_RETURN(
          Sugared item, iterable->Item(range, *this, trip_count, nullptr));
      TANDEM_ASSIGN_OR_RETURN(Value * element, item->AsValue(range, *this));
      TANDEM_RETURN_IF_ERROR(ValidateTargets(targets, range).status());
      List<const Expr*> assigned = targets;
      if (targets.size() > 1) {
        auto* tuple =
            scratch_.New<TupleExpr>({static_cast<uint32_t>(range.start()),
                                     static_cast<uint32_t>(range.end())});
        tuple->elements = targets;
        assigned = scratch_.Copy(std::vector<const Expr*>{tuple});
      }
      TANDEM_RETURN_IF_ERROR(
          EmitTargets(assigned, {Simple(element)}, range, /*binders=*/1));
    }
    return body();
  };
  const absl::Status status = emit();
  PopFrame();
  loop_status_ = saved;
  return status;
}

absl::Status FunctionCompiler::EmitUnrolledLoop(
    const SourceRange& range, const SourceRange& targets_range,
    const Emit& body, const Sugared& iterable, List<const Expr*> targets) {
  const LoopStatus saved = loop_status_;
  loop_status_ = LoopStatus::kUnrolled;
  // No frame of its own: a variable may change its type from turn to turn.
  const Emit emit = [&]() -> absl::Status {
    const int64_t length = *iterable->StaticLength();
    for (int64_t i = 0; i < length; ++i) {
      Value* index = IntConstant(i, range);
      TANDEM_ASSIGN_OR_RETURN(Sugared item,
                              iterable->Item(range, *this, index, nullptr));
      TANDEM_RETURN_IF_ERROR(
          EmitTargets(targets, {item}, targets_range, /*binders=*/1));
      TANDEM_RETURN_IF_ERROR(body());
    }
    return absl::OkStatus();
  };
  const absl::Status status = emit();
  loop_status_ = saved;
  return status;
}

absl::Status FunctionCompiler::EmitFor(List<const Expr*> targets,
                                       const Expr& iterable,
                                       const SourceRange& range,
                                       const Emit& body) {
  TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(iterable));
  TANDEM_ASSIGN_OR_RETURN(Sugared iterator, sugared->Iterate(range, *this));
  if (!iterator->StaticLength().has_value()) {
    return EmitLoop(range, body, iterator, targets, nullptr);
  }
  SourceRange targets_range = range;
  if (!targets.empty()) {
    targets_range = Range(*targets[0]).To(Range(*targets.back()));
  }
  if (targets.size() > 1) {
    auto* tuple =
        scratch_.New<TupleExpr>(Merge(targets[0]->span, targets.back()->span));
    tuple->elements = targets;
    targets = scratch_.Copy(std::vector<const Expr*>{tuple});
  }
  return EmitUnrolledLoop(range, targets_range, body, iterator, targets);
}

absl::Status FunctionCompiler::EmitForStmt(const ForStmt& stmt) {
  if (stmt.iterables.size() != 1) {
    return Error(Range(stmt), "List of iterables is not supported currently");
  }
  return EmitFor(stmt.targets, *stmt.iterables[0], Range(stmt),
                 [&] { return EmitStatements(stmt.body.statements); });
}

absl::Status FunctionCompiler::EmitWhile(const WhileStmt& stmt) {
  return EmitLoop(
      Range(stmt), [&] { return EmitStatements(stmt.body.statements); },
      nullptr, {}, stmt.condition);
}

}  // namespace tandem::script
