// Dense factorizations of one matrix, in double or complex128: plain textbook
// algorithms with LAPACK's conventions.
#ifndef TANDEM_BACKENDS_REFERENCE_LINALG_KERNELS_H_
#define TANDEM_BACKENDS_REFERENCE_LINALG_KERNELS_H_

#include <complex>
#include <cstdint>
#include <vector>

namespace tandem::reference {

// Row-major.
template <typename T>
struct Matrix {
  int64_t rows = 0, cols = 0;
  std::vector<T> data;
  Matrix() = default;
  Matrix(int64_t m, int64_t n) : rows(m), cols(n), data(m * n) {}
  T& operator()(int64_t i, int64_t j) { return data[i * cols + j]; }
  const T& operator()(int64_t i, int64_t j) const { return data[i * cols + j]; }
  static Matrix Identity(int64_t n) {
    Matrix r(n, n);
    for (int64_t i = 0; i < n; ++i) r(i, i) = T(1);
    return r;
  }
};

using Complex128 = std::complex<double>;

inline double Conjugate(double v) { return v; }
inline Complex128 Conjugate(Complex128 v) { return std::conj(v); }

template <typename T>
Matrix<T> Adjoint(const Matrix<T>& a);
template <typename T>
Matrix<T> Product(const Matrix<T>& a, const Matrix<T>& b);

// Partial pivoting: a = P L U in place; pivots[i] is the row (from 0) that was
// swapped with row i. The first zero pivot's number from 1, or 0.
template <typename T>
int32_t FactorLu(Matrix<T>* a, std::vector<int32_t>* pivots, bool pivot = true);

// Solves with the triangle of a (unit: ones on the diagonal), x in place.
template <typename T>
void SolveTriangle(const Matrix<T>& a, bool upper, bool unit, Matrix<T>* x);
// a x = b by LU.
template <typename T>
int32_t SolveLu(Matrix<T> a, Matrix<T>* b);

// Lower factor of a Hermitian positive matrix, of which the lower triangle is
// read. The order of the first minor that is not positive, or 0.
template <typename T>
int32_t FactorCholesky(Matrix<T>* a);

// Householder QR in place as geqrf: R above, reflectors below, tau.
template <typename T>
void FactorQr(Matrix<T>* a, std::vector<T>* tau);
// The first `columns` columns of Q from reflectors.
template <typename T>
Matrix<T> FormQ(const Matrix<T>& a, const std::vector<T>& tau, int64_t columns);
// Q c or its adjoint times c, in place.
template <typename T>
void ApplyQ(const Matrix<T>& a, const std::vector<T>& tau, bool adjoint,
            Matrix<T>* c);

// Eigenvalues (ascending) and vectors (columns) of a Hermitian matrix, with
// LAPACK's signs; `single`: those that it gives for numbers of 32 bits;
// `upper`: when told to read the upper triangle.
template <typename T>
void EigenHermitian(Matrix<T> a, std::vector<double>* values,
                    Matrix<T>* vectors, bool single = false,
                    bool upper = false);

// a = u diag(s) v^H, thin: u is m x k, v is n x k, s descending.
template <typename T>
void Svd(const Matrix<T>& a, Matrix<T>* u, std::vector<double>* s,
         Matrix<T>* v);
// Orthonormal columns added until there are `columns`.
template <typename T>
void CompleteBasis(Matrix<T>* q, int64_t columns);

// Eigenvalues and (unless null) unit eigenvectors of any matrix. False when the
// iteration does not converge.
bool EigenGeneral(Matrix<Complex128> a, std::vector<Complex128>* values,
                  Matrix<Complex128>* vectors);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_LINALG_KERNELS_H_
