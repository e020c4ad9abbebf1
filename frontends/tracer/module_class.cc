#include "tandem/frontends/tracer/module_class.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/nn/script_module.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::tracer {
namespace {

constexpr absl::string_view kMangle = "___torch_mangle_";

// Members of a class that is being made, in order.
class Members {
 public:
  absl::Status Add(ClassType::Attribute attribute, IValue value) {
    if (value.is_tensor()) {
      const TensorImpl* impl = value.AsTensor().impl();
      if (!tensors_.insert(impl).second) {
        return absl::InvalidArgumentError(
            "TracedModules don't support parameter sharing between modules");
      }
    }
    values_.push_back(std::move(value));
    return type_->AddAttribute(std::move(attribute));
  }
  explicit Members(ClassType* type) : type_(type) {}
  std::vector<IValue>& values() { return values_; }

 private:
  ClassType* const type_;
  absl::flat_hash_set<const TensorImpl*> tensors_;
  std::vector<IValue> values_;
};

ClassType::Attribute Attribute(std::string name, TypePtr type) {
  ClassType::Attribute a;
  a.name = std::move(name);
  a.type = std::move(type);
  return a;
}

}  // namespace

void Names::Note(absl::string_view name) {
  taken_.insert(std::string(name));
  const size_t at = name.find(kMangle);
  if (at == absl::string_view::npos) return;
  absl::string_view digits = name.substr(at + kMangle.size());
  digits = digits.substr(0, digits.find('.'));
  int64_t number = 0;
  if (absl::SimpleAtoi(digits, &number) && number < INT64_MAX) {
    next_ = std::max(next_, number + 1);
  }
}

void Names::Add(const CompilationUnit& unit) {
  if (!units_.insert(&unit).second) return;
  for (const TypePtr& type : unit.types()) Note(type->name());
  for (const auto& function : unit.functions()) {
    Note(function->qualified_name());
  }
}

std::string Names::Take(const std::string& qualified_name) {
  std::string name = qualified_name;
  if (taken_.contains(name)) {
    const size_t dot = qualified_name.rfind('.');
    const std::string folder =
        dot == std::string::npos ? "" : qualified_name.substr(0, dot + 1);
    name = absl::StrCat(folder, kMangle, next_++, ".",
                        qualified_name.substr(folder.size()));
  }
  taken_.insert(name);
  return name;
}

absl::StatusOr<Module> MakeTracedModule(
    nn::Module& module, const std::shared_ptr<CompilationUnit>& unit,
    Names* names) {
  if (auto* script = dynamic_cast<nn::ScriptModule*>(&module)) {
    return script->script();
  }
  std::vector<std::pair<std::string, Module>> children;
  for (const nn::Module::Child& child : module.children()) {
    if (child.module == nullptr) continue;
    TANDEM_ASSIGN_OR_RETURN(Module made,
                            MakeTracedModule(*child.module, unit, names));
    children.emplace_back(child.name, std::move(made));
  }
  ClassType* type = unit->AddClass(
      names->Take(absl::StrCat("__torch__.", module.qualified_name())),
      /*is_module=*/true);
  Members members(type);
  for (const auto& p : module.own_parameters()) {
    if (!p.tensor.defined()) continue;
    ClassType::Attribute a = Attribute(p.name, Type::Tensor());
    a.is_parameter = true;
    TANDEM_RETURN_IF_ERROR(members.Add(std::move(a), IValue(p.tensor.raw())));
  }
  for (const auto& b : module.own_buffers()) {
    if (!b.tensor.defined()) continue;
    ClassType::Attribute a = Attribute(b.name, Type::Tensor());
    a.is_buffer = true;
    TANDEM_RETURN_IF_ERROR(members.Add(std::move(a), IValue(b.tensor.raw())));
  }
  TANDEM_RETURN_IF_ERROR(members.Add(Attribute("training", Type::Bool()),
                                     IValue(module.training())));
  TANDEM_RETURN_IF_ERROR(members.Add(
      Attribute("_is_full_backward_hook", Type::Optional(Type::Bool())),
      IValue()));
  for (auto& [name, child] : children) {
    TANDEM_RETURN_IF_ERROR(members.Add(Attribute(name, child.type().shared()),
                                       IValue(child.object())));
  }
  Ref<ModuleObject> object = NewObject(*type);
  for (size_t i = 0; i < members.values().size(); ++i) {
    object->Set(i, std::move(members.values()[i]));
  }
  return Module(unit, std::move(object));
}

std::vector<std::shared_ptr<CompilationUnit>> UnitsOfScripts(
    const nn::Module& module) {
  if (auto* script = dynamic_cast<const nn::ScriptModule*>(&module)) {
    return {script->script().unit()};
  }
  std::vector<std::shared_ptr<CompilationUnit>> units;
  for (const nn::Module::Child& child : module.children()) {
    if (child.module == nullptr) continue;
    for (auto& unit : UnitsOfScripts(*child.module)) {
      if (std::find(units.begin(), units.end(), unit) == units.end()) {
        units.push_back(std::move(unit));
      }
    }
  }
  return units;
}

}  // namespace tandem::tracer
