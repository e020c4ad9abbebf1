// pad in all its modes, and the operators that each mode is by itself.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/take_along.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

using Ints = absl::Span<const int64_t>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// Numbers are those of _pad_enum.
enum class Mode : int64_t {
  kConstant = 0,
  kReflect = 1,
  kReplicate = 2,
  kCircular = 3
};

absl::string_view ModeName(Mode mode) {
  switch (mode) {
    case Mode::kConstant:
      return "constant";
    case Mode::kReflect:
      return "reflect";
    case Mode::kReplicate:
      return "replicate";
    default:
      return "circular";
  }
}

// Which element of a dim of `size` stands at each place of the padded one.
Dims SourceIndices(Mode mode, int64_t size, int64_t before, int64_t length) {
  Dims index(length);
  for (int64_t i = 0; i < length; ++i) {
    int64_t from = i - before;
    switch (mode) {
      case Mode::kReflect:
        if (from < 0) from = -from;
        if (from >= size) from = 2 * (size - 1) - from;
        break;
      case Mode::kReplicate:
        from = std::clamp<int64_t>(from, 0, size - 1);
        break;
      default:
        from %= size;
        if (from < 0) from += size;
    }
    index[i] = from;
  }
  return index;
}

absl::StatusOr<Tensor> TakePadded(const Tensor& self, Ints pad, Mode mode,
                                  const Dims& sizes) {
  Tensor result = self;
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    const int64_t d = self.dim() - 1 - static_cast<int64_t>(i);
    if (pad[2 * i] == 0 && pad[2 * i + 1] == 0) continue;
    TANDEM_ASSIGN_OR_RETURN(
        result,
        TakeAlong(result, d,
                  SourceIndices(mode, self.size(d), pad[2 * i], sizes[d])));
  }
  if (result.is_same(self)) return CopyOfView(self);
  return result;
}

// Checks of reflection_padNd and replication_padNd; N spatial dims.
absl::StatusOr<Dims> CheckNd(const Tensor& self, Ints pad, int64_t n,
                             Mode mode) {
  if (static_cast<int64_t>(pad.size()) != 2 * n) {
    return Invalid(absl::StrCat("padding size is expected to be ", 2 * n,
                                ", but got: ", pad.size()));
  }
  bool valid = self.dim() == n + 1 || self.dim() == n + 2;
  for (int64_t d = self.dim() == n + 2 ? 1 : 0; valid && d < self.dim(); ++d) {
    valid = self.size(d) != 0;
  }
  if (!valid) {
    return Invalid(absl::StrCat(
        "Expected ", n + 1, "D or ", n + 2,
        "D (batch mode) tensor with possibly 0 batch size and other non-zero "
        "dimensions for input, but got: ",
        DimsToString(self.sizes())));
  }
  Dims sizes(self.sizes().begin(), self.sizes().end());
  for (int64_t i = 0; i < n; ++i) {
    const int64_t d = self.dim() - 1 - i;
    const int64_t before = pad[2 * i], after = pad[2 * i + 1];
    if (mode == Mode::kReflect &&
        (before >= self.size(d) || after >= self.size(d))) {
      return Invalid(absl::StrCat(
          "Argument #", 4 + 2 * i,
          ": Padding size should be less than the corresponding input "
          "dimension, but got: padding (",
          before, ", ", after, ") at dimension ", d, " of input ",
          DimsToString(self.sizes())));
    }
    if (__builtin_add_overflow(sizes[d], before, &sizes[d]) ||
        __builtin_add_overflow(sizes[d], after, &sizes[d])) {
      return Invalid("pad: the size of the result overflows");
    }
  }
  const char* const names = n == 1 ? "W" : n == 2 ? "HW" : "DHW";
  for (int64_t i = 0; i < n; ++i) {
    if (sizes[self.dim() - n + i] >= 1) continue;
    std::string got, input;
    for (int64_t j = 0; j < n; ++j) {
      const int64_t d = self.dim() - n + j;
      absl::StrAppend(&got, " ", std::string(1, names[j]), ": ", sizes[d]);
      absl::StrAppend(&input, j == 0 ? "" : ", ", std::string(1, names[j]),
                      ": ", self.size(d));
    }
    return Invalid(n == 1
                       ? absl::StrCat("input (", input,
                                      ") is too small. Calculated output", got)
                       : absl::StrCat("Calculated output", got,
                                      " must be >= 1 in every dimension "
                                      "(input ",
                                      input, ")"));
  }
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  return sizes;
}

template <Mode mode, int64_t n>
absl::StatusOr<Tensor> PadNd(const Tensor& self, Ints padding) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, CheckNd(self, padding, n, mode));
  if (self.dtype() == DType::kBool) {
    return absl::UnimplementedError(absl::StrCat(
        "\"", mode == Mode::kReflect ? "reflection" : "replication", "_pad", n,
        "d\" not implemented for 'Bool'"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          TakePadded(self, padding, mode, sizes));
  return n == 1 ? result : InFormat(result, SuggestedMemoryFormat(self));
}

// Negative padding cuts first; what is left goes round.
absl::StatusOr<Tensor> PadCircular(const Tensor& self, Ints pad) {
  if (pad.size() % 2 != 0 || pad.size() > 2 * static_cast<size_t>(self.dim())) {
    return PaddedSizes(self.sizes(), pad).status();
  }
  Tensor inner = self;
  Dims grown(pad.begin(), pad.end());
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    const int64_t d = self.dim() - 1 - static_cast<int64_t>(i);
    const int64_t size = self.size(d);
    const int64_t before = pad[2 * i], after = pad[2 * i + 1];
    if (before > size || after > size) {
      return Invalid("Padding value causes wrapping around more than once.");
    }
    const int64_t cut_before =
        before < -size ? size : std::max<int64_t>(-before, 0);
    const int64_t cut_after =
        after < -size ? size : std::max<int64_t>(-after, 0);
    if (before < -size || after < -size || size + before + after < 0) {
      return Invalid(
          "Negative padding value is resulting in an empty dimension");
    }
    grown[2 * i] = std::max<int64_t>(before, 0);
    grown[2 * i + 1] = std::max<int64_t>(after, 0);
    const int64_t rest = size - cut_before - cut_after;
    if (rest < 0 || (rest == 0 && size + before + after > 0)) {
      return Invalid(
          "Negative padding value is resulting in an empty dimension");
    }
    TANDEM_ASSIGN_OR_RETURN(inner, Narrow(inner, d, cut_before, rest));
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, PaddedSizes(inner.sizes(), grown));
  return TakePadded(inner, grown, Mode::kCircular, sizes);
}

absl::StatusOr<Tensor> PadMode(const Tensor& self, Ints pad, Mode mode,
                               std::optional<double> value) {
  const int64_t rank = self.dim();
  if (pad.size() % 2 != 0)
    return Invalid("Padding length must be divisible by 2");
  if (static_cast<int64_t>(pad.size()) > 2 * rank) {
    return Invalid(absl::StrCat(
        "Padding length should be less than or equal to two times the input "
        "dimension but got padding length ",
        pad.size(), " and input of dimension ", rank));
  }
  if (mode == Mode::kConstant) {
    return ConstantPadNd(self, pad, Scalar(value.value_or(0)));
  }
  if (value.has_value() && *value != 0) {
    return Invalid(absl::StrCat("Padding mode \"", ModeName(mode),
                                "\" doesn't take in value argument"));
  }
  const int64_t n = static_cast<int64_t>(pad.size()) / 2;
  if (n < 1 || n > 3 || (rank != n + 1 && rank != n + 2)) {
    return absl::UnimplementedError(absl::StrCat(
        "Padding size ", pad.size(), " is not supported for ", rank,
        "D input tensor.\nSupported combinations for non-constant padding:\n"
        "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
        "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
        "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"));
  }
  switch (mode) {
    case Mode::kReflect:
      return n == 1   ? PadNd<Mode::kReflect, 1>(self, pad)
             : n == 2 ? PadNd<Mode::kReflect, 2>(self, pad)
                      : PadNd<Mode::kReflect, 3>(self, pad);
    case Mode::kReplicate:
      return n == 1   ? PadNd<Mode::kReplicate, 1>(self, pad)
             : n == 2 ? PadNd<Mode::kReplicate, 2>(self, pad)
                      : PadNd<Mode::kReplicate, 3>(self, pad);
    default:
      return PadCircular(self, pad);
  }
}

absl::StatusOr<Tensor> PadEnum(const Tensor& self, Ints pad, int64_t mode,
                               std::optional<double> value) {
  if (mode < 0 || mode > 3) {
    return absl::UnimplementedError("Unrecognised padding mode");
  }
  return PadMode(self, pad, static_cast<Mode>(mode), value);
}

absl::StatusOr<Tensor> Pad(const Tensor& self, Ints pad, absl::string_view mode,
                           std::optional<double> value) {
  for (Mode m :
       {Mode::kConstant, Mode::kReflect, Mode::kReplicate, Mode::kCircular}) {
    if (ModeName(m) == mode) return PadMode(self, pad, m, value);
  }
  return absl::UnimplementedError(
      absl::StrCat("Unrecognised padding mode ", mode));
}

}  // namespace

absl::StatusOr<Tensor> ConstantPadNd(const Tensor& self, Ints pad,
                                     const Scalar& value) {
  const bool cuts_only =
      std::all_of(pad.begin(), pad.end(), [](int64_t p) { return p <= 0; });
  const int64_t padded = static_cast<int64_t>(pad.size()) / 2;
  // What of self stays.
  Tensor inner = self;
  if (padded <= self.dim() && pad.size() % 2 == 0) {
    for (int64_t i = 0; i < padded; ++i) {
      const int64_t d = self.dim() - 1 - i;
      if (pad[2 * i] < 0) {
        TANDEM_ASSIGN_OR_RETURN(
            inner,
            Narrow(
                inner, d, pad[2 * i] == INT64_MIN ? 0 : -pad[2 * i],
                pad[2 * i] < -inner.size(d) ? -1 : inner.size(d) + pad[2 * i]));
      }
      if (pad[2 * i + 1] < 0) {
        TANDEM_ASSIGN_OR_RETURN(inner,
                                Narrow(inner, d, 0,
                                       pad[2 * i + 1] < -inner.size(d)
                                           ? -1
                                           : inner.size(d) + pad[2 * i + 1]));
      }
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, PaddedSizes(self.sizes(), pad));
  if (cuts_only) return Clone(inner);
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      Tensor::EmptyStrided(sizes,
                           StridesOfFormat(sizes, SuggestedMemoryFormat(self)),
                           self.dtype()));
  result.impl()->quantizer = self.impl()->quantizer;
  TANDEM_RETURN_IF_ERROR(FillElements(result, value));
  Tensor place = result;
  for (int64_t i = 0; i < padded; ++i) {
    const int64_t d = self.dim() - 1 - i;
    TANDEM_ASSIGN_OR_RETURN(
        place,
        Narrow(place, d, std::max<int64_t>(pad[2 * i], 0), inner.size(d)));
  }
  TANDEM_RETURN_IF_ERROR(CopyElements(inner, place));
  return result;
}

void AddShapePad(KernelRegistrar& r) {
  r.Add("aten::pad", &Pad)
      .Add("aten::_pad_enum", &PadEnum)
      .Add("aten::_pad_circular", &PadCircular)
      .Add("aten::constant_pad_nd", &ConstantPadNd)
      .Add("aten::constant_pad_nd.out", &Variants<ConstantPadNd>::OutExact)
      .Add("aten::reflection_pad1d", &PadNd<Mode::kReflect, 1>)
      .Add("aten::reflection_pad2d", &PadNd<Mode::kReflect, 2>)
      .Add("aten::reflection_pad3d", &PadNd<Mode::kReflect, 3>)
      .Add("aten::replication_pad1d", &PadNd<Mode::kReplicate, 1>)
      .Add("aten::replication_pad2d", &PadNd<Mode::kReplicate, 2>)
      .Add("aten::replication_pad3d", &PadNd<Mode::kReplicate, 3>)
      .Add("aten::reflection_pad1d.out",
           &Variants<PadNd<Mode::kReflect, 1>>::OutExact)
      .Add("aten::reflection_pad2d.out",
           &Variants<PadNd<Mode::kReflect, 2>>::OutExact)
      .Add("aten::reflection_pad3d.out",
           &Variants<PadNd<Mode::kReflect, 3>>::OutExact)
      .Add("aten::replication_pad1d.out",
           &Variants<PadNd<Mode::kReplicate, 1>>::OutExact)
      .Add("aten::replication_pad2d.out",
           &Variants<PadNd<Mode::kReplicate, 2>>::OutExact)
      .Add("aten::replication_pad3d.out",
           &Variants<PadNd<Mode::kReplicate, 3>>::OutExact);
}

}  // namespace tandem::reference
