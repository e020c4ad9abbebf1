#include "tandem/tensor/strided_loop.h"

#include <algorithm>

#include "tandem/tensor/context.h"

namespace tandem {

StridedLoop::StridedLoop(DimSpan sizes, absl::Span<const Operand> operands)
    : count_(static_cast<int>(operands.size())), numel_(1) {
  for (int k = 0; k < count_; ++k) data_[k] = operands[k].data;
  // Dims of size 1 do not matter; the rest innermost first.
  absl::InlinedVector<int64_t, 6> dims;
  const int64_t rank = static_cast<int64_t>(sizes.size());
  for (int64_t d = rank - 1; d >= 0; --d) {
    numel_ *= sizes[d];
    if (sizes[d] != 1) dims.push_back(d);
  }
  const size_t used = dims.size();
  if (numel_ == 0 || used == 0) {
    sizes_.assign(1, numel_);
    strides_.assign(count_, 0);
    return;
  }
  absl::InlinedVector<int64_t, 24> strides(used * count_);
  for (size_t i = 0; i < used; ++i) {
    for (int k = 0; k < count_; ++k) {
      const Operand& o = operands[k];
      const int64_t d = dims[i] - rank + static_cast<int64_t>(o.sizes.size());
      strides[i * count_ + k] =
          d < 0 || o.sizes[d] == 1 ? 0 : o.strides[d] * o.element_size;
    }
  }
  sizes_.resize(used);
  for (size_t i = 0; i < used; ++i) sizes_[i] = sizes[dims[i]];

  absl::InlinedVector<int64_t, 6> order(used);
  for (size_t i = 0; i < used; ++i) order[i] = static_cast<int64_t>(i);
  if (used > 1) Sort(absl::MakeSpan(order), strides);

  // Merge each dim into the one below where every operand goes on evenly.
  absl::InlinedVector<int64_t, 6> merged;
  for (int64_t i : order) {
    const int64_t* step = &strides[i * count_];
    if (!merged.empty()) {
      const int64_t* below = &strides_[(merged.size() - 1) * count_];
      bool fits = true;
      for (int k = 0; k < count_ && fits; ++k) {
        fits = step[k] == below[k] * merged.back();
      }
      if (fits) {
        merged.back() *= sizes_[i];
        continue;
      }
    }
    merged.push_back(sizes_[i]);
    strides_.insert(strides_.end(), step, step + count_);
  }
  sizes_ = std::move(merged);
}

void StridedLoop::Sort(absl::Span<int64_t> order,
                       absl::Span<const int64_t> strides) const {
  // Insertion sort in which unclear comparisons move nothing: the result for
  // operands with broadcast dims depends on it.
  const auto compare = [&](int64_t a, int64_t b) {
    for (int k = 0; k < count_; ++k) {
      const int64_t sa = strides[a * count_ + k], sb = strides[b * count_ + k];
      if (sa == 0 || sb == 0) continue;
      if (sa != sb) return sa < sb ? -1 : 1;
      if (sizes_[a] > sizes_[b]) return 1;
    }
    return 0;
  };
  for (size_t i = 1; i < order.size(); ++i) {
    size_t moving = i;
    for (size_t j = i; j-- > 0;) {
      const int c = compare(order[j], order[moving]);
      if (c < 0) break;
      if (c > 0) {
        std::swap(order[j], order[moving]);
        moving = j;
      }
    }
  }
}

void StridedLoop::RunAt(char* const* base, int64_t begin, int64_t end,
                        Row row) const {
  if (begin >= end) return;
  const size_t rank = sizes_.size();
  if (rank == 1 && begin == 0) {
    row(base, strides_.data(), end);
    return;
  }
  char* data[kMaxOperands];
  absl::InlinedVector<int64_t, 6> index(rank, 0);
  for (int k = 0; k < count_; ++k) data[k] = base[k];
  if (begin != 0) {
    int64_t rest = begin;
    for (size_t d = 0; d < rank; ++d) {
      index[d] = rest % sizes_[d];
      rest /= sizes_[d];
      for (int k = 0; k < count_; ++k) {
        data[k] += index[d] * strides_[d * count_ + k];
      }
    }
  }
  int64_t left = end - begin;
  for (;;) {
    const int64_t n = std::min(left, sizes_[0] - index[0]);
    row(data, strides_.data(), n);
    left -= n;
    if (left == 0) return;
    for (int k = 0; k < count_; ++k) data[k] -= index[0] * strides_[k];
    index[0] = 0;
    for (size_t d = 1; d < rank; ++d) {
      const int64_t* step = &strides_[d * count_];
      if (++index[d] < sizes_[d]) {
        for (int k = 0; k < count_; ++k) data[k] += step[k];
        break;
      }
      for (int k = 0; k < count_; ++k) data[k] -= (sizes_[d] - 1) * step[k];
      index[d] = 0;
    }
  }
}

absl::Status StridedLoop::RunParallel(Row row, int64_t grain) const {
  if (numel_ <= grain) {
    Run(0, numel_, row);
    return absl::OkStatus();
  }
  return ParallelFor(numel_, grain,
                     [&](int64_t begin, int64_t end) { Run(begin, end, row); });
}

}  // namespace tandem
