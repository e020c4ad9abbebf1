// Eigenvalues and vectors of a real matrix as LAPACK's geev computes them for
// small matrices, so that their order and the vectors' signs are its:
// reflectors to Hessenberg form, then double-shift QR to a real Schur form.
#include "tandem/backends/reference/linalg_real_eigen.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace tandem::reference {
namespace {

constexpr double kTiny = std::numeric_limits<double>::min();

double Sign(double size, double of) {
  return std::copysign(std::abs(size), of);
}

// Takes v[0 … count) to (beta, 0 …): v[0] becomes 1, the result is tau.
double Reflect(double* v, int count, double* beta) {
  double size = 0;
  for (int i = 1; i < count; ++i) size += v[i] * v[i];
  *beta = v[0];
  double tau = 0;
  if (size != 0) {
    *beta = -Sign(std::sqrt(v[0] * v[0] + size), v[0]);
    tau = (*beta - v[0]) / *beta;
    for (int i = 1; i < count; ++i) v[i] /= v[0] - *beta;
  }
  v[0] = 1;
  return tau;
}

class RealSchur {
 public:
  // `epsilon`: of the type whose eigenvalues are meant.
  RealSchur(Matrix<double> a, double epsilon)
      : n_(a.rows),
        epsilon_(epsilon),
        h_(std::move(a)),
        z_(Matrix<double>::Identity(n_)),
        values_(n_) {}

  bool Run() {
    ToHessenberg();
    const double least = kTiny * (static_cast<double>(n_) / epsilon_);
    int64_t i = n_ - 1;
    int steps = 0, deflations = 0;
    while (i >= 0) {
      int64_t l = i;
      while (l > 0 && !Negligible(l, least)) --l;
      if (l > 0) h_(l, l - 1) = 0;
      if (l < i - 1) {
        if (++steps > 30 * std::max<int64_t>(10, n_)) return false;
        Sweep(l, i, ++deflations);
        continue;
      }
      if (l == i) {
        values_[i] = h_(i, i);
      } else {
        Standardize(i - 1);
      }
      steps = deflations = 0;
      i = l - 1;
    }
    return true;
  }

  const std::vector<Complex128>& values() const { return values_; }

  // Unit vectors; the greatest component of a complex one is real.
  Matrix<Complex128> Vectors() const {
    Matrix<Complex128> out(n_, n_);
    for (int64_t k = 0; k < n_; ++k) {
      const bool pair = values_[k].imag() != 0;
      const std::vector<Complex128> x = InSchurBasis(k, pair);
      std::vector<Complex128> v(n_);
      double size = 0;
      for (int64_t r = 0; r < n_; ++r) {
        for (int64_t c = 0; c < n_; ++c) v[r] += z_(r, c) * x[c];
        size += std::norm(v[r]);
      }
      size = std::sqrt(size);
      Complex128 factor(size == 0 ? 1 : 1 / size, 0);
      if (pair) {
        int64_t at = 0;
        for (int64_t r = 1; r < n_; ++r) {
          if (std::norm(v[r]) > std::norm(v[at])) at = r;
        }
        const double length = std::abs(v[at]);
        if (length > 0) {
          const bool turned = v[at].real() < 0 &&
                              std::abs(v[at].real()) > std::abs(v[at].imag());
          factor *= std::conj(v[at]) / (turned ? -length : length);
        }
      }
      for (int64_t r = 0; r < n_; ++r) out(r, k) = v[r] * factor;
      if (!pair) continue;
      for (int64_t r = 0; r < n_; ++r) out(r, k + 1) = std::conj(out(r, k));
      ++k;
    }
    return out;
  }

 private:
  void ToHessenberg() {
    std::vector<double> v(n_);
    for (int64_t k = 0; k + 2 < n_; ++k) {
      const int count = static_cast<int>(n_ - k - 1);
      for (int i = 0; i < count; ++i) v[i] = h_(k + 1 + i, k);
      double beta;
      const double tau = Reflect(v.data(), count, &beta);
      h_(k + 1, k) = beta;
      for (int64_t i = k + 2; i < n_; ++i) h_(i, k) = 0;
      Left(k + 1, count, v.data(), tau, k + 1);
      Right(&h_, k + 1, count, v.data(), tau, n_);
      Right(&z_, k + 1, count, v.data(), tau, n_);
    }
  }

  // Rows k … k + count of h, from this column on.
  void Left(int64_t k, int count, const double* v, double tau, int64_t from) {
    for (int64_t j = from; j < n_; ++j) {
      double sum = 0;
      for (int i = 0; i < count; ++i) sum += v[i] * h_(k + i, j);
      for (int i = 0; i < count; ++i) h_(k + i, j) -= sum * tau * v[i];
    }
  }
  void Right(Matrix<double>* m, int64_t k, int count, const double* v,
             double tau, int64_t rows) {
    for (int64_t j = 0; j < rows; ++j) {
      double sum = 0;
      for (int i = 0; i < count; ++i) sum += v[i] * (*m)(j, k + i);
      for (int i = 0; i < count; ++i) (*m)(j, k + i) -= sum * tau * v[i];
    }
  }

  bool Negligible(int64_t k, double least) const {
    const double below = std::abs(h_(k, k - 1));
    if (below <= least) return true;
    double around = std::abs(h_(k - 1, k - 1)) + std::abs(h_(k, k));
    if (around == 0) {
      if (k >= 2) around += std::abs(h_(k - 1, k - 2));
      if (k + 1 < n_) around += std::abs(h_(k + 1, k));
    }
    if (below > epsilon_ * around) return false;
    const double above = std::abs(h_(k - 1, k)), d = std::abs(h_(k, k));
    const double gap = std::abs(h_(k - 1, k - 1) - h_(k, k));
    const double ab = std::max(below, above), ba = std::min(below, above);
    const double aa = std::max(d, gap), bb = std::min(d, gap), s = aa + ab;
    return ba * (ab / s) <= std::max(least, epsilon_ * (bb * (aa / s)));
  }

  // One double-shift QR step of the block l … i.
  void Sweep(int64_t l, int64_t i, int deflations) {
    double a, b, c, d;
    if (deflations % 20 == 0) {
      const double s = std::abs(h_(i, i - 1)) + std::abs(h_(i - 1, i - 2));
      a = d = 0.75 * s + h_(i, i);
      b = -0.4375 * s;
      c = s;
    } else if (deflations % 10 == 0) {
      const double s = std::abs(h_(l + 1, l)) + std::abs(h_(l + 2, l + 1));
      a = d = 0.75 * s + h_(l, l);
      b = -0.4375 * s;
      c = s;
    } else {
      a = h_(i - 1, i - 1);
      b = h_(i - 1, i);
      c = h_(i, i - 1);
      d = h_(i, i);
    }
    double re1 = 0, re2 = 0, im = 0;
    double s = std::abs(a) + std::abs(b) + std::abs(c) + std::abs(d);
    if (s != 0) {
      a /= s, b /= s, c /= s, d /= s;
      const double mean = (a + d) / 2;
      const double det = (a - mean) * (d - mean) - b * c;
      const double root = std::sqrt(std::abs(det));
      if (det >= 0) {
        re1 = re2 = mean * s;
        im = root * s;
      } else {
        re1 = mean + root;
        re2 = mean - root;
        re1 = re2 = (std::abs(re1 - d) <= std::abs(re2 - d) ? re1 : re2) * s;
      }
    }
    double v[3] = {0, 0, 0};
    int64_t m = i - 2;
    for (;; --m) {
      const double t = std::abs(h_(m, m) - re2) + im + std::abs(h_(m + 1, m));
      const double g = h_(m + 1, m) / t;
      v[0] = g * h_(m, m + 1) + (h_(m, m) - re1) * ((h_(m, m) - re2) / t) +
             im * (im / t);
      v[1] = g * (h_(m, m) + h_(m + 1, m + 1) - re1 - re2);
      v[2] = g * h_(m + 2, m + 1);
      const double size = std::abs(v[0]) + std::abs(v[1]) + std::abs(v[2]);
      for (double& x : v) x /= size;
      if (m == l) break;
      const double around = std::abs(h_(m - 1, m - 1)) + std::abs(h_(m, m)) +
                            std::abs(h_(m + 1, m + 1));
      if (std::abs(h_(m, m - 1)) * (std::abs(v[1]) + std::abs(v[2])) <=
          epsilon_ * std::abs(v[0]) * around) {
        break;
      }
    }
    for (int64_t k = m; k < i; ++k) {
      const int count = static_cast<int>(std::min<int64_t>(3, i - k + 1));
      if (k > m) {
        for (int j = 0; j < count; ++j) v[j] = h_(k + j, k - 1);
      }
      double beta;
      const double tau = Reflect(v, count, &beta);
      if (k > m) {
        h_(k, k - 1) = beta;
        for (int j = 1; j < count; ++j) h_(k + j, k - 1) = 0;
      } else if (m > l) {
        h_(k, k - 1) *= 1 - tau;
      }
      Left(k, count, v, tau, k);
      Right(&h_, k, count, v, tau, std::min(k + 3, i) + 1);
      Right(&z_, k, count, v, tau, n_);
    }
  }

  // The block k, k + 1 becomes a triangle or has equal diagonal elements.
  void Standardize(int64_t k) {
    double a = h_(k, k), b = h_(k, k + 1), c = h_(k + 1, k),
           d = h_(k + 1, k + 1);
    double cs = 1, sn = 0;
    if (c == 0) {
    } else if (b == 0) {
      cs = 0;
      sn = 1;
      std::swap(a, d);
      b = -c;
      c = 0;
    } else if (a - d == 0 && std::signbit(b) != std::signbit(c)) {
    } else {
      double temp = a - d, p = 0.5 * temp;
      const double most = std::max(std::abs(b), std::abs(c));
      const double other =
          std::min(std::abs(b), std::abs(c)) * Sign(1, b) * Sign(1, c);
      const double scale = std::max(std::abs(p), most);
      double z = (p / scale) * p + (most / scale) * other;
      if (z >= 4 * epsilon_) {
        z = p + Sign(std::sqrt(scale) * std::sqrt(z), p);
        a = d + z;
        d -= (most / z) * other;
        const double tau = std::hypot(c, z);
        cs = z / tau;
        sn = c / tau;
        b -= c;
        c = 0;
      } else {
        const double sigma = b + c;
        double tau = std::hypot(sigma, temp);
        cs = std::sqrt(0.5 * (1 + std::abs(sigma) / tau));
        sn = -(p / (tau * cs)) * Sign(1, sigma);
        const double aa = a * cs + b * sn, bb = -a * sn + b * cs;
        const double cc = c * cs + d * sn, dd = -c * sn + d * cs;
        a = aa * cs + cc * sn;
        b = bb * cs + dd * sn;
        c = -aa * sn + cc * cs;
        d = -bb * sn + dd * cs;
        temp = 0.5 * (a + d);
        a = d = temp;
        if (c != 0 && b == 0) {
          b = -c;
          c = 0;
          temp = cs;
          cs = -sn;
          sn = temp;
        } else if (c != 0 && std::signbit(b) == std::signbit(c)) {
          const double sab = std::sqrt(std::abs(b)),
                       sac = std::sqrt(std::abs(c));
          p = Sign(sab * sac, c);
          tau = 1 / std::sqrt(std::abs(b + c));
          a = temp + p;
          d = temp - p;
          b -= c;
          c = 0;
          const double cs1 = sab * tau, sn1 = sac * tau;
          temp = cs * cs1 - sn * sn1;
          sn = cs * sn1 + sn * cs1;
          cs = temp;
        }
      }
    }
    const double im =
        c == 0 ? 0 : std::sqrt(std::abs(b)) * std::sqrt(std::abs(c));
    values_[k] = Complex128(a, im);
    values_[k + 1] = Complex128(d, -im);
    for (int64_t j = k + 2; j < n_; ++j) {
      const double x = h_(k, j), y = h_(k + 1, j);
      h_(k, j) = cs * x + sn * y;
      h_(k + 1, j) = cs * y - sn * x;
    }
    for (Matrix<double>* m : {&h_, &z_}) {
      for (int64_t j = 0; j < (m == &h_ ? k : n_); ++j) {
        const double x = (*m)(j, k), y = (*m)(j, k + 1);
        (*m)(j, k) = cs * x + sn * y;
        (*m)(j, k + 1) = cs * y - sn * x;
      }
    }
    h_(k, k) = a;
    h_(k, k + 1) = b;
    h_(k + 1, k) = c;
    h_(k + 1, k + 1) = d;
  }

  // The eigenvector of the quasi-triangle for value k (the first of a pair).
  std::vector<Complex128> InSchurBasis(int64_t k, bool pair) const {
    std::vector<Complex128> x(n_);
    const Complex128 w = values_[k];
    int64_t last = k;
    x[k] = 1;
    if (pair) {
      last = k + 1;
      if (std::abs(h_(k, k + 1)) >= std::abs(h_(k + 1, k))) {
        x[k + 1] = Complex128(0, w.imag() / h_(k, k + 1));
      } else {
        x[k] = -w.imag() / h_(k + 1, k);
        x[k + 1] = Complex128(0, 1);
      }
    }
    double norm = 0;
    for (double v : h_.data) norm = std::max(norm, std::abs(v));
    const double least = std::max(norm * epsilon_, kTiny / epsilon_);
    const auto right = [&](int64_t r, int64_t from) {
      Complex128 sum = 0;
      for (int64_t c = from; c <= last; ++c) sum -= h_(r, c) * x[c];
      return sum;
    };
    for (int64_t r = k - 1; r >= 0; --r) {
      if (r > 0 && h_(r, r - 1) != 0) {
        const Complex128 f = right(r - 1, r + 1), g = right(r, r + 1);
        const Complex128 a = h_(r - 1, r - 1) - w, d = h_(r, r) - w;
        const double b = h_(r - 1, r), c = h_(r, r - 1);
        Complex128 det = a * d - b * c;
        if (std::abs(det) < least * least) det = least * least;
        x[r - 1] = (f * d - b * g) / det;
        x[r] = (a * g - c * f) / det;
        --r;
        continue;
      }
      Complex128 d = h_(r, r) - w;
      if (std::abs(d) < least) d = least;
      x[r] = right(r, r + 1) / d;
    }
    return x;
  }

  const int64_t n_;
  const double epsilon_;
  Matrix<double> h_, z_;
  std::vector<Complex128> values_;
};

}  // namespace

bool EigenReal(Matrix<double> a, bool single, std::vector<Complex128>* values,
               Matrix<Complex128>* vectors) {
  RealSchur schur(std::move(a), std::ldexp(1.0, single ? -23 : -52));
  if (!schur.Run()) return false;
  *values = schur.values();
  if (vectors != nullptr) *vectors = schur.Vectors();
  return true;
}

}  // namespace tandem::reference
