#include "tandem/backends/reference/pointwise.h"

#include "tandem/backends/reference/families.h"

namespace tandem::reference {

absl::Status RegisterPointwise(Registry& registry) {
  MatchingRegistrar r(registry);
  AddPointwiseMath(r);
  AddPointwiseRound(r);
  AddPointwiseArithmetic(r);
  AddPointwiseInteger(r);
  AddPointwiseBinary(r);
  AddPointwiseCompare(r);
  AddPointwiseClamp(r);
  AddPointwiseSelect(r);
  AddPointwiseActivation(r);
  AddPointwiseComplex(r);
  AddPointwiseSpecial(r);
  AddPointwisePolynomial(r);
  return r.status();
}

}  // namespace tandem::reference
