// Normal numbers out of uniform ones, to the last bit as PyTorch's.
#ifndef TANDEM_BACKENDS_REFERENCE_NORMAL_NUMBERS_H_
#define TANDEM_BACKENDS_REFERENCE_NORMAL_NUMBERS_H_

namespace tandem::reference {

// Box and Muller over 16 uniform numbers of [0, 1), pairs 8 apart, in place:
// what PyTorch's vector code (normal_fill with AVX2) gives for float32. Its
// logarithm, sine and cosine are the polynomials of the Cephes library in
// single precision, with fused multiplications and additions.
void NormalNumbers16(float* data, float mean, float std);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_NORMAL_NUMBERS_H_
