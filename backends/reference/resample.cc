#include "tandem/backends/reference/resample.h"

#include <algorithm>
#include <vector>

#include "tandem/backends/reference/memory_format.h"
#include "tandem/backends/reference/resample_taps.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

// One dim of a dense block: [outer, in, inner] -> [outer, out, inner].
struct Axis {
  int64_t outer, inner;
};

template <typename T>
absl::Status Select(const T* in, T* out, Axis axis, const Taps& taps) {
  const int64_t* index = taps.indices.data<int64_t>();
  return ParallelFor(
      axis.outer * taps.out, std::max<int64_t>(1, 16384 / axis.inner),
      [&](int64_t begin, int64_t end) {
        for (int64_t j = begin; j < end; ++j) {
          const T* from =
              in + (j / taps.out * taps.in + index[j % taps.out]) * axis.inner;
          std::copy(from, from + axis.inner, out + j * axis.inner);
        }
      });
}

template <typename T>
absl::Status Weigh(const T* in, T* out, Axis axis, const Taps& taps) {
  const int64_t* first = taps.first.data<int64_t>();
  const int64_t* index = taps.indices.data<int64_t>();
  const double* weight = taps.weights.data<double>();
  return ParallelFor(
      axis.outer * taps.out, std::max<int64_t>(1, 8192 / axis.inner),
      [&](int64_t begin, int64_t end) {
        for (int64_t j = begin; j < end; ++j) {
          const T* from = in + j / taps.out * taps.in * axis.inner;
          const int64_t i = j % taps.out;
          T* to = out + j * axis.inner;
          if (axis.inner == 1) {
            T sum = 0;
            for (int64_t k = first[i]; k < first[i + 1]; ++k) {
              sum += static_cast<T>(weight[k]) * from[index[k]];
            }
            *to = sum;
            continue;
          }
          std::fill(to, to + axis.inner, T(0));
          for (int64_t k = first[i]; k < first[i + 1]; ++k) {
            const T w = static_cast<T>(weight[k]);
            const T* row = from + index[k] * axis.inner;
            for (int64_t c = 0; c < axis.inner; ++c) to[c] += w * row[c];
          }
        }
      });
}

// Weights as 16-bit integers with as many bits after the point as they allow;
// sums are rounded and clamped to a byte.
absl::Status WeighBytes(const uint8_t* in, uint8_t* out, Axis axis,
                        const Taps& taps) {
  const int64_t* first = taps.first.data<int64_t>();
  const int64_t* index = taps.indices.data<int64_t>();
  const double* weight = taps.weights.data<double>();
  const int64_t total = taps.weights.numel();
  double greatest = 0;
  for (int64_t k = 0; k < total; ++k) greatest = std::max(greatest, weight[k]);
  int bits = 0;
  while (bits < 22 && 0.5 + greatest * (1 << (bits + 1)) < (1 << 15)) ++bits;
  TANDEM_ASSIGN_OR_RETURN(const Tensor fixed,
                          Tensor::Empty({total}, DType::kInt32));
  int32_t* w = fixed.data<int32_t>();
  for (int64_t k = 0; k < total; ++k) {
    const double scaled = weight[k] * (1 << bits);
    w[k] = static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
  }
  const int64_t half = bits == 0 ? 0 : int64_t{1} << (bits - 1);
  return ParallelFor(
      axis.outer * taps.out, std::max<int64_t>(1, 4096 / axis.inner),
      [&](int64_t begin, int64_t end) {
        for (int64_t j = begin; j < end; ++j) {
          const uint8_t* from = in + j / taps.out * taps.in * axis.inner;
          const int64_t i = j % taps.out;
          for (int64_t c = 0; c < axis.inner; ++c) {
            int64_t sum = half;
            for (int64_t k = first[i]; k < first[i + 1]; ++k) {
              sum += int64_t{w[k]} * from[index[k] * axis.inner + c];
            }
            out[j * axis.inner + c] =
                static_cast<uint8_t>(std::clamp<int64_t>(sum >> bits, 0, 255));
          }
        }
      });
}

// PyTorch's kernels for dims apart keep their weights in the input's dtype; of
// the two linear ones the first is what the rounded second leaves.
void RoundWeights(const Taps& taps, ResampleFilter filter, DType dtype) {
  const auto round = [dtype](double v) -> double {
    return dtype == DType::kHalf ? float(Half(static_cast<float>(v)))
                                 : float(BFloat16(static_cast<float>(v)));
  };
  double* weight = taps.weights.data<double>();
  const int64_t total = taps.weights.numel();
  for (int64_t k = 0; k < total; ++k) weight[k] = round(weight[k]);
  if (filter != ResampleFilter::kLinear || total != 2 * taps.out) return;
  for (int64_t k = 0; k < total; k += 2) weight[k] = round(1 - weight[k + 1]);
}

absl::Status Pass(const Tensor& in, const Tensor& out, Axis axis,
                  const Taps& taps) {
  if (!taps.weights.defined()) {
    return VisitBySize(in.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      return Select(in.data<T>(), out.data<T>(), axis, taps);
    });
  }
  if (in.dtype() == DType::kFloat) {
    return Weigh(in.data<float>(), out.data<float>(), axis, taps);
  }
  if (in.dtype() == DType::kDouble) {
    return Weigh(in.data<double>(), out.data<double>(), axis, taps);
  }
  return WeighBytes(in.data<uint8_t>(), out.data<uint8_t>(), axis, taps);
}

}  // namespace

absl::StatusOr<Tensor> Resample(const Tensor& input, DimSpan sizes,
                                absl::Span<const std::optional<double>> scales,
                                const ResampleOptions& options,
                                absl::string_view name) {
  const DType dtype = input.dtype();
  const bool weighted = options.filter != ResampleFilter::kNearest &&
                        options.filter != ResampleFilter::kNearestExact;
  const bool bytes = dtype == DType::kUInt8 || dtype == DType::kQUInt8;
  const bool quantized = dtype == DType::kQUInt8 || dtype == DType::kQInt8 ||
                         dtype == DType::kQInt32;
  if (!bytes && !quantized && dtype != DType::kFloat &&
      dtype != DType::kDouble && dtype != DType::kHalf &&
      dtype != DType::kBFloat16) {
    return NotImplementedFor(name, dtype);
  }
  if (weighted && bytes && sizes.size() != 2) {
    return NotImplementedFor(name, dtype);
  }
  const MemoryFormat format = SuggestMemoryFormat(input);
  const size_t spatial = sizes.size();
  Dims out_sizes = {input.size(0), input.size(1)};
  out_sizes.insert(out_sizes.end(), sizes.begin(), sizes.end());
  TANDEM_RETURN_IF_ERROR(CheckedNumel(out_sizes).status());
  TANDEM_ASSIGN_OR_RETURN(Tensor x, ContiguousIn(input, format));
  const bool narrow =
      weighted && (dtype == DType::kHalf || dtype == DType::kBFloat16);
  if (narrow) {
    TANDEM_ASSIGN_OR_RETURN(x, ToDType(x, DType::kFloat));
  }
  // PyTorch copies here, whatever the scales say.
  if (spatial == 2 && input.sizes() == DimSpan(out_sizes) &&
      (options.antialias || options.filter == ResampleFilter::kNearest)) {
    return Clone(x, format);
  }
  // Kernels that take all channels of a place at once weigh in float.
  const bool all_channels =
      options.filter == ResampleFilter::kLinear && spatial > 1 &&
      ((format != MemoryFormat::kContiguous && input.size(1) > 3) ||
       (spatial == 2 && sizes[0] <= 128 - sizes[1]));
  // The dims in order of memory.
  const bool last = format != MemoryFormat::kContiguous;
  bool moved = false;
  Dims current(x.sizes().begin(), x.sizes().end());
  for (size_t s = spatial; s-- > 0;) {
    const size_t d = s + 2;
    // What the filter would leave as it is.
    if (current[d] == out_sizes[d] && weighted && !options.antialias &&
        (options.align_corners || !scales[s].has_value() ||
         options.filter == ResampleFilter::kLinear)) {
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(
        const Taps taps, MakeTaps(current[d], out_sizes[d], scales[s], options,
                                  dtype != DType::kDouble && !bytes));
    if (narrow && !all_channels && !options.antialias) {
      RoundWeights(taps, options.filter, dtype);
    }
    Axis axis = {current[0], 1};
    if (!last) axis.outer *= current[1];
    for (size_t e = 2; e < d; ++e) axis.outer *= current[e];
    for (size_t e = d + 1; e < current.size(); ++e) axis.inner *= current[e];
    if (last) axis.inner *= current[1];
    current[d] = out_sizes[d];
    TANDEM_RETURN_IF_ERROR(CheckedNumel(current).status());
    TANDEM_ASSIGN_OR_RETURN(Tensor y,
                            EmptyInFormat(current, x.dtype(), format));
    if (y.numel() > 0) TANDEM_RETURN_IF_ERROR(Pass(x, y, axis, taps));
    x = std::move(y);
    moved = true;
  }
  if (narrow) return ToDType(x, dtype);
  if (!moved) return Clone(x, format);
  if (quantized) x.impl()->quantizer = input.impl()->quantizer;
  return x;
}

}  // namespace tandem::reference
