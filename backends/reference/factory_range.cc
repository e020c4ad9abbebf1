// Sequences of numbers: arange, range, linspace, logspace.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/factory.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using MaybeDType = std::optional<DType>;
using MaybeLayout = std::optional<Layout>;
using MaybeDevice = std::optional<Device>;
using MaybeBool = std::optional<bool>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// A number in a text, as C++ streams print it.
std::string Text(const Scalar& s) {
  return s.is_integral() ? absl::StrCat(s.ToInt()) : absl::StrCat(s.ToDouble());
}

absl::Status CheckBounds(const Scalar& start, const Scalar& end,
                         const Scalar& step) {
  const double a = start.ToDouble(), b = end.ToDouble(), s = step.ToDouble();
  if (s == 0) return Invalid("step must be nonzero");
  if (!std::isfinite(s)) {
    return Invalid(absl::StrCat("step must be finite but got ", Text(step)));
  }
  if (!std::isfinite(a) || !std::isfinite(b)) {
    return Invalid(
        absl::StrCat("unsupported range: ", Text(start), " -> ", Text(end)));
  }
  const bool integral = start.is_integral() && end.is_integral();
  const bool up = integral ? start.ToInt() <= end.ToInt() : a <= b;
  const bool down = integral ? start.ToInt() >= end.ToInt() : a >= b;
  if (!((s > 0 && up) || (s < 0 && down))) {
    return Invalid("upper bound and lower bound inconsistent with step sign");
  }
  return absl::OkStatus();
}

// Number of elements of arange; exact where all are integers.
absl::StatusOr<int64_t> ArangeSize(const Scalar& start, const Scalar& end,
                                   const Scalar& step) {
  TANDEM_RETURN_IF_ERROR(CheckBounds(start, end, step));
  if (start.is_integral() && end.is_integral() && step.is_integral()) {
    const __int128 span = static_cast<__int128>(end.ToInt()) -
                          static_cast<__int128>(start.ToInt());
    const __int128 s = step.ToInt();
    const __int128 n = (span + s - (s > 0 ? 1 : -1)) / s;
    if (n > INT64_MAX || span > INT64_MAX || span < INT64_MIN) {
      return Invalid("invalid size, possible overflow?");
    }
    return static_cast<int64_t>(n);
  }
  const double n =
      std::ceil((end.ToDouble() - start.ToDouble()) / step.ToDouble());
  if (!(n >= 0 && n < 0x1p63)) {
    return Invalid("invalid size, possible overflow?");
  }
  return static_cast<int64_t>(n);
}

// start + i * step into a contiguous tensor: integers in int64, floats in
// double.
absl::Status FillArithmetic(const Tensor& t, const Scalar& start,
                            const Scalar& step, absl::string_view name) {
  return VisitReal(t.dtype(), name, [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    T* out = t.data<T>();
    if constexpr (std::is_integral_v<T>) {
      const uint64_t first = start.ToInt(), by = step.ToInt();
      for (int64_t i = 0; i < t.numel(); ++i) {
        out[i] = static_cast<T>(first + by * static_cast<uint64_t>(i));
      }
    } else {
      const double first = start.ToDouble(), by = step.ToDouble();
      for (int64_t i = 0; i < t.numel(); ++i) {
        out[i] =
            T(static_cast<Compute<T>>(first + by * static_cast<double>(i)));
      }
    }
    return absl::OkStatus();
  });
}

absl::Status NoBoundsOf(DType dtype, absl::string_view name) {
  return VisitReal(dtype, name,
                   [](auto) -> absl::Status { return absl::OkStatus(); });
}

DType ArangeDType(const Scalar& start, const Scalar& end, const Scalar& step) {
  return start.is_integral() && end.is_integral() && step.is_integral()
             ? DType::kInt64
             : DType::kFloat;
}

absl::StatusOr<Tensor> ArangeStep(const Scalar& start, const Scalar& end,
                                  const Scalar& step, MaybeDType dtype,
                                  MaybeLayout layout, MaybeDevice device,
                                  MaybeBool) {
  const DType type = dtype.value_or(ArangeDType(start, end, step));
  TANDEM_RETURN_IF_ERROR(NoBoundsOf(type, "arange_cpu"));
  TANDEM_ASSIGN_OR_RETURN(const int64_t n, ArangeSize(start, end, step));
  TANDEM_ASSIGN_OR_RETURN(Tensor t, NewTensor({n}, type, layout, device));
  if (!t.is_meta()) {
    TANDEM_RETURN_IF_ERROR(FillArithmetic(t, start, step, "arange_cpu"));
  }
  return t;
}

absl::StatusOr<Tensor> ArangeStart(const Scalar& start, const Scalar& end,
                                   MaybeDType dtype, MaybeLayout layout,
                                   MaybeDevice device, MaybeBool pin) {
  return ArangeStep(start, end, Scalar(int64_t{1}), dtype, layout, device, pin);
}

absl::StatusOr<Tensor> Arange(const Scalar& end, MaybeDType dtype,
                              MaybeLayout layout, MaybeDevice device,
                              MaybeBool pin) {
  return ArangeStart(Scalar(int64_t{0}), end, dtype, layout, device, pin);
}

// Sequences keep the sizes of an `out` that already has as many elements.
absl::StatusOr<Tensor> WriteSequence(const Tensor& values, const Tensor& out) {
  if (out.numel() != values.numel()) {
    TANDEM_RETURN_IF_ERROR(ResizeOutput(out, values.sizes()));
  }
  TANDEM_RETURN_IF_ERROR(CheckWritable(out));
  TANDEM_RETURN_IF_ERROR(CopyElements(
      values.ViewUnchecked(out.sizes(), ContiguousStrides(out.sizes()), 0),
      out));
  return out;
}

absl::StatusOr<Tensor> ArangeStartOut(const Scalar& start, const Scalar& end,
                                      const Scalar& step, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor values,
      ArangeStep(start, end, step, out.dtype(), {}, {}, {}));
  return WriteSequence(values, out);
}

absl::StatusOr<Tensor> ArangeOut(const Scalar& end, const Tensor& out) {
  return ArangeStartOut(Scalar(int64_t{0}), end, Scalar(int64_t{1}), out);
}

// range includes its end, and is of floats unless told otherwise.
absl::StatusOr<Tensor> RangeStep(const Scalar& start, const Scalar& end,
                                 const Scalar& step, MaybeDType dtype,
                                 MaybeLayout layout, MaybeDevice device,
                                 MaybeBool) {
  const DType type = dtype.value_or(DType::kFloat);
  TANDEM_RETURN_IF_ERROR(NoBoundsOf(type, "range_cpu"));
  TANDEM_RETURN_IF_ERROR(CheckBounds(start, end, step));
  const double span = end.ToDouble() - start.ToDouble();
  const double n = std::floor(span / step.ToDouble()) + 1;
  if (!(n >= 0 && n < 0x1p63)) {
    return Invalid("invalid size, possible overflow?");
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor t, NewTensor({static_cast<int64_t>(n)}, type, layout, device));
  if (!t.is_meta()) {
    TANDEM_RETURN_IF_ERROR(FillArithmetic(t, start, step, "range_cpu"));
  }
  return t;
}

absl::StatusOr<Tensor> RangeOp(const Scalar& start, const Scalar& end,
                               MaybeDType dtype, MaybeLayout layout,
                               MaybeDevice device, MaybeBool pin) {
  return RangeStep(start, end, Scalar(int64_t{1}), dtype, layout, device, pin);
}

absl::StatusOr<Tensor> RangeOut(const Scalar& start, const Scalar& end,
                                const Scalar& step, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor values,
                          RangeStep(start, end, step, out.dtype(), {}, {}, {}));
  return WriteSequence(values, out);
}

absl::StatusOr<Tensor> RangeOut1(const Scalar& start, const Scalar& end,
                                 const Tensor& out) {
  return RangeOut(start, end, Scalar(int64_t{1}), out);
}

// ---- linspace, logspace

// Element i counts from the nearer end, so both ends are exact. Arithmetic is
// in the element type; integers step in double.
template <typename T>
void FillLinear(T* out, int64_t steps, const Scalar& start, const Scalar& end) {
  using Step = std::conditional_t<std::is_integral_v<T>, double, T>;
  const T first = start.To<T>(), last = end.To<T>();
  if (steps == 1) {
    out[0] = first;
    return;
  }
  const Step step = Step((Step(last) - Step(first)) / Step(steps - 1));
  for (int64_t i = 0; i < steps; ++i) {
    out[i] =
        i < steps / 2
            ? static_cast<T>(Step(first) + Step(step * Step(i)))
            : static_cast<T>(Step(last) - Step(step * Step(steps - i - 1)));
  }
}

template <typename T>
void FillLogarithmic(T* out, int64_t steps, const Scalar& start,
                     const Scalar& end, double base) {
  using Wide = std::conditional_t<kIsComplex<T>, T, double>;
  const Wide b = Wide(base);
  const auto power = [&](Wide e) {
    const auto p = std::pow(b, e);
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(SaturatingToInt64(p));
    } else if constexpr (kIsComplex<T>) {
      return T(p);
    } else {
      return T(static_cast<Compute<T>>(p));
    }
  };
  Wide first, last;
  if constexpr (kIsComplex<T>) {
    first = start.To<T>();
    last = end.To<T>();
  } else if constexpr (std::is_integral_v<T>) {
    first = static_cast<double>(start.To<T>());
    last = static_cast<double>(end.To<T>());
  } else {
    first = start.ToDouble();
    last = end.ToDouble();
  }
  if (steps == 1) {
    out[0] = power(first);
    return;
  }
  const Wide step = (last - first) / Wide(static_cast<double>(steps - 1));
  for (int64_t i = 0; i < steps; ++i) {
    out[i] = power(
        i < steps / 2 ? first + step * Wide(static_cast<double>(i))
                      : last - step * Wide(static_cast<double>(steps - i - 1)));
  }
}

absl::StatusOr<Tensor> Spaced(const Scalar& start, const Scalar& end,
                              int64_t steps, std::optional<double> base,
                              MaybeDType dtype, MaybeLayout layout,
                              MaybeDevice device) {
  const absl::string_view name = base.has_value() ? "logspace" : "linspace";
  if (steps < 0) return Invalid("number of steps must be non-negative");
  DType type = dtype.value_or(DType::kFloat);
  if (start.is_complex() || end.is_complex()) {
    if (!dtype.has_value()) {
      type = DType::kComplexFloat;
    } else if (!IsComplex(type)) {
      return Invalid(absl::StrCat("torch.", name,
                                  "(): inferred dtype c10::complex<float> "
                                  "can't be safely cast to passed dtype ",
                                  TypeName(type)));
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor t, NewTensor({steps}, type, layout, device));
  if (steps == 0 || t.is_meta()) return t;
  if (steps == 1 && !base.has_value()) return Filled(t, start);
  TANDEM_RETURN_IF_ERROR(VisitNumeric(
      type, absl::StrCat(name, "_cpu"), [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        if (base.has_value()) {
          FillLogarithmic(t.data<T>(), steps, start, end, *base);
        } else {
          FillLinear(t.data<T>(), steps, start, end);
        }
        return absl::OkStatus();
      }));
  return t;
}

// Ends that are tensors must be 0-dim.
absl::Status CheckEnds(absl::string_view name, const Tensor* start,
                       const Tensor* end) {
  if ((start == nullptr || start->dim() == 0) &&
      (end == nullptr || end->dim() == 0)) {
    return absl::OkStatus();
  }
  std::string got;
  if (start != nullptr) {
    got = absl::StrCat("start with ", start->dim(), " dimension(s)");
  }
  if (end != nullptr) {
    absl::StrAppend(&got, start != nullptr ? " and " : "", "end with ",
                    end->dim(), " dimension(s)");
  }
  return Invalid(absl::StrCat(
      name, " only supports 0-dimensional start and end tensors, but got ", got,
      "."));
}

absl::StatusOr<Scalar> EndOf(const Scalar& s) { return s; }
absl::StatusOr<Scalar> EndOf(const Tensor& t) { return t.Item(); }
const Tensor* TensorOf(const Scalar&) { return nullptr; }
const Tensor* TensorOf(const Tensor& t) { return &t; }

template <typename A, typename B>
absl::StatusOr<Tensor> SpacedOf(const A& start, const B& end, int64_t steps,
                                std::optional<double> base, MaybeDType dtype,
                                MaybeLayout layout, MaybeDevice device) {
  TANDEM_RETURN_IF_ERROR(CheckEnds(base.has_value() ? "logspace" : "linspace",
                                   TensorOf(start), TensorOf(end)));
  TANDEM_ASSIGN_OR_RETURN(const Scalar first, EndOf(start));
  TANDEM_ASSIGN_OR_RETURN(const Scalar last, EndOf(end));
  return Spaced(first, last, steps, base, dtype, layout, device);
}

template <typename A, typename B>
absl::StatusOr<Tensor> Linspace(const A& start, const B& end, int64_t steps,
                                MaybeDType dtype, MaybeLayout layout,
                                MaybeDevice device, MaybeBool) {
  return SpacedOf(start, end, steps, std::nullopt, dtype, layout, device);
}

template <typename A, typename B>
absl::StatusOr<Tensor> LinspaceOut(const A& start, const B& end, int64_t steps,
                                   const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor values,
      SpacedOf(start, end, steps, std::nullopt, out.dtype(), {}, {}));
  return WriteSequence(values, out);
}

template <typename A, typename B>
absl::StatusOr<Tensor> Logspace(const A& start, const B& end, int64_t steps,
                                double base, MaybeDType dtype,
                                MaybeLayout layout, MaybeDevice device,
                                MaybeBool) {
  return SpacedOf(start, end, steps, base, dtype, layout, device);
}

template <typename A, typename B>
absl::StatusOr<Tensor> LogspaceOut(const A& start, const B& end, int64_t steps,
                                   double base, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor values, SpacedOf(start, end, steps, base,
                                                        out.dtype(), {}, {}));
  return WriteSequence(values, out);
}

}  // namespace

void AddFactoryRange(KernelRegistrar& r) {
  r.Add("aten::arange", &Arange)
      .Add("aten::arange.start", &ArangeStart)
      .Add("aten::arange.start_step", &ArangeStep)
      .Add("aten::arange.out", &ArangeOut)
      .Add("aten::arange.start_out", &ArangeStartOut)
      .Add("aten::range", &RangeOp)
      .Add("aten::range.step", &RangeStep)
      .Add("aten::range.out", &RangeOut)
      .Add("aten::range.out_", &RangeOut1);
  r.Add("aten::linspace", &Linspace<Scalar, Scalar>)
      .Add("aten::linspace.out", &LinspaceOut<Scalar, Scalar>)
      .Add("aten::linspace.Tensor_Tensor", &Linspace<Tensor, Tensor>)
      .Add("aten::linspace.Tensor_Tensor_out", &LinspaceOut<Tensor, Tensor>)
      .Add("aten::linspace.Tensor_Scalar", &Linspace<Tensor, Scalar>)
      .Add("aten::linspace.Tensor_Scalar_out", &LinspaceOut<Tensor, Scalar>)
      .Add("aten::linspace.Scalar_Tensor", &Linspace<Scalar, Tensor>)
      .Add("aten::linspace.Scalar_Tensor_out", &LinspaceOut<Scalar, Tensor>)
      .Add("aten::logspace", &Logspace<Scalar, Scalar>)
      .Add("aten::logspace.out", &LogspaceOut<Scalar, Scalar>)
      .Add("aten::logspace.Tensor_Tensor", &Logspace<Tensor, Tensor>)
      .Add("aten::logspace.Tensor_Tensor_out", &LogspaceOut<Tensor, Tensor>)
      .Add("aten::logspace.Tensor_Scalar", &Logspace<Tensor, Scalar>)
      .Add("aten::logspace.Tensor_Scalar_out", &LogspaceOut<Tensor, Scalar>)
      .Add("aten::logspace.Scalar_Tensor", &Logspace<Scalar, Tensor>)
      .Add("aten::logspace.Scalar_Tensor_out", &LogspaceOut<Scalar, Tensor>);
}

}  // namespace tandem::reference
