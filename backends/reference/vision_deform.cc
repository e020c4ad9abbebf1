// Deformable convolution: each tap of the kernel reads at an offset of its own.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/vision.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

struct Geometry {
  int64_t batch, channels, height, width;
  int64_t out_channels, kernel_h, kernel_w, out_h, out_w;
  int64_t stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  int64_t groups, offset_groups;
};

template <typename T>
T ReadAt(const T* plane, int64_t height, int64_t width, T y, T x) {
  if (!(y > -1 && y < static_cast<T>(height) && x > -1 &&
        x < static_cast<T>(width))) {
    return 0;
  }
  const T fy = std::floor(y), fx = std::floor(x);
  const int64_t y0 = static_cast<int64_t>(fy), x0 = static_cast<int64_t>(fx);
  const T ly = y - fy, lx = x - fx;
  const auto value = [&](int64_t i, int64_t j) {
    return i >= 0 && i < height && j >= 0 && j < width ? plane[i * width + j]
                                                       : T(0);
  };
  return (1 - ly) * (1 - lx) * value(y0, x0) +
         (1 - ly) * lx * value(y0, x0 + 1) + ly * (1 - lx) * value(y0 + 1, x0) +
         ly * lx * value(y0 + 1, x0 + 1);
}

template <typename T>
absl::Status Convolve(const Geometry& g, const T* input, const T* weight,
                      const T* offset, const T* mask, const T* bias, T* out) {
  const int64_t taps = g.kernel_h * g.kernel_w, area = g.out_h * g.out_w;
  const int64_t per_group = g.channels / g.groups;
  const int64_t out_per_group = g.out_channels / g.groups;
  const int64_t per_offset_group = g.channels / g.offset_groups;
  return ParallelFor(g.batch * area, 16, [&](int64_t begin, int64_t end) {
    std::vector<T> column(g.channels * taps);
    for (int64_t j = begin; j < end; ++j) {
      const int64_t n = j / area, p = j % area;
      const int64_t oy = p / g.out_w, ox = p % g.out_w;
      for (int64_t og = 0; og < g.offset_groups; ++og) {
        for (int64_t k = 0; k < taps; ++k) {
          const int64_t o = (n * g.offset_groups + og) * 2 * taps + 2 * k;
          const T y = static_cast<T>(oy * g.stride_h - g.pad_h +
                                     k / g.kernel_w * g.dilation_h) +
                      offset[o * area + p];
          const T x = static_cast<T>(ox * g.stride_w - g.pad_w +
                                     k % g.kernel_w * g.dilation_w) +
                      offset[(o + 1) * area + p];
          const T scale =
              mask == nullptr
                  ? T(1)
                  : mask[((n * g.offset_groups + og) * taps + k) * area + p];
          for (int64_t c = og * per_offset_group;
               c < (og + 1) * per_offset_group; ++c) {
            const T* plane = input + (n * g.channels + c) * g.height * g.width;
            column[c * taps + k] =
                scale * ReadAt(plane, g.height, g.width, y, x);
          }
        }
      }
      for (int64_t m = 0; m < g.out_channels; ++m) {
        const T* w = weight + m * per_group * taps;
        const T* from = column.data() + m / out_per_group * per_group * taps;
        T sum = 0;
        for (int64_t i = 0; i < per_group * taps; ++i) sum += w[i] * from[i];
        out[(n * g.out_channels + m) * area + p] = sum + bias[m];
      }
    }
  });
}

absl::StatusOr<Tensor> DeformConv2d(const Tensor& input, const Tensor& weight,
                                    const Tensor& offset, const Tensor& mask,
                                    const Tensor& bias, int64_t stride_h,
                                    int64_t stride_w, int64_t pad_h,
                                    int64_t pad_w, int64_t dilation_h,
                                    int64_t dilation_w, int64_t groups,
                                    int64_t offset_groups, bool use_mask) {
  const DType dtype = input.dtype();
  if (input.dim() != 4 || weight.dim() != 4 || offset.dim() != 4 ||
      (use_mask && mask.dim() != 4)) {
    return Invalid("deform_conv2d expects 4D input, weight, offset and mask");
  }
  if (stride_h <= 0 || stride_w <= 0) {
    return Invalid(
        absl::StrCat("stride_h: ", stride_h, " stride_w: ", stride_w));
  }
  if (pad_h < 0 || pad_w < 0) {
    return Invalid(absl::StrCat("pad_h: ", pad_h, " pad_w: ", pad_w));
  }
  if (dilation_h <= 0 || dilation_w <= 0) {
    return Invalid(absl::StrCat("dil_h: ", dilation_h, " dil_w: ", dilation_w));
  }
  if (groups <= 0 || offset_groups <= 0) {
    return Invalid("deform_conv2d expects positive numbers of groups");
  }
  Geometry g = {input.size(0),
                input.size(1),
                input.size(2),
                input.size(3),
                weight.size(0),
                weight.size(2),
                weight.size(3),
                0,
                0,
                stride_h,
                stride_w,
                pad_h,
                pad_w,
                dilation_h,
                dilation_w,
                groups,
                offset_groups};
  if (g.kernel_h <= 0 || g.kernel_w <= 0) {
    return Invalid(
        absl::StrCat("weight_h: ", g.kernel_h, " weight_w: ", g.kernel_w));
  }
  constexpr int64_t kLimit = int64_t{1} << 31;
  for (int64_t v : {stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w,
                    groups, offset_groups, g.kernel_h, g.kernel_w}) {
    if (v >= kLimit)
      return Invalid("a parameter of deform_conv2d is too large");
  }
  if (weight.size(1) * groups != g.channels) {
    return Invalid("weight.size(1) * n_weight_grps == input.size(1) is not so");
  }
  if (weight.size(0) % groups != 0) {
    return Invalid("weight.size(0) % n_weight_grps == 0 is not so");
  }
  const int64_t taps = g.kernel_h * g.kernel_w;
  if (offset.size(1) != offset_groups * 2 * taps) {
    return Invalid(
        absl::StrCat("offset.shape[1] is not valid: got: ", offset.size(1),
                     " expected: ", offset_groups * 2 * taps));
  }
  if (g.channels % offset_groups != 0) {
    return Invalid("input.size(1) % n_offset_grps == 0 is not so");
  }
  if (use_mask && mask.size(1) != offset_groups * taps) {
    return Invalid(
        absl::StrCat("mask.shape[1] is not valid: got: ", mask.size(1),
                     " expected: ", offset_groups * taps));
  }
  if (offset.size(0) != g.batch) return Invalid("invalid batch size of offset");
  if (use_mask && mask.size(0) != g.batch) {
    return Invalid("invalid batch size of mask");
  }
  const auto extent = [](int64_t size, int64_t pad, int64_t dilation,
                         int64_t kernel, int64_t stride) {
    const int64_t room = size + 2 * pad - (dilation * (kernel - 1) + 1);
    return room < 0 ? int64_t{0} : room / stride + 1;
  };
  g.out_h = extent(g.height, pad_h, dilation_h, g.kernel_h, stride_h);
  g.out_w = extent(g.width, pad_w, dilation_w, g.kernel_w, stride_w);
  if (offset.size(2) != g.out_h || offset.size(3) != g.out_w) {
    return Invalid(absl::StrCat("offset output dims: (", offset.size(2), ", ",
                                offset.size(3), ") - computed output dims: (",
                                g.out_h, ", ", g.out_w, ")"));
  }
  if (use_mask && (mask.size(2) != g.out_h || mask.size(3) != g.out_w)) {
    return Invalid(absl::StrCat("mask output dims: (", mask.size(2), ", ",
                                mask.size(3), ") - computed output dims: (",
                                g.out_h, ", ", g.out_w, ")"));
  }
  if (g.out_h <= 0 || g.out_w <= 0) {
    return Invalid(absl::StrCat("Calculated output size too small - out_h: ",
                                g.out_h, " out_w: ", g.out_w));
  }
  if (bias.dim() != 1 || bias.size(0) != g.out_channels) {
    return Invalid("bias must have one element for each output channel");
  }
  if (dtype != DType::kFloat && dtype != DType::kDouble &&
      dtype != DType::kHalf) {
    return NotImplementedFor("deformable_im2col", dtype);
  }
  for (const Tensor* t : {&weight, &offset, &bias}) {
    if (t->dtype() != dtype) {
      return Invalid(absl::StrCat("expected scalar type ", TypeName(dtype),
                                  " but found ", TypeName(t->dtype())));
    }
  }
  if (use_mask && mask.dtype() != dtype) {
    return Invalid(absl::StrCat("expected scalar type ", TypeName(dtype),
                                " but found ", TypeName(mask.dtype())));
  }
  const auto run = [&](auto tag) -> absl::StatusOr<Tensor> {
    using T = typename decltype(tag)::type;
    constexpr DType kCompute = DTypeOf<T>::value;
    TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(input, kCompute));
    TANDEM_ASSIGN_OR_RETURN(const Tensor w, Contiguous(weight, kCompute));
    TANDEM_ASSIGN_OR_RETURN(const Tensor o, Contiguous(offset, kCompute));
    TANDEM_ASSIGN_OR_RETURN(const Tensor b, Contiguous(bias, kCompute));
    Tensor m;
    if (use_mask) {
      TANDEM_ASSIGN_OR_RETURN(m, Contiguous(mask, kCompute));
    }
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor out,
        Tensor::Empty({g.batch, g.out_channels, g.out_h, g.out_w}, kCompute));
    TANDEM_RETURN_IF_ERROR(Convolve(g, x.data<T>(), w.data<T>(), o.data<T>(),
                                    use_mask ? m.data<T>() : nullptr,
                                    b.data<T>(), out.data<T>()));
    return ToDType(out, dtype);
  };
  return dtype == DType::kDouble ? run(TypeTag<double>{})
                                 : run(TypeTag<float>{});
}

}  // namespace

void AddDeformConv(KernelRegistrar& r) {
  r.Add("torchvision::deform_conv2d", &DeformConv2d);
}

}  // namespace tandem::reference
