// Sample frequencies and shifts of spectra.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/fft.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// half: the frequencies of rfft, 0 … n / 2; otherwise those above the middle
// wrap to the negative ones.
Result Frequencies(const char* name, int64_t n, double d, bool half,
                   std::optional<DType> dtype, std::optional<Device> device) {
  TANDEM_RETURN_IF_ERROR(CheckDevice(device));
  const DType type = dtype.value_or(DType::kFloat);
  if (!IsFloatingPoint(type) && !IsComplex(type)) {
    return Invalid(
        absl::StrCat(name, " requires a floating point or complex dtype"));
  }
  const int64_t count = half ? n / 2 + 1 : n;
  if (count < 0) {
    return Invalid(
        absl::StrCat("Trying to create tensor with negative dimension ", count,
                     ": [", count, "]"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor t,
                          Tensor::Empty({count}, DType::kDouble));
  const double unit = 1.0 / (static_cast<double>(n) * d);
  double* data = t.data<double>();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t k = half || i < n - n / 2 ? i : i - n;
    data[i] = static_cast<double>(k) * unit;
  }
  return ToDType(t, type);
}

Result FftFreq(int64_t n, double d, std::optional<DType> dtype,
               std::optional<Layout>, std::optional<Device> device,
               std::optional<bool>) {
  return Frequencies("fftfreq", n, d, false, dtype, device);
}

Result RfftFreq(int64_t n, double d, std::optional<DType> dtype,
                std::optional<Layout>, std::optional<Device> device,
                std::optional<bool>) {
  return Frequencies("rfftfreq", n, d, true, dtype, device);
}

template <bool kHalf>
Result FreqOut(int64_t n, double d, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          Frequencies(kHalf ? "rfftfreq" : "fftfreq", n, d,
                                      kHalf, out.dtype(), std::nullopt));
  return WriteOut(result, out);
}

// Each dim rolled by its `numerator` / 2: dst[(i + shift) % n] = src[i], as two
// pieces a dim.
Result Roll(const Tensor& self, std::optional<absl::Span<const int64_t>> dim,
            int64_t extra) {
  Dims dims;
  if (dim.has_value()) {
    for (int64_t d : *dim) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t w, WrapDim(d, self.dim()));
      dims.push_back(w);
    }
  } else {
    for (int64_t d = 0; d < self.dim(); ++d) dims.push_back(d);
  }
  if (self.dim() == 0) return Clone(self);
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Clone(self, MemoryFormat::kContiguous));
  for (int64_t d : dims) {
    const int64_t n = x.size(d);
    if (x.numel() == 0 || n < 2) continue;
    const int64_t shift = (n + extra) / 2 % n;
    if (shift == 0) continue;
    TANDEM_ASSIGN_OR_RETURN(const Tensor y,
                            Tensor::Empty(x.sizes(), x.dtype()));
    const auto piece = [d](const Tensor& t, int64_t start, int64_t length) {
      Dims sizes(t.sizes().begin(), t.sizes().end());
      sizes[d] = length;
      return t.ViewUnchecked(sizes, t.strides(),
                             t.offset() + start * t.stride(d));
    };
    TANDEM_RETURN_IF_ERROR(
        CopyElements(piece(x, 0, n - shift), piece(y, shift, n - shift)));
    TANDEM_RETURN_IF_ERROR(
        CopyElements(piece(x, n - shift, shift), piece(y, 0, shift)));
    x = y;
  }
  return x;
}

// As roll, which wants a shift.
absl::Status CheckShifts(const Tensor& self,
                         std::optional<absl::Span<const int64_t>> dim) {
  if (dim.has_value() ? dim->empty() : self.dim() == 0) {
    return absl::InvalidArgumentError("`shifts` required");
  }
  return absl::OkStatus();
}

Result FftShift(const Tensor& self,
                std::optional<absl::Span<const int64_t>> dim) {
  TANDEM_RETURN_IF_ERROR(CheckShifts(self, dim));
  return Roll(self, dim, 0);
}

Result IfftShift(const Tensor& self,
                 std::optional<absl::Span<const int64_t>> dim) {
  TANDEM_RETURN_IF_ERROR(CheckShifts(self, dim));
  return Roll(self, dim, 1);
}

}  // namespace

void AddFftHelpers(KernelRegistrar& r) {
  r.Add("aten::fft_fftfreq", &FftFreq)
      .Add("aten::fft_fftfreq.out", &FreqOut<false>)
      .Add("aten::fft_rfftfreq", &RfftFreq)
      .Add("aten::fft_rfftfreq.out", &FreqOut<true>)
      .Add("aten::fft_fftshift", &FftShift)
      .Add("aten::fft_ifftshift", &IfftShift);
}

}  // namespace tandem::reference
