#include "tandem/frontends/script/compiler/sugared_value.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/custom_classes.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/schema_matching.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

// ------------------------------------------------------------------- the base

absl::StatusOr<Value*> SugaredValue::AsValue(const SourceRange& range,
                                             FunctionCompiler& f) {
  return f.Error(range, kind(), " cannot be used as a value");
}
absl::StatusOr<Sugared> SugaredValue::Attribute(const SourceRange& range,
                                                FunctionCompiler& f,
                                                absl::string_view) {
  return f.Error(range, "attribute lookup is not defined on ", kind());
}
absl::StatusOr<bool> SugaredValue::HasAttribute(const SourceRange& range,
                                                FunctionCompiler& f,
                                                absl::string_view) {
  return f.Error(range, "attribute lookup is not defined on ", kind());
}
absl::Status SugaredValue::SetAttribute(const SourceRange& range,
                                        FunctionCompiler& f, absl::string_view,
                                        Value*) {
  return f.Error(range, "attribute assignment is not defined on ", kind());
}
absl::StatusOr<std::vector<Sugared>> SugaredValue::AsTuple(
    const SourceRange& range, FunctionCompiler& f, std::optional<size_t>) {
  return f.Error(range, kind(), " cannot be used as a tuple");
}
absl::StatusOr<Sugared> SugaredValue::Call(const SourceRange& range,
                                           FunctionCompiler& f, Arguments,
                                           Arguments) {
  return f.Error(range, "cannot call a ", kind());
}
absl::StatusOr<Sugared> SugaredValue::Iterate(const SourceRange& range,
                                              FunctionCompiler& f) {
  return f.Error(range, kind(), " cannot be used as an iterable");
}
absl::StatusOr<Value*> SugaredValue::Length(const SourceRange& range,
                                            FunctionCompiler& f) {
  return f.Error(range, "'", kind(), "' object is not iterable");
}
absl::StatusOr<Sugared> SugaredValue::Item(const SourceRange& range,
                                           FunctionCompiler& f, Value*,
                                           const TypePtr&) {
  return f.Error(range, "'", kind(), "' object is not subscriptable");
}

Value* AsSimple(const Sugared& sugared) {
  if (sugared == nullptr || sugared->tag() != SugaredValue::Tag::kSimple) {
    return nullptr;
  }
  return static_cast<const SimpleValue*>(sugared.get())->value();
}

Sugared Simple(Value* value) { return std::make_shared<SimpleValue>(value); }

// ------------------------------------------------------- tuples and iterables

absl::StatusOr<Value*> TupleValue::AsValue(const SourceRange& range,
                                           FunctionCompiler& f) {
  std::vector<Value*> values;
  for (const Sugared& part : parts_) {
    TANDEM_ASSIGN_OR_RETURN(Value * value, part->AsValue(range, f));
    values.push_back(value);
  }
  return f.InsertTuple(values);
}

absl::StatusOr<Sugared> TupleValue::Item(const SourceRange& range,
                                         FunctionCompiler& f, Value* index,
                                         const TypePtr&) {
  const std::optional<IValue> constant = ConstantOf(index);
  if (!Is(index->type(), TypeKind::kInt) || !constant.has_value()) {
    return f.Error(range,
                   "Expected integer literal for index but got a variable or "
                   "non-integer. ModuleList/Sequential indexing is only "
                   "supported with integer literals. For example, 'i = 4; "
                   "self.layers[i](x)' will fail because i is not a literal. "
                   "Enumeration is supported, e.g. 'for index, v in "
                   "enumerate(self): out = v(inp)'");
  }
  const int64_t size = static_cast<int64_t>(parts_.size());
  int64_t i = constant->AsInt();
  if (i < 0) i += size;
  if (i < 0 || i >= size) {
    return f.Error(range, "Index ", constant->AsInt(),
                   " out of range of length ", size);
  }
  return parts_[i];
}

absl::StatusOr<Sugared> RangeValue::Create(
    const SourceRange& range, FunctionCompiler& f,
    const std::vector<Value*>& inputs, std::optional<int64_t> static_length) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!Is(inputs[i]->type(), TypeKind::kInt)) {
      return f.Error(range, "all inputs of range must be ints, found ",
                     Repr(inputs[i]->type()), " in argument ", i);
    }
  }
  auto value = std::make_shared<RangeValue>();
  if (inputs.empty()) {
    return f.Error(range, "range expected at least 1 arguments, got 0");
  }
  if (inputs.size() > 3) {
    return f.Error(range, "range expected at most 3 arguments, got ",
                   inputs.size());
  }
  if (inputs.size() == 1) {
    value->end_ = inputs[0];
    value->start_ = f.InsertConstant(int64_t{0}, range);
    value->step_ = f.InsertConstant(int64_t{1}, range);
    value->only_end_ = true;
  } else {
    value->start_ = inputs[0];
    value->end_ = inputs[1];
    value->step_ =
        inputs.size() == 3 ? inputs[2] : f.InsertConstant(int64_t{1}, range);
  }
  value->static_length_ = static_length;
  return Sugared(std::move(value));
}

absl::StatusOr<Value*> RangeValue::Length(const SourceRange& range,
                                          FunctionCompiler& f) {
  if (static_length_.has_value()) {
    return f.InsertConstant(*static_length_, range);
  }
  if (only_end_) return end_;
  return f.EmitBuiltin(range, "aten::__range_length", {start_, end_, step_});
}

absl::StatusOr<Sugared> RangeValue::Item(const SourceRange& range,
                                         FunctionCompiler& f, Value* index,
                                         const TypePtr&) {
  if (only_end_) return Simple(index);
  TANDEM_ASSIGN_OR_RETURN(
      Value * item,
      f.EmitBuiltin(range, "aten::__derive_index", {index, start_, step_}));
  return Simple(item);
}

absl::Status IterableTree::Add(const SourceRange& range, FunctionCompiler& f,
                               const Sugared& iterable) {
  const std::optional<int64_t> length = iterable->StaticLength();
  if (children_.empty()) {
    static_length_ = length;
  } else {
    if (static_length_.has_value() != length.has_value()) {
      return f.Error(range,
                     "Can not iterate over a module list or tuple with a value "
                     "that does not have a statically determinable length\n");
    }
    if (length.has_value()) static_length_ = std::min(*length, *static_length_);
  }
  children_.push_back(iterable);
  return absl::OkStatus();
}

void IterableTree::CollectLeaves(std::vector<Sugared>* leaves) const {
  for (const Sugared& child : children_) {
    if (child->tag() == Tag::kIterableTree) {
      static_cast<const IterableTree*>(child.get())->CollectLeaves(leaves);
    } else {
      leaves->push_back(child);
    }
  }
}

absl::StatusOr<Value*> IterableTree::Length(const SourceRange& range,
                                            FunctionCompiler& f) {
  std::vector<Sugared> leaves;
  CollectLeaves(&leaves);
  std::vector<Value*> lengths;
  for (const Sugared& leaf : leaves) {
    TANDEM_ASSIGN_OR_RETURN(Value * length, leaf->Length(range, f));
    lengths.push_back(length);
  }
  Value* list = f.InsertList(Type::Int(), lengths);
  return f.EmitBuiltin(range, "prim::min", {NamedValue(list)});
}

absl::StatusOr<Sugared> IterableTree::Item(const SourceRange& range,
                                           FunctionCompiler& f, Value* index,
                                           const TypePtr&) {
  std::vector<Sugared> items;
  for (const Sugared& child : children_) {
    TANDEM_ASSIGN_OR_RETURN(Sugared item,
                            child->Item(range, f, index, nullptr));
    items.push_back(std::move(item));
  }
  return Sugared(std::make_shared<TupleValue>(std::move(items)));
}

// ------------------------------------------------------------------- builtins

Sugared BuiltinFunction::ForSelf(FunctionCompiler& f, std::string name,
                                 const NamedValue& self) {
  for (const Operator* op : f.operators().Overloads(name)) {
    const std::optional<size_t> index = op->schema.ArgumentIndex("self");
    if (!index.has_value()) continue;
    const TypePtr& formal = op->schema.arguments[*index].type;
    TypeVariables variables;
    std::string why;
    if (!MatchTypeVariables(formal, self.value->type(), &variables, &why)) {
      continue;
    }
    const TypePtr type = ReplaceTypeVariables(formal, variables);
    if (type == nullptr || !IsSubtype(self.value->type(), type)) continue;
    return std::make_shared<BuiltinFunction>(std::move(name), self);
  }
  return nullptr;
}

absl::StatusOr<Sugared> BuiltinFunction::Call(const SourceRange& range,
                                              FunctionCompiler& f,
                                              Arguments args,
                                              Arguments kwargs) {
  TANDEM_ASSIGN_OR_RETURN(Value * value,
                          f.EmitBuiltin(range, name_, args, kwargs, self_));
  return Simple(value);
}

absl::StatusOr<Sugared> CastValue::Call(const SourceRange& range,
                                        FunctionCompiler& f, Arguments args,
                                        Arguments kwargs) {
  if (args.size() == 1 && kwargs.empty()) {
    // Mostly dead; made in any case so that values are numbered as PyTorch's.
    Value* zero = f.InsertConstant(int64_t{0});
    Value* value = f.ValueOf(args[0]);
    const TypePtr& type = value->type();
    if (IsSubtype(type, type_)) return Simple(value);
    if (Is(type_, TypeKind::kBool) &&
        (IsSubtype(type, Type::Get(TypeKind::kAnyList)) ||
         Is(type, TypeKind::kStr) || Is(type, TypeKind::kDict))) {
      TANDEM_ASSIGN_OR_RETURN(
          Value * length,
          f.EmitBuiltin(range, "aten::len", {NamedValue(value)}));
      TANDEM_ASSIGN_OR_RETURN(Value * more,
                              f.EmitBuiltin(range, "aten::gt", {length, zero}));
      return Simple(more);
    }
  }
  return BuiltinFunction::Call(range, f, args, kwargs);
}

absl::StatusOr<Sugared> TensorCastValue::Call(const SourceRange& range,
                                              FunctionCompiler& f,
                                              Arguments args,
                                              Arguments kwargs) {
  if (!args.empty() || !kwargs.empty()) {
    return f.Error(range, "a cast takes no arguments");
  }
  Value* dtype = f.InsertConstant(static_cast<int64_t>(dtype_), range);
  NamedValue self = self_;
  self.name = "self";
  TANDEM_ASSIGN_OR_RETURN(
      Value * value, f.EmitBuiltin(range, "aten::to", {},
                                   {self, NamedValue(range, "dtype", dtype)}));
  return Simple(value);
}

absl::StatusOr<Sugared> MagicMethod::Call(const SourceRange& range,
                                          FunctionCompiler& f, Arguments args,
                                          Arguments kwargs) {
  if (!args.empty()) {
    Value* self = f.ValueOf(args[0]);
    if (AsClass(self->type()) != nullptr) {
      TANDEM_ASSIGN_OR_RETURN(Sugared method,
                              SimpleValue(self).Attribute(range, f, name_));
      return method->Call(range, f, args.subspan(1), kwargs);
    }
  }
  return base_->Call(range, f, args, kwargs);
}

absl::StatusOr<Sugared> PrintValue::Call(const SourceRange& range,
                                         FunctionCompiler& f, Arguments args,
                                         Arguments kwargs) {
  if (!kwargs.empty()) {
    return f.Error(range, "print doesn't accept any keyword arguments");
  }
  std::vector<Value*> values;
  for (const NamedValue& arg : args) values.push_back(f.ValueOf(arg));
  f.Insert(NodeKind::kPrint, values, range, /*outputs=*/0);
  return Sugared(std::make_shared<NoneSugared>());
}

absl::string_view FormName(Form form) {
  switch (form) {
    case Form::kFork:
      return "fork";
    case Form::kAwaitable:
      return "awaitable";
    case Form::kAnnotate:
      return "annotate";
    case Form::kUncheckedCast:
      return "unchecked_cast";
    case Form::kUninitialized:
      return "Uninitialized";
    case Form::kGetAttr:
      return "GetAttr";
    case Form::kHasAttr:
      return "HasAttr";
    case Form::kIsInstance:
      return "isinstance";
    case Form::kTuple:
      return "TupleConstruct";
    case Form::kList:
      return "list";
    case Form::kDict:
      return "dict";
    case Form::kRange:
      return "range";
    case Form::kEnumerate:
      return "enumerate";
    case Form::kZip:
      return "zip";
    case Form::kToList:
      return "tolist";
    case Form::kIndex:
      return "index";
    case Form::kCreateObject:
      return "CreateObject";
    case Form::kReversed:
      return "reversed";
  }
  return "";
}

absl::StatusOr<Sugared> BuiltinModule::Attribute(const SourceRange&,
                                                 FunctionCompiler&,
                                                 absl::string_view name) {
  // torch.autograd.grad is an operator like any other.
  if (name == "autograd") {
    return Sugared(std::make_shared<BuiltinModule>("aten"));
  }
  return Sugared(
      std::make_shared<BuiltinFunction>(absl::StrCat(name_, "::", name)));
}

// ------------------------------------------------------------ classes and
// enums

absl::StatusOr<Sugared> ClassValue::Attribute(const SourceRange& range,
                                              FunctionCompiler& f,
                                              absl::string_view name) {
  for (const auto* hooks : {&type_->forward_hooks, &type_->forward_pre_hooks}) {
    for (Function* hook : *hooks) {
      if (hook->name() == name) {
        return Sugared(std::make_shared<FunctionValue>(hook));
      }
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Sugared member, f.resolver().ResolveMember(
                                              *type_, name, nullptr, f, range));
  if (member != nullptr) return member;
  if (name != "__new__") {
    return f.Error(range, "Tried to lookup unknown attribute on class ",
                   type_->ToAnnotation());
  }
  return Sugared(std::make_shared<SpecialForm>(Form::kCreateObject));
}

absl::StatusOr<Sugared> ClassValue::Call(const SourceRange& range,
                                         FunctionCompiler& f, Arguments args,
                                         Arguments kwargs) {
  Node* create = f.Insert(NodeKind::kCreateObject, {});
  create->output()->set_type(type_->shared());
  if (type_->FindMethod("__init__") == nullptr) {
    return f.Error(range, "Class ", type_->base_name(),
                   " does not have an __init__ function defined");
  }
  TANDEM_RETURN_IF_ERROR(MethodValue(create->output(), "__init__")
                             .Call(range, f, args, kwargs)
                             .status());
  return Simple(create->output());
}

absl::StatusOr<Sugared> NamedTupleConstructor::Call(const SourceRange& range,
                                                    FunctionCompiler& f,
                                                    Arguments args,
                                                    Arguments kwargs) {
  FunctionSchema schema;
  schema.name = std::string(type_->base_name());
  for (size_t i = 0; i < type_->elements().size(); ++i) {
    Argument argument;
    argument.name = type_->field_names()[i];
    argument.type = type_->element(i);
    schema.arguments.push_back(std::move(argument));
  }
  const auto defaults = f.session().named_tuple_defaults.find(type_->name());
  if (defaults != f.session().named_tuple_defaults.end()) {
    const std::vector<IValue>& values = defaults->second;
    const size_t first = schema.arguments.size() - values.size();
    for (size_t i = 0; i < values.size(); ++i) {
      schema.arguments[first + i].default_value = values[i];
    }
  }
  TANDEM_ASSIGN_OR_RETURN(MatchedSchema matched,
                          MatchSchema(f, schema, range, args, kwargs));
  Node* tuple = f.Insert(NodeKind::kTupleConstruct, matched.inputs, range);
  tuple->output()->set_type(type_);
  return Simple(tuple->output());
}

absl::StatusOr<Sugared> EnumClass::Attribute(const SourceRange& range,
                                             FunctionCompiler& f,
                                             absl::string_view name) {
  for (const auto& [member, value] : type_->members()) {
    if (member == name) {
      return Simple(f.InsertConstant(
          IValue(MakeRef<EnumObject>(type_->shared(), member, value)), range,
          type_->shared()));
    }
  }
  return f.Error(range, "Enum<", type_->ToAnnotation(), ">' has no attribute '",
                 name, "'");
}

absl::StatusOr<Sugared> EnumClass::Iterate(const SourceRange& range,
                                           FunctionCompiler& f) {
  std::vector<IValue> members;
  for (const auto& [member, value] : type_->members()) {
    members.push_back(
        IValue(MakeRef<EnumObject>(type_->shared(), member, value)));
  }
  return Simple(f.InsertConstant(
      IValue(MakeList(type_->shared(), std::move(members))), range));
}

// ------------------------------------------------------- functions and methods

absl::StatusOr<Value*> FunctionValue::AsValue(const SourceRange&,
                                              FunctionCompiler& f) {
  return f.InsertConstant(IValue(static_cast<const Function*>(callee_)));
}

absl::StatusOr<Sugared> FunctionValue::Call(const SourceRange& range,
                                            FunctionCompiler& f, Arguments args,
                                            Arguments kwargs) {
  if (f.session().IsCompiling(callee_)) {
    // Programs are planned with their calls inlined.
    return f.Error(range, " function '", callee_->name(),
                   "' is called recursively. Recursive calls are not "
                   "supported");
  }
  TANDEM_RETURN_IF_ERROR(callee_->EnsureDefined());
  TANDEM_ASSIGN_OR_RETURN(
      MatchedSchema matched,
      MatchSchema(f, callee_->schema(), range, args, kwargs));
  Value* constant =
      f.InsertConstant(IValue(static_cast<const Function*>(callee_)), {},
                       Type::FunctionNamed(callee_->qualified_name()));
  std::vector<Value*> inputs = {constant};
  inputs.insert(inputs.end(), matched.inputs.begin(), matched.inputs.end());
  Node* call = f.Insert(NodeKind::kCallFunction, inputs, range);
  call->output()->set_type(matched.returns.at(0));
  return Simple(call->output());
}

absl::StatusOr<Sugared> MethodValue::Call(const SourceRange& range,
                                          FunctionCompiler& f, Arguments args,
                                          Arguments kwargs) {
  std::vector<NamedValue> all = {NamedValue(self_)};
  all.insert(all.end(), args.begin(), args.end());
  const FunctionSchema* schema = nullptr;
  std::optional<FunctionSchema> custom;
  if (const ClassType* type = AsClass(self_->type());
      type != nullptr && type->is_opaque()) {
    custom = CustomClassMethod(*type, name_);
    if (custom.has_value()) schema = &*custom;
  } else if (type != nullptr) {
    Function* method = type->FindMethod(name_);
    for (const ClassType::Property& property : type->properties) {
      for (Function* accessor : {property.getter, property.setter}) {
        if (method == nullptr && accessor != nullptr &&
            accessor->name() == name_) {
          method = accessor;
        }
      }
    }
    if (method == nullptr) {
      return f.Error(range, "Class ", type->name(), " has no method ", name_);
    }
    if (f.session().IsCompiling(method)) {
      return f.Error(range, " method '", method->name(),
                     "' is called recursively. Recursive calls are not "
                     "supported");
    }
    TANDEM_RETURN_IF_ERROR(method->EnsureDefined());
    schema = &method->schema();
  } else if (const InterfaceType* interface = self_->type()->AsInterface()) {
    schema = interface->FindMethod(name_);
  }
  if (schema == nullptr) {
    return f.Error(range, "cannot call method ", name_, " of ",
                   Repr(self_->type()));
  }
  TANDEM_ASSIGN_OR_RETURN(MatchedSchema matched,
                          MatchSchema(f, *schema, range, all, kwargs));
  Node* call = f.Insert(NodeKind::kCallMethod, matched.inputs, range);
  call->SetAttribute("name", name_);
  call->output()->set_type(matched.returns.empty() ? Type::None()
                                                   : matched.returns[0]);
  return Simple(call->output());
}

absl::StatusOr<Sugared> ExceptionValue::Call(const SourceRange& range,
                                             FunctionCompiler& f,
                                             Arguments args, Arguments) {
  if (!qualified_name_.empty()) {
    Value* message = nullptr;
    if (args.empty()) {
      message = f.InsertConstant("", range);
    } else if (args.size() == 1) {
      message = f.ValueOf(args[0]);
    } else {
      std::vector<Value*> parts;
      for (const NamedValue& arg : args) parts.push_back(f.ValueOf(arg));
      message = f.InsertTuple(parts);
    }
    return Sugared(std::make_shared<ExceptionMessage>(
        message, f.InsertConstant(IValue(qualified_name_), range)));
  }
  Value* message = f.InsertConstant(IValue(absl::StrCat(name_, ": ")), range);
  for (const NamedValue& arg : args) {
    Value* text = f.ValueOf(arg);
    if (!Is(text->type(), TypeKind::kStr)) {
      TANDEM_ASSIGN_OR_RETURN(
          text, f.EmitBuiltin(range, "aten::str", {NamedValue(text)}));
    }
    TANDEM_ASSIGN_OR_RETURN(message,
                            f.EmitBuiltin(range, "aten::add", {message, text}));
  }
  return Sugared(std::make_shared<ExceptionMessage>(message, nullptr));
}

}  // namespace tandem::script
