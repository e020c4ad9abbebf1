#define TANDEM_SET "avx512"
#define TANDEM_TABLE Avx512Kernels
#include "tandem/backends/native/kernels_isa.inc"
