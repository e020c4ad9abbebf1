#ifndef TANDEM_BACKENDS_REFERENCE_LINALG_REAL_EIGEN_H_
#define TANDEM_BACKENDS_REFERENCE_LINALG_REAL_EIGEN_H_

#include <vector>

#include "tandem/backends/reference/linalg_kernels.h"

namespace tandem::reference {

// Eigenvalues and (unless null) unit eigenvectors of a square real matrix, in
// the order and with the signs that LAPACK gives; `single`: as precise as
// numbers of 32 bits ask for. False when the iteration does not converge.
bool EigenReal(Matrix<double> a, bool single, std::vector<Complex128>* values,
               Matrix<Complex128>* vectors);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_LINALG_REAL_EIGEN_H_
