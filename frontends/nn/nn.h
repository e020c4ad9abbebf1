// All layers.
#ifndef TANDEM_FRONTENDS_NN_NN_H_
#define TANDEM_FRONTENDS_NN_NN_H_

#include "tandem/frontends/nn/containers.h"  // IWYU pragma: export
#include "tandem/frontends/nn/init.h"        // IWYU pragma: export
#include "tandem/frontends/nn/linear.h"      // IWYU pragma: export
#include "tandem/frontends/nn/module.h"      // IWYU pragma: export

#endif  // TANDEM_FRONTENDS_NN_NN_H_
