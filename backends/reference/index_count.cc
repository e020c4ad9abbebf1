// Counting elements: bincount, histc, histogram, histogramdd.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/index.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using TensorSpan = absl::Span<const Tensor>;
using MaybeRange = std::optional<absl::Span<const double>>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::StatusOr<Tensor> BinCount(const Tensor& self, const Tensor& weights,
                                int64_t minlength) {
  if (!IsIntegral(self.dtype(), false)) {
    return NotImplementedFor("bincount_cpu", self.dtype());
  }
  if (minlength < 0) return Invalid("minlength should be >= 0");
  if (self.dim() == 1 && self.numel() == 0) {
    return Tensor::Zeros({minlength}, DType::kInt64);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor values, Contiguous(self, DType::kInt64));
  const int64_t* v = values.data<int64_t>();
  const int64_t n = values.numel();
  if (self.dim() != 1 || *std::min_element(v, v + n) < 0) {
    return Invalid("bincount only supports 1-d non-negative integral inputs.");
  }
  if (weights.defined() && (weights.dim() != 1 || weights.numel() != n)) {
    return Invalid("weights should be 1-d and have the same length as input");
  }
  const int64_t largest = *std::max_element(v, v + n);
  if (largest == INT64_MAX) {
    return Invalid(
        "maximum value of input overflowed, it should be < 9223372036854775807 "
        "but got 9223372036854775807");
  }
  const int64_t bins = std::max(largest + 1, minlength);
  if (!weights.defined()) {
    TANDEM_ASSIGN_OR_RETURN(Tensor t, Tensor::Zeros({bins}, DType::kInt64));
    for (int64_t i = 0; i < n; ++i) ++t.data<int64_t>()[v[i]];
    return t;
  }
  const DType dtype =
      weights.dtype() == DType::kFloat ? DType::kFloat : DType::kDouble;
  TANDEM_ASSIGN_OR_RETURN(const Tensor w, Contiguous(weights, dtype));
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Tensor::Zeros({bins}, dtype));
  for (int64_t i = 0; i < n; ++i) {
    if (dtype == DType::kFloat) {
      t.data<float>()[v[i]] += w.data<float>()[i];
    } else {
      t.data<double>()[v[i]] += w.data<double>()[i];
    }
  }
  return t;
}

// ---- histograms

// Edges of each dim of the data, ascending.
using Edges = std::vector<std::vector<double>>;

absl::Status CheckBins(int64_t bins, int64_t dim) {
  if (bins > 0) return absl::OkStatus();
  return Invalid(absl::StrCat("torch.histogram(): bins must be > 0, but got ",
                              bins, " for dimension ", dim));
}

// data[M, N] as doubles.
struct Data {
  Tensor values;
  int64_t count = 0, dims = 0;
  double At(int64_t i, int64_t d) const {
    return values.data<double>()[i * dims + d];
  }
};

absl::StatusOr<Data> MakeData(const Tensor& self) {
  if (self.dim() < 2) {
    return Invalid(
        "torch.histogramdd: input tensor should have at least 2 dimensions");
  }
  Data data;
  TANDEM_ASSIGN_OR_RETURN(data.values, Contiguous(self, DType::kDouble));
  data.dims = self.size(self.dim() - 1);
  data.count = data.dims == 0 ? 0 : self.numel() / data.dims;
  return data;
}

absl::Status CheckHistogram(const Tensor& self, const Tensor& weight) {
  if (weight.defined()) {
    if (weight.dtype() != self.dtype()) {
      return Invalid(absl::StrCat(
          "torch.histogramdd: if weight tensor is provided, input tensor and "
          "weight tensor should have the same dtype, but got input(",
          CppName(self.dtype()), "), and weight(", CppName(weight.dtype()),
          ")"));
    }
    if (weight.sizes() != self.sizes().subspan(0, self.dim() - 1)) {
      return Invalid(absl::StrCat(
          "torch.histogramdd: if weight tensor is provided it should have the "
          "same shape as the input tensor excluding its innermost dimension, "
          "but got input with shape ",
          DimsToString(self.sizes()), " and weight with shape ",
          DimsToString(weight.sizes())));
    }
  }
  if (self.dtype() != DType::kFloat && self.dtype() != DType::kDouble) {
    return NotImplementedFor("histogramdd", self.dtype());
  }
  return absl::OkStatus();
}

// Evenly spaced edges as linspace makes them in the dtype.
std::vector<double> EvenEdges(double low, double high, int64_t bins,
                              DType dtype) {
  std::vector<double> edges(bins + 1);
  const double step = (high - low) / static_cast<double>(bins);
  for (int64_t i = 0; i <= bins; ++i) {
    double e = i < (bins + 1) / 2 ? low + step * static_cast<double>(i)
                                  : high - step * static_cast<double>(bins - i);
    if (dtype == DType::kFloat) {
      const float s = static_cast<float>(high - low) / static_cast<float>(bins);
      e = i < (bins + 1) / 2
              ? static_cast<float>(low) + s * static_cast<float>(i)
              : static_cast<float>(high) - s * static_cast<float>(bins - i);
    }
    edges[i] = e;
  }
  return edges;
}

absl::StatusOr<Edges> EdgesOfCounts(const Data& data,
                                    absl::Span<const int64_t> bins,
                                    MaybeRange range, DType dtype) {
  if (static_cast<int64_t>(bins.size()) != data.dims) {
    return Invalid(
        "histogramdd: The size of bins must be equal to the innermost "
        "dimension of the input.");
  }
  for (int64_t d = 0; d < data.dims; ++d) {
    TANDEM_RETURN_IF_ERROR(CheckBins(bins[d], d));
  }
  if (range.has_value() &&
      static_cast<int64_t>(range->size()) != 2 * data.dims) {
    return Invalid(absl::StrCat("torch.histogramdd: for a ", data.dims,
                                "-dimensional histogram range should have ",
                                2 * data.dims, " elements, but got ",
                                range->size()));
  }
  Edges edges(data.dims);
  for (int64_t d = 0; d < data.dims; ++d) {
    double low = 0, high = 1;
    if (range.has_value()) {
      low = (*range)[2 * d];
      high = (*range)[2 * d + 1];
    } else if (data.count > 0) {
      low = HUGE_VAL;
      high = -HUGE_VAL;
      for (int64_t i = 0; i < data.count; ++i) {
        const double v = data.At(i, d);
        if (std::isnan(v)) {
          low = high = v;
          break;
        }
        low = std::min(low, v);
        high = std::max(high, v);
      }
    }
    if (!std::isfinite(low) || !std::isfinite(high)) {
      return Invalid(absl::StrCat("torch.histogramdd: dimension ", d,
                                  "'s range [", low, ", ", high,
                                  "] is not finite"));
    }
    if (low > high) {
      return Invalid(
          absl::StrCat("torch.histogramdd: min should not exceed max, but got "
                       "min ",
                       low, " max ", high, " for dimension ", d));
    }
    if (low == high) {
      low -= 0.5;
      high += 0.5;
    }
    // Memory is asked for before the edges are made.
    TANDEM_RETURN_IF_ERROR(
        Tensor::Empty({bins[d], 2}, DType::kDouble).status());
    edges[d] = EvenEdges(low, high, bins[d], dtype);
  }
  return edges;
}

absl::StatusOr<Edges> EdgesOfTensors(const Tensor& self, const Data& data,
                                     TensorSpan bins) {
  if (static_cast<int64_t>(bins.size()) != data.dims) {
    return Invalid(absl::StrCat("torch.histogramdd: expected ", data.dims,
                                " sequences of bin edges for a ", data.dims,
                                "-dimensional histogram but got ",
                                bins.size()));
  }
  Edges edges(data.dims);
  for (int64_t d = 0; d < data.dims; ++d) {
    const Tensor& t = bins[d];
    if (t.dtype() != self.dtype()) {
      return Invalid(absl::StrCat(
          "torch.histogramdd: input tensor and bins tensors should have the "
          "same dtype, but got input with dtype ",
          CppName(self.dtype()), " and bins for dimension ", d, " with dtype ",
          CppName(t.dtype())));
    }
    if (t.dim() != 1) {
      return Invalid(absl::StrCat(
          "torch.histogramdd: bins tensor should have one dimension, but got ",
          t.dim(), " dimensions in the bins tensor for dimension ", d));
    }
    if (t.numel() == 0) {
      return Invalid(absl::StrCat(
          "torch.histogramdd: bins tensor should have at least 1 element, but "
          "got 0 elements in the bins tensor for dimension ",
          d));
    }
    if (t.numel() == 1) return CheckBins(0, d);
    TANDEM_ASSIGN_OR_RETURN(const Tensor wide, Contiguous(t, DType::kDouble));
    edges[d].assign(wide.data<double>(), wide.data<double>() + wide.numel());
  }
  return edges;
}

// The bin of v, the last one closed on both sides; -1 outside.
int64_t BinOf(const std::vector<double>& edges, double v) {
  if (!(v >= edges.front() && v <= edges.back())) return -1;
  const int64_t place =
      std::upper_bound(edges.begin(), edges.end(), v) - edges.begin() - 1;
  return std::min<int64_t>(place, static_cast<int64_t>(edges.size()) - 2);
}

absl::StatusOr<Tensor> CountInto(const Tensor& self, const Data& data,
                                 const Edges& edges, const Tensor& weight,
                                 bool density) {
  Dims sizes;
  for (const auto& e : edges) {
    sizes.push_back(static_cast<int64_t>(e.size()) - 1);
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor counts, Tensor::Zeros(sizes, DType::kDouble));
  Tensor weights;
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(weights, Contiguous(weight, DType::kDouble));
  }
  double* out = counts.data<double>();
  double total = 0;
  for (int64_t i = 0; i < data.count; ++i) {
    int64_t at = 0;
    for (int64_t d = 0; d < data.dims && at >= 0; ++d) {
      const int64_t bin = BinOf(edges[d], data.At(i, d));
      at = bin < 0 ? -1 : at * sizes[d] + bin;
    }
    if (at < 0) continue;
    const double w = weights.defined() ? weights.data<double>()[i] : 1;
    out[at] += w;
    total += w;
  }
  if (density) {
    for (int64_t i = 0; i < counts.numel(); ++i) {
      double volume = 1;
      int64_t rest = i;
      for (int64_t d = data.dims - 1; d >= 0; --d) {
        const int64_t bin = rest % sizes[d];
        rest /= sizes[d];
        volume *= edges[d][bin + 1] - edges[d][bin];
      }
      out[i] /= total * volume;
    }
  }
  return ToDType(counts, self.dtype());
}

absl::StatusOr<std::vector<Tensor>> EdgeTensors(const Edges& edges,
                                                DType dtype) {
  std::vector<Tensor> result;
  for (const auto& e : edges) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor wide, Tensor::FromSpan<double>(e));
    TANDEM_ASSIGN_OR_RETURN(Tensor t, ToDType(wide, dtype));
    result.push_back(std::move(t));
  }
  return result;
}

// histogramdd by counts of bins or by edges.
struct Histogram {
  Tensor counts;
  std::vector<Tensor> edges;
};

absl::StatusOr<Histogram> MakeHistogram(const Tensor& self,
                                        absl::Span<const int64_t> bins,
                                        const TensorSpan* bin_tensors,
                                        MaybeRange range, const Tensor& weight,
                                        bool density) {
  TANDEM_ASSIGN_OR_RETURN(const Data data, MakeData(self));
  Edges edges;
  if (bin_tensors != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(edges, EdgesOfTensors(self, data, *bin_tensors));
    TANDEM_RETURN_IF_ERROR(CheckHistogram(self, weight));
  } else {
    TANDEM_ASSIGN_OR_RETURN(edges,
                            EdgesOfCounts(data, bins, range, self.dtype()));
    TANDEM_RETURN_IF_ERROR(CheckHistogram(self, weight));
  }
  Histogram h;
  TANDEM_ASSIGN_OR_RETURN(h.counts,
                          CountInto(self, data, edges, weight, density));
  TANDEM_ASSIGN_OR_RETURN(h.edges, EdgeTensors(edges, self.dtype()));
  return h;
}

// A histogram of all elements is one of single columns.
absl::StatusOr<Tensor> AsColumn(const Tensor& t) {
  return Reshape(t, {t.numel(), 1});
}

using HistAndEdges = std::tuple<Tensor, Tensor>;

absl::StatusOr<HistAndEdges> HistogramOf(const Tensor& self,
                                         absl::Span<const int64_t> bins,
                                         const TensorSpan* bin_tensors,
                                         MaybeRange range, const Tensor& weight,
                                         bool density) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor column, AsColumn(self));
  Tensor flat_weight = weight;
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(flat_weight, Reshape(weight, {-1}));
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Histogram h,
      MakeHistogram(column, bins, bin_tensors, range, flat_weight, density));
  return HistAndEdges(h.counts, h.edges[0]);
}

absl::StatusOr<HistAndEdges> HistogramCount(const Tensor& self, int64_t bins,
                                            MaybeRange range,
                                            const Tensor& weight,
                                            bool density) {
  return HistogramOf(self, {bins}, nullptr, range, weight, density);
}

absl::StatusOr<HistAndEdges> HistogramTensor(const Tensor& self,
                                             const Tensor& bins,
                                             const Tensor& weight,
                                             bool density) {
  const TensorSpan one(&bins, 1);
  return HistogramOf(self, {}, &one, std::nullopt, weight, density);
}

using HistAndEdgeList = std::tuple<Tensor, std::vector<Tensor>>;

absl::StatusOr<HistAndEdgeList> HistogramDd(const Tensor& self,
                                            absl::Span<const int64_t> bins,
                                            MaybeRange range,
                                            const Tensor& weight,
                                            bool density) {
  TANDEM_ASSIGN_OR_RETURN(
      Histogram h, MakeHistogram(self, bins, nullptr, range, weight, density));
  return HistAndEdgeList(h.counts, std::move(h.edges));
}

absl::StatusOr<HistAndEdgeList> HistogramDdInt(const Tensor& self, int64_t bins,
                                               MaybeRange range,
                                               const Tensor& weight,
                                               bool density) {
  const Dims each(self.dim() == 0 ? 0 : self.size(self.dim() - 1), bins);
  return HistogramDd(self, each, range, weight, density);
}

absl::StatusOr<HistAndEdgeList> HistogramDdTensors(const Tensor& self,
                                                   TensorSpan bins, MaybeRange,
                                                   const Tensor& weight,
                                                   bool density) {
  TANDEM_ASSIGN_OR_RETURN(
      const Histogram h,
      MakeHistogram(self, {}, &bins, std::nullopt, weight, density));
  return HistAndEdgeList(h.counts,
                         std::vector<Tensor>(bins.begin(), bins.end()));
}

absl::StatusOr<std::vector<Tensor>> HistogramDdEdges(
    const Tensor& self, absl::Span<const int64_t> bins, MaybeRange range,
    const Tensor& weight, bool density) {
  TANDEM_ASSIGN_OR_RETURN(
      Histogram h, MakeHistogram(self, bins, nullptr, range, weight, density));
  return h.edges;
}

absl::StatusOr<Tensor> HistogramDdCounts(const Tensor& self,
                                         absl::Span<const int64_t> bins,
                                         MaybeRange range, const Tensor& weight,
                                         bool density) {
  TANDEM_ASSIGN_OR_RETURN(
      const Histogram h,
      MakeHistogram(self, bins, nullptr, range, weight, density));
  return h.counts;
}

absl::StatusOr<Tensor> HistogramDdFromTensors(const Tensor& self,
                                              TensorSpan bins,
                                              const Tensor& weight,
                                              bool density) {
  TANDEM_ASSIGN_OR_RETURN(
      const Histogram h,
      MakeHistogram(self, {}, &bins, std::nullopt, weight, density));
  return h.counts;
}

// ---- histc

absl::StatusOr<Tensor> HistC(const Tensor& self, int64_t bins,
                             const Scalar& min, const Scalar& max) {
  TANDEM_RETURN_IF_ERROR(CheckBins(bins, 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor values,
                          Contiguous(self, DType::kDouble));
  const double* v = values.data<double>();
  const int64_t n = values.numel();
  double low = min.ToDouble(), high = max.ToDouble();
  if (low == high && n > 0) {
    low = HUGE_VAL;
    high = -HUGE_VAL;
    for (int64_t i = 0; i < n; ++i) {
      if (std::isnan(v[i])) {
        low = high = v[i];
        break;
      }
      low = std::min(low, v[i]);
      high = std::max(high, v[i]);
    }
  }
  if (low == high) {
    low -= 1;
    high += 1;
  }
  if (!std::isfinite(low) || !std::isfinite(high)) {
    return Invalid(absl::StrCat("torch.histc: range of [", low, ", ", high,
                                "] is not finite"));
  }
  if (!(low < high)) return Invalid("torch.histc: max must be larger than min");
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor("histogram_cpu", self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor counts,
                          Tensor::Zeros({bins}, DType::kDouble));
  for (int64_t i = 0; i < n; ++i) {
    if (!(v[i] >= low && v[i] <= high)) continue;
    const int64_t bin = static_cast<int64_t>((v[i] - low) / (high - low) *
                                             static_cast<double>(bins));
    ++counts.data<double>()[std::min(bin, bins - 1)];
  }
  return ToDType(counts, self.dtype());
}

}  // namespace

void AddIndexCount(KernelRegistrar& r) {
  r.Add("aten::bincount", &BinCount)
      .Add("aten::bincount.out", &Variants<BinCount>::Out)
      .Add("aten::histc", &HistC)
      .Add("aten::histc.out", &Variants<HistC>::Out)
      .Add("aten::histogram.bin_ct", &HistogramCount)
      .Add("aten::histogram.bin_ct_out", &Variants<HistogramCount>::Out)
      .Add("aten::histogram.bins_tensor", &HistogramTensor)
      .Add("aten::histogram.bins_tensor_out", &Variants<HistogramTensor>::Out)
      .Add("aten::histogramdd", &HistogramDd)
      .Add("aten::histogramdd.int_bins", &HistogramDdInt)
      .Add("aten::histogramdd.TensorList_bins", &HistogramDdTensors)
      .Add("aten::_histogramdd_bin_edges", &HistogramDdEdges)
      .Add("aten::_histogramdd_from_bin_cts", &HistogramDdCounts)
      .Add("aten::_histogramdd_from_bin_tensors", &HistogramDdFromTensors);
}

}  // namespace tandem::reference
