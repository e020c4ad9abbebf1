#include "tandem/backends/reference/scalar.h"

#include "tandem/backends/reference/families.h"

namespace tandem::reference {

absl::Status RegisterScalar(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddScalarArithmetic(r);
  AddScalarCompare(r);
  AddScalarMath(r);
  AddScalarConvert(r);
  AddScalarMisc(r);
  return r.status();
}

}  // namespace tandem::reference
