// Dead tensors, kept whole for the next of their shape: header and memory of a
// warm call's intermediate results come from here without being made anew.
#ifndef TANDEM_TENSOR_RECYCLER_H_
#define TANDEM_TENSOR_RECYCLER_H_

#include "tandem/tensor/tensor.h"

namespace tandem::recycler {

// Tensors of more bytes go back to the memory pool in parts.
inline constexpr size_t kMaxBytes = 16 << 10;

// A contiguous tensor of the thread's own dead ones, uninitialised and held by
// nobody else; null when there is none of that shape.
TensorImpl* Take(DimSpan sizes, DType dtype);

// Keeps a tensor whose last handle has gone, if it is small, plain and alone
// over memory that no budget counts. False: the caller frees it.
bool Park(TensorImpl* impl);

}  // namespace tandem::recycler

#endif  // TANDEM_TENSOR_RECYCLER_H_
