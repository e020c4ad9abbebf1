#include "tandem/ir/ivalue.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"

namespace tandem {

IValue::IValue(std::complex<double> c)
    : IValue(Tag::kComplex, MakeRef<ComplexObject>(c)) {}

IValue::IValue(std::string s)
    : IValue(Tag::kString, MakeRef<StringObject>(std::move(s))) {}

IValue::IValue(const Scalar& s) : IValue() {
  switch (s.kind()) {
    case Scalar::Kind::kBool:
      *this = IValue(s.ToBool());
      break;
    case Scalar::Kind::kInt:
      *this = IValue(s.ToInt());
      break;
    case Scalar::Kind::kDouble:
      *this = IValue(s.ToDouble());
      break;
    case Scalar::Kind::kComplex:
      *this = IValue(s.ToComplex());
      break;
  }
}

Scalar IValue::AsScalar() const {
  switch (tag_) {
    case Tag::kBool:
      return Scalar(AsBool());
    case Tag::kDouble:
      return Scalar(AsDouble());
    case Tag::kComplex:
      return Scalar(AsComplex());
    default:
      return Scalar(AsInt());
  }
}

bool IValue::Is(const IValue& o) const {
  if (tag_ != o.tag_) return false;
  switch (tag_) {
    case Tag::kNone:
      return true;
    case Tag::kBool:
    case Tag::kInt:
      return payload_.i == o.payload_.i;
    case Tag::kDouble:
      return payload_.d == o.payload_.d;
    case Tag::kDevice:
      return payload_.device == o.payload_.device;
    case Tag::kFunction:
      return payload_.function == o.payload_.function;
    case Tag::kString:
      return AsString() == o.AsString();
    default:  // members of an enum are objects, too: one made twice is not
              // itself
      return payload_.ref == o.payload_.ref;
  }
}

TypePtr IValue::TypeOf() const {
  switch (tag_) {
    case Tag::kNone:
      return Type::None();
    case Tag::kBool:
      return Type::Bool();
    case Tag::kInt:
      return Type::Int();
    case Tag::kDouble:
      return Type::Float();
    case Tag::kComplex:
      return Type::Complex();
    case Tag::kDevice:
      return Type::Device();
    case Tag::kFunction:
      return Type::Get(TypeKind::kFunction);
    case Tag::kTensor:
      return Type::Tensor();
    case Tag::kString:
      return Type::Str();
    case Tag::kList:
      return Type::List(AsList().element_type);
    case Tag::kDict:
      return Type::Dict(AsDict().key_type, AsDict().value_type);
    case Tag::kTuple: {
      if (AsTuple().type != nullptr) return AsTuple().type;
      std::vector<TypePtr> elements;
      for (const IValue& v : AsTuple().values) elements.push_back(v.TypeOf());
      return Type::Tuple(std::move(elements));
    }
    case Tag::kObject:
      return AsObject().type();
    case Tag::kEnum:
      return AsEnum().type;
    case Tag::kFuture:
      return Type::Future(AsFuture().element_type);
    case Tag::kGenerator:
      return Type::Get(TypeKind::kGenerator);
    case Tag::kOpaque:
      return Type::Get(TypeKind::kCapsule);
  }
  return Type::Any();
}

bool IValue::Conforms(const Type& type) const {
  switch (type.kind()) {
    case TypeKind::kAny:
      return true;
    case TypeKind::kOptional:
      return is_none() || Conforms(*type.element());
    case TypeKind::kUnion:
      for (const TypePtr& m : type.elements()) {
        if (Conforms(*m)) return true;
      }
      return false;
    case TypeKind::kTensor:
      return is_tensor();
    case TypeKind::kNumber:
      return is_number();
    case TypeKind::kInt:
    case TypeKind::kScalarType:
    case TypeKind::kLayout:
    case TypeKind::kMemoryFormat:
    case TypeKind::kQScheme:
      return is_int();
    case TypeKind::kTuple: {
      if (!is_tuple() || AsTuple().values.size() != type.elements().size()) {
        return false;
      }
      for (size_t i = 0; i < type.elements().size(); ++i) {
        if (!AsTuple().values[i].Conforms(*type.element(i))) return false;
      }
      return true;
    }
    case TypeKind::kList:
      return is_list() && (AsList().element_type->Equals(*type.element()) ||
                           AsList().element_type->IsSubtypeOf(*type.element()));
    case TypeKind::kDict:
      return is_dict() && AsDict().key_type->Equals(*type.element(0)) &&
             (AsDict().value_type->Equals(*type.element(1)) ||
              AsDict().value_type->IsSubtypeOf(*type.element(1)));
    case TypeKind::kAnyList:
      return is_list();
    case TypeKind::kAnyTuple:
      return is_tuple();
    case TypeKind::kAnyEnum:
      return is_enum();
    case TypeKind::kAnyClass:
      return is_object();
    case TypeKind::kClass:
      if (is_opaque()) return AsOpaque().qualified_name == type.name();
      return is_object() && AsObject().type()->Equals(type);
    case TypeKind::kInterface:
      return is_object() && AsObject().type()->IsSubtypeOf(type);
    case TypeKind::kFuture:
      return is_future();
    case TypeKind::kCapsule:
      return is_opaque();
    case TypeKind::kGenerator:
      return is_generator();
    default:
      return TypeOf()->IsSubtypeOf(type);
  }
}

namespace {

bool ListsEqual(const std::vector<IValue>& a, const std::vector<IValue>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!Equal(a[i], b[i])) return false;
  }
  return true;
}

bool DictsEqual(DictObject& a, DictObject& b) {
  if (a.size() != b.size()) return false;
  bool equal = true;
  a.ForEach([&](const IValue& key, const IValue& value) {
    const IValue* other = equal ? b.Find(key) : nullptr;
    equal = other != nullptr && Equal(value, *other);
  });
  return equal;
}

}  // namespace

bool Equal(const IValue& a, const IValue& b) {
  if (a.is_scalar() && b.is_scalar()) return a.AsScalar().Equals(b.AsScalar());
  if (a.tag() != b.tag()) return false;
  switch (a.tag()) {
    case IValue::Tag::kString:
      return a.AsString() == b.AsString();
    case IValue::Tag::kList:
      return ListsEqual(a.AsList().values, b.AsList().values);
    case IValue::Tag::kTuple:
      return ListsEqual(a.AsTuple().values, b.AsTuple().values);
    case IValue::Tag::kDict:
      return DictsEqual(a.AsDict(), b.AsDict());
    case IValue::Tag::kEnum:
      return a.AsEnum().type->Equals(*b.AsEnum().type) &&
             a.AsEnum().name == b.AsEnum().name;
    default:
      return a.Is(b);
  }
}

size_t DictObject::KeyHash::operator()(const IValue& key) const {
  switch (key.tag()) {
    case IValue::Tag::kString:
      return absl::HashOf(key.AsString());
    case IValue::Tag::kComplex:
      // Equal numbers hash alike, whatever their types.
      if (key.AsComplex().imag() == 0) {
        return absl::HashOf(key.AsComplex().real());
      }
      return absl::HashOf(key.AsComplex().real(), key.AsComplex().imag());
    case IValue::Tag::kTensor:
      return absl::HashOf(static_cast<const void*>(key.AsTensor().impl()));
    case IValue::Tag::kBool:
    case IValue::Tag::kInt:
      return absl::HashOf(static_cast<double>(key.AsInt()));
    default:
      return absl::HashOf(key.is_double() && !std::isnan(key.AsDouble())
                              ? key.AsDouble()
                              : 0.0);
  }
}

bool DictObject::KeyEq::operator()(const IValue& a, const IValue& b) const {
  if (Equal(a, b)) return true;
  // A table needs keys that equal themselves.
  if (a.is_double() && b.is_double()) {
    return std::isnan(a.AsDouble()) && std::isnan(b.AsDouble());
  }
  if (!a.is_complex() || !b.is_complex()) return false;
  const std::complex<double> x = a.AsComplex(), y = b.AsComplex();
  return std::memcmp(&x, &y, sizeof(x)) == 0;
}

IValue* DictObject::Find(const IValue& key) {
  const auto it = index_.find(key);
  return it == index_.end() ? nullptr : &entries_[it->second].value;
}

void DictObject::Set(IValue key, IValue value) {
  const auto [it, inserted] = index_.try_emplace(key, entries_.size());
  if (!inserted) {
    entries_[it->second].value = std::move(value);
    return;
  }
  entries_.push_back(Entry{std::move(key), std::move(value), true});
  ++live_;
}

bool DictObject::Erase(const IValue& key) {
  const auto it = index_.find(key);
  if (it == index_.end()) return false;
  Entry& entry = entries_[it->second];
  index_.erase(it);
  entry.live = false;
  entry.key.Reset();
  entry.value.Reset();
  --live_;
  if (entries_.size() > 32 && live_ < entries_.size() / 2) Compact();
  return true;
}

void DictObject::Compact() {
  size_t to = 0;
  for (size_t from = 0; from < entries_.size(); ++from) {
    if (!entries_[from].live) continue;
    index_[entries_[from].key] = to;
    if (to != from) entries_[to] = std::move(entries_[from]);
    entries_[to].live = true;
    ++to;
  }
  entries_.resize(to);
}

void DictObject::Clear() {
  entries_.clear();
  index_.clear();
  live_ = 0;
}

std::vector<std::pair<IValue, IValue>> DictObject::Items() const {
  std::vector<std::pair<IValue, IValue>> items;
  items.reserve(live_);
  ForEach([&](const IValue& k, const IValue& v) { items.emplace_back(k, v); });
  return items;
}

ModuleObject::ModuleObject(std::shared_ptr<const ClassType> type)
    : type_(std::move(type)), slots_(type_->attributes().size()) {}

absl::StatusOr<IValue> ModuleObject::GetAttribute(
    absl::string_view name) const {
  const std::optional<size_t> slot = type_->FindAttribute(name);
  if (!slot.has_value()) {
    return absl::NotFoundError(
        absl::StrCat("'", type_->name(), "' has no attribute '", name, "'"));
  }
  return Get(*slot);
}

absl::Status ModuleObject::SetAttribute(absl::string_view name, IValue value) {
  const std::optional<size_t> slot = type_->FindAttribute(name);
  if (!slot.has_value()) {
    return absl::NotFoundError(
        absl::StrCat("'", type_->name(), "' has no attribute '", name, "'"));
  }
  const Type& type = *type_->attributes()[*slot].type;
  if (!value.Conforms(type)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "attribute '", name, "' of '", type_->name(), "' is a ",
        type.ToAnnotation(), ", not a ", value.TypeOf()->ToAnnotation()));
  }
  Set(*slot, std::move(value));
  return absl::OkStatus();
}

bool FutureObject::ready() const {
  absl::MutexLock lock(&mutex_);
  return done_;
}

void FutureObject::Complete(absl::StatusOr<IValue> result) {
  absl::MutexLock lock(&mutex_);
  result_ = std::move(result);
  done_ = true;
}

absl::StatusOr<IValue> FutureObject::Wait() {
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&done_));
  return result_;
}

Ref<ListObject> MakeList(TypePtr element, std::vector<IValue> values) {
  return MakeRef<ListObject>(std::move(element), std::move(values));
}

Ref<ListObject> MakeIntList(absl::Span<const int64_t> values) {
  return MakeList(Type::Int(),
                  std::vector<IValue>(values.begin(), values.end()));
}

Ref<ListObject> MakeTensorList(absl::Span<const Tensor> values) {
  return MakeList(Type::Tensor(),
                  std::vector<IValue>(values.begin(), values.end()));
}

Ref<TupleObject> MakeTuple(std::vector<IValue> values) {
  return MakeRef<TupleObject>(std::move(values));
}

Ref<DictObject> MakeDict(TypePtr key, TypePtr value) {
  return MakeRef<DictObject>(std::move(key), std::move(value));
}

}  // namespace tandem
