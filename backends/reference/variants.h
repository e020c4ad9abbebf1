// The variants that PyTorch makes of one operator (out=, in place, *_copy),
// from the one function that computes it.
//
//   absl::StatusOr<Tensor> Roll(const Tensor& self, DimSpan shifts, …);
//   r.Add("aten::roll", &Roll).Add("aten::roll.out", &Variants<Roll>::Out);
#ifndef TANDEM_BACKENDS_REFERENCE_VARIANTS_H_
#define TANDEM_BACKENDS_REFERENCE_VARIANTS_H_

#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/tensor/device.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// Makes `t` ready to be written element by element: private memory, and no two
// elements that share memory (PyTorch's text: "unsupported operation: more than
// one element of the written-to tensor refers to a single memory location…").
absl::Status CheckWritable(const Tensor& t);

// Gives `out` these sizes where it has others, as out= arguments get:
// contiguous, its storage grown where needed.
absl::Status ResizeOutput(const Tensor& out, DimSpan sizes);

// Sizes and strides of `t` itself, and its storage grown to hold them; the
// offset stays.
absl::Status SetSizesAndStrides(const Tensor& t, DimSpan sizes,
                                DimSpan strides);

// Puts `result` into `out`: resized where sizes differ, converted to its dtype,
// which the result's must be castable to ("result type Float can't be cast to
// the desired output type Long"). Returns `out`.
absl::StatusOr<Tensor> WriteOut(const Tensor& result, const Tensor& out);

// As WriteOut for operators that do not convert ("Expected out tensor to have
// dtype float, but got double instead").
absl::StatusOr<Tensor> WriteOutExact(const Tensor& result, const Tensor& out);

// Does the number fit an element of that dtype? PyTorch's text otherwise
// ("value cannot be converted to type uint8_t without overflow").
absl::Status CheckNumberFits(const Scalar& value, DType dtype);

// The name of the C++ type in PyTorch's texts ("long int", "c10::Half").
absl::string_view CppName(DType dtype);

// result -> self, where self keeps its sizes.
absl::StatusOr<Tensor> WriteSelf(const Tensor& result, const Tensor& self);

// self becomes the view: its header takes over sizes, strides and offset.
absl::StatusOr<Tensor> BecomeView(const Tensor& view, const Tensor& self);

// A contiguous copy of a view, as *_copy operators give.
absl::StatusOr<Tensor> CopyOfView(const Tensor& view);
absl::StatusOr<std::vector<Tensor>> CopyOfView(const std::vector<Tensor>& v);

// OK for the CPU and for meta; PyTorch's text for a device that is not there.
absl::Status CheckDevice(std::optional<Device> device);

template <auto F>
struct Variants;

// Of a function with one result.
template <typename... A, absl::StatusOr<Tensor> (*F)(A...)>
struct Variants<F> {
  static absl::StatusOr<Tensor> Out(A... a, const Tensor& out) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(a...));
    return WriteOut(result, out);
  }
  static absl::StatusOr<Tensor> OutExact(A... a, const Tensor& out) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(a...));
    return WriteOutExact(result, out);
  }
  // *_copy of a view operator, and its out= variant.
  static absl::StatusOr<Tensor> Copy(A... a) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor view, F(a...));
    return CopyOfView(view);
  }
};

// In place: the first argument is self.
template <auto F>
struct InPlace;
template <typename... A, absl::StatusOr<Tensor> (*F)(const Tensor&, A...)>
struct InPlace<F> {
  // op_ from op: computes, then overwrites self.
  static absl::StatusOr<Tensor> Write(const Tensor& self, A... a) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(self, a...));
    return WriteSelf(result, self);
  }
  // squeeze_ from squeeze.
  static absl::StatusOr<Tensor> View(const Tensor& self, A... a) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor view, F(self, a...));
    return BecomeView(view, self);
  }
};

// op from op_: F writes into the clone that it is given.
absl::StatusOr<Tensor> CloneToWrite(const Tensor& self);
template <auto F>
struct OutOfPlace;
template <typename... A, absl::StatusOr<Tensor> (*F)(const Tensor&, A...)>
struct OutOfPlace<F> {
  static absl::StatusOr<Tensor> Call(const Tensor& self, A... a) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor copy, CloneToWrite(self));
    return F(copy, a...);
  }
  static absl::StatusOr<Tensor> Out(const Tensor& self, A... a,
                                    const Tensor& out) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, Call(self, a...));
    return WriteOutExact(result, out);
  }
};

// Of functions with two and three results.
template <typename... A, absl::StatusOr<std::tuple<Tensor, Tensor>> (*F)(A...)>
struct Variants<F> {
  static absl::StatusOr<std::tuple<Tensor, Tensor>> Out(A... a, const Tensor& x,
                                                        const Tensor& y) {
    TANDEM_ASSIGN_OR_RETURN(auto result, F(a...));
    TANDEM_RETURN_IF_ERROR(WriteOut(std::get<0>(result), x).status());
    TANDEM_RETURN_IF_ERROR(WriteOut(std::get<1>(result), y).status());
    return std::make_tuple(x, y);
  }
};
template <typename... A,
          absl::StatusOr<std::tuple<Tensor, Tensor, Tensor>> (*F)(A...)>
struct Variants<F> {
  static absl::StatusOr<std::tuple<Tensor, Tensor, Tensor>> Out(
      A... a, const Tensor& x, const Tensor& y, const Tensor& z) {
    TANDEM_ASSIGN_OR_RETURN(auto result, F(a...));
    TANDEM_RETURN_IF_ERROR(WriteOut(std::get<0>(result), x).status());
    TANDEM_RETURN_IF_ERROR(WriteOut(std::get<1>(result), y).status());
    TANDEM_RETURN_IF_ERROR(WriteOut(std::get<2>(result), z).status());
    return std::make_tuple(x, y, z);
  }
};

// Of a function that gives views: copies of each.
template <typename... A, absl::StatusOr<std::vector<Tensor>> (*F)(A...)>
struct Variants<F> {
  static absl::StatusOr<std::vector<Tensor>> Copy(A... a) {
    TANDEM_ASSIGN_OR_RETURN(const std::vector<Tensor> views, F(a...));
    return CopyOfView(views);
  }
  static absl::Status Out(A... a, absl::Span<const Tensor> out) {
    TANDEM_ASSIGN_OR_RETURN(const std::vector<Tensor> views, F(a...));
    if (views.size() != out.size()) {
      return absl::InvalidArgumentError(
          "the out= list has another length than the result");
    }
    for (size_t i = 0; i < out.size(); ++i) {
      TANDEM_RETURN_IF_ERROR(WriteOut(views[i], out[i]).status());
    }
    return absl::OkStatus();
  }
};

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_VARIANTS_H_
