#include "tandem/tensor/dtype.h"

#include <array>

namespace tandem {
namespace {

struct Info {
  absl::string_view type_name;
  absl::string_view python_name;
  uint8_t size;
  DTypeCategory category;
};

using C = DTypeCategory;

constexpr std::array<Info, kNumDTypes> kInfo = {{
    {"Byte", "uint8", 1, C::kInteger},
    {"Char", "int8", 1, C::kInteger},
    {"Short", "int16", 2, C::kInteger},
    {"Int", "int32", 4, C::kInteger},
    {"Long", "int64", 8, C::kInteger},
    {"Half", "float16", 2, C::kFloat},
    {"Float", "float32", 4, C::kFloat},
    {"Double", "float64", 8, C::kFloat},
    {"ComplexHalf", "complex32", 4, C::kComplex},
    {"ComplexFloat", "complex64", 8, C::kComplex},
    {"ComplexDouble", "complex128", 16, C::kComplex},
    {"Bool", "bool", 1, C::kBool},
    {"QInt8", "qint8", 1, C::kOther},
    {"QUInt8", "quint8", 1, C::kOther},
    {"QInt32", "qint32", 4, C::kOther},
    {"BFloat16", "bfloat16", 2, C::kFloat},
    {"QUInt4x2", "quint4x2", 1, C::kOther},
    {"QUInt2x4", "quint2x4", 1, C::kOther},
    {"Bits1x8", "bits1x8", 1, C::kOther},
    {"Bits2x4", "bits2x4", 1, C::kOther},
    {"Bits4x2", "bits4x2", 1, C::kOther},
    {"Bits8", "bits8", 1, C::kOther},
    {"Bits16", "bits16", 2, C::kOther},
    {"Float8_e5m2", "float8_e5m2", 1, C::kFloat},
    {"Float8_e4m3fn", "float8_e4m3fn", 1, C::kFloat},
    {"Float8_e5m2fnuz", "float8_e5m2fnuz", 1, C::kFloat},
    {"Float8_e4m3fnuz", "float8_e4m3fnuz", 1, C::kFloat},
    {"UInt16", "uint16", 2, C::kInteger},
    {"UInt32", "uint32", 4, C::kInteger},
    {"UInt64", "uint64", 8, C::kInteger},
    {"UInt1", "uint1", 1, C::kOther},
    {"UInt2", "uint2", 1, C::kOther},
    {"UInt3", "uint3", 1, C::kOther},
    {"UInt4", "uint4", 1, C::kOther},
    {"UInt5", "uint5", 1, C::kOther},
    {"UInt6", "uint6", 1, C::kOther},
    {"UInt7", "uint7", 1, C::kOther},
    {"Int1", "int1", 1, C::kOther},
    {"Int2", "int2", 1, C::kOther},
    {"Int3", "int3", 1, C::kOther},
    {"Int4", "int4", 1, C::kOther},
    {"Int5", "int5", 1, C::kOther},
    {"Int6", "int6", 1, C::kOther},
    {"Int7", "int7", 1, C::kOther},
    {"Float8_e8m0fnu", "float8_e8m0fnu", 1, C::kFloat},
    {"Float4_e2m1fn_x2", "float4_e2m1fn_x2", 1, C::kOther},
    {"BComplex32", "bcomplex32", 4, C::kOther},
}};

constexpr bool SizesAgree() {
  if (sizeof(dtype_internal::kElementSizes) != kNumDTypes) return false;
  for (int i = 0; i < kNumDTypes; ++i) {
    if (dtype_internal::kElementSizes[i] != kInfo[i].size) return false;
  }
  return true;
}
static_assert(SizesAgree());

struct Synonym {
  absl::string_view name;
  DType dtype;
};

constexpr Synonym kSynonyms[] = {
    {"float", DType::kFloat},
    {"double", DType::kDouble},
    {"half", DType::kHalf},
    {"short", DType::kInt16},
    {"int", DType::kInt32},
    {"long", DType::kInt64},
    {"chalf", DType::kComplexHalf},
    {"cfloat", DType::kComplexFloat},
    {"cdouble", DType::kComplexDouble},
};

bool IsValid(DType d) {
  return static_cast<int>(d) >= 0 && static_cast<int>(d) < kNumDTypes;
}

const Info& Get(DType d) { return kInfo[static_cast<size_t>(d)]; }

bool IsFloat8(DType d) {
  return d == DType::kFloat8E5M2 || d == DType::kFloat8E4M3FN ||
         d == DType::kFloat8E5M2FNUZ || d == DType::kFloat8E4M3FNUZ ||
         d == DType::kFloat8E8M0FNU;
}

// uint16, uint32, uint64: PyTorch mixes them only with themselves and floats.
bool IsBareboneUnsigned(DType d) {
  return d == DType::kUInt16 || d == DType::kUInt32 || d == DType::kUInt64;
}

// Width order inside the old integers: uint8 and int8 have no order.
int IntegerRank(DType d) {
  switch (d) {
    case DType::kUInt8:
    case DType::kInt8:
      return 1;
    case DType::kInt16:
      return 2;
    case DType::kInt32:
      return 3;
    default:
      return 4;
  }
}

DType PromoteFloats(DType a, DType b) {
  const auto rank = [](DType d) {
    return d == DType::kDouble ? 3 : d == DType::kFloat ? 2 : 1;
  };
  if (rank(a) == 1 && rank(b) == 1) return DType::kFloat;  // half, bfloat16
  return rank(a) > rank(b) ? a : b;
}

}  // namespace

absl::string_view TypeName(DType dtype) {
  return IsValid(dtype) ? Get(dtype).type_name : "Undefined";
}

absl::string_view PythonName(DType dtype) {
  return IsValid(dtype) ? Get(dtype).python_name : "undefined";
}

std::optional<DType> DTypeFromTypeName(absl::string_view name) {
  for (int i = 0; i < kNumDTypes; ++i) {
    if (kInfo[i].type_name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

std::optional<DType> DTypeFromPythonName(absl::string_view name) {
  for (int i = 0; i < kNumDTypes; ++i) {
    if (kInfo[i].python_name == name) return static_cast<DType>(i);
  }
  for (const Synonym& s : kSynonyms) {
    if (s.name == name) return s.dtype;
  }
  return std::nullopt;
}

std::optional<DType> DTypeFromInt(int64_t code) {
  if (code < 0 || code >= kNumDTypes) return std::nullopt;
  return static_cast<DType>(code);
}

DTypeCategory CategoryOf(DType dtype) {
  return IsValid(dtype) ? Get(dtype).category : DTypeCategory::kOther;
}

bool IsFloatingPoint(DType dtype) {
  return CategoryOf(dtype) == DTypeCategory::kFloat;
}

bool IsComplex(DType dtype) {
  return CategoryOf(dtype) == DTypeCategory::kComplex;
}

bool IsIntegral(DType dtype, bool include_bool) {
  return CategoryOf(dtype) == DTypeCategory::kInteger ||
         (include_bool && dtype == DType::kBool);
}

bool IsQuantized(DType dtype) {
  return dtype == DType::kQInt8 || dtype == DType::kQUInt8 ||
         dtype == DType::kQInt32 || dtype == DType::kQUInt4x2 ||
         dtype == DType::kQUInt2x4;
}

bool IsSigned(DType dtype) {
  return dtype != DType::kBool && dtype != DType::kUInt8 &&
         !IsBareboneUnsigned(dtype);
}

DType ToComplex(DType real) {
  switch (real) {
    case DType::kHalf:
      return DType::kComplexHalf;
    case DType::kDouble:
      return DType::kComplexDouble;
    default:
      return IsComplex(real) ? real : DType::kComplexFloat;
  }
}

DType ToReal(DType complex) {
  switch (complex) {
    case DType::kComplexHalf:
      return DType::kHalf;
    case DType::kComplexFloat:
      return DType::kFloat;
    case DType::kComplexDouble:
      return DType::kDouble;
    default:
      return complex;
  }
}

DType PromoteTypes(DType a, DType b) {
  if (a == b) return a;
  const DTypeCategory ca = CategoryOf(a), cb = CategoryOf(b);
  if (ca == C::kOther || cb == C::kOther) return DType::kUndefined;
  if (IsFloat8(a) || IsFloat8(b)) {
    if (a == DType::kBool || ca == C::kInteger) return b;
    if (b == DType::kBool || cb == C::kInteger) return a;
    return DType::kUndefined;
  }
  if (ca == C::kComplex || cb == C::kComplex) {
    const DType fa = ToReal(a), fb = ToReal(b);
    if (ca != C::kComplex && ca != C::kFloat) return b;
    if (cb != C::kComplex && cb != C::kFloat) return a;
    // bfloat16 has no complex of its own: complex64.
    return ToComplex(PromoteTypes(fa, fb));
  }
  if (ca == C::kFloat && cb == C::kFloat) return PromoteFloats(a, b);
  if (ca == C::kFloat) return a;
  if (cb == C::kFloat) return b;
  if (ca == C::kBool) return b;
  if (cb == C::kBool) return a;
  if (IsBareboneUnsigned(a) || IsBareboneUnsigned(b)) {
    // uint8 widens into them, signed types do not mix.
    if (IsBareboneUnsigned(a) && IsBareboneUnsigned(b)) {
      return ElementSize(a) > ElementSize(b) ? a : b;
    }
    if (a == DType::kUInt8) return b;
    if (b == DType::kUInt8) return a;
    return DType::kUndefined;
  }
  const int ra = IntegerRank(a), rb = IntegerRank(b);
  if (ra == 1 && rb == 1) return DType::kInt16;  // uint8 with int8
  return ra > rb ? a : b;
}

bool CanCast(DType from, DType to) {
  const DTypeCategory cf = CategoryOf(from), ct = CategoryOf(to);
  if (cf == C::kOther || ct == C::kOther) return from == to;
  if (cf == C::kComplex && ct != C::kComplex) return false;
  if (cf == C::kFloat && (ct == C::kInteger || ct == C::kBool)) return false;
  if (cf == C::kInteger && ct == C::kBool) return false;
  return true;
}

}  // namespace tandem
