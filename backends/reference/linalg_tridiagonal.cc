// Eigenvalues and vectors of Hermitian matrices as LAPACK's syev computes them,
// so that the vectors' signs are its: reflectors to a tridiagonal matrix, then
// implicit QL or QR rotations.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "tandem/backends/reference/linalg_kernels.h"

namespace tandem::reference {
namespace {

double RealPart(double v) { return v; }
double RealPart(Complex128 v) { return v.real(); }

struct Tridiagonal {
  std::vector<double> diagonal, off;  // off[i] is beside diagonal[i + 1]
};

// alpha and x become beta and v (whose first component, not kept, is 1): the
// reflector I - tau v v^H takes (alpha, x) to (beta, 0).
template <typename T>
T MakeReflector(T* alpha, std::vector<T>* x) {
  double size = 0;
  for (const T& v : *x) size += std::norm(v);
  const double imaginary = std::imag(*alpha);
  if (size == 0 && imaginary == 0) return T(0);
  const double beta =
      -std::copysign(std::sqrt(std::norm(*alpha) + size), RealPart(*alpha));
  T tau;
  if constexpr (std::is_same_v<T, double>) {
    tau = (beta - *alpha) / beta;
  } else {
    tau = T((beta - alpha->real()) / beta, -imaginary / beta);
  }
  const T scale = T(1) / (*alpha - beta);
  for (T& v : *x) v *= scale;
  *alpha = beta;
  return tau;
}

// a (both triangles given) = q t q^H.
template <typename T>
Tridiagonal Reduce(Matrix<T> a, Matrix<T>* q) {
  const int64_t n = a.rows;
  Tridiagonal t{std::vector<double>(n), std::vector<double>(n)};
  std::vector<std::vector<T>> reflectors(n);
  std::vector<T> taus(n);
  for (int64_t i = 0; i + 1 < n; ++i) {
    const int64_t first = i + 1, size = n - first;
    std::vector<T> x(size - 1);
    for (int64_t k = 1; k < size; ++k) x[k - 1] = a(first + k, i);
    T alpha = a(first, i);
    const T tau = MakeReflector(&alpha, &x);
    t.off[i] = RealPart(alpha);
    std::vector<T> v(size, T(1));
    std::copy(x.begin(), x.end(), v.begin() + 1);
    // w = tau A v - (tau / 2) (w^H v) v; A -= v w^H + w v^H
    std::vector<T> w(size);
    T dot(0);
    for (int64_t r = 0; r < size; ++r) {
      T sum(0);
      for (int64_t c = 0; c < size; ++c) {
        sum += a(first + r, first + c) * v[c];
      }
      w[r] = tau * sum;
      dot += Conjugate(w[r]) * v[r];
    }
    for (int64_t r = 0; r < size; ++r) w[r] -= 0.5 * tau * dot * v[r];
    for (int64_t r = 0; r < size; ++r) {
      for (int64_t c = 0; c < size; ++c) {
        a(first + r, first + c) -=
            v[r] * Conjugate(w[c]) + w[r] * Conjugate(v[c]);
      }
    }
    t.diagonal[i] = RealPart(a(i, i));
    reflectors[i] = std::move(v);
    taus[i] = tau;
  }
  if (n > 0) t.diagonal[n - 1] = RealPart(a(n - 1, n - 1));
  *q = Matrix<T>::Identity(n);
  for (int64_t i = n - 2; i >= 0; --i) {
    const std::vector<T>& v = reflectors[i];
    const int64_t first = i + 1, size = n - first;
    for (int64_t c = 0; c < size; ++c) {
      T sum(0);
      for (int64_t r = 0; r < size; ++r) {
        sum += Conjugate(v[r]) * (*q)(first + r, first + c);
      }
      for (int64_t r = 0; r < size; ++r) {
        (*q)(first + r, first + c) -= taus[i] * v[r] * sum;
      }
    }
  }
  return t;
}

struct Rotation {
  double c, s, r;
};

// (c s; -s c) (f, g) = (r, 0)
Rotation MakeRotation(double f, double g) {
  if (g == 0) return {1, 0, f};
  if (f == 0) return {0, 1, g};
  const double r = std::sqrt(f * f + g * g);
  Rotation result{f / r, g / r, r};
  if (std::abs(f) > std::abs(g) && result.c < 0) {
    result = {-result.c, -result.s, -result.r};
  }
  return result;
}

// Eigenvalues of (a b; b c), the greater in size first, and the unit vector
// (c, s) of the first.
void TwoByTwo(double a, double b, double c, double* first, double* second,
              double* cosine, double* sine) {
  const double sum = a + c, difference = a - c, size = std::abs(difference);
  const double twice = b + b, beside = std::abs(twice);
  const double most = std::abs(a) > std::abs(c) ? a : c;
  const double least = std::abs(a) > std::abs(c) ? c : a;
  const double root =
      size > beside ? size * std::sqrt(1 + (beside / size) * (beside / size))
      : size < beside
          ? beside * std::sqrt(1 + (size / beside) * (size / beside))
          : beside * std::sqrt(2.0);
  int sign = 1;
  if (sum < 0) {
    *first = 0.5 * (sum - root);
    sign = -1;
    *second = (most / *first) * least - (b / *first) * b;
  } else if (sum > 0) {
    *first = 0.5 * (sum + root);
    *second = (most / *first) * least - (b / *first) * b;
  } else {
    *first = 0.5 * root;
    *second = -0.5 * root;
  }
  const int other = difference >= 0 ? 1 : -1;
  const double cs = difference + other * root;
  if (std::abs(cs) > beside) {
    const double cotangent = -twice / cs;
    *sine = 1 / std::sqrt(1 + cotangent * cotangent);
    *cosine = cotangent * *sine;
  } else if (beside == 0) {
    *cosine = 1;
    *sine = 0;
  } else {
    const double tangent = -cs / twice;
    *cosine = 1 / std::sqrt(1 + tangent * tangent);
    *sine = tangent * *cosine;
  }
  if (sign == other) {
    const double kept = *cosine;
    *cosine = -*sine;
    *sine = kept;
  }
}

template <typename T>
void Rotate(Matrix<T>* z, int64_t column, double c, double s) {
  for (int64_t i = 0; i < z->rows; ++i) {
    const T next = (*z)(i, column + 1);
    (*z)(i, column + 1) = c * next - s * (*z)(i, column);
    (*z)(i, column) = s * next + c * (*z)(i, column);
  }
}

// The iteration over one unreduced block, from `l` towards `end`: with step 1
// it is QL, with step -1 QR. off(i) is beside l and its neighbour.
template <typename T>
class Iteration {
 public:
  Iteration(Tridiagonal* t, Matrix<T>* z, double epsilon)
      : d_(t->diagonal), e_(t->off), z_(z), epsilon_(epsilon) {}

  void Run() {
    const auto n = static_cast<int64_t>(d_.size());
    left_ = 30 * n;
    int64_t begin = 0;
    while (begin < n) {
      if (begin > 0) e_[begin - 1] = 0;
      int64_t m = n - 1;
      for (int64_t i = begin; i + 1 < n; ++i) {
        const double size = std::abs(e_[i]);
        if (size == 0 || size <= std::sqrt(std::abs(d_[i])) *
                                     std::sqrt(std::abs(d_[i + 1])) *
                                     epsilon_) {
          e_[i] = 0;
          m = i;
          break;
        }
      }
      const int64_t from = begin;
      begin = m + 1;
      if (m == from) continue;
      if (std::abs(d_[m]) < std::abs(d_[from])) {
        Block(m, from, -1);
      } else {
        Block(from, m, 1);
      }
      if (left_ <= 0) break;
    }
    Sort();
  }

 private:
  // The off-diagonal number between i and its neighbour towards `end`.
  double& Beside(int64_t i, int step) { return step > 0 ? e_[i] : e_[i - 1]; }

  void Block(int64_t l, int64_t end, int step) {
    const double tiny = std::numeric_limits<double>::min();
    while ((end - l) * step >= 0) {
      int64_t m = end;
      for (int64_t i = l; i != end; i += step) {
        const double size = std::abs(Beside(i, step));
        if (size * size <=
            epsilon_ * epsilon_ * std::abs(d_[i]) * std::abs(d_[i + step]) +
                tiny) {
          m = i;
          break;
        }
      }
      if (m != end) Beside(m, step) = 0;
      if (m == l) {
        l += step;
        continue;
      }
      if (m == l + step) {
        const int64_t low = std::min(l, m);
        double first, second, c, s;
        TwoByTwo(d_[low], e_[low], d_[low + 1], &first, &second, &c, &s);
        Rotate(z_, low, c, s);
        d_[low] = first;
        d_[low + 1] = second;
        e_[low] = 0;
        l += 2 * step;
        continue;
      }
      if (--left_ <= 0) return;
      Sweep(l, m, step);
    }
  }

  void Sweep(int64_t l, int64_t m, int step) {
    const double p0 = d_[l];
    double g = (d_[l + step] - p0) / (2 * Beside(l, step));
    double r = std::hypot(g, 1.0);
    g = d_[m] - p0 + Beside(l, step) / (g + std::copysign(r, g));
    double s = 1, c = 1, p = 0;
    for (int64_t i = m - step;; i -= step) {
      const double f = s * Beside(i, step), b = c * Beside(i, step);
      const Rotation rotation = MakeRotation(g, f);
      c = rotation.c;
      s = rotation.s;
      if (i != m - step) Beside(i + step, step) = rotation.r;
      g = d_[i + step] - p;
      r = (d_[i] - g) * s + 2 * c * b;
      p = s * r;
      d_[i + step] = g + p;
      g = c * r - b;
      Rotate(z_, std::min(i, i + step), c, step > 0 ? -s : s);
      if (i == l) break;
    }
    d_[l] -= p;
    Beside(l, step) = g;
  }

  void Sort() {
    const auto n = static_cast<int64_t>(d_.size());
    for (int64_t i = 0; i + 1 < n; ++i) {
      const int64_t k = std::min_element(d_.begin() + i, d_.end()) - d_.begin();
      if (!(d_[k] < d_[i])) continue;
      std::swap(d_[i], d_[k]);
      for (int64_t r = 0; r < z_->rows; ++r) {
        std::swap((*z_)(r, i), (*z_)(r, k));
      }
    }
  }

  std::vector<double>& d_;
  std::vector<double>& e_;
  Matrix<T>* const z_;
  const double epsilon_;
  int64_t left_ = 0;
};

}  // namespace

template <typename T>
void EigenHermitian(Matrix<T> a, std::vector<double>* values,
                    Matrix<T>* vectors, bool single, bool upper) {
  // Of an upper triangle the reduction starts at the other end.
  if (upper) std::reverse(a.data.begin(), a.data.end());
  Tridiagonal t = Reduce(std::move(a), vectors);
  if (upper) {
    std::reverse(vectors->data.begin(), vectors->data.end());
    std::reverse(t.diagonal.begin(), t.diagonal.end());
    if (!t.off.empty()) std::reverse(t.off.begin(), t.off.end() - 1);
  }
  // What counts as zero decides how many rotations there are, and with them
  // the signs.
  const double epsilon = single ? std::ldexp(1.0, -24) : std::ldexp(1.0, -53);
  Iteration<T>(&t, vectors, epsilon).Run();
  *values = std::move(t.diagonal);
}

template void EigenHermitian(Matrix<double>, std::vector<double>*,
                             Matrix<double>*, bool, bool);
template void EigenHermitian(Matrix<Complex128>, std::vector<double>*,
                             Matrix<Complex128>*, bool, bool);

}  // namespace tandem::reference
