#include "tandem/frontends/script/compiler/types.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tandem::script {
namespace {

// `type` with other parts; kinds without parts stay.
TypePtr WithElements(const TypePtr& type, std::vector<TypePtr> elements) {
  switch (type->kind()) {
    case TypeKind::kList:
      return Type::List(elements[0]);
    case TypeKind::kOptional:
      return Type::Optional(elements[0]);
    case TypeKind::kFuture:
      return Type::Future(elements[0]);
    case TypeKind::kAwait:
      return Type::Await(elements[0]);
    case TypeKind::kRRef:
      return Type::RRef(elements[0]);
    case TypeKind::kDict:
      return Type::Dict(elements[0], elements[1]);
    case TypeKind::kTuple:
      if (!type->field_names().empty()) {
        return Type::NamedTuple(
            type->name(),
            std::vector<std::string>(type->field_names().begin(),
                                     type->field_names().end()),
            std::move(elements));
      }
      return Type::Tuple(std::move(elements));
    case TypeKind::kUnion:
      return Type::Union(std::move(elements));
    default:
      return type;
  }
}

TypePtr UnifyStrictly(const TypePtr& a, const TypePtr& b, bool default_to_union,
                      const TypePtr& hint) {
  if (IsSubtype(a, b)) return b;
  if (IsSubtype(b, a)) return a;
  if (IsTensor(a) && IsTensor(b)) return Type::Tensor();
  if (IsNone(a)) return Type::Optional(b);
  if (IsNone(b)) return Type::Optional(a);
  if (Is(a, TypeKind::kOptional)) {
    if (TypePtr element = Unify(a->element(), b)) {
      return Type::Optional(element);
    }
  } else if (Is(b, TypeKind::kOptional)) {
    if (TypePtr element = Unify(b->element(), a)) {
      return Type::Optional(element);
    }
  }
  if (Is(a, TypeKind::kTuple) && Is(b, TypeKind::kTuple)) {
    if (a->elements().size() != b->elements().size()) return nullptr;
    std::vector<TypePtr> elements;
    for (size_t i = 0; i < a->elements().size(); ++i) {
      TypePtr element = Unify(a->element(i), b->element(i), default_to_union);
      if (element == nullptr) return nullptr;
      elements.push_back(std::move(element));
    }
    return Type::Tuple(std::move(elements));
  }
  if (Is(a, TypeKind::kFuture) && Is(b, TypeKind::kFuture)) {
    if (TypePtr element = Unify(a->element(), b->element())) {
      return Type::Future(element);
    }
  }
  const TypePtr plain_a = Unshaped(a);
  const TypePtr plain_b = Unshaped(b);
  if (IsSubtype(plain_a, plain_b)) return plain_b;
  if (IsSubtype(plain_b, plain_a)) return plain_a;
  if (hint != nullptr && IsSubtype(a, hint) && IsSubtype(b, hint)) return hint;
  return nullptr;
}

}  // namespace

const ClassType* AsClass(const TypePtr& type) {
  return type->is(TypeKind::kClass) ? type->AsClass() : nullptr;
}

std::string Repr(const TypePtr& type) {
  if (const TensorType* tensor = type->AsTensor()) {
    return tensor->inferred() ? "Tensor (inferred)" : "Tensor";
  }
  return type->ToAnnotation();
}

TypePtr Unshaped(const TypePtr& type) {
  if (const TensorType* tensor = type->AsTensor()) {
    return tensor->is_plain() && !tensor->inferred() ? type : Type::Tensor();
  }
  bool changed = false;
  std::vector<TypePtr> elements;
  for (const TypePtr& element : type->elements()) {
    elements.push_back(Unshaped(element));
    changed = changed || elements.back() != element;
  }
  return changed ? WithElements(type, std::move(elements)) : type;
}

TypePtr UnwrapOptional(const TypePtr& type) {
  return Is(type, TypeKind::kOptional) ? type->element() : type;
}

TypePtr Unify(const TypePtr& a, const TypePtr& b, bool default_to_union,
              const TypePtr& hint) {
  TypePtr unified = UnifyStrictly(a, b, default_to_union, hint);
  if (unified == nullptr && default_to_union) return Type::Union({a, b});
  return unified;
}

TypePtr UnifyAll(const std::vector<TypePtr>& types, bool default_to_union,
                 const TypePtr& hint) {
  TypePtr unified = types.empty() ? nullptr : types[0];
  for (size_t i = 1; i < types.size() && unified != nullptr; ++i) {
    unified = Unify(unified, types[i], default_to_union, hint);
  }
  return unified;
}

bool ConvertibleToList(const TypePtr& type, const TypePtr& list) {
  if (!Is(list, TypeKind::kList)) return false;
  if (IsSubtype(type, list)) return true;
  if (!Is(type, TypeKind::kTuple)) return false;
  return std::all_of(type->elements().begin(), type->elements().end(),
                     [&](const TypePtr& element) {
                       return IsSubtype(element, list->element());
                     });
}

bool MatchTypeVariables(const TypePtr& formal, const TypePtr& actual,
                        TypeVariables* variables, std::string* why) {
  if (!formal->contains_type_variable()) return true;
  const auto fail = [&](auto&&... parts) {
    *why = absl::StrCat(parts...);
    return false;
  };
  switch (formal->kind()) {
    case TypeKind::kVar: {
      const auto [at, is_new] = variables->try_emplace(formal->name(), actual);
      // Either may be the wider: whether the value fits is judged later.
      if (is_new || Unify(at->second, actual) != nullptr) return true;
      return fail("Type variable '", formal->name(),
                  "' previously matched to type ", Repr(at->second),
                  " is matched to type ", Repr(actual));
    }
    case TypeKind::kList:
      if (Is(actual, TypeKind::kList)) {
        return MatchTypeVariables(formal->element(), actual->element(),
                                  variables, why);
      }
      if (Is(actual, TypeKind::kTuple)) {
        const TypePtr element =
            UnifyAll({actual->elements().begin(), actual->elements().end()},
                     /*default_to_union=*/false);
        if (element != nullptr) {
          return MatchTypeVariables(formal->element(), element, variables, why);
        }
      }
      return fail("Cannot match ", Repr(formal), " to ", Repr(actual));
    case TypeKind::kTuple: {
      if (!Is(actual, TypeKind::kTuple)) {
        return fail("Cannot match a tuple to ", Repr(actual));
      }
      if (formal->elements().size() != actual->elements().size()) {
        return fail("Cannot match tuples of mismatched size");
      }
      for (size_t i = 0; i < formal->elements().size(); ++i) {
        if (!MatchTypeVariables(formal->element(i), actual->element(i),
                                variables, why)) {
          return false;
        }
      }
      return true;
    }
    case TypeKind::kFuture:
    case TypeKind::kAwait:
    case TypeKind::kRRef:
      if (!Is(actual, formal->kind())) {
        return fail("Cannot match a ",
                    Is(formal, TypeKind::kFuture)
                        ? "future"
                        : (Is(formal, TypeKind::kAwait) ? "await" : "rref"),
                    " to ", Repr(actual));
      }
      return MatchTypeVariables(formal->element(), actual->element(), variables,
                                why);
    case TypeKind::kOptional:
      if (Is(actual, TypeKind::kOptional)) {
        return MatchTypeVariables(formal->element(), actual->element(),
                                  variables, why);
      }
      // None tells nothing of the variables, and matches.
      if (IsNone(actual)) return true;
      return MatchTypeVariables(formal->element(), actual, variables, why);
    case TypeKind::kDict:
      if (!Is(actual, TypeKind::kDict)) {
        return fail("Cannot match a dict to ", Repr(actual));
      }
      return MatchTypeVariables(formal->element(0), actual->element(0),
                                variables, why) &&
             MatchTypeVariables(formal->element(1), actual->element(1),
                                variables, why);
    default:
      return fail("Cannot match ", Repr(formal), " to ", Repr(actual));
  }
}

TypePtr ReplaceTypeVariables(const TypePtr& type,
                             const TypeVariables& variables) {
  if (!type->contains_type_variable()) return type;
  if (Is(type, TypeKind::kVar)) {
    const auto found = variables.find(type->name());
    return found == variables.end() ? nullptr : found->second;
  }
  std::vector<TypePtr> elements;
  for (const TypePtr& element : type->elements()) {
    TypePtr replaced = ReplaceTypeVariables(element, variables);
    if (replaced == nullptr) return nullptr;
    elements.push_back(std::move(replaced));
  }
  return WithElements(type, std::move(elements));
}

std::vector<TypePtr> FlattenUnions(const std::vector<TypePtr>& types) {
  std::vector<TypePtr> flat;
  const auto add = [&](const TypePtr& type) {
    for (const TypePtr& have : flat) {
      if (Same(have, type)) return;
    }
    flat.push_back(type);
  };
  for (const TypePtr& type : types) {
    if (Is(type, TypeKind::kUnion)) {
      for (const TypePtr& member : type->elements()) add(member);
    } else if (Is(type, TypeKind::kOptional)) {
      for (const TypePtr& member : FlattenUnions({type->element()})) {
        add(member);
      }
      add(Type::None());
    } else {
      add(type);
    }
  }
  return flat;
}

TypePtr SubtractFromUnion(const TypePtr& type,
                          const std::vector<TypePtr>& members) {
  std::vector<TypePtr> rest;
  for (const TypePtr& member : FlattenUnions({type})) {
    const bool drop = std::any_of(
        members.begin(), members.end(),
        [&](const TypePtr& other) { return IsSubtype(member, other); });
    if (!drop) rest.push_back(member);
  }
  if (rest.empty()) return nullptr;
  if (rest.size() == 1) return rest[0];
  return Type::Union(std::move(rest));
}

}  // namespace tandem::script
