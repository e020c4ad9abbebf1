// Eager tensors: all of frontends/eager that programs use.
#ifndef TANDEM_FRONTENDS_EAGER_EAGER_H_
#define TANDEM_FRONTENDS_EAGER_EAGER_H_

#include "tandem/frontends/eager/containers.h"       // IWYU pragma: export
#include "tandem/frontends/eager/context.h"          // IWYU pragma: export
#include "tandem/frontends/eager/convert.h"          // IWYU pragma: export
#include "tandem/frontends/eager/error.h"            // IWYU pragma: export
#include "tandem/frontends/eager/factories.h"        // IWYU pragma: export
#include "tandem/frontends/eager/indexing.h"         // IWYU pragma: export
#include "tandem/frontends/eager/invoke.h"           // IWYU pragma: export
#include "tandem/frontends/eager/operators.h"        // IWYU pragma: export
#include "tandem/frontends/eager/recorder.h"         // IWYU pragma: export
#include "tandem/frontends/eager/script_function.h"  // IWYU pragma: export
#include "tandem/frontends/eager/tensor.h"           // IWYU pragma: export

#endif  // TANDEM_FRONTENDS_EAGER_EAGER_H_
