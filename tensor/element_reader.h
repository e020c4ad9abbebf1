// Single elements of a tensor as numbers, for text and item-wise access.
#ifndef TANDEM_TENSOR_ELEMENT_READER_H_
#define TANDEM_TENSOR_ELEMENT_READER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// Reads elements of a strided tensor in memory, conj and neg bits applied.
// Quantized tensors are dequantized first.
class ElementReader {
 public:
  // Errors: no memory (meta), a sparse layout, a dtype without numbers.
  static absl::StatusOr<ElementReader> Of(const Tensor& tensor);

  // The tensor that offsets refer to: the one given, or its dequantized copy.
  const Tensor& tensor() const { return tensor_; }
  // Offsets count elements from the tensor's first: sum of index * stride.
  double Real(int64_t offset) const;
  double Imag(int64_t offset) const;
  // Of integers and bool. uint64 comes as its bits.
  int64_t Int(int64_t offset) const;

 private:
  explicit ElementReader(Tensor tensor);
  Tensor tensor_;
  DType dtype_;
  const char* data_;
};

// The real values of a quantized tensor: float32, contiguous.
absl::StatusOr<Tensor> DequantizeElements(const Tensor& tensor);

}  // namespace tandem

#endif  // TANDEM_TENSOR_ELEMENT_READER_H_
