#include "tandem/backends/reference/index.h"

#include "tandem/backends/reference/families.h"

namespace tandem::reference {

absl::Status RegisterIndex(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddIndexAdvanced(r);
  AddIndexAlong(r);
  AddIndexCount(r);
  AddIndexEmbedding(r);
  AddIndexMask(r);
  AddIndexScatter(r);
  AddIndexSearch(r);
  AddIndexUnique(r);
  return r.status();
}

}  // namespace tandem::reference
