#include "tandem/backends/reference/string.h"

#include "tandem/backends/reference/families.h"

namespace tandem::reference {

absl::Status RegisterString(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddStringMethods(r);
  AddStringSearch(r);
  AddStringSplit(r);
  AddStringFormat(r);
  return r.status();
}

}  // namespace tandem::reference
