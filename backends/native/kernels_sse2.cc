#define TANDEM_SET "sse2"
#define TANDEM_TABLE Sse2Kernels
#include "tandem/backends/native/kernels_isa.inc"
