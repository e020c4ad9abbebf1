#define TANDEM_SET "avx2"
#define TANDEM_TABLE Avx2Kernels
#include "tandem/backends/native/kernels_isa.inc"
