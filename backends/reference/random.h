// The parts of the random family. The streams of numbers are PyTorch's on the
// CPU, draw for draw; elements are drawn in the order of memory.
#ifndef TANDEM_BACKENDS_REFERENCE_RANDOM_H_
#define TANDEM_BACKENDS_REFERENCE_RANDOM_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/generator.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

void AddRandomFill(KernelRegistrar& r);     // uniform_, normal_, random_, …
void AddRandomFactory(KernelRegistrar& r);  // rand, randn, randint, randperm
void AddRandomDropout(KernelRegistrar& r);  // dropout, rrelu
void AddRandomSample(KernelRegistrar& r);   // bernoulli, multinomial, poisson
void AddRandomBinomial(KernelRegistrar& r);

// The generator that a call names, or the context's.
inline Generator& Pick(Generator* generator) {
  return generator != nullptr ? *generator : CurrentGenerator();
}

// Each element = draw(), in the order of memory.
absl::Status DrawDoubles(const Tensor& self, absl::FunctionRef<double()> draw);
absl::Status DrawIntegers(const Tensor& self,
                          absl::FunctionRef<int64_t()> draw);

absl::StatusOr<Tensor> UniformInPlace(const Tensor& self, double from,
                                      double to, Generator* generator);
absl::StatusOr<Tensor> NormalInPlace(const Tensor& self, double mean,
                                     double std, Generator* generator);
absl::StatusOr<Tensor> ExponentialInPlace(const Tensor& self, double lambda,
                                          Generator* generator);
absl::StatusOr<Tensor> RandomFromTo(const Tensor& self, int64_t from,
                                    int64_t to, Generator* generator);
absl::StatusOr<Tensor> BernoulliInPlace(const Tensor& self, double p,
                                        Generator* generator);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_RANDOM_H_
