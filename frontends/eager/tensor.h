// tandem::eager::Tensor: tensors for people, with the operators of the table.
#ifndef TANDEM_FRONTENDS_EAGER_TENSOR_H_
#define TANDEM_FRONTENDS_EAGER_TENSOR_H_

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/frontends/eager/error.h"
#include "tandem/frontends/eager/values.h"
#include "tandem/ir/ivalue.h"
#include "tandem/tensor/tensor.h"

namespace tandem::eager {

class Tensor;
class IndexItem;
using RandomGenerator = Ref<GeneratorObject>;

// Tensor[] and Tensor?[] of a schema: a view of tensors that live elsewhere.
class TensorList {
 public:
  TensorList() = default;
  TensorList(std::initializer_list<Tensor> v) {  // NOLINT
    data_ = v.begin();
    size_ = v.size();
  }
  TensorList(const std::vector<Tensor>& v);  // NOLINT
  TensorList(absl::Span<const Tensor> v);    // NOLINT
  const Tensor* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  const Tensor* data_ = nullptr;
  size_t size_ = 0;
};

// float[]? and float[] of a schema.
using OptionalFloatList = std::optional<std::vector<double>>;

// A handle, as tandem::Tensor, which it holds and nothing else. Copies share
// elements and identity. Undefined where a tensor may be None.
//
// Every operator throws Error. Its twin in namespace `checked`
// (checked_operators.h) returns a StatusOr instead.
//
// While a recorder is bound to the thread (recorder.h), operators, conversions
// and reads of sizes go to it.
class Tensor {
 public:
  Tensor() = default;
  Tensor(std::nullopt_t) {}                            // NOLINT
  Tensor(tandem::Tensor t) : tensor_(std::move(t)) {}  // NOLINT

  bool defined() const { return tensor_.defined(); }
  // The tensor below, past any recorder.
  const tandem::Tensor& raw() const { return tensor_; }
  bool is_same(const Tensor& o) const { return tensor_.is_same(o.tensor_); }

  // Sizes. Negative dims count from the end.
  Int size(int64_t dim) const;
  IntList sizes() const;
  IntList shape() const { return sizes(); }
  Int dim() const;
  Int ndim() const { return dim(); }
  Int numel() const;
  // Python's len().
  Int len() const;
  int64_t stride(int64_t dim) const;
  Dims strides() const;
  DType dtype() const;
  Device device() const;
  Layout layout() const;
  bool requires_grad() const { return defined() && tensor_.requires_grad(); }
  // A flag that traces show; there is no autograd. Errors: not floating point.
  const Tensor& requires_grad_(bool requires_grad = true) const;

  // The one element.
  Number item() const;
  template <typename T>
  T item() const {
    return ItemValue().template To<T>();
  }
  explicit operator bool() const;
  explicit operator int64_t() const { return item<int64_t>(); }
  explicit operator double() const { return item<double>(); }

  // Elements in order; T is the C++ type of dtype.
  template <typename T>
  std::vector<T> ToVector() const {
    const Tensor t = ContiguousForRead();
    const T* data = t.raw().template data<T>();
    return std::vector<T>(data, data + t.raw().numel());
  }

  // Python's x[...]. `x[0]` selects; see indexing.h for slices.
  Tensor operator[](const Int& index) const;
  Tensor operator[](const Tensor& index) const;
  Tensor index(std::initializer_list<IndexItem> items) const;
  Tensor index(absl::Span<const IndexItem> items) const;
  // Python's x[items] = value.
  const Tensor& set(std::initializer_list<IndexItem> items,
                    const Tensor& value) const;
  const Tensor& set(std::initializer_list<IndexItem> items,
                    const Number& value) const;

  // x.to(dtype) by other names.
  Tensor type(DType dtype) const;
  Tensor to_dtype(DType dtype) const { return type(dtype); }
  Tensor bool_() const { return type(DType::kBool); }
  Tensor byte() const { return type(DType::kUInt8); }
  Tensor int_() const { return type(DType::kInt32); }
  Tensor long_() const { return type(DType::kInt64); }
  Tensor half() const { return type(DType::kHalf); }
  Tensor bfloat16() const { return type(DType::kBFloat16); }
  Tensor float_() const { return type(DType::kFloat); }
  Tensor double_() const { return type(DType::kDouble); }
  Tensor cpu() const;
  // Lists of sizes as arguments: x.view(2, -1).
  template <typename... T>
  Tensor view(const Int& first, const Int& second, const T&... rest) const {
    return view(IntList{first, second, Int(rest)...});
  }
  template <typename... T>
  Tensor reshape(const Int& first, const Int& second, const T&... rest) const {
    return reshape(IntList{first, second, Int(rest)...});
  }
  template <typename... T>
  Tensor permute(const Int& first, const Int& second, const T&... rest) const {
    return permute(IntList{first, second, Int(rest)...});
  }
  template <typename... T>
  Tensor repeat(const Int& first, const Int& second, const T&... rest) const {
    return repeat(IntList{first, second, Int(rest)...});
  }
  template <typename... T>
  Tensor expand(const Int& first, const Int& second, const T&... rest) const {
    return expand(IntList{first, second, Int(rest)...});
  }

  const Tensor& operator+=(const Tensor& o) const;
  const Tensor& operator+=(const Number& o) const;
  const Tensor& operator-=(const Tensor& o) const;
  const Tensor& operator-=(const Number& o) const;
  const Tensor& operator*=(const Tensor& o) const;
  const Tensor& operator*=(const Number& o) const;
  const Tensor& operator/=(const Tensor& o) const;
  const Tensor& operator/=(const Number& o) const;

  // What Python's print() shows.
  std::string ToString() const;

  // The operators of the table whose first argument is `self`.
#include "tandem/frontends/eager/tensor_methods.inc"  // IWYU pragma: keep

 private:
  Scalar ItemValue() const;
  Tensor ContiguousForRead() const;

  tandem::Tensor tensor_;
};
static_assert(sizeof(Tensor) == sizeof(void*));

inline TensorList::TensorList(const std::vector<Tensor>& v)
    : data_(v.data()), size_(v.size()) {}
inline TensorList::TensorList(absl::Span<const Tensor> v)
    : data_(v.data()), size_(v.size()) {}

std::ostream& operator<<(std::ostream& out, const Tensor& t);

// Results are those of PyTorch's operators on Python numbers and tensors: a
// number is a weak 0-dim tensor in + - * /, a Scalar elsewhere.
#define TANDEM_TENSOR_OPERATOR(SYMBOL)                      \
  Tensor operator SYMBOL(const Tensor& a, const Tensor& b); \
  Tensor operator SYMBOL(const Tensor& a, const Number& b); \
  Tensor operator SYMBOL(const Number& a, const Tensor& b);
TANDEM_TENSOR_OPERATOR(+)
TANDEM_TENSOR_OPERATOR(-)
TANDEM_TENSOR_OPERATOR(*)
TANDEM_TENSOR_OPERATOR(/)
TANDEM_TENSOR_OPERATOR(%)
TANDEM_TENSOR_OPERATOR(==)
TANDEM_TENSOR_OPERATOR(!=)
TANDEM_TENSOR_OPERATOR(<)
TANDEM_TENSOR_OPERATOR(<=)
TANDEM_TENSOR_OPERATOR(>)
TANDEM_TENSOR_OPERATOR(>=)
TANDEM_TENSOR_OPERATOR(&)
TANDEM_TENSOR_OPERATOR(|)
TANDEM_TENSOR_OPERATOR(^)
#undef TANDEM_TENSOR_OPERATOR
Tensor operator-(const Tensor& a);
Tensor operator~(const Tensor& a);

}  // namespace tandem::eager

#endif  // TANDEM_FRONTENDS_EAGER_TENSOR_H_
