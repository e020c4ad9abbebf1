#include "tandem/frontends/eager/error.h"

namespace tandem::eager {

void Throw(absl::Status status) { throw Error(std::move(status)); }

void Throw(absl::string_view message) {
  throw Error(absl::InvalidArgumentError(message));
}

}  // namespace tandem::eager
