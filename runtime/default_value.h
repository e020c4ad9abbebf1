// Values for what a program never set.
#ifndef TANDEM_RUNTIME_DEFAULT_VALUE_H_
#define TANDEM_RUNTIME_DEFAULT_VALUE_H_

#include "tandem/ir/class_type.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/type.h"
#include "tandem/tensor/ref.h"

namespace tandem {

// Would code that was compiled for `type` follow a reference that None lacks?
// Not for numbers, devices, tensors (undefined ones are looked for) and types
// that allow None.
bool NeedsReference(const Type& type);

// What reading an uninitialized value or attribute gives: None or zero, and
// where NeedsReference() an empty container, text or object of its own. A right
// program never looks at it; a wrong one must not bring the process down.
IValue DefaultValue(const Type& type);

// A new object; attributes hold default values until they are set.
Ref<ModuleObject> NewDefaultObject(const ClassType& type);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_DEFAULT_VALUE_H_
