#include "tandem/backends/reference/matching.h"

#include <vector>

#include "absl/strings/str_cat.h"

namespace tandem::reference {
namespace {

bool Fits(ParameterKind kind, const Type& t) {
  const bool optional = t.is(TypeKind::kOptional);
  const Type& e = optional ? *t.element() : t;
  switch (kind) {
    case ParameterKind::kTensor:
      return e.is(TypeKind::kTensor);
    case ParameterKind::kScalar:
      return !optional && e.is(TypeKind::kNumber);
    case ParameterKind::kOptionalScalar:
      return optional && e.is(TypeKind::kNumber);
    case ParameterKind::kInt:
      return !optional && e.is(TypeKind::kInt);
    case ParameterKind::kOptionalInt:
      return optional && e.is(TypeKind::kInt);
    case ParameterKind::kDouble:
      return !optional && e.is(TypeKind::kFloat);
    case ParameterKind::kOptionalDouble:
      return optional && e.is(TypeKind::kFloat);
    case ParameterKind::kBool:
      return !optional && e.is(TypeKind::kBool);
    case ParameterKind::kOptionalDType:
      return optional && e.is(TypeKind::kScalarType);
    case ParameterKind::kString:
      return !optional && e.is(TypeKind::kStr);
    case ParameterKind::kOptionalString:
      return optional && e.is(TypeKind::kStr);
    case ParameterKind::kGenerator:
      return e.is(TypeKind::kGenerator);
    case ParameterKind::kInts:
      return !optional && e.is(TypeKind::kList) &&
             e.element()->is(TypeKind::kInt);
    case ParameterKind::kOptionalInts:
      return optional && e.is(TypeKind::kList) &&
             e.element()->is(TypeKind::kInt);
    default:
      return false;
  }
}

Variant VariantOf(const FunctionSchema& schema) {
  for (const Argument& a : schema.arguments) {
    if (a.is_out) return Variant::kOut;
  }
  return !schema.arguments.empty() && schema.arguments[0].alias.has_value() &&
                 schema.arguments[0].alias->is_write
             ? Variant::kInPlace
             : Variant::kFunctional;
}

}  // namespace

bool MatchingRegistrar::Has(absl::string_view name) const {
  return !registry_.operators().Overloads(absl::StrCat("aten::", name)).empty();
}

std::vector<std::string> MatchingRegistrar::Matches(
    absl::string_view name, Variant variant, const KernelSignature& signature) {
  std::vector<std::string> result;
  const std::string full = absl::StrCat("aten::", name);
  const auto overloads = registry_.operators().Overloads(full);
  if (overloads.empty() && status_.ok()) {
    status_ = absl::NotFoundError(
        absl::StrCat("the table of operators has no ", full));
  }
  for (const Operator* op : overloads) {
    const FunctionSchema& schema = op->schema;
    if (schema.arguments.size() != signature.parameters.size() ||
        schema.returns.size() != signature.results.size() ||
        VariantOf(schema) != variant) {
      continue;
    }
    bool fits = true;
    for (size_t i = 0; i < signature.parameters.size() && fits; ++i) {
      fits = Fits(signature.parameters[i], *schema.arguments[i].type);
    }
    for (size_t i = 0; i < signature.results.size() && fits; ++i) {
      fits = Fits(signature.results[i], *schema.returns[i].type);
    }
    if (fits) result.push_back(schema.FullName());
  }
  return result;
}

}  // namespace tandem::reference
