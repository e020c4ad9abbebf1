// All layers.
#ifndef TANDEM_FRONTENDS_NN_NN_H_
#define TANDEM_FRONTENDS_NN_NN_H_

#include "tandem/frontends/nn/activation.h"     // IWYU pragma: export
#include "tandem/frontends/nn/attention.h"      // IWYU pragma: export
#include "tandem/frontends/nn/containers.h"     // IWYU pragma: export
#include "tandem/frontends/nn/conv.h"           // IWYU pragma: export
#include "tandem/frontends/nn/dropout.h"        // IWYU pragma: export
#include "tandem/frontends/nn/embedding.h"      // IWYU pragma: export
#include "tandem/frontends/nn/init.h"           // IWYU pragma: export
#include "tandem/frontends/nn/linear.h"         // IWYU pragma: export
#include "tandem/frontends/nn/loss.h"           // IWYU pragma: export
#include "tandem/frontends/nn/module.h"         // IWYU pragma: export
#include "tandem/frontends/nn/normalization.h"  // IWYU pragma: export
#include "tandem/frontends/nn/pooling.h"        // IWYU pragma: export
#include "tandem/frontends/nn/rnn.h"            // IWYU pragma: export
#include "tandem/frontends/nn/shape.h"          // IWYU pragma: export
#include "tandem/frontends/nn/transformer.h"    // IWYU pragma: export

#endif  // TANDEM_FRONTENDS_NN_NN_H_
