// Registration of one C++ function for every overload of an operator that it
// fits: names of overloads differ ("Tensor", "other", ""), signatures do not.
#ifndef TANDEM_BACKENDS_REFERENCE_MATCHING_H_
#define TANDEM_BACKENDS_REFERENCE_MATCHING_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/reference/loops.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/backends/registry.h"

namespace tandem::reference {

enum class Variant { kFunctional, kInPlace, kOut };

class MatchingRegistrar {
 public:
  explicit MatchingRegistrar(Registry& registry)
      : registry_(registry), registrar_(registry, "reference") {}

  // Adds `function` for the overloads of "aten::NAME" with its parameters that
  // are of this variant (in place ones bear a name that ends in "_"). No
  // overload at all is fine; an operator that is missing is an error.
  template <typename R, typename... A>
  void Add(absl::string_view name, Variant variant, R (*function)(A...)) {
    const KernelSignature signature = SignatureOf(function);
    for (const std::string& op : Matches(name, variant, signature)) {
      registrar_.Add(op, function);
    }
  }
  bool Has(absl::string_view name) const;
  // By exact name, as KernelRegistrar.
  template <typename R, typename... A>
  void AddExact(absl::string_view op, R (*function)(A...),
                KernelOptions options = {}) {
    registrar_.Add(op, function, options);
  }
  KernelRegistrar& exact() { return registrar_; }
  absl::Status status() const {
    return status_.ok() ? registrar_.status() : status_;
  }

 private:
  std::vector<std::string> Matches(absl::string_view name, Variant variant,
                                   const KernelSignature& signature);
  Registry& registry_;
  KernelRegistrar registrar_;
  absl::Status status_;
};

// The kernels of F(target, inputs…): functional, out= and in place.
template <auto F>
struct TargetKernels;
template <typename... A, absl::StatusOr<Tensor> (*F)(Target, A...)>
struct TargetKernels<F> {
  static absl::StatusOr<Tensor> Call(A... a) { return F(Target{}, a...); }
  static absl::StatusOr<Tensor> Out(A... a, const Tensor& out) {
    return F(Target::Out(out), a...);
  }
  static absl::StatusOr<Tensor> InPlace(A... a) {
    return F(Target::InPlace(First(a...)), a...);
  }

 private:
  template <typename... R>
  static const Tensor& First(const Tensor& first, const R&...) {
    return first;
  }
  // Never called: in place operators have a tensor first.
  template <typename... R>
  static const Tensor& First(const Scalar&, const Tensor& second, const R&...) {
    return second;
  }
};

// Registers F for "NAME" (functional and out=) and "NAME_", by signature.
template <auto F>
void AddAll(MatchingRegistrar& r,
            std::initializer_list<absl::string_view> names) {
  using K = TargetKernels<F>;
  for (absl::string_view name : names) {
    r.Add(name, Variant::kFunctional, &K::Call);
    r.Add(name, Variant::kOut, &K::Out);
    r.Add(name, Variant::kInPlace, &K::InPlace);  // __iand__
    const std::string in_place = absl::StrCat(name, "_");
    if (r.Has(in_place)) r.Add(in_place, Variant::kInPlace, &K::InPlace);
  }
}

template <const ElementOp& kOp>
absl::StatusOr<Tensor> Unary(Target target, const Tensor& self) {
  return RunElementwise(kOp, {self}, Params(), target);
}
template <const ElementOp& kOp>
void AddUnary(MatchingRegistrar& r,
              std::initializer_list<absl::string_view> names) {
  AddAll<&Unary<kOp>>(r, names);
}

// As Unary, for operators whose out= must have the result's dtype.
template <const ElementOp& kOp>
absl::StatusOr<Tensor> UnaryExactOut(Target target, const Tensor& self) {
  if (target.tensor == nullptr || target.in_place) {
    return RunElementwise(kOp, {self}, Params(), target);
  }
  absl::StatusOr<Tensor> result = RunElementwise(kOp, {self});
  if (!result.ok()) return result;
  return WriteOutExact(*result, *target.tensor);
}
template <const ElementOp& kOp>
void AddUnaryExactOut(MatchingRegistrar& r,
                      std::initializer_list<absl::string_view> names) {
  AddAll<&UnaryExactOut<kOp>>(r, names);
}

// Of G(target, a, b), where tensors and numbers mix.
using BinaryFunction = absl::StatusOr<Tensor> (*)(Target, const Input&,
                                                  const Input&);
template <const ElementOp& kOp>
absl::StatusOr<Tensor> Binary(Target target, const Input& a, const Input& b) {
  return RunElementwise(kOp, {a, b}, Params(), target);
}
template <BinaryFunction G, typename A, typename B>
absl::StatusOr<Tensor> Mixed(Target target, const A& a, const B& b) {
  return G(target, a, b);
}
template <BinaryFunction G>
void AddBinary(MatchingRegistrar& r,
               std::initializer_list<absl::string_view> names) {
  AddAll<&Mixed<G, Tensor, Tensor>>(r, names);
  AddAll<&Mixed<G, Tensor, Scalar>>(r, names);
  AddAll<&Mixed<G, Scalar, Tensor>>(r, names);
}

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_MATCHING_H_
