#ifndef TANDEM_BACKENDS_REFERENCE_LINALG_SVD_H_
#define TANDEM_BACKENDS_REFERENCE_LINALG_SVD_H_

#include <vector>

#include "tandem/backends/reference/linalg_kernels.h"

namespace tandem::reference {

// As Svd (linalg_kernels.h), with the signs that LAPACK gives where the shorter
// side is at most kSmallSvd; `single`: those for numbers of 32 bits; `full`:
// square u and v, whose other columns are those that it gives too.
inline constexpr int64_t kSmallSvd = 25;
template <typename T>
void SmallSvd(const Matrix<T>& a, bool single, bool full, Matrix<T>* u,
              std::vector<double>* s, Matrix<T>* v);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_LINALG_SVD_H_
