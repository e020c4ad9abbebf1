// Singular values and vectors as LAPACK's gesdd computes them for small
// matrices, so that the vectors' signs are its: reflectors to a bidiagonal
// matrix (of a triangle where one side is much longer), then implicit QR
// rotations.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "tandem/backends/reference/linalg_kernels.h"
#include "tandem/backends/reference/linalg_svd.h"

namespace tandem::reference {
namespace {

double RealPart(double v) { return v; }
double RealPart(Complex128 v) { return v.real(); }

template <typename T>
struct Reflector {
  int64_t first = 0;  // acts on components from here
  std::vector<T> v;   // v[0] == 1
  T tau = T(0);
  // I - tau v v^H, or its adjoint, times m's columns from `column`.
  void ApplyLeft(Matrix<T>* m, int64_t column, bool adjoint) const {
    const T t = adjoint ? Conjugate(tau) : tau;
    for (int64_t c = column; c < m->cols; ++c) {
      T sum(0);
      for (size_t r = 0; r < v.size(); ++r) {
        sum += Conjugate(v[r]) * (*m)(first + r, c);
      }
      for (size_t r = 0; r < v.size(); ++r) {
        (*m)(first + r, c) -= t * sum * v[r];
      }
    }
  }
  // m's rows from `row` times I - tau v v^H.
  void ApplyRight(Matrix<T>* m, int64_t row) const {
    for (int64_t r = row; r < m->rows; ++r) {
      T sum(0);
      for (size_t c = 0; c < v.size(); ++c) sum += (*m)(r, first + c) * v[c];
      for (size_t c = 0; c < v.size(); ++c) {
        (*m)(r, first + c) -= tau * sum * Conjugate(v[c]);
      }
    }
  }
};

// Takes x to (beta, 0 …); beta is real.
template <typename T>
Reflector<T> Reflect(int64_t first, std::vector<T> x, double* beta) {
  Reflector<T> h;
  h.first = first;
  double size = 0;
  for (size_t i = 1; i < x.size(); ++i) size += std::norm(x[i]);
  const T alpha = x[0];
  const double imaginary = std::imag(alpha);
  *beta = RealPart(alpha);
  if (size != 0 || imaginary != 0) {
    *beta = -std::copysign(std::sqrt(std::norm(alpha) + size), RealPart(alpha));
    if constexpr (std::is_same_v<T, double>) {
      h.tau = (*beta - alpha) / *beta;
    } else {
      h.tau = T((*beta - alpha.real()) / *beta, -imaginary / *beta);
    }
    const T scale = T(1) / (alpha - *beta);
    for (size_t i = 1; i < x.size(); ++i) x[i] *= scale;
  } else {
    std::fill(x.begin() + 1, x.end(), T(0));
  }
  x[0] = T(1);
  h.v = std::move(x);
  return h;
}

struct Rotation {
  double c, s, r;
};

Rotation Rotate(double f, double g) {
  if (g == 0) return {1, 0, f};
  if (f == 0) return {0, std::copysign(1.0, g), std::abs(g)};
  const double d = std::sqrt(f * f + g * g), r = std::copysign(d, f);
  return {std::abs(f) / d, g / r, r};
}

// The least and greatest singular value of (f g; 0 h), in size.
void ValuesOfTwo(double f, double g, double h, double* least, double* most) {
  const double fa = std::abs(f), ga = std::abs(g), ha = std::abs(h);
  const double low = std::min(fa, ha), high = std::max(fa, ha);
  if (low == 0) {
    *least = 0;
    const double a = std::max(high, ga), b = std::min(high, ga);
    *most = high == 0 ? ga : a * std::sqrt(1 + (b / a) * (b / a));
    return;
  }
  if (ga < high) {
    const double a = 1 + low / high, t = (high - low) / high;
    const double u = (ga / high) * (ga / high);
    const double c = 2 / (std::sqrt(a * a + u) + std::sqrt(t * t + u));
    *least = low * c;
    *most = high / c;
    return;
  }
  const double u = high / ga;
  if (u == 0) {
    *least = low * high / ga;
    *most = ga;
    return;
  }
  const double a = 1 + low / high, t = (high - low) / high;
  const double c =
      1 / (std::sqrt(1 + (a * u) * (a * u)) + std::sqrt(1 + (t * u) * (t * u)));
  *least = 2 * (low * c) * u;
  *most = ga / (c + c);
}

struct TwoByTwo {
  double least, most, left_c, left_s, right_c, right_s;
};

// The whole decomposition of (f g; 0 h).
TwoByTwo DecomposeTwo(double f, double g, double h, double epsilon) {
  double ft = f, fa = std::abs(f), ht = h, ha = std::abs(h);
  int largest = 1;
  const bool swapped = ha > fa;
  if (swapped) {
    largest = 3;
    std::swap(ft, ht);
    std::swap(fa, ha);
  }
  const double ga = std::abs(g);
  double lc = 1, ls = 0, rc = 1, rs = 0, least = ha, most = fa;
  if (ga != 0) {
    bool ordinary = true;
    if (ga > fa) {
      largest = 2;
      if (fa / ga < epsilon) {
        ordinary = false;
        most = ga;
        least = ha > 1 ? fa / (ga / ha) : (fa / ga) * ha;
        lc = 1;
        ls = ht / g;
        rs = 1;
        rc = ft / g;
      }
    }
    if (ordinary) {
      const double d = fa - ha;
      double l = d == fa ? 1 : d / fa;
      const double m = g / ft;
      double t = 2 - l;
      const double mm = m * m;
      const double s = std::sqrt(t * t + mm);
      const double r = l == 0 ? std::abs(m) : std::sqrt(l * l + mm);
      const double a = 0.5 * (s + r);
      least = ha / a;
      most = fa * a;
      if (mm == 0) {
        t = l == 0 ? std::copysign(2.0, ft) * std::copysign(1.0, g)
                   : g / std::copysign(d, ft) + m / t;
      } else {
        t = (m / (s + t) + m / (r + l)) * (1 + a);
      }
      l = std::sqrt(t * t + 4);
      rc = 2 / l;
      rs = t / l;
      lc = (rc + rs * m) / a;
      ls = (ht / ft) * rs / a;
    }
  }
  TwoByTwo x{};
  x.left_c = swapped ? rs : lc;
  x.left_s = swapped ? rc : ls;
  x.right_c = swapped ? ls : rc;
  x.right_s = swapped ? lc : rs;
  const auto sign = [](double v) { return std::copysign(1.0, v); };
  const double ts = largest == 1   ? sign(x.right_c) * sign(x.left_c) * sign(f)
                    : largest == 2 ? sign(x.right_s) * sign(x.left_c) * sign(g)
                                   : sign(x.right_s) * sign(x.left_s) * sign(h);
  x.most = std::copysign(most, ts);
  x.least = std::copysign(least, ts * sign(f) * sign(h));
  return x;
}

// The iteration: d and e become the singular values; rows of vt and columns of
// u are rotated along.
class Bidiagonal {
 public:
  Bidiagonal(std::vector<double> d, std::vector<double> e, double epsilon)
      : d_(std::move(d)),
        e_(std::move(e)),
        epsilon_(epsilon),
        n_(static_cast<int64_t>(d_.size())),
        u_(Matrix<double>::Identity(n_)),
        vt_(Matrix<double>::Identity(n_)) {}

  void Run() {
    if (n_ == 1) {
      if (std::signbit(d_[0])) u_(0, 0) = -1;
      d_[0] = std::abs(d_[0]);
      return;
    }
    Iterate();
    for (int64_t i = 0; i < n_; ++i) {
      if (!std::signbit(d_[i])) continue;
      d_[i] = -d_[i];
      for (int64_t c = 0; c < n_; ++c) vt_(i, c) = -vt_(i, c);
    }
    for (int64_t i = 0; i + 1 < n_; ++i) {
      const int64_t last = n_ - 1 - i;
      int64_t at = 0;
      for (int64_t j = 1; j <= last; ++j) {
        if (d_[j] <= d_[at]) at = j;
      }
      if (at == last) continue;
      std::swap(d_[at], d_[last]);
      for (int64_t c = 0; c < n_; ++c) {
        std::swap(vt_(at, c), vt_(last, c));
        std::swap(u_(c, at), u_(c, last));
      }
    }
  }

  const std::vector<double>& values() const { return d_; }
  const Matrix<double>& u() const { return u_; }
  const Matrix<double>& vt() const { return vt_; }

 private:
  void RotateRows(int64_t j, double c, double s) {
    for (int64_t k = 0; k < n_; ++k) {
      const double next = vt_(j + 1, k);
      vt_(j + 1, k) = c * next - s * vt_(j, k);
      vt_(j, k) = s * next + c * vt_(j, k);
    }
  }
  void RotateColumns(int64_t j, double c, double s) {
    for (int64_t k = 0; k < n_; ++k) {
      const double next = u_(k, j + 1);
      u_(k, j + 1) = c * next - s * u_(k, j);
      u_(k, j) = s * next + c * u_(k, j);
    }
  }

  void Iterate() {
    const double factor =
        std::max(10.0, std::min(100.0, std::pow(epsilon_, -0.125)));
    const double tolerance = factor * epsilon_;
    double least = std::abs(d_[0]), mu = least;
    for (int64_t i = 1; i < n_ && least != 0; ++i) {
      mu = std::abs(d_[i]) * (mu / (mu + std::abs(e_[i - 1])));
      least = std::min(least, mu);
    }
    least /= std::sqrt(static_cast<double>(n_));
    const double threshold = std::max(
        tolerance * least, 6.0 * n_ * n_ * std::numeric_limits<double>::min());
    int64_t m = n_ - 1, old_low = -1, old_high = -1;
    bool down = true;
    for (int64_t left = 6 * n_ * n_; m > 0 && left > 0; --left) {
      double most = std::abs(d_[m]);
      int64_t low = 0;
      bool split = false;
      for (int64_t i = m - 1; i >= 0; --i) {
        if (std::abs(e_[i]) <= threshold) {
          e_[i] = 0;
          low = i;
          split = true;
          break;
        }
        most = std::max({most, std::abs(d_[i]), std::abs(e_[i])});
      }
      if (split) {
        if (low == m - 1) {
          --m;
          continue;
        }
        ++low;
      }
      if (low == m - 1) {
        const TwoByTwo x = DecomposeTwo(d_[m - 1], e_[m - 1], d_[m], epsilon_);
        d_[m - 1] = x.most;
        e_[m - 1] = 0;
        d_[m] = x.least;
        RotateRows(m - 1, x.right_c, x.right_s);
        RotateColumns(m - 1, x.left_c, x.left_s);
        m -= 2;
        continue;
      }
      // Chase the bulge from the larger end to the smaller.
      if (low > old_high || m < old_low) {
        down = std::abs(d_[low]) >= std::abs(d_[m]);
      }
      if (Deflates(low, m, down, tolerance, &least)) continue;
      old_low = low;
      old_high = m;
      double shift = 0, unused;
      if (n_ * tolerance * (least / most) >
          std::max(epsilon_, 0.01 * tolerance)) {
        const double size = std::abs(d_[down ? low : m]);
        if (down) {
          ValuesOfTwo(d_[m - 1], e_[m - 1], d_[m], &shift, &unused);
        } else {
          ValuesOfTwo(d_[low], e_[low], d_[low + 1], &shift, &unused);
        }
        if (size > 0 && (shift / size) * (shift / size) < epsilon_) shift = 0;
      }
      if (shift == 0) {
        down ? PlainDown(low, m) : PlainUp(low, m);
      } else {
        down ? ShiftedDown(low, m, shift) : ShiftedUp(low, m, shift);
      }
      double& last = down ? e_[m - 1] : e_[low];
      if (std::abs(last) <= threshold) last = 0;
    }
  }

  // Sets a negligible number beside the block's diagonal to 0, if there is one.
  bool Deflates(int64_t low, int64_t m, bool down, double tolerance,
                double* least) {
    if (down) {
      if (std::abs(e_[m - 1]) <= tolerance * std::abs(d_[m])) {
        e_[m - 1] = 0;
        return true;
      }
      double mu = std::abs(d_[low]);
      *least = mu;
      for (int64_t i = low; i < m; ++i) {
        if (std::abs(e_[i]) <= tolerance * mu) {
          e_[i] = 0;
          return true;
        }
        mu = std::abs(d_[i + 1]) * (mu / (mu + std::abs(e_[i])));
        *least = std::min(*least, mu);
      }
      return false;
    }
    if (std::abs(e_[low]) <= tolerance * std::abs(d_[low])) {
      e_[low] = 0;
      return true;
    }
    double mu = std::abs(d_[m]);
    *least = mu;
    for (int64_t i = m - 1; i >= low; --i) {
      if (std::abs(e_[i]) <= tolerance * mu) {
        e_[i] = 0;
        return true;
      }
      mu = std::abs(d_[i]) * (mu / (mu + std::abs(e_[i])));
      *least = std::min(*least, mu);
    }
    return false;
  }

  void PlainDown(int64_t low, int64_t m) {
    double c = 1, old_c = 1, old_s = 0;
    for (int64_t i = low; i < m; ++i) {
      const Rotation a = Rotate(d_[i] * c, e_[i]);
      c = a.c;
      if (i > low) e_[i - 1] = old_s * a.r;
      const Rotation b = Rotate(old_c * a.r, d_[i + 1] * a.s);
      old_c = b.c;
      old_s = b.s;
      d_[i] = b.r;
      RotateRows(i, a.c, a.s);
      RotateColumns(i, b.c, b.s);
    }
    const double h = d_[m] * c;
    d_[m] = h * old_c;
    e_[m - 1] = h * old_s;
  }

  void PlainUp(int64_t low, int64_t m) {
    double c = 1, old_c = 1, old_s = 0;
    for (int64_t i = m; i > low; --i) {
      const Rotation a = Rotate(d_[i] * c, e_[i - 1]);
      c = a.c;
      if (i < m) e_[i] = old_s * a.r;
      const Rotation b = Rotate(old_c * a.r, d_[i - 1] * a.s);
      old_c = b.c;
      old_s = b.s;
      d_[i] = b.r;
      RotateRows(i - 1, b.c, -b.s);
      RotateColumns(i - 1, a.c, -a.s);
    }
    const double h = d_[low] * c;
    d_[low] = h * old_c;
    e_[low] = h * old_s;
  }

  void ShiftedDown(int64_t low, int64_t m, double shift) {
    double f = (std::abs(d_[low]) - shift) *
               (std::copysign(1.0, d_[low]) + shift / d_[low]);
    double g = e_[low];
    for (int64_t i = low; i < m; ++i) {
      const Rotation a = Rotate(f, g);
      if (i > low) e_[i - 1] = a.r;
      f = a.c * d_[i] + a.s * e_[i];
      e_[i] = a.c * e_[i] - a.s * d_[i];
      g = a.s * d_[i + 1];
      d_[i + 1] *= a.c;
      const Rotation b = Rotate(f, g);
      d_[i] = b.r;
      f = b.c * e_[i] + b.s * d_[i + 1];
      d_[i + 1] = b.c * d_[i + 1] - b.s * e_[i];
      if (i < m - 1) {
        g = b.s * e_[i + 1];
        e_[i + 1] *= b.c;
      }
      RotateRows(i, a.c, a.s);
      RotateColumns(i, b.c, b.s);
    }
    e_[m - 1] = f;
  }

  void ShiftedUp(int64_t low, int64_t m, double shift) {
    double f =
        (std::abs(d_[m]) - shift) * (std::copysign(1.0, d_[m]) + shift / d_[m]);
    double g = e_[m - 1];
    for (int64_t i = m; i > low; --i) {
      const Rotation a = Rotate(f, g);
      if (i < m) e_[i] = a.r;
      f = a.c * d_[i] + a.s * e_[i - 1];
      e_[i - 1] = a.c * e_[i - 1] - a.s * d_[i];
      g = a.s * d_[i - 1];
      d_[i - 1] *= a.c;
      const Rotation b = Rotate(f, g);
      d_[i] = b.r;
      f = b.c * e_[i - 1] + b.s * d_[i - 1];
      d_[i - 1] = b.c * d_[i - 1] - b.s * e_[i - 1];
      if (i > low + 1) {
        g = b.s * e_[i - 2];
        e_[i - 2] *= b.c;
      }
      RotateRows(i - 1, b.c, -b.s);
      RotateColumns(i - 1, a.c, -a.s);
    }
    e_[low] = f;
  }

  std::vector<double> d_, e_;
  const double epsilon_;
  const int64_t n_;
  Matrix<double> u_, vt_;
};

template <typename T>
Matrix<T> Widened(const Matrix<double>& m) {
  Matrix<T> r(m.rows, m.cols);
  std::copy(m.data.begin(), m.data.end(), r.data.begin());
  return r;
}

// rows >= cols, by a bidiagonal matrix. `full`: u is square. `lower`: a is the
// adjoint of the matrix in question, whose bidiagonal matrix is a lower one:
// rotations make it an upper one first.
template <typename T>
void Decompose(Matrix<T> a, double epsilon, bool full, bool lower, Matrix<T>* u,
               std::vector<double>* s, Matrix<T>* v) {
  const int64_t m = a.rows, n = a.cols;
  std::vector<double> d(n), e(n);
  std::vector<Reflector<T>> left, right;
  for (int64_t i = 0; i < n; ++i) {
    std::vector<T> x;
    for (int64_t r = i; r < m; ++r) x.push_back(a(r, i));
    left.push_back(Reflect(i, std::move(x), &d[i]));
    left.back().ApplyLeft(&a, i + 1, /*adjoint=*/true);
    if (i + 1 == n) break;
    std::vector<T> y;
    for (int64_t c = i + 1; c < n; ++c) y.push_back(Conjugate(a(i, c)));
    right.push_back(Reflect(i + 1, std::move(y), &e[i]));
    right.back().ApplyRight(&a, i + 1);
  }
  std::vector<Rotation> rotations;
  for (int64_t i = 0; lower && i + 1 < n; ++i) {
    rotations.push_back(Rotate(d[i], e[i]));
    const Rotation& turn = rotations.back();
    d[i] = turn.r;
    e[i] = turn.s * d[i + 1];
    d[i + 1] *= turn.c;
  }
  Bidiagonal b(std::move(d), std::move(e), epsilon);
  b.Run();
  Matrix<double> inner_u = b.u(), inner_v = Adjoint(b.vt());
  for (int64_t i = static_cast<int64_t>(rotations.size()) - 1; i >= 0; --i) {
    const double c = rotations[i].c, sine = -rotations[i].s;
    for (int64_t k = 0; k < n; ++k) {
      const double next = inner_u(i + 1, k);
      inner_u(i + 1, k) = c * next - sine * inner_u(i, k);
      inner_u(i, k) = sine * next + c * inner_u(i, k);
    }
  }
  if (lower) std::swap(inner_u, inner_v);
  *u = Matrix<T>(m, full ? m : n);
  for (int64_t r = n; r < u->cols; ++r) (*u)(r, r) = T(1);
  for (int64_t r = 0; r < n; ++r) {
    for (int64_t c = 0; c < n; ++c) (*u)(r, c) = inner_u(r, c);
  }
  for (int64_t i = n - 1; i >= 0; --i) left[i].ApplyLeft(u, 0, false);
  *v = Widened<T>(inner_v);
  for (int64_t i = static_cast<int64_t>(right.size()) - 1; i >= 0; --i) {
    right[i].ApplyLeft(v, 0, false);
  }
  *s = b.values();
}

// a = q r, thin unless `full`; a becomes r, which has as many rows as columns.
template <typename T>
Matrix<T> TakeQ(Matrix<T>* a, bool full) {
  const int64_t m = a->rows, n = a->cols;
  std::vector<Reflector<T>> reflectors;
  for (int64_t i = 0; i < n; ++i) {
    std::vector<T> x;
    for (int64_t r = i; r < m; ++r) x.push_back((*a)(r, i));
    double beta;
    reflectors.push_back(Reflect(i, std::move(x), &beta));
    (*a)(i, i) = beta;
    reflectors.back().ApplyLeft(a, i + 1, /*adjoint=*/true);
  }
  Matrix<T> triangle(n, n), q(m, full ? m : n);
  for (int64_t i = 0; i < q.cols; ++i) q(i, i) = T(1);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i; j < n; ++j) triangle(i, j) = (*a)(i, j);
  }
  for (int64_t i = n - 1; i >= 0; --i) reflectors[i].ApplyLeft(&q, 0, false);
  *a = std::move(triangle);
  return q;
}

// q times m, and q's other columns as they are.
template <typename T>
Matrix<T> TimesLeading(const Matrix<T>& q, const Matrix<T>& m) {
  Matrix<T> wide = Matrix<T>::Identity(q.cols);
  for (int64_t r = 0; r < m.rows; ++r) {
    for (int64_t c = 0; c < m.cols; ++c) wide(r, c) = m(r, c);
  }
  return Product(q, wide);
}

}  // namespace

template <typename T>
void SmallSvd(const Matrix<T>& a, bool single, bool full, Matrix<T>* u,
              std::vector<double>* s, Matrix<T>* v) {
  const double epsilon = std::ldexp(1.0, single ? -24 : -53);
  const int64_t longer = std::max(a.rows, a.cols);
  const int64_t shorter = std::min(a.rows, a.cols);
  if (shorter == 0) {
    *u = full ? Matrix<T>::Identity(a.rows) : Matrix<T>(a.rows, 0);
    *v = full ? Matrix<T>::Identity(a.cols) : Matrix<T>(a.cols, 0);
    s->clear();
    return;
  }
  // From where on the library takes a triangle first.
  const int64_t much =
      std::is_same_v<T, double> ? shorter * 3 / 2 : shorter * 17 / 9;
  const bool triangle = longer > shorter && longer >= much;
  if (a.rows >= a.cols) {
    if (!triangle) return Decompose(a, epsilon, full, false, u, s, v);
    Matrix<T> r = a, inner;
    const Matrix<T> q = TakeQ(&r, full);
    Decompose(std::move(r), epsilon, false, false, &inner, s, v);
    *u = TimesLeading(q, inner);
    return;
  }
  // The library takes no triangle of a wide real matrix.
  if (!triangle || std::is_same_v<T, double>) {
    return Decompose(Adjoint(a), epsilon, full, true, v, s, u);
  }
  Matrix<T> r = Adjoint(a), inner;
  const Matrix<T> q = TakeQ(&r, full);
  Decompose(Adjoint(r), epsilon, false, false, u, s, &inner);
  *v = TimesLeading(q, inner);
}

template void SmallSvd(const Matrix<double>&, bool, bool, Matrix<double>*,
                       std::vector<double>*, Matrix<double>*);
template void SmallSvd(const Matrix<Complex128>&, bool, bool,
                       Matrix<Complex128>*, std::vector<double>*,
                       Matrix<Complex128>*);

}  // namespace tandem::reference
