// im2col and col2im: images to columns of sliding windows, and back.
#include "tandem/backends/reference/conv.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {

WindowGeometry MakeGeometry(DimSpan in, DimSpan out, DimSpan kernel,
                            DimSpan stride, DimSpan padding, DimSpan dilation) {
  WindowGeometry g;
  const size_t skip = 3 - in.size();
  for (size_t i = 0; i < 3; ++i) {
    const bool given = i >= skip;
    const size_t d = i - skip;
    g.in[i] = given ? in[d] : 1;
    g.out[i] = given ? out[d] : 1;
    g.kernel[i] = given ? kernel[d] : 1;
    g.stride[i] = given ? stride[d] : 1;
    g.padding[i] = given ? padding[d] : 0;
    g.dilation[i] = given ? dilation[d] : 1;
  }
  return g;
}

namespace {

// Calls row(channel-independent) for each run of output positions that share a
// row of the output: run(k, image_row or -1, first input column, column offset,
// length). Positions are numbered as in the output.
template <typename Run>
void ForEachRun(const WindowGeometry& g, int64_t begin, int64_t end, Run run) {
  for (int64_t o = begin; o < end;) {
    const int64_t ow = o % g.out[2];
    const int64_t oh = o / g.out[2] % g.out[1];
    const int64_t od = o / (g.out[2] * g.out[1]);
    const int64_t length = std::min(g.out[2] - ow, end - o);
    run(od, oh, ow, o - begin, length);
    o += length;
  }
}

// The part [first, last) of `length` outputs from `ow` whose input column lies
// inside the image, for kernel column kw.
inline void Inside(const WindowGeometry& g, int64_t ow, int64_t kw,
                   int64_t length, int64_t* first, int64_t* last,
                   int64_t* column) {
  const int64_t shift = kw * g.dilation[2] - g.padding[2];
  const int64_t s = g.stride[2];
  // 0 <= (ow + i) * s + shift < in
  const int64_t start = ow * s + shift;
  int64_t low = start >= 0 ? 0 : (-start + s - 1) / s;
  int64_t high = start >= g.in[2] ? 0 : (g.in[2] - 1 - start) / s + 1;
  *first = std::min(low, length);
  *last = std::max(*first, std::min(high, length));
  *column = start;
}

}  // namespace

template <typename T>
void Im2Col(const WindowGeometry& g, int64_t channels, const T* image,
            int64_t begin, int64_t end, T* columns) {
  const int64_t width = end - begin;
  for (int64_t c = 0; c < channels; ++c, image += g.in_size()) {
    for (int64_t kd = 0; kd < g.kernel[0]; ++kd) {
      for (int64_t kh = 0; kh < g.kernel[1]; ++kh) {
        for (int64_t kw = 0; kw < g.kernel[2]; ++kw, columns += width) {
          ForEachRun(g, begin, end,
                     [&](int64_t od, int64_t oh, int64_t ow, int64_t at,
                         int64_t length) {
                       T* to = columns + at;
                       const int64_t d =
                           od * g.stride[0] - g.padding[0] + kd * g.dilation[0];
                       const int64_t h =
                           oh * g.stride[1] - g.padding[1] + kh * g.dilation[1];
                       if (d < 0 || d >= g.in[0] || h < 0 || h >= g.in[1]) {
                         std::fill_n(to, length, T(0));
                         return;
                       }
                       int64_t first, last, column;
                       Inside(g, ow, kw, length, &first, &last, &column);
                       const T* row = image + (d * g.in[1] + h) * g.in[2];
                       std::fill_n(to, first, T(0));
                       if (g.stride[2] == 1) {
                         std::copy(row + column + first, row + column + last,
                                   to + first);
                       } else {
                         for (int64_t i = first; i < last; ++i) {
                           to[i] = row[column + i * g.stride[2]];
                         }
                       }
                       std::fill_n(to + last, length - last, T(0));
                     });
        }
      }
    }
  }
}

template <typename T>
void AddCol2Im(const WindowGeometry& g, int64_t channels, const T* columns,
               int64_t begin, int64_t end, T* image) {
  const int64_t width = end - begin;
  for (int64_t c = 0; c < channels; ++c, image += g.in_size()) {
    for (int64_t kd = 0; kd < g.kernel[0]; ++kd) {
      for (int64_t kh = 0; kh < g.kernel[1]; ++kh) {
        for (int64_t kw = 0; kw < g.kernel[2]; ++kw, columns += width) {
          ForEachRun(
              g, begin, end,
              [&](int64_t od, int64_t oh, int64_t ow, int64_t at,
                  int64_t length) {
                const int64_t d =
                    od * g.stride[0] - g.padding[0] + kd * g.dilation[0];
                const int64_t h =
                    oh * g.stride[1] - g.padding[1] + kh * g.dilation[1];
                if (d < 0 || d >= g.in[0] || h < 0 || h >= g.in[1]) return;
                int64_t first, last, column;
                Inside(g, ow, kw, length, &first, &last, &column);
                T* row = image + (d * g.in[1] + h) * g.in[2];
                for (int64_t i = first; i < last; ++i) {
                  T& to = row[column + i * g.stride[2]];
                  if constexpr (std::is_integral_v<T>) {
                    to = static_cast<T>(static_cast<uint64_t>(to) +
                                        static_cast<uint64_t>(columns[at + i]));
                  } else if constexpr (sizeof(T) == 2) {  // Half, BFloat16
                    to = T(static_cast<float>(to) +
                           static_cast<float>(columns[at + i]));
                  } else {
                    to += columns[at + i];
                  }
                }
              });
        }
      }
    }
  }
}

#define TANDEM_INSTANTIATE(T)                                          \
  template void AddCol2Im<T>(const WindowGeometry&, int64_t, const T*, \
                             int64_t, int64_t, T*);
TANDEM_INSTANTIATE(float)
TANDEM_INSTANTIATE(double)
TANDEM_INSTANTIATE(Half)
TANDEM_INSTANTIATE(BFloat16)
TANDEM_INSTANTIATE(std::complex<float>)
TANDEM_INSTANTIATE(std::complex<double>)
TANDEM_INSTANTIATE(uint8_t)
TANDEM_INSTANTIATE(int8_t)
TANDEM_INSTANTIATE(int16_t)
TANDEM_INSTANTIATE(int32_t)
TANDEM_INSTANTIATE(int64_t)
#undef TANDEM_INSTANTIATE
// Moving needs only the size of an element.
template void Im2Col<uint8_t>(const WindowGeometry&, int64_t, const uint8_t*,
                              int64_t, int64_t, uint8_t*);
template void Im2Col<uint16_t>(const WindowGeometry&, int64_t, const uint16_t*,
                               int64_t, int64_t, uint16_t*);
template void Im2Col<uint32_t>(const WindowGeometry&, int64_t, const uint32_t*,
                               int64_t, int64_t, uint32_t*);
template void Im2Col<uint64_t>(const WindowGeometry&, int64_t, const uint64_t*,
                               int64_t, int64_t, uint64_t*);
template void Im2Col<std::complex<double>>(const WindowGeometry&, int64_t,
                                           const std::complex<double>*, int64_t,
                                           int64_t, std::complex<double>*);

namespace {

Dims Copy(absl::Span<const int64_t> v) { return Dims(v.begin(), v.end()); }

absl::StatusOr<Tensor> Im2ColKernel(const Tensor& self,
                                    absl::Span<const int64_t> kernel,
                                    absl::Span<const int64_t> dilation,
                                    absl::Span<const int64_t> padding,
                                    absl::Span<const int64_t> stride) {
  const UnfoldParams p{Copy(kernel), Copy(dilation), Copy(padding),
                       Copy(stride)};
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, Im2ColSizes(self.sizes(), p));
  const DType dtype = self.dtype();
  if (!IsFloatingPoint(dtype) && !IsComplex(dtype) && dtype != DType::kBool) {
    return NotImplementedFor("im2col_out_cpu", dtype);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(sizes, dtype));
  if (out.numel() == 0) return out;
  const int64_t d = self.dim();
  const int64_t channels = self.size(d - 3);
  auto blocks = [&](int i) {
    return (self.size(d - 2 + i) + 2 * p.padding[i] -
            p.dilation[i] * (p.kernel[i] - 1) - 1) /
               p.stride[i] +
           1;
  };
  const WindowGeometry g =
      MakeGeometry({self.size(d - 2), self.size(d - 1)}, {blocks(0), blocks(1)},
                   p.kernel, p.stride, p.padding, p.dilation);
  const int64_t count = d == 4 ? self.size(0) : 1;
  auto run = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    return ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        Im2Col<T>(g, channels, x.data<T>() + n * channels * g.in_size(), 0,
                  g.out_size(), out.data<T>() + n * (out.numel() / count));
      }
    });
  };
  switch (ElementSize(dtype)) {
    case 1:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<uint8_t>{}));
      break;
    case 2:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<uint16_t>{}));
      break;
    case 4:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<uint32_t>{}));
      break;
    case 8:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<uint64_t>{}));
      break;
    default:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<std::complex<double>>{}));
  }
  return out;
}

absl::StatusOr<Tensor> Col2ImKernel(const Tensor& self,
                                    absl::Span<const int64_t> output_size,
                                    absl::Span<const int64_t> kernel,
                                    absl::Span<const int64_t> dilation,
                                    absl::Span<const int64_t> padding,
                                    absl::Span<const int64_t> stride) {
  const UnfoldParams p{Copy(kernel), Copy(dilation), Copy(padding),
                       Copy(stride)};
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          Col2ImSizes(self.sizes(), output_size, p));
  const DType dtype = self.dtype();
  if (!IsFloatingPoint(dtype) && !IsComplex(dtype)) {
    return NotImplementedFor("col2im_out_cpu", dtype);
  }
  // Every sum is rounded to the dtype, as PyTorch's are.
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Zeros(sizes, dtype));
  if (out.numel() == 0) return out;
  auto blocks = [&](int i) {
    return (output_size[i] + 2 * p.padding[i] -
            p.dilation[i] * (p.kernel[i] - 1) - 1) /
               p.stride[i] +
           1;
  };
  const WindowGeometry g =
      MakeGeometry(output_size, {blocks(0), blocks(1)}, p.kernel, p.stride,
                   p.padding, p.dilation);
  const int64_t count = self.dim() == 3 ? self.size(0) : 1;
  const int64_t channels = sizes[sizes.size() - 3];
  TANDEM_RETURN_IF_ERROR(VisitFloatingAndComplex(
      x.dtype(), "col2im_out_cpu", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        return ParallelFor(count, 1, [&](int64_t begin, int64_t end) {
          for (int64_t n = begin; n < end; ++n) {
            AddCol2Im<T>(g, channels, x.data<T>() + n * (x.numel() / count), 0,
                         g.out_size(),
                         out.data<T>() + n * channels * g.in_size());
          }
        });
      }));
  return out;
}

}  // namespace

void RegisterUnfold(KernelRegistrar& r) {
  r.Add("aten::im2col", &Im2ColKernel)
      .Add("aten::im2col.out", &Variants<Im2ColKernel>::Out)
      .Add("aten::col2im", &Col2ImKernel)
      .Add("aten::col2im.out", &Variants<Col2ImKernel>::Out);
}

}  // namespace tandem::reference
