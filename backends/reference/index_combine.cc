#include "tandem/backends/reference/index_combine.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

template <typename T>
using Arithmetic =
    std::conditional_t<std::is_integral_v<T> && !std::is_same_v<T, bool>,
                       uint64_t, Compute<T>>;

// Integers wrap, bools are or and and, NaN stays.
template <Combining how, typename T>
void Combine(T& to, const T& from) {
  using A = Arithmetic<T>;
  if constexpr (how == Combining::kAssign) {
    to = from;
  } else if constexpr (std::is_same_v<T, bool>) {
    if constexpr (how == Combining::kSum || how == Combining::kMax) {
      to = to || from;
    } else {
      to = to && from;
    }
  } else if constexpr (how == Combining::kSum) {
    to = static_cast<T>(static_cast<A>(to) + static_cast<A>(from));
  } else if constexpr (how == Combining::kProd) {
    to = static_cast<T>(static_cast<A>(to) * static_cast<A>(from));
  } else if constexpr (!kIsComplex<T>) {
    const auto a = static_cast<Compute<T>>(to);
    const auto b = static_cast<Compute<T>>(from);
    const bool better = how == Combining::kMax ? b > a : b < a;
    if (better || b != b) to = from;
    if (a != a) to = static_cast<T>(a);
  }
}

template <typename T, Combining how>
void ScatterRow(char* const* data, const int64_t* strides, int64_t n,
                int64_t step) {
  const char* index = data[0];
  char* target = data[1];
  const char* source = data[2];
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = *reinterpret_cast<const int64_t*>(index);
    Combine<how>(*reinterpret_cast<T*>(target + at * step),
                 *reinterpret_cast<const T*>(source));
    index += strides[0];
    target += strides[1];
    source += strides[2];
  }
}

template <typename T, Combining how>
absl::Status RunScatter(const StridedLoop& loop, int64_t step) {
  loop.Run(0, loop.numel(),
           [&](char* const* data, const int64_t* strides, int64_t n) {
             ScatterRow<T, how>(data, strides, n, step);
           });
  return absl::OkStatus();
}

template <typename T>
T IdentityOf(Combining how) {
  if constexpr (kIsComplex<T>) {
    return how == Combining::kProd ? T(1) : T(0);
  } else {
    using C = Compute<T>;
    switch (how) {
      case Combining::kProd:
        return T(static_cast<C>(1));
      case Combining::kMax:
        return std::numeric_limits<C>::has_infinity
                   ? T(-std::numeric_limits<C>::infinity())
                   : T(std::numeric_limits<C>::lowest());
      case Combining::kMin:
        return std::numeric_limits<C>::has_infinity
                   ? T(std::numeric_limits<C>::infinity())
                   : T(std::numeric_limits<C>::max());
      default:
        return T(static_cast<C>(0));
    }
  }
}

}  // namespace

Tensor AsVector(const Tensor& t) {
  return t.dim() == 0 ? t.ViewUnchecked({1}, {1}, t.offset()) : t;
}

absl::StatusOr<Tensor> CheckedIndex(const Tensor& index, int64_t dim,
                                    int64_t size) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide, Contiguous(index, DType::kInt64));
  const int64_t* values = wide.data<int64_t>();
  for (int64_t i = 0; i < wide.numel(); ++i) {
    if (values[i] < 0 || values[i] >= size) {
      return absl::OutOfRangeError(
          absl::StrCat("index ", values[i], " is out of bounds for dimension ",
                       dim, " with size ", size));
    }
  }
  return wide;
}

Tensor ExpandedIndex(const Tensor& index, int64_t dim, DimSpan sizes) {
  Dims strides(sizes.size(), 0);
  if (!sizes.empty()) strides[dim] = index.dim() == 0 ? 0 : index.stride(0);
  return index.ViewUnchecked(sizes, strides, index.offset());
}

absl::Status ScatterInto(const Tensor& target, int64_t dim, const Tensor& index,
                         const Tensor& source, Combining how,
                         absl::string_view name) {
  if (index.numel() == 0) return absl::OkStatus();
  const int64_t element_size = static_cast<int64_t>(target.element_size());
  Dims strides(target.strides().begin(), target.strides().end());
  const int64_t step = strides[dim] * element_size;
  strides[dim] = 0;
  const StridedLoop::Operand operands[] = {
      StridedLoop::Operand::Of(index),
      {target.raw_data(), index.sizes(), strides, element_size},
      {source.raw_data(), index.sizes(), source.strides(), element_size}};
  const StridedLoop loop(index.sizes(), operands);
  if (how == Combining::kAssign) {
    return VisitBySize(target.dtype(), [&](auto tag) -> absl::Status {
      return RunScatter<typename decltype(tag)::type, Combining::kAssign>(loop,
                                                                          step);
    });
  }
  if (how == Combining::kMax || how == Combining::kMin) {
    return VisitRealAndBool(target.dtype(), name, [&](auto tag) {
      using T = typename decltype(tag)::type;
      return how == Combining::kMax
                 ? RunScatter<T, Combining::kMax>(loop, step)
                 : RunScatter<T, Combining::kMin>(loop, step);
    });
  }
  const auto body = [&](auto tag) {
    using T = typename decltype(tag)::type;
    return how == Combining::kSum ? RunScatter<T, Combining::kSum>(loop, step)
                                  : RunScatter<T, Combining::kProd>(loop, step);
  };
  if (target.dtype() == DType::kBool) return body(TypeTag<bool>{});
  return VisitNumeric(target.dtype(), name, body);
}

absl::Status ScatterWide(const Tensor& target, int64_t dim, const Tensor& index,
                         const Tensor& source, Combining how,
                         absl::string_view name) {
  if (target.dtype() != DType::kHalf && target.dtype() != DType::kBFloat16) {
    return ScatterInto(target, dim, index, source, how, name);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                          CloneContiguous(target, DType::kFloat));
  TANDEM_ASSIGN_OR_RETURN(const Tensor from, ToDType(source, DType::kFloat));
  TANDEM_RETURN_IF_ERROR(ScatterInto(wide, dim, index, from, how, name));
  return CopyElements(wide, target);
}

absl::Status ScatterIdentity(const Tensor& target, int64_t dim,
                             const Tensor& index, Combining how,
                             absl::string_view name) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor one, Tensor::Empty({}, target.dtype()));
  const auto set = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    *one.data<T>() = IdentityOf<T>(how);
    return absl::OkStatus();
  };
  if (target.dtype() == DType::kBool) {
    (void)set(TypeTag<bool>{});
  } else {
    TANDEM_RETURN_IF_ERROR(VisitNumeric(target.dtype(), name, set));
  }
  const Tensor source = one.ViewUnchecked(
      index.sizes(), Dims(index.sizes().size(), 0), one.offset());
  return ScatterInto(target, dim, index, source, Combining::kAssign, name);
}

absl::Status DivideByCounts(const Tensor& target, int64_t dim,
                            const Tensor& index, bool include_self) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor counts,
                          Tensor::Empty(target.sizes(), DType::kInt64));
  TANDEM_RETURN_IF_ERROR(
      FillElements(counts, Scalar(int64_t{include_self ? 1 : 0})));
  TANDEM_ASSIGN_OR_RETURN(const Tensor one,
                          Tensor::FromScalar(Scalar(int64_t{1})));
  const Tensor ones = one.ViewUnchecked(
      index.sizes(), Dims(index.sizes().size(), 0), one.offset());
  TANDEM_RETURN_IF_ERROR(
      ScatterInto(counts, dim, index, ones, Combining::kSum, "mean"));
  const StridedLoop loop(target.sizes(), {StridedLoop::Operand::Of(target),
                                          StridedLoop::Operand::Of(counts)});
  return VisitNumeric(target.dtype(), "mean", [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    loop.Run(0, loop.numel(),
             [](char* const* data, const int64_t* strides, int64_t n) {
               for (int64_t i = 0; i < n; ++i) {
                 T& t = *reinterpret_cast<T*>(data[0] + i * strides[0]);
                 const int64_t c = std::max<int64_t>(
                     *reinterpret_cast<int64_t*>(data[1] + i * strides[1]), 1);
                 if constexpr (std::is_integral_v<T>) {
                   // Rounds down, as floor division.
                   const int64_t v = static_cast<int64_t>(t);
                   t = static_cast<T>(v / c - (v % c != 0 && v < 0));
                 } else {
                   using C = Compute<T>;
                   t = T(static_cast<C>(t) / static_cast<C>(c));
                 }
               }
             });
    return absl::OkStatus();
  });
}

}  // namespace tandem::reference
