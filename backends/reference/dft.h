// Discrete Fourier transforms of any length in O(n log n).
#ifndef TANDEM_BACKENDS_REFERENCE_DFT_H_
#define TANDEM_BACKENDS_REFERENCE_DFT_H_

#include <complex>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tandem::reference {

// A transform of one length and direction: mixed radix (Stockham), for lengths
// with a great prime factor by a convolution (Bluestein). Unscaled. Computes in
// double. Immutable: threads may share it.
class Dft {
 public:
  using Complex = std::complex<double>;

  // n >= 1. Errors: no memory.
  static absl::StatusOr<std::unique_ptr<Dft>> Make(int64_t n, bool forward);

  int64_t size() const { return n_; }
  // Elements that Run needs as scratch.
  int64_t scratch_size() const { return scratch_size_; }
  // data[0 … n) in place.
  void Run(Complex* data, Complex* scratch) const;

 private:
  Dft(int64_t n, bool forward) : n_(n), forward_(forward) {}
  void MixedRadix(Complex* data, Complex* scratch) const;
  void Convolution(Complex* data, Complex* scratch) const;

  const int64_t n_;
  const bool forward_;
  int64_t scratch_size_ = 0;
  std::vector<int64_t> factors_;
  std::vector<Complex> roots_;  // exp(-+2 pi i j / n)
  // Bluestein: a chirp, its transform, and transforms of a power of two.
  std::vector<Complex> chirp_, chirp_dft_;
  std::unique_ptr<Dft> there_, back_;
};

// Transforms the lines of a dense block [outer, n, inner] along its middle dim.
absl::Status DftLines(std::complex<double>* data, int64_t outer, int64_t inner,
                      const Dft& dft);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_DFT_H_
