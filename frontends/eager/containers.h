// What Python's syntax does with a tensor as a container, in C++: loops over
// it, `in`, tolist() and numpy(). Recorders see them as such.
//
//   for (const Tensor& row : x) total = total + row.sum();
//   if (Contains(x, 1.0)) ...
#ifndef TANDEM_FRONTENDS_EAGER_CONTAINERS_H_
#define TANDEM_FRONTENDS_EAGER_CONTAINERS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tandem/frontends/eager/tensor.h"

namespace tandem::eager {

// Rows of a tensor, which unbind(0) gives at the start.
class RowIterator {
 public:
  struct End {};
  explicit RowIterator(std::vector<Tensor> rows)
      : rows_(std::make_shared<const std::vector<Tensor>>(std::move(rows))) {}
  const Tensor& operator*() const { return (*rows_)[next_]; }
  RowIterator& operator++() {
    ++next_;
    return *this;
  }
  bool operator!=(End) const { return next_ < rows_->size(); }

 private:
  std::shared_ptr<const std::vector<Tensor>> rows_;
  size_t next_ = 0;
};

// For `for (const Tensor& row : x)`. Errors (thrown): "iteration over a 0-d
// tensor".
RowIterator begin(const Tensor& x);
inline RowIterator::End end(const Tensor&) { return {}; }

// Python's `value in x`: is an element equal to it? A tensor is compared as
// `==` does.
bool Contains(const Tensor& x, const Number& value);
bool Contains(const Tensor& x, const Tensor& value);

namespace internal {
// Tells the recorder and gives x with nothing left to be resolved.
Tensor ForList(const Tensor& x);
Tensor ForArray(const Tensor& x);
}  // namespace internal

// Python's x.tolist(), flat: elements in order. T is the C++ type of dtype.
template <typename T>
std::vector<T> ToList(const Tensor& x) {
  const Tensor t = internal::ForList(x);
  const T* data = t.raw().template data<T>();
  return std::vector<T>(data, data + t.raw().numel());
}

// Python's x.numpy(): the elements as an array of C++, copied. Errors (thrown)
// as PyTorch's: a tensor that requires grad, one that is conjugate.
template <typename T>
std::vector<T> ToArray(const Tensor& x) {
  const Tensor t = internal::ForArray(x);
  const T* data = t.raw().template data<T>();
  return std::vector<T>(data, data + t.raw().numel());
}

// torch.from_numpy: a tensor of an array's elements (which are copied).
Tensor FromArray(const std::vector<float>& elements, const IntList& sizes);
Tensor FromArray(const std::vector<double>& elements, const IntList& sizes);
Tensor FromArray(const std::vector<int64_t>& elements, const IntList& sizes);

// torch.tensor(x) of a tensor: a copy without history.
Tensor TensorFrom(const Tensor& x);

}  // namespace tandem::eager

#endif  // TANDEM_FRONTENDS_EAGER_CONTAINERS_H_
