#include "tandem/ir/type.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"

namespace tandem {
namespace {

using Kind = TypeKind;

constexpr size_t kNumKinds = static_cast<size_t>(Kind::kVar) + 1;

// Flattens nested Optionals and Unions into members, None included.
void Flatten(const TypePtr& t, std::vector<TypePtr>* out) {
  switch (t->kind()) {
    case Kind::kUnion:
      for (const TypePtr& m : t->elements()) Flatten(m, out);
      return;
    case Kind::kOptional:
      Flatten(t->element(), out);
      Flatten(Type::None(), out);
      return;
    default:
      for (const TypePtr& m : *out) {
        if (t->IsSubtypeOf(*m)) return;
      }
      for (TypePtr& m : *out) {
        if (m->IsSubtypeOf(*t)) {
          m = t;
          return;
        }
      }
      out->push_back(t);
  }
}

bool Contains(absl::Span<const TypePtr> members, Kind kind) {
  for (const TypePtr& m : members) {
    if (m->is(kind)) return true;
  }
  return false;
}

bool IsNumberLike(Kind k) {
  return k == Kind::kInt || k == Kind::kFloat || k == Kind::kComplex ||
         k == Kind::kNumber;
}

bool IsIntAlias(Kind k) {
  return k == Kind::kScalarType || k == Kind::kLayout ||
         k == Kind::kMemoryFormat || k == Kind::kQScheme;
}

// The place of a kind among a Union's members.
int UnionRank(Kind k) {
  constexpr Kind kOrder[] = {
      Kind::kAny,        Kind::kEnum,      Kind::kAnyEnum,      Kind::kTensor,
      Kind::kStorage,    Kind::kTuple,     Kind::kList,         Kind::kDict,
      Kind::kNumber,     Kind::kFloat,     Kind::kComplex,      Kind::kFuture,
      Kind::kAwait,      Kind::kRRef,      Kind::kInt,          Kind::kNone,
      Kind::kStr,        Kind::kGenerator, Kind::kBool,         Kind::kOptional,
      Kind::kVar,        Kind::kDevice,    Kind::kStream,       Kind::kFunction,
      Kind::kClass,      Kind::kCapsule,   Kind::kInterface,    Kind::kQScheme,
      Kind::kScalarType, Kind::kLayout,    Kind::kMemoryFormat, Kind::kAnyList,
      Kind::kAnyTuple,   Kind::kAnyClass,  Kind::kUnion,
  };
  int rank = 0;
  for (const Kind other : kOrder) {
    if (other == k) break;
    ++rank;
  }
  return rank;
}

void Say(std::string* why, std::string text) {
  if (why != nullptr) *why = std::move(text);
}

bool ImplementsMethods(const ClassType& c, const InterfaceType& interface,
                       std::string* why);

// An interface may name itself in its methods: a pair that is being compared
// further up fits if all else does.
struct OpenPair {
  const ClassType* c;
  const InterfaceType* interface;
  const OpenPair* up;
};
thread_local const OpenPair* open_pairs = nullptr;

bool ImplementsInterface(const ClassType& c, const InterfaceType& interface,
                         std::string* why) {
  for (const OpenPair* p = open_pairs; p != nullptr; p = p->up) {
    if (p->c == &c && p->interface == &interface) return true;
  }
  const OpenPair pair{&c, &interface, open_pairs};
  open_pairs = &pair;
  const bool fits = ImplementsMethods(c, interface, why);
  open_pairs = pair.up;
  return fits;
}

bool ImplementsMethods(const ClassType& c, const InterfaceType& interface,
                       std::string* why) {
  if (interface.is_module() != c.is_module()) {
    Say(why, absl::StrCat("Interface '", interface.name(), "' is ",
                          interface.is_module() ? "" : "not ",
                          "a module interface, class '", c.name(), "' is ",
                          c.is_module() ? "" : "not ", "a module"));
    return false;
  }
  for (const FunctionSchema& wanted : interface.methods()) {
    Function* method = c.FindMethod(wanted.name);
    if (method == nullptr) {
      Say(why,
          absl::StrCat("Class '", c.name(), "' does not have method '",
                       wanted.name, "' but '", interface.name(), "' does."));
      return false;
    }
    if (!method->EnsureDefined().ok()) return false;
    const FunctionSchema& have = method->schema();
    bool fits = have.arguments.size() == wanted.arguments.size() &&
                have.returns.size() == wanted.returns.size();
    // Parameters contravariant, results covariant; self aside.
    for (size_t i = 1; fits && i < have.arguments.size(); ++i) {
      fits = wanted.arguments[i].type->IsSubtypeOf(*have.arguments[i].type) &&
             wanted.arguments[i].name == have.arguments[i].name;
    }
    for (size_t i = 0; fits && i < have.returns.size(); ++i) {
      fits = have.returns[i].type->IsSubtypeOf(*wanted.returns[i].type);
    }
    if (!fits) {
      Say(why, absl::StrCat("Method on class '", c.name(),
                            "' (1) is not compatible with interface '",
                            interface.name(), "' (2)\n  (1) ", have.ToString(),
                            "\n  (2) ", wanted.ToString()));
      return false;
    }
  }
  return true;
}

bool TensorSubtype(const TensorType::Details& a, const TensorType::Details& b) {
  const auto fits = [](const auto& x, const auto& y) {
    return !y.has_value() || (x.has_value() && *x == *y);
  };
  return fits(a.dtype, b.dtype) && fits(a.device, b.device) &&
         fits(a.sizes, b.sizes) && fits(a.strides, b.strides) &&
         fits(a.requires_grad, b.requires_grad);
}

}  // namespace

Type::Type(TypeKind kind, Parts parts)
    : kind_(kind),
      elements_(std::move(parts.elements)),
      name_(std::move(parts.name)),
      field_names_(std::move(parts.field_names)) {}

TypePtr Type::Make(TypeKind kind, Parts parts) {
  return std::shared_ptr<const Type>(new Type(kind, std::move(parts)));
}

absl::string_view Type::base_name() const {
  const size_t dot = name_.rfind('.');
  return dot == std::string::npos ? absl::string_view(name_)
                                  : absl::string_view(name_).substr(dot + 1);
}

bool Type::contains_type_variable() const {
  if (kind_ == Kind::kVar) return true;
  for (const TypePtr& e : elements_) {
    if (e->contains_type_variable()) return true;
  }
  return false;
}

const ClassType* Type::AsClass() const {
  return is(Kind::kClass) ? static_cast<const ClassType*>(this) : nullptr;
}
const EnumType* Type::AsEnum() const {
  return is(Kind::kEnum) ? static_cast<const EnumType*>(this) : nullptr;
}
const InterfaceType* Type::AsInterface() const {
  return is(Kind::kInterface) ? static_cast<const InterfaceType*>(this)
                              : nullptr;
}
const TensorType* Type::AsTensor() const {
  return is(Kind::kTensor) ? static_cast<const TensorType*>(this) : nullptr;
}

const TypePtr& Type::Get(TypeKind kind) {
  static const auto* const kTypes = [] {
    auto* types = new std::array<TypePtr, kNumKinds>();
    for (size_t k = 0; k < kNumKinds; ++k) {
      const auto kind = static_cast<Kind>(k);
      (*types)[k] =
          kind == Kind::kTensor ? TensorType::Create({}) : Make(kind, {});
    }
    return types;
  }();
  return (*kTypes)[static_cast<size_t>(kind)];
}

const TypePtr& Type::Tensor() { return Get(Kind::kTensor); }

TypePtr Type::List(TypePtr element) {
  return Make(Kind::kList, {{std::move(element)}, {}, {}});
}

TypePtr Type::Optional(TypePtr element) {
  if (element->is(Kind::kOptional) || element->is(Kind::kNone)) return element;
  if (element->is(Kind::kUnion)) {
    if (Contains(element->elements(), Kind::kNone)) return element;
    return Union({element, None()});
  }
  return Make(Kind::kOptional, {{std::move(element)}, {}, {}});
}

TypePtr Type::Future(TypePtr element) {
  return Make(Kind::kFuture, {{std::move(element)}, {}, {}});
}
TypePtr Type::Await(TypePtr element) {
  return Make(Kind::kAwait, {{std::move(element)}, {}, {}});
}
TypePtr Type::RRef(TypePtr element) {
  return Make(Kind::kRRef, {{std::move(element)}, {}, {}});
}
TypePtr Type::Dict(TypePtr key, TypePtr value) {
  return Make(Kind::kDict, {{std::move(key), std::move(value)}, {}, {}});
}
TypePtr Type::Tuple(std::vector<TypePtr> elements) {
  return Make(Kind::kTuple, {std::move(elements), {}, {}});
}
TypePtr Type::NamedTuple(std::string qualified_name,
                         std::vector<std::string> field_names,
                         std::vector<TypePtr> elements) {
  return Make(Kind::kTuple, {std::move(elements), std::move(qualified_name),
                             std::move(field_names)});
}
TypePtr Type::Var(std::string name) {
  return Make(Kind::kVar, {{}, std::move(name), {}});
}
TypePtr Type::FunctionNamed(std::string name) {
  return Make(Kind::kFunction, {{}, std::move(name), {}});
}

TypePtr Type::Union(std::vector<TypePtr> members) {
  std::vector<TypePtr> flat;
  for (const TypePtr& m : members) Flatten(m, &flat);
  if (Contains(flat, Kind::kInt) && Contains(flat, Kind::kFloat) &&
      Contains(flat, Kind::kComplex)) {
    // All three numbers are Scalar, which takes the place of the first.
    std::vector<TypePtr> merged;
    bool done = false;
    for (const TypePtr& m : flat) {
      if (!IsNumberLike(m->kind())) {
        merged.push_back(m);
      } else if (!done) {
        merged.push_back(Number());
        done = true;
      }
    }
    flat = std::move(merged);
  }
  // In PyTorch's order of kinds, then by text, whatever order they come in.
  std::stable_sort(flat.begin(), flat.end(),
                   [](const TypePtr& a, const TypePtr& b) {
                     const int x = UnionRank(a->kind());
                     const int y = UnionRank(b->kind());
                     return x != y ? x < y : a->ToString() < b->ToString();
                   });
  if (flat.size() == 1) return flat[0];
  if (flat.size() == 2) {
    if (flat[0]->is(Kind::kNone)) return Optional(flat[1]);
    if (flat[1]->is(Kind::kNone)) return Optional(flat[0]);
  }
  return Make(Kind::kUnion, {std::move(flat), {}, {}});
}

bool Type::Equals(const Type& other) const {
  if (this == &other) return true;
  if (kind_ != other.kind_) return false;
  switch (kind_) {
    case Kind::kTensor: {
      const auto& a = AsTensor()->details();
      const auto& b = other.AsTensor()->details();
      return a.dtype == b.dtype && a.device == b.device && a.sizes == b.sizes &&
             a.strides == b.strides && a.requires_grad == b.requires_grad &&
             a.undefined == b.undefined;
    }
    case Kind::kClass:
      // Two loads of one archive have classes of the same name.
      return name_ == other.name_ &&
             AsClass()->unit() == other.AsClass()->unit();
    case Kind::kEnum:
    case Kind::kInterface:
    case Kind::kFunction:
    case Kind::kVar:
      return name_ == other.name_;
    case Kind::kUnion: {
      if (elements_.size() != other.elements_.size()) return false;
      for (const TypePtr& m : elements_) {
        bool found = false;
        for (const TypePtr& o : other.elements_) found = found || m->Equals(*o);
        if (!found) return false;
      }
      return true;
    }
    default:
      break;
  }
  if (name_ != other.name_ || elements_.size() != other.elements_.size() ||
      field_names_ != other.field_names_) {
    return false;
  }
  for (size_t i = 0; i < elements_.size(); ++i) {
    if (!elements_[i]->Equals(*other.elements_[i])) return false;
  }
  return true;
}

bool Type::IsSubtypeOf(const Type& super, std::string* why) const {
  if (this == &super || super.is(Kind::kAny)) return true;
  // A union fits where each of its members does.
  if (kind_ == Kind::kUnion) {
    for (const TypePtr& m : elements_) {
      if (!m->IsSubtypeOf(super, why)) return false;
    }
    return true;
  }
  if (kind_ == Kind::kOptional) {
    if (super.is(Kind::kOptional)) {
      return element()->IsSubtypeOf(*super.element(), why);
    }
    if (!super.is(Kind::kUnion)) return false;
    return None()->IsSubtypeOf(super) && element()->IsSubtypeOf(super, why);
  }
  switch (super.kind()) {
    case Kind::kOptional:
      return kind_ == Kind::kNone || IsSubtypeOf(*super.element(), why);
    case Kind::kUnion:
      for (const TypePtr& m : super.elements()) {
        if (IsSubtypeOf(*m)) return true;
      }
      return false;
    case Kind::kNumber:
      return IsNumberLike(kind_);
    case Kind::kInt:
      return kind_ == Kind::kInt || IsIntAlias(kind_);
    case Kind::kScalarType:
    case Kind::kLayout:
    case Kind::kMemoryFormat:
    case Kind::kQScheme:
      // Programs have ints for them.
      return kind_ == Kind::kInt || kind_ == super.kind();
    case Kind::kAnyList:
      return kind_ == Kind::kList || kind_ == Kind::kAnyList;
    case Kind::kAnyTuple:
      return kind_ == Kind::kTuple || kind_ == Kind::kAnyTuple;
    case Kind::kAnyEnum:
      return kind_ == Kind::kEnum || kind_ == Kind::kAnyEnum;
    case Kind::kAnyClass:
      return kind_ == Kind::kClass || kind_ == Kind::kAnyClass;
    case Kind::kTensor:
      return kind_ == Kind::kTensor &&
             TensorSubtype(AsTensor()->details(), super.AsTensor()->details());
    case Kind::kInterface: {
      const InterfaceType& interface = *super.AsInterface();
      if (kind_ == Kind::kClass)
        return ImplementsInterface(*AsClass(), interface, why);
      if (kind_ != Kind::kInterface) return false;
      for (const FunctionSchema& m : interface.methods()) {
        if (AsInterface()->FindMethod(m.name) == nullptr) return false;
      }
      return true;
    }
    case Kind::kTuple: {
      if (kind_ != Kind::kTuple ||
          elements_.size() != super.elements().size()) {
        return false;
      }
      if (super.is_named_tuple() &&
          (!is_named_tuple() ||
           !std::equal(field_names_.begin(), field_names_.end(),
                       super.field_names_.begin(), super.field_names_.end()))) {
        return false;
      }
      for (size_t i = 0; i < elements_.size(); ++i) {
        if (!elements_[i]->IsSubtypeOf(*super.element(i), why)) return false;
      }
      return true;
    }
    case Kind::kFuture:
    case Kind::kAwait:
    case Kind::kRRef:
      return kind_ == super.kind() &&
             element()->IsSubtypeOf(*super.element(), why);
    case Kind::kList:
      // Details of tensors do not count inside lists.
      if (kind_ == Kind::kList && element()->is(Kind::kTensor) &&
          super.element()->is(Kind::kTensor)) {
        return true;
      }
      return Equals(super);
    default:
      return Equals(super);
  }
}

bool Type::MayBeNone() const {
  return is(Kind::kOptional) || is(Kind::kNone) || is(Kind::kAny) ||
         (is(Kind::kUnion) && Contains(elements_, Kind::kNone));
}

TensorType::TensorType(Details details, bool inferred)
    : Type(Kind::kTensor), details_(std::move(details)), inferred_(inferred) {
  plain_ = !details_.dtype.has_value() && !details_.device.has_value() &&
           !details_.sizes.has_value() && !details_.strides.has_value() &&
           !details_.requires_grad.has_value() && !details_.undefined;
}

TypePtr TensorType::Create(Details details) {
  return std::shared_ptr<const Type>(new TensorType(std::move(details)));
}

TypePtr TensorType::Of(const tandem::Tensor& t) {
  Details d;
  if (!t.defined()) {
    d.undefined = true;
    return Create(std::move(d));
  }
  d.dtype = t.dtype();
  d.device = t.device();
  d.sizes.emplace(t.sizes().begin(), t.sizes().end());
  d.strides.emplace(t.strides().begin(), t.strides().end());
  d.requires_grad = t.requires_grad();
  return Create(std::move(d));
}

const TypePtr& TensorType::Inferred() {
  static const TypePtr* const kType =
      new TypePtr(std::shared_ptr<const Type>(new TensorType({}, true)));
  return *kType;
}

}  // namespace tandem
