// Walking several operands of common sizes row by row, whatever their strides.
#ifndef TANDEM_TENSOR_STRIDED_LOOP_H_
#define TANDEM_TENSOR_STRIDED_LOOP_H_

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// The dims of the common sizes in order of memory, innermost first, merged
// where all operands allow it. The order is that of the first operand's
// strides, ties broken by the next operands'.
class StridedLoop {
 public:
  static constexpr int kMaxOperands = 8;
  // Elements a piece of parallel work has at least.
  static constexpr int64_t kGrain = 32768;

  struct Operand {
    char* data;
    DimSpan sizes;    // broadcast to the common sizes, aligned at the right
    DimSpan strides;  // in elements
    int64_t element_size;
    static Operand Of(const Tensor& t) {
      return {t.raw_data(), t.sizes(), t.strides(),
              static_cast<int64_t>(t.element_size())};
    }
  };
  // One row: a pointer and a stride in bytes for each operand, n elements.
  using Row = absl::FunctionRef<void(char* const* data, const int64_t* strides,
                                     int64_t n)>;

  // Operands outlive the loop only by their data.
  StridedLoop(DimSpan sizes, absl::Span<const Operand> operands);

  int64_t numel() const { return numel_; }
  int64_t rank() const { return static_cast<int64_t>(sizes_.size()); }
  // Of the merged dims; 0 is innermost.
  int64_t size(int64_t d) const { return sizes_[d]; }
  int64_t stride(int64_t d, int operand) const {
    return strides_[d * count_ + operand];
  }
  char* data(int operand) const { return data_[operand]; }

  // Elements [begin, end) in the loop's order, on this thread.
  void Run(int64_t begin, int64_t end, Row row) const {
    RunAt(data_, begin, end, row);
  }
  // The same over other memory of this geometry: a pointer for each operand.
  void RunAt(char* const* base, int64_t begin, int64_t end, Row row) const;
  // All elements, in pieces for the context's tasks; the error of CheckStop().
  absl::Status RunParallel(Row row, int64_t grain = kGrain) const;

 private:
  void Sort(absl::Span<int64_t> order, absl::Span<const int64_t> strides) const;

  int count_;
  int64_t numel_;
  char* data_[kMaxOperands];
  absl::InlinedVector<int64_t, 6> sizes_;
  absl::InlinedVector<int64_t, 24> strides_;  // bytes, [dim][operand]
};

}  // namespace tandem

#endif  // TANDEM_TENSOR_STRIDED_LOOP_H_
