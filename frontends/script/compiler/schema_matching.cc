#include "tandem/frontends/script/compiler/schema_matching.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/types.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

constexpr absl::string_view kEmptyListNote =
    "Empty lists default to List[Tensor]. Add a variable annotation to the "
    "assignment to create an empty list of another type "
    "(torch.jit.annotate(List[T, []]) where T is the type of elements in the "
    "list for Python 2)\n";

// A number where the signature says int[N] or float[N].
bool IsNumberForList(const Value* value, const Argument& argument) {
  if (!argument.fixed_size.has_value()) return false;
  const TypePtr& type = value->type();
  if (!Is(type, TypeKind::kInt) && !Is(type, TypeKind::kFloat)) return false;
  const TypePtr list = UnwrapOptional(argument.type);
  return Is(list, TypeKind::kList) && Same(list->element(), type);
}

// What one attempt to match needs.
class Matcher {
 public:
  // `failures` may be null: then no texts are made.
  Matcher(FunctionCompiler& f, const FunctionSchema& schema,
          const SourceRange& range, bool allow_conversions,
          std::string* failures)
      : f_(f),
        schema_(schema),
        range_(range),
        convert_(allow_conversions),
        failures_(failures) {}

  // Nothing if it does not match.
  absl::StatusOr<std::optional<MatchedSchema>> Match(
      Arguments args, Arguments kwargs, std::optional<NamedValue> self);

 private:
  template <typename... Args>
  void Fail(const Args&... args) {
    if (failures_ == nullptr) return;
    absl::StrAppend(failures_, "\n", schema_.ToString(), ":\n", args...);
  }
  // Null if the value does not fit.
  absl::StatusOr<Value*> MatchArgument(const Argument& argument,
                                       const NamedValue& actual);
  absl::StatusOr<Value*> MatchRest(const TypePtr& element, Arguments rest);
  bool TakesRestAsList(size_t index) const;
  // Signatures name classes bound from C++; here they become the types.
  absl::Status BindCustomClasses(const TypePtr& type);
  std::optional<size_t> FindKeyword(absl::string_view name,
                                    Arguments kwargs) const;

  FunctionCompiler& f_;
  const FunctionSchema& schema_;
  const SourceRange& range_;
  const bool convert_;
  std::string* const failures_;
  TypeVariables variables_;
};

absl::Status Matcher::BindCustomClasses(const TypePtr& type) {
  if (!type->contains_type_variable()) return absl::OkStatus();
  if (Is(type, TypeKind::kVar)) {
    const std::string& name = type->name();
    if (!absl::StartsWith(name, "__torch__.") || variables_.contains(name)) {
      return absl::OkStatus();
    }
    TANDEM_ASSIGN_OR_RETURN(TypePtr named,
                            f_.resolver().ResolveType(name, range_));
    if (named != nullptr) variables_[name] = std::move(named);
    return absl::OkStatus();
  }
  for (const TypePtr& element : type->elements()) {
    TANDEM_RETURN_IF_ERROR(BindCustomClasses(element));
  }
  return absl::OkStatus();
}

absl::StatusOr<Value*> Matcher::MatchArgument(const Argument& argument,
                                              const NamedValue& actual) {
  Value* value = f_.ValueOf(actual);
  if (IsNumberForList(value, argument)) {
    const std::vector<Value*> repeated(*argument.fixed_size, value);
    value = f_.InsertList(value->type(), repeated);
  }
  TANDEM_RETURN_IF_ERROR(BindCustomClasses(argument.type));
  std::string why;
  if (!MatchTypeVariables(argument.type, value->type(), &variables_, &why)) {
    Fail("Could not match type ", Repr(value->type()), " to ",
         Repr(argument.type), " in argument '", argument.name, "': ", why,
         ".\n");
    return nullptr;
  }
  const TypePtr type = ReplaceTypeVariables(argument.type, variables_);
  if (type == nullptr) {
    Fail("Type variables in type ", Repr(argument.type),
         " could not be inferred from actual type ", Repr(value->type()));
    return nullptr;
  }
  TANDEM_ASSIGN_OR_RETURN(value, TryConvert(f_, range_, type, value, convert_));
  why.clear();
  if (IsSubtype(value->type(), type, failures_ == nullptr ? nullptr : &why)) {
    return value;
  }
  if (failures_ == nullptr) return nullptr;
  const TypePtr& found = value->type();
  std::string text = absl::StrCat(
      "Expected a value of type '", Repr(argument.type), "' for argument '",
      argument.name, "' but instead found type '", Repr(found), "'.\n");
  const TensorType* formal_tensor = argument.type->AsTensor();
  if (formal_tensor != nullptr && formal_tensor->inferred()) {
    absl::StrAppend(&text, "Inferred '", argument.name,
                    "' to be of type 'Tensor' because it was not annotated "
                    "with an explicit type.\n");
  }
  const TensorType* tensor = found->AsTensor();
  if (tensor != nullptr && tensor->inferred()) {
    absl::StrAppend(&text, "Inferred the value for argument '", argument.name,
                    "' to be of type 'Tensor' because it was not annotated "
                    "with an explicit type.\n");
  }
  if (Is(found, TypeKind::kList) && IsTensor(found->element())) {
    absl::StrAppend(&text, kEmptyListNote);
  }
  Fail(text, why);
  return nullptr;
}

// f(1, 2, 3) for f(int[] sizes).
absl::StatusOr<Value*> Matcher::MatchRest(const TypePtr& element,
                                          Arguments rest) {
  Argument argument;
  argument.name = "<varargs>";
  argument.type = element;
  std::vector<Value*> elements;
  for (const NamedValue& actual : rest) {
    TANDEM_ASSIGN_OR_RETURN(Value * value, MatchArgument(argument, actual));
    if (value == nullptr) return nullptr;
    elements.push_back(value);
  }
  return f_.InsertList(element, elements);
}

bool Matcher::TakesRestAsList(size_t index) const {
  const Argument& argument = schema_.arguments[index];
  const bool last = index + 1 == schema_.arguments.size() ||
                    schema_.arguments[index + 1].kwarg_only;
  return last && Is(argument.type, TypeKind::kList) &&
         !argument.fixed_size.has_value() &&
         !Is(argument.type->element(), TypeKind::kVar);
}

std::optional<size_t> Matcher::FindKeyword(absl::string_view name,
                                           Arguments kwargs) const {
  const bool is_aten = absl::StartsWith(schema_.name, "aten::");
  for (size_t i = 0; i < kwargs.size(); ++i) {
    // torch.add(input=x): Python names the first argument so.
    if (is_aten && name == "self" && kwargs[i].name == "input") return i;
    if (kwargs[i].name == name) return i;
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<MatchedSchema>> Matcher::Match(
    Arguments args, Arguments kwargs, std::optional<NamedValue> self) {
  using Result = std::optional<MatchedSchema>;
  // Programs do not tell a dtype from an int, so x.view(1) would mean it.
  if (schema_.name == "aten::view" && schema_.overload_name == "dtype") {
    return Result();
  }
  MatchedSchema matched;
  std::vector<bool> used(kwargs.size(), false);
  size_t next = 0;
  for (size_t i = 0; i < schema_.arguments.size(); ++i) {
    const Argument& argument = schema_.arguments[i];
    std::optional<NamedValue> actual;
    if (argument.name == "self" && self.has_value()) {
      actual = std::move(self);
      self.reset();
    } else if (!argument.kwarg_only && next < args.size()) {
      if (convert_ && TakesRestAsList(i)) {
        const TypePtr& type = f_.ValueOf(args[next])->type();
        if (!Is(type, TypeKind::kList) &&
            !ConvertibleToList(type, UnwrapOptional(argument.type))) {
          TANDEM_ASSIGN_OR_RETURN(
              Value * list,
              MatchRest(argument.type->element(), args.subspan(next)));
          if (list == nullptr) return Result();
          next = args.size();
          matched.inputs.push_back(list);
          continue;
        }
      }
      actual = args[next++];
    } else if (const auto index = FindKeyword(argument.name, kwargs)) {
      if (used[*index]) {
        Fail("Argument ", kwargs[*index].name,
             " specified twice in schema, submit a bug report!\n");
        return Result();
      }
      used[*index] = true;
      actual = kwargs[*index];
    } else if (argument.default_value.has_value()) {
      actual = NamedValue(&*argument.default_value);
    } else {
      Fail("Argument ", argument.name, " not provided.\n");
      return Result();
    }
    TANDEM_ASSIGN_OR_RETURN(Value * value, MatchArgument(argument, *actual));
    if (value == nullptr) return Result();
    matched.inputs.push_back(value);
  }
  if (self.has_value()) Fail("Provided self argument not used in schema.\n");
  if (schema_.is_vararg) {
    for (; next < args.size(); ++next) {
      matched.inputs.push_back(f_.ValueOf(args[next]));
    }
  }
  if (next < args.size()) {
    Fail("Expected at most ", next, " arguments but found ", args.size(),
         " positional arguments.\n");
    return Result();
  }
  for (size_t i = 0; i < kwargs.size(); ++i) {
    if (used[i]) continue;
    if (schema_.ArgumentIndex(kwargs[i].name).has_value()) {
      Fail("Keyword argument ", kwargs[i].name, " specified twice.\n");
    } else {
      Fail("Keyword argument ", kwargs[i].name, " unknown.\n");
    }
    return Result();
  }
  bool named = !schema_.returns.empty();
  for (const Argument& result : schema_.returns) {
    TANDEM_RETURN_IF_ERROR(BindCustomClasses(result.type));
    TypePtr type = ReplaceTypeVariables(result.type, variables_);
    if (type == nullptr) {
      return f_.Error(range_, Repr(result.type),
                      " has unbound type variables.");
    }
    switch (type->kind()) {
      case TypeKind::kScalarType:
      case TypeKind::kLayout:
      case TypeKind::kMemoryFormat:
      case TypeKind::kQScheme:
        type = Type::Int();  // what programs have for them
        break;
      default:
        break;
    }
    matched.returns.push_back(std::move(type));
    named = named && !result.name.empty();
  }
  if (named) {
    for (const Argument& result : schema_.returns) {
      matched.return_names.push_back(result.name);
    }
  }
  return Result(std::move(matched));
}

std::string Indent(absl::string_view text) {
  std::string out;
  bool at_start = true;
  for (const char c : text) {
    if (at_start) out += "  ";
    out += c;
    at_start = c == '\n';
  }
  return out;
}

}  // namespace

absl::StatusOr<Value*> TryConvert(FunctionCompiler& f, const SourceRange& range,
                                  const TypePtr& type, Value* value,
                                  bool allow_conversions) {
  if (Is(type, TypeKind::kOptional) &&
      !Is(value->type(), TypeKind::kOptional) && !IsNone(value->type())) {
    return TryConvert(f, range, type->element(), value, allow_conversions);
  }
  // A literal [] that has no name yet is a list of whatever is asked for.
  if (value->node()->is(NodeKind::kEmptyListLiteral) &&
      Is(type, TypeKind::kList)) {
    value = f.InsertList(type->element(), {});
  }
  if (Is(value->type(), TypeKind::kTuple)) {
    const TypePtr actual = value->type();
    const TypePtr list = UnwrapOptional(type);
    if (ConvertibleToList(actual, list) && Is(list, TypeKind::kList)) {
      value = f.InsertList(list->element(), f.UnpackTuple(value));
    }
    if (Is(type, TypeKind::kTuple) && !IsSubtype(actual, type) &&
        type->elements().size() == actual->elements().size()) {
      const std::vector<Value*> parts = f.UnpackTuple(value);
      std::vector<Value*> converted;
      for (size_t i = 0; i < parts.size(); ++i) {
        TANDEM_ASSIGN_OR_RETURN(Value * part,
                                TryConvert(f, range, type->element(i), parts[i],
                                           allow_conversions));
        converted.push_back(part);
      }
      value = f.InsertTuple(converted);
    }
  }
  if (!allow_conversions) return value;
  const char* conversion = nullptr;
  if (IsTensor(value->type())) {
    switch (type->kind()) {
      case TypeKind::kFloat:
        conversion = "aten::FloatImplicit";
        break;
      case TypeKind::kComplex:
        conversion = "aten::ComplexImplicit";
        break;
      case TypeKind::kInt:
        conversion = "aten::IntImplicit";
        break;
      case TypeKind::kNumber:
        conversion = "aten::ScalarImplicit";
        break;
      default:
        break;
    }
  } else if (Is(value->type(), TypeKind::kNumber) ||
             Is(value->type(), TypeKind::kBool)) {
    const bool is_bool = Is(value->type(), TypeKind::kBool);
    switch (type->kind()) {
      case TypeKind::kFloat:
        conversion = "aten::Float";
        break;
      case TypeKind::kComplex:
        if (!is_bool) conversion = "aten::Complex";
        break;
      case TypeKind::kInt:
        conversion = "aten::Int";
        break;
      case TypeKind::kNumber:
        if (is_bool) conversion = "aten::Int";
        break;
      default:
        break;
    }
  } else if (Is(value->type(), TypeKind::kStr) && Is(type, TypeKind::kDevice)) {
    conversion = "aten::device";
  }
  if (conversion == nullptr) return value;
  return f.EmitBuiltin(range, conversion, {NamedValue(value)});
}

absl::StatusOr<MatchedSchema> MatchSchema(
    FunctionCompiler& f, const FunctionSchema& schema, const SourceRange& range,
    Arguments args, Arguments kwargs, const std::optional<NamedValue>& self) {
  std::string failures;
  Matcher matcher(f, schema, range, /*allow_conversions=*/true, &failures);
  TANDEM_ASSIGN_OR_RETURN(std::optional<MatchedSchema> matched,
                          matcher.Match(args, kwargs, self));
  if (!matched.has_value()) return f.Error(range, failures);
  return *std::move(matched);
}

absl::StatusOr<std::pair<size_t, MatchedSchema>> MatchSchemas(
    FunctionCompiler& f, const std::vector<const FunctionSchema*>& schemas,
    const SourceRange& range, Arguments args, Arguments kwargs,
    const std::optional<NamedValue>& self) {
  if (schemas.size() == 1) {
    TANDEM_ASSIGN_OR_RETURN(
        MatchedSchema matched,
        MatchSchema(f, *schemas[0], range, args, kwargs, self));
    return std::make_pair(size_t{0}, std::move(matched));
  }
  for (const bool allow_conversions : {false, true}) {
    for (size_t i = 0; i < schemas.size(); ++i) {
      Matcher matcher(f, *schemas[i], range, allow_conversions, nullptr);
      TANDEM_ASSIGN_OR_RETURN(std::optional<MatchedSchema> matched,
                              matcher.Match(args, kwargs, self));
      if (matched.has_value()) return std::make_pair(i, *std::move(matched));
    }
  }
  // Only now the reasons are worth their texts.
  std::string failures;
  for (const FunctionSchema* schema : schemas) {
    Matcher matcher(f, *schema, range, /*allow_conversions=*/true, &failures);
    TANDEM_RETURN_IF_ERROR(matcher.Match(args, kwargs, self).status());
  }
  return f.Error(range,
                 "Arguments for call are not valid.\n"
                 "The following variants are available:\n",
                 Indent(failures), "\nThe original call is");
}

}  // namespace tandem::script
