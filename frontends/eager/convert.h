// Between C++ values and boxed ones: arguments and results of modules, traced
// functions and scripted code.
#ifndef TANDEM_FRONTENDS_EAGER_CONVERT_H_
#define TANDEM_FRONTENDS_EAGER_CONVERT_H_

#include <complex>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "tandem/frontends/eager/tensor.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/type.h"

namespace tandem::eager {

// Boxing<T>: Type() of the IR, Box(value), Unbox(ivalue); Unbox throws Error
// when the value is of another type. A symbolic Int or Number is boxed as its
// tensor, and a tensor is unboxed as a symbolic one.
template <typename T, typename Enable = void>
struct Boxing;

namespace internal {
[[noreturn]] void ThrowMismatch(const IValue& value, const Type& wanted);
int64_t UnboxInt(const IValue& v);
double UnboxDouble(const IValue& v);
bool UnboxBool(const IValue& v);
// The elements of a tuple that a recorder stands for by one tensor.
std::vector<IValue> UnpackSymbol(const IValue& v, size_t count);
}  // namespace internal

template <typename T>
IValue ToIValue(const T& value) {
  return Boxing<std::decay_t<T>>::Box(value);
}
template <typename T>
std::decay_t<T> FromIValue(const IValue& value) {
  return Boxing<std::decay_t<T>>::Unbox(value);
}
template <typename T>
TypePtr TypeFor() {
  return Boxing<std::decay_t<T>>::Type();
}

template <>
struct Boxing<IValue> {
  static TypePtr Type() { return tandem::Type::Any(); }
  static IValue Box(const IValue& v) { return v; }
  static IValue Unbox(const IValue& v) { return v; }
};
template <>
struct Boxing<Tensor> {
  static TypePtr Type() { return tandem::Type::Tensor(); }
  // Undefined is None.
  static IValue Box(const Tensor& v) {
    return v.defined() ? IValue(v.raw()) : IValue();
  }
  static Tensor Unbox(const IValue& v);
};
template <>
struct Boxing<tandem::Tensor> {
  static TypePtr Type() { return tandem::Type::Tensor(); }
  static IValue Box(const tandem::Tensor& v) { return Boxing<Tensor>::Box(v); }
  static tandem::Tensor Unbox(const IValue& v) {
    return Boxing<Tensor>::Unbox(v).raw();
  }
};
template <>
struct Boxing<Int> {
  static TypePtr Type() { return tandem::Type::Int(); }
  static IValue Box(const Int& v);
  static Int Unbox(const IValue& v);
};
template <>
struct Boxing<Number> {
  static TypePtr Type() { return tandem::Type::Number(); }
  static IValue Box(const Number& v);
  static Number Unbox(const IValue& v);
};
template <>
struct Boxing<bool> {
  static TypePtr Type() { return tandem::Type::Bool(); }
  static IValue Box(bool v) { return IValue(v); }
  static bool Unbox(const IValue& v) { return internal::UnboxBool(v); }
};
template <typename T>
struct Boxing<T, std::enable_if_t<kIsInteger<T>>> {
  static TypePtr Type() { return tandem::Type::Int(); }
  static IValue Box(T v) { return IValue(static_cast<int64_t>(v)); }
  static T Unbox(const IValue& v) {
    return static_cast<T>(internal::UnboxInt(v));
  }
};
template <typename T>
struct Boxing<T, std::enable_if_t<std::is_floating_point_v<T>>> {
  static TypePtr Type() { return tandem::Type::Float(); }
  static IValue Box(T v) { return IValue(static_cast<double>(v)); }
  static T Unbox(const IValue& v) {
    return static_cast<T>(internal::UnboxDouble(v));
  }
};
template <>
struct Boxing<DType> {
  static TypePtr Type() { return tandem::Type::Int(); }
  static IValue Box(DType v) { return IValue(static_cast<int64_t>(v)); }
  static DType Unbox(const IValue& v) {
    return static_cast<DType>(internal::UnboxInt(v));
  }
};
template <>
struct Boxing<Device> {
  static TypePtr Type() { return tandem::Type::Device(); }
  static IValue Box(Device v) { return IValue(v); }
  static Device Unbox(const IValue& v) {
    if (!v.is_device()) internal::ThrowMismatch(v, *Type());
    return v.AsDevice();
  }
};
template <>
struct Boxing<std::string> {
  static TypePtr Type() { return tandem::Type::Str(); }
  static IValue Box(const std::string& v) { return IValue(v); }
  static std::string Unbox(const IValue& v) {
    if (!v.is_string()) internal::ThrowMismatch(v, *Type());
    return v.AsString();
  }
};
template <>
struct Boxing<const char*> {
  static TypePtr Type() { return tandem::Type::Str(); }
  static IValue Box(const char* v) { return IValue(v); }
};
template <>
struct Boxing<std::nullopt_t> {
  static TypePtr Type() { return tandem::Type::None(); }
  static IValue Box(std::nullopt_t) { return IValue(); }
};
template <>
struct Boxing<IntList> {
  static TypePtr Type() { return tandem::Type::List(tandem::Type::Int()); }
  static IValue Box(const IntList& v);
  static IntList Unbox(const IValue& v);
};
template <typename T>
struct Boxing<std::optional<T>> {
  static TypePtr Type() { return tandem::Type::Optional(Boxing<T>::Type()); }
  static IValue Box(const std::optional<T>& v) {
    return v.has_value() ? Boxing<T>::Box(*v) : IValue();
  }
  static std::optional<T> Unbox(const IValue& v) {
    if (v.is_none()) return std::nullopt;
    return Boxing<T>::Unbox(v);
  }
};
template <typename T>
struct Boxing<std::vector<T>> {
  static TypePtr Type() { return tandem::Type::List(Boxing<T>::Type()); }
  static IValue Box(const std::vector<T>& v) {
    std::vector<IValue> values;
    values.reserve(v.size());
    for (const auto& e : v) values.push_back(Boxing<T>::Box(e));
    return IValue(MakeList(Boxing<T>::Type(), std::move(values)));
  }
  static std::vector<T> Unbox(const IValue& v) {
    if (!v.is_list()) internal::ThrowMismatch(v, *Type());
    std::vector<T> out;
    out.reserve(v.AsList().values.size());
    for (const IValue& e : v.AsList().values) {
      out.push_back(Boxing<T>::Unbox(e));
    }
    return out;
  }
};
template <typename... T>
struct Boxing<std::tuple<T...>> {
  static TypePtr Type() { return tandem::Type::Tuple({Boxing<T>::Type()...}); }
  static IValue Box(const std::tuple<T...>& v) {
    return BoxEach(v, std::index_sequence_for<T...>());
  }
  static std::tuple<T...> Unbox(const IValue& v) {
    if (v.is_tensor()) {
      return UnboxEach(internal::UnpackSymbol(v, sizeof...(T)),
                       std::index_sequence_for<T...>());
    }
    if (!v.is_tuple() || v.AsTuple().values.size() != sizeof...(T)) {
      internal::ThrowMismatch(v, *Type());
    }
    return UnboxEach(v.AsTuple().values, std::index_sequence_for<T...>());
  }

 private:
  template <size_t... I>
  static IValue BoxEach(const std::tuple<T...>& v, std::index_sequence<I...>) {
    return IValue(MakeTuple({Boxing<T>::Box(std::get<I>(v))...}));
  }
  template <size_t... I>
  static std::tuple<T...> UnboxEach(const std::vector<IValue>& v,
                                    std::index_sequence<I...>) {
    return std::tuple<T...>(Boxing<T>::Unbox(v[I])...);
  }
};
template <typename A, typename B>
struct Boxing<std::pair<A, B>> {
  static TypePtr Type() { return Boxing<std::tuple<A, B>>::Type(); }
  static IValue Box(const std::pair<A, B>& v) {
    return Boxing<std::tuple<A, B>>::Box(v);
  }
  static std::pair<A, B> Unbox(const IValue& v) {
    auto [a, b] = Boxing<std::tuple<A, B>>::Unbox(v);
    return {std::move(a), std::move(b)};
  }
};
template <typename K, typename V>
struct Boxing<std::map<K, V>> {
  static TypePtr Type() {
    return tandem::Type::Dict(Boxing<K>::Type(), Boxing<V>::Type());
  }
  static IValue Box(const std::map<K, V>& v) {
    Ref<DictObject> dict = MakeDict(Boxing<K>::Type(), Boxing<V>::Type());
    for (const auto& [key, value] : v) {
      dict->Set(Boxing<K>::Box(key), Boxing<V>::Box(value));
    }
    return IValue(std::move(dict));
  }
  static std::map<K, V> Unbox(const IValue& v) {
    if (!v.is_dict()) internal::ThrowMismatch(v, *Type());
    std::map<K, V> out;
    v.AsDict().ForEach([&](const IValue& key, const IValue& value) {
      out.emplace(Boxing<K>::Unbox(key), Boxing<V>::Unbox(value));
    });
    return out;
  }
};

}  // namespace tandem::eager

#endif  // TANDEM_FRONTENDS_EAGER_CONVERT_H_
