// Results of generated functions out of boxed ones.
#ifndef TANDEM_FRONTENDS_EAGER_CALL_RESULT_H_
#define TANDEM_FRONTENDS_EAGER_CALL_RESULT_H_

#include <tuple>
#include <utility>

#include "tandem/frontends/eager/arg.h"
#include "tandem/frontends/eager/convert.h"

namespace tandem::eager::internal {

template <typename R>
struct ResultsAs {
  static R Get(Results& r) { return FromIValue<R>(r[0]); }
};
template <>
struct ResultsAs<void> {
  static void Get(Results&) {}
};
template <>
struct ResultsAs<Tensor> {
  static Tensor Get(Results& r) {
    if (!r[0].is_tensor()) ThrowMismatch(r[0], *Type::Tensor());
    return Tensor(std::move(r[0].AsTensor()));
  }
};
template <typename... T>
struct ResultsAs<std::tuple<T...>> {
  static std::tuple<T...> Get(Results& r) {
    return Each(r, std::index_sequence_for<T...>());
  }
  template <size_t... I>
  static std::tuple<T...> Each(Results& r, std::index_sequence<I...>) {
    return std::tuple<T...>(FromIValue<T>(r[I])...);
  }
};

template <typename R>
R Call(uint32_t op, const Arg* args, size_t count) {
  Results results;
  ThrowIfError(CallBoxed(op, args, count, &results));
  return ResultsAs<R>::Get(results);
}

template <typename R>
Checked<R> CheckedCall(uint32_t op, const Arg* args, size_t count) {
  Results results;
  absl::Status status = CallBoxed(op, args, count, &results);
  if (!status.ok()) return status;
  if constexpr (std::is_void_v<R>) {
    return absl::OkStatus();
  } else {
    // What cannot be converted throws: a recorder's value of another type.
    return Try([&] { return ResultsAs<R>::Get(results); });
  }
}

}  // namespace tandem::eager::internal

#endif  // TANDEM_FRONTENDS_EAGER_CALL_RESULT_H_
