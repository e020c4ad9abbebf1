#include "tandem/backends/reference/dft.h"

#include <algorithm>
#include <cmath>

#include "tandem/tensor/context.h"
#include "tandem/tensor/dtype.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {
namespace {

using Complex = Dft::Complex;

// Prime factors above this go by convolution.
constexpr int64_t kGreatestRadix = 61;

Complex Times(Complex a, Complex b) {  // without the checks for infinities
  return {a.real() * b.real() - a.imag() * b.imag(),
          a.real() * b.imag() + a.imag() * b.real()};
}

// exp(sign * 2 pi i * j / n), exact at the quarters.
Complex Root(int64_t j, int64_t n, bool forward) {
  // Into the first octant, where sine and cosine are at their best.
  const int64_t octant = static_cast<int64_t>(static_cast<__int128>(j) * 8 / n);
  const auto angle = [n](__int128 eighths) {  // of a full turn, times 8 n
    return static_cast<double>(eighths) * M_PI / (4.0 * static_cast<double>(n));
  };
  const __int128 at = static_cast<__int128>(j) * 8;
  const __int128 rest = (octant % 2 == 0)
                            ? at - static_cast<__int128>(octant) * n
                            : static_cast<__int128>(octant + 1) * n - at;
  double c = std::cos(angle(rest)), s = std::sin(angle(rest));
  if (octant % 2 == 1) std::swap(c, s);
  switch (octant / 2 % 4) {
    case 0:
      break;
    case 1: {
      const double t = c;
      c = -s;
      s = t;
      break;
    }
    case 2:
      c = -c;
      s = -s;
      break;
    default: {
      const double t = c;
      c = s;
      s = -t;
    }
  }
  return {c, forward ? -s : s};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Dft>> Dft::Make(int64_t n, bool forward) {
  if (n < 1 || n > (int64_t{1} << 40)) {
    return absl::InvalidArgumentError("a Fourier transform of that length");
  }
  std::unique_ptr<Dft> dft(new Dft(n, forward));
  int64_t rest = n;
  for (int64_t f = 4; rest > 1 && f <= kGreatestRadix;) {
    if (rest % f == 0) {
      dft->factors_.push_back(f);
      rest /= f;
    } else {
      f = f == 4 ? 2 : f == 2 ? 3 : f + 2;
    }
  }
  // Memory in proportion to the tensors that the call holds anyway.
  if (rest == 1) {
    dft->roots_.resize(n);
    for (int64_t j = 0; j < n; ++j) dft->roots_[j] = Root(j, n, forward);
    dft->scratch_size_ = n + kGreatestRadix;
    return dft;
  }
  dft->factors_.clear();
  int64_t m = 1;
  while (m < 2 * n - 1) m *= 2;
  TANDEM_ASSIGN_OR_RETURN(dft->there_, Make(m, true));
  TANDEM_ASSIGN_OR_RETURN(dft->back_, Make(m, false));
  dft->scratch_size_ = m + dft->there_->scratch_size_;
  dft->chirp_.resize(n);
  for (int64_t j = 0; j < n; ++j) {
    const int64_t square =
        static_cast<int64_t>(static_cast<__int128>(j) * j % (2 * n));
    dft->chirp_[j] = Root(square, 2 * n, forward);
  }
  dft->chirp_dft_.assign(m, Complex(0));
  for (int64_t j = 0; j < n; ++j) {
    dft->chirp_dft_[j] = std::conj(dft->chirp_[j]);
    if (j > 0) dft->chirp_dft_[m - j] = std::conj(dft->chirp_[j]);
  }
  std::vector<Complex> scratch(dft->there_->scratch_size_);
  dft->there_->Run(dft->chirp_dft_.data(), scratch.data());
  for (Complex& c : dft->chirp_dft_) c /= static_cast<double>(m);
  return dft;
}

void Dft::Run(Complex* data, Complex* scratch) const {
  if (n_ == 1) return;
  if (there_ != nullptr) {
    Convolution(data, scratch);
  } else {
    MixedRadix(data, scratch);
  }
}

// Transforms of the n / l interleaved subsequences, l long, lie one after the
// other; each step joins r of them.
void Dft::MixedRadix(Complex* data, Complex* scratch) const {
  Complex* from = data;
  Complex* to = scratch;
  Complex* t = scratch + n_;  // kGreatestRadix
  int64_t l = 1;
  const double turn = forward_ ? -1.0 : 1.0;
  for (int64_t r : factors_) {
    const int64_t m = n_ / (l * r);
    for (int64_t k = 0; k < m; ++k) {
      const Complex* a = from + k * l;
      Complex* out = to + k * l * r;
      const int64_t step = m * l;  // between the sequences to be joined
      if (r == 2) {
        for (int64_t q = 0; q < l; ++q) {
          const Complex x = a[q], y = Times(a[q + step], roots_[q * m]);
          out[q] = x + y;
          out[q + l] = x - y;
        }
      } else if (r == 4) {
        for (int64_t q = 0; q < l; ++q) {
          const Complex x0 = a[q];
          const Complex x1 = Times(a[q + step], roots_[q * m]);
          const Complex x2 = Times(a[q + 2 * step], roots_[2 * q * m]);
          const Complex x3 = Times(a[q + 3 * step], roots_[3 * q * m]);
          const Complex s02 = x0 + x2, d02 = x0 - x2, s13 = x1 + x3;
          const Complex d13 = x1 - x3;
          const Complex i13 = {-turn * d13.imag(), turn * d13.real()};
          out[q] = s02 + s13;
          out[q + l] = d02 + i13;
          out[q + 2 * l] = s02 - s13;
          out[q + 3 * l] = d02 - i13;
        }
      } else {
        const int64_t unit = n_ / r;
        for (int64_t q = 0; q < l; ++q) {
          for (int64_t s = 0; s < r; ++s) {
            t[s] = Times(a[q + s * step], roots_[s * q * m]);
          }
          for (int64_t p = 0; p < r; ++p) {
            Complex sum = t[0];
            int64_t at = 0;
            for (int64_t s = 1; s < r; ++s) {
              at += p;
              if (at >= r) at -= r;
              sum += Times(t[s], roots_[at * unit]);
            }
            out[q + p * l] = sum;
          }
        }
      }
    }
    std::swap(from, to);
    l *= r;
  }
  if (from != data) std::copy(from, from + n_, data);
}

void Dft::Convolution(Complex* data, Complex* scratch) const {
  const int64_t m = there_->n_;
  Complex* work = scratch;
  Complex* rest = scratch + m;
  for (int64_t j = 0; j < n_; ++j) work[j] = Times(data[j], chirp_[j]);
  std::fill(work + n_, work + m, Complex(0));
  there_->Run(work, rest);
  for (int64_t j = 0; j < m; ++j) work[j] = Times(work[j], chirp_dft_[j]);
  back_->Run(work, rest);
  for (int64_t j = 0; j < n_; ++j) data[j] = Times(work[j], chirp_[j]);
}

absl::Status DftLines(std::complex<double>* data, int64_t outer, int64_t inner,
                      const Dft& dft) {
  const int64_t n = dft.size();
  if (n == 1 || outer == 0 || inner == 0) return absl::OkStatus();
  return ParallelFor(outer * inner, std::max<int64_t>(1, 8192 / n),
                     [&](int64_t begin, int64_t end) {
                       std::vector<Complex> scratch(dft.scratch_size());
                       std::vector<Complex> line(inner == 1 ? 0 : n);
                       for (int64_t j = begin; j < end; ++j) {
                         Complex* first =
                             data + j / inner * n * inner + j % inner;
                         if (inner == 1) {
                           dft.Run(first, scratch.data());
                           continue;
                         }
                         for (int64_t i = 0; i < n; ++i)
                           line[i] = first[i * inner];
                         dft.Run(line.data(), scratch.data());
                         for (int64_t i = 0; i < n; ++i)
                           first[i * inner] = line[i];
                       }
                     });
}

}  // namespace tandem::reference
