// Methods of the classes that PyTorch binds from C++ (packed parameters of
// quantized modules and the like), which archives use but do not define.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_CUSTOM_CLASSES_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_CUSTOM_CLASSES_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/schema.h"

namespace tandem::script {

// The signature of a method of an opaque class, its self included; nothing if
// the class has no such method or is not known.
std::optional<FunctionSchema> CustomClassMethod(const ClassType& type,
                                                absl::string_view method);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_CUSTOM_CLASSES_H_
