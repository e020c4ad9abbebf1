// Parts of the list family.
#ifndef TANDEM_BACKENDS_REFERENCE_LIST_H_
#define TANDEM_BACKENDS_REFERENCE_LIST_H_

#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"

namespace tandem::reference {

void AddListMethods(KernelRegistrar& r);
void AddListSearch(KernelRegistrar& r);
void AddListSort(KernelRegistrar& r);
void AddListMath(KernelRegistrar& r);

// Equality of list elements: numbers and strings by value; tensors by their
// one element (more than one is an error).
absl::StatusOr<bool> ElementsEqual(const IValue& a, const IValue& b);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_LIST_H_
