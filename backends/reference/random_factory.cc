// New tensors of random numbers: rand, randn, randint, randperm, normal.

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/random.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using OptDType = std::optional<DType>;
using OptLayout = std::optional<Layout>;
using OptDevice = std::optional<Device>;
using OptBool = std::optional<bool>;
using OptFormat = std::optional<MemoryFormat>;
using Size = absl::Span<const int64_t>;

absl::StatusOr<Tensor> New(Size size, DType dtype, OptLayout layout,
                           OptDevice device) {
  TANDEM_RETURN_IF_ERROR(CheckDevice(device));
  if (layout.has_value() && *layout != Layout::kStrided) {
    return absl::UnimplementedError(
        "random tensors of a sparse layout are not supported");
  }
  if (device.has_value() && device->type == DeviceType::kMeta) {
    return Tensor::Meta(size, ContiguousStrides(size), dtype);
  }
  return Tensor::Empty(size, dtype);
}

absl::StatusOr<Tensor> NewLike(const Tensor& self, OptDType dtype,
                               OptLayout layout, OptDevice device,
                               OptFormat format) {
  TANDEM_RETURN_IF_ERROR(CheckDevice(device));
  return EmptyLike(self, dtype.value_or(self.dtype()),
                   format.value_or(MemoryFormat::kPreserve));
}

absl::StatusOr<Tensor> RandGenerator(Size size, Generator* g, OptDType dtype,
                                     OptLayout layout, OptDevice device,
                                     OptBool) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor t, New(size, dtype.value_or(DType::kFloat), layout, device));
  return UniformInPlace(t, 0, 1, g);
}
absl::StatusOr<Tensor> Rand(Size size, OptDType dtype, OptLayout layout,
                            OptDevice device, OptBool pin) {
  return RandGenerator(size, nullptr, dtype, layout, device, pin);
}
absl::StatusOr<Tensor> RandnGenerator(Size size, Generator* g, OptDType dtype,
                                      OptLayout layout, OptDevice device,
                                      OptBool) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor t, New(size, dtype.value_or(DType::kFloat), layout, device));
  return NormalInPlace(t, 0, 1, g);
}
absl::StatusOr<Tensor> Randn(Size size, OptDType dtype, OptLayout layout,
                             OptDevice device, OptBool pin) {
  return RandnGenerator(size, nullptr, dtype, layout, device, pin);
}
absl::StatusOr<Tensor> RandintLowGenerator(int64_t low, int64_t high, Size size,
                                           Generator* g, OptDType dtype,
                                           OptLayout layout, OptDevice device,
                                           OptBool) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor t, New(size, dtype.value_or(DType::kInt64), layout, device));
  return RandomFromTo(t, low, high, g);
}
absl::StatusOr<Tensor> RandintLow(int64_t low, int64_t high, Size size,
                                  OptDType dtype, OptLayout layout,
                                  OptDevice device, OptBool pin) {
  return RandintLowGenerator(low, high, size, nullptr, dtype, layout, device,
                             pin);
}
absl::StatusOr<Tensor> RandintGenerator(int64_t high, Size size, Generator* g,
                                        OptDType dtype, OptLayout layout,
                                        OptDevice device, OptBool pin) {
  return RandintLowGenerator(0, high, size, g, dtype, layout, device, pin);
}
absl::StatusOr<Tensor> Randint(int64_t high, Size size, OptDType dtype,
                               OptLayout layout, OptDevice device,
                               OptBool pin) {
  return RandintLowGenerator(0, high, size, nullptr, dtype, layout, device,
                             pin);
}

absl::StatusOr<Tensor> RandpermGenerator(int64_t n, Generator* generator,
                                         OptDType dtype, OptLayout layout,
                                         OptDevice device, OptBool) {
  const DType d = dtype.value_or(DType::kInt64);
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, New({n}, d, layout, device));
  if (result.is_meta()) return result;
  TANDEM_ASSIGN_OR_RETURN(const Tensor p, Tensor::Empty({n}, DType::kInt64));
  Generator& g = Pick(generator);
  int64_t* data = p.data<int64_t>();
  for (int64_t i = 0; i < n; ++i) data[i] = i;
  const bool wide = n >= static_cast<int64_t>(UINT32_MAX / 20);
  for (int64_t i = 0; i + 1 < n; ++i) {
    const uint64_t z = wide ? g.Random64() : g.Random32();
    std::swap(data[i],
              data[i + static_cast<int64_t>(z % static_cast<uint64_t>(n - i))]);
    if (i % 65536 == 65535) TANDEM_RETURN_IF_ERROR(CheckStop());
  }
  if (d == DType::kInt64) return p;
  TANDEM_RETURN_IF_ERROR(CopyElements(p, result));
  return result;
}
absl::StatusOr<Tensor> Randperm(int64_t n, OptDType dtype, OptLayout layout,
                                OptDevice device, OptBool pin) {
  return RandpermGenerator(n, nullptr, dtype, layout, device, pin);
}

absl::StatusOr<Tensor> RandLikeGenerator(const Tensor& self, Generator* g,
                                         OptDType dtype, OptLayout layout,
                                         OptDevice device, OptBool,
                                         OptFormat format) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor t,
                          NewLike(self, dtype, layout, device, format));
  return UniformInPlace(t, 0, 1, g);
}
absl::StatusOr<Tensor> RandLike(const Tensor& self, OptDType dtype,
                                OptLayout layout, OptDevice device, OptBool pin,
                                OptFormat format) {
  return RandLikeGenerator(self, nullptr, dtype, layout, device, pin, format);
}
absl::StatusOr<Tensor> RandnLikeGenerator(const Tensor& self, Generator* g,
                                          OptDType dtype, OptLayout layout,
                                          OptDevice device, OptBool,
                                          OptFormat format) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor t,
                          NewLike(self, dtype, layout, device, format));
  return NormalInPlace(t, 0, 1, g);
}
absl::StatusOr<Tensor> RandnLike(const Tensor& self, OptDType dtype,
                                 OptLayout layout, OptDevice device,
                                 OptBool pin, OptFormat format) {
  return RandnLikeGenerator(self, nullptr, dtype, layout, device, pin, format);
}
absl::StatusOr<Tensor> RandintLikeLowGenerator(const Tensor& self, int64_t low,
                                               int64_t high, Generator* g,
                                               OptDType dtype, OptLayout layout,
                                               OptDevice device, OptBool,
                                               OptFormat format) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor t,
                          NewLike(self, dtype, layout, device, format));
  return RandomFromTo(t, low, high, g);
}
absl::StatusOr<Tensor> RandintLikeLow(const Tensor& self, int64_t low,
                                      int64_t high, OptDType dtype,
                                      OptLayout layout, OptDevice device,
                                      OptBool pin, OptFormat format) {
  return RandintLikeLowGenerator(self, low, high, nullptr, dtype, layout,
                                 device, pin, format);
}
absl::StatusOr<Tensor> RandintLikeGenerator(const Tensor& self, int64_t high,
                                            Generator* g, OptDType dtype,
                                            OptLayout layout, OptDevice device,
                                            OptBool pin, OptFormat format) {
  return RandintLikeLowGenerator(self, 0, high, g, dtype, layout, device, pin,
                                 format);
}
absl::StatusOr<Tensor> RandintLike(const Tensor& self, int64_t high,
                                   OptDType dtype, OptLayout layout,
                                   OptDevice device, OptBool pin,
                                   OptFormat format) {
  return RandintLikeLowGenerator(self, 0, high, nullptr, dtype, layout, device,
                                 pin, format);
}

// out= of the factories: out gets the size and is filled.
absl::StatusOr<Tensor> RandOut(Size size, const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, size));
  return UniformInPlace(out, 0, 1, nullptr);
}
absl::StatusOr<Tensor> RandGeneratorOut(Size size, Generator* g,
                                        const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, size));
  return UniformInPlace(out, 0, 1, g);
}
absl::StatusOr<Tensor> RandnOut(Size size, const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, size));
  return NormalInPlace(out, 0, 1, nullptr);
}
absl::StatusOr<Tensor> RandnGeneratorOut(Size size, Generator* g,
                                         const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, size));
  return NormalInPlace(out, 0, 1, g);
}
absl::StatusOr<Tensor> RandintLowGeneratorOut(int64_t low, int64_t high,
                                              Size size, Generator* g,
                                              const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, size));
  return RandomFromTo(out, low, high, g);
}
absl::StatusOr<Tensor> RandintLowOut(int64_t low, int64_t high, Size size,
                                     const Tensor& out) {
  return RandintLowGeneratorOut(low, high, size, nullptr, out);
}
absl::StatusOr<Tensor> RandintGeneratorOut(int64_t high, Size size,
                                           Generator* g, const Tensor& out) {
  return RandintLowGeneratorOut(0, high, size, g, out);
}
absl::StatusOr<Tensor> RandintOut(int64_t high, Size size, const Tensor& out) {
  return RandintLowGeneratorOut(0, high, size, nullptr, out);
}
absl::StatusOr<Tensor> RandpermGeneratorOut(int64_t n, Generator* g,
                                            const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor p,
                          RandpermGenerator(n, g, out.dtype(), std::nullopt,
                                            std::nullopt, std::nullopt));
  return WriteOut(p, out);
}
absl::StatusOr<Tensor> RandpermOut(int64_t n, const Tensor& out) {
  return RandpermGeneratorOut(n, nullptr, out);
}

// normal: standard numbers, times std, plus mean.
absl::StatusOr<Tensor> ScaleNormal(const Tensor& self, const Input& mean,
                                   const Input& std, Generator* g) {
  TANDEM_RETURN_IF_ERROR(NormalInPlace(self, 0, 1, g).status());
  TANDEM_ASSIGN_OR_RETURN(const Tensor scaled, Mul(self, std));
  TANDEM_ASSIGN_OR_RETURN(const Tensor moved, Add(scaled, mean));
  return WriteSelf(moved, self);
}
absl::Status CheckStd(const Tensor& std) {
  if (IsComplex(std.dtype())) {
    return absl::InvalidArgumentError(
        "normal expects standard deviation to be non-complex");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                          CloneContiguous(std, DType::kDouble));
  for (int64_t i = 0; i < wide.numel(); ++i) {
    if (!(wide.data<double>()[i] >= 0)) {
      return absl::InvalidArgumentError(
          "normal expects all elements of std >= 0.0");
    }
  }
  return absl::OkStatus();
}
absl::StatusOr<Tensor> NormalTensorFloat(const Tensor& mean, double std,
                                         Generator* g) {
  if (!(std >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("normal expects std >= 0.0, but found std ", std));
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor out,
      EmptyLike(mean, mean.dtype(), MemoryFormat::kContiguous));
  return ScaleNormal(out, mean, Scalar(std), g);
}
absl::StatusOr<Tensor> NormalFloatTensor(double mean, const Tensor& std,
                                         Generator* g) {
  TANDEM_RETURN_IF_ERROR(CheckStd(std));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor out, EmptyLike(std, std.dtype(), MemoryFormat::kContiguous));
  return ScaleNormal(out, Scalar(mean), std, g);
}
absl::StatusOr<Tensor> NormalTensorTensor(const Tensor& mean, const Tensor& std,
                                          Generator* g) {
  TANDEM_RETURN_IF_ERROR(CheckStd(std));
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, CommonSizes({mean, std}));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(sizes, mean.dtype()));
  return ScaleNormal(out, mean, std, g);
}
absl::StatusOr<Tensor> NormalFloatFloat(double mean, double std, Size size,
                                        Generator* g, OptDType dtype,
                                        OptLayout layout, OptDevice device,
                                        OptBool) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor t, New(size, dtype.value_or(DType::kFloat), layout, device));
  return NormalInPlace(t, mean, std, g);
}
absl::StatusOr<Tensor> NormalFloatFloatOut(double mean, double std, Size size,
                                           Generator* g, const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, size));
  return NormalInPlace(out, mean, std, g);
}

}  // namespace

void AddRandomFactory(KernelRegistrar& r) {
  r.Add("aten::rand", &Rand)
      .Add("aten::rand.generator", &RandGenerator)
      .Add("aten::rand.out", &RandOut)
      .Add("aten::rand.generator_out", &RandGeneratorOut)
      .Add("aten::randn", &Randn)
      .Add("aten::randn.generator", &RandnGenerator)
      .Add("aten::randn.out", &RandnOut)
      .Add("aten::randn.generator_out", &RandnGeneratorOut)
      .Add("aten::randint", &Randint)
      .Add("aten::randint.generator", &RandintGenerator)
      .Add("aten::randint.low", &RandintLow)
      .Add("aten::randint.low_generator", &RandintLowGenerator)
      .Add("aten::randint.out", &RandintOut)
      .Add("aten::randint.generator_out", &RandintGeneratorOut)
      .Add("aten::randint.low_out", &RandintLowOut)
      .Add("aten::randint.low_generator_out", &RandintLowGeneratorOut)
      .Add("aten::randperm", &Randperm)
      .Add("aten::randperm.generator", &RandpermGenerator)
      .Add("aten::randperm.out", &RandpermOut)
      .Add("aten::randperm.generator_out", &RandpermGeneratorOut)
      .Add("aten::rand_like", &RandLike)
      .Add("aten::rand_like.generator", &RandLikeGenerator)
      .Add("aten::randn_like", &RandnLike)
      .Add("aten::randn_like.generator", &RandnLikeGenerator)
      .Add("aten::randint_like", &RandintLike)
      .Add("aten::randint_like.generator", &RandintLikeGenerator)
      .Add("aten::randint_like.low_dtype", &RandintLikeLow)
      .Add("aten::randint_like.low_generator_dtype", &RandintLikeLowGenerator);
  r.Add("aten::normal.Tensor_float", &NormalTensorFloat)
      .Add("aten::normal.Tensor_float_out", &Variants<NormalTensorFloat>::Out)
      .Add("aten::normal.float_Tensor", &NormalFloatTensor)
      .Add("aten::normal.float_Tensor_out", &Variants<NormalFloatTensor>::Out)
      .Add("aten::normal.Tensor_Tensor", &NormalTensorTensor)
      .Add("aten::normal.Tensor_Tensor_out", &Variants<NormalTensorTensor>::Out)
      .Add("aten::normal.float_float", &NormalFloatFloat)
      .Add("aten::normal.float_float_out", &NormalFloatFloatOut);
}

}  // namespace tandem::reference
