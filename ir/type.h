// The types of TorchScript.
#ifndef TANDEM_IR_TYPE_H_
#define TANDEM_IR_TYPE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

class ClassType;
class EnumType;
class InterfaceType;
class TensorType;
class Type;
using TypePtr = std::shared_ptr<const Type>;

enum class TypeKind : uint8_t {
  kAny,
  kTensor,
  kNumber,  // Scalar: int, float or complex
  kInt,
  kFloat,
  kComplex,
  kBool,
  kStr,
  kNone,
  kDevice,
  kGenerator,
  kStream,
  kStorage,
  kCapsule,
  kQScheme,
  kScalarType,    // in schemas; programs see int
  kLayout,        // likewise
  kMemoryFormat,  // likewise
  kAnyList,
  kAnyTuple,
  kAnyEnum,
  kAnyClass,
  // with one element type
  kList,
  kOptional,
  kFuture,
  kAwait,
  kRRef,
  // with several
  kDict,  // key, value
  kTuple,
  kUnion,
  kFunction,
  // named
  kEnum,
  kClass,
  kInterface,
  kVar,  // type variable of a schema: t, tKey
};

// Immutable and shared; structural but for named types. Two types are equal by
// Equals(), never by pointer. Deep types are refused where they are read
// (at most 256 levels), so recursion over a type is bounded.
class Type : public std::enable_shared_from_this<Type> {
 public:
  virtual ~Type() = default;

  TypeKind kind() const { return kind_; }
  bool is(TypeKind k) const { return kind_ == k; }
  // Element types: List, Optional, Future … [element]; Dict [key, value];
  // Tuple and Union their members.
  absl::Span<const TypePtr> elements() const { return elements_; }
  const TypePtr& element(size_t i = 0) const { return elements_[i]; }
  // Qualified name ("__torch__.a.C") of class, enum, interface and NamedTuple;
  // name of a type variable; function name. Else empty.
  const std::string& name() const { return name_; }
  // Last part of the qualified name.
  absl::string_view base_name() const;
  // Field names: a NamedTuple has as many as elements, a plain tuple none.
  absl::Span<const std::string> field_names() const { return field_names_; }
  bool is_named_tuple() const {
    return kind_ == TypeKind::kTuple && !name_.empty();
  }
  bool contains_type_variable() const;

  const ClassType* AsClass() const;
  const EnumType* AsEnum() const;
  const InterfaceType* AsInterface() const;
  const TensorType* AsTensor() const;

  // Kinds without parts.
  static const TypePtr& Get(TypeKind kind);
  static const TypePtr& Any() { return Get(TypeKind::kAny); }
  static const TypePtr& Tensor();
  static const TypePtr& Int() { return Get(TypeKind::kInt); }
  static const TypePtr& Float() { return Get(TypeKind::kFloat); }
  static const TypePtr& Bool() { return Get(TypeKind::kBool); }
  static const TypePtr& Complex() { return Get(TypeKind::kComplex); }
  static const TypePtr& Number() { return Get(TypeKind::kNumber); }
  static const TypePtr& Str() { return Get(TypeKind::kStr); }
  static const TypePtr& None() { return Get(TypeKind::kNone); }
  static const TypePtr& Device() { return Get(TypeKind::kDevice); }

  static TypePtr List(TypePtr element);
  // Flattened: Optional of an Optional or of None is itself.
  static TypePtr Optional(TypePtr element);
  static TypePtr Future(TypePtr element);
  static TypePtr Await(TypePtr element);
  static TypePtr RRef(TypePtr element);
  static TypePtr Dict(TypePtr key, TypePtr value);
  static TypePtr Tuple(std::vector<TypePtr> elements);
  static TypePtr NamedTuple(std::string qualified_name,
                            std::vector<std::string> field_names,
                            std::vector<TypePtr> elements);
  // Flattened, subtypes merged: Union[T, None] becomes Optional[T], one member
  // itself, int+float+complex Number.
  static TypePtr Union(std::vector<TypePtr> members);
  static TypePtr Var(std::string name);
  static TypePtr FunctionNamed(std::string name);

  // Structural equality; a TensorType with details differs from one without.
  bool Equals(const Type& other) const;
  // T <: Optional[T], None <: Optional[T], members <: Union, List invariant,
  // Tuple covariant, module class <: interface, anything <: Any.
  // `why` (may be null) gets the reason of a failure where there is one to
  // tell.
  bool IsSubtypeOf(const Type& super, std::string* why = nullptr) const;
  // Optional, None, Any, or a Union with None.
  bool MayBeNone() const;

  // As printed in graphs: "int[]", "Dict(str, Tensor)", "Tensor?", "Float(2, 3,
  // …)".
  std::string ToString() const;
  // As written in code: "List[int]", "Dict[str, Tensor]", "Optional[Tensor]".
  std::string ToAnnotation() const;

 protected:
  explicit Type(TypeKind kind) : kind_(kind) {}
  struct Parts {
    std::vector<TypePtr> elements;
    std::string name;
    std::vector<std::string> field_names;
  };
  Type(TypeKind kind, Parts parts);
  static TypePtr Make(TypeKind kind, Parts parts);

  const TypeKind kind_;
  std::vector<TypePtr> elements_;
  std::string name_;
  std::vector<std::string> field_names_;
};

// Tensor, with what is known of it. All unknown is the plain Tensor.
class TensorType : public Type {
 public:
  struct Details {
    std::optional<DType> dtype;
    std::optional<tandem::Device> device;
    // Rank, where known; -1 for an unknown size or stride.
    std::optional<std::vector<int64_t>> sizes;
    std::optional<std::vector<int64_t>> strides;
    std::optional<bool> requires_grad;
    bool undefined = false;
  };
  static TypePtr Create(Details details);
  // The complete type of a value.
  static TypePtr Of(const tandem::Tensor& tensor);
  const Details& details() const { return details_; }
  // True of the plain Tensor alone.
  bool is_plain() const { return plain_; }
  // Printed as "Tensor (inferred)" in messages: a parameter without annotation.
  bool inferred() const { return inferred_; }
  static const TypePtr& Inferred();

 private:
  friend class Type;
  explicit TensorType(Details details, bool inferred = false);
  Details details_;
  bool plain_;
  bool inferred_;
};

}  // namespace tandem

#endif  // TANDEM_IR_TYPE_H_
