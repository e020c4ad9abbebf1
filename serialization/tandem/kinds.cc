#include "tandem/serialization/tandem/kinds.h"

#include <utility>

namespace tandem::model_file {
namespace {

using Format = format::Type;

constexpr std::pair<TypeKind, Format::Kind> kKinds[] = {
    {TypeKind::kAny, Format::ANY},
    {TypeKind::kTensor, Format::TENSOR},
    {TypeKind::kNumber, Format::NUMBER},
    {TypeKind::kInt, Format::INT},
    {TypeKind::kFloat, Format::FLOAT},
    {TypeKind::kComplex, Format::COMPLEX},
    {TypeKind::kBool, Format::BOOL},
    {TypeKind::kStr, Format::STR},
    {TypeKind::kNone, Format::NONE},
    {TypeKind::kDevice, Format::DEVICE},
    {TypeKind::kGenerator, Format::GENERATOR},
    {TypeKind::kStream, Format::STREAM},
    {TypeKind::kStorage, Format::STORAGE},
    {TypeKind::kCapsule, Format::CAPSULE},
    {TypeKind::kQScheme, Format::QSCHEME},
    {TypeKind::kScalarType, Format::SCALAR_TYPE},
    {TypeKind::kLayout, Format::LAYOUT},
    {TypeKind::kMemoryFormat, Format::MEMORY_FORMAT},
    {TypeKind::kAnyList, Format::ANY_LIST},
    {TypeKind::kAnyTuple, Format::ANY_TUPLE},
    {TypeKind::kAnyEnum, Format::ANY_ENUM},
    {TypeKind::kAnyClass, Format::ANY_CLASS},
    {TypeKind::kList, Format::LIST},
    {TypeKind::kOptional, Format::OPTIONAL},
    {TypeKind::kFuture, Format::FUTURE},
    {TypeKind::kAwait, Format::AWAIT},
    {TypeKind::kRRef, Format::RREF},
    {TypeKind::kDict, Format::DICT},
    {TypeKind::kTuple, Format::TUPLE},
    {TypeKind::kUnion, Format::UNION},
    {TypeKind::kFunction, Format::FUNCTION},
    {TypeKind::kEnum, Format::ENUM},
    {TypeKind::kClass, Format::CLASS},
    {TypeKind::kInterface, Format::INTERFACE},
};

}  // namespace

Format::Kind ToFormat(TypeKind kind) {
  for (const auto& [ours, theirs] : kKinds) {
    if (ours == kind) return theirs;
  }
  return Format::UNSPECIFIED;
}

std::optional<TypeKind> FromFormat(Format::Kind kind) {
  for (const auto& [ours, theirs] : kKinds) {
    if (theirs == kind) return ours;
  }
  return std::nullopt;
}

}  // namespace tandem::model_file
