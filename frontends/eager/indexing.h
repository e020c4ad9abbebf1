// Python's indexing: x.index({0, Slice(1, None), None, Ellipsis, mask}).
#ifndef TANDEM_FRONTENDS_EAGER_INDEXING_H_
#define TANDEM_FRONTENDS_EAGER_INDEXING_H_

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/types/span.h"
#include "tandem/frontends/eager/tensor.h"

namespace tandem::eager {

// None: a new dim of size 1, and an open end of a slice.
inline constexpr std::nullopt_t None = std::nullopt;
struct EllipsisTag {};
inline constexpr EllipsisTag Ellipsis{};

// start:stop:step; Slice() is `:`.
struct Slice {
  Slice() = default;
  Slice(std::optional<Int> start_index, std::optional<Int> stop_index,
        std::optional<Int> step_size = std::nullopt)
      : start(std::move(start_index)),
        stop(std::move(stop_index)),
        step(std::move(step_size)) {}
  std::optional<Int> start, stop, step;
};

class IndexItem {
 public:
  enum class Kind : uint8_t { kNone, kEllipsis, kInt, kBool, kSlice, kTensor };
  IndexItem(std::nullopt_t) : kind_(Kind::kNone) {}        // NOLINT
  IndexItem(EllipsisTag) : kind_(Kind::kEllipsis) {}       // NOLINT
  IndexItem(const Int& i) : kind_(Kind::kInt), int_(i) {}  // NOLINT
  template <typename T, std::enable_if_t<kIsInteger<T>, int> = 0>
  IndexItem(T i) : IndexItem(Int(i)) {}  // NOLINT
  template <typename T, std::enable_if_t<std::is_same_v<T, bool>, int> = 0>
  IndexItem(T b) : kind_(Kind::kBool), int_(b ? 1 : 0) {}            // NOLINT
  IndexItem(Slice s) : kind_(Kind::kSlice), slice_(std::move(s)) {}  // NOLINT
  IndexItem(Tensor t)
      : kind_(Kind::kTensor), tensor_(std::move(t)) {}  // NOLINT

  Kind kind() const { return kind_; }
  const Int& integer() const { return int_; }  // kInt
  bool boolean() const { return int_.hint() != 0; }
  const Slice& slice() const { return slice_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Kind kind_;
  Int int_;
  Slice slice_;
  Tensor tensor_;
};

// x[items] and x[items] = value as PyTorch makes them of select, slice,
// unsqueeze, index, copy_ and index_put_. Throw Error with PyTorch's texts.
Tensor GetItem(const Tensor& self, absl::Span<const IndexItem> items);
void SetItem(const Tensor& self, absl::Span<const IndexItem> items,
             const Tensor& value);
void SetItem(const Tensor& self, absl::Span<const IndexItem> items,
             const Number& value);

}  // namespace tandem::eager

#endif  // TANDEM_FRONTENDS_EAGER_INDEXING_H_
