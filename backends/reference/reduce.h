// Reductions: an operator is a functor that takes elements into a state; one
// engine walks the tensor.
//
//   struct SumOp {
//     using In = float; using State = double; using Out = float;
//     State Init() const;
//     void Update(State& s, In x, int64_t index) const;
//     void Combine(State& s, const State& other) const;
//     Out Finish(const State& s) const;
//     static constexpr bool kOrdered = false;  // true: states do not combine
//   };
#ifndef TANDEM_BACKENDS_REFERENCE_REDUCE_H_
#define TANDEM_BACKENDS_REFERENCE_REDUCE_H_

#include <algorithm>
#include <complex>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/backends/reference/loops.h"
#include "tandem/backends/reference/matching.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/operators/reduce_shapes.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/convert.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

using OptionalDims = std::optional<absl::Span<const int64_t>>;
using TensorPair = std::tuple<Tensor, Tensor>;

void AddReduceSum(MatchingRegistrar& r);  // sum, prod, mean, nansum, any, all
void AddReduceExtreme(MatchingRegistrar& r);  // amax, max, argmax, aminmax …
void AddReduceMoments(MatchingRegistrar& r);  // var, std
void AddReduceNorm(MatchingRegistrar& r);     // norm, linalg_vector_norm
void AddReduceScan(MatchingRegistrar& r);     // cumsum, cummax, logcumsumexp
void AddReduceSoftmax(MatchingRegistrar& r);  // softmax, log_softmax, logsumexp
void AddReduceOrder(MatchingRegistrar& r);  // median, mode, quantile, kthvalue

// Operators that other operators are made of.
absl::StatusOr<Tensor> Sum(const Tensor& self, OptionalDims dims, bool keepdim);
absl::StatusOr<Tensor> Mean(const Tensor& self, OptionalDims dims,
                            bool keepdim);
absl::StatusOr<Tensor> AMaxOf(const Tensor& self,
                              absl::Span<const int64_t> dims, bool keepdim);

absl::StatusOr<Tensor> CumSumOf(const Tensor& self, int64_t dim);

absl::StatusOr<Tensor> SoftmaxOf(const Tensor& self, int64_t dim);
absl::StatusOr<Tensor> LogSoftmaxOf(const Tensor& self, int64_t dim);

// The masked dims apart from the rest.
struct ReductionGeometry {
  Dims kept_sizes, kept_strides, reduced_sizes, reduced_strides;
  ReductionGeometry(const Tensor& t, const DimMask& mask) {
    for (int64_t d = 0; d < t.dim(); ++d) {
      (mask[d] ? reduced_sizes : kept_sizes).push_back(t.size(d));
      (mask[d] ? reduced_strides : kept_strides).push_back(t.stride(d));
    }
  }
};

namespace reduce_internal {

template <typename Op>
void UpdateRow(const Op& op, typename Op::State& state, const char* p,
               int64_t stride, int64_t n, int64_t first_index) {
  using In = typename Op::In;
  if constexpr (!Op::kOrdered) {
    if (stride == sizeof(In) && n >= 16) {
      // Several states side by side: faster, and sums stay accurate.
      constexpr int kLanes = 8;
      const In* x = reinterpret_cast<const In*>(p);
      typename Op::State lanes[kLanes];
      for (auto& lane : lanes) lane = op.Init();
      int64_t i = 0;
      for (; i + kLanes <= n; i += kLanes) {
        for (int j = 0; j < kLanes; ++j) {
          op.Update(lanes[j], x[i + j], first_index + i + j);
        }
      }
      for (; i < n; ++i) op.Update(lanes[0], x[i], first_index + i);
      for (int width = kLanes / 2; width > 0; width /= 2) {
        for (int j = 0; j < width; ++j) {
          op.Combine(lanes[j], lanes[j + width]);
        }
      }
      op.Combine(state, lanes[0]);
      return;
    }
  }
  for (int64_t i = 0; i < n; ++i, p += stride) {
    op.Update(state, *reinterpret_cast<const In*>(p), first_index + i);
  }
}

}  // namespace reduce_internal

// out[kept dims] = op over the masked dims of self. `out` has the kept sizes in
// order (keepdim does not matter); self's dtype is Op::In, out's Op::Out.
template <typename Op>
absl::Status RunReduction(const Op& op, const Tensor& self, const DimMask& mask,
                          const Tensor& out) {
  using In = typename Op::In;
  using State = typename Op::State;
  const ReductionGeometry g(self, mask);
  const int64_t in_size = sizeof(In);
  const StridedLoop reduced(g.reduced_sizes, {{self.raw_data(), g.reduced_sizes,
                                               g.reduced_strides, in_size}});
  const Dims out_strides = ContiguousStrides(g.kept_sizes);
  const StridedLoop kept(
      g.kept_sizes,
      {{out.raw_data(), g.kept_sizes, out_strides, sizeof(typename Op::Out)},
       {self.raw_data(), g.kept_sizes, g.kept_strides, in_size}});
  const int64_t count = reduced.numel();
  if (kept.numel() == 0) return absl::OkStatus();
  std::atomic<bool> stopped{false};

  const auto reduce_one = [&](char* to, char* from) {
    State state = op.Init();
    constexpr int64_t kPiece = 1 << 20;
    for (int64_t begin = 0; begin < count; begin += kPiece) {
      if (begin > 0 && !CheckStop().ok()) {
        stopped.store(true);
        return;
      }
      int64_t index = begin;
      reduced.RunAt(&from, begin, std::min(count, begin + kPiece),
                    [&](char* const* data, const int64_t* strides, int64_t n) {
                      reduce_internal::UpdateRow(op, state, data[0], strides[0],
                                                 n, index);
                      index += n;
                    });
    }
    *reinterpret_cast<typename Op::Out*>(to) = op.Finish(state);
  };
  const auto row = [&](char* const* data, const int64_t* strides, int64_t n) {
    char *to = data[0], *from = data[1];
    int64_t i = 0;
    if (reduced.rank() == 1 && strides[1] == in_size &&
        reduced.stride(0, 0) != in_size && count > 1) {
      // Outputs side by side in memory: a cache line of them at a time.
      constexpr int kSide = 16;
      State states[kSide];
      for (; i + kSide <= n; i += kSide) {
        for (State& s : states) s = op.Init();
        const char* p = from + i * in_size;
        for (int64_t k = 0; k < count; ++k, p += reduced.stride(0, 0)) {
          const In* x = reinterpret_cast<const In*>(p);
          for (int j = 0; j < kSide; ++j) op.Update(states[j], x[j], k);
        }
        for (int j = 0; j < kSide; ++j) {
          *reinterpret_cast<typename Op::Out*>(to + (i + j) * strides[0]) =
              op.Finish(states[j]);
        }
      }
    }
    for (; i < n; ++i) {
      reduce_one(to + i * strides[0], from + i * strides[1]);
    }
  };
  TANDEM_RETURN_IF_ERROR(kept.RunParallel(
      row,
      std::max<int64_t>(1, StridedLoop::kGrain / std::max<int64_t>(count, 1))));
  return stopped.load() ? CheckStop() : absl::OkStatus();
}

// out[kept dims] = the sums of self's elements over the masked dims; float,
// `out` contiguous. In PyTorch's order of additions.
absl::Status SumInCascades(const Tensor& self, const DimMask& mask,
                           const Tensor& out);

// The slices of self along `dim`, one function call each: pointers to the first
// elements, strides in bytes. The outputs have self's sizes but in `dim`.
using SliceFunction =
    absl::FunctionRef<void(char* const* data, const int64_t* strides)>;
absl::Status ForEachSlice(absl::Span<const Tensor> tensors, int64_t dim,
                          SliceFunction function);

// Puts a computed result (contiguous) into `out` of another dtype, or gives it
// converted when out is null; sizes as given.
absl::StatusOr<Tensor> FinishReduction(const Tensor& computed, DimSpan sizes,
                                       DType dtype, const Tensor* out);

// The type in which elements of a dtype are computed: float for 16-bit floats,
// int64 for integers and bool. kUndefined: none.
DType ReductionComputeType(DType dtype);

// Calls body(TypeTag<T>) for T of float, double (kFloats), int64 (kInts) and
// complex (kComplex): the compute types.
template <int kTypes, typename Body>
absl::Status VisitCompute(DType dtype, absl::string_view name, Body&& body) {
  switch (ReductionComputeType(dtype)) {
    case DType::kFloat:
      if constexpr ((kTypes & kFloats) != 0) return body(TypeTag<float>{});
      break;
    case DType::kDouble:
      if constexpr ((kTypes & kFloats) != 0) return body(TypeTag<double>{});
      break;
    case DType::kInt64:
      if constexpr ((kTypes & kInts) != 0) return body(TypeTag<int64_t>{});
      break;
    case DType::kComplexFloat:
      if constexpr ((kTypes & kComplex) != 0) {
        return body(TypeTag<std::complex<float>>{});
      }
      break;
    case DType::kComplexDouble:
      if constexpr ((kTypes & kComplex) != 0) {
        return body(TypeTag<std::complex<double>>{});
      }
      break;
    default:
      break;
  }
  return NotImplementedFor(name, dtype);
}

// Sums are kept in the wide type.
template <typename T>
struct WideSum {
  using type = T;
};
template <>
struct WideSum<float> {
  using type = double;
};
template <>
struct WideSum<std::complex<float>> {
  using type = std::complex<double>;
};

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_REDUCE_H_
