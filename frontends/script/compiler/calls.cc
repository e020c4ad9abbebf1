// Calls, and the forms that look like calls.

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/schema_matching.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

std::string CalleeName(const CallExpr& call) {
  if (const auto* name = call.callee->As<NameExpr>()) {
    return std::string(name->name);
  }
  if (const auto* attribute = call.callee->As<AttributeExpr>()) {
    return std::string(attribute->attribute.name);
  }
  return "call";
}

}  // namespace

absl::StatusOr<std::vector<NamedValue>> FunctionCompiler::EmitArguments(
    List<const Expr*> inputs, bool unpack) {
  std::vector<NamedValue> arguments;
  for (const Expr* input : inputs) {
    const SourceRange range = Range(*input);
    const auto* starred = input->As<StarredExpr>();
    if (!unpack || starred == nullptr) {
      TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(*input));
      arguments.emplace_back(range, value);
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(Sugared tuple, EmitSugared(*starred->value));
    TANDEM_ASSIGN_OR_RETURN(std::vector<Sugared> parts,
                            tuple->AsTuple(range, *this));
    for (const Sugared& part : parts) {
      TANDEM_ASSIGN_OR_RETURN(Value * value, part->AsValue(range, *this));
      arguments.emplace_back(range, value);
    }
  }
  return arguments;
}

absl::StatusOr<std::vector<Value*>> FunctionCompiler::EmitValues(
    List<const Expr*> inputs, bool unpack) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<NamedValue> arguments,
                          EmitArguments(inputs, unpack));
  std::vector<Value*> values;
  for (const NamedValue& argument : arguments) values.push_back(argument.value);
  return values;
}

absl::StatusOr<std::vector<NamedValue>> FunctionCompiler::EmitKeywords(
    List<Keyword> keywords) {
  std::vector<NamedValue> arguments;
  for (const Keyword& keyword : keywords) {
    TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(*keyword.value));
    arguments.emplace_back(Range(keyword.span), keyword.name.name, value);
  }
  return arguments;
}

absl::Status FunctionCompiler::CheckInputs(const CallExpr& call,
                                           size_t expected) {
  if (call.inputs.size() != expected) {
    return Error(Range(call), CalleeName(call), " expected exactly ", expected,
                 " arguments but found ", call.inputs.size());
  }
  if (!call.keywords.empty()) {
    return Error(Range(call), CalleeName(call), " takes no keyword arguments");
  }
  return absl::OkStatus();
}

absl::Status FunctionCompiler::CheckInputs(const CallExpr& call, size_t min,
                                           size_t max) {
  if (call.inputs.size() < min || call.inputs.size() > max) {
    return Error(Range(call), CalleeName(call),
                 " expected to have number of arguments between ", min, " and ",
                 max, " but found ", call.inputs.size());
  }
  if (!call.keywords.empty()) {
    return Error(Range(call), CalleeName(call), " takes no keyword arguments");
  }
  return absl::OkStatus();
}

absl::StatusOr<Sugared> FunctionCompiler::EmitCall(const CallExpr& call,
                                                   const TypePtr& hint) {
  TANDEM_ASSIGN_OR_RETURN(Sugared callee, EmitSugared(*call.callee));
  if (callee->tag() == SugaredValue::Tag::kSpecialForm) {
    return EmitSpecialForm(
        static_cast<const SpecialForm*>(callee.get())->form(), call, hint);
  }
  TANDEM_ASSIGN_OR_RETURN(std::vector<NamedValue> args,
                          EmitArguments(call.inputs, /*unpack=*/true));
  TANDEM_ASSIGN_OR_RETURN(std::vector<NamedValue> kwargs,
                          EmitKeywords(call.keywords));
  const SourceRange range = Range(*call.callee);
  session().SetPending(context_.version.has_value() ? range : Range(call));
  return callee->Call(range, *this, args, kwargs);
}

absl::StatusOr<Sugared> FunctionCompiler::EmitAnnotate(const CallExpr& call) {
  TANDEM_RETURN_IF_ERROR(CheckInputs(call, 2));
  const SourceRange range = Range(call);
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, type_parser_.Parse(*call.inputs[0]));
  TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(*call.inputs[1], type));
  TANDEM_ASSIGN_OR_RETURN(value, TryConvert(*this, range, type, value,
                                            /*allow_conversions=*/true));
  std::string why;
  if (!IsSubtype(value->type(), type, &why)) {
    return Error(Range(call.inputs_span), "expected an expression of type ",
                 Repr(type), " but found ", Repr(value->type()), "\n", why);
  }
  // A None that is annotated keeps its wider type.
  if (IsUnion(type) && type->MayBeNone() && IsNone(value->type())) {
    value = InsertConstant(IValue(), {}, type);
  }
  return Simple(value);
}

absl::StatusOr<Sugared> FunctionCompiler::EmitGetAttr(const CallExpr& call) {
  TANDEM_RETURN_IF_ERROR(CheckInputs(call, 2, 3));
  const SourceRange range = Range(call);
  TANDEM_ASSIGN_OR_RETURN(Sugared object, EmitSugared(*call.inputs[0]));
  const auto* name = call.inputs[1]->As<StringExpr>();
  if (name == nullptr) {
    return Error(range, "getattr's second argument must be a string literal");
  }
  if (call.inputs.size() == 3) {
    TANDEM_ASSIGN_OR_RETURN(const bool has,
                            object->HasAttribute(range, *this, name->value));
    if (!has) return EmitSugared(*call.inputs[2]);
  }
  return object->Attribute(range, *this, name->value);
}

absl::StatusOr<Sugared> FunctionCompiler::EmitToList(const CallExpr& call,
                                                     const TypePtr& hint) {
  const auto* attribute = call.callee->As<AttributeExpr>();
  if (attribute == nullptr) return Error(Range(call), "tolist needs a tensor");
  TANDEM_ASSIGN_OR_RETURN(Sugared operand, EmitSugared(*attribute->value));
  if (hint == nullptr) {
    return Error(Range(call), "Expected type hint for result of tolist()");
  }
  TANDEM_ASSIGN_OR_RETURN(Value * tensor,
                          operand->AsValue(Range(*attribute->value), *this));
  int64_t dim = 0;
  TypePtr element = hint;
  for (; Is(element, TypeKind::kList); element = element->element()) ++dim;
  int64_t code = 0;
  switch (element->kind()) {
    case TypeKind::kInt:
      code = 0;
      break;
    case TypeKind::kFloat:
      code = 1;
      break;
    case TypeKind::kBool:
      code = 2;
      break;
    case TypeKind::kComplex:
      code = 3;
      break;
    default:
      return Error(Range(call), Repr(element),
                   " is not one of the supported element types for tolist: "
                   "int, float, complex, bool");
  }
  Value* dim_value = InsertConstant(dim);
  Value* code_value = InsertConstant(code);
  Node* node = Insert(NodeKind::kToList, {tensor, dim_value, code_value});
  node->output()->set_type(hint);
  return Simple(node->output());
}

absl::StatusOr<Sugared> FunctionCompiler::EmitEnumerate(const CallExpr& call) {
  const SourceRange range = Range(call);
  const size_t count = call.inputs.size() + call.keywords.size();
  if (call.inputs.empty()) {
    return Error(range, "enumerate expected at least 1 arguments, got 0");
  }
  Value* start = nullptr;
  if (call.inputs.size() == 2) {
    TANDEM_ASSIGN_OR_RETURN(start, EmitExpr(*call.inputs[1]));
  }
  if (count > 2) {
    return Error(range, "enumerate expected at most 2 arguments, got ", count);
  }
  if (call.keywords.size() == 1) {
    if (call.keywords[0].name.name != "start") {
      return Error(range, "enumerate expected kwarg name 'start', got '",
                   call.keywords[0].name.name, "'");
    }
    TANDEM_ASSIGN_OR_RETURN(start, EmitExpr(*call.keywords[0].value));
  }
  std::vector<Value*> range_inputs;
  if (start != nullptr) range_inputs.push_back(start);
  range_inputs.push_back(
      IntConstant(std::numeric_limits<int64_t>::max(), range));
  TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(*call.inputs[0]));
  TANDEM_ASSIGN_OR_RETURN(Sugared iterable, sugared->Iterate(range, *this));
  TANDEM_ASSIGN_OR_RETURN(
      Sugared numbers,
      RangeValue::Create(range, *this, range_inputs, iterable->StaticLength()));
  auto tree = std::make_shared<IterableTree>();
  TANDEM_RETURN_IF_ERROR(tree->Add(range, *this, numbers));
  TANDEM_RETURN_IF_ERROR(tree->Add(range, *this, iterable));
  return Sugared(std::move(tree));
}

// fork(f, …): a closure around the call, or the nested def that was given.
absl::StatusOr<Sugared> FunctionCompiler::EmitFork(const CallExpr& call,
                                                   bool awaitable) {
  const SourceRange range = Range(call);
  if (call.inputs.empty()) {
    return Error(range, "Expected at least one argument to ",
                 awaitable ? "awaitable()" : "fork()");
  }
  TANDEM_ASSIGN_OR_RETURN(Sugared forked, EmitSugared(*call.inputs[0]));
  TANDEM_ASSIGN_OR_RETURN(
      std::vector<NamedValue> args,
      EmitArguments(call.inputs.subspan(1), /*unpack=*/true));
  TANDEM_ASSIGN_OR_RETURN(std::vector<NamedValue> kwargs,
                          EmitKeywords(call.keywords));
  Node* node =
      Insert(awaitable ? NodeKind::kAwaitableClosure : NodeKind::kForkClosure,
             {}, range);
  const WithInsertPoint before(graph_.get(), node);
  TypePtr type;
  if (forked->tag() == SugaredValue::Tag::kClosure) {
    TANDEM_ASSIGN_OR_RETURN(Value * closure, forked->AsValue(range, *this));
    type = closure->node()->block()->output()->type();
    node->AddInput(closure);
  } else {
    TANDEM_ASSIGN_OR_RETURN(
        Sugared closure, EmitClosure([&](Block* block) -> absl::Status {
          TANDEM_ASSIGN_OR_RETURN(Sugared called,
                                  forked->Call(range, *this, args, kwargs));
          TANDEM_ASSIGN_OR_RETURN(Value * value, called->AsValue(range, *this));
          block->AddOutput(value);
          type = value->type();
          return absl::OkStatus();
        }));
    TANDEM_ASSIGN_OR_RETURN(Value * value, closure->AsValue(range, *this));
    node->AddInput(value);
  }
  node->output()->set_type(awaitable ? Type::Await(type) : Type::Future(type));
  return Simple(node->output());
}

absl::StatusOr<Sugared> FunctionCompiler::EmitSpecialForm(Form form,
                                                          const CallExpr& call,
                                                          const TypePtr& hint) {
  const SourceRange range = Range(call);
  switch (form) {
    case Form::kFork:
    case Form::kAwaitable:
      return EmitFork(call, form == Form::kAwaitable);
    case Form::kAnnotate:
      return EmitAnnotate(call);
    case Form::kUncheckedCast: {
      TANDEM_RETURN_IF_ERROR(CheckInputs(call, 2));
      TANDEM_ASSIGN_OR_RETURN(TypePtr type,
                              type_parser_.Parse(*call.inputs[0]));
      TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(*call.inputs[1]));
      // Saved code has the casts that refinement makes: not twice.
      if (!value->node()->is(NodeKind::kUncheckedCast) ||
          !Same(value->type(), type)) {
        value = InsertCast(value, type);
      }
      return Simple(value);
    }
    case Form::kUninitialized: {
      TANDEM_RETURN_IF_ERROR(CheckInputs(call, 1));
      TANDEM_ASSIGN_OR_RETURN(TypePtr type,
                              type_parser_.Parse(*call.inputs[0]));
      Node* node = Insert(NodeKind::kUninitialized, {}, range);
      node->output()->set_type(type);
      return Simple(node->output());
    }
    case Form::kGetAttr:
      return EmitGetAttr(call);
    case Form::kHasAttr:
    case Form::kIsInstance: {
      TANDEM_RETURN_IF_ERROR(CheckInputs(call, 2));
      TANDEM_ASSIGN_OR_RETURN(
          Condition condition,
          form == Form::kHasAttr
              ? EmitHasAttr(*call.inputs[0], *call.inputs[1])
              : EmitIsInstance(*call.inputs[0], *call.inputs[1]));
      return Simple(condition.value);
    }
    case Form::kTuple: {
      TANDEM_RETURN_IF_ERROR(CheckInputs(call, 1));
      TANDEM_ASSIGN_OR_RETURN(Sugared argument, EmitSugared(*call.inputs[0]));
      TANDEM_ASSIGN_OR_RETURN(std::vector<Sugared> parts,
                              argument->AsTuple(range, *this));
      std::vector<Value*> values;
      for (const Sugared& part : parts) {
        TANDEM_ASSIGN_OR_RETURN(Value * value, part->AsValue(range, *this));
        values.push_back(value);
      }
      return Simple(InsertTuple(values));
    }
    case Form::kList:
      return EmitListCall(call, hint);
    case Form::kDict:
      return EmitDictCall(call, hint);
    case Form::kRange: {
      TANDEM_ASSIGN_OR_RETURN(std::vector<Value*> inputs,
                              EmitValues(call.inputs, /*unpack=*/true));
      return RangeValue::Create(range, *this, inputs);
    }
    case Form::kEnumerate:
      return EmitEnumerate(call);
    case Form::kZip: {
      if (call.inputs.empty()) {
        return Error(range, "zip expected at least 1 arguments, got 0");
      }
      auto tree = std::make_shared<IterableTree>();
      for (const Expr* input : call.inputs) {
        TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(*input));
        TANDEM_ASSIGN_OR_RETURN(Sugared iterable,
                                sugared->Iterate(range, *this));
        TANDEM_RETURN_IF_ERROR(tree->Add(range, *this, iterable));
      }
      return Sugared(std::move(tree));
    }
    case Form::kReversed: {
      TANDEM_RETURN_IF_ERROR(CheckInputs(call, 1));
      TANDEM_ASSIGN_OR_RETURN(Sugared iterable, EmitSugared(*call.inputs[0]));
      return EmitReversed(range, *this, iterable);
    }
    case Form::kToList:
      return EmitToList(call, hint);
    case Form::kIndex: {
      const auto* attribute = call.callee->As<AttributeExpr>();
      if (attribute == nullptr || call.inputs.size() != 1) {
        return Error(range, "__getitem__ expected exactly 1 arguments, got ",
                     call.inputs.size());
      }
      TANDEM_ASSIGN_OR_RETURN(Value * self, EmitExpr(*attribute->value));
      TANDEM_ASSIGN_OR_RETURN(Value * input, EmitExpr(*call.inputs[0]));
      std::vector<Value*> indices = {input};
      if (Is(input->type(), TypeKind::kTuple)) indices = UnpackTuple(input);
      TANDEM_ASSIGN_OR_RETURN(Value * value, EmitIndex(range, self, indices));
      return Simple(value);
    }
    case Form::kCreateObject: {
      if (call.inputs.size() != 1) {
        return Error(range, "Only one argument to __new__ allowed");
      }
      TANDEM_ASSIGN_OR_RETURN(Sugared argument, EmitSugared(*call.inputs[0]));
      if (argument->tag() != SugaredValue::Tag::kClass) {
        return Error(range, "Expected class value as argument to __new__, got ",
                     argument->kind(), " instead");
      }
      const ClassType* type =
          static_cast<const ClassValue*>(argument.get())->type();
      Node* node = Insert(NodeKind::kCreateObject, {}, range);
      node->output()->set_type(type->shared());
      return Simple(node->output());
    }
  }
  return Error(range, "unknown special form");
}

}  // namespace tandem::script
