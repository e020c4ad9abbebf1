// Arguments of operators that are not tensors: integers that may be symbolic,
// lists of them, numbers. They convert from what people write.
#ifndef TANDEM_FRONTENDS_EAGER_VALUES_H_
#define TANDEM_FRONTENDS_EAGER_VALUES_H_

#include <complex>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "tandem/tensor/scalar.h"
#include "tandem/tensor/tensor.h"

namespace tandem::eager {

template <typename T>
inline constexpr bool kIsInteger =
    std::is_integral_v<T> && !std::is_same_v<T, bool>;

// An int of a schema: a number and, while a recorder watches and the number
// came out of a traced tensor (`x.size(0)`), the 0-dim tensor that stands for
// it in the recording.
//
// Arithmetic on a symbolic Int is recorded; `/` and `%` round down, as Python's
// // and %. Conversion to int64_t asks the recorder: a tracer warns that the
// value becomes a constant, a symbolic trace refuses (throws Error). Without a
// recorder an Int is its number.
class Int {
 public:
  Int() = default;
  template <typename T, std::enable_if_t<kIsInteger<T>, int> = 0>
  Int(T value) : value_(static_cast<int64_t>(value)) {}  // NOLINT
  // `value` is what the symbol had when it was recorded (0 if it had none).
  Int(int64_t value, tandem::Tensor symbol)
      : value_(value), symbol_(std::move(symbol)) {}

  operator int64_t() const {  // NOLINT
    return symbol_.defined() ? Concrete() : value_;
  }
  bool is_symbolic() const { return symbol_.defined(); }
  // The number without asking anyone.
  int64_t hint() const { return value_; }
  const tandem::Tensor& symbol() const { return symbol_; }

 private:
  int64_t Concrete() const;

  int64_t value_ = 0;
  tandem::Tensor symbol_;
};

enum class IntOperator : uint8_t {
  kAdd,
  kSub,
  kMul,
  kFloorDiv,
  kMod,
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe
};
Int Compute(IntOperator op, const Int& a, const Int& b);
// A symbolic comparison is recorded and its result asked for as a bool.
bool Compare(IntOperator op, const Int& a, const Int& b);
Int operator-(const Int& a);

#define TANDEM_INT_OPERATOR(SYMBOL, RESULT, FUNCTION, NAME)       \
  inline RESULT operator SYMBOL(const Int& a, const Int& b) {     \
    return FUNCTION(IntOperator::NAME, a, b);                     \
  }                                                               \
  template <typename T, std::enable_if_t<kIsInteger<T>, int> = 0> \
  RESULT operator SYMBOL(const Int& a, T b) {                     \
    return FUNCTION(IntOperator::NAME, a, Int(b));                \
  }                                                               \
  template <typename T, std::enable_if_t<kIsInteger<T>, int> = 0> \
  RESULT operator SYMBOL(T a, const Int& b) {                     \
    return FUNCTION(IntOperator::NAME, Int(a), b);                \
  }
TANDEM_INT_OPERATOR(+, Int, Compute, kAdd)
TANDEM_INT_OPERATOR(-, Int, Compute, kSub)
TANDEM_INT_OPERATOR(*, Int, Compute, kMul)
TANDEM_INT_OPERATOR(/, Int, Compute, kFloorDiv)
TANDEM_INT_OPERATOR(%, Int, Compute, kMod)
TANDEM_INT_OPERATOR(==, bool, Compare, kEq)
TANDEM_INT_OPERATOR(!=, bool, Compare, kNe)
TANDEM_INT_OPERATOR(<, bool, Compare, kLt)
TANDEM_INT_OPERATOR(<=, bool, Compare, kLe)
TANDEM_INT_OPERATOR(>, bool, Compare, kGt)
TANDEM_INT_OPERATOR(>=, bool, Compare, kGe)
#undef TANDEM_INT_OPERATOR
template <typename T>
Int& operator+=(Int& a, const T& b) {
  return a = a + b;
}
template <typename T>
Int& operator-=(Int& a, const T& b) {
  return a = a - b;
}
template <typename T>
Int& operator*=(Int& a, const T& b) {
  return a = a * b;
}
template <typename T>
Int& operator/=(Int& a, const T& b) {
  return a = a / b;
}

// int[] of a schema, and what shape() gives. One number stands for a list of
// it; where the schema says int[2] it is repeated.
class IntList {
 public:
  IntList() = default;
  IntList(std::initializer_list<Int> v) : values_(v) {}  // NOLINT
  template <typename T,
            std::enable_if_t<kIsInteger<T> || std::is_same_v<T, Int>, int> = 0>
  IntList(const T& v) : values_(1, Int(v)), single_(true) {}       // NOLINT
  IntList(DimSpan v) : values_(v.begin(), v.end()) {}              // NOLINT
  IntList(const Dims& v) : IntList(DimSpan(v)) {}                  // NOLINT
  IntList(const std::vector<int64_t>& v) : IntList(DimSpan(v)) {}  // NOLINT
  IntList(const std::vector<Int>& v)                               // NOLINT
      : values_(v.begin(), v.end()) {}

  // A shape of unknown rank that a recorder stands for by one tensor.
  static IntList Symbolic(tandem::Tensor symbol);
  const tandem::Tensor& symbol() const { return symbol_; }

  // Asks the recorder when the list is symbolic.
  size_t size() const;
  bool empty() const { return size() == 0; }
  Int operator[](int64_t i) const { return Item(i); }
  const Int* begin() const { return values_.data(); }
  const Int* end() const { return values_.data() + values_.size(); }
  void push_back(Int v) {
    values_.push_back(std::move(v));
    single_ = false;
  }
  // Was one number given instead of a list?
  bool is_single() const { return single_; }
  // The numbers; each conversion asks the recorder.
  Dims ToDims() const;

 private:
  // Throws when there is no such element. Negative counts from the end.
  Int Item(int64_t i) const;

  absl::InlinedVector<Int, 4> values_;
  tandem::Tensor symbol_;
  bool single_ = false;
};
bool operator==(const IntList& a, const IntList& b);

// The same where an overload takes one int: a number is never a list.
class IntListOnly : public IntList {
 public:
  IntListOnly(std::initializer_list<Int> v) : IntList(v) {}   // NOLINT
  IntListOnly(IntList v) : IntList(std::move(v)) {}           // NOLINT
  IntListOnly(const std::vector<int64_t>& v) : IntList(v) {}  // NOLINT
};

// int[]?
class OptionalIntList {
 public:
  OptionalIntList() = default;
  OptionalIntList(std::nullopt_t) {}  // NOLINT
  OptionalIntList(std::initializer_list<Int> v) : list_(v), has_(true) {}
  template <typename T,
            std::enable_if_t<std::is_convertible_v<const T&, IntList> &&
                                 !std::is_same_v<T, OptionalIntList>,
                             int> = 0>
  OptionalIntList(const T& v) : list_(v), has_(true) {}  // NOLINT
  bool has_value() const { return has_; }
  const IntList& operator*() const { return list_; }

 private:
  IntList list_;
  bool has_ = false;
};

// Scalar of a schema.
class Number {
 public:
  Number() = default;
  template <typename T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  Number(T v) : value_(FromArithmetic(v)) {}  // NOLINT
  template <typename T>
  Number(std::complex<T> v) : value_(std::complex<double>(v)) {}   // NOLINT
  Number(const Scalar& v) : value_(v) {}                           // NOLINT
  Number(const Int& v) : value_(v.hint()), symbol_(v.symbol()) {}  // NOLINT
  // A number that a recorder stands for by a 0-dim tensor.
  Number(const Scalar& v, tandem::Tensor symbol)
      : value_(v), symbol_(std::move(symbol)) {}

  const Scalar& value() const { return value_; }
  const tandem::Tensor& symbol() const { return symbol_; }

 private:
  template <typename T>
  static Scalar FromArithmetic(T v) {
    if constexpr (std::is_same_v<T, bool>) {
      return Scalar(v);
    } else if constexpr (std::is_integral_v<T>) {
      return Scalar(static_cast<int64_t>(v));
    } else {
      return Scalar(static_cast<double>(v));
    }
  }
  Scalar value_;
  tandem::Tensor symbol_;
};

// bool of a schema: nothing else becomes one by accident (`x.std(1)`).
class Bool {
 public:
  template <typename T, std::enable_if_t<std::is_same_v<T, bool>, int> = 0>
  Bool(T v) : value_(v) {}                  // NOLINT
  operator bool() const { return value_; }  // NOLINT

 private:
  bool value_;
};

}  // namespace tandem::eager

#endif  // TANDEM_FRONTENDS_EAGER_VALUES_H_
