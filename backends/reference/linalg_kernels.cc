#include "tandem/backends/reference/linalg_kernels.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tandem::reference {
namespace {

double Square(double v) { return v * v; }
double Square(Complex128 v) { return std::norm(v); }
double RealPart(double v) { return v; }
double RealPart(Complex128 v) { return v.real(); }
double ImagPart(double) { return 0; }
double ImagPart(Complex128 v) { return v.imag(); }

// The size by which LAPACK chooses pivots.
double Weight(double v) { return std::abs(v); }
double Weight(Complex128 v) { return std::abs(v.real()) + std::abs(v.imag()); }

constexpr double kEpsilon = 2.220446049250313e-16;

}  // namespace

template <typename T>
Matrix<T> Adjoint(const Matrix<T>& a) {
  Matrix<T> r(a.cols, a.rows);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j < a.cols; ++j) r(j, i) = Conjugate(a(i, j));
  }
  return r;
}

template <typename T>
Matrix<T> Product(const Matrix<T>& a, const Matrix<T>& b) {
  Matrix<T> r(a.rows, b.cols);
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t k = 0; k < a.cols; ++k) {
      const T f = a(i, k);
      for (int64_t j = 0; j < b.cols; ++j) r(i, j) += f * b(k, j);
    }
  }
  return r;
}

template <typename T>
int32_t FactorLu(Matrix<T>* a, std::vector<int32_t>* pivots, bool pivot) {
  const int64_t k = std::min(a->rows, a->cols);
  pivots->assign(k, 0);
  int32_t info = 0;
  for (int64_t j = 0; j < k; ++j) {
    int64_t best = j;
    for (int64_t i = j + 1; pivot && i < a->rows; ++i) {
      if (Weight((*a)(i, j)) > Weight((*a)(best, j))) best = i;
    }
    (*pivots)[j] = static_cast<int32_t>(best);
    if (best != j) {
      for (int64_t c = 0; c < a->cols; ++c) {
        std::swap((*a)(j, c), (*a)(best, c));
      }
    }
    if ((*a)(j, j) == T(0)) {
      if (info == 0) info = static_cast<int32_t>(j + 1);
      continue;
    }
    for (int64_t i = j + 1; i < a->rows; ++i) {
      const T f = (*a)(i, j) / (*a)(j, j);
      (*a)(i, j) = f;
      if (f == T(0)) continue;
      for (int64_t c = j + 1; c < a->cols; ++c) (*a)(i, c) -= f * (*a)(j, c);
    }
  }
  return info;
}

template <typename T>
void SolveTriangle(const Matrix<T>& a, bool upper, bool unit, Matrix<T>* x) {
  const int64_t n = a.rows;
  for (int64_t step = 0; step < n; ++step) {
    const int64_t i = upper ? n - 1 - step : step;
    for (int64_t c = 0; c < x->cols; ++c) {
      T sum = (*x)(i, c);
      const int64_t begin = upper ? i + 1 : 0, end = upper ? n : i;
      for (int64_t k = begin; k < end; ++k) sum -= a(i, k) * (*x)(k, c);
      (*x)(i, c) = unit ? sum : sum / a(i, i);
    }
  }
}

template <typename T>
int32_t SolveLu(Matrix<T> a, Matrix<T>* b) {
  std::vector<int32_t> pivots;
  const int32_t info = FactorLu(&a, &pivots);
  for (size_t i = 0; i < pivots.size(); ++i) {
    if (pivots[i] == static_cast<int32_t>(i)) continue;
    for (int64_t c = 0; c < b->cols; ++c) {
      std::swap((*b)(i, c), (*b)(pivots[i], c));
    }
  }
  SolveTriangle(a, false, true, b);
  SolveTriangle(a, true, false, b);
  return info;
}

template <typename T>
int32_t FactorCholesky(Matrix<T>* a) {
  const int64_t n = a->rows;
  int32_t info = 0;
  for (int64_t j = 0; j < n; ++j) {
    double d = RealPart((*a)(j, j));
    for (int64_t k = 0; k < j; ++k) d -= Square((*a)(j, k));
    if (!(d > 0)) {
      (*a)(j, j) = T(d);  // as LAPACK leaves it
      info = static_cast<int32_t>(j + 1);
      break;
    }
    d = std::sqrt(d);
    (*a)(j, j) = T(d);
    for (int64_t i = j + 1; i < n; ++i) {
      T sum = (*a)(i, j);
      for (int64_t k = 0; k < j; ++k) {
        sum -= (*a)(i, k) * Conjugate((*a)(j, k));
      }
      (*a)(i, j) = sum / d;
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) (*a)(i, j) = T(0);
  }
  return info;
}

template <typename T>
void FactorQr(Matrix<T>* a, std::vector<T>* tau) {
  const int64_t m = a->rows, k = std::min(m, a->cols);
  tau->assign(k, T(0));
  for (int64_t j = 0; j < k; ++j) {
    double below = 0;
    for (int64_t i = j + 1; i < m; ++i) below += Square((*a)(i, j));
    const T alpha = (*a)(j, j);
    if (below == 0 && ImagPart(alpha) == 0) continue;
    const double norm = std::sqrt(Square(alpha) + below);
    const double beta = RealPart(alpha) >= 0 ? -norm : norm;
    (*tau)[j] = (T(beta) - alpha) / beta;
    const T scale = T(1) / (alpha - T(beta));
    for (int64_t i = j + 1; i < m; ++i) (*a)(i, j) *= scale;
    (*a)(j, j) = T(beta);
    // The adjoint of the reflector on the columns to the right.
    const T t = Conjugate((*tau)[j]);
    for (int64_t c = j + 1; c < a->cols; ++c) {
      T sum = (*a)(j, c);
      for (int64_t i = j + 1; i < m; ++i) {
        sum += Conjugate((*a)(i, j)) * (*a)(i, c);
      }
      sum *= t;
      (*a)(j, c) -= sum;
      for (int64_t i = j + 1; i < m; ++i) (*a)(i, c) -= sum * (*a)(i, j);
    }
  }
}

template <typename T>
void ApplyQ(const Matrix<T>& a, const std::vector<T>& tau, bool adjoint,
            Matrix<T>* c) {
  const auto k = static_cast<int64_t>(tau.size());
  for (int64_t step = 0; step < k; ++step) {
    const int64_t j = adjoint ? step : k - 1 - step;
    const T t = adjoint ? Conjugate(tau[j]) : tau[j];
    for (int64_t l = 0; l < c->cols; ++l) {
      T sum = (*c)(j, l);
      for (int64_t i = j + 1; i < c->rows; ++i) {
        sum += Conjugate(a(i, j)) * (*c)(i, l);
      }
      sum *= t;
      (*c)(j, l) -= sum;
      for (int64_t i = j + 1; i < c->rows; ++i) (*c)(i, l) -= sum * a(i, j);
    }
  }
}

template <typename T>
Matrix<T> FormQ(const Matrix<T>& a, const std::vector<T>& tau,
                int64_t columns) {
  Matrix<T> q(a.rows, columns);
  for (int64_t i = 0; i < std::min(a.rows, columns); ++i) q(i, i) = T(1);
  ApplyQ(a, tau, false, &q);
  return q;
}

template <typename T>
void CompleteBasis(Matrix<T>* q, int64_t columns) {
  const int64_t m = q->rows;
  Matrix<T> r(m, columns);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < q->cols; ++j) r(i, j) = (*q)(i, j);
  }
  int64_t next = 0;
  for (int64_t j = q->cols; j < columns; ++j) {
    // The unit vector with most left after the others are taken away.
    for (; next < m; ++next) {
      for (int64_t i = 0; i < m; ++i) r(i, j) = i == next ? T(1) : T(0);
      double norm = 0;
      for (int pass = 0; pass < 2; ++pass) {
        for (int64_t c = 0; c < j; ++c) {
          T dot = T(0);
          for (int64_t i = 0; i < m; ++i) dot += Conjugate(r(i, c)) * r(i, j);
          for (int64_t i = 0; i < m; ++i) r(i, j) -= dot * r(i, c);
        }
        norm = 0;
        for (int64_t i = 0; i < m; ++i) norm += Square(r(i, j));
      }
      if (norm > 1e-4 / static_cast<double>(m)) {
        norm = std::sqrt(norm);
        for (int64_t i = 0; i < m; ++i) r(i, j) /= norm;
        ++next;
        break;
      }
    }
  }
  *q = std::move(r);
}

// One-sided Jacobi on the columns of the taller side.
template <typename T>
void Svd(const Matrix<T>& a, Matrix<T>* u, std::vector<double>* s,
         Matrix<T>* v) {
  if (a.rows < a.cols) {
    Svd(Adjoint(a), v, s, u);
    return;
  }
  const int64_t m = a.rows, n = a.cols;
  Matrix<T> w = a, r = Matrix<T>::Identity(n);
  for (int sweep = 0; sweep < 60; ++sweep) {
    bool rotated = false;
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) {
        double x = 0, y = 0;
        T dot = T(0);
        for (int64_t i = 0; i < m; ++i) {
          x += Square(w(i, p));
          y += Square(w(i, q));
          dot += Conjugate(w(i, p)) * w(i, q);
        }
        const double size = std::sqrt(Square(dot));
        if (!(size > kEpsilon * std::sqrt(x * y)) || size == 0) continue;
        rotated = true;
        const T phase = dot / size;
        const double theta = (y - x) / (2 * size);
        const double t = (theta >= 0 ? 1 : -1) /
                         (std::abs(theta) + std::sqrt(theta * theta + 1));
        const double c = 1 / std::sqrt(t * t + 1), sn = t * c;
        for (Matrix<T>* z : {&w, &r}) {
          for (int64_t i = 0; i < z->rows; ++i) {
            const T xp = (*z)(i, p), xq = (*z)(i, q) * Conjugate(phase);
            (*z)(i, p) = c * xp - sn * xq;
            (*z)(i, q) = sn * xp + c * xq;
          }
        }
      }
    }
    if (!rotated) break;
  }
  std::vector<double> norms(n);
  for (int64_t j = 0; j < n; ++j) {
    double sum = 0;
    for (int64_t i = 0; i < m; ++i) sum += Square(w(i, j));
    norms[j] = std::sqrt(sum);
  }
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t x, int64_t y) { return norms[x] > norms[y]; });
  s->resize(n);
  *v = Matrix<T>(n, n);
  const double greatest = n > 0 ? norms[order[0]] : 0;
  int64_t rank = 0;
  for (int64_t j = 0; j < n; ++j) {
    (*s)[j] = norms[order[j]];
    if ((*s)[j] > greatest * kEpsilon * static_cast<double>(m) * 1e-3) {
      rank = j + 1;
    }
    for (int64_t i = 0; i < n; ++i) (*v)(i, j) = r(i, order[j]);
  }
  *u = Matrix<T>(m, rank);
  for (int64_t j = 0; j < rank; ++j) {
    for (int64_t i = 0; i < m; ++i) (*u)(i, j) = w(i, order[j]) / (*s)[j];
  }
  if (rank < n) CompleteBasis(u, n);
}

// Hessenberg form, then shifted QR steps by rotations on the triangle.
bool EigenGeneral(Matrix<Complex128> a, std::vector<Complex128>* values,
                  Matrix<Complex128>* vectors) {
  using C = Complex128;
  const int64_t n = a.rows;
  Matrix<C> z = Matrix<C>::Identity(n);
  for (int64_t k = 0; k + 2 < n; ++k) {
    double norm = 0;
    for (int64_t i = k + 1; i < n; ++i) norm += std::norm(a(i, k));
    norm = std::sqrt(norm);
    if (norm == 0) continue;
    std::vector<C> v(n, C(0));
    for (int64_t i = k + 1; i < n; ++i) v[i] = a(i, k);
    const double size = std::abs(v[k + 1]);
    v[k + 1] += (size == 0 ? C(1) : v[k + 1] / size) * norm;
    double vv = 0;
    for (const C& x : v) vv += std::norm(x);
    if (vv == 0) continue;
    for (int64_t j = 0; j < n; ++j) {
      C dot = 0;
      for (int64_t i = k + 1; i < n; ++i) dot += std::conj(v[i]) * a(i, j);
      dot *= 2 / vv;
      for (int64_t i = k + 1; i < n; ++i) a(i, j) -= dot * v[i];
    }
    for (Matrix<C>* b : {&a, &z}) {
      for (int64_t i = 0; i < n; ++i) {
        C dot = 0;
        for (int64_t j = k + 1; j < n; ++j) dot += (*b)(i, j) * v[j];
        dot *= 2 / vv;
        for (int64_t j = k + 1; j < n; ++j) (*b)(i, j) -= dot * std::conj(v[j]);
      }
    }
  }
  int64_t high = n - 1;
  int steps = 0;
  while (high > 0) {
    int64_t low = high;
    while (low > 0) {
      const double scale =
          std::abs(a(low, low)) + std::abs(a(low - 1, low - 1));
      if (std::abs(a(low, low - 1)) <= kEpsilon * (scale == 0 ? 1 : scale)) {
        a(low, low - 1) = 0;
        break;
      }
      --low;
    }
    if (low == high) {
      --high;
      steps = 0;
      continue;
    }
    if (++steps > 300) return false;
    // Wilkinson's shift, now and then another.
    const C p = a(high - 1, high - 1), q = a(high, high);
    const C bc = a(high - 1, high) * a(high, high - 1);
    C shift = q;
    if (steps % 11 == 10) {
      shift = q + std::abs(a(high, high - 1));
    } else {
      const C half = (p - q) / 2.0, root = std::sqrt(half * half + bc);
      const C d = std::abs(half + root) > std::abs(half - root) ? half + root
                                                                : half - root;
      if (d != C(0)) shift = q - bc / d;
    }
    for (int64_t i = 0; i < n; ++i) a(i, i) -= shift;
    std::vector<C> cs(n), sn(n);
    for (int64_t k = low; k < high; ++k) {
      const double r = std::sqrt(std::norm(a(k, k)) + std::norm(a(k + 1, k)));
      cs[k] = r == 0 ? C(1) : a(k, k) / r;
      sn[k] = r == 0 ? C(0) : a(k + 1, k) / r;
      for (int64_t j = k; j < n; ++j) {
        const C x = a(k, j), y = a(k + 1, j);
        a(k, j) = std::conj(cs[k]) * x + std::conj(sn[k]) * y;
        a(k + 1, j) = -sn[k] * x + cs[k] * y;
      }
    }
    for (int64_t k = low; k < high; ++k) {
      for (Matrix<C>* b : {&a, &z}) {
        const int64_t end = b == &a ? std::min(k + 2, high + 1) : n;
        for (int64_t i = 0; i < end; ++i) {
          const C x = (*b)(i, k), y = (*b)(i, k + 1);
          (*b)(i, k) = x * cs[k] + y * sn[k];
          (*b)(i, k + 1) = -x * std::conj(sn[k]) + y * std::conj(cs[k]);
        }
      }
    }
    for (int64_t i = 0; i < n; ++i) a(i, i) += shift;
  }
  values->resize(n);
  for (int64_t i = 0; i < n; ++i) (*values)[i] = a(i, i);
  if (vectors == nullptr) return true;
  // Back substitution in the triangle, then back to the matrix's basis.
  Matrix<C> x(n, n);
  double norm = 0;
  for (const C& v : a.data) norm = std::max(norm, std::abs(v));
  const double least = std::max(norm, 1e-300) * kEpsilon;
  for (int64_t k = 0; k < n; ++k) {
    x(k, k) = 1;
    for (int64_t i = k - 1; i >= 0; --i) {
      C sum = 0;
      for (int64_t j = i + 1; j <= k; ++j) sum += a(i, j) * x(j, k);
      C d = a(k, k) - a(i, i);
      if (std::abs(d) < least) d = least;
      x(i, k) = sum / d;
    }
  }
  *vectors = Product(z, x);
  for (int64_t k = 0; k < n; ++k) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += std::norm((*vectors)(i, k));
    sum = std::sqrt(sum);
    for (int64_t i = 0; sum > 0 && i < n; ++i) (*vectors)(i, k) /= sum;
  }
  return true;
}

#define TANDEM_INSTANTIATE(T)                                                 \
  template Matrix<T> Adjoint(const Matrix<T>&);                               \
  template Matrix<T> Product(const Matrix<T>&, const Matrix<T>&);             \
  template int32_t FactorLu(Matrix<T>*, std::vector<int32_t>*, bool);         \
  template void SolveTriangle(const Matrix<T>&, bool, bool, Matrix<T>*);      \
  template int32_t SolveLu(Matrix<T>, Matrix<T>*);                            \
  template int32_t FactorCholesky(Matrix<T>*);                                \
  template void FactorQr(Matrix<T>*, std::vector<T>*);                        \
  template Matrix<T> FormQ(const Matrix<T>&, const std::vector<T>&, int64_t); \
  template void ApplyQ(const Matrix<T>&, const std::vector<T>&, bool,         \
                       Matrix<T>*);                                           \
  template void Svd(const Matrix<T>&, Matrix<T>*, std::vector<double>*,       \
                    Matrix<T>*);                                              \
  template void CompleteBasis(Matrix<T>*, int64_t);
TANDEM_INSTANTIATE(double)
TANDEM_INSTANTIATE(Complex128)
#undef TANDEM_INSTANTIATE

}  // namespace tandem::reference
