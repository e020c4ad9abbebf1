// The short-time Fourier transform and its inverse.
#include <algorithm>
#include <cmath>
#include <complex>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/dft.h"
#include "tandem/backends/reference/fft.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Complex = std::complex<double>;
using MaybeInt = std::optional<int64_t>;
using MaybeBool = std::optional<bool>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

std::string Text(MaybeBool b) {
  return b.has_value() ? absl::StrCat(static_cast<int>(*b)) : "None";
}

// As Tensor::toString() gives it: complex types have no legacy name.
std::string TypeText(DType dtype) {
  return IsComplex(dtype) ? absl::StrCat("CPU", TypeName(dtype), "Type")
                          : absl::StrCat("torch.", TypeName(dtype), "Tensor");
}

std::string WindowText(const Tensor& window) {
  if (!window.defined()) return "None";
  return absl::StrCat(TypeText(window.dtype()), "{",
                      DimsToString(window.sizes()), "}");
}

// An element of `at` beyond the ends of [0, n), as pad() finds it; -1 is zero.
int64_t Padded(int64_t at, int64_t n, absl::string_view mode) {
  if (at >= 0 && at < n) return at;
  if (mode == "constant") return -1;
  if (mode == "replicate") return at < 0 ? 0 : n - 1;
  if (mode == "circular") return at < 0 ? at + n : at - n;
  return at < 0 ? -at : 2 * (n - 1) - at;
}

absl::Status CheckPadding(int64_t pad, int64_t length, absl::string_view mode) {
  if (mode == "constant" || mode == "replicate") {
    return absl::OkStatus();
  }
  if (mode == "reflect") {
    if (pad < length) return absl::OkStatus();
    return Invalid(absl::StrCat(
        "Argument #4: Padding size should be less than the corresponding input "
        "dimension, but got: padding (",
        pad, ", ", pad, ") at dimension 2 of input [1, ", "*", ", ", length,
        "]"));
  }
  if (mode == "circular") {
    if (pad <= length) return absl::OkStatus();
    return Invalid("Padding value causes wrapping around more than once.");
  }
  return absl::UnimplementedError(
      absl::StrCat("Unrecognised padding mode ", mode));
}

// The window in the middle of n_fft zeros; ones where there is none.
std::vector<Complex> WindowOf(const Tensor& window, int64_t n_fft,
                              int64_t win_length, const Tensor& values) {
  std::vector<Complex> result(n_fft);
  const int64_t left = (n_fft - win_length) / 2;
  for (int64_t i = 0; i < win_length; ++i) {
    result[left + i] = window.defined() ? values.data<Complex>()[i] : 1.0;
  }
  return result;
}

struct StftOptions {
  int64_t n_fft;
  MaybeInt hop_length, win_length;
  bool center;
  absl::string_view pad_mode;
  bool normalized;
  MaybeBool onesided, return_complex, align_to_window;
};

absl::StatusOr<Tensor> ComputeStft(const Tensor& self, const Tensor& window,
                                   const StftOptions& o) {
  if (o.center && o.align_to_window.has_value()) {
    return Invalid(
        "stft align_to_window should only be set when center = "
        "false.");
  }
  const int64_t n_fft = o.n_fft;
  const int64_t hop = o.hop_length.value_or(n_fft >> 2);
  const int64_t win = o.win_length.value_or(n_fft);
  const auto name = [&](DimSpan sizes) {
    return absl::StrCat("stft(", TypeText(self.dtype()), DimsToString(sizes),
                        ", n_fft=", n_fft, ", hop_length=", hop,
                        ", win_length=", win, ", window=", WindowText(window),
                        ", normalized=", o.normalized ? 1 : 0,
                        ", onesided=", Text(o.onesided),
                        ", return_complex=", Text(o.return_complex),
                        ", align_to_window=", Text(o.align_to_window), ") ");
  };
  const bool complex_window = window.defined() && IsComplex(window.dtype());
  const bool complex_input = IsComplex(self.dtype()) || complex_window;
  if (!complex_input && !o.return_complex.has_value()) {
    return Invalid(
        "stft requires the return_complex parameter be given for real inputs, "
        "and will further require that return_complex=True in a future PyTorch "
        "release.");
  }
  const bool return_complex = o.return_complex.value_or(complex_input);
  if (!IsFloatingPoint(self.dtype()) && !IsComplex(self.dtype())) {
    return absl::UnimplementedError(
        name(self.sizes()) +
        ": expected a tensor of floating point or complex values");
  }
  if (self.dim() != 1 && self.dim() != 2) {
    return Invalid(name(self.sizes()) + ": expected a 1D or 2D tensor");
  }
  const int64_t batch = self.dim() == 2 ? self.size(0) : 1;
  const int64_t length = self.size(self.dim() - 1);
  const int64_t pad = o.center ? n_fft / 2 : 0;
  if (o.center) {
    TANDEM_RETURN_IF_ERROR(CheckPadding(pad, length, o.pad_mode));
  }
  int64_t total;
  if (__builtin_add_overflow(length, 2 * (pad > 0 ? pad : 0), &total)) {
    return Invalid("stft: the padded length overflows");
  }
  if (n_fft <= 0 || n_fft > total) {
    return Invalid(absl::StrCat(name(self.sizes()), ": expected 0 < n_fft < ",
                                total, ", but got n_fft=", win));
  }
  if (hop <= 0) {
    return Invalid(
        absl::StrCat(name(self.sizes()),
                     ": expected hop_length > 0, but got hop_length=", hop));
  }
  if (win <= 0 || win > n_fft) {
    return Invalid(absl::StrCat(
        name(self.sizes()),
        ": expected 0 < win_length <= n_fft, but got win_length=", win));
  }
  if (window.defined() && (window.dim() != 1 || window.size(0) != win)) {
    return Invalid(absl::StrCat(
        name(self.sizes()),
        ": expected a 1D window tensor of size equal to win_length=", win,
        ", but got window with size ", DimsToString(window.sizes())));
  }
  const bool onesided = o.onesided.value_or(!complex_input);
  if (complex_input && onesided) {
    return Invalid("Cannot have onesided output if window or input is complex");
  }
  ResultType type;
  type.Add(self);
  if (window.defined()) type.Add(window);
  TANDEM_ASSIGN_OR_RETURN(DType dtype, type.Get());
  if (ToReal(dtype) != DType::kFloat && ToReal(dtype) != DType::kDouble &&
      dtype != DType::kFloat && dtype != DType::kDouble) {
    return absl::UnimplementedError(absl::StrCat(
        "MKL FFT doesn't support tensors of type: ", TypeName(dtype)));
  }
  if (!IsComplex(dtype)) dtype = ToComplex(dtype);

  const bool aligned = o.align_to_window.value_or(false);
  const int64_t left = (n_fft - win) / 2;
  const int64_t frames =
      aligned ? (total - win) / hop + 1 : (total - n_fft) / hop + 1;
  if (aligned) {
    // PyTorch pads by `left` at both ends, which an odd difference outgrows.
    const int64_t padded = total + 2 * left;
    const int64_t item = static_cast<int64_t>(self.element_size());
    const int64_t need = (batch - 1) * padded + (frames - 1) * hop + n_fft;
    if (batch > 0 && need > batch * padded) {
      return Invalid(absl::StrCat(
          "setStorage: sizes [", batch, ", ", frames, ", ", n_fft,
          "], strides [", padded, ", ", hop,
          ", 1], storage offset 0, and "
          "itemsize ",
          item, " requiring a storage size of ", need * item,
          " are out of bounds for storage of size ", batch * padded * item));
    }
  }
  const int64_t bins = onesided ? n_fft / 2 + 1 : n_fft;
  Tensor values;
  if (window.defined()) {
    TANDEM_ASSIGN_OR_RETURN(values, Contiguous(window, DType::kComplexDouble));
  }
  const std::vector<Complex> weights = WindowOf(window, n_fft, win, values);
  TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                          Contiguous(self, DType::kComplexDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty({batch, frames, bins}, dtype));
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Dft> dft,
                          Dft::Make(n_fft, true));
  const double scale =
      o.normalized ? 1.0 / std::sqrt(static_cast<double>(n_fft)) : 1.0;
  const int64_t first = aligned ? -left : -pad;
  const auto write = [&](auto* to) {
    using Out = std::remove_pointer_t<decltype(to)>;
    using Real = typename Out::value_type;
    return ParallelFor(
        batch * frames, std::max<int64_t>(1, 8192 / n_fft),
        [&](int64_t begin, int64_t end) {
          std::vector<Complex> line(n_fft), scratch(dft->scratch_size());
          for (int64_t j = begin; j < end; ++j) {
            const Complex* from = x.data<Complex>() + j / frames * length;
            const int64_t start = first + j % frames * hop;
            for (int64_t i = 0; i < n_fft; ++i) {
              const int64_t at =
                  Padded(start + i, length, aligned ? "constant" : o.pad_mode);
              const Complex w = weights[i];
              line[i] = at < 0 || w == 0.0 ? Complex(0) : from[at] * w;
              // A window's zero times an infinity is NaN.
              if (at >= 0 && w == 0.0 && !std::isfinite(std::abs(from[at]))) {
                line[i] = Complex(NAN, 0);
              }
            }
            dft->Run(line.data(), scratch.data());
            for (int64_t k = 0; k < bins; ++k) {
              to[j * bins + k] = Out(static_cast<Real>(line[k].real() * scale),
                                     static_cast<Real>(line[k].imag() * scale));
            }
          }
        });
  };
  TANDEM_RETURN_IF_ERROR(dtype == DType::kComplexFloat
                             ? write(out.data<std::complex<float>>())
                             : write(out.data<Complex>()));
  Tensor result = self.dim() == 2
                      ? out.ViewUnchecked({batch, bins, frames},
                                          {frames * bins, 1, bins}, 0)
                      : out.ViewUnchecked({bins, frames}, {1, bins}, 0);
  if (return_complex) return result;
  Dims sizes(result.sizes().begin(), result.sizes().end()), strides;
  for (int64_t s : result.strides()) strides.push_back(2 * s);
  sizes.push_back(2);
  strides.push_back(1);
  return Tensor::OverStorage(result.storage(), 0, sizes, strides,
                             ToReal(dtype));
}

absl::StatusOr<Tensor> StftOp(const Tensor& self, int64_t n_fft,
                              MaybeInt hop_length, MaybeInt win_length,
                              const Tensor& window, bool normalized,
                              MaybeBool onesided, MaybeBool return_complex,
                              MaybeBool align_to_window) {
  return ComputeStft(self, window,
                     {n_fft, hop_length, win_length, false, "constant",
                      normalized, onesided, return_complex, align_to_window});
}

absl::StatusOr<Tensor> StftCenter(const Tensor& self, int64_t n_fft,
                                  MaybeInt hop_length, MaybeInt win_length,
                                  const Tensor& window, bool center,
                                  absl::string_view pad_mode, bool normalized,
                                  MaybeBool onesided, MaybeBool return_complex,
                                  MaybeBool align_to_window) {
  return ComputeStft(self, window,
                     {n_fft, hop_length, win_length, center, pad_mode,
                      normalized, onesided, return_complex, align_to_window});
}

absl::StatusOr<Tensor> Istft(const Tensor& self, int64_t n_fft,
                             MaybeInt hop_length, MaybeInt win_length,
                             const Tensor& window, bool center, bool normalized,
                             MaybeBool onesided_argument, MaybeInt length,
                             bool return_complex) {
  const int64_t hop = hop_length.value_or(n_fft >> 2);
  const int64_t win = win_length.value_or(n_fft);
  if (!IsComplex(self.dtype())) {
    return Invalid(
        "istft requires a complex-valued input tensor matching the output from "
        "stft with return_complex=True.");
  }
  const std::string name = absl::StrCat(
      "istft(", TypeText(self.dtype()), DimsToString(self.sizes()),
      ", n_fft=", n_fft, ", hop_length=", hop, ", win_length=", win,
      ", window=", WindowText(window), ", center=", center ? 1 : 0,
      ", normalized=", normalized ? 1 : 0,
      ", onesided=", Text(onesided_argument),
      ", length=", length.has_value() ? absl::StrCat(*length) : "None",
      ", return_complex=", return_complex ? 1 : 0, ") ");
  if (self.dim() >= 1 && self.numel() == 0) {
    return Invalid(name + ": input tensor cannot be empty.");
  }
  if (self.dim() != 2 && self.dim() != 3) {
    return Invalid(absl::StrCat(
        name, ": expected a tensor with 3 or 4 dimensions, but got ",
        self.dim() + 1));
  }
  const int64_t frames = self.size(self.dim() - 1);
  const int64_t bins = self.size(self.dim() - 2);
  const bool onesided = onesided_argument.value_or(bins != n_fft);
  if (onesided && (n_fft < 0 || n_fft / 2 + 1 != bins)) {
    return Invalid(absl::StrCat(
        name,
        ": expected the frequency dimension (3rd to the last) of the input "
        "tensor to match n_fft / 2 + 1 when onesided=True, but got ",
        bins));
  }
  if (!onesided && n_fft != bins) {
    return Invalid(absl::StrCat(
        name,
        ": expected the frequency dimension (3rd to the last) of the input "
        "tensor to match n_fft when onesided=False, but got ",
        bins));
  }
  if (!(0 < hop && hop <= win)) {
    return Invalid(name + ": expected 0 < hop_length <= win_length");
  }
  if (!(0 < win && win <= n_fft)) {
    return Invalid(name + ": expected 0 < win_length <= n_fft");
  }
  if (window.defined() && (window.dim() != 1 || window.size(0) != win)) {
    return Invalid(name +
                   ": Invalid window shape. window has to be 1D and length of "
                   "`win_length`");
  }
  if (return_complex && onesided) {
    return Invalid("Cannot have onesided output if window or input is complex");
  }
  if (!return_complex && window.defined() && IsComplex(window.dtype())) {
    return Invalid(
        "Complex windows are incompatible with return_complex=False");
  }
  int64_t expected;
  if (__builtin_mul_overflow(hop, frames - 1, &expected) ||
      __builtin_add_overflow(expected, n_fft, &expected)) {
    return Invalid(name + ": the length of the signal overflows");
  }
  Tensor values;
  DType dtype = ToReal(self.dtype());
  if (window.defined()) {
    TANDEM_ASSIGN_OR_RETURN(values, Contiguous(window, DType::kComplexDouble));
    TANDEM_ASSIGN_OR_RETURN(
        dtype, PromoteTypesOrError(dtype, IsComplex(window.dtype())
                                              ? ToReal(window.dtype())
                                              : window.dtype()));
  }
  if (dtype != DType::kFloat && dtype != DType::kDouble) {
    return absl::UnimplementedError(
        "MKL FFT doesn't support tensors of type: "
        "Half");
  }
  const std::vector<Complex> weights = WindowOf(window, n_fft, win, values);
  const int64_t batch = self.dim() == 3 ? self.size(0) : 1;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                          Contiguous(self, DType::kComplexDouble));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor sums,
      Tensor::Zeros({batch + 1, expected}, DType::kComplexDouble));
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Dft> dft,
                          Dft::Make(n_fft, false));
  const double scale = normalized ? 1 / std::sqrt(static_cast<double>(n_fft))
                                  : 1 / static_cast<double>(n_fft);
  std::vector<Complex> line(n_fft), scratch(dft->scratch_size());
  for (int64_t b = 0; b < batch; ++b) {
    const Complex* from = x.data<Complex>() + b * bins * frames;
    for (int64_t f = 0; f < frames; ++f) {
      if (f % 64 == 0) TANDEM_RETURN_IF_ERROR(CheckStop());
      for (int64_t k = 0; k < bins; ++k) line[k] = from[k * frames + f];
      if (!return_complex) {  // only the half counts
        line[0] = line[0].real();
        for (int64_t k = n_fft / 2 + 1; k < n_fft; ++k) {
          line[k] = std::conj(line[n_fft - k]);
        }
        if (n_fft % 2 == 0) line[n_fft / 2] = line[n_fft / 2].real();
      }
      dft->Run(line.data(), scratch.data());
      Complex* to = sums.data<Complex>() + b * expected + f * hop;
      for (int64_t i = 0; i < n_fft; ++i) {
        to[i] += (return_complex ? line[i] : Complex(line[i].real())) * scale *
                 weights[i];
      }
    }
  }
  Complex* envelope = sums.data<Complex>() + batch * expected;
  for (int64_t f = 0; f < frames; ++f) {
    for (int64_t i = 0; i < n_fft; ++i) {
      envelope[f * hop + i] += weights[i] * weights[i];
    }
  }
  const int64_t start = center ? n_fft / 2 : 0;
  int64_t end = expected;
  if (length.has_value()) {
    if (__builtin_add_overflow(start, *length, &end)) {
      return Invalid(name + ": length overflows");
    }
  } else if (center) {
    end = expected - n_fft / 2;
  }
  if (end < 0) end = std::max<int64_t>(0, end + expected);
  const int64_t stop =
      std::clamp(std::min(end, expected), std::min(start, expected), expected);
  const int64_t kept = std::max<int64_t>(0, stop - start);
  if (kept == 0) {
    return Invalid(
        "min(): Expected reduction dim to be specified for input.numel() == 0. "
        "Specify the reduction dim with the 'dim' argument.");
  }
  for (int64_t i = start; i < stop; ++i) {
    if (std::abs(envelope[i]) < 1e-11) {
      return Invalid(name + "window overlap add min: 1\n[ CPUBoolType{} ]");
    }
  }
  const int64_t size = std::max(kept, end - start);
  const DType out_dtype = return_complex ? ToComplex(dtype) : dtype;
  const Dims sizes = self.dim() == 3 ? Dims{batch, size} : Dims{size};
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Zeros(sizes, DType::kComplexDouble));
  for (int64_t b = 0; b < batch; ++b) {
    const Complex* from = sums.data<Complex>() + b * expected + start;
    Complex* to = out.data<Complex>() + b * size;
    for (int64_t i = 0; i < kept; ++i) to[i] = from[i] / envelope[start + i];
  }
  return ToDType(out, out_dtype);
}

}  // namespace

void AddStft(KernelRegistrar& r) {
  r.Add("aten::stft", &StftOp)
      .Add("aten::stft.center", &StftCenter)
      .Add("aten::istft", &Istft);
}

}  // namespace tandem::reference
