// Rows of a table: embedding, embedding_bag, embedding_renorm_.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/index.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/take_along.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::Status CheckScalarType(const Tensor& t, int argument,
                             absl::string_view name, bool fits,
                             absl::string_view expected, absl::string_view op) {
  if (fits) return absl::OkStatus();
  return Invalid(
      absl::StrCat("Expected tensor for argument #", argument, " '", name,
                   "' to have one of the following scalar types: ", expected,
                   "; but got torch.", TypeName(t.dtype()),
                   "Tensor instead (while checking arguments for ", op, ")"));
}

absl::Status CheckIndices(const Tensor& t, int argument, absl::string_view name,
                          absl::string_view op) {
  return CheckScalarType(
      t, argument, name,
      t.dtype() == DType::kInt64 || t.dtype() == DType::kInt32, "Long, Int",
      op);
}

absl::StatusOr<Tensor> Embedding(const Tensor& weight, const Tensor& indices,
                                 int64_t, bool, bool) {
  if (weight.dim() != 2) return Invalid("'weight' must be 2-D");
  TANDEM_RETURN_IF_ERROR(CheckIndices(indices, 1, "indices", "embedding"));
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                          Contiguous(indices, DType::kInt64));
  const absl::Span<const int64_t> rows(wide.data<int64_t>(),
                                       static_cast<size_t>(wide.numel()));
  for (int64_t row : rows) {
    if (row < 0 || row >= weight.size(0)) {
      return absl::OutOfRangeError("index out of range in self");
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor taken, TakeAlong(weight, 0, rows));
  if (indices.dim() == 1) return taken;
  Dims sizes(indices.sizes().begin(), indices.sizes().end());
  sizes.push_back(weight.size(1));
  return View(taken, sizes);
}

// Rows whose norm is larger than max_norm are scaled down to it.
absl::StatusOr<Tensor> EmbeddingRenorm(const Tensor& self,
                                       const Tensor& indices, double max_norm,
                                       double norm_type) {
  if (self.dim() != 2) {
    return Invalid(absl::StrCat(
        "Expected 2-dimensional tensor, but got ", self.dim(),
        "-dimensional tensor for argument #1 'self' (while checking arguments "
        "for embedding_renorm_)"));
  }
  TANDEM_RETURN_IF_ERROR(
      CheckIndices(indices, 2, "indices", "embedding_renorm_"));
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                          CloneContiguous(indices, DType::kInt64));
  int64_t* begin = wide.data<int64_t>();
  std::sort(begin, begin + wide.numel());
  const int64_t* end = std::unique(begin, begin + wide.numel());
  for (const int64_t* row = begin; row != end; ++row) {
    if (*row < 0 || *row >= self.size(0)) {
      return absl::OutOfRangeError(absl::StrCat(
          "select(): index ", *row, " out of range for tensor of size ",
          DimsToString(self.sizes()), " at dimension 0"));
    }
  }
  TANDEM_RETURN_IF_ERROR(VisitFloating(
      self.dtype(), "embedding_renorm_", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const int64_t n = self.size(1), step = self.stride(1);
        for (const int64_t* row = begin; row != end; ++row) {
          T* data = self.data<T>() + *row * self.stride(0);
          double norm = 0;
          for (int64_t i = 0; i < n; ++i) {
            const double v = std::abs(
                static_cast<double>(static_cast<Compute<T>>(data[i * step])));
            if (std::isinf(norm_type)) {
              norm = norm_type > 0 ? std::max(norm, v)
                                   : (i == 0 ? v : std::min(norm, v));
            } else {
              norm += norm_type == 0 ? (v != 0) : std::pow(v, norm_type);
            }
          }
          if (!std::isinf(norm_type) && norm_type != 0) {
            norm = std::pow(norm, 1 / norm_type);
          }
          if (!(norm > max_norm)) continue;
          const double scale = max_norm / (norm + 1e-7);
          for (int64_t i = 0; i < n; ++i) {
            const Compute<T> v = static_cast<Compute<T>>(data[i * step]);
            data[i * step] = T(static_cast<Compute<T>>(v * scale));
          }
        }
        return absl::OkStatus();
      }));
  return self;
}

// ---- embedding_bag

enum : int64_t { kSum = 0, kMean = 1, kMax = 2 };

using Bags = std::tuple<Tensor, Tensor, Tensor, Tensor>;

struct BagArguments {
  Tensor indices, offsets;  // int64
  int64_t bags = 0;
  int64_t mode = kSum;
  int64_t padding = -1;
  Tensor scale;  // of weight's dtype, or undefined
  int64_t End(int64_t bag) const {
    return bag + 1 < offsets.numel() ? offsets.data<int64_t>()[bag + 1]
                                     : indices.numel();
  }
};

// One row for each bag; `counts` gets how many rows each was made of, `largest`
// (of max) which.
template <typename T>
void FillBags(const Tensor& weight, const BagArguments& a, Tensor& output,
              int64_t* counts, int64_t* largest) {
  const int64_t width = weight.size(1);
  const int64_t* indices = a.indices.data<int64_t>();
  const int64_t* offsets = a.offsets.data<int64_t>();
  const T* table = weight.data<T>();
  const int64_t s0 = weight.stride(0), s1 = weight.stride(1);
  std::vector<Compute<T>> sum(width);
  for (int64_t bag = 0; bag < a.bags; ++bag) {
    std::fill(sum.begin(), sum.end(), Compute<T>(0));
    int64_t count = 0;
    for (int64_t i = offsets[bag]; i < a.End(bag); ++i) {
      const int64_t row = indices[i];
      if (row == a.padding) continue;
      const T* values = table + row * s0;
      const Compute<T> scale =
          a.scale.defined() ? static_cast<Compute<T>>(a.scale.data<T>()[i])
                            : Compute<T>(1);
      for (int64_t j = 0; j < width; ++j) {
        const Compute<T> v = static_cast<Compute<T>>(values[j * s1]);
        if (a.mode != kMax) {
          sum[j] += v * scale;
        } else if (count == 0 || v > sum[j]) {
          sum[j] = v;
          if (largest != nullptr) largest[bag * width + j] = row;
        }
      }
      ++count;
    }
    counts[bag] = count;
    T* out = output.data<T>() + bag * width;
    for (int64_t j = 0; j < width; ++j) {
      if (a.mode == kMean && count > 0) {
        sum[j] /= static_cast<Compute<T>>(count);
      }
      out[j] = T(sum[j]);
    }
  }
}

absl::StatusOr<Bags> EmbeddingBagWith(const Tensor& weight,
                                      const Tensor& indices,
                                      const Tensor& offsets, int64_t mode,
                                      const Tensor& per_sample_weights,
                                      bool include_last_offset,
                                      int64_t padding_idx) {
  if (weight.dim() != 2) {
    return Invalid(absl::StrCat(
        "weight has to be a 2D Tensor, but got Tensor of dimension ",
        weight.dim()));
  }
  constexpr absl::string_view kOp = "embedding_bag";
  TANDEM_RETURN_IF_ERROR(CheckIndices(indices, 1, "indices", kOp));
  TANDEM_RETURN_IF_ERROR(CheckIndices(offsets, 1, "indices", kOp));
  TANDEM_RETURN_IF_ERROR(CheckScalarType(weight, 1, "weight",
                                         IsFloatingPoint(weight.dtype()),
                                         "Half, BFloat16, Float, Double", kOp));
  if (mode < kSum || mode > kMax) {
    return Invalid(
        "embedding_bag: mode has to be 0 (sum), 1 (mean) or 2 (max)");
  }
  if (offsets.dim() != 1) {
    return Invalid(absl::StrCat(
        "offsets has to be a 1D Tensor, but got Tensor of dimension ",
        offsets.dim()));
  }
  BagArguments a;
  a.mode = mode;
  a.padding = padding_idx;
  const DType index_dtype =
      indices.dtype() == DType::kInt32 && offsets.dtype() == DType::kInt32
          ? DType::kInt32
          : DType::kInt64;
  TANDEM_ASSIGN_OR_RETURN(a.indices, Contiguous(indices, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(a.offsets, Contiguous(offsets, DType::kInt64));
  const int64_t count = a.indices.numel();
  const int64_t* starts = a.offsets.data<int64_t>();
  a.bags = offsets.size(0);
  if (include_last_offset) {
    if (a.bags < 1) {
      return Invalid(
          "include_last_offset: number of offsets should be at least 1");
    }
    --a.bags;
  }
  if (offsets.size(0) > 0) {
    if (starts[0] != 0) {
      return Invalid(absl::StrCat(
          "offsets[0] has to be 0, i.e., the first sequence in the mini-batch "
          "has to start from position 0. However, got ",
          starts[0], "\n[ torch.", TypeName(offsets.dtype()), "Tensor{} ]"));
    }
    const int64_t last = starts[offsets.size(0) - 1];
    if (last > count) {
      return Invalid(
          absl::StrCat("offsets[-1] can not be greater than input's length ",
                       count, " but got offsets[-1] of ", last));
    }
    for (int64_t i = 0; i < offsets.size(0); ++i) {
      if (starts[i] < 0 || starts[i] > count ||
          (i > 0 && starts[i] < starts[i - 1])) {
        return Invalid(
            absl::StrCat("embedding_bag: offsets must not decrease, "
                         "but offsets[",
                         i, "] is ", starts[i]));
      }
    }
  }
  if (per_sample_weights.defined()) {
    if (mode != kSum) {
      return Invalid(
          "embedding_bag: per_sample_weights only supported with mode='sum'");
    }
    if (per_sample_weights.dtype() != weight.dtype()) {
      return Invalid(absl::StrCat(
          "Expected tensor for argument #1 'weight' to have the same type as "
          "tensor for argument #1 'per_sample_weights'; but type torch.",
          TypeName(weight.dtype()), "Tensor does not equal torch.",
          TypeName(per_sample_weights.dtype()),
          "Tensor (while checking arguments for embedding_bag)"));
    }
    if (per_sample_weights.dim() != 1 || per_sample_weights.numel() != count) {
      return Invalid(
          "Expected per_sample_weights.value().numel() == indices.numel() to "
          "be true, but got false.  (Could this error message be improved?  If "
          "so, please report an enhancement request to PyTorch.)");
    }
    TANDEM_ASSIGN_OR_RETURN(a.scale, Contiguous(per_sample_weights));
  }
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = a.indices.data<int64_t>()[i];
    if (row < 0 || row >= weight.size(0)) {
      return absl::OutOfRangeError("index out of range in self");
    }
  }

  TANDEM_ASSIGN_OR_RETURN(
      Tensor output, Tensor::Empty({a.bags, weight.size(1)}, weight.dtype()));
  // What gradients would need, in the shapes in which PyTorch gives it.
  TANDEM_ASSIGN_OR_RETURN(Tensor counts,
                          Tensor::Zeros({a.bags}, DType::kInt64));
  Tensor largest;
  if (mode == kMax) {
    TANDEM_ASSIGN_OR_RETURN(
        largest, Tensor::Zeros({a.bags, weight.size(1)}, DType::kInt64));
  }
  TANDEM_RETURN_IF_ERROR(
      VisitFloating(weight.dtype(), kOp, [&](auto tag) -> absl::Status {
        FillBags<typename decltype(tag)::type>(
            weight, a, output, counts.data<int64_t>(),
            mode == kMax ? largest.data<int64_t>() : nullptr);
        return absl::OkStatus();
      }));
  const bool fast = mode == kSum && weight.dtype() != DType::kDouble &&
                    weight.stride(1) == 1 && padding_idx < 0;
  TANDEM_ASSIGN_OR_RETURN(Tensor bag_of,
                          Tensor::Empty({fast ? 0 : count}, DType::kInt64));
  if (!fast) {
    for (int64_t bag = 0; bag < a.bags; ++bag) {
      const int64_t end = bag + 1 < offsets.size(0) ? starts[bag + 1] : count;
      std::fill(bag_of.data<int64_t>() + starts[bag],
                bag_of.data<int64_t>() + end, bag);
    }
    // With include_last_offset, indices past the last bag belong to none.
    if (a.bags > 0 && include_last_offset) {
      std::fill(bag_of.data<int64_t>() + starts[a.bags],
                bag_of.data<int64_t>() + count, a.bags);
    }
  }
  if (mode == kSum) {
    TANDEM_ASSIGN_OR_RETURN(counts,
                            Tensor::Zeros({offsets.size(0)}, DType::kInt64));
  }
  if (mode != kMax) {
    TANDEM_ASSIGN_OR_RETURN(largest, CopyOfView(counts));
  }
  if (index_dtype == DType::kInt32) {
    for (Tensor* t : {&bag_of, &counts, &largest}) {
      TANDEM_ASSIGN_OR_RETURN(*t, ToDType(*t, index_dtype));
    }
  }
  return Bags(output, bag_of, counts, largest);
}

absl::StatusOr<Bags> EmbeddingBagInner(
    const Tensor& weight, const Tensor& indices, const Tensor& offsets, bool,
    int64_t mode, bool, const Tensor& per_sample_weights,
    bool include_last_offset, int64_t padding_idx) {
  return EmbeddingBagWith(weight, indices, offsets, mode, per_sample_weights,
                          include_last_offset, padding_idx);
}

absl::StatusOr<Bags> EmbeddingBag(const Tensor& weight, const Tensor& indices,
                                  const Tensor& offsets, bool, int64_t mode,
                                  bool, const Tensor& per_sample_weights,
                                  bool include_last_offset) {
  return EmbeddingBagWith(weight, indices, offsets, mode, per_sample_weights,
                          include_last_offset, -1);
}

absl::StatusOr<Bags> EmbeddingBagPadding(
    const Tensor& weight, const Tensor& indices, const Tensor& offsets, bool,
    int64_t mode, bool, const Tensor& per_sample_weights,
    bool include_last_offset, std::optional<int64_t> padding_idx) {
  int64_t padding = -1;
  if (padding_idx.has_value()) {
    const int64_t rows = weight.dim() > 0 ? weight.size(0) : 0;
    padding = *padding_idx;
    if (padding < -rows || padding >= rows) {
      return Invalid(
          absl::StrCat("padding_idx must be within the number of embeddings, ",
                       -rows, " through ", rows - 1, ", but got ", padding));
    }
    if (padding < 0) padding += rows;
  }
  return EmbeddingBagWith(weight, indices, offsets, mode, per_sample_weights,
                          include_last_offset, padding);
}

}  // namespace

void AddIndexEmbedding(KernelRegistrar& r) {
  r.Add("aten::embedding", &Embedding)
      .Add("aten::embedding.out", &Variants<Embedding>::OutExact)
      .Add("aten::embedding_renorm_", &EmbeddingRenorm)
      .Add("aten::_no_grad_embedding_renorm_", &EmbeddingRenorm)
      .Add("aten::embedding_renorm", &OutOfPlace<EmbeddingRenorm>::Call)
      .Add("aten::embedding_renorm.out", &OutOfPlace<EmbeddingRenorm>::Out)
      .Add("aten::embedding_bag", &EmbeddingBag)
      .Add("aten::embedding_bag.padding_idx", &EmbeddingBagPadding)
      .Add("aten::_embedding_bag", &EmbeddingBagInner)
      .Add("aten::_embedding_bag_forward_only", &EmbeddingBagInner);
}

}  // namespace tandem::reference
