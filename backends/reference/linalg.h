// The parts of the linalg family, one file each.
#ifndef TANDEM_BACKENDS_REFERENCE_LINALG_H_
#define TANDEM_BACKENDS_REFERENCE_LINALG_H_

#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/reference/linalg_kernels.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/tensor.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {

void AddLinalgComposites(KernelRegistrar& r);
void AddLinalgFactors(KernelRegistrar& r);
void AddLinalgLdl(KernelRegistrar& r);
void AddLinalgSolvers(KernelRegistrar& r);
void AddLinalgSpectra(KernelRegistrar& r);

// PyTorch's checks of a (batch of) matrices: at least 2 dims, square, floating
// point of at least 32 bits.
absl::Status CheckMatrix(const Tensor& a, absl::string_view op,
                         absl::string_view argument = "A");
absl::Status CheckSquare(const Tensor& a, absl::string_view op,
                         absl::string_view argument = "A");

// A batch of matrices in double or complex128.
struct Batch {
  Tensor data;  // contiguous
  int64_t count = 0, rows = 0, cols = 0;
  template <typename T>
  Matrix<T> at(int64_t b) const {
    Matrix<T> m(rows, cols);
    const T* from = data.data<T>() + b * rows * cols;
    m.data.assign(from, from + rows * cols);
    return m;
  }
  template <typename T>
  void Put(int64_t b, const Matrix<T>& m) const {
    std::copy(m.data.begin(), m.data.end(), data.data<T>() + b * rows * cols);
  }
};

// `a` to be read; its last two dims are the matrices.
absl::StatusOr<Batch> LoadBatch(const Tensor& a);
// The same with the batch dims broadcast to `lead`.
absl::StatusOr<Batch> LoadBatch(const Tensor& a, DimSpan lead);
// Memory for results of these batch dims.
absl::StatusOr<Batch> NewBatch(DimSpan lead, int64_t rows, int64_t cols,
                               DType like);
// The batch's results in `dtype`; each matrix column by column, as LAPACK
// leaves them, or by rows.
absl::StatusOr<Tensor> Finish(const Batch& b, DType dtype,
                              bool by_rows = false);
inline DimSpan LeadOf(const Tensor& a) {
  return a.sizes().subspan(0, a.dim() - 2);
}
absl::StatusOr<Dims> CommonLead(const Tensor& a, const Tensor& b);

// body(tag) with double or complex128.
template <typename Body>
auto WithCompute(DType dtype, Body&& body)
    -> decltype(body(TypeTag<double>{})) {
  if (IsComplex(dtype)) return body(TypeTag<Complex128>{});
  return body(TypeTag<double>{});
}

// The error of the first matrix whose info is not 0: text(info) after
// "op: " or "op: (Batch element 2): ".
absl::Status CheckInfos(const Tensor& info, absl::string_view op,
                        absl::FunctionRef<std::string(int32_t)> text);

// An out= argument of other sizes takes the result's sizes and strides: column
// by column where LAPACK writes it so.
absl::Status TakeLayout(const Tensor& result, const Tensor& out);

// Variants<F> whose out= arguments take the results' layouts.
template <auto F>
struct LapackVariants;
template <typename... A, absl::StatusOr<Tensor> (*F)(A...)>
struct LapackVariants<F> {
  static absl::StatusOr<Tensor> OutExact(A... a, const Tensor& out) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(a...));
    if (result.dtype() == out.dtype()) {
      TANDEM_RETURN_IF_ERROR(TakeLayout(result, out));
    }
    return WriteOutExact(result, out);
  }
};
template <typename... A, absl::StatusOr<std::tuple<Tensor, Tensor>> (*F)(A...)>
struct LapackVariants<F> {
  static absl::StatusOr<std::tuple<Tensor, Tensor>> Out(A... a, const Tensor& x,
                                                        const Tensor& y) {
    TANDEM_ASSIGN_OR_RETURN(const auto result, F(a...));
    TANDEM_RETURN_IF_ERROR(TakeLayout(std::get<0>(result), x));
    TANDEM_RETURN_IF_ERROR(WriteOut(std::get<0>(result), x).status());
    TANDEM_RETURN_IF_ERROR(TakeLayout(std::get<1>(result), y));
    TANDEM_RETURN_IF_ERROR(WriteOut(std::get<1>(result), y).status());
    return std::make_tuple(x, y);
  }
};
template <typename... A,
          absl::StatusOr<std::tuple<Tensor, Tensor, Tensor>> (*F)(A...)>
struct LapackVariants<F> {
  static absl::StatusOr<std::tuple<Tensor, Tensor, Tensor>> Out(
      A... a, const Tensor& x, const Tensor& y, const Tensor& z) {
    TANDEM_ASSIGN_OR_RETURN(const auto result, F(a...));
    TANDEM_RETURN_IF_ERROR(TakeLayout(std::get<0>(result), x));
    TANDEM_RETURN_IF_ERROR(WriteOut(std::get<0>(result), x).status());
    TANDEM_RETURN_IF_ERROR(TakeLayout(std::get<1>(result), y));
    TANDEM_RETURN_IF_ERROR(WriteOut(std::get<1>(result), y).status());
    TANDEM_RETURN_IF_ERROR(TakeLayout(std::get<2>(result), z));
    TANDEM_RETURN_IF_ERROR(WriteOut(std::get<2>(result), z).status());
    return std::make_tuple(x, y, z);
  }
};

// The nuclear ("nuc"), greatest ("2") or smallest ("-2") singular value's norm
// of the matrices in the two dims. Error texts of linalg.matrix_norm.
absl::StatusOr<Tensor> SingularValueNorm(const Tensor& self,
                                         absl::string_view order,
                                         absl::Span<const int64_t> dim,
                                         bool keepdim,
                                         std::optional<DType> dtype);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_LINALG_H_
