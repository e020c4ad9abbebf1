#include "tandem/ir/class_type.h"

#include "absl/strings/str_cat.h"
#include "tandem/ir/compilation_unit.h"

namespace tandem {

ClassType::ClassType(std::string qualified_name, CompilationUnit* unit,
                     bool is_module)
    : Type(TypeKind::kClass, {{}, std::move(qualified_name), {}}),
      is_module_(is_module),
      unit_(unit) {}

std::optional<size_t> ClassType::FindAttribute(absl::string_view name) const {
  const auto it = attribute_index_.find(name);
  if (it == attribute_index_.end()) return std::nullopt;
  return it->second;
}

absl::Status ClassType::AddAttribute(Attribute attribute) {
  const auto [it, inserted] =
      attribute_index_.emplace(attribute.name, attributes_.size());
  if (!inserted) {
    return absl::InvalidArgumentError(absl::StrCat(
        "class '", name(), "' has two attributes '", attribute.name, "'"));
  }
  attributes_.push_back(std::move(attribute));
  return absl::OkStatus();
}

const ClassType::Constant* ClassType::FindConstant(
    absl::string_view name) const {
  for (const Constant& c : constants_) {
    if (c.name == name) return &c;
  }
  return nullptr;
}

Function* ClassType::FindMethod(absl::string_view name) const {
  const auto it = method_index_.find(name);
  return it == method_index_.end() ? nullptr : it->second;
}

void ClassType::AddMethod(Function* method) {
  method_index_[std::string(method->name())] = method;
  methods_.push_back(method);
}

void ClassType::Clear() {
  attributes_.clear();
  constants_.clear();
}

const FunctionSchema* InterfaceType::FindMethod(absl::string_view name) const {
  for (const FunctionSchema& m : methods_) {
    if (m.name == name) return &m;
  }
  return nullptr;
}

Ref<ModuleObject> NewObject(const ClassType& type) {
  return MakeRef<ModuleObject>(type.shared());
}

}  // namespace tandem
