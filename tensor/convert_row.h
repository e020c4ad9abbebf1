// Conversion of a row of elements between any two dtypes.
#ifndef TANDEM_TENSOR_CONVERT_ROW_H_
#define TANDEM_TENSOR_CONVERT_ROW_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "tandem/tensor/dtype.h"

namespace tandem {

// Converts n elements; strides in bytes. Source and destination do not overlap.
class RowConverter {
 public:
  // Error when one of the dtypes has no numbers (bits, packed, quantized).
  static absl::StatusOr<RowConverter> Make(DType from, DType to);
  void operator()(const char* src, int64_t src_stride, char* dst,
                  int64_t dst_stride, int64_t n) const;

 private:
  using Direct = void (*)(const char*, int64_t, char*, int64_t, int64_t);
  // Through blocks of a wide type: T -> wide, wide -> T.
  using Step = void (*)(const char*, int64_t, char*, int64_t, int64_t, DType);
  Direct direct_ = nullptr;
  Step load_ = nullptr, store_ = nullptr;
  DType from_, to_;
};

}  // namespace tandem

#endif  // TANDEM_TENSOR_CONVERT_ROW_H_
