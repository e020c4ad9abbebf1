#include "tandem/frontends/script/compiler/class_compiler.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

// The strings of a list literal.
std::vector<std::string> Strings(const Expr* expr) {
  std::vector<std::string> out;
  const ListExpr* list = expr == nullptr ? nullptr : expr->As<ListExpr>();
  if (list == nullptr) return out;
  for (const Expr* element : list->elements) {
    if (const auto* text = element->As<StringExpr>()) {
      out.emplace_back(text->value);
    }
  }
  return out;
}

bool HasDecorator(List<const Expr*> decorators, absl::string_view name) {
  for (const Expr* decorator : decorators) {
    const auto* attribute = decorator->As<AttributeExpr>();
    const auto* plain = decorator->As<NameExpr>();
    if ((attribute != nullptr && attribute->attribute.name == name) ||
        (plain != nullptr && plain->name == name)) {
      return true;
    }
  }
  return false;
}

// A name without ".___torch_mangle_7" parts.
std::string Unmangled(absl::string_view name) {
  std::string out;
  for (const absl::string_view part : {name}) {
    size_t at = 0;
    while (at < part.size()) {
      const size_t dot = std::min(part.find('.', at), part.size());
      const absl::string_view piece = part.substr(at, dot - at);
      if (!absl::StartsWith(piece, "___torch_mangle_")) {
        absl::StrAppend(&out, out.empty() ? "" : ".", piece);
      }
      at = dot + 1;
    }
  }
  return out;
}

class ClassCompiler {
 public:
  ClassCompiler(const CompileContext& context, const SyntaxTree& tree,
                std::string name, const ClassStmt& cls,
                std::vector<Function*>* functions)
      : context_(context),
        tree_(tree),
        name_(std::move(name)),
        cls_(cls),
        functions_(*functions),
        types_(context.session, context.resolver, tree) {}

  absl::Status Compile() {
    std::string base;
    if (!cls_.bases.empty()) {
      const std::optional<std::string> name = DottedName(*cls_.bases[0]);
      base = name.value_or("?");
      // As Python code may name them.
      for (const absl::string_view known : {"Enum", "NamedTuple"}) {
        if (absl::EndsWith(base, absl::StrCat(".", known))) {
          base = std::string(known);
        }
      }
      if (base == "nn.Module" || base == "torch.nn.Module") base = "Module";
    }
    if (HasDecorator(cls_.decorators, "interface")) {
      return CompileInterface(base == "Module");
    }
    if (base.empty() || base == "object") return CompileClass(false);
    if (base == "Module") return CompileClass(true);
    if (base == "NamedTuple") return CompileNamedTuple();
    if (base == "Enum") return CompileEnum();
    if (base == "Interface") return CompileInterface(false);
    if (base == "ModuleInterface") return CompileInterface(true);
    return Error(cls_.span, "Torchscript does not support class inheritance.");
  }

 private:
  template <typename... Args>
  absl::Status Error(TextSpan span, const Args&... args) {
    return context_.session->Error(tree_.Range(span), absl::StrCat(args...));
  }

  absl::Status CompileClass(bool is_module) {
    absl::flat_hash_set<std::string> parameters;
    absl::flat_hash_set<std::string> buffers;
    std::vector<std::string> pre_hooks;
    std::vector<std::string> hooks;
    struct Declared {
      std::string name;
      const Expr* type;
    };
    std::vector<Declared> attributes;
    std::vector<const AssignStmt*> constants;
    std::vector<const DefStmt*> methods;
    for (const Stmt* stmt : cls_.body.statements) {
      if (const auto* def = stmt->As<DefStmt>()) {
        methods.push_back(def);
        continue;
      }
      if (stmt->kind == StmtKind::kPass) continue;
      const auto* assign = stmt->As<AssignStmt>();
      if (assign == nullptr) {
        return Error(stmt->span, "Unexpected statement kind in class body");
      }
      if (const auto* name = assign->targets[0]->As<NameExpr>()) {
        const std::string text(name->name);
        const bool lists_names =
            text == "__parameters__" || text == "__buffers__" ||
            text == "__forward_pre_hooks__" || text == "__forward_hooks__";
        if (lists_names && (assign->value == nullptr ||
                            assign->value->As<ListExpr>() == nullptr)) {
          return Error(stmt->span, text, " must be a list of names");
        }
        if (text == "__parameters__") {
          for (std::string& p : Strings(assign->value)) parameters.insert(p);
        } else if (text == "__buffers__") {
          for (std::string& b : Strings(assign->value)) buffers.insert(b);
        } else if (text == "__forward_pre_hooks__") {
          pre_hooks = Strings(assign->value);
        } else if (text == "__forward_hooks__") {
          hooks = Strings(assign->value);
        } else if (text == "__annotations__") {
          continue;
        } else if (assign->value != nullptr) {
          constants.push_back(assign);
        } else if (assign->type != nullptr) {
          attributes.push_back({text, assign->type});
        }
        continue;
      }
      const auto* subscript = assign->targets[0]->As<SubscriptExpr>();
      const StringExpr* key =
          subscript != nullptr && subscript->subscripts.size() == 1
              ? subscript->subscripts[0]->As<StringExpr>()
              : nullptr;
      if (key == nullptr || assign->value == nullptr) {
        return Error(stmt->span,
                     "Unexpected statement kind in module metadata");
      }
      attributes.push_back({std::string(key->value), assign->value});
    }

    ClassType* type = context_.unit->AddClass(name_, is_module);
    for (const Declared& declared : attributes) {
      ClassType::Attribute attribute;
      attribute.name = declared.name;
      TANDEM_ASSIGN_OR_RETURN(attribute.type,
                              AttributeType(declared.name, *declared.type));
      attribute.is_parameter = parameters.contains(declared.name);
      attribute.is_buffer = buffers.contains(declared.name);
      const absl::Status added = type->AddAttribute(std::move(attribute));
      if (!added.ok()) return Error(declared.type->span, added.message());
    }
    for (const AssignStmt* assign : constants) {
      TANDEM_RETURN_IF_ERROR(AddConstant(type, *assign));
    }
    return AddMethods(type, methods, hooks, pre_hooks);
  }

  absl::StatusOr<TypePtr> AttributeType(const std::string& name,
                                        const Expr& expr) {
    // Old quantized modules kept packed parameters in what they called a
    // Tensor.
    if (name == "_packed_params" && DottedName(expr) == "Tensor") {
      const std::string plain = Unmangled(name_);
      if (plain ==
              "__torch__.torch.nn.quantized.modules.linear."
              "LinearPackedParams" ||
          plain == "__torch__.torch.nn.quantized.modules.linear.Linear") {
        return context_.resolver->ResolveType(
            "__torch__.torch.classes.quantized.LinearPackedParamsBase",
            tree_.Range(expr.span));
      }
    }
    return types_.Parse(expr);
  }

  absl::Status AddConstant(ClassType* type, const AssignStmt& assign) {
    if (assign.type == nullptr) {
      return Error(assign.span,
                   "Expected to be given a type annotation for a constant");
    }
    ClassType::Constant constant;
    constant.name = std::string(assign.targets[0]->As<NameExpr>()->name);
    TANDEM_ASSIGN_OR_RETURN(constant.type, types_.Parse(*assign.type));
    TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> values,
                            FunctionCompiler::EvaluateConstants(
                                context_, tree_, tree_.Range(assign.span),
                                {assign.type}, {assign.value}));
    constant.value = std::move(values[0]);
    type->AddConstant(std::move(constant));
    return absl::OkStatus();
  }

  absl::Status AddMethods(ClassType* type,
                          const std::vector<const DefStmt*>& methods,
                          const std::vector<std::string>& hooks,
                          const std::vector<std::string>& pre_hooks) {
    const auto contains = [](const std::vector<std::string>& names,
                             absl::string_view name) {
      for (const std::string& other : names) {
        if (other == name) return true;
      }
      return false;
    };
    absl::flat_hash_map<std::string, Function*> by_name;
    for (const DefStmt* def : methods) {
      std::string name(def->name.name);
      // Accessors are methods with names of their own.
      const bool getter = HasDecorator(def->decorators, "property");
      const bool setter = HasDecorator(def->decorators, "setter");
      if (getter || setter) {
        Function* accessor = context_.unit->AddMethod(
            type, absl::StrCat("__", name, setter ? "_setter" : "_getter"));
        DefineFunction(context_, tree_, accessor, *def, type);
        functions_.push_back(accessor);
        type->AddMethod(accessor);
        if (getter) type->properties.push_back({name});
        for (ClassType::Property& property : type->properties) {
          if (property.name == name) {
            (setter ? property.setter : property.getter) = accessor;
          }
        }
        continue;
      }
      if (by_name.contains(name)) {
        return Error(def->span, "Can't redefine method: ", name,
                     " on class: ", name_);
      }
      Function* function = context_.unit->AddMethod(type, name);
      by_name[name] = function;
      DefineFunction(context_, tree_, function, *def, type);
      functions_.push_back(function);
      if (!contains(hooks, name) && !contains(pre_hooks, name)) {
        type->AddMethod(function);
      }
    }
    for (const auto& [names, into] :
         {std::make_pair(&hooks, &type->forward_hooks),
          std::make_pair(&pre_hooks, &type->forward_pre_hooks)}) {
      for (const std::string& name : *names) {
        const auto found = by_name.find(name);
        if (found == by_name.end()) {
          return Error(cls_.span, "hook ", name, " is not defined");
        }
        into->push_back(found->second);
      }
    }
    return absl::OkStatus();
  }

  absl::Status CompileNamedTuple() {
    std::vector<std::string> names;
    std::vector<TypePtr> types;
    std::vector<IValue> defaults;
    for (const Stmt* stmt : cls_.body.statements) {
      const auto* assign = stmt->As<AssignStmt>();
      const NameExpr* name =
          assign == nullptr ? nullptr : assign->targets[0]->As<NameExpr>();
      if (stmt->kind == StmtKind::kPass) continue;
      if (name == nullptr || assign->type == nullptr) {
        return Error(stmt->span,
                     "Unexpected statement in NamedTuple body: only attribute "
                     "annotations are currently supported.");
      }
      TANDEM_ASSIGN_OR_RETURN(TypePtr type, types_.Parse(*assign->type));
      if (assign->value != nullptr) {
        TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> value,
                                FunctionCompiler::EvaluateConstants(
                                    context_, tree_, tree_.Range(assign->span),
                                    {assign->type}, {assign->value}));
        defaults.push_back(std::move(value[0]));
      } else {
        defaults.clear();
      }
      names.emplace_back(name->name);
      types.push_back(std::move(type));
    }
    if (!defaults.empty()) {
      context_.session->named_tuple_defaults[name_] = std::move(defaults);
    }
    context_.unit->AddType(
        Type::NamedTuple(name_, std::move(names), std::move(types)));
    return absl::OkStatus();
  }

  absl::Status CompileEnum() {
    TypePtr value_type;
    std::vector<std::pair<std::string, IValue>> members;
    for (const Stmt* stmt : cls_.body.statements) {
      const auto* assign = stmt->As<AssignStmt>();
      const NameExpr* name =
          assign == nullptr ? nullptr : assign->targets[0]->As<NameExpr>();
      if (name == nullptr || assign->value == nullptr) {
        return Error(stmt->span,
                     "Unexpected statement in Enum class body: only enum "
                     "attribute definitions are currently supported.");
      }
      TypePtr type;
      if (const auto* number = assign->value->As<NumberExpr>()) {
        const bool is_float = absl::StrContains(number->text, '.') ||
                              absl::StrContains(number->text, 'e') ||
                              absl::StrContains(number->text, 'E');
        type = is_float ? Type::Float() : Type::Int();
      } else if (assign->value->kind == ExprKind::kString) {
        type = Type::Str();
      } else {
        const std::optional<std::string> text = DottedName(*assign->value);
        if (text == "inf" || text == "nan") {
          type = Type::Float();
        } else {
          return Error(stmt->span,
                       "Unsupported enum value type. Only Integers, Floats and "
                       "Strings are supported.");
        }
      }
      if (value_type != nullptr && !Same(value_type, type)) {
        return Error(stmt->span,
                     "Enum class with varying value types are not supported.");
      }
      value_type = type;
      TANDEM_ASSIGN_OR_RETURN(IValue value, Constant(*assign->value, *type));
      members.emplace_back(std::string(name->name), std::move(value));
    }
    if (value_type == nullptr) {
      return Error(cls_.span, "No enum values defined for ", name_);
    }
    auto type = std::make_shared<EnumType>(name_, value_type);
    for (auto& [name, value] : members) {
      type->AddMember(name, std::move(value));
    }
    context_.unit->AddType(std::move(type));
    return absl::OkStatus();
  }

  absl::StatusOr<IValue> Constant(const Expr& expr, const Type& type) {
    SyntaxTree scratch(tree_.source());
    auto* name = scratch.New<NameExpr>(expr.span);
    name->name = type.is(TypeKind::kInt)
                     ? "int"
                     : (type.is(TypeKind::kFloat) ? "float" : "str");
    TANDEM_ASSIGN_OR_RETURN(
        std::vector<IValue> values,
        FunctionCompiler::EvaluateConstants(
            context_, tree_, tree_.Range(expr.span), {name}, {&expr}));
    return std::move(values[0]);
  }

  absl::Status CompileInterface(bool is_module) {
    auto type = std::make_shared<InterfaceType>(name_, is_module);
    // Known before its methods: these may take it.
    context_.unit->AddType(type);
    for (const Stmt* stmt : cls_.body.statements) {
      const auto* def = stmt->As<DefStmt>();
      if (stmt->kind == StmtKind::kPass) continue;
      if (def == nullptr) {
        return Error(
            stmt->span,
            "interface declarations can only contain method definitions");
      }
      if (def->decl.return_type == nullptr) {
        return Error(
            def->span,
            "interface declarations must have a return type annotated.");
      }
      if (def->decl.params.empty()) {
        return Error(def->span, "methods must have a self argument");
      }
      FunctionSchema schema;
      schema.name = std::string(def->name.name);
      Argument self;
      self.name = std::string(def->decl.params[0].name.name);
      self.type = Type::Any();  // not itself: types own each other
      schema.arguments.push_back(std::move(self));
      CompilationUnit unit(&context_.unit->operators());
      ClassType placeholder(name_, &unit, is_module);
      FunctionCompiler compiler(context_, tree_, unit.AddFunction("interface"),
                                &placeholder);
      TANDEM_ASSIGN_OR_RETURN(FunctionSchema declared,
                              compiler.DeclaredSchema(*def));
      for (Argument& argument : declared.arguments) {
        schema.arguments.push_back(std::move(argument));
      }
      schema.returns = std::move(declared.returns);
      type->AddMethod(std::move(schema));
    }
    return absl::OkStatus();
  }

  const CompileContext& context_;
  const SyntaxTree& tree_;
  const std::string name_;
  const ClassStmt& cls_;
  std::vector<Function*>& functions_;
  TypeParser types_;
};

}  // namespace

absl::Status CompileClass(const CompileContext& context, const SyntaxTree& tree,
                          std::string qualified_name, const ClassStmt& cls,
                          std::vector<Function*>* functions) {
  return ClassCompiler(context, tree, std::move(qualified_name), cls, functions)
      .Compile();
}

void DefineFunction(const CompileContext& context, const SyntaxTree& tree,
                    Function* function, const DefStmt& def,
                    const ClassType* self) {
  function->set_compiler(
      [context, &tree, &def, self](Function& f) -> absl::Status {
        FunctionCompiler compiler(context, tree, &f, self);
        return compiler.Compile(def);
      });
}

}  // namespace tandem::script
