// Distinct elements and slices: unique, unique_consecutive, unique_dim.
#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/index.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/take_along.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Three = std::tuple<Tensor, Tensor, Tensor>;
using Numbers = std::vector<int64_t>;

// Groups of equal neighbours among `order`: the first of each, the group of
// each element (by its own number), and how many are in each.
struct Groups {
  Numbers first, group_of, counts;
};

template <typename Same>
Groups GroupNeighbours(const Numbers& order, const Same& same) {
  Groups g;
  g.group_of.resize(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || !same(order[i - 1], order[i])) {
      g.first.push_back(order[i]);
      g.counts.push_back(0);
    }
    ++g.counts.back();
    g.group_of[order[i]] = static_cast<int64_t>(g.first.size()) - 1;
  }
  return g;
}

// NaN behind everything, and different from itself.
template <typename T>
bool Less(const T& a, const T& b) {
  using C = Compute<T>;
  const C x = static_cast<C>(a), y = static_cast<C>(b);
  return x < y || (x == x && y != y);
}

absl::StatusOr<Groups> GroupElements(const Tensor& dense, bool sort) {
  Groups groups;
  const auto run = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    using C = Compute<T>;
    const T* data = dense.data<T>();
    Numbers order(dense.numel());
    std::iota(order.begin(), order.end(), 0);
    if (sort) {
      std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        return Less(data[a], data[b]);
      });
    }
    groups = GroupNeighbours(order, [&](int64_t a, int64_t b) {
      return static_cast<C>(data[a]) == static_cast<C>(data[b]);
    });
    return absl::OkStatus();
  };
  switch (dense.dtype()) {
    case DType::kUInt16:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<uint16_t>{}));
      break;
    case DType::kUInt32:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<uint32_t>{}));
      break;
    case DType::kUInt64:
      TANDEM_RETURN_IF_ERROR(run(TypeTag<uint64_t>{}));
      break;
    default:
      TANDEM_RETURN_IF_ERROR(VisitRealAndBool(dense.dtype(), "unique", run));
  }
  return groups;
}

absl::StatusOr<Tensor> NumbersTensor(const Numbers& numbers, DimSpan sizes) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Tensor::FromSpan<int64_t>(numbers));
  return View(t, sizes);
}

absl::StatusOr<Three> UniqueElements(const Tensor& self, bool sort,
                                     bool return_inverse, bool return_counts) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense, Contiguous(self));
  TANDEM_ASSIGN_OR_RETURN(const Groups g, GroupElements(dense, sort));
  TANDEM_ASSIGN_OR_RETURN(const Tensor flat, View(dense, {-1}));
  TANDEM_ASSIGN_OR_RETURN(Tensor values, TakeAlong(flat, 0, g.first));
  TANDEM_ASSIGN_OR_RETURN(Tensor inverse, Tensor::Empty({0}, DType::kInt64));
  Tensor counts = inverse.Alias();
  if (return_inverse) {
    TANDEM_ASSIGN_OR_RETURN(inverse, NumbersTensor(g.group_of, self.sizes()));
  }
  if (return_counts) {
    TANDEM_ASSIGN_OR_RETURN(counts, Tensor::FromSpan<int64_t>(g.counts));
  }
  return Three(std::move(values), std::move(inverse), std::move(counts));
}

absl::StatusOr<Three> Unique2(const Tensor& self, bool, bool return_inverse,
                              bool return_counts) {
  if (self.numel() == 0) {
    // Without elements even the inverse has no more dims than one.
    TANDEM_ASSIGN_OR_RETURN(Tensor values, Tensor::Empty({0}, self.dtype()));
    TANDEM_ASSIGN_OR_RETURN(
        Tensor inverse,
        Tensor::Empty(return_inverse ? self.sizes() : DimSpan({0}),
                      DType::kInt64));
    TANDEM_ASSIGN_OR_RETURN(Tensor counts, Tensor::Empty({0}, DType::kInt64));
    return Three(std::move(values), std::move(inverse), std::move(counts));
  }
  return UniqueElements(self, true, return_inverse, return_counts);
}

absl::StatusOr<std::tuple<Tensor, Tensor>> Unique(const Tensor& self,
                                                  bool sorted,
                                                  bool return_inverse) {
  TANDEM_ASSIGN_OR_RETURN(const Three three,
                          Unique2(self, sorted, return_inverse, false));
  return std::make_tuple(std::get<0>(three), std::get<1>(three));
}

// Slices along `dim` as rows of elements.
absl::StatusOr<Three> UniqueSlices(const Tensor& self, int64_t dim, bool sort) {
  if (self.dim() == 0) {
    return absl::OutOfRangeError(absl::StrCat("Dimension specified as ", dim,
                                              " but tensor has no dimensions"));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t zeros = std::count(self.sizes().begin(), self.sizes().end(), 0);
  if (self.size(d) == 0) {
    if (zeros != 1) {
      return absl::InvalidArgumentError(
          "Number of zero sized dimensions is more than one, so unique cannot "
          "be applied ");
    }
    TANDEM_ASSIGN_OR_RETURN(Tensor values,
                            Tensor::Empty(self.sizes(), self.dtype()));
    TANDEM_ASSIGN_OR_RETURN(Tensor none, Tensor::Empty({0}, DType::kInt64));
    return Three(std::move(values), none, none.Alias());
  }
  if (zeros != 0) {
    return absl::InvalidArgumentError(
        "There are 0 sized dimensions, and they aren't selected, so unique "
        "cannot be applied");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor front, MoveDim(self, d, 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor rows, Contiguous(front));
  const int64_t count = rows.size(0), width = rows.numel() / count;
  Groups g;
  TANDEM_RETURN_IF_ERROR(VisitRealAndBool(
      self.dtype(), "unique_dim", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        using C = Compute<T>;
        const T* data = rows.data<T>();
        Numbers order(count);
        std::iota(order.begin(), order.end(), 0);
        if (sort) {
          std::stable_sort(order.begin(), order.end(),
                           [&](int64_t a, int64_t b) {
                             for (int64_t i = 0; i < width; ++i) {
                               // NaN neither less nor greater.
                               const C x = static_cast<C>(data[a * width + i]);
                               const C y = static_cast<C>(data[b * width + i]);
                               if (x < y) return true;
                               if (x > y) return false;
                             }
                             return false;
                           });
        }
        g = GroupNeighbours(order, [&](int64_t a, int64_t b) {
          for (int64_t i = 0; i < width; ++i) {
            if (static_cast<C>(data[a * width + i]) !=
                static_cast<C>(data[b * width + i])) {
              return false;
            }
          }
          return true;
        });
        return absl::OkStatus();
      }));
  TANDEM_ASSIGN_OR_RETURN(const Tensor taken, TakeAlong(rows, 0, g.first));
  TANDEM_ASSIGN_OR_RETURN(Tensor values, MoveDim(taken, 0, d));
  TANDEM_ASSIGN_OR_RETURN(Tensor inverse,
                          Tensor::FromSpan<int64_t>(g.group_of));
  TANDEM_ASSIGN_OR_RETURN(Tensor counts, Tensor::FromSpan<int64_t>(g.counts));
  return Three(std::move(values), std::move(inverse), std::move(counts));
}

absl::StatusOr<Three> UniqueDim(const Tensor& self, int64_t dim, bool, bool,
                                bool) {
  return UniqueSlices(self, dim, true);
}

absl::StatusOr<Three> UniqueDimConsecutive(const Tensor& self, int64_t dim,
                                           bool, bool) {
  return UniqueSlices(self, dim, false);
}

absl::StatusOr<Three> UniqueConsecutive(const Tensor& self, bool return_inverse,
                                        bool return_counts,
                                        std::optional<int64_t> dim) {
  if (dim.has_value() && !(self.dim() == 1 && *dim == 0)) {
    return UniqueSlices(self, *dim, false);
  }
  return UniqueElements(self, false, return_inverse, return_counts);
}

}  // namespace

void AddIndexUnique(KernelRegistrar& r) {
  r.Add("aten::_unique", &Unique)
      .Add("aten::_unique.out", &Variants<Unique>::Out)
      .Add("aten::_unique2", &Unique2)
      .Add("aten::_unique2.out", &Variants<Unique2>::Out)
      .Add("aten::unique_dim", &UniqueDim)
      .Add("aten::unique_dim.out", &Variants<UniqueDim>::Out)
      .Add("aten::unique_dim_consecutive", &UniqueDimConsecutive)
      .Add("aten::unique_dim_consecutive.out",
           &Variants<UniqueDimConsecutive>::Out)
      .Add("aten::unique_consecutive", &UniqueConsecutive)
      .Add("aten::unique_consecutive.out", &Variants<UniqueConsecutive>::Out);
}

}  // namespace tandem::reference
