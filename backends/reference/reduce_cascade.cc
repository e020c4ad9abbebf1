// Sums of float in the order of PyTorch's: reduced dims are walked in the order
// of their strides, the innermost in cascaded partial sums (float_rows.h).
#include <algorithm>

#include "tandem/backends/reference/float_rows.h"
#include "tandem/backends/reference/reduce.h"

namespace tandem::reference {
namespace {

struct Dim {
  int64_t size, in, out;  // strides in elements
};

using DimList = absl::InlinedVector<Dim, 6>;

// Drops dims of size 1 and joins those that are one in memory.
DimList Joined(const DimList& dims) {
  DimList result;
  for (const Dim& d : dims) {
    if (d.size == 1) continue;
    if (!result.empty() && result.back().size * result.back().in == d.in &&
        result.back().size * result.back().out == d.out) {
      result.back().size *= d.size;
    } else {
      result.push_back(d);
    }
  }
  return result;
}

int64_t Count(absl::Span<const Dim> dims) {
  int64_t n = 1;
  for (const Dim& d : dims) n *= d.size;
  return n;
}

// The offsets of element `index` of dims, the first of which runs fastest.
void Offsets(absl::Span<const Dim> dims, int64_t index, int64_t* in,
             int64_t* out) {
  for (const Dim& d : dims) {
    const int64_t i = index % d.size;
    index /= d.size;
    *in += i * d.in;
    *out += i * d.out;
  }
}

// out[j] = the sum along `along` at column j, begin <= j < end.
void SumColumns(const Dim& along, const Dim& columns, int64_t begin,
                int64_t end, const float* x, float* out) {
  const int64_t n = along.size;
  int64_t j = begin;
  const auto put = [&](const float* sums, int count) {
    for (int i = 0; i < count; ++i) out[(j + i) * columns.out] = sums[i];
    j += count;
  };
  float sums[32];
  if (along.in == 1 && n >= 8) {
    // Rows: each on its own.
  } else if (columns.in == 1 && columns.size >= 8) {
    while (j + 32 <= end) {
      CascadeSumThirtyTwo(n, x + j, along.in, sums);
      put(sums, 32);
    }
    while (j + 8 <= end) {
      CascadeSumEight(n, x + j, along.in, sums);
      put(sums, 8);
    }
  } else if (along.in >= columns.in) {
    while (j + 4 <= end) {
      CascadeSumFour(n, x + j * columns.in, along.in, columns.in, sums);
      put(sums, 4);
    }
  }
  while (j < end) {
    sums[0] = CascadeSum(n, x + j * columns.in, along.in);
    put(sums, 1);
  }
}

}  // namespace

absl::Status SumInCascades(const Tensor& self, const DimMask& mask,
                           const Tensor& out) {
  DimList reduced, kept;
  int64_t stride = 1;
  for (int64_t d = self.dim() - 1; d >= 0; --d) {
    if (mask[d]) {
      reduced.push_back({self.size(d), self.stride(d), 0});
    } else {
      kept.push_back({self.size(d), self.stride(d), stride});
      stride *= self.size(d);
    }
  }
  std::stable_sort(reduced.begin(), reduced.end(),
                   [](const Dim& a, const Dim& b) { return a.in < b.in; });
  reduced = Joined(reduced);
  kept = Joined(kept);
  if (reduced.empty()) reduced.push_back({1, 0, 0});
  const float* const x = self.data<float>();
  float* const to = out.data<float>();
  const int64_t results = Count(kept);
  const int64_t terms = Count(reduced);
  const int64_t grain =
      std::max<int64_t>(1, StridedLoop::kGrain / std::max<int64_t>(terms, 1));
  if (reduced.size() == 1) {
    if (kept.empty()) kept.push_back({1, 0, 1});
    const Dim columns = kept[0];
    const absl::Span<const Dim> outer = absl::MakeConstSpan(kept).subspan(1);
    // Pieces of one row of results, at places where its blocks begin.
    constexpr int64_t kBlock = 32;
    const int64_t blocks = (columns.size + kBlock - 1) / kBlock;
    return ParallelFor(
        Count(outer) * blocks, (grain + kBlock - 1) / kBlock,
        [&](int64_t begin, int64_t end) {
          while (begin < end) {
            const int64_t row = begin / blocks, first = begin % blocks;
            const int64_t last = std::min(blocks, first + end - begin);
            int64_t in = 0, at = 0;
            Offsets(outer, row, &in, &at);
            SumColumns(reduced[0], columns, first * kBlock,
                       std::min(columns.size, last * kBlock), x + in, to + at);
            begin += last - first;
          }
        });
  }
  const absl::Span<const Dim> outer = absl::MakeConstSpan(reduced).subspan(1);
  const int64_t rows = Count(outer);
  return ParallelFor(results, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t in = 0, at = 0;
      Offsets(kept, i, &in, &at);
      float sum = 0;
      for (int64_t r = 0; r < rows; ++r) {
        int64_t from = in, unused = 0;
        Offsets(outer, r, &from, &unused);
        sum += CascadeSum(reduced[0].size, x + from, reduced[0].in);
      }
      to[at] = sum;
    }
  });
}

}  // namespace tandem::reference
