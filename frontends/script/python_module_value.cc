// Modules while methods are compiled: containers, members, super().
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/constant_evaluator.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/types.h"
#include "tandem/frontends/script/python_class.h"
#include "tandem/frontends/script/python_module.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

// Of a container's class: what its members are called.
std::vector<std::string> MemberNames(const ClassType& type, ModuleKind kind) {
  const bool parameters =
      kind == ModuleKind::kParameterList || kind == ModuleKind::kParameterDict;
  std::vector<std::string> names;
  for (const ClassType::Attribute& attribute : type.attributes()) {
    const ClassType* inner = AsClass(attribute.type);
    const bool module = (inner != nullptr && inner->is_module()) ||
                        attribute.type->AsInterface() != nullptr;
    if (parameters ? attribute.is_parameter : module) {
      names.push_back(attribute.name);
    }
  }
  return names;
}

class ModuleContainer : public SugaredValue {
 public:
  ModuleContainer(ModuleKind kind, Value* self) : kind_(kind), self_(self) {}
  std::string kind() const override { return "module container"; }
  absl::StatusOr<Value*> AsValue(const SourceRange&,
                                 FunctionCompiler&) override {
    return self_;
  }

  bool by_name() const {
    return kind_ == ModuleKind::kDict || kind_ == ModuleKind::kParameterDict;
  }
  absl::StatusOr<std::vector<Sugared>> Members(const SourceRange& range,
                                               FunctionCompiler& f) const {
    std::vector<Sugared> members;
    for (const std::string& name : Names()) {
      TANDEM_ASSIGN_OR_RETURN(Sugared member,
                              SimpleValue(self_).Attribute(range, f, name));
      members.push_back(std::move(member));
    }
    return members;
  }
  std::vector<Sugared> Keys(const SourceRange& range,
                            FunctionCompiler& f) const {
    std::vector<Sugared> keys;
    for (const std::string& name : Names()) {
      keys.push_back(Simple(f.InsertConstant(IValue(name), range)));
    }
    return keys;
  }

  absl::StatusOr<std::vector<Sugared>> AsTuple(const SourceRange& range,
                                               FunctionCompiler& f,
                                               std::optional<size_t>) override {
    if (by_name()) return Keys(range, f);
    return Members(range, f);
  }
  absl::StatusOr<Sugared> Iterate(const SourceRange& range,
                                  FunctionCompiler& f) override {
    TANDEM_ASSIGN_OR_RETURN(std::vector<Sugared> parts,
                            AsTuple(range, f, std::nullopt));
    return Sugared(std::make_shared<TupleValue>(std::move(parts)));
  }
  absl::StatusOr<Sugared> Item(const SourceRange& range, FunctionCompiler& f,
                               Value* index,
                               const TypePtr& type_hint) override {
    const std::optional<IValue> constant = EvaluateValue(index);
    const std::vector<std::string> names = Names();
    if (by_name()) {
      if (!constant.has_value() || !constant->is_string()) {
        if (type_hint != nullptr) return Sugared();
        return f.Error(
            range,
            "Unable to extract string literal index. ModuleDict indexing is "
            "only supported with string literals. For example, 'i = \"a\"; "
            "self.layers[i](x)' will fail because i is not a literal. "
            "Enumeration of ModuleDict is supported, e.g. 'for k, v in "
            "self.items(): out = v(inp)'");
      }
      for (const std::string& name : names) {
        if (name == constant->AsString()) {
          return SimpleValue(self_).Attribute(range, f, name);
        }
      }
      return f.Error(range, "Key Error, ", constant->AsString());
    }
    if (!constant.has_value() || !constant->is_int()) {
      if (type_hint != nullptr) return Sugared();
      return f.Error(
          range,
          "Expected integer literal for index but got a variable or "
          "non-integer. ModuleList/Sequential indexing is only supported with "
          "integer literals. For example, 'i = 4; self.layers[i](x)' will fail "
          "because i is not a literal. Enumeration is supported, e.g. 'for "
          "index, v in enumerate(self): out = v(inp)'");
    }
    const int64_t size = static_cast<int64_t>(names.size());
    int64_t i = constant->AsInt();
    if (i < 0) i += size;
    if (i < 0 || i >= size) {
      return f.Error(range, "Index ", constant->AsInt(),
                     " out of range of length ", size);
    }
    return SimpleValue(self_).Attribute(range, f, names[i]);
  }

 private:
  std::vector<std::string> Names() const {
    return MemberNames(*AsClass(self_->type()), kind_);
  }

  const ModuleKind kind_;
  Value* const self_;
};

// Something to call that gives what is known already.
class KnownResult : public SugaredValue {
 public:
  KnownResult(std::string name, ModuleKind kind, Value* self)
      : name_(std::move(name)), kind_(kind), self_(self) {}
  std::string kind() const override { return "method"; }

  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override {
    if (!args.empty() || !kwargs.empty()) {
      return f.Error(range, name_, " expected no arguments");
    }
    std::vector<Sugared> parts;
    const auto tuple = [&]() -> Sugared {
      return std::make_shared<TupleValue>(std::move(parts));
    };
    const auto pair = [&](const std::string& name, Sugared value) {
      parts.push_back(std::make_shared<TupleValue>(std::vector<Sugared>{
          Simple(f.InsertConstant(IValue(name), range)), std::move(value)}));
    };
    if (name_ == "keys" || name_ == "values" || name_ == "items") {
      ModuleContainer container(kind_, self_);
      if (name_ == "keys") {
        parts = container.Keys(range, f);
        return tuple();
      }
      TANDEM_ASSIGN_OR_RETURN(std::vector<Sugared> members,
                              container.Members(range, f));
      if (name_ == "values") {
        parts = std::move(members);
        return tuple();
      }
      const std::vector<std::string> names =
          MemberNames(*AsClass(self_->type()), kind_);
      for (size_t i = 0; i < names.size(); ++i) pair(names[i], members[i]);
      return tuple();
    }
    const bool named = name_[0] == 'n';
    const bool recursive = name_ != "children" && name_ != "named_children";
    const bool modules = name_.find("modules") != std::string::npos;
    const bool tensors = !modules && recursive;
    if (modules) {
      if (named) {
        pair("", Simple(self_));
      } else {
        parts.push_back(Simple(self_));
      }
    }
    const std::function<absl::Status(Value*, const std::string&)> walk =
        [&](Value* at, const std::string& prefix) -> absl::Status {
      const ClassType& type = *AsClass(at->type());
      for (const ClassType::Attribute& attribute : type.attributes()) {
        const std::string path =
            absl::StrCat(prefix, prefix.empty() ? "" : ".", attribute.name);
        const ClassType* inner = AsClass(attribute.type);
        const bool is_module = inner != nullptr && inner->is_module();
        const bool is_tensor = name_.find("parameters") != std::string::npos
                                   ? attribute.is_parameter
                                   : attribute.is_buffer;
        if (tensors && !is_module && (!is_tensor || IsNone(attribute.type))) {
          continue;
        }
        if (!tensors && !is_module) continue;
        TANDEM_ASSIGN_OR_RETURN(Sugared member, SimpleValue(at).Attribute(
                                                    range, f, attribute.name));
        if (tensors == !is_module) {
          if (named) {
            pair(path, member);
          } else {
            parts.push_back(member);
          }
        }
        if (is_module && recursive) {
          TANDEM_RETURN_IF_ERROR(walk(AsSimple(member), path));
        }
      }
      return absl::OkStatus();
    };
    TANDEM_RETURN_IF_ERROR(walk(self_, ""));
    return tuple();
  }

 private:
  const std::string name_;
  const ModuleKind kind_;
  Value* const self_;
};

class ModuleClass : public SugaredValue {
 public:
  explicit ModuleClass(std::string name) : name_(std::move(name)) {}
  std::string kind() const override { return "Python type"; }
  absl::StatusOr<Value*> AsValue(const SourceRange& range,
                                 FunctionCompiler& f) override {
    return f.Error(range, "Python type cannot be used as a value");
  }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler&,
                               Arguments, Arguments) override {
    return absl::InvalidArgumentError(
        absl::StrCat("Cannot instantiate class '", name_,
                     "' in a script function:\n", range.Highlight()));
  }

 private:
  const std::string name_;
};

// object.__init__ and torch.nn.Module.__init__.
class Nothing : public SugaredValue {
 public:
  std::string kind() const override { return "method of super()"; }
  absl::StatusOr<Sugared> Call(const SourceRange&, FunctionCompiler& f,
                               Arguments, Arguments) override {
    return Simple(f.InsertConstant(IValue()));
  }
};

class SuperObject : public SugaredValue {
 public:
  SuperObject(PythonModules* modules, Value* self, ClassRef after)
      : modules_(*modules), self_(self), after_(after) {}
  std::string kind() const override { return "super()"; }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override {
    const ClassType* type = self_ == nullptr ? nullptr : AsClass(self_->type());
    const PythonModules::Origin* origin =
        type == nullptr ? nullptr : modules_.FindOrigin(*type);
    if (origin != nullptr && after_.cls != nullptr) {
      PythonClass cls(origin->file, *origin->cls,
                      origin->file->tree(origin->cls->name.name));
      TANDEM_ASSIGN_OR_RETURN(const PythonClass::Method found,
                              cls.FindMethod(name, &after_));
      if (found.def != nullptr) {
        const std::string own =
            absl::StrCat(name, "__", found.cls.cls->name.name);
        TANDEM_ASSIGN_OR_RETURN(Function * method,
                                cls.AddModuleMethod(*type, found, own));
        return Sugared(
            std::make_shared<MethodValue>(self_, std::string(method->name())));
      }
    }
    if (name == "__init__") return Sugared(std::make_shared<Nothing>());
    return f.Error(range, "'super' object has no attribute '", name, "'");
  }

 private:
  PythonModules& modules_;
  Value* const self_;
  const ClassRef after_;
};

class Super : public SugaredValue {
 public:
  explicit Super(PythonModules* modules) : modules_(*modules) {}
  std::string kind() const override { return "super"; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments) override {
    if (!args.empty()) {
      return f.Error(range, "super() takes no arguments here");
    }
    const auto& inputs = f.graph()->inputs();
    return Sugared(std::make_shared<SuperObject>(
        &modules_, inputs.empty() ? nullptr : inputs[0],
        modules_.MethodClass(f.function())));
  }

 private:
  PythonModules& modules_;
};

// format(value, spec) and repr(value): functions of tandem.format, by the type
// of the value.
class FormatFunction : public SugaredValue {
 public:
  FormatFunction(PythonModules* modules, bool is_repr)
      : modules_(*modules), is_repr_(is_repr) {}
  std::string kind() const override { return "function"; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override {
    Value* value = f.ValueOf(args[0]);
    const TypePtr& type = value->type();
    const char* name = nullptr;
    if (is_repr_) {
      if (!Is(type, TypeKind::kStr)) {
        TANDEM_ASSIGN_OR_RETURN(
            Value * text,
            f.EmitBuiltin(range, "aten::str", {NamedValue(value)}));
        return Simple(text);
      }
      name = "tandem.format.repr_str";
    } else if (Is(type, TypeKind::kStr)) {
      name = "tandem.format.format_str";
    } else if (Is(type, TypeKind::kInt)) {
      name = "tandem.format.format_int";
    } else if (Is(type, TypeKind::kFloat)) {
      name = "tandem.format.format_float";
    } else if (Is(type, TypeKind::kBool)) {
      name = "tandem.format.format_bool";
    } else if (IsTensor(type)) {
      name = "tandem.format.format_tensor";
    } else {
      return f.Error(range, "unsupported format string passed to ", Repr(type),
                     ".__format__");
    }
    TANDEM_ASSIGN_OR_RETURN(Sugared function,
                            modules_.Qualified(name, f, range));
    return function->Call(range, f, args, kwargs);
  }

 private:
  PythonModules& modules_;
  const bool is_repr_;
};

}  // namespace

Sugared MakeFormatFunction(PythonModules* modules, bool is_repr) {
  return std::make_shared<FormatFunction>(modules, is_repr);
}

Sugared MakeModuleContainer(ModuleKind kind, Value* self) {
  return std::make_shared<ModuleContainer>(kind, self);
}

Sugared ModuleMethod(absl::string_view name, ModuleKind kind, Value* self) {
  if (kind != ModuleKind::kPlain &&
      (name == "keys" || name == "values" || name == "items")) {
    return std::make_shared<KnownResult>(std::string(name), kind, self);
  }
  for (const absl::string_view known :
       {"children", "named_children", "modules", "named_modules", "parameters",
        "named_parameters", "buffers", "named_buffers"}) {
    if (name == known) {
      return std::make_shared<KnownResult>(std::string(name), kind, self);
    }
  }
  return nullptr;
}

Sugared MakeModuleClass(std::string name) {
  return std::make_shared<ModuleClass>(std::move(name));
}

Sugared MakeSuper(PythonModules* modules) {
  return std::make_shared<Super>(modules);
}

}  // namespace tandem::script
