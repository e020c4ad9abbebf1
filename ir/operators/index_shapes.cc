#include "tandem/ir/operators/index_shapes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tandem {
namespace {

int64_t RankOf(const Tensor& t) { return std::max<int64_t>(t.dim(), 1); }
int64_t SizeOf(const Tensor& t, int64_t d) {
  return t.dim() == 0 ? 1 : t.size(d);
}

}  // namespace

IndexPlacement PlaceIndices(absl::Span<const bool> indexed) {
  IndexPlacement p;
  const int64_t rank = static_cast<int64_t>(indexed.size());
  int64_t last = -1;
  for (int64_t d = 0; d < rank; ++d) {
    if (!indexed[d]) continue;
    if (p.count++ == 0) p.first = d;
    last = d;
  }
  const bool adjacent = p.count == 0 || last - p.first + 1 == p.count;
  if (!adjacent) {
    p.first = 0;
    for (int64_t d = 0; d < rank; ++d) {
      if (indexed[d]) p.order.push_back(d);
    }
  }
  for (int64_t d = 0; d < rank; ++d) {
    if (adjacent || !indexed[d]) p.order.push_back(d);
  }
  return p;
}

absl::StatusOr<Dims> BroadcastIndices(absl::Span<const Tensor> indices) {
  Dims sizes;
  bool fits = true;
  for (const Tensor& t : indices) {
    if (!t.defined()) continue;
    if (t.dim() > static_cast<int64_t>(sizes.size())) {
      sizes.insert(sizes.begin(), t.dim() - sizes.size(), 1);
    }
    const int64_t shift = static_cast<int64_t>(sizes.size()) - t.dim();
    for (int64_t d = 0; d < t.dim(); ++d) {
      int64_t& s = sizes[shift + d];
      if (s == 1) {
        s = t.size(d);
      } else if (t.size(d) != s && t.size(d) != 1) {
        fits = false;
      }
    }
  }
  if (fits) return sizes;
  std::string shapes;
  for (const Tensor& t : indices) {
    if (!t.defined()) continue;
    absl::StrAppend(&shapes, shapes.empty() ? "" : ", ",
                    DimsToString(t.sizes()));
  }
  return absl::OutOfRangeError(absl::StrCat(
      "shape mismatch: indexing tensors could not be broadcast together with "
      "shapes ",
      shapes));
}

absl::Status CheckGather(const Tensor& self, int64_t dim, const Tensor& index) {
  if (RankOf(self) != RankOf(index)) {
    return absl::InvalidArgumentError(
        "Index tensor must have the same number of dimensions as input "
        "tensor");
  }
  for (int64_t d = 0; d < RankOf(self); ++d) {
    if (d == dim || SizeOf(index, d) <= SizeOf(self, d)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "Size does not match at dimension ", d, " expected index ",
        DimsToString(index.sizes()), " to be no larger than self ",
        DimsToString(self.sizes()), " apart from dimension ", dim));
  }
  return absl::OkStatus();
}

absl::Status CheckScatter(const Tensor& self, int64_t dim, const Tensor& index,
                          const Tensor* src) {
  if (index.numel() == 0) return absl::OkStatus();
  if (RankOf(self) != RankOf(index)) {
    return absl::InvalidArgumentError(
        "Index tensor must have the same number of dimensions as self tensor");
  }
  bool fits = true;
  for (int64_t d = 0; d < RankOf(self); ++d) {
    fits = fits && (d == dim || SizeOf(index, d) <= SizeOf(self, d));
  }
  if (src != nullptr) {
    if (RankOf(*src) != RankOf(index)) {
      return absl::InvalidArgumentError(
          "Index tensor must have the same number of dimensions as src tensor");
    }
    for (int64_t d = 0; d < RankOf(self); ++d) {
      fits = fits && SizeOf(index, d) <= SizeOf(*src, d);
    }
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "Expected index ", DimsToString(index.sizes()),
      " to be no larger than self ", DimsToString(self.sizes()),
      " apart from dimension ", dim,
      src == nullptr ? ""
                     : absl::StrCat(" and to be no larger size than src ",
                                    DimsToString(src->sizes()))));
}

}  // namespace tandem
