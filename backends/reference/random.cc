#include "tandem/backends/reference/random.h"

#include "tandem/backends/reference/families.h"

namespace tandem::reference {

absl::Status RegisterRandom(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddRandomFill(r);
  AddRandomFactory(r);
  AddRandomDropout(r);
  AddRandomSample(r);
  AddRandomBinomial(r);
  return r.status();
}

}  // namespace tandem::reference
