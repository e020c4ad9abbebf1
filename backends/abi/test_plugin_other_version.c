/* A plugin of a version that this tandem does not know. */
#include "tandem/backends/abi/plugin_abi.h"

static const TandemPlugin plugin = {sizeof(TandemPlugin), 99, "future", "9",
                                    NULL};

const TandemPlugin* tandem_plugin(void) { return &plugin; }
