// How generated functions hand their arguments over.
#ifndef TANDEM_FRONTENDS_EAGER_ARG_H_
#define TANDEM_FRONTENDS_EAGER_ARG_H_

#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/frontends/eager/tensor.h"
#include "tandem/ir/schema.h"

namespace tandem::eager::internal {

// Rows of the generated table, by number.
struct OperatorName {
  const char* name;
  const char* overload;
};
extern const OperatorName kOperatorNames[];
extern const uint32_t kNumOperators;

// Spellings, beside the number.
inline constexpr uint32_t kMethod = uint32_t{1} << 30;
inline constexpr uint32_t kOperatorSymbol = uint32_t{2} << 30;
inline constexpr uint32_t kReflected = uint32_t{3} << 30;

// A parameter of the function that runs: where it is and what it is.
class Arg {
 public:
  enum class Kind : uint8_t {
    kTensor,
    kTensors,
    kInt,
    kOptionalInt,
    kInts,
    kOptionalInts,
    kDouble,
    kOptionalDouble,
    kDoubles,
    kOptionalDoubles,
    kBool,
    kOptionalBool,
    kComplex,
    kNumber,
    kOptionalNumber,
    kNumberAsTensor,
    kString,
    kOptionalString,
    kDType,
    kOptionalDType,
    kOptionalLayout,
    kDevice,
    kOptionalDevice,
    kMemoryFormat,
    kOptionalMemoryFormat,
    kGenerator,
  };
#define TANDEM_ARG(TYPE, KIND) \
  Arg(const TYPE& v) : pointer(&v), kind(Kind::KIND) {}  // NOLINT
  TANDEM_ARG(Tensor, kTensor)
  TANDEM_ARG(TensorList, kTensors)
  TANDEM_ARG(Int, kInt)
  TANDEM_ARG(std::optional<Int>, kOptionalInt)
  TANDEM_ARG(IntList, kInts)
  TANDEM_ARG(OptionalIntList, kOptionalInts)
  TANDEM_ARG(double, kDouble)
  TANDEM_ARG(std::optional<double>, kOptionalDouble)
  TANDEM_ARG(std::vector<double>, kDoubles)
  TANDEM_ARG(OptionalFloatList, kOptionalDoubles)
  TANDEM_ARG(Bool, kBool)
  TANDEM_ARG(std::optional<Bool>, kOptionalBool)
  TANDEM_ARG(std::complex<double>, kComplex)
  TANDEM_ARG(Number, kNumber)
  TANDEM_ARG(std::optional<Number>, kOptionalNumber)
  TANDEM_ARG(absl::string_view, kString)
  TANDEM_ARG(std::optional<absl::string_view>, kOptionalString)
  TANDEM_ARG(DType, kDType)
  TANDEM_ARG(std::optional<DType>, kOptionalDType)
  TANDEM_ARG(std::optional<Layout>, kOptionalLayout)
  TANDEM_ARG(Device, kDevice)
  TANDEM_ARG(std::optional<Device>, kOptionalDevice)
  TANDEM_ARG(MemoryFormat, kMemoryFormat)
  TANDEM_ARG(std::optional<MemoryFormat>, kOptionalMemoryFormat)
  TANDEM_ARG(RandomGenerator, kGenerator)
#undef TANDEM_ARG
  static Arg AsTensor(const Number& n) {
    Arg a(n);
    a.kind = Kind::kNumberAsTensor;
    return a;
  }

  const void* pointer;
  Kind kind;
};

// As the IValue that kernels and recorders get. `recorded`: symbolic numbers
// stand as their tensors.
absl::Status Box(const Arg& arg, const Argument& schema, bool recorded,
                 IValue* out);

// Calls operator `op` (number and spelling).
absl::Status CallBoxed(uint32_t op, const Arg* args, size_t count,
                       Results* results);

// R is the C++ type of the row's results; these exist for the rows' types.
template <typename R>
R Call(uint32_t op, const Arg* args, size_t count);
template <typename R>
using Checked = std::conditional_t<
    std::is_void_v<R>, absl::Status,
    absl::StatusOr<std::conditional_t<std::is_void_v<R>, int, R>>>;
template <typename R>
Checked<R> CheckedCall(uint32_t op, const Arg* args, size_t count);

}  // namespace tandem::eager::internal

#endif  // TANDEM_FRONTENDS_EAGER_ARG_H_
