// Numbers of the format for kinds that the code numbers in its own way.
#ifndef TANDEM_SERIALIZATION_TANDEM_KINDS_H_
#define TANDEM_SERIALIZATION_TANDEM_KINDS_H_

#include <optional>

#include "tandem/ir/type.h"
#include "tandem/serialization/tandem/proto/model.pb.h"

namespace tandem::model_file {

// UNSPECIFIED for what no file has (variables of schemas).
format::Type::Kind ToFormat(TypeKind kind);
std::optional<TypeKind> FromFormat(format::Type::Kind kind);

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_KINDS_H_
