// A vector times a large matrix: bound by the bytes of the matrix alone.
#ifndef TANDEM_BACKENDS_ONEDNN_ROW_PRODUCT_H_
#define TANDEM_BACKENDS_ONEDNN_ROW_PRODUCT_H_

#include <cstdint>

namespace tandem::onednn {

// y[i] = sum over j of x[j] * w[i * stride + j], plus bias[i * bias_step]
// unless bias is null, for `rows` rows of `length` elements. One pass over w in
// the order in which it lies, fetched ahead: such products (a decoder's, one
// token at a time) run at the speed of memory, where a primitive for matrices
// gets half of it.
void RowProduct(const float* x, const float* w, int64_t rows, int64_t length,
                int64_t stride, const float* bias, int64_t bias_step, float* y);

}  // namespace tandem::onednn

#endif  // TANDEM_BACKENDS_ONEDNN_ROW_PRODUCT_H_
