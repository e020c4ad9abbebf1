// Matrices and encodings: eye, tril, triu and their indices, vander, one_hot.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/factory.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using MaybeDType = std::optional<DType>;
using MaybeLayout = std::optional<Layout>;
using MaybeDevice = std::optional<Device>;
using MaybeBool = std::optional<bool>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// ---- eye

absl::Status CheckEye(int64_t n, int64_t m) {
  if (n < 0) {
    return Invalid(absl::StrCat("n must be greater or equal to 0, got ", n));
  }
  if (m < 0) {
    return Invalid(absl::StrCat("m must be greater or equal to 0, got ", m));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> EyeOut2(int64_t n, int64_t m, const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(CheckEye(n, m));
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, {n, m}));
  if (out.is_meta()) return out;
  TANDEM_RETURN_IF_ERROR(CheckWritable(out));
  TANDEM_RETURN_IF_ERROR(FillElements(out, Scalar(int64_t{0})));
  const Tensor diagonal = out.ViewUnchecked(
      {std::min(n, m)}, {out.stride(0) + out.stride(1)}, out.offset());
  TANDEM_RETURN_IF_ERROR(FillElements(diagonal, Scalar(int64_t{1})));
  return out;
}

absl::StatusOr<Tensor> EyeOut(int64_t n, const Tensor& out) {
  return EyeOut2(n, n, out);
}

absl::StatusOr<Tensor> EyeM(int64_t n, int64_t m, MaybeDType dtype,
                            MaybeLayout layout, MaybeDevice device, MaybeBool) {
  TANDEM_RETURN_IF_ERROR(CheckEye(n, m));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor t,
      NewTensor({n, m}, dtype.value_or(DType::kFloat), layout, device));
  return EyeOut2(n, m, t);
}

absl::StatusOr<Tensor> Eye(int64_t n, MaybeDType dtype, MaybeLayout layout,
                           MaybeDevice device, MaybeBool pin) {
  return EyeM(n, n, dtype, layout, device, pin);
}

// ---- tril, triu

// Sets to zero what lies above (below) diagonal k of each matrix.
absl::StatusOr<Tensor> Triangle(const Tensor& self, int64_t k, bool lower) {
  if (self.dim() < 2) {
    return Invalid(absl::StrCat(lower ? "tril" : "triu",
                                ": input tensor must have at least 2 "
                                "dimensions"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          CloneContiguous(self, self.dtype()));
  const int64_t rows = self.size(self.dim() - 2);
  const int64_t columns = self.size(self.dim() - 1);
  if (result.numel() == 0) return result;
  k = std::clamp(k, -rows, columns);
  const int64_t size = static_cast<int64_t>(result.element_size());
  char* row = result.raw_data();
  for (int64_t m = result.numel() / (rows * columns); m > 0; --m) {
    for (int64_t i = 0; i < rows; ++i, row += columns * size) {
      // Columns [0, edge) are on or below the diagonal (strictly for triu).
      const int64_t edge =
          std::clamp<int64_t>(i + k + (lower ? 1 : 0), 0, columns);
      if (lower) {
        std::memset(row + edge * size, 0, (columns - edge) * size);
      } else {
        std::memset(row, 0, edge * size);
      }
    }
  }
  return result;
}

absl::StatusOr<Tensor> Tril(const Tensor& self, int64_t diagonal) {
  return Triangle(self, diagonal, true);
}
absl::StatusOr<Tensor> Triu(const Tensor& self, int64_t diagonal) {
  return Triangle(self, diagonal, false);
}

// Number of elements on and below diagonal `offset` of a row x column matrix.
__int128 TrilSize(int64_t row, int64_t column, int64_t offset) {
  if (row == 0 || column == 0) return 0;
  const __int128 o = offset;
  const __int128 first =
      o > 0 ? std::min<__int128>(column, 1 + o) : (row + o > 0 ? 1 : 0);
  const __int128 last =
      std::max<__int128>(0, std::min<__int128>(column, row + o));
  const __int128 all = std::max<__int128>(0, std::min<__int128>(row, row + o));
  const __int128 trapezoid = last - first + 1;
  __int128 size = (first + last) * trapezoid / 2;
  const __int128 rest = all - trapezoid;
  if (rest > 0) size += rest * column;
  return size;
}

absl::StatusOr<Tensor> TriangleIndices(int64_t row, int64_t column,
                                       int64_t offset, bool lower, DType dtype,
                                       MaybeLayout layout, MaybeDevice device) {
  if (row < 0) {
    return Invalid(absl::StrCat("row must be non-negative, got", row));
  }
  if (column < 0) {
    return Invalid(absl::StrCat("col must be non-negative, got", column));
  }
  if (dtype != DType::kInt32 && dtype != DType::kInt64) {
    return NotImplementedFor(lower ? "tril_indices" : "triu_indices", dtype);
  }
  // An offset past the matrix changes nothing.
  const int64_t k = std::clamp(offset, -row, column);
  const __int128 size = lower ? TrilSize(row, column, k)
                              : static_cast<__int128>(row) * column -
                                    TrilSize(row, column, k - 1);
  if (size > INT64_MAX / 2) {
    return Invalid("the number of indices overflows");
  }
  const int64_t n = static_cast<int64_t>(size);
  TANDEM_ASSIGN_OR_RETURN(Tensor t, NewTensor({2, n}, dtype, layout, device));
  if (n == 0 || t.is_meta()) return t;
  const auto fill = [&](auto* out) {
    using T = std::remove_pointer_t<decltype(out)>;
    int64_t at = 0;
    for (int64_t i = lower ? std::max<int64_t>(0, -k) : 0; at < n; ++i) {
      const int64_t begin = lower ? 0 : std::max<int64_t>(0, i + k);
      const int64_t end = lower ? std::min(column, i + k + 1) : column;
      for (int64_t j = begin; j < end; ++j, ++at) {
        out[at] = static_cast<T>(i);
        out[n + at] = static_cast<T>(j);
      }
    }
  };
  if (dtype == DType::kInt32) {
    fill(t.data<int32_t>());
  } else {
    fill(t.data<int64_t>());
  }
  return t;
}

template <bool lower>
absl::StatusOr<Tensor> Indices(int64_t row, int64_t column, int64_t offset,
                               MaybeDType dtype, MaybeLayout layout,
                               MaybeDevice device, MaybeBool) {
  return TriangleIndices(row, column, offset, lower,
                         dtype.value_or(DType::kInt64), layout, device);
}

template <bool lower>
absl::StatusOr<Tensor> IndicesOut(int64_t row, int64_t column, int64_t offset,
                                  const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor t,
      TriangleIndices(row, column, offset, lower, DType::kInt64, {}, {}));
  return WriteOut(t, out);
}

// ---- vander

absl::StatusOr<Tensor> Vander(const Tensor& x, std::optional<int64_t> n,
                              bool increasing) {
  if (x.dim() != 1) return Invalid("x must be a one-dimensional tensor.");
  const int64_t columns = n.value_or(x.size(0));
  if (columns < 0) return Invalid("N must be non-negative.");
  const DType dtype = PromoteTypes(x.dtype(), DType::kInt64);
  if (dtype == DType::kUndefined) {
    return NotImplementedFor("vander", x.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor base, Contiguous(x, dtype));
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Tensor::Empty({x.size(0), columns}, dtype));
  TANDEM_RETURN_IF_ERROR(
      VisitNumeric(dtype, "vander", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        using C =
            std::conditional_t<std::is_integral_v<T>, uint64_t, Compute<T>>;
        T* row = t.data<T>();
        for (int64_t i = 0; i < x.size(0); ++i, row += columns) {
          const C b = static_cast<C>(base.data<T>()[i]);
          C power = C(1);
          for (int64_t j = 0; j < columns; ++j) {
            row[increasing ? j : columns - 1 - j] = static_cast<T>(power);
            power = power * b;
          }
        }
        return absl::OkStatus();
      }));
  return t;
}

// ---- one_hot

absl::StatusOr<Tensor> OneHot(const Tensor& self, int64_t num_classes) {
  if (self.dtype() != DType::kInt64) {
    return Invalid(
        "one_hot is only applicable to index tensor of type "
        "LongTensor.");
  }
  if (self.numel() == 0 && num_classes <= 0) {
    return Invalid("Can not infer total number of classes from empty tensor.");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor index, Contiguous(self));
  const int64_t* classes = index.data<int64_t>();
  int64_t largest = -1;
  for (int64_t i = 0; i < index.numel(); ++i) {
    if (classes[i] < 0) return Invalid("Class values must be non-negative.");
    largest = std::max(largest, classes[i]);
  }
  if (num_classes == -1) {
    if (largest == INT64_MAX) return Invalid("one_hot: too many classes");
    num_classes = largest + 1;
  } else if (self.numel() > 0 && largest >= num_classes) {
    return Invalid("Class values must be smaller than num_classes.");
  }
  Dims sizes(self.sizes().begin(), self.sizes().end());
  sizes.push_back(num_classes);
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Tensor::Zeros(sizes, DType::kInt64));
  int64_t* row = t.data<int64_t>();
  for (int64_t i = 0; i < index.numel(); ++i, row += num_classes) {
    row[classes[i]] = 1;
  }
  return t;
}

// ---- polar of numbers

template <typename A, typename B>
std::complex<double> PolarNumbers(A radius, B angle) {
  const double r = static_cast<double>(radius);
  const double a = static_cast<double>(angle);
  return {r * std::cos(a), r * std::sin(a)};
}

Scalar PolarScalars(const Scalar& radius, const Scalar& angle) {
  return Scalar(PolarNumbers(radius.ToDouble(), angle.ToDouble()));
}

}  // namespace

void AddFactoryMatrix(KernelRegistrar& r) {
  r.Add("aten::eye", &Eye)
      .Add("aten::eye.m", &EyeM)
      .Add("aten::eye.out", &EyeOut)
      .Add("aten::eye.m_out", &EyeOut2)
      .Add("aten::tril", &Tril)
      .Add("aten::tril.out", &Variants<Tril>::Out)
      .Add("aten::tril_", &InPlace<Tril>::Write)
      .Add("aten::triu", &Triu)
      .Add("aten::triu.out", &Variants<Triu>::Out)
      .Add("aten::triu_", &InPlace<Triu>::Write)
      .Add("aten::tril_indices", &Indices<true>)
      .Add("aten::tril_indices.out", &IndicesOut<true>)
      .Add("aten::triu_indices", &Indices<false>)
      .Add("aten::triu_indices.out", &IndicesOut<false>)
      .Add("aten::vander", &Vander)
      .Add("aten::one_hot", &OneHot)
      .Add("aten::polar.int", &PolarNumbers<int64_t, int64_t>)
      .Add("aten::polar.float", &PolarNumbers<double, double>)
      .Add("aten::polar.int_float", &PolarNumbers<int64_t, double>)
      .Add("aten::polar.float_int", &PolarNumbers<double, int64_t>)
      .Add("aten::polar.Scalar_Scalar", &PolarScalars);
}

}  // namespace tandem::reference
