#include "tandem/frontends/script/compiler/builtin_names.h"

#include <memory>
#include <string>

namespace tandem::script {
namespace {

Sugared Builtin(const char* name) {
  return std::make_shared<BuiltinFunction>(name);
}
Sugared Magic(const char* method, Sugared base) {
  return std::make_shared<MagicMethod>(method, std::move(base));
}
Sugared Cast(const TypePtr& type, const char* name) {
  return std::make_shared<CastValue>(type, name);
}
Sugared Special(Form form) { return std::make_shared<SpecialForm>(form); }

struct NamedForm {
  absl::string_view name;
  Form form;
};
constexpr NamedForm kForms[] = {
    {"tuple", Form::kTuple},         {"getattr", Form::kGetAttr},
    {"hasattr", Form::kHasAttr},     {"isinstance", Form::kIsInstance},
    {"list", Form::kList},           {"dict", Form::kDict},
    {"range", Form::kRange},         {"zip", Form::kZip},
    {"enumerate", Form::kEnumerate},
};

struct NamedOperator {
  absl::string_view name;
  const char* op;
};
constexpr NamedOperator kOperators[] = {
    {"hash", "aten::hash"},     {"id", "prim::id"},
    {"min", "prim::min"},       {"max", "prim::max"},
    {"abs", "prim::abs"},       {"all", "aten::all"},
    {"any", "aten::any"},       {"divmod", "aten::divmod"},
    {"sum", "aten::sum"},       {"ord", "aten::ord"},
    {"chr", "aten::chr"},       {"bin", "aten::bin"},
    {"pow", "aten::pow"},       {"rangelist", "prim::rangelist"},
    {"sorted", "aten::sorted"},
};

}  // namespace

Sugared BuiltinName(absl::string_view name) {
  if (name == "print") return std::make_shared<PrintValue>();
  if (name == "float") {
    return Magic("__float__", Cast(Type::Float(), "aten::Float"));
  }
  if (name == "complex") {
    return Magic("__complex__", Cast(Type::Complex(), "aten::Complex"));
  }
  if (name == "int") return Magic("__int__", Cast(Type::Int(), "aten::Int"));
  if (name == "bool") {
    return Magic("__bool__", Cast(Type::Bool(), "aten::Bool"));
  }
  if (name == "str") return Magic("__str__", Cast(Type::Str(), "aten::str"));
  if (name == "_to_tensor") {
    return Cast(Type::Tensor(), "prim::NumToTensor");
  }
  if (name == "len") return Magic("__len__", Builtin("aten::len"));
  if (name == "hex") return Magic("__hex__", Builtin("aten::hex"));
  if (name == "oct") return Magic("__oct__", Builtin("aten::oct"));
  if (name == "round") return Magic("__round__", Builtin("aten::round"));
  if (name == "AssertionError") {
    return std::make_shared<ExceptionValue>("AssertionError", "");
  }
  for (const NamedForm& entry : kForms) {
    if (entry.name == name) return Special(entry.form);
  }
  for (const NamedOperator& entry : kOperators) {
    if (entry.name == name) return Builtin(entry.op);
  }
  return nullptr;
}

}  // namespace tandem::script
