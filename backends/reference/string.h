// Parts of the string family. Strings are bytes, as in TorchScript.
#ifndef TANDEM_BACKENDS_REFERENCE_STRING_H_
#define TANDEM_BACKENDS_REFERENCE_STRING_H_

#include "tandem/backends/registry.h"

namespace tandem::reference {

void AddStringMethods(KernelRegistrar& r);
void AddStringSearch(KernelRegistrar& r);
void AddStringSplit(KernelRegistrar& r);
void AddStringFormat(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_STRING_H_
