#include "tandem/backends/reference/fft.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>
#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/dft.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Complex = std::complex<double>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// Dims in the order of the kernel's memory: batch dims by decreasing stride,
// then the transformed ones.
Dims MemoryOrder(const Tensor& self, DimSpan dims) {
  Dims order;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (std::find(dims.begin(), dims.end(), d) == dims.end()) {
      order.push_back(d);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return self.stride(a) > self.stride(b);
  });
  order.insert(order.end(), dims.begin(), dims.end());
  return order;
}

// The transformed dims by decreasing stride; the last one stays the last where
// it is a half transform.
Dims SortDims(const Tensor& self, DimSpan dims, bool exclude_last) {
  Dims sorted(dims.begin(), dims.end());
  std::stable_sort(
      sorted.begin(), sorted.end() - (exclude_last ? 1 : 0),
      [&](int64_t a, int64_t b) { return self.stride(a) > self.stride(b); });
  return sorted;
}

Tensor Permuted(const Tensor& t, DimSpan order) {
  Dims sizes, strides;
  for (int64_t d : order) {
    sizes.push_back(t.size(d));
    strides.push_back(t.stride(d));
  }
  return t.ViewUnchecked(sizes, strides, t.offset());
}

// A block of complex numbers in memory order of `order`.
struct Work {
  Tensor block;  // contiguous, complex128
  Dims order;    // block dim i is the tensor's dim order[i]
};

absl::StatusOr<Work> Load(const Tensor& self, DimSpan dims) {
  Work work;
  work.order = MemoryOrder(self, dims);
  TANDEM_ASSIGN_OR_RETURN(
      work.block,
      CloneContiguous(Permuted(self, work.order), DType::kComplexDouble));
  return work;
}

absl::StatusOr<Tensor> Store(const Work& work, DType dtype) {
  const DimSpan sizes = work.block.sizes();
  Dims out_sizes(sizes.size()), out_strides(sizes.size());
  const Dims strides = ContiguousStrides(sizes);
  for (size_t i = 0; i < sizes.size(); ++i) {
    out_sizes[work.order[i]] = sizes[i];
    out_strides[work.order[i]] = strides[i];
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor out,
                          Tensor::EmptyStrided(out_sizes, out_strides, dtype));
  if (out.numel() > 0) {
    TANDEM_RETURN_IF_ERROR(CopyElements(work.block, Permuted(out, work.order)));
  }
  return out;
}

absl::Status TransformDim(const Tensor& block, int64_t d, bool forward) {
  const int64_t n = block.size(d);
  if (block.numel() == 0) return absl::OkStatus();
  int64_t outer = 1, inner = 1;
  for (int64_t e = 0; e < d; ++e) outer *= block.size(e);
  for (int64_t e = d + 1; e < block.dim(); ++e) inner *= block.size(e);
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<Dft> dft,
                          Dft::Make(n, forward));
  return DftLines(block.data<Complex>(), outer, inner, *dft);
}

void Scale(const Tensor& block, double scale) {
  if (scale == 1) return;
  Complex* data = block.data<Complex>();
  for (int64_t i = 0; i < block.numel(); ++i) data[i] *= scale;
}

double ScaleOf(FftNorm norm, DimSpan sizes, DimSpan dims) {
  if (norm == FftNorm::kNone) return 1;
  double n = 1;
  for (int64_t d : dims) n *= static_cast<double>(sizes[d]);
  return norm == FftNorm::kByN ? 1 / n : 1 / std::sqrt(n);
}

// The last dim of the block as n elements: the first min(n, size) of each line,
// put into new memory.
absl::StatusOr<Tensor> WithLastDim(const Tensor& block, int64_t n) {
  const int64_t d = block.dim() - 1;
  const int64_t before = block.size(d);
  Dims sizes(block.sizes().begin(), block.sizes().end());
  sizes[d] = n;
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          Tensor::Empty(sizes, DType::kComplexDouble));
  const int64_t lines = before == 0 ? 0 : block.numel() / before;
  const int64_t kept = std::min(before, n);
  for (int64_t j = 0; j < lines; ++j) {
    const Complex* from = block.data<Complex>() + j * before;
    std::copy(from, from + kept, result.data<Complex>() + j * n);
  }
  return result;
}

absl::Status CheckDims(const Tensor& self, DimSpan dims) {
  for (int64_t d : dims)
    TANDEM_RETURN_IF_ERROR(WrapDim(d, self.dim()).status());
  return absl::OkStatus();
}

absl::StatusOr<Dims> Wrapped(const Tensor& self, DimSpan dims) {
  TANDEM_RETURN_IF_ERROR(CheckDims(self, dims));
  Dims wrapped;
  for (int64_t d : dims) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t w, WrapDim(d, self.dim()));
    if (w >= self.dim()) {
      return Invalid("Dimension specified as " + absl::StrCat(d) +
                     " but tensor has no dimensions");
    }
    if (std::find(wrapped.begin(), wrapped.end(), w) != wrapped.end()) {
      return Invalid("FFT dims must be unique");
    }
    wrapped.push_back(w);
  }
  return wrapped;
}

absl::Status CheckNorm(int64_t normalization) {
  if (normalization < 0 || normalization > 2) {
    return Invalid(
        absl::StrCat("Unsupported normalization type: ", normalization));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> C2COp(const Tensor& self, DimSpan dim,
                             int64_t normalization, bool forward) {
  TANDEM_RETURN_IF_ERROR(CheckNorm(normalization));
  return FftC2C(self, dim, static_cast<FftNorm>(normalization), forward);
}

absl::StatusOr<Tensor> R2COp(const Tensor& self, DimSpan dim,
                             int64_t normalization, bool onesided) {
  TANDEM_RETURN_IF_ERROR(CheckNorm(normalization));
  return FftR2C(self, dim, static_cast<FftNorm>(normalization), onesided);
}

absl::StatusOr<Tensor> C2ROp(const Tensor& self, DimSpan dim,
                             int64_t normalization, int64_t last_dim_size) {
  TANDEM_RETURN_IF_ERROR(CheckNorm(normalization));
  return FftC2R(self, dim, static_cast<FftNorm>(normalization), last_dim_size);
}

absl::Status CheckComplex(const Tensor& self) {
  if (!IsComplex(self.dtype())) {
    return Invalid(absl::StrCat("Only supports complex dtypes, but found: ",
                                TypeName(self.dtype())));
  }
  if (self.dtype() == DType::kComplexHalf) {
    return absl::UnimplementedError(
        "MKL FFT doesn't support tensors of type: Half");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Tensor> FftC2C(const Tensor& self, DimSpan dim, FftNorm norm,
                              bool forward) {
  TANDEM_RETURN_IF_ERROR(CheckComplex(self));
  if (dim.empty()) return Clone(self);
  TANDEM_ASSIGN_OR_RETURN(const Dims wrapped, Wrapped(self, dim));
  const Dims dims = SortDims(self, wrapped, false);
  TANDEM_ASSIGN_OR_RETURN(const Work work, Load(self, dims));
  const int64_t rank = self.dim();
  for (size_t i = 0; i < dims.size(); ++i) {
    TANDEM_RETURN_IF_ERROR(
        TransformDim(work.block, rank - 1 - static_cast<int64_t>(i), forward));
  }
  Scale(work.block, ScaleOf(norm, self.sizes(), dims));
  return Store(work, self.dtype());
}

absl::StatusOr<Tensor> FftR2C(const Tensor& self, DimSpan dim, FftNorm norm,
                              bool onesided) {
  if (!IsFloatingPoint(self.dtype())) {
    return Invalid(
        absl::StrCat("Only supports floating-point dtypes, but found: ",
                     TypeName(self.dtype())));
  }
  if (self.dtype() != DType::kFloat && self.dtype() != DType::kDouble) {
    return absl::UnimplementedError(absl::StrCat(
        "MKL FFT doesn't support tensors of type: ", TypeName(self.dtype())));
  }
  if (dim.empty()) {
    return Invalid("ArrayRef: attempted to access back() of empty list");
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims wrapped, Wrapped(self, dim));
  const Dims dims = SortDims(self, wrapped, true);
  TANDEM_ASSIGN_OR_RETURN(Work work, Load(self, dims));
  const int64_t rank = self.dim();
  TANDEM_RETURN_IF_ERROR(TransformDim(work.block, rank - 1, true));
  if (onesided) {
    TANDEM_ASSIGN_OR_RETURN(
        work.block, WithLastDim(work.block, work.block.size(rank - 1) / 2 + 1));
  }
  for (size_t i = 1; i < dims.size(); ++i) {
    TANDEM_RETURN_IF_ERROR(
        TransformDim(work.block, rank - 1 - static_cast<int64_t>(i), true));
  }
  Scale(work.block, ScaleOf(norm, self.sizes(), dims));
  return Store(work, ToComplex(self.dtype()));
}

absl::StatusOr<Tensor> FftC2R(const Tensor& self, DimSpan dim, FftNorm norm,
                              int64_t last_dim_size) {
  TANDEM_RETURN_IF_ERROR(CheckComplex(self));
  if (dim.empty()) {
    return Invalid("ArrayRef: attempted to access back() of empty list");
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims dims, Wrapped(self, dim));
  const int64_t last = dims.back();
  if (last_dim_size < 0) {
    return Invalid(absl::StrCat(
        "Trying to create tensor with negative dimension ", last_dim_size));
  }
  if (last_dim_size == 0 || self.size(last) != last_dim_size / 2 + 1) {
    return Invalid(
        "in_size == signal_size[i + 1] || in_size == (signal_size[i + 1] / 2) "
        "+ 1 INTERNAL ASSERT FAILED: the input does not hold half of "
        "last_dim_size");
  }
  Tensor x = self;
  if (dims.size() > 1) {
    TANDEM_ASSIGN_OR_RETURN(
        x, FftC2C(self, DimSpan(dims).first(dims.size() - 1), FftNorm::kNone,
                  false));
  }
  TANDEM_ASSIGN_OR_RETURN(Work work, Load(x, {last}));
  const int64_t half = x.size(last), n = last_dim_size;
  TANDEM_ASSIGN_OR_RETURN(const Tensor full, WithLastDim(work.block, n));
  const int64_t lines = full.numel() / n;
  for (int64_t j = 0; j < lines; ++j) {
    Complex* line = full.data<Complex>() + j * n;
    line[0] = line[0].real();
    for (int64_t k = half; k < n; ++k) line[k] = std::conj(line[n - k]);
    if (n % 2 == 0) line[n / 2] = line[n / 2].real();
  }
  work.block = full;
  TANDEM_RETURN_IF_ERROR(TransformDim(work.block, x.dim() - 1, false));
  Dims out_sizes(x.sizes().begin(), x.sizes().end());
  out_sizes[last] = n;
  Scale(work.block, ScaleOf(norm, out_sizes, dims));
  return Store(work, ToReal(self.dtype()));
}

void AddFftPrimitives(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.Add("aten::_fft_c2c", &C2COp, lazy)
      .Add("aten::_fft_c2c.out", &Variants<&C2COp>::OutExact, lazy)
      .Add("aten::_fft_r2c", &R2COp, lazy)
      .Add("aten::_fft_r2c.out", &Variants<&R2COp>::OutExact, lazy)
      .Add("aten::_fft_c2r", &C2ROp, lazy)
      .Add("aten::_fft_c2r.out", &Variants<&C2ROp>::OutExact, lazy);
}

absl::Status RegisterFft(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddFftPrimitives(r);
  AddFftOperators(r);
  AddFftHelpers(r);
  AddStft(r);
  return r.status();
}

}  // namespace tandem::reference
