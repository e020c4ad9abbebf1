#include "tandem/serialization/tandem/type_matching.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"

namespace tandem::model_file {
namespace {

TypePtr WithElements(const Type& type, std::vector<TypePtr> elements) {
  switch (type.kind()) {
    case TypeKind::kList:
      return Type::List(std::move(elements[0]));
    case TypeKind::kOptional:
      return Type::Optional(std::move(elements[0]));
    case TypeKind::kFuture:
      return Type::Future(std::move(elements[0]));
    case TypeKind::kAwait:
      return Type::Await(std::move(elements[0]));
    case TypeKind::kRRef:
      return Type::RRef(std::move(elements[0]));
    case TypeKind::kDict:
      return Type::Dict(std::move(elements[0]), std::move(elements[1]));
    case TypeKind::kUnion:
      return Type::Union(std::move(elements));
    default:
      if (!type.is_named_tuple()) return Type::Tuple(std::move(elements));
      return Type::NamedTuple(
          type.name(), {type.field_names().begin(), type.field_names().end()},
          std::move(elements));
  }
}

// Without what is known of tensors.
TypePtr Unshaped(const TypePtr& type) {
  if (type->is(TypeKind::kTensor)) return Type::Tensor();
  bool changed = false;
  std::vector<TypePtr> elements;
  for (const TypePtr& e : type->elements()) {
    elements.push_back(Unshaped(e));
    changed = changed || elements.back() != e;
  }
  return changed ? WithElements(*type, std::move(elements)) : type;
}

// Int, float and bool have registers of their own; the rest are boxed.
int RegisterOf(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kInt:
    case TypeKind::kScalarType:
    case TypeKind::kLayout:
    case TypeKind::kMemoryFormat:
    case TypeKind::kQScheme:
      return 1;
    case TypeKind::kFloat:
      return 2;
    case TypeKind::kBool:
      return 3;
    default:
      return 0;
  }
}

// The type without None.
TypePtr WithoutNone(const TypePtr& type) {
  if (type->is(TypeKind::kOptional)) return type->element();
  if (!type->is(TypeKind::kUnion)) return type;
  std::vector<TypePtr> rest;
  for (const TypePtr& m : type->elements()) {
    if (!m->is(TypeKind::kNone)) rest.push_back(m);
  }
  return rest.empty() ? type : Type::Union(std::move(rest));
}

bool Bind(const std::string& name, const TypePtr& actual, bool exact,
          TypeVariables* variables) {
  // Signatures name classes bound from C++.
  if (absl::StartsWith(name, "__torch__.")) {
    if (!actual->is(TypeKind::kClass) || actual->name() != name) return false;
    variables->try_emplace(name, TypeVariable{actual, true});
    return true;
  }
  const auto [it, is_new] =
      variables->try_emplace(name, TypeVariable{actual, exact});
  if (is_new) return true;
  TypeVariable& bound = it->second;
  if (exact) {
    // Both ways: a container's elements are of just one type.
    if (Fits(*actual, *bound.type) && Fits(*bound.type, *actual)) {
      bound.exact = true;
      return true;
    }
    if (bound.exact || !Fits(*bound.type, *actual)) return false;
    bound = {actual, true};
    return true;
  }
  if (Fits(*actual, *bound.type)) return true;
  if (bound.exact || !Fits(*bound.type, *actual)) return false;
  bound.type = actual;
  return true;
}

bool Match(const TypePtr& formal, const TypePtr& actual, bool inside,
           TypeVariables* variables) {
  if (!formal->contains_type_variable()) {
    if (Fits(*actual, *formal)) return true;
    // Tensor?[] is only read, so Tensor[] will do.
    return formal->is(TypeKind::kList) && actual->is(TypeKind::kList) &&
           formal->element()->is(TypeKind::kOptional) &&
           formal->element()->element()->is(TypeKind::kTensor) &&
           actual->element()->is(TypeKind::kTensor);
  }
  switch (formal->kind()) {
    case TypeKind::kVar:
      return Bind(formal->name(), actual, inside, variables);
    case TypeKind::kOptional:
      if (actual->is(TypeKind::kNone)) return true;
      return Match(formal->element(), WithoutNone(actual), inside, variables);
    case TypeKind::kList:
    case TypeKind::kDict:
    case TypeKind::kTuple:
    case TypeKind::kFuture:
    case TypeKind::kAwait:
    case TypeKind::kRRef: {
      if (!actual->is(formal->kind()) ||
          actual->elements().size() != formal->elements().size()) {
        return false;
      }
      const bool invariant =
          formal->is(TypeKind::kList) || formal->is(TypeKind::kDict);
      for (size_t i = 0; i < formal->elements().size(); ++i) {
        if (!Match(formal->element(i), actual->element(i), inside || invariant,
                   variables)) {
          return false;
        }
      }
      return true;
    }
    default:
      return false;
  }
}

}  // namespace

bool Fits(const Type& given, const Type& expected) {
  if (given.IsSubtypeOf(expected)) return true;
  if (given.is(TypeKind::kTensor) && expected.is(TypeKind::kTensor)) {
    return true;
  }
  if (given.elements().empty() && expected.elements().empty()) return false;
  const TypePtr a = Unshaped(given.shared_from_this());
  const TypePtr b = Unshaped(expected.shared_from_this());
  return a->IsSubtypeOf(*b);
}

bool SameRegister(const Type& a, const Type& b) {
  return RegisterOf(a) == RegisterOf(b);
}

bool MatchFormal(const TypePtr& formal, const TypePtr& actual,
                 TypeVariables* variables) {
  return Match(formal, actual, /*inside=*/false, variables);
}

TypePtr Substitute(const TypePtr& type, const TypeVariables& variables) {
  if (RegisterOf(*type) == 1) return Type::Int();
  if (!type->contains_type_variable()) return type;
  if (type->is(TypeKind::kVar)) {
    const auto it = variables.find(type->name());
    return it == variables.end() ? nullptr : it->second.type;
  }
  std::vector<TypePtr> elements;
  for (const TypePtr& e : type->elements()) {
    elements.push_back(Substitute(e, variables));
    if (elements.back() == nullptr) return nullptr;
  }
  return WithElements(*type, std::move(elements));
}

}  // namespace tandem::model_file
