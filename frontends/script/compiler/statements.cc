// Statements but control flow and assignments.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/class_compiler.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/schema_matching.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

absl::Status FunctionCompiler::EmitStatements(List<const Stmt*> statements) {
  for (const Stmt* stmt : statements) {
    session().SetPending(Range(*stmt));
    TANDEM_RETURN_IF_ERROR(EmitStatement(*stmt));
    // What follows an exit is not reached, and not compiled.
    if (Exits(environment_->block())) break;
  }
  return absl::OkStatus();
}

absl::Status FunctionCompiler::EmitStatement(const Stmt& stmt) {
  const Session::Level level(context_.session);
  if (!level.ok()) return Error(Range(stmt), "nested too deeply");
  switch (stmt.kind) {
    case StmtKind::kIf:
      return EmitIf(*stmt.As<IfStmt>());
    case StmtKind::kWhile:
      return EmitWhile(*stmt.As<WhileStmt>());
    case StmtKind::kFor:
      return EmitForStmt(*stmt.As<ForStmt>());
    case StmtKind::kWith:
      return EmitWith(*stmt.As<WithStmt>());
    case StmtKind::kReturn:
      return EmitReturn(Range(stmt), *stmt.As<ReturnStmt>()->value);
    case StmtKind::kRaise: {
      const auto* raise = stmt.As<RaiseStmt>();
      if (raise->value == nullptr) {
        return Error(Range(stmt), "raise needs an exception");
      }
      return EmitRaise(Range(stmt), *raise->value);
    }
    case StmtKind::kAssert:
      return EmitAssert(*stmt.As<AssertStmt>());
    case StmtKind::kPass:
      return absl::OkStatus();
    case StmtKind::kBreak:
    case StmtKind::kContinue:
      return EmitBreakOrContinue(stmt);
    case StmtKind::kDelete:
      return EmitDelete(*stmt.As<DeleteStmt>());
    case StmtKind::kAssign:
      return EmitAssign(*stmt.As<AssignStmt>());
    case StmtKind::kAugAssign:
      return EmitAugAssign(*stmt.As<AugAssignStmt>());
    case StmtKind::kExpression:
      return EmitSugared(*stmt.As<ExpressionStmt>()->value).status();
    case StmtKind::kDef:
      // Saved code has closures to fork; source has functions of its own.
      return context_.version.has_value() ? EmitClosureDef(*stmt.As<DefStmt>())
                                          : EmitNestedDef(*stmt.As<DefStmt>());
    case StmtKind::kGlobal:
      return Error(Range(stmt), "Unrecognized statement kind global");
    case StmtKind::kImport:
      return Error(Range(stmt), "import statements aren't supported");
    case StmtKind::kClass:
      return Error(Range(stmt), "Unrecognized statement kind class");
  }
  return absl::OkStatus();
}

absl::Status FunctionCompiler::EmitReturn(const SourceRange& range,
                                          const Expr& value) {
  TypePtr declared = defs_.back().declared_return;
  TANDEM_ASSIGN_OR_RETURN(Value * actual, EmitExpr(value, declared));
  if (declared != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(actual, TryConvert(*this, range, declared, actual,
                                               /*allow_conversions=*/true));
    if (!IsSubtype(actual->type(), declared)) {
      return Error(range, "Return value was annotated as having type ",
                   Repr(declared), " but is actually of type ",
                   Repr(actual->type()));
    }
  } else {
    declared = defs_.back().merged_return;
    if (declared == nullptr) declared = actual->type();
    TypePtr merged = Unify(declared, actual->type());
    if (merged == nullptr) {
      return Error(range, "Previous return statement returned a value of type ",
                   Repr(declared),
                   " but this return statement returns a value of type ",
                   Repr(actual->type()));
    }
    declared = std::move(merged);
  }
  defs_.back().merged_return = declared;
  // Any is not what types unify to, so the value becomes one here.
  if (Is(declared, TypeKind::kAny) && !Is(actual->type(), TypeKind::kAny)) {
    actual = InsertCast(actual, declared);
  }
  Insert(NodeKind::kReturnStmt, {actual}, {}, /*outputs=*/0);
  exit_blocks_.insert(environment_->block());
  return absl::OkStatus();
}

absl::Status FunctionCompiler::EmitRaise(const SourceRange& range,
                                         const Expr& value) {
  TANDEM_ASSIGN_OR_RETURN(Sugared raised, EmitSugared(value));
  Value* message = nullptr;
  Value* class_name = nullptr;
  if (raised->tag() == SugaredValue::Tag::kExceptionMessage) {
    const auto* exception = static_cast<const ExceptionMessage*>(raised.get());
    message = exception->message();
    class_name = exception->class_name();
  } else if (raised->tag() == SugaredValue::Tag::kException) {
    message = InsertConstant("", range);
  } else {
    return Error(range, "exceptions must derive from BaseException");
  }
  if (!Is(message->type(), TypeKind::kStr)) {
    TANDEM_ASSIGN_OR_RETURN(
        message, EmitBuiltin({}, "aten::str", {NamedValue(message)}));
  }
  const IValue none;
  const NamedValue class_argument =
      class_name == nullptr ? NamedValue(&none) : NamedValue(class_name);
  TANDEM_RETURN_IF_ERROR(EmitBuiltin(range, "prim::RaiseException",
                                     {NamedValue(message), class_argument})
                             .status());
  exit_blocks_.insert(environment_->block());
  return absl::OkStatus();
}

// `assert c, m` is `if c: pass` `else: raise AssertionError(m)`.
absl::Status FunctionCompiler::EmitAssert(const AssertStmt& stmt) {
  const SourceRange range = Range(stmt);
  TANDEM_ASSIGN_OR_RETURN(Condition condition, EmitCondition(*stmt.condition));
  const Expr* message = stmt.message;
  if (message == nullptr) message = scratch_.New<StringExpr>(stmt.span);
  auto* call = scratch_.New<CallExpr>(stmt.span);
  call->callee = MakeName(stmt.span, "AssertionError");
  call->inputs = scratch_.Copy(std::vector<const Expr*>{message});
  call->inputs_span = stmt.span;
  const Emit raise = [&] {
    session().SetPending(range);
    return EmitRaise(range, *call);
  };
  return EmitIfElse(
      range, condition, range, [] { return absl::OkStatus(); }, range, raise);
}

absl::Status FunctionCompiler::EmitDelete(const DeleteStmt& stmt) {
  for (const Expr* target : stmt.targets) {
    const SourceRange range = Range(*target);
    if (const auto* name = target->As<NameExpr>()) {
      TANDEM_RETURN_IF_ERROR(environment_->Remove(name->name, range));
      continue;
    }
    const auto* subscript = target->As<SubscriptExpr>();
    if (subscript == nullptr) {
      return Error(range,
                   "del statements are only supported for deleting list and "
                   "dict items and variables");
    }
    if (subscript->subscripts.size() == 1 && !context_.version.has_value()) {
      if (const auto* slice = subscript->subscripts[0]->As<SliceExpr>()) {
        TANDEM_ASSIGN_OR_RETURN(Value * list, EmitExpr(*subscript->value));
        if (Is(list->type(), TypeKind::kList)) {
          TANDEM_RETURN_IF_ERROR(
              EmitListSliceAssign(range, list, *slice, nullptr));
          continue;
        }
      }
    }
    if (subscript->subscripts.empty() ||
        subscript->subscripts[0]->kind == ExprKind::kSlice) {
      return Error(range,
                   "del statements only support deletion at a single index, "
                   "slicing is not supported (see "
                   "https://github.com/pytorch/pytorch/issues/31430)");
    }
    TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(*subscript->value));
    TANDEM_ASSIGN_OR_RETURN(Value * index, EmitExpr(*subscript->subscripts[0]));
    TANDEM_ASSIGN_OR_RETURN(Value * value,
                            sugared->AsValue(Range(*subscript->value), *this));
    if (const ClassType* type = AsClass(value->type())) {
      if (type->FindMethod("__delitem__") == nullptr) {
        return Error(range, "Class does not define __delitem__");
      }
      TANDEM_RETURN_IF_ERROR(
          MethodValue(value, "__delitem__")
              .Call(Range(stmt), *this, {NamedValue(index)}, {})
              .status());
      continue;
    }
    TANDEM_RETURN_IF_ERROR(
        EmitBuiltin(range, "aten::Delete", {value, index}).status());
  }
  return absl::OkStatus();
}

absl::Status FunctionCompiler::EmitWith(const WithStmt& stmt) {
  std::vector<Value*> entered;
  for (const WithItem& item : stmt.items) {
    const SourceRange range = Range(*item.target);
    TANDEM_ASSIGN_OR_RETURN(Value * object, EmitExpr(*item.target));
    Node* enter = Insert(NodeKind::kEnter, {object});
    entered.push_back(object);
    const ClassType* type = AsClass(object->type());
    if (type == nullptr) {
      return Error(range, "With item expression must return an object");
    }
    Function* enter_method = type->FindMethod("__enter__");
    Function* exit_method = type->FindMethod("__exit__");
    if (enter_method == nullptr || exit_method == nullptr) {
      return Error(range,
                   "Object returned by with item expression does not define "
                   "__enter__ and __exit__ methods");
    }
    TANDEM_RETURN_IF_ERROR(enter_method->EnsureDefined());
    TANDEM_RETURN_IF_ERROR(exit_method->EnsureDefined());
    if (enter_method->schema().arguments.size() != 1) {
      return Error(
          range, "__enter__ must have only one argument and one return value");
    }
    const FunctionSchema& exit_schema = exit_method->schema();
    if (exit_schema.arguments.size() != 4) {
      return Error(range, "__exit__ must have four arguments");
    }
    for (size_t i = 1; i < 4; ++i) {
      if (!Is(exit_schema.arguments[i].type, TypeKind::kAny)) {
        return Error(range, "argument ", i,
                     " of __exit__ must have Any type; TorchScript does not "
                     "currently support passing exception type, value, or "
                     "traceback to the __exit__ function.");
      }
    }
    enter->output()->set_type(enter_method->schema().returns.at(0).type);
    if (item.variable != nullptr) {
      TANDEM_RETURN_IF_ERROR(environment_->SetVariable(
          Range(*item.variable), item.variable->name, enter->output()));
    }
  }
  TANDEM_RETURN_IF_ERROR(EmitStatements(stmt.body.statements));
  for (; !entered.empty(); entered.pop_back()) {
    Insert(NodeKind::kExit, {entered.back()});
  }
  return absl::OkStatus();
}

absl::Status FunctionCompiler::EmitBreakOrContinue(const Stmt& stmt) {
  const bool is_break = stmt.kind == StmtKind::kBreak;
  const SourceRange range = Range(stmt);
  if (loop_status_ == LoopStatus::kNone) {
    return Error(range, "SyntaxError: '", is_break ? "break" : "continue",
                 "' outside loop");
  }
  if (loop_status_ == LoopStatus::kUnrolled) {
    return Error(range,
                 "Because we emit iteration over modulelists or tuples as "
                 "unrolled loops, we do not support break or continue inside "
                 "the body of these loops");
  }
  Insert(is_break ? NodeKind::kBreakStmt : NodeKind::kContinueStmt, {}, range,
         /*outputs=*/0);
  return absl::OkStatus();
}

absl::StatusOr<Sugared> FunctionCompiler::EmitClosure(
    const std::function<absl::Status(Block*)>& body) {
  Node* closure = Insert(NodeKind::kClosure, {});
  closure->output()->set_type(Type::None());
  Block* block = closure->AddBlock();
  const LoopStatus saved = loop_status_;
  loop_status_ = LoopStatus::kNone;
  {
    const WithInsertPoint inside(graph_.get(), block);
    PushFrame(block, /*starts_def=*/true);
    const absl::Status status = body(block);
    PopFrame(/*ends_def=*/true);
    loop_status_ = saved;
    TANDEM_RETURN_IF_ERROR(status);
  }
  return Sugared(std::make_shared<ClosureValue>(closure->output()));
}

// A function that captures nothing is a function like others.
absl::Status FunctionCompiler::EmitNestedDef(const DefStmt& def) {
  CompilationUnit& unit = *context_.unit;
  std::string name =
      absl::StrCat(function_->qualified_name(), ".", def.name.name);
  for (int i = 1; unit.FindFunction(name) != nullptr; ++i) {
    name =
        absl::StrCat(function_->qualified_name(), ".", def.name.name, "_", i);
  }
  Function* function = unit.AddFunction(std::move(name));
  DefineFunction(context_, tree_, function, def, nullptr);
  // Now: the definition may use names that change later.
  TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  return environment_->SetSugared(Range(def.name.span), def.name.name,
                                  std::make_shared<FunctionValue>(function),
                                  /*annotated_type=*/nullptr);
}

absl::Status FunctionCompiler::EmitClosureDef(const DefStmt& def) {
  TANDEM_ASSIGN_OR_RETURN(Sugared closure, EmitClosure([&](Block* block) {
                            return EmitDef(def, nullptr, block).status();
                          }));
  return environment_->SetSugared(Range(def.name.span), def.name.name,
                                  std::move(closure),
                                  /*annotated_type=*/nullptr);
}

}  // namespace tandem::script
