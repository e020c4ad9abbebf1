#include "tandem/frontends/eager/values.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/arg.h"
#include "tandem/frontends/eager/operator_numbers.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/frontends/eager/tensor.h"

namespace tandem::eager {
namespace {

constexpr const char* kOverflow = "an integer overflows";

int64_t Apply(IntOperator op, int64_t a, int64_t b) {
  int64_t r = 0;
  switch (op) {
    case IntOperator::kAdd:
      if (__builtin_add_overflow(a, b, &r)) Throw(kOverflow);
      return r;
    case IntOperator::kSub:
      if (__builtin_sub_overflow(a, b, &r)) Throw(kOverflow);
      return r;
    case IntOperator::kMul:
      if (__builtin_mul_overflow(a, b, &r)) Throw(kOverflow);
      return r;
    case IntOperator::kFloorDiv:
    case IntOperator::kMod: {
      if (b == 0) Throw("integer division or modulo by zero");
      if (b == -1) {
        if (a == std::numeric_limits<int64_t>::min()) {
          if (op == IntOperator::kMod) return 0;
          Throw(kOverflow);
        }
        return op == IntOperator::kMod ? 0 : -a;
      }
      const int64_t quotient = a / b, remainder = a % b;
      const bool down = remainder != 0 && (remainder < 0) != (b < 0);
      if (op == IntOperator::kMod) return down ? remainder + b : remainder;
      return down ? quotient - 1 : quotient;
    }
    case IntOperator::kEq:
      return a == b;
    case IntOperator::kNe:
      return a != b;
    case IntOperator::kLt:
      return a < b;
    case IntOperator::kLe:
      return a <= b;
    case IntOperator::kGt:
      return a > b;
    case IntOperator::kGe:
      return a >= b;
  }
  return 0;
}

bool IsRecorded(const Int& a, const Int& b) {
  return (a.is_symbolic() || b.is_symbolic()) && CurrentRecorder() != nullptr;
}

// The recording of `a op b`; at least one is symbolic.
Tensor Record(IntOperator op, const Int& a, const Int& b) {
  // A number in front: the operator that takes it from behind.
  if (!a.is_symbolic()) {
    const Tensor y(b.symbol());
    const Number n(a.hint());
    switch (op) {
      case IntOperator::kAdd:
        return n + y;
      case IntOperator::kSub:
        return n - y;
      case IntOperator::kMul:
        return n * y;
      case IntOperator::kMod:
        return n % y;
      case IntOperator::kEq:
        return n == y;
      case IntOperator::kNe:
        return n != y;
      case IntOperator::kLt:
        return n < y;
      case IntOperator::kLe:
        return n <= y;
      case IntOperator::kGt:
        return n > y;
      case IntOperator::kGe:
        return n >= y;
      case IntOperator::kFloorDiv: {
        const internal::Arg args[] = {internal::Arg::AsTensor(n), y};
        return internal::Call<Tensor>(
            internal::k_floor_divide | internal::kReflected, args, 2);
      }
    }
  }
  const Tensor x(a.symbol());
  const Number n(b);
  switch (op) {
    case IntOperator::kAdd:
      return x + n;
    case IntOperator::kSub:
      return x - n;
    case IntOperator::kMul:
      return x * n;
    case IntOperator::kMod:
      return x % n;
    case IntOperator::kEq:
      return x == n;
    case IntOperator::kNe:
      return x != n;
    case IntOperator::kLt:
      return x < n;
    case IntOperator::kLe:
      return x <= n;
    case IntOperator::kGt:
      return x > n;
    case IntOperator::kGe:
      return x >= n;
    case IntOperator::kFloorDiv:
      break;
  }
  const internal::Arg args[] = {x, internal::Arg::AsTensor(n)};
  return internal::Call<Tensor>(
      internal::k_floor_divide | internal::kOperatorSymbol, args, 2);
}

}  // namespace

int64_t Int::Concrete() const {
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    ThrowIfError(recorder->Convert(symbol_, Conversion::kIndex));
  } else if (symbol_.dtype() == DType::kUndefined) {
    Throw("a symbolic number outside of the trace that it belongs to");
  }
  return value_;
}

Int Compute(IntOperator op, const Int& a, const Int& b) {
  if (!IsRecorded(a, b)) {
    return Int(Apply(op, static_cast<int64_t>(a), static_cast<int64_t>(b)));
  }
  const Tensor symbol = Record(op, a, b);
  const bool known = symbol.raw().dtype() != DType::kUndefined;
  return Int(known ? Apply(op, a.hint(), b.hint()) : 0, symbol.raw());
}

bool Compare(IntOperator op, const Int& a, const Int& b) {
  if (!IsRecorded(a, b)) {
    return Apply(op, static_cast<int64_t>(a), static_cast<int64_t>(b)) != 0;
  }
  return static_cast<bool>(Record(op, a, b));
}

Int operator-(const Int& a) {
  if (!a.is_symbolic() || CurrentRecorder() == nullptr) {
    return Int(Apply(IntOperator::kSub, 0, static_cast<int64_t>(a)));
  }
  return Int(-a.hint(), (-Tensor(a.symbol())).raw());
}

IntList IntList::Symbolic(tandem::Tensor symbol) {
  IntList list;
  list.symbol_ = std::move(symbol);
  return list;
}

size_t IntList::size() const {
  if (symbol_.defined()) {
    Recorder* recorder = CurrentRecorder();
    if (recorder == nullptr) {
      Throw("a symbolic shape outside of the trace that it belongs to");
    }
    ThrowIfError(recorder->Convert(symbol_, Conversion::kLen));
  }
  return values_.size();
}

Int IntList::Item(int64_t i) const {
  if (symbol_.defined()) {
    Recorder* recorder = CurrentRecorder();
    if (recorder == nullptr) {
      Throw("a symbolic shape outside of the trace that it belongs to");
    }
    return Unwrap(recorder->ShapeItem(symbol_, i));
  }
  const int64_t count = static_cast<int64_t>(values_.size());
  const int64_t at = i < 0 ? i + count : i;
  if (at < 0 || at >= count) {
    Throw(absl::OutOfRangeError(
        absl::StrCat("list index ", i, " is out of range of ", count)));
  }
  return values_[at];
}

Dims IntList::ToDims() const {
  Dims dims(size());
  for (size_t i = 0; i < dims.size(); ++i) {
    dims[i] = static_cast<int64_t>(values_[i]);
  }
  return dims;
}

bool operator==(const IntList& a, const IntList& b) {
  return a.ToDims() == b.ToDims();
}

}  // namespace tandem::eager
