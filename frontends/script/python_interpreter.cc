// Statements.
#include "tandem/frontends/script/python_interpreter.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/token.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

absl::Status PythonInterpreter::Step(const SourceRange& range) {
  if (++steps_ > kMaxSteps) {
    return Error(range, "making the module takes too many steps");
  }
  return absl::OkStatus();
}

absl::StatusOr<PythonInterpreter::Flow> PythonInterpreter::Run(
    List<const Stmt*> statements, const Frame& frame, Py* result) {
  for (const Stmt* stmt : statements) {
    TANDEM_ASSIGN_OR_RETURN(const Flow flow,
                            RunStatement(*stmt, frame, result));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

absl::StatusOr<PythonInterpreter::Flow> PythonInterpreter::RunFor(
    const ForStmt& stmt, const Frame& frame, Py* result) {
  const SourceRange range = frame->tree->Range(stmt.span);
  if (stmt.iterables.size() != 1) {
    return Error(range, "List of iterables is not supported currently");
  }
  TANDEM_ASSIGN_OR_RETURN(const Py iterable,
                          Evaluate(*stmt.iterables[0], frame));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items,
                          Iterate(iterable, range));
  for (const Py& item : items) {
    TANDEM_RETURN_IF_ERROR(Step(range));
    if (stmt.targets.size() == 1) {
      TANDEM_RETURN_IF_ERROR(Assign(*stmt.targets[0], item, frame));
    } else {
      TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> parts,
                              Iterate(item, range));
      if (parts.size() != stmt.targets.size()) {
        return Error(range, "ValueError: expected ", stmt.targets.size(),
                     " values to unpack, got ", parts.size());
      }
      for (size_t i = 0; i < parts.size(); ++i) {
        TANDEM_RETURN_IF_ERROR(Assign(*stmt.targets[i], parts[i], frame));
      }
    }
    TANDEM_ASSIGN_OR_RETURN(const Flow flow,
                            Run(stmt.body.statements, frame, result));
    if (flow == Flow::kBreak) break;
    if (flow == Flow::kReturn) return flow;
  }
  return Flow::kNext;
}

absl::Status PythonInterpreter::Raise(const Expr* value, const Frame& frame,
                                      const SourceRange& range) {
  if (value == nullptr) return Error(range, "RuntimeError");
  std::string text;
  std::string name = DottedName(*value).value_or("Exception");
  if (const auto* call = value->As<CallExpr>()) {
    name = DottedName(*call->callee).value_or("Exception");
    TANDEM_ASSIGN_OR_RETURN(PyArguments args, EvaluateArguments(*call, frame));
    if (!args.positional.empty()) {
      std::vector<Py> values = {args.positional[0]};
      TANDEM_ASSIGN_OR_RETURN(const Py shown,
                              Compiled("str(v0)", values, range));
      if (shown->is_string()) text = shown->value.AsString();
    }
  }
  return Error(range, name, text.empty() ? "" : ": ", text);
}

absl::StatusOr<PythonInterpreter::Flow> PythonInterpreter::RunStatement(
    const Stmt& stmt, const Frame& frame, Py* result) {
  const SourceRange range = frame->tree->Range(stmt.span);
  TANDEM_RETURN_IF_ERROR(Step(range));
  switch (stmt.kind) {
    case StmtKind::kPass:
      return Flow::kNext;
    case StmtKind::kBreak:
      return Flow::kBreak;
    case StmtKind::kContinue:
      return Flow::kContinue;
    case StmtKind::kIf: {
      const auto& branch = *stmt.As<IfStmt>();
      TANDEM_ASSIGN_OR_RETURN(const Py condition,
                              Evaluate(*branch.condition, frame));
      TANDEM_ASSIGN_OR_RETURN(const bool taken, Truth(condition, range));
      return Run((taken ? branch.then : branch.otherwise).statements, frame,
                 result);
    }
    case StmtKind::kWhile: {
      const auto& loop = *stmt.As<WhileStmt>();
      while (true) {
        TANDEM_RETURN_IF_ERROR(Step(range));
        TANDEM_ASSIGN_OR_RETURN(const Py condition,
                                Evaluate(*loop.condition, frame));
        TANDEM_ASSIGN_OR_RETURN(const bool goes_on, Truth(condition, range));
        if (!goes_on) return Flow::kNext;
        TANDEM_ASSIGN_OR_RETURN(const Flow flow,
                                Run(loop.body.statements, frame, result));
        if (flow == Flow::kBreak) return Flow::kNext;
        if (flow == Flow::kReturn) return flow;
      }
    }
    case StmtKind::kFor:
      return RunFor(*stmt.As<ForStmt>(), frame, result);
    case StmtKind::kWith: {
      // torch.no_grad() and the like: nothing is recorded here.
      const auto& with = *stmt.As<WithStmt>();
      for (const WithItem& item : with.items) {
        const auto* call = item.target->As<CallExpr>();
        const std::string name =
            call == nullptr ? "" : DottedName(*call->callee).value_or("");
        if (!absl::EndsWith(name, "no_grad") &&
            !absl::EndsWith(name, "enable_grad") &&
            !absl::EndsWith(name, "inference_mode") &&
            !absl::EndsWith(name, "set_grad_enabled")) {
          return Error(frame->tree->Range(item.span),
                       "`with` of this is not supported while a module is "
                       "made");
        }
      }
      return Run(with.body.statements, frame, result);
    }
    case StmtKind::kReturn: {
      TANDEM_ASSIGN_OR_RETURN(*result,
                              Evaluate(*stmt.As<ReturnStmt>()->value, frame));
      return Flow::kReturn;
    }
    case StmtKind::kRaise:
      return Raise(stmt.As<RaiseStmt>()->value, frame, range);
    case StmtKind::kAssert: {
      const auto& check = *stmt.As<AssertStmt>();
      TANDEM_ASSIGN_OR_RETURN(const Py condition,
                              Evaluate(*check.condition, frame));
      TANDEM_ASSIGN_OR_RETURN(const bool holds, Truth(condition, range));
      if (holds) return Flow::kNext;
      std::string text;
      if (check.message != nullptr) {
        TANDEM_ASSIGN_OR_RETURN(const Py message,
                                Evaluate(*check.message, frame));
        if (message->is_string()) {
          text = absl::StrCat(": ", message->value.AsString());
        }
      }
      return Error(range, "AssertionError", text);
    }
    case StmtKind::kDelete: {
      for (const Expr* target : stmt.As<DeleteStmt>()->targets) {
        if (const auto* name = target->As<NameExpr>()) {
          frame->locals.erase(name->name);
          continue;
        }
        const auto* attribute = target->As<AttributeExpr>();
        if (attribute == nullptr) {
          return Error(range, "del of this is not supported here");
        }
        TANDEM_ASSIGN_OR_RETURN(const Py object,
                                Evaluate(*attribute->value, frame));
        const absl::string_view name = attribute->attribute.name;
        if (!object->attributes.Erase(name) &&
            !object->parameters.Erase(name) && !object->buffers.Erase(name) &&
            !object->modules.Erase(name)) {
          return Error(range, "AttributeError: ", name);
        }
      }
      return Flow::kNext;
    }
    case StmtKind::kAssign: {
      const auto& assign = *stmt.As<AssignStmt>();
      if (assign.type != nullptr) {
        const auto* target = assign.targets[0]->As<AttributeExpr>();
        if (target != nullptr) {
          TANDEM_ASSIGN_OR_RETURN(const Py object,
                                  Evaluate(*target->value, frame));
          object->annotations.emplace_back(target->attribute.name, assign.type);
        }
      }
      if (assign.value == nullptr) return Flow::kNext;
      TANDEM_ASSIGN_OR_RETURN(const Py value, Evaluate(*assign.value, frame));
      for (const Expr* target : assign.targets) {
        TANDEM_RETURN_IF_ERROR(Assign(*target, value, frame));
      }
      return Flow::kNext;
    }
    case StmtKind::kAugAssign: {
      const auto& assign = *stmt.As<AugAssignStmt>();
      TANDEM_ASSIGN_OR_RETURN(const Py old, Evaluate(*assign.target, frame));
      TANDEM_ASSIGN_OR_RETURN(const Py value, Evaluate(*assign.value, frame));
      if (old->is(PyObject::Kind::kList) && assign.op == '+') {
        TANDEM_ASSIGN_OR_RETURN(std::vector<Py> items, Iterate(value, range));
        old->items.insert(old->items.end(), items.begin(), items.end());
        return Flow::kNext;
      }
      TANDEM_ASSIGN_OR_RETURN(const Py now,
                              BinaryOn(assign.op, old, value, range));
      TANDEM_RETURN_IF_ERROR(Assign(*assign.target, now, frame));
      return Flow::kNext;
    }
    case StmtKind::kExpression:
      TANDEM_RETURN_IF_ERROR(
          Evaluate(*stmt.As<ExpressionStmt>()->value, frame).status());
      return Flow::kNext;
    case StmtKind::kDef: {
      Py function = std::make_shared<PyObject>(PyObject::Kind::kFunction);
      function->def = stmt.As<DefStmt>();
      function->file = frame->file;
      function->tree = frame->tree;
      function->cls = frame->cls;
      function->closure = frame;
      frame->locals[std::string(function->def->name.name)] = function;
      return Flow::kNext;
    }
    case StmtKind::kImport: {
      for (const ImportedName& name : stmt.As<ImportStmt>()->names) {
        TANDEM_ASSIGN_OR_RETURN(
            frame->locals[std::string(name.name)],
            QualifiedName(std::string(name.qualified_name), range));
      }
      return Flow::kNext;
    }
    case StmtKind::kGlobal:
    case StmtKind::kClass:
      break;
  }
  return Error(range, "this statement is not supported while a module is made");
}

absl::Status PythonInterpreter::Assign(const Expr& target, const Py& value,
                                       const Frame& frame) {
  const SourceRange range = frame->tree->Range(target.span);
  switch (target.kind) {
    case ExprKind::kName:
      frame->locals[std::string(target.As<NameExpr>()->name)] = value;
      return absl::OkStatus();
    case ExprKind::kAttribute: {
      const auto& attribute = *target.As<AttributeExpr>();
      TANDEM_ASSIGN_OR_RETURN(const Py object,
                              Evaluate(*attribute.value, frame));
      return SetAttribute(object, attribute.attribute.name, value, range);
    }
    case ExprKind::kSubscript:
      return SetItem(*target.As<SubscriptExpr>(), value, frame);
    case ExprKind::kTuple:
    case ExprKind::kList: {
      const List<const Expr*> targets = target.kind == ExprKind::kTuple
                                            ? target.As<TupleExpr>()->elements
                                            : target.As<ListExpr>()->elements;
      TANDEM_ASSIGN_OR_RETURN(std::vector<Py> parts, Iterate(value, range));
      size_t at = 0;
      for (size_t i = 0; i < targets.size(); ++i) {
        if (const auto* starred = targets[i]->As<StarredExpr>()) {
          const size_t after = targets.size() - i - 1;
          if (parts.size() < at + after) break;
          const size_t end = parts.size() - after;
          TANDEM_RETURN_IF_ERROR(
              Assign(*starred->value,
                     PyList({parts.begin() + at, parts.begin() + end}), frame));
          at = end;
          continue;
        }
        if (at == parts.size()) {
          return Error(range,
                       "ValueError: not enough values to unpack "
                       "(expected ",
                       targets.size(), ", got ", parts.size(), ")");
        }
        TANDEM_RETURN_IF_ERROR(Assign(*targets[i], parts[at++], frame));
      }
      if (at != parts.size()) {
        return Error(range, "ValueError: too many values to unpack (expected ",
                     targets.size(), ")");
      }
      return absl::OkStatus();
    }
    default:
      return Error(range, "this cannot be assigned to");
  }
}

absl::Status PythonInterpreter::SetAttribute(const Py& object,
                                             absl::string_view name, Py value,
                                             const SourceRange& range) {
  if (!object->is(PyObject::Kind::kInstance)) {
    if (object->is_tensor() && name == "data" && value->is_tensor()) {
      return Compiled("v0.set_(v1)", {object, value}, range).status();
    }
    if (object->is_tensor() && name == "requires_grad") {
      return Compiled("v0.requires_grad_(v1)", {object, value}, range).status();
    }
    return Error(range, "AttributeError: '", PyTypeName(*object),
                 "' object has no attribute '", name, "'");
  }
  if (object->is_module) {
    const auto forget = [&](absl::string_view except) {
      if (except != "parameter") object->parameters.Erase(name);
      if (except != "buffer") object->buffers.Erase(name);
      if (except != "module") object->modules.Erase(name);
      if (except != "") object->attributes.Erase(name);
    };
    if (value->is_tensor() && value->is_parameter) {
      forget("parameter");
      object->parameters.Set(name, std::move(value));
      return absl::OkStatus();
    }
    if (object->parameters.Find(name) != nullptr) {
      if (!value->is_none()) {
        return Error(range, "TypeError: cannot assign '", PyTypeName(*value),
                     "' as parameter '", name,
                     "' (torch.nn.Parameter or None expected)");
      }
      object->parameters.Set(name, std::move(value));
      return absl::OkStatus();
    }
    if (value->is(PyObject::Kind::kInstance) && value->is_module) {
      forget("module");
      object->modules.Set(name, std::move(value));
      return absl::OkStatus();
    }
    if (object->modules.Find(name) != nullptr) {
      if (!value->is_none()) {
        return Error(range, "TypeError: cannot assign '", PyTypeName(*value),
                     "' as child module '", name,
                     "' (torch.nn.Module or None expected)");
      }
      object->modules.Set(name, std::move(value));
      return absl::OkStatus();
    }
    if (object->buffers.Find(name) != nullptr) {
      if (!value->is_none() && !value->is_tensor()) {
        return Error(range, "TypeError: cannot assign '", PyTypeName(*value),
                     "' object to buffer '", name,
                     "' (torch.Tensor or None required)");
      }
      object->buffers.Set(name, std::move(value));
      return absl::OkStatus();
    }
  }
  object->attributes.Set(name, std::move(value));
  return absl::OkStatus();
}

absl::Status PythonInterpreter::SetItem(const SubscriptExpr& target,
                                        const Py& value, const Frame& frame) {
  const SourceRange range = frame->tree->Range(target.span);
  TANDEM_ASSIGN_OR_RETURN(const Py object, Evaluate(*target.value, frame));
  if (object->is_tensor()) {
    std::vector<Py> values = {object};
    TANDEM_ASSIGN_OR_RETURN(const std::string subscript,
                            SubscriptText(target.subscripts, frame, &values));
    const std::string text =
        absl::StrCat("v0", subscript, " = v", values.size());
    values.push_back(value);
    return Compiled(text, values, range, /*statement=*/"").status();
  }
  if (target.subscripts.size() != 1 ||
      target.subscripts[0]->kind == ExprKind::kSlice) {
    return Error(range, "assignment to this is not supported here");
  }
  TANDEM_ASSIGN_OR_RETURN(const Py index,
                          Evaluate(*target.subscripts[0], frame));
  if (object->is(PyObject::Kind::kDict)) {
    PySetItem(*object, index, value);
    return absl::OkStatus();
  }
  if (object->is(PyObject::Kind::kList) && index->is_int()) {
    const int64_t size = static_cast<int64_t>(object->items.size());
    int64_t i = index->value.AsInt();
    if (i < 0) i += size;
    if (i < 0 || i >= size) {
      return Error(range, "IndexError: list assignment index out of range");
    }
    object->items[i] = value;
    return absl::OkStatus();
  }
  if (object->is(PyObject::Kind::kInstance) && object->is_module) {
    std::string name;
    if (index->is_string()) name = index->value.AsString();
    if (index->is_int()) name = absl::StrCat(index->value.AsInt());
    if (!name.empty() && object->module_kind != ModuleKind::kPlain) {
      return SetAttribute(object, name, value, range);
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const Py method,
                          GetAttribute(object, "__setitem__", range));
  return Call(method, {{index, value}, {}}, range).status();
}

}  // namespace tandem::script
