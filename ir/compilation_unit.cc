#include "tandem/ir/compilation_unit.h"

#include "absl/strings/str_cat.h"

namespace tandem {

absl::string_view Function::name() const {
  const size_t dot = qualified_name_.rfind('.');
  return dot == std::string::npos
             ? absl::string_view(qualified_name_)
             : absl::string_view(qualified_name_).substr(dot + 1);
}

absl::Status Function::EnsureDefined() {
  if (compiling_) {
    return absl::InvalidArgumentError(absl::StrCat(
        "function '", name(),
        "' is called recursively. Recursive calls are not supported"));
  }
  if (compiler_ == nullptr) return absl::OkStatus();
  Compiler compiler = std::move(compiler_);
  compiler_ = nullptr;
  compiling_ = true;
  absl::Status status = compiler(*this);
  compiling_ = false;
  // A failed definition fails again, and with the same words.
  if (!status.ok()) compiler_ = [status](Function&) { return status; };
  return status;
}

CompilationUnit::~CompilationUnit() {
  // Graphs refer to types, types to values and to each other.
  functions_.clear();
  for (const TypePtr& type : types_) {
    if (type->is(TypeKind::kClass)) {
      const_cast<ClassType*>(type->AsClass())->Clear();
    } else if (type->is(TypeKind::kInterface)) {
      // Methods may name the interface itself.
      const auto& methods = static_cast<const InterfaceType&>(*type).methods();
      const_cast<std::vector<FunctionSchema>&>(methods).clear();
    }
  }
}

Function* CompilationUnit::FindFunction(
    absl::string_view qualified_name) const {
  const auto it = function_index_.find(qualified_name);
  return it == function_index_.end() ? nullptr : it->second;
}

Function* CompilationUnit::AddFunction(std::string qualified_name) {
  functions_.push_back(std::make_unique<Function>(qualified_name, this));
  Function* f = functions_.back().get();
  function_index_[std::move(qualified_name)] = f;
  return f;
}

Function* CompilationUnit::AddMethod(ClassType* owner, absl::string_view name) {
  functions_.push_back(
      std::make_unique<Function>(absl::StrCat(owner->name(), ".", name), this));
  Function* f = functions_.back().get();
  f->set_owner(owner);
  return f;
}

TypePtr CompilationUnit::FindType(absl::string_view qualified_name) const {
  const auto it = type_index_.find(qualified_name);
  return it == type_index_.end() ? nullptr : it->second;
}

ClassType* CompilationUnit::FindClass(absl::string_view qualified_name) const {
  const TypePtr type = FindType(qualified_name);
  return type != nullptr && type->is(TypeKind::kClass)
             ? const_cast<ClassType*>(type->AsClass())
             : nullptr;
}

ClassType* CompilationUnit::AddClass(std::string qualified_name,
                                     bool is_module) {
  auto type =
      std::make_shared<ClassType>(std::move(qualified_name), this, is_module);
  ClassType* result = type.get();
  AddType(std::move(type));
  return result;
}

void CompilationUnit::AddType(TypePtr type) {
  type_index_[type->name()] = type;
  types_.push_back(std::move(type));
}

}  // namespace tandem
