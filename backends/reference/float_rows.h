// Sums, products and moments of rows of float, in the order and with the
// roundings of PyTorch's vectorised loops (x86-64): programs that turn a result
// into a Python float see its last bits.
#ifndef TANDEM_BACKENDS_REFERENCE_FLOAT_ROWS_H_
#define TANDEM_BACKENDS_REFERENCE_FLOAT_ROWS_H_

#include <cstdint>

namespace tandem::reference {

// to[i] += factor * from[i * stride], i < n, fused.
void FusedAddRow(int64_t n, float factor, const float* from, int64_t stride,
                 float* to);

// x[i] * scale + shift, fused.
void FusedScaleRow(int64_t n, const float* x, float scale, float shift,
                   float* to);

// The last step of layer_norm: (x[i] - mean) * rstd * weight[i] + bias[i]. Null
// weight: 1; null bias: 0.
void NormalizeRow(int64_t n, const float* x, float mean, float rstd,
                  const float* weight, const float* bias, float* to);

// The sum of a contiguous row as softmax takes it: in 16 lanes; shorter rows
// one by one.
float LaneSum(int64_t n, const float* x);

// The sum of x[i * stride] as sum does: four partial sums (of eight lanes each
// where the row is contiguous and has 8 elements), cascaded. Strides in
// elements.
float CascadeSum(int64_t n, const float* x, int64_t stride);

// Such sums of neighbouring columns: out[j] = sum over i of x[i * stride + j].
void CascadeSumEight(int64_t n, const float* x, int64_t stride, float* out);
// Without partial sums: 32 neighbouring columns; four, `step` apart.
void CascadeSumThirtyTwo(int64_t n, const float* x, int64_t stride, float* out);
void CascadeSumFour(int64_t n, const float* x, int64_t stride, int64_t step,
                    float* out);

// Mean and (biased) variance of a contiguous row, by Welford's update in eight
// lanes and chunks of 16.
void RowMoments(int64_t n, const float* x, float* mean, float* variance);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_FLOAT_ROWS_H_
