// segment_reduce: reductions of runs along a dim; hash_tensor.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "tandem/backends/reference/composites.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/reduce.h"
#include "tandem/backends/reference/variants.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;

enum class How { kSum, kProd, kMean, kMax, kMin };

absl::StatusOr<How> HowOf(absl::string_view reduce) {
  if (reduce == "sum") return How::kSum;
  if (reduce == "prod") return How::kProd;
  if (reduce == "mean") return How::kMean;
  if (reduce == "max" || reduce == "amax") return How::kMax;
  if (reduce == "min" || reduce == "amin") return How::kMin;
  return Invalid(
      "reduce argument must be either sum, prod, mean, amax or amin, got ",
      reduce);
}

template <typename T>
T Start(How how, const std::optional<Scalar>& initial) {
  if (initial.has_value()) return initial->To<T>();
  switch (how) {
    case How::kMax:
      return -std::numeric_limits<T>::infinity();
    case How::kMin:
      return std::numeric_limits<T>::infinity();
    case How::kProd:
      return 1;
    default:
      return 0;
  }
}

// data as [batch, length, inner]; starts and ends of each batch's segments.
template <typename T>
absl::Status Run(How how, const std::optional<Scalar>& initial,
                 const Tensor& data, int64_t batch, int64_t length,
                 int64_t inner, const std::vector<int64_t>& begins,
                 const std::vector<int64_t>& ends, const Tensor& out) {
  const int64_t segments =
      batch == 0 ? 0 : static_cast<int64_t>(begins.size()) / batch;
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t s = 0; s < segments; ++s) {
      const int64_t begin = begins[b * segments + s];
      const int64_t end = ends[b * segments + s];
      TANDEM_RETURN_IF_ERROR(CheckStop());
      for (int64_t k = 0; k < inner; ++k) {
        T value = Start<T>(how, initial);
        for (int64_t i = begin; i < end; ++i) {
          const T x = data.data<T>()[(b * length + i) * inner + k];
          switch (how) {
            case How::kMax:
              value = std::isnan(x) ? x : std::max(value, x);
              break;
            case How::kMin:
              value = std::isnan(x) ? x : std::min(value, x);
              break;
            case How::kProd:
              value *= x;
              break;
            default:
              value += x;
          }
        }
        if (how == How::kMean) {
          if (end == begin && !initial.has_value()) {
            value = std::numeric_limits<T>::quiet_NaN();
          } else if (end > begin && !std::isnan(value)) {
            value /= static_cast<T>(end - begin);
          }
        }
        out.data<T>()[(b * segments + s) * inner + k] = value;
      }
    }
  }
  return absl::OkStatus();
}

Result SegmentReduce(const Tensor& data, absl::string_view reduce,
                     const Tensor& lengths, const Tensor& indices,
                     const Tensor& offsets, int64_t axis, bool unsafe,
                     const std::optional<Scalar>& initial) {
  TANDEM_ASSIGN_OR_RETURN(axis, WrapDim(axis, data.dim()));
  if (data.numel() < 0 || data.dim() == 0) {
    return Invalid("segment_reduce(): data must have at least one dimension");
  }
  TANDEM_ASSIGN_OR_RETURN(const How how, HowOf(reduce));
  if (indices.defined()) {
    return Invalid(
        "segment_reduce(): indices based reduction is not supported yet.");
  }
  if (!lengths.defined() && !offsets.defined()) {
    return Invalid(
        "segment_reduce(): Either lengths or offsets must be "
        "defined.");
  }
  const bool by_offsets = offsets.defined();
  const Tensor& given = by_offsets ? offsets : lengths;
  const absl::string_view name = by_offsets ? "offsets" : "lengths";
  if (axis != given.dim() - 1) {
    return Invalid(
        "segment_reduce(): Expected axis to be the last dimension "
        "of ",
        name, " but got ", axis, ".");
  }
  for (int64_t d = 0; d < axis; ++d) {
    if (given.size(d) != data.size(d)) {
      return Invalid("segment_reduce(): Expected all dimensions of ", name,
                     " except for the last to be equal to those of data");
    }
  }
  if (!IsFloatingPoint(data.dtype())) {
    return NotImplementedFor("_segment_reduce_cpu", data.dtype());
  }
  if (given.dtype() != DType::kInt64 && given.dtype() != DType::kInt32) {
    return NotImplementedFor(by_offsets ? "_segment_reduce_offsets_cpu_kernel1"
                                        : "_segment_reduce_lengths_cpu_kernel1",
                             given.dtype());
  }
  const int64_t length = data.size(axis);
  int64_t batch = 1, inner = 1;
  for (int64_t d = 0; d < axis; ++d) batch *= data.size(d);
  for (int64_t d = axis + 1; d < data.dim(); ++d) inner *= data.size(d);
  const int64_t entries = given.size(axis);
  const int64_t segments = std::max<int64_t>(0, entries - (by_offsets ? 1 : 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor counts,
                          Contiguous(given, DType::kInt64));
  if (!by_offsets) {
    for (int64_t j = 0; j < counts.numel(); ++j) {
      if (counts.data<int64_t>()[j] < 0) {
        return Invalid("lengths contains negative value!");
      }
    }
  }
  std::vector<int64_t> begins, ends;
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t* row = counts.data<int64_t>() + b * entries;
    int64_t at = 0;
    for (int64_t s = 0; s < segments; ++s) {
      const int64_t count = by_offsets ? row[s + 1] - row[s] : row[s];
      if (by_offsets) at = row[s];
      if (at < 0 || count < 0 || count > length - at) {
        return Invalid(
            by_offsets
                ? "segment_reduce(): offsets are outside of data"
                : "segment_reduce(): Expected all rows of lengths along axis "
                  "to sum to data.size(lengths.dim()-1) when !unsafe.");
      }
      begins.push_back(at);
      ends.push_back(at + count);
      at += count;
    }
    if (!by_offsets && !unsafe && at != length) {
      return Invalid(
          "segment_reduce(): Expected all rows of lengths along axis to sum to "
          "data.size(lengths.dim()-1) when !unsafe.");
    }
  }
  Dims sizes(data.sizes().begin(), data.sizes().end());
  sizes[axis] = segments;
  const DType compute = ComputeDType(data.dtype());
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(data, compute));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(sizes, compute));
  TANDEM_RETURN_IF_ERROR(compute == DType::kDouble
                             ? Run<double>(how, initial, x, batch, length,
                                           inner, begins, ends, out)
                             : Run<float>(how, initial, x, batch, length, inner,
                                          begins, ends, out));
  return ToDType(out, data.dtype());
}

// The bits of an element as PyTorch hashes them: floats as double, integers as
// int64.
struct XorOp {
  using In = int64_t;
  using State = int64_t;
  using Out = int64_t;
  static constexpr bool kOrdered = false;
  State Init() const { return 0; }
  void Update(State& s, In x, int64_t) const { s ^= x; }
  void Combine(State& s, const State& o) const { s ^= o; }
  Out Finish(const State& s) const { return s; }
};

Result HashTensor(const Tensor& self, absl::Span<const int64_t> dims,
                  bool keepdim, int64_t mode) {
  if (mode != 0) return Invalid("Unknown hash_tensor mode: ", mode);
  if (IsComplex(self.dtype()) || self.dtype() == DType::kComplexHalf) {
    return NotImplementedFor("xor_sum_cpu", self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDims(dims, self.dim()));
  if (self.numel() == 0) {
    if (dims.empty()) {
      return Invalid(
          "hash_tensor: Expected reduction dim to be specified for "
          "input.numel() == 0. Specify the reduction dim with the 'dim' "
          "argument.");
    }
    for (int64_t d : dims) {
      if (self.dim() > 0 && self.size(d < 0 ? d + self.dim() : d) == 0) {
        return Invalid("hash_tensor: Expected reduction dim ", d,
                       " to have non-zero size.");
      }
    }
  }
  Tensor bits;
  if (IsFloatingPoint(self.dtype())) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                            Contiguous(self, DType::kDouble));
    TANDEM_ASSIGN_OR_RETURN(bits, Tensor::Empty(self.sizes(), DType::kInt64));
    if (self.numel() > 0) {
      std::memcpy(bits.data<int64_t>(), wide.data<double>(),
                  self.numel() * sizeof(double));
    }
  } else {
    TANDEM_ASSIGN_OR_RETURN(bits, Contiguous(self, DType::kInt64));
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor computed,
      Tensor::Empty(ReducedSizes(self.sizes(), mask, false), DType::kInt64));
  TANDEM_RETURN_IF_ERROR(RunReduction(XorOp(), bits, mask, computed));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor out,
      Tensor::Empty(ReducedSizes(self.sizes(), mask, keepdim), DType::kUInt64));
  if (out.numel() > 0) {
    std::memcpy(out.raw_data(), computed.raw_data(),
                out.numel() * sizeof(int64_t));
  }
  return out;
}

}  // namespace

void AddSegments(KernelRegistrar& r) {
  r.Add("aten::segment_reduce", &SegmentReduce)
      .Add("aten::segment_reduce.out", &Variants<&SegmentReduce>::Out)
      .Add("aten::hash_tensor", &HashTensor)
      .Add("aten::hash_tensor.out", &Variants<&HashTensor>::OutExact);
}

}  // namespace tandem::reference
