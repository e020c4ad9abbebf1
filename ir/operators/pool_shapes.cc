#include "tandem/ir/operators/pool_shapes.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

template <typename... A>
absl::Status Invalid(const A&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

constexpr absl::string_view kAxes[] = {"T", "H", "W"};

// "kH: 0 kW: 2"
std::string Named(absl::string_view what, const Dims& values) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < values.size(); ++i) {
    parts.push_back(
        absl::StrCat(what, kAxes[3 - values.size() + i], ": ", values[i]));
  }
  return absl::StrJoin(parts, " ");
}

absl::Status CheckInt32(const Dims& values) {
  for (int64_t v : values) {
    if (v > INT32_MAX || v < INT32_MIN) {
      return Invalid("value cannot be converted to type int without overflow");
    }
  }
  return absl::OkStatus();
}

__int128 FloorDiv(__int128 a, __int128 b) {
  const __int128 q = a / b;
  return a % b != 0 && ((a < 0) != (b < 0)) ? q - 1 : q;
}

}  // namespace

absl::StatusOr<PoolParams> MakePoolParams(absl::string_view op, int64_t rank,
                                          DimSpan kernel, DimSpan stride,
                                          DimSpan padding, DimSpan dilation,
                                          bool ceil_mode) {
  const absl::string_view ints = rank == 2 ? "two ints" : "three ints";
  // The texts differ a little between operators.
  const absl::string_view either =
      op == "avg_pool3d" ? "must be " : "must either be ";
  const absl::string_view be_omitted =
      op == "avg_pool3d" ? "must be omitted, " : "must either be omitted, ";
  auto fits = [&](DimSpan v) {
    return v.size() == 1 || static_cast<int64_t>(v.size()) == rank;
  };
  if (!fits(kernel)) {
    return Invalid(op, ": kernel_size ", either, "a single int, or a tuple of ",
                   ints);
  }
  if (!stride.empty() && !fits(stride)) {
    return Invalid(op, ": stride ", be_omitted, "a single int, or a tuple of ",
                   ints);
  }
  if (!fits(padding)) {
    return Invalid(op, ": padding ", either, "a single int, or a tuple of ",
                   ints);
  }
  if (!dilation.empty() && !fits(dilation)) {
    return Invalid(op, ": dilation must be either a single int, or a tuple of ",
                   ints);
  }
  auto expand = [&](DimSpan v) {
    Dims r(v.begin(), v.end());
    r.resize(rank, v[0]);
    return r;
  };
  PoolParams p;
  p.kernel = expand(kernel);
  p.stride = stride.empty() ? p.kernel : expand(stride);
  p.padding = expand(padding);
  p.dilation = dilation.empty() ? Dims(rank, 1) : expand(dilation);
  p.ceil_mode = ceil_mode;
  for (const Dims* v : {&p.kernel, &p.stride, &p.padding, &p.dilation}) {
    TANDEM_RETURN_IF_ERROR(CheckInt32(*v));
  }
  return p;
}

absl::StatusOr<int64_t> PooledLength(int64_t size, int64_t kernel,
                                     int64_t padding, int64_t stride,
                                     int64_t dilation, bool ceil_mode) {
  if (stride == 0) return Invalid("stride should not be zero");
  if (padding < 0)
    return Invalid("pad must be non-negative, but got pad: ", padding);
  using Wide = __int128;
  if (padding > (Wide{kernel - 1} * dilation + 1) / 2) {
    return Invalid(
        "pad should be at most half of effective kernel size, but got pad=",
        padding, ", kernel_size=", kernel, " and dilation=", dilation);
  }
  Wide length =
      FloorDiv(Wide{size} + Wide{2} * padding - Wide{dilation} * (kernel - 1) -
                   1 + (ceil_mode ? stride - 1 : 0),
               stride) +
      1;
  // The last window must start inside the input or its left padding.
  if (ceil_mode && (length - 1) * stride >= Wide{size} + padding) --length;
  if (length > INT64_MAX || length < INT64_MIN) {
    return Invalid("pooling: sizes overflow");
  }
  return static_cast<int64_t>(length);
}

absl::StatusOr<Dims> PoolSizes(DimSpan input, const PoolParams& p,
                               bool is_max) {
  const int64_t rank = static_cast<int64_t>(p.kernel.size());
  const int64_t dims = static_cast<int64_t>(input.size());
  const bool batched = dims == rank + 2;
  if (!batched && dims != rank + 1) {
    if (rank == 2 && !is_max && dims < 3) return WrapDim(-3, dims).status();
    if (rank == 2 && !is_max) {
      return Invalid(
          "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch "
          "size for input, but got:",
          DimsToString(input));
    }
    if (rank == 2) {
      return Invalid(
          "non-empty 3D or 4D (batch mode) tensor expected for input");
    }
    return Invalid("non-empty 4D or 5D (batch mode) tensor expected for input");
  }
  if (rank == 3) {
    // The lengths come first, and with them the errors of the padding.
    for (int64_t i = 0; i < rank; ++i) {
      TANDEM_RETURN_IF_ERROR(PooledLength(input[dims - rank + i], p.kernel[i],
                                          p.padding[i], p.stride[i],
                                          p.dilation[i], p.ceil_mode)
                                 .status());
    }
    for (int64_t d = batched ? 1 : 0; d < dims; ++d) {
      if (input[d] != 0) continue;
      return Invalid(
          is_max ? "max_pool3d_with_indices_out_cpu_template" : "avg_pool3d",
          "(): Expected input to have non-zero size for non-batch "
          "dimensions, but input has sizes ",
          DimsToString(input), " with dimension ", d, " being empty");
    }
  }
  Dims spatial(input.end() - rank, input.end());
  Dims result(input.begin(), input.end() - rank);
  Dims lengths;
  for (int64_t i = 0; i < rank; ++i) {
    TANDEM_ASSIGN_OR_RETURN(
        const int64_t length,
        PooledLength(spatial[i], p.kernel[i], p.padding[i], p.stride[i],
                     p.dilation[i], p.ceil_mode));
    lengths.push_back(length);
  }
  for (int64_t k : p.kernel) {
    if (k <= 0) {
      return Invalid("kernel size should be greater than zero, but got ",
                     Named("k", p.kernel));
    }
  }
  for (int64_t s : p.stride) {
    if (s <= 0) {
      return Invalid("stride should be greater than zero, but got ",
                     Named("d", p.stride));
    }
  }
  for (int64_t d : p.dilation) {
    if (d <= 0) {
      return Invalid("dilation should be greater than zero, but got ",
                     Named("dilation", p.dilation));
    }
  }
  if (rank == 2) {
    bool valid = true;
    for (int64_t d = batched ? 1 : 0; d < dims; ++d) valid &= input[d] != 0;
    if (!valid) {
      return Invalid(
          "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch "
          "size for input, but got:",
          DimsToString(input));
    }
  } else if (!is_max) {
    for (int64_t i = 0; i < rank; ++i) {
      if (spatial[i] + 2 * p.padding[i] < p.kernel[i]) {
        return Invalid("input image (T: ", spatial[0], " H: ", spatial[1],
                       " W: ", spatial[2],
                       ") smaller than kernel size (kT: ", p.kernel[0],
                       " kH: ", p.kernel[1], " kW: ", p.kernel[2], ")");
      }
    }
  }
  for (int64_t length : lengths) {
    if (length >= 1) continue;
    const int64_t channels = input[dims - rank - 1];
    return Invalid("Given input size: (", channels, "x",
                   absl::StrJoin(spatial, "x"), "). Calculated output size: (",
                   channels, "x", absl::StrJoin(lengths, "x"),
                   "). Output size is too small");
  }
  result.insert(result.end(), lengths.begin(), lengths.end());
  return absl::StatusOr<Dims>(std::move(result));
}

absl::StatusOr<Dims> MaxPool1dSizes(DimSpan input, DimSpan kernel,
                                    DimSpan stride, DimSpan padding,
                                    DimSpan dilation, bool ceil_mode) {
  const size_t n = input.size();
  if (!(n == 2 && input[0] != 0 && input[1] != 0) &&
      !(n == 3 && input[1] != 0 && input[2] != 0)) {
    return Invalid(
        "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim "
        "batch size for input, but got:",
        DimsToString(input));
  }
  if (kernel.size() != 1) {
    return Invalid(
        "max_pool1d() kernel_size must be an int, list of ints or "
        "tuple of ints of size 1 but got size ",
        kernel.size());
  }
  if (stride.size() > 1) {
    return Invalid(
        "max_pool1d() stride must be None, an int, list of ints, or "
        "tuple of ints of size 1 but got size ",
        stride.size());
  }
  if (padding.size() != 1) {
    return Invalid(
        "max_pool1d() padding must be an int, list of ints, or tuple "
        "of ints of size 1 but got size ",
        padding.size());
  }
  if (dilation.size() != 1) {
    return Invalid(
        "max_pool1d() dilation must be an int, list of ints or tuple "
        "of ints of size 1 but got size ",
        dilation.size());
  }
  const int64_t k = kernel[0], s = stride.empty() ? k : stride[0],
                p = padding[0], d = dilation[0];
  if (k <= 0) {
    return Invalid(
        "max_pool1d() kernel_size must be greater than zero, but got ", k);
  }
  if (s <= 0) {
    return Invalid("max_pool1d() stride must be greater than zero, but got ",
                   s);
  }
  if (p < 0) {
    return Invalid("max_pool1d() padding must be non-negative, but got ", p);
  }
  if (p > k / 2) {
    return Invalid(
        "max_pool1d() padding should be at most half of kernel size, "
        "but got padding=",
        p, " and kernel_size=", k);
  }
  if (d <= 0) {
    return Invalid("max_pool1d() dilation must be greater than zero, but got ",
                   d);
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t length,
                          PooledLength(input[n - 1], k, p, s, d, ceil_mode));
  if (length <= 0) {
    return Invalid("max_pool1d() Invalid computed output size: ", length);
  }
  Dims result(input.begin(), input.end());
  result.back() = length;
  return absl::StatusOr<Dims>(std::move(result));
}

absl::StatusOr<Dims> AdaptivePoolSizes(absl::string_view op, DimSpan input,
                                       DimSpan output_size, bool is_max) {
  const int64_t rank = absl::EndsWith(op, "3d")   ? 3
                       : absl::EndsWith(op, "2d") ? 2
                                                  : 1;
  const int64_t dims = static_cast<int64_t>(input.size());
  if (rank == 1) {
    if (dims != 2 && dims != 3) {
      return Invalid("Expected 2 to 3 dimensions, but got ", dims,
                     "-dimensional tensor for argument #1 'self' (while "
                     "checking arguments for ",
                     op, ")");
    }
    if (output_size.size() != 1) {
      return Invalid(op,
                     "() argument 'output_size' should contain one int (got ",
                     output_size.size(), ")");
    }
  } else if (static_cast<int64_t>(output_size.size()) != rank) {
    return Invalid(op,
                   is_max ? "(): internal error: output_size.size() must be "
                          : ": output_size must be ",
                   rank);
  }
  if (!is_max) {
    for (int64_t s : output_size) {
      if (s >= 0) continue;
      // The last number follows its comma closely in three dims.
      return Invalid(op,
                     ": elements of output_size must be greater than or equal "
                     "to 0 but received {",
                     rank == 1 ? absl::StrCat("1, ", output_size[0])
                     : rank == 2
                         ? absl::StrJoin(output_size, ", ")
                         : absl::StrCat(output_size[0], ", ", output_size[1],
                                        ",", output_size[2]),
                     "}");
    }
  }
  if (rank > 1 && dims != rank + 1 && dims != rank + 2) {
    return Invalid(op, "(): Expected ", rank + 1, "D or ", rank + 2,
                   "D tensor, but got", is_max ? ": " : " ",
                   DimsToString(input));
  }
  const int64_t first_checked = is_max      ? (dims == rank + 2 ? 1 : 0)
                                : rank == 3 ? 1
                                            : dims - rank;
  for (int64_t d = first_checked; d < dims; ++d) {
    if (input[d] != 0) continue;
    if (rank == 1 && !is_max) {
      // Computed as two dims.
      Dims shown(input.begin(), input.end());
      shown.insert(shown.end() - 1, 1);
      return Invalid(
          "adaptive_avg_pool2d(): Expected input to have non-zero size for "
          "non-batch dimensions, but input has sizes ",
          DimsToString(shown), " with dimension ", d + 1, " being empty");
    }
    return Invalid(op,
                   "(): Expected input to have non-zero size for non-batch "
                   "dimensions, but input has sizes ",
                   DimsToString(input), " with dimension ", d, " being empty");
  }
  Dims result(input.begin(), input.end() - rank);
  result.insert(result.end(), output_size.begin(), output_size.end());
  TANDEM_RETURN_IF_ERROR(CheckedNumel(result).status());
  return absl::StatusOr<Dims>(std::move(result));
}

}  // namespace tandem
