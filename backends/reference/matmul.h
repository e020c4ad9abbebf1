// Matrix products that other families use.
#ifndef TANDEM_BACKENDS_REFERENCE_MATMUL_H_
#define TANDEM_BACKENDS_REFERENCE_MATMUL_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// c = alpha * a @ b + beta * c for matrices of one dtype; `op` names the
// operator in the error for a dtype without products.
absl::Status GemmTensors(const Scalar& alpha, const Tensor& a, const Tensor& b,
                         const Scalar& beta, const Tensor& c,
                         absl::string_view op = "addmm_impl_cpu_");
// The same for 3-dim tensors, batch by batch.
absl::Status BatchedGemmTensors(const Scalar& alpha, const Tensor& a,
                                const Tensor& b, const Scalar& beta,
                                const Tensor& c, absl::string_view op);

// As torch.mm, torch.bmm, torch.matmul, F.linear (bias may be undefined),
// torch.addmm.
absl::StatusOr<Tensor> Mm(const Tensor& self, const Tensor& mat2);
absl::StatusOr<Tensor> Bmm(const Tensor& self, const Tensor& mat2);
absl::StatusOr<Tensor> MatMul(const Tensor& self, const Tensor& other);
absl::StatusOr<Tensor> Linear(const Tensor& input, const Tensor& weight,
                              const Tensor& bias);
absl::StatusOr<Tensor> Addmm(const Tensor& self, const Tensor& mat1,
                             const Tensor& mat2, const Scalar& beta,
                             const Scalar& alpha);
absl::StatusOr<Tensor> Dot(const Tensor& self, const Tensor& other);
absl::StatusOr<Tensor> TensorDot(const Tensor& self, const Tensor& other,
                                 absl::Span<const int64_t> dims_self,
                                 absl::Span<const int64_t> dims_other);

// Parts of RegisterMatmul.
void RegisterProducts(KernelRegistrar& r);
void RegisterContractions(KernelRegistrar& r);
void RegisterGroupedProducts(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_MATMUL_H_
