// Named types that programs define: classes, enums, interfaces.
#ifndef TANDEM_IR_CLASS_TYPE_H_
#define TANDEM_IR_CLASS_TYPE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/schema.h"
#include "tandem/ir/type.h"

namespace tandem {

class CompilationUnit;
class Function;

// A class of a program: attributes with types and slots, constants, methods.
// Owned by its CompilationUnit, which breaks the cycles when it dies.
class ClassType : public Type {
 public:
  struct Attribute {
    std::string name;
    TypePtr type;
    bool is_parameter = false;
    bool is_buffer = false;
    // Some method stores into it: reads while calls run must be guarded.
    mutable bool is_written = false;
  };
  struct Constant {
    std::string name;
    IValue value;
    TypePtr type;
  };

  ClassType(std::string qualified_name, CompilationUnit* unit, bool is_module);
  std::shared_ptr<const ClassType> shared() const {
    return std::static_pointer_cast<const ClassType>(shared_from_this());
  }

  bool is_module() const { return is_module_; }
  // A class bound from C++: known by name only, its values are OpaqueObjects.
  bool is_opaque() const { return is_opaque_; }
  void set_opaque() { is_opaque_ = true; }
  CompilationUnit* unit() const { return unit_; }

  absl::Span<const Attribute> attributes() const { return attributes_; }
  std::optional<size_t> FindAttribute(absl::string_view name) const;
  // Error when the name is taken.
  absl::Status AddAttribute(Attribute attribute);
  absl::Span<const Constant> constants() const { return constants_; }
  const Constant* FindConstant(absl::string_view name) const;
  void AddConstant(Constant constant) {
    constants_.push_back(std::move(constant));
  }

  // In order of definition. Functions belong to the unit.
  absl::Span<Function* const> methods() const { return methods_; }
  Function* FindMethod(absl::string_view name) const;
  void AddMethod(Function* method);
  // Hooks run around forward, in order; they are not methods by name.
  std::vector<Function*> forward_hooks, forward_pre_hooks;
  // Properties: name -> getter, setter (may be null).
  struct Property {
    std::string name;
    Function* getter = nullptr;
    Function* setter = nullptr;
  };
  std::vector<Property> properties;

  // Drops what refers to other types (the unit's destructor).
  void Clear();

 private:
  const bool is_module_;
  bool is_opaque_ = false;
  CompilationUnit* const unit_;
  std::vector<Attribute> attributes_;
  absl::flat_hash_map<std::string, size_t> attribute_index_;
  std::vector<Constant> constants_;
  std::vector<Function*> methods_;
  absl::flat_hash_map<std::string, Function*> method_index_;
};

class EnumType : public Type {
 public:
  EnumType(std::string qualified_name, TypePtr value_type)
      : Type(TypeKind::kEnum, {{}, std::move(qualified_name), {}}),
        value_type_(std::move(value_type)) {}
  std::shared_ptr<const EnumType> shared() const {
    return std::static_pointer_cast<const EnumType>(shared_from_this());
  }
  const TypePtr& value_type() const { return value_type_; }
  // Members in order.
  const std::vector<std::pair<std::string, IValue>>& members() const {
    return members_;
  }
  void AddMember(std::string name, IValue value) {
    members_.emplace_back(std::move(name), std::move(value));
  }

 private:
  TypePtr value_type_;
  std::vector<std::pair<std::string, IValue>> members_;
};

class InterfaceType : public Type {
 public:
  InterfaceType(std::string qualified_name, bool is_module)
      : Type(TypeKind::kInterface, {{}, std::move(qualified_name), {}}),
        is_module_(is_module) {}
  bool is_module() const { return is_module_; }
  const std::vector<FunctionSchema>& methods() const { return methods_; }
  const FunctionSchema* FindMethod(absl::string_view name) const;
  void AddMethod(FunctionSchema schema) {
    methods_.push_back(std::move(schema));
  }

 private:
  const bool is_module_;
  std::vector<FunctionSchema> methods_;
};

// A value's class instance, with all slots None.
Ref<ModuleObject> NewObject(const ClassType& type);

}  // namespace tandem

#endif  // TANDEM_IR_CLASS_TYPE_H_
