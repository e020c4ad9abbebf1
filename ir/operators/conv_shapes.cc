#include "tandem/ir/operators/conv_shapes.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

template <typename... A>
absl::Status Invalid(const A&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status Expand(absl::string_view name, int64_t rank, Dims* values) {
  if (values->size() == 1) {
    values->resize(rank, (*values)[0]);
  } else if (static_cast<int64_t>(values->size()) != rank) {
    return Invalid("expected ", name,
                   " to be a single integer value or a list of ", rank,
                   " values to match the convolution dimensions, but got ",
                   name, "=", DimsToString(*values));
  }
  return absl::OkStatus();
}

// "kernel_height: 2 kernel_width: 0" of two dims, with depth of three. One
// spatial dim is shown as two, as PyTorch computes it.
std::string Named(absl::string_view what, Dims values,
                  absl::string_view separator = " ", int64_t filler = 1) {
  static constexpr absl::string_view kNames[] = {"depth", "height", "width"};
  if (values.size() == 1) values.insert(values.begin(), filler);
  std::vector<std::string> parts;
  for (size_t i = 0; i < values.size(); ++i) {
    parts.push_back(absl::StrCat(what, "_", kNames[3 - values.size() + i], ": ",
                                 values[i]));
  }
  return absl::StrJoin(parts, separator);
}

std::string Times(const Dims& sizes) {
  return absl::StrCat("(", absl::StrJoin(sizes, " x "), ")");
}

// a * b + c where it fits.
bool MulAdd(int64_t a, int64_t b, int64_t c, int64_t* result) {
  int64_t product;
  return !__builtin_mul_overflow(a, b, &product) &&
         !__builtin_add_overflow(product, c, result);
}

absl::Status TooLarge() { return Invalid("convolution: sizes overflow"); }

Dims WithOne(Dims d, int64_t value = 1) {
  if (d.size() == 1) d.insert(d.begin(), value);
  return d;
}

absl::Status CheckKernel(DimSpan spatial) {
  for (int64_t k : spatial) {
    if (k > 0) continue;
    if (spatial.size() == 3) {
      return Invalid("kernel size should be greater than zero, but got: ",
                     absl::StrJoin(spatial, " x "), " (TxHxW)");
    }
    return Invalid("kernel size should be greater than zero, but got ",
                   Named("kernel", Dims(spatial.begin(), spatial.end())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ExpandConvParams(int64_t rank, ConvParams* p) {
  TANDEM_RETURN_IF_ERROR(Expand("stride", rank, &p->stride));
  TANDEM_RETURN_IF_ERROR(Expand("padding", rank, &p->padding));
  TANDEM_RETURN_IF_ERROR(Expand("dilation", rank, &p->dilation));
  TANDEM_RETURN_IF_ERROR(Expand("output_padding", rank, &p->output_padding));
  p->extra_padding.assign(rank, 0);
  return absl::OkStatus();
}

absl::StatusOr<Dims> ConvolutionSizes(DimSpan input, DimSpan weight,
                                      std::optional<DimSpan> bias,
                                      const ConvParams& p) {
  const int64_t rank = static_cast<int64_t>(weight.size()) - 2;
  if (rank <= 0) return Invalid("weight should have at least three dimensions");
  if (p.groups <= 0) return Invalid("non-positive groups is not supported");
  for (int64_t x : p.padding) {
    if (x < 0) return Invalid("negative padding is not supported");
  }
  for (int64_t x : p.output_padding) {
    if (x < 0) return Invalid("negative output_padding is not supported");
  }
  for (int64_t x : p.stride) {
    if (x <= 0) return Invalid("non-positive stride is not supported");
  }
  for (int64_t x : p.dilation) {
    if (x < 0) return Invalid("dilation should be greater than zero");
  }
  const std::string weight_text = DimsToString(weight);
  if (input.size() != weight.size()) {
    return Invalid("Expected ", weight.size(), "-dimensional input for ",
                   weight.size(), "-dimensional weight ", weight_text,
                   ", but got ", input.size(), "-dimensional input of size ",
                   DimsToString(input), " instead");
  }
  if (weight[0] < p.groups) {
    return Invalid("Given groups=", p.groups,
                   ", expected weight to be at least ", p.groups,
                   " at dimension 0, but got weight of size ", weight_text,
                   " instead");
  }
  if (weight[0] % p.groups != 0) {
    return Invalid("Given groups=", p.groups,
                   ", expected weight to be divisible by ", p.groups,
                   " at dimension 0, but got weight of size [", weight_text,
                   "] instead");
  }
  int64_t channels;  // of the result
  if (!p.transposed) {
    int64_t expected;
    if (__builtin_mul_overflow(weight[1], p.groups, &expected))
      return TooLarge();
    if (input[1] != expected) {
      return Invalid("Given groups=", p.groups, ", weight of size ",
                     weight_text, ", expected input", DimsToString(input),
                     " to have ", expected, " channels, but got ", input[1],
                     " channels instead");
    }
    channels = weight[0];
  } else {
    if (input[1] != weight[0]) {
      return Invalid("Given transposed=1, weight of size ", weight_text,
                     ", expected input", DimsToString(input), " to have ",
                     weight[0], " channels, but got ", input[1],
                     " channels instead");
    }
    if (__builtin_mul_overflow(weight[1], p.groups, &channels))
      return TooLarge();
  }
  if (bias.has_value() && (bias->size() != 1 || (*bias)[0] != channels)) {
    return Invalid(p.transposed ? "Given transposed=1, weight of size "
                                : "Given weight of size ",
                   weight_text, ", expected bias to be 1-dimensional with ",
                   channels, " elements, but got bias of size ",
                   DimsToString(*bias), " instead");
  }
  Dims padded(rank), extent(rank), result{input[0], channels};
  bool too_large = false;
  for (int64_t i = 0; i < rank; ++i) {
    if (p.padding[i] > INT64_MAX / 2) {
      return Invalid("Given padding=", p.padding[i], " at dimension ", i,
                     " , expected padding to be at most ", INT64_MAX / 2);
    }
    if (!MulAdd(2, p.padding[i], input[i + 2], &padded[i]) ||
        __builtin_add_overflow(padded[i], p.extra_padding[i], &padded[i])) {
      return TooLarge();
    }
    if (!MulAdd(p.dilation[i], std::max<int64_t>(weight[i + 2], 1) - 1, 1,
                &extent[i])) {
      // Wraps in the text, as PyTorch's.
      extent[i] = static_cast<int64_t>(
          static_cast<uint64_t>(p.dilation[i]) * (weight[i + 2] - 1) + 1);
      too_large = true;
    }
    if (weight[i + 2] == 0) extent[i] = 1 - p.dilation[i];
  }
  if (!p.transposed) {
    for (int64_t i = 0; i < rank; ++i) {
      if (padded[i] < extent[i] || too_large) {
        return Invalid("Calculated padded input size per channel: ",
                       Times(padded), ". Kernel size: ", Times(extent),
                       ". Kernel size can't be greater than actual input size");
      }
    }
  }
  if (too_large) return TooLarge();
  const DimSpan kernel = weight.subspan(2);
  if (input[0] != 0 && input[1] != 0) {
    for (int64_t i = 0; i < rank; ++i) {
      if (input[i + 2] == 0) {
        return Invalid(
            "Only zero batch or zero channel inputs are supported, but got "
            "input shape: ",
            DimsToString(rank == 1
                             ? DimSpan(Dims{input[0], input[1], 1, input[2]})
                             : input));
      }
    }
    TANDEM_RETURN_IF_ERROR(CheckKernel(kernel));
  }
  if (p.transposed && channels == 0) {
    return Invalid("non-empty 2D or 4D weight tensor expected, but got: ",
                   weight_text);
  }
  for (int64_t x : p.dilation) {
    if (x > 0) continue;
    if (!p.transposed) {
      return Invalid("dilation should be greater than zero, but got ",
                     DimsToString(WithOne(p.dilation)));
    }
    return Invalid("dilation should be greater than zero, but got ",
                   Named("dilation", p.dilation, ", "));
  }
  for (int64_t i = 0; i < rank; ++i) {
    int64_t size;
    if (!p.transposed) {
      size = (padded[i] - extent[i]) / p.stride[i] + 1;
    } else {
      if (p.output_padding[i] >= p.stride[i] &&
          p.output_padding[i] >= p.dilation[i]) {
        return Invalid(
            "output padding must be smaller than either stride or dilation, "
            "but got ",
            Named("output_padding", p.output_padding, " ", 0), " ",
            Named("stride", p.stride), " ", Named("dilation", p.dilation));
      }
      if (!MulAdd(input[i + 2] - 1, p.stride[i], extent[i] - 2 * p.padding[i],
                  &size) ||
          __builtin_add_overflow(size, p.output_padding[i], &size)) {
        return TooLarge();
      }
    }
    result.push_back(size);
  }
  if (p.transposed) {
    for (int64_t i = 0; i < rank; ++i) {
      if (result[i + 2] >= 1) continue;
      return Invalid("Given input size per channel: ",
                     Times(WithOne(Dims(input.begin() + 2, input.end()))),
                     ". Calculated output size per channel: ",
                     Times(WithOne(Dims(result.begin() + 2, result.end()))),
                     ". Output size is too small");
    }
  }
  // An input without channels gives a result without.
  if (input[1] == 0) result[1] = 0;
  return absl::StatusOr<Dims>(std::move(result));
}

absl::Status SamePadding(DimSpan weight, ConvParams* p) {
  for (int64_t s : p->stride) {
    if (s != 1) {
      return Invalid(
          "padding='same' is not supported for strided convolutions");
    }
  }
  for (size_t i = 0; i < p->stride.size(); ++i) {
    int64_t total;
    if (!MulAdd(p->dilation[i], std::max<int64_t>(weight[i + 2], 1) - 1, 0,
                &total)) {
      return TooLarge();
    }
    if (p->dilation[i] < 0)
      return Invalid("dilation should be greater than zero");
    p->padding[i] = total / 2;
    p->extra_padding[i] = total % 2;
  }
  return absl::OkStatus();
}

bool LooksChannelsLast(DimSpan sizes, DimSpan strides) {
  static constexpr int k2d[] = {1, 3, 2, 0};
  static constexpr int k3d[] = {1, 4, 3, 2, 0};
  if (sizes.size() != 4 && sizes.size() != 5) return false;
  const absl::Span<const int> order = sizes.size() == 4
                                          ? absl::Span<const int>(k2d)
                                          : absl::Span<const int>(k3d);
  if (strides[1] == 0) return false;
  int64_t min = 0;
  for (int d : order) {
    if (sizes[d] == 0 || strides[d] < min) return false;
    // N111 is contiguous rather than channels-last.
    if (d == 0 && min == strides[1]) return false;
    min = strides[d];
    if (sizes[d] > 1) min *= sizes[d];
  }
  return true;
}

namespace {

absl::Status CheckPairs(const UnfoldParams& p) {
  for (const auto& [name, v] : {std::make_pair("kernel_size", &p.kernel),
                                std::make_pair("dilation", &p.dilation),
                                std::make_pair("padding", &p.padding),
                                std::make_pair("stride", &p.stride)}) {
    if (v->size() != 2) {
      return Invalid("It is expected ", name, " equals to 2, but got size ",
                     v->size());
    }
  }
  return absl::OkStatus();
}

absl::Status CheckUnfold(const UnfoldParams& p) {
  auto positive = [](const Dims& v) { return v[0] > 0 && v[1] > 0; };
  if (!positive(p.kernel)) {
    return Invalid("kernel size should be greater than zero, but got ",
                   Named("kernel", p.kernel));
  }
  if (!positive(p.dilation)) {
    return Invalid("dilation should be greater than zero, but got ",
                   Named("dilation", p.dilation));
  }
  if (p.padding[0] < 0 || p.padding[1] < 0) {
    return Invalid("padding should be non-negative, but got ",
                   Named("pad", p.padding));
  }
  if (!positive(p.stride)) {
    return Invalid("stride should be greater than zero, but got ",
                   Named("stride", p.stride));
  }
  return absl::OkStatus();
}

std::string Pair(DimSpan v) { return absl::StrCat("(", v[0], ", ", v[1], ")"); }

// Positions of a sliding window, rounded down as C++ divides below zero's
// floor: PyTorch uses div_rtn.
absl::StatusOr<int64_t> Blocks(int64_t size, int64_t padding, int64_t dilation,
                               int64_t kernel, int64_t stride) {
  int64_t extent, room;
  if (!MulAdd(dilation, kernel - 1, 1, &extent) ||
      !MulAdd(2, padding, size, &room) ||
      __builtin_sub_overflow(room, extent, &room)) {
    return TooLarge();
  }
  int64_t q = room / stride;
  if (room % stride != 0 && room < 0) --q;
  return q + 1;
}

}  // namespace

absl::StatusOr<Dims> Im2ColSizes(DimSpan input, const UnfoldParams& p) {
  TANDEM_RETURN_IF_ERROR(CheckPairs(p));
  TANDEM_RETURN_IF_ERROR(CheckUnfold(p));
  const size_t n = input.size();
  bool valid = n == 3 || n == 4;
  for (size_t d = n == 4 ? 1 : 0; d < n; ++d) valid = valid && input[d] != 0;
  if (!valid) {
    if (n < 3) return WrapDim(2, n).status();
    return Invalid(
        "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and "
        "other non-zero dimensions for input, but got: ",
        DimsToString(input));
  }
  const int64_t h = input[n - 2], w = input[n - 1];
  TANDEM_ASSIGN_OR_RETURN(
      const int64_t oh,
      Blocks(h, p.padding[0], p.dilation[0], p.kernel[0], p.stride[0]));
  TANDEM_ASSIGN_OR_RETURN(
      const int64_t ow,
      Blocks(w, p.padding[1], p.dilation[1], p.kernel[1], p.stride[1]));
  if (oh < 1 || ow < 1) {
    return Invalid("Given input with spatial size (", h, ", ", w,
                   "), kernel_size=", Pair(p.kernel),
                   ", dilation=", Pair(p.dilation),
                   ", padding=", Pair(p.padding),
                   ", calculated shape of the array of sliding blocks as (", oh,
                   ", ", ow, "), but its components must be at least one.");
  }
  Dims result;
  if (n == 4) result.push_back(input[0]);
  TANDEM_ASSIGN_OR_RETURN(
      const int64_t rows,
      CheckedNumel({input[n - 3], p.kernel[0], p.kernel[1]}));
  TANDEM_ASSIGN_OR_RETURN(const int64_t blocks, CheckedNumel({oh, ow}));
  result.push_back(rows);
  result.push_back(blocks);
  return absl::StatusOr<Dims>(std::move(result));
}

absl::StatusOr<Dims> Col2ImSizes(DimSpan input, DimSpan output_size,
                                 const UnfoldParams& p) {
  if (output_size.size() != 2) {
    return Invalid("It is expected output_size equals to 2, but got size ",
                   output_size.size());
  }
  TANDEM_RETURN_IF_ERROR(CheckPairs(p));
  TANDEM_RETURN_IF_ERROR(CheckUnfold(p));
  const size_t n = input.size();
  if (!((n == 2 && input[0] != 0 && input[1] != 0) ||
        (n == 3 && input[1] != 0 && input[2] != 0))) {
    return Invalid(
        "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch "
        "size and non-zero dimensions for input, but got: ",
        DimsToString(input));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t area,
                          CheckedNumel({p.kernel[0], p.kernel[1]}));
  const int64_t rows = input[n - 2], length = input[n - 1];
  if (rows % area != 0) {
    return Invalid(
        "Expected size of input's dimension 1 to be divisible by the "
        "product of kernel_size, but got input.size(1)=",
        rows, " and kernel_size=", Pair(p.kernel), ".");
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t oh,
                          Blocks(output_size[0], p.padding[0], p.dilation[0],
                                 p.kernel[0], p.stride[0]));
  TANDEM_ASSIGN_OR_RETURN(const int64_t ow,
                          Blocks(output_size[1], p.padding[1], p.dilation[1],
                                 p.kernel[1], p.stride[1]));
  int64_t blocks;
  if (__builtin_mul_overflow(oh, ow, &blocks) || blocks != length || oh < 1 ||
      ow < 1) {
    return Invalid(
        "Given output_size=", Pair(output_size),
        ", kernel_size=", Pair(p.kernel), ", dilation=", Pair(p.dilation),
        ", padding=", Pair(p.padding), ", stride=", Pair(p.stride),
        ", expected size of input's dimension 2 to match the "
        "calculated number of sliding blocks ",
        oh, " * ", ow, " = ", blocks, ", but got input.size(2)=", length, ".");
  }
  if (output_size[0] < 1 || output_size[1] < 1) {
    return Invalid(
        "Expected output spatial size to be positive, but got: "
        "output_size=",
        Pair(output_size), ".");
  }
  Dims result;
  if (n == 3) result.push_back(input[0]);
  result.insert(result.end(), {rows / area, output_size[0], output_size[1]});
  return absl::StatusOr<Dims>(std::move(result));
}

}  // namespace tandem
