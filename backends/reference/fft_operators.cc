// torch.fft: names, norms and padding over the three primitive transforms.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/fft.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using MaybeInt = std::optional<int64_t>;
using MaybeInts = std::optional<absl::Span<const int64_t>>;
using MaybeString = std::optional<absl::string_view>;
using Result = absl::StatusOr<Tensor>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::StatusOr<FftNorm> NormOf(MaybeString norm, bool forward) {
  if (!norm.has_value() || *norm == "backward") {
    return forward ? FftNorm::kNone : FftNorm::kByN;
  }
  if (*norm == "forward") return forward ? FftNorm::kByN : FftNorm::kNone;
  if (*norm == "ortho") return FftNorm::kByRootN;
  return Invalid(absl::StrCat("Invalid normalization mode: \"", *norm, "\""));
}

// Integers become float32; half types are refused as PyTorch's CPU does.
Result Promote(const Tensor& self, bool complex) {
  DType dtype = self.dtype();
  if (IsIntegral(dtype, true)) dtype = DType::kFloat;
  if (!IsComplex(dtype) && dtype != DType::kFloat && dtype != DType::kDouble) {
    return absl::UnimplementedError(
        absl::StrCat("Unsupported dtype ", TypeName(dtype)));
  }
  if (complex && !IsComplex(dtype)) dtype = ToComplex(dtype);
  return ToDType(self, dtype);
}

Tensor Conj(const Tensor& t) {
  Tensor view = t.Alias();
  view.impl()->conj = !view.impl()->conj;
  return view;
}

absl::Status CheckPoints(int64_t n) {
  if (n < 1) {
    return Invalid(
        absl::StrCat("Invalid number of data points (", n, ") specified"));
  }
  return absl::OkStatus();
}

// Cut or padded with zeros at the end of each dim.
Result Resize(const Tensor& self, DimSpan dims, DimSpan sizes) {
  Dims kept(self.sizes().begin(), self.sizes().end()), out = kept;
  bool pad = false;
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t d = dims[i];
    TANDEM_RETURN_IF_ERROR(CheckPoints(sizes[i]));
    kept[d] = std::min(kept[d], sizes[i]);
    out[d] = sizes[i];
    pad = pad || sizes[i] > kept[d];
  }
  Tensor cut = self.ViewUnchecked(kept, self.strides(), self.offset());
  if (!pad) return cut;
  TANDEM_ASSIGN_OR_RETURN(const Tensor padded,
                          Tensor::Zeros(out, self.dtype()));
  if (cut.numel() > 0) {
    TANDEM_RETURN_IF_ERROR(CopyElements(
        cut, padded.ViewUnchecked(kept, padded.strides(), padded.offset())));
  }
  return padded;
}

absl::StatusOr<int64_t> OneDim(const Tensor& self, int64_t dim) {
  if (self.dim() == 0) {
    return absl::OutOfRangeError(absl::StrCat("Dimension specified as ", dim,
                                              " but tensor has no dimensions"));
  }
  return WrapDim(dim, self.dim());
}

// ---- one dim

Result C2C1(const Tensor& self, MaybeInt n, int64_t dim, MaybeString norm,
            bool forward) {
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Promote(self, true));
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, OneDim(x, dim));
  TANDEM_RETURN_IF_ERROR(CheckPoints(n.value_or(x.size(d))));
  TANDEM_ASSIGN_OR_RETURN(x, Resize(x, {d}, {n.value_or(x.size(d))}));
  TANDEM_ASSIGN_OR_RETURN(const FftNorm mode, NormOf(norm, forward));
  return FftC2C(x, {d}, mode, forward);
}

Result R2C1(const char* name, const Tensor& self, MaybeInt n, int64_t dim,
            MaybeString norm, bool forward, bool onesided) {
  if (IsComplex(self.dtype())) {
    return Invalid(absl::StrCat(name, " expects a real input tensor, but got ",
                                TypeName(self.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Promote(self, false));
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, OneDim(x, dim));
  TANDEM_RETURN_IF_ERROR(CheckPoints(n.value_or(x.size(d))));
  TANDEM_ASSIGN_OR_RETURN(x, Resize(x, {d}, {n.value_or(x.size(d))}));
  TANDEM_ASSIGN_OR_RETURN(const FftNorm mode, NormOf(norm, forward));
  TANDEM_ASSIGN_OR_RETURN(Tensor y, FftR2C(x, {d}, mode, onesided));
  return forward ? y : Conj(y);
}

Result C2R1(const Tensor& self, MaybeInt n, int64_t dim, MaybeString norm,
            bool forward) {
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Promote(self, true));
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, OneDim(x, dim));
  const int64_t points = n.value_or(2 * (x.size(d) - 1));
  TANDEM_RETURN_IF_ERROR(CheckPoints(points));
  if (n.has_value()) {
    TANDEM_ASSIGN_OR_RETURN(x, Resize(x, {d}, {points / 2 + 1}));
  }
  TANDEM_ASSIGN_OR_RETURN(const FftNorm mode, NormOf(norm, forward));
  return FftC2R(forward ? Conj(x) : x, {d}, mode, points);
}

Result Fft(const Tensor& self, MaybeInt n, int64_t dim, MaybeString norm) {
  return IsComplex(self.dtype()) ? C2C1(self, n, dim, norm, true)
                                 : R2C1("fft", self, n, dim, norm, true, false);
}
Result Ifft(const Tensor& self, MaybeInt n, int64_t dim, MaybeString norm) {
  return IsComplex(self.dtype())
             ? C2C1(self, n, dim, norm, false)
             : R2C1("ifft", self, n, dim, norm, false, false);
}
Result Rfft(const Tensor& self, MaybeInt n, int64_t dim, MaybeString norm) {
  return R2C1("rfft", self, n, dim, norm, true, true);
}
Result Irfft(const Tensor& self, MaybeInt n, int64_t dim, MaybeString norm) {
  return C2R1(self, n, dim, norm, false);
}
Result Hfft(const Tensor& self, MaybeInt n, int64_t dim, MaybeString norm) {
  return C2R1(self, n, dim, norm, true);
}
Result Ihfft(const Tensor& self, MaybeInt n, int64_t dim, MaybeString norm) {
  return R2C1("ihfft", self, n, dim, norm, false, true);
}

// ---- several dims

struct ShapeAndDim {
  Dims shape, dim;
};

absl::StatusOr<ShapeAndDim> Canonical(const Tensor& self, MaybeInts s,
                                      MaybeInts dim) {
  ShapeAndDim result;
  const int64_t rank = self.dim();
  if (dim.has_value()) {
    for (int64_t d : *dim) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t w, OneDim(self, d));
      result.dim.push_back(w);
    }
    Dims sorted = result.dim;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
      return Invalid("FFT dims must be unique");
    }
  }
  if (s.has_value()) {
    const auto count = static_cast<int64_t>(s->size());
    if (dim.has_value() && dim->size() != s->size()) {
      return Invalid(
          "When given, dim and shape arguments must have the same length");
    }
    if (count > rank) {
      return Invalid(absl::StrCat("Got shape with ", count,
                                  " values but input tensor only has ", rank,
                                  " dimensions."));
    }
    if (!dim.has_value()) {
      for (int64_t i = 0; i < count; ++i) {
        result.dim.push_back(rank - count + i);
      }
    }
    for (int64_t i = 0; i < count; ++i) {
      result.shape.push_back((*s)[i] == -1 ? self.size(result.dim[i])
                                           : (*s)[i]);
    }
  } else {
    if (!dim.has_value()) {
      for (int64_t d = 0; d < rank; ++d) result.dim.push_back(d);
    }
    for (int64_t d : result.dim) result.shape.push_back(self.size(d));
  }
  for (int64_t n : result.shape) TANDEM_RETURN_IF_ERROR(CheckPoints(n));
  return result;
}

Result C2CN(const Tensor& self, MaybeInts s, MaybeInts dim, MaybeString norm,
            bool forward) {
  TANDEM_ASSIGN_OR_RETURN(const ShapeAndDim desc, Canonical(self, s, dim));
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Promote(self, true));
  TANDEM_ASSIGN_OR_RETURN(x, Resize(x, desc.dim, desc.shape));
  TANDEM_ASSIGN_OR_RETURN(const FftNorm mode, NormOf(norm, forward));
  return FftC2C(x, desc.dim, mode, forward);
}

absl::Status AtLeastOne(const char* name, const ShapeAndDim& desc) {
  return desc.dim.empty()
             ? Invalid(absl::StrCat(name, " must transform at least one axis"))
             : absl::OkStatus();
}

Result Fftn(const Tensor& self, MaybeInts s, MaybeInts dim, MaybeString norm) {
  return C2CN(self, s, dim, norm, true);
}
Result Ifftn(const Tensor& self, MaybeInts s, MaybeInts dim, MaybeString norm) {
  return C2CN(self, s, dim, norm, false);
}

Result Rfftn(const Tensor& self, MaybeInts s, MaybeInts dim, MaybeString norm) {
  if (IsComplex(self.dtype())) {
    return Invalid(
        absl::StrCat("rfftn expects a real-valued input tensor, but got ",
                     TypeName(self.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const ShapeAndDim desc, Canonical(self, s, dim));
  TANDEM_RETURN_IF_ERROR(AtLeastOne("rfftn", desc));
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Promote(self, false));
  TANDEM_ASSIGN_OR_RETURN(x, Resize(x, desc.dim, desc.shape));
  TANDEM_ASSIGN_OR_RETURN(const FftNorm mode, NormOf(norm, true));
  return FftR2C(x, desc.dim, mode, true);
}

// The shape of a half input; *points gets the length of the last dim.
absl::StatusOr<ShapeAndDim> CanonicalHalf(const char* name, const Tensor& self,
                                          MaybeInts s, MaybeInts dim,
                                          int64_t* points) {
  TANDEM_ASSIGN_OR_RETURN(ShapeAndDim desc, Canonical(self, s, dim));
  TANDEM_RETURN_IF_ERROR(AtLeastOne(name, desc));
  *points = s.has_value() && s->back() != -1
                ? desc.shape.back()
                : 2 * (self.size(desc.dim.back()) - 1);
  TANDEM_RETURN_IF_ERROR(CheckPoints(*points));
  desc.shape.back() = *points / 2 + 1;
  return desc;
}

Result Irfftn(const Tensor& self, MaybeInts s, MaybeInts dim,
              MaybeString norm) {
  int64_t points;
  TANDEM_ASSIGN_OR_RETURN(const ShapeAndDim desc,
                          CanonicalHalf("irfftn", self, s, dim, &points));
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Promote(self, true));
  TANDEM_ASSIGN_OR_RETURN(x, Resize(x, desc.dim, desc.shape));
  TANDEM_ASSIGN_OR_RETURN(const FftNorm mode, NormOf(norm, false));
  return FftC2R(x, desc.dim, mode, points);
}

Result Hfftn(const Tensor& self, MaybeInts s, MaybeInts dim, MaybeString norm) {
  int64_t points;
  TANDEM_ASSIGN_OR_RETURN(const ShapeAndDim desc,
                          CanonicalHalf("hfftn", self, s, dim, &points));
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Promote(self, true));
  TANDEM_ASSIGN_OR_RETURN(x, Resize(x, desc.dim, desc.shape));
  TANDEM_ASSIGN_OR_RETURN(const FftNorm mode, NormOf(norm, true));
  if (desc.dim.size() > 1) {
    TANDEM_ASSIGN_OR_RETURN(
        x, FftC2C(x, DimSpan(desc.dim).first(desc.dim.size() - 1), mode, true));
  }
  return FftC2R(Conj(x), {desc.dim.back()}, mode, points);
}

Result Ihfftn(const Tensor& self, MaybeInts s, MaybeInts dim,
              MaybeString norm) {
  TANDEM_ASSIGN_OR_RETURN(const ShapeAndDim desc, Canonical(self, s, dim));
  TANDEM_RETURN_IF_ERROR(AtLeastOne("ihfftn", desc));
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Promote(self, false));
  TANDEM_ASSIGN_OR_RETURN(x, Resize(x, desc.dim, desc.shape));
  TANDEM_ASSIGN_OR_RETURN(const FftNorm mode, NormOf(norm, false));
  TANDEM_ASSIGN_OR_RETURN(Tensor y, FftR2C(x, {desc.dim.back()}, mode, true));
  TANDEM_ASSIGN_OR_RETURN(y, ResolveLazyBits(Conj(y)));
  if (desc.dim.size() == 1) return y;
  return FftC2C(y, DimSpan(desc.dim).first(desc.dim.size() - 1), mode, false);
}

// dim has a default here.
using TwoDims = Result (*)(const Tensor&, MaybeInts, MaybeInts, MaybeString);
template <TwoDims F>
Result Of2(const Tensor& self, MaybeInts s, absl::Span<const int64_t> dim,
           MaybeString norm) {
  return F(self, s, dim, norm);
}

// out= of the kind that the operator gives.
template <auto F, const char* Name>
struct Out;
template <typename... A, Result (*F)(A...), const char* Name>
struct Out<F, Name> {
  static Result Call(A... a, const Tensor& out) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(a...));
    if (IsComplex(result.dtype()) != IsComplex(out.dtype()) ||
        IsIntegral(out.dtype(), true)) {
      return Invalid(
          absl::StrCat(Name, " expects a ",
                       IsComplex(result.dtype()) ? "complex" : "floating point",
                       " output tensor, but got ", TypeName(out.dtype())));
    }
    return WriteOut(result, out);
  }
};

constexpr char kFft[] = "fft";
constexpr char kIfft[] = "ifft";
constexpr char kRfft[] = "rfft";
constexpr char kIrfft[] = "irfft";
constexpr char kHfft[] = "hfft";
constexpr char kIhfft[] = "ihfft";
constexpr char kFftn[] = "fftn";
constexpr char kIfftn[] = "ifftn";
constexpr char kRfftn[] = "rfftn";
constexpr char kIrfftn[] = "irfftn";
constexpr char kHfftn[] = "hfftn";
constexpr char kIhfftn[] = "ihfftn";
constexpr char kFft2[] = "fft2";
constexpr char kIfft2[] = "ifft2";
constexpr char kRfft2[] = "rfft2";
constexpr char kIrfft2[] = "irfft2";
constexpr char kHfft2[] = "hfft2";
constexpr char kIhfft2[] = "ihfft2";

template <auto F, const char* Name>
void Add(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  const std::string name = absl::StrCat("aten::fft_", Name);
  r.Add(name, F, lazy).Add(name + ".out", &Out<F, Name>::Call, lazy);
}

}  // namespace

void AddFftOperators(KernelRegistrar& r) {
  Add<&Fft, kFft>(r);
  Add<&Ifft, kIfft>(r);
  Add<&Rfft, kRfft>(r);
  Add<&Irfft, kIrfft>(r);
  Add<&Hfft, kHfft>(r);
  Add<&Ihfft, kIhfft>(r);
  Add<&Fftn, kFftn>(r);
  Add<&Ifftn, kIfftn>(r);
  Add<&Rfftn, kRfftn>(r);
  Add<&Irfftn, kIrfftn>(r);
  Add<&Hfftn, kHfftn>(r);
  Add<&Ihfftn, kIhfftn>(r);
  Add<&Of2<&Fftn>, kFft2>(r);
  Add<&Of2<&Ifftn>, kIfft2>(r);
  Add<&Of2<&Rfftn>, kRfft2>(r);
  Add<&Of2<&Irfftn>, kIrfft2>(r);
  Add<&Of2<&Hfftn>, kHfft2>(r);
  Add<&Of2<&Ihfftn>, kIhfft2>(r);
}

}  // namespace tandem::reference
