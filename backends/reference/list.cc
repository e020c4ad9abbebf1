#include "tandem/backends/reference/list.h"

#include "tandem/backends/reference/families.h"

namespace tandem::reference {

absl::Status RegisterList(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddListMethods(r);
  AddListSearch(r);
  AddListSort(r);
  AddListMath(r);
  return r.status();
}

}  // namespace tandem::reference
