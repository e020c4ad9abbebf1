// Pieces of the operators on numbers; one function a file.
#ifndef TANDEM_BACKENDS_REFERENCE_SCALAR_H_
#define TANDEM_BACKENDS_REFERENCE_SCALAR_H_

#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>

#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"

namespace tandem::reference {

void AddScalarArithmetic(KernelRegistrar& r);
void AddScalarCompare(KernelRegistrar& r);
void AddScalarMath(KernelRegistrar& r);
void AddScalarConvert(KernelRegistrar& r);
void AddScalarMisc(KernelRegistrar& r);
void AddProfiler(KernelRegistrar& r);

// int64 arithmetic wraps around.
inline int64_t WrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) +
                              static_cast<uint64_t>(b));
}
inline int64_t WrapSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) -
                              static_cast<uint64_t>(b));
}
inline int64_t WrapMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) *
                              static_cast<uint64_t>(b));
}

// Python's // and %; errors for a divisor of 0 and for -2^63 // -1, which end
// a process that divides.
absl::StatusOr<int64_t> FloorDivInt(int64_t a, int64_t b);
absl::StatusOr<int64_t> RemainderInt(int64_t a, int64_t b);
inline double RemainderFloat(double a, double b) {
  return std::fmod(b + std::fmod(a, b), b);
}

// C's conversion on x86: what does not fit gives the least integer.
inline int64_t TruncateToInt(double d) {
  return d >= -9223372036854775808.0 && d < 9223372036854775808.0
             ? static_cast<int64_t>(d)
             : std::numeric_limits<int64_t>::min();
}

// libtorch's complex division (numpy's), to the last bit.
std::complex<double> DivComplex(std::complex<double> a, std::complex<double> b);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_SCALAR_H_
