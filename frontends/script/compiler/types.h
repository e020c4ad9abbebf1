// Relations between types that the compiler needs beyond ir/type.h.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_TYPES_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_TYPES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/type.h"

namespace tandem::script {

inline bool Is(const TypePtr& type, TypeKind kind) { return type->is(kind); }
inline bool Same(const TypePtr& a, const TypePtr& b) {
  return a.get() == b.get() || a->Equals(*b);
}
inline bool IsSubtype(const TypePtr& type, const TypePtr& super,
                      std::string* why = nullptr) {
  return type->IsSubtypeOf(*super, why);
}
inline bool IsTensor(const TypePtr& type) {
  return type->is(TypeKind::kTensor);
}
inline bool IsNone(const TypePtr& type) { return type->is(TypeKind::kNone); }
// A Union or an Optional.
inline bool IsUnion(const TypePtr& type) {
  return type->is(TypeKind::kUnion) || type->is(TypeKind::kOptional);
}
// What keys of a Dict may be.
inline bool IsDictKey(const TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::kInt:
    case TypeKind::kBool:
    case TypeKind::kFloat:
    case TypeKind::kComplex:
    case TypeKind::kStr:
    case TypeKind::kTensor:
    case TypeKind::kDevice:
      return true;
    default:
      return false;
  }
}
const ClassType* AsClass(const TypePtr& type);

// How error texts name a type: as annotations do, but "Tensor (inferred)" for
// a parameter without annotation.
std::string Repr(const TypePtr& type);

// Tensors without what is known of them, also inside containers.
TypePtr Unshaped(const TypePtr& type);

// The member of Optional, else the type itself.
TypePtr UnwrapOptional(const TypePtr& type);

// The type that values of both have: equal types, the wider one, Optional of
// what meets None, tuples by element; `hint` where it holds both. Null if there
// is none, or their Union where `default_to_union`.
TypePtr Unify(const TypePtr& a, const TypePtr& b, bool default_to_union = false,
              const TypePtr& hint = nullptr);
// Over a list that is not empty.
TypePtr UnifyAll(const std::vector<TypePtr>& types, bool default_to_union,
                 const TypePtr& hint = nullptr);

// A Tuple whose members all are subtypes of the List's element, or a subtype of
// the List.
bool ConvertibleToList(const TypePtr& type, const TypePtr& list);

// What the type variables of a signature stand for.
using TypeVariables = absl::flat_hash_map<std::string, TypePtr>;

// Binds the variables of `formal` to the parts of `actual`; on failure `why`
// gets the reason.
bool MatchTypeVariables(const TypePtr& formal, const TypePtr& actual,
                        TypeVariables* variables, std::string* why);
// `type` with variables replaced; null if one is not bound.
TypePtr ReplaceTypeVariables(const TypePtr& type,
                             const TypeVariables& variables);

// Union types written out: members of all, Optional as its member and None.
std::vector<TypePtr> FlattenUnions(const std::vector<TypePtr>& types);

// A Union (or Optional) without these members; null if nothing stays.
TypePtr SubtractFromUnion(const TypePtr& type,
                          const std::vector<TypePtr>& members);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_TYPES_H_
