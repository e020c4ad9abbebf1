#include "tandem/runtime/default_value.h"

#include <complex>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace tandem {
namespace {

// Objects that are being made, by class: one whose attribute is of its own
// class holds itself.
using Open = absl::flat_hash_map<const ClassType*, Ref<ModuleObject>>;

Ref<ModuleObject> MakeObject(const ClassType& type, Open& open);

IValue Make(const Type& type, Open& open) {
  if (!NeedsReference(type)) return IValue();
  switch (type.kind()) {
    case TypeKind::kComplex:
      return IValue(std::complex<double>());
    case TypeKind::kStr:
      return IValue("");
    case TypeKind::kList:
      return IValue(MakeList(type.element()));
    case TypeKind::kDict:
      return IValue(MakeDict(type.element(0), type.element(1)));
    case TypeKind::kTuple: {
      std::vector<IValue> values;
      for (const TypePtr& element : type.elements()) {
        // Programs take numbers out of tuples by their static type.
        values.push_back(element->is(TypeKind::kFloat)  ? IValue(0.0)
                         : element->is(TypeKind::kBool) ? IValue(false)
                         : element->is(TypeKind::kInt)  ? IValue(0)
                         : element->is(TypeKind::kTensor)
                             ? IValue(Tensor())
                             : Make(*element, open));
      }
      return IValue(MakeRef<TupleObject>(
          std::move(values),
          type.is_named_tuple() ? type.shared_from_this() : nullptr));
    }
    case TypeKind::kUnion:
      return Make(*type.element(), open);
    case TypeKind::kEnum: {
      const EnumType& enum_type = *type.AsEnum();
      if (enum_type.members().empty()) return IValue();
      const auto& [name, value] = enum_type.members().front();
      return IValue(MakeRef<EnumObject>(enum_type.shared(), name, value));
    }
    case TypeKind::kClass: {
      const ClassType& class_type = *type.AsClass();
      if (class_type.is_opaque()) {
        return IValue(MakeRef<OpaqueObject>(class_type.name(), IValue()));
      }
      return IValue(MakeObject(class_type, open));
    }
    default:
      return IValue();
  }
}

Ref<ModuleObject> MakeObject(const ClassType& type, Open& open) {
  const auto known = open.find(&type);
  if (known != open.end()) return known->second;
  Ref<ModuleObject> object = NewObject(type);
  open.emplace(&type, object);
  for (size_t slot = 0; slot < type.attributes().size(); ++slot) {
    const Type& attribute = *type.attributes()[slot].type;
    if (NeedsReference(attribute)) object->Set(slot, Make(attribute, open));
  }
  open.erase(&type);
  return object;
}

}  // namespace

bool NeedsReference(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kComplex:
    case TypeKind::kStr:
    case TypeKind::kList:
    case TypeKind::kDict:
    case TypeKind::kTuple:
    case TypeKind::kEnum:
    case TypeKind::kClass:
      return true;
    case TypeKind::kUnion:
      return !type.MayBeNone();
    default:
      return false;
  }
}

IValue DefaultValue(const Type& type) {
  Open open;
  return Make(type, open);
}

Ref<ModuleObject> NewDefaultObject(const ClassType& type) {
  Open open;
  return MakeObject(type, open);
}

}  // namespace tandem
