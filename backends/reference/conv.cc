// Convolutions and transposed convolutions over one to three spatial dims.
#include "tandem/backends/reference/conv.h"

#include "absl/synchronization/mutex.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/float_rows.h"
#include "tandem/backends/reference/gemm.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

// A convolution ready to run: contiguous operands of one dtype that computes.
struct Job {
  WindowGeometry g;  // `in` is the side that the window slides over
  int64_t batch, groups;
  int64_t in_channels, out_channels;  // of one group
  const Tensor *input, *weight, *out;
  // float, where PyTorch gives the work to oneDNN, which sums in another order.
  bool by_channel_blocks = false;
  // The 16-bit type that a transposed convolution in float rounds its columns
  // and every sum of them to; kUndefined: none, the result alone is rounded.
  DType rounds = DType::kUndefined;
};

// Gathers the first error of pieces that run side by side.
class FirstError {
 public:
  void Note(absl::Status s) {
    if (s.ok()) return;
    absl::MutexLock lock(&mutex_);
    if (status_.ok()) status_ = std::move(s);
  }
  absl::Status status() const { return status_; }

 private:
  absl::Mutex mutex_;
  absl::Status status_;
};

// One input channel a group: no columns, each output row gathers rows.
template <typename T>
absl::Status Depthwise(const Job& j) {
  const WindowGeometry& g = j.g;
  const int64_t planes = j.batch * j.groups * j.out_channels;
  const int64_t work = g.out_size() * g.kernel_size();
  return ParallelFor(
      planes, std::max<int64_t>(1, 65536 / std::max<int64_t>(work, 1)),
      [&](int64_t begin, int64_t end) {
        for (int64_t plane = begin; plane < end; ++plane) {
          const int64_t channel = plane % (j.groups * j.out_channels);
          const int64_t image = plane / (j.groups * j.out_channels) * j.groups +
                                channel / j.out_channels;
          const T* x = j.input->data<T>() + image * g.in_size();
          const T* w = j.weight->data<T>() + channel * g.kernel_size();
          T* o = j.out->data<T>() + plane * g.out_size();
          for (int64_t kd = 0; kd < g.kernel[0]; ++kd) {
            for (int64_t kh = 0; kh < g.kernel[1]; ++kh) {
              for (int64_t kw = 0; kw < g.kernel[2]; ++kw, ++w) {
                const int64_t shift = kw * g.dilation[2] - g.padding[2];
                const int64_t s = g.stride[2];
                const int64_t first = shift >= 0 ? 0 : (-shift + s - 1) / s;
                const int64_t last =
                    shift >= g.in[2]
                        ? 0
                        : std::min(g.out[2], (g.in[2] - 1 - shift) / s + 1);
                for (int64_t od = 0; od < g.out[0]; ++od) {
                  const int64_t d =
                      od * g.stride[0] - g.padding[0] + kd * g.dilation[0];
                  if (d < 0 || d >= g.in[0]) continue;
                  for (int64_t oh = 0; oh < g.out[1]; ++oh) {
                    const int64_t h =
                        oh * g.stride[1] - g.padding[1] + kh * g.dilation[1];
                    if (h < 0 || h >= g.in[1]) continue;
                    const T* row = x + (d * g.in[1] + h) * g.in[2] + shift;
                    T* to = o + (od * g.out[1] + oh) * g.out[2];
                    const T factor = *w;
                    if constexpr (std::is_integral_v<T>) {
                      for (int64_t i = first; i < last; ++i) {
                        to[i] = static_cast<T>(
                            static_cast<uint64_t>(to[i]) +
                            static_cast<uint64_t>(factor) *
                                static_cast<uint64_t>(row[i * s]));
                      }
                    } else if constexpr (std::is_same_v<T, float>) {
                      if (first < last) {
                        FusedAddRow(last - first, factor, row + first * s, s,
                                    to + first);
                      }
                    } else if (s == 1) {
                      for (int64_t i = first; i < last; ++i) {
                        to[i] += factor * row[i];
                      }
                    } else {
                      for (int64_t i = first; i < last; ++i) {
                        to[i] += factor * row[i * s];
                      }
                    }
                  }
                }
              }
            }
          }
        }
      });
}

// Moves by the size of the element.
template <typename T>
void Columns(const WindowGeometry& g, int64_t channels, const T* image,
             int64_t begin, int64_t end, T* columns) {
  if constexpr (sizeof(T) == 16) {
    using M = std::complex<double>;
    Im2Col<M>(g, channels, reinterpret_cast<const M*>(image), begin, end,
              reinterpret_cast<M*>(columns));
  } else {
    using M = std::conditional_t<
        sizeof(T) == 8, uint64_t,
        std::conditional_t<
            sizeof(T) == 4, uint32_t,
            std::conditional_t<sizeof(T) == 2, uint16_t, uint8_t>>>;
    Im2Col<M>(g, channels, reinterpret_cast<const M*>(image), begin, end,
              reinterpret_cast<M*>(columns));
  }
}

bool IsPointwise(const WindowGeometry& g) {
  for (int i = 0; i < 3; ++i) {
    if (g.kernel[i] != 1 || g.stride[i] != 1 || g.padding[i] != 0 ||
        g.in[i] != g.out[i]) {
      return false;
    }
  }
  return true;
}

// Input channels whose products oneDNN sums before it goes on to the next ones.
constexpr int64_t kChannelBlock = 16;

// weight[o][c][k] as [block of c][o][k][c in the block].
void PackChannelBlocks(const float* weight, int64_t out_channels,
                       int64_t in_channels, int64_t kernel, float* packed) {
  for (int64_t c0 = 0; c0 < in_channels; c0 += kChannelBlock) {
    const int64_t end = std::min(in_channels, c0 + kChannelBlock);
    for (int64_t o = 0; o < out_channels; ++o) {
      for (int64_t k = 0; k < kernel; ++k) {
        for (int64_t c = c0; c < end; ++c) {
          *packed++ = weight[(o * in_channels + c) * kernel + k];
        }
      }
    }
  }
}

// One piece of Forward in blocks of channels, each summed over the window's
// places first. `packed`: this group's weights; columns: two times the
// kernel's size times kChannelBlock times count numbers.
absl::Status ForwardByBlocks(const Job& j, const float* packed,
                             const float* image, int64_t from, int64_t count,
                             float* columns, float* out) {
  const WindowGeometry& g = j.g;
  const int64_t kernel = g.kernel_size();
  float* const ordered = columns + kernel * kChannelBlock * count;
  for (int64_t c0 = 0; c0 < j.in_channels; c0 += kChannelBlock) {
    const int64_t block = std::min(kChannelBlock, j.in_channels - c0);
    Columns<float>(g, block, image + c0 * g.in_size(), from, from + count,
                   columns);
    for (int64_t k = 0; k < kernel; ++k) {
      for (int64_t c = 0; c < block; ++c) {
        std::copy_n(columns + (c * kernel + k) * count, count,
                    ordered + (k * block + c) * count);
      }
    }
    const int64_t depth = block * kernel;
    TANDEM_RETURN_IF_ERROR(
        SerialGemm<float>(j.out_channels, count, depth, 1.0f,
                          {packed, depth, 1}, {ordered, count, 1}, 1.0f,
                          {out, g.out_size(), 1}, GemmSums::kFusedWhole));
    packed += j.out_channels * depth;
  }
  return absl::OkStatus();
}

// out (which holds the bias) += weight * columns of the input, by pieces of the
// output's positions.
template <typename T>
absl::Status Forward(const Job& j) {
  const WindowGeometry& g = j.g;
  if (j.in_channels == 1 && (j.groups > 1 || !std::is_same_v<T, float>)) {
    return Depthwise<T>(j);
  }
  const int64_t depth = j.in_channels * g.kernel_size();
  const int64_t positions = g.out_size();
  const bool pointwise = IsPointwise(g);
  const TaskRunner* tasks = CurrentContext().tasks;
  const int64_t threads = tasks == nullptr ? 1 : tasks->threads();
  const int64_t images = j.batch * j.groups;
  // About a megabyte of columns, and enough pieces for every thread.
  int64_t piece = std::max<int64_t>(
      64, (int64_t{1} << 20) / (depth * static_cast<int64_t>(sizeof(T))));
  if (threads > 1 && images < threads * 2) {
    piece = std::min(
        piece, std::max<int64_t>(64, positions * images / (threads * 2) + 1));
  }
  piece = std::min(piece, positions);
  const int64_t pieces = (positions + piece - 1) / piece;
  const bool by_blocks = j.by_channel_blocks && g.kernel_size() > 1;
  const int64_t group_weights = j.out_channels * depth;
  Scratch packed(by_blocks ? sizeof(float) * group_weights * j.groups : 0);
  int64_t column_numbers = pointwise ? 0 : depth * piece;
  GemmSums sums = GemmSums::kByShape;
  if constexpr (std::is_same_v<T, float>) {
    if (by_blocks) {
      if (packed.data<float>() == nullptr) {
        return absl::ResourceExhaustedError("convolution: no memory");
      }
      for (int64_t i = 0; i < j.groups; ++i) {
        PackChannelBlocks(j.weight->data<float>() + i * group_weights,
                          j.out_channels, j.in_channels, g.kernel_size(),
                          packed.data<float>() + i * group_weights);
      }
      column_numbers = 2 * g.kernel_size() * kChannelBlock * piece;
    }
    // Pieces are cut here and not by PyTorch: the shape that counts is all.
    if (j.by_channel_blocks || (j.out_channels >= 4 && positions >= 12)) {
      sums = GemmSums::kFused;
    }
  }
  FirstError error;
  TANDEM_RETURN_IF_ERROR(
      ParallelFor(images * pieces, 1, [&](int64_t begin, int64_t end) {
        Scratch memory(sizeof(T) * column_numbers);
        T* const columns = memory.data<T>();
        if (columns == nullptr) {
          error.Note(absl::ResourceExhaustedError("convolution: no memory"));
          return;
        }
        for (int64_t i = begin; i < end; ++i) {
          const int64_t image = i / pieces;
          const int64_t from = i % pieces * piece;
          const int64_t count = std::min(piece, positions - from);
          const int64_t group = image % j.groups;
          const T* x = j.input->data<T>() + image * j.in_channels * g.in_size();
          T* const out =
              j.out->data<T>() + image * j.out_channels * positions + from;
          if constexpr (std::is_same_v<T, float>) {
            if (by_blocks) {
              error.Note(ForwardByBlocks(
                  j, packed.data<float>() + group * group_weights, x, from,
                  count, columns, out));
              continue;
            }
          }
          MatrixRef<const T> b{x + from, positions, 1};
          if (!pointwise) {
            Columns<T>(g, j.in_channels, x, from, from + count, columns);
            b = {columns, count, 1};
          }
          error.Note(SerialGemm<T>(
              j.out_channels, count, depth, Compute<T>(1),
              {j.weight->data<T>() + group * group_weights, depth, 1}, b,
              Compute<T>(1), {out, positions, 1}, sums));
        }
      }));
  return error.status();
}

// out += columns [out_channels * kernel, count] of a transposed convolution,
// summed up in R: `out` (the bias) is added last.
template <typename R>
absl::Status AddRounded(const Job& j, const float* columns, int64_t from,
                        int64_t count, float* out) {
  const int64_t numbers = j.out_channels * j.g.kernel_size() * count;
  const int64_t results = j.out_channels * j.g.in_size();
  Scratch memory(sizeof(R) * (numbers + results));
  R* const rounded = memory.data<R>();
  if (rounded == nullptr) {
    return absl::ResourceExhaustedError("convolution: no memory");
  }
  R* const sums = rounded + numbers;
  std::copy_n(columns, numbers, rounded);
  std::fill_n(sums, results, R(0.0f));
  AddCol2Im<R>(j.g, j.out_channels, rounded, from, from + count, sums);
  for (int64_t i = 0; i < results; ++i) out[i] += static_cast<float>(sums[i]);
  return absl::OkStatus();
}

// Here the window slides over the result: g.in is the result's side, g.out the
// input's. result += columns of weight^T * input.
template <typename T>
absl::Status Transposed(const Job& j) {
  const WindowGeometry& g = j.g;
  const int64_t depth = j.out_channels * g.kernel_size();
  const int64_t positions = g.out_size();
  const int64_t piece = std::min(
      positions,
      std::max<int64_t>(
          64, (int64_t{1} << 20) / (depth * static_cast<int64_t>(sizeof(T)))));
  FirstError error;
  TANDEM_RETURN_IF_ERROR(
      ParallelFor(j.batch * j.groups, 1, [&](int64_t begin, int64_t end) {
        Scratch memory(sizeof(T) * depth * piece);
        T* const columns = memory.data<T>();
        if (columns == nullptr) {
          error.Note(absl::ResourceExhaustedError("convolution: no memory"));
          return;
        }
        for (int64_t image = begin; image < end; ++image) {
          const int64_t group = image % j.groups;
          const T* x = j.input->data<T>() + image * j.in_channels * positions;
          const T* w = j.weight->data<T>() + group * j.in_channels * depth;
          T* out = j.out->data<T>() + image * j.out_channels * g.in_size();
          for (int64_t from = 0; from < positions; from += piece) {
            const int64_t count = std::min(piece, positions - from);
            const absl::Status s = SerialGemm<T>(
                depth, count, j.in_channels, Compute<T>(1), {w, 1, depth},
                {x + from, positions, 1}, Compute<T>(0), {columns, count, 1});
            if (!s.ok()) return error.Note(s);
            if constexpr (std::is_same_v<T, float>) {
              if (j.rounds == DType::kHalf) {
                error.Note(AddRounded<Half>(j, columns, from, count, out));
                continue;
              }
              if (j.rounds == DType::kBFloat16) {
                error.Note(AddRounded<BFloat16>(j, columns, from, count, out));
                continue;
              }
            }
            AddCol2Im<T>(g, j.out_channels, columns, from, from + count, out);
          }
        }
      }));
  return error.status();
}

absl::string_view OpName(const ConvParams& p, size_t rank) {
  if (p.transposed) {
    return rank == 3 ? "slow_conv_transpose3d_out_cpu"
                     : "slow_conv_transpose2d_out_cpu";
  }
  for (int64_t d : p.dilation) {
    if (d != 1) return "slow_conv_dilated<>";
  }
  return rank == 3 ? "compute_columns3d" : "slow_conv2d_cpu";
}

// Does PyTorch let oneDNN compute this one (on one thread)? The others are
// columns and a BLAS product.
bool ComputedByOneDnn(const Tensor& input, const Tensor& weight,
                      const ConvParams& p) {
  if (input.dtype() != DType::kFloat || p.transposed) return false;
  const auto other = [](const Dims& v) {
    return std::any_of(v.begin(), v.end(), [](int64_t n) { return n != 1; });
  };
  // A convolution of one dim is one of two dims there, of height 1.
  const int64_t rank = weight.dim() - 2;
  const int64_t width = weight.size(rank + 1);
  const int64_t height = rank == 1 ? 1 : weight.size(rank);
  const int64_t batch = input.size(0);
  if (!other(p.stride) && !other(p.dilation) && batch < 16 && width == 1 &&
      height == 1) {
    return false;
  }
  double size = 1;
  for (int64_t d = 0; d < std::min<int64_t>(4, input.dim()); ++d) {
    size *= static_cast<double>(input.size(d));
  }
  return p.groups > 1 || (width > 3 && height > 3) || batch > 1 || size > 20480;
}

// Does PyTorch give the result channels-last? For 3 dims only where oneDNN
// computes.
bool ResultChannelsLast(const Tensor& input, const Tensor& weight) {
  if (input.dim() == 5 && input.dtype() != DType::kFloat &&
      input.dtype() != DType::kHalf && input.dtype() != DType::kBFloat16) {
    return false;
  }
  return LooksChannelsLast(input.sizes(), input.strides()) ||
         LooksChannelsLast(weight.sizes(), weight.strides());
}

}  // namespace

absl::StatusOr<Tensor> Convolution(const Tensor& input, const Tensor& weight,
                                   const Tensor& bias, ConvParams p) {
  const int64_t rank = weight.dim() - 2;
  if (rank <= 0) return Invalid("weight should have at least three dimensions");
  if (p.groups <= 0) return Invalid("non-positive groups is not supported");
  if (static_cast<int64_t>(p.extra_padding.size()) != rank) {
    TANDEM_RETURN_IF_ERROR(ExpandConvParams(rank, &p));
  }
  if (!p.transposed && bias.defined() && bias.dtype() != input.dtype()) {
    return Invalid("Input type (", CppTypeName(input.dtype()),
                   ") and bias type (", CppTypeName(bias.dtype()),
                   ") should be the same");
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Dims sizes,
      ConvolutionSizes(
          input.sizes(), weight.sizes(),
          bias.defined() ? std::optional<DimSpan>(bias.sizes()) : std::nullopt,
          p));
  if (rank > 3) return Invalid("unsupported ConvNd parameters");
  if (input.dtype() != weight.dtype()) {
    return Invalid("expected scalar type ", TypeName(input.dtype()),
                   " but found ", TypeName(weight.dtype()));
  }
  const DType dtype = input.dtype();
  const DType compute = ComputeDType(dtype);
  // Where PyTorch's loops know no integers but int64.
  bool plain = !p.transposed;
  for (int64_t d : p.dilation) plain &= d == 1;
  if (!plain && IsIntegral(dtype, false) && dtype != DType::kInt64) {
    return NotImplementedFor(OpName(p, rank), dtype);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(input, compute));
  TANDEM_ASSIGN_OR_RETURN(const Tensor w, Contiguous(weight, compute));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, compute));
  if (out.numel() != 0) {
    if (bias.defined()) {
      Dims strides(sizes.size(), 0);
      strides[1] = bias.stride(0);
      TANDEM_RETURN_IF_ERROR(
          CopyElements(bias.ViewUnchecked(sizes, strides, bias.offset()), out));
    } else {
      TANDEM_RETURN_IF_ERROR(FillElements(out, 0));
    }
    const DimSpan in_spatial = input.sizes().subspan(2);
    const DimSpan out_spatial = DimSpan(sizes).subspan(2);
    const DimSpan kernel = weight.sizes().subspan(2);
    Job j;
    j.g = p.transposed ? MakeGeometry(out_spatial, in_spatial, kernel, p.stride,
                                      p.padding, p.dilation)
                       : MakeGeometry(in_spatial, out_spatial, kernel, p.stride,
                                      p.padding, p.dilation);
    j.batch = input.size(0);
    j.groups = p.groups;
    j.in_channels = input.size(1) / p.groups;
    j.out_channels = sizes[1] / p.groups;
    j.input = &x;
    j.weight = &w;
    j.out = &out;
    j.by_channel_blocks = ComputedByOneDnn(input, weight, p);
    // oneDNN takes bfloat16, but for a padding of the result beyond a stride.
    bool beyond = false;
    for (size_t i = 0; i < p.output_padding.size(); ++i) {
      beyond |= p.output_padding[i] >= p.stride[i];
    }
    if (p.transposed &&
        (dtype == DType::kHalf || (dtype == DType::kBFloat16 && beyond))) {
      j.rounds = dtype;
    }
    TANDEM_RETURN_IF_ERROR(
        VisitNumeric(compute, OpName(p, rank), [&](auto tag) -> absl::Status {
          using T = typename decltype(tag)::type;
          if constexpr (std::is_same_v<T, Half> ||
                        std::is_same_v<T, BFloat16>) {
            return NotImplementedFor("convolution", dtype);
          } else {
            return p.transposed ? Transposed<T>(j) : Forward<T>(j);
          }
        }));
  }
  if (rank >= 2 && input.size(0) > 0 && ResultChannelsLast(input, weight)) {
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor result,
        Tensor::EmptyStrided(sizes, ChannelsLastStrides(sizes), dtype));
    TANDEM_RETURN_IF_ERROR(CopyElements(out, result));
    return result;
  }
  return ToDType(out, dtype);
}

namespace {

using Ints = absl::Span<const int64_t>;

Dims Copy(Ints v) { return Dims(v.begin(), v.end()); }

ConvParams Params(Ints stride, Ints padding, Ints dilation, int64_t groups) {
  ConvParams p;
  p.stride = Copy(stride);
  p.padding = Copy(padding);
  p.dilation = Copy(dilation);
  p.output_padding = {0};
  p.groups = groups;
  return p;
}

// Runs on a batch of one where the input has none.
template <typename F>
absl::StatusOr<Tensor> WithBatch(const Tensor& input, int64_t rank,
                                 absl::string_view op, F run) {
  if (input.dim() == rank + 2) return run(input);
  if (input.dim() != rank + 1) {
    return Invalid("Expected ", rank + 1, "D (unbatched) or ", rank + 2,
                   "D (batched) input to ", op,
                   ", but got input of size: ", DimsToString(input.sizes()));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, run(UnsqueezeView(input, 0)));
  return SelectView(out, 0, 0);
}

template <int kRank>
absl::StatusOr<Tensor> Conv(const Tensor& input, const Tensor& weight,
                            const Tensor& bias, Ints stride, Ints padding,
                            Ints dilation, int64_t groups) {
  static constexpr absl::string_view kNames[] = {"conv1d", "conv2d", "conv3d"};
  return WithBatch(input, kRank, kNames[kRank - 1], [&](const Tensor& x) {
    return Convolution(x, weight, bias,
                       Params(stride, padding, dilation, groups));
  });
}

absl::StatusOr<Tensor> ConvolutionMode(const Tensor& input,
                                       const Tensor& weight, const Tensor& bias,
                                       Ints stride, absl::string_view padding,
                                       Ints dilation, int64_t groups) {
  ConvParams p = Params(stride, {0}, dilation, groups);
  if (padding == "valid") return Convolution(input, weight, bias, std::move(p));
  if (padding != "same")
    return Invalid("Invalid padding string: '", padding, "'");
  const int64_t rank = weight.dim() - 2;
  if (input.dim() != weight.dim()) {
    return Invalid("Expected ", weight.dim(), "-dimensional input for ",
                   weight.dim(), "-dimensional weight",
                   DimsToString(weight.sizes()), ", but got ", input.dim(),
                   "-dimensional input of size ", DimsToString(input.sizes()),
                   " instead");
  }
  if (rank <= 0) return Invalid("weight should have at least three dimensions");
  for (const auto& [name, v] : {std::make_pair("stride", &p.stride),
                                std::make_pair("dilation", &p.dilation)}) {
    if (static_cast<int64_t>(v->size()) != rank && v->size() != 1) {
      return Invalid(name, " cannot broadcast to ", rank, " dimensions");
    }
  }
  TANDEM_RETURN_IF_ERROR(ExpandConvParams(rank, &p));
  TANDEM_RETURN_IF_ERROR(SamePadding(weight.sizes(), &p));
  return Convolution(input, weight, bias, std::move(p));
}

template <int kRank>
absl::StatusOr<Tensor> ConvPadding(const Tensor& input, const Tensor& weight,
                                   const Tensor& bias, Ints stride,
                                   absl::string_view padding, Ints dilation,
                                   int64_t groups) {
  static constexpr absl::string_view kNames[] = {"conv1d", "conv2d", "conv3d"};
  return WithBatch(input, kRank, kNames[kRank - 1], [&](const Tensor& x) {
    return ConvolutionMode(x, weight, bias, stride, padding, dilation, groups);
  });
}

template <int kRank>
absl::StatusOr<Tensor> ConvTranspose(const Tensor& input, const Tensor& weight,
                                     const Tensor& bias, Ints stride,
                                     Ints padding, Ints output_padding,
                                     int64_t groups, Ints dilation) {
  static constexpr absl::string_view kNames[] = {
      "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
  return WithBatch(input, kRank, kNames[kRank - 1], [&](const Tensor& x) {
    ConvParams p = Params(stride, padding, dilation, groups);
    p.output_padding = Copy(output_padding);
    p.transposed = true;
    return Convolution(x, weight, bias, std::move(p));
  });
}

absl::StatusOr<Tensor> ConvolutionKernel(const Tensor& input,
                                         const Tensor& weight,
                                         const Tensor& bias, Ints stride,
                                         Ints padding, Ints dilation,
                                         bool transposed, Ints output_padding,
                                         int64_t groups) {
  ConvParams p = Params(stride, padding, dilation, groups);
  p.output_padding = Copy(output_padding);
  p.transposed = transposed;
  return Convolution(input, weight, bias, std::move(p));
}

absl::StatusOr<Tensor> ConvolutionFlags(
    const Tensor& input, const Tensor& weight, const Tensor& bias, Ints stride,
    Ints padding, Ints dilation, bool transposed, Ints output_padding,
    int64_t groups, bool, bool, bool, bool) {
  return ConvolutionKernel(input, weight, bias, stride, padding, dilation,
                           transposed, output_padding, groups);
}

absl::StatusOr<Tensor> ConvolutionDeprecated(
    const Tensor& input, const Tensor& weight, const Tensor& bias, Ints stride,
    Ints padding, Ints dilation, bool transposed, Ints output_padding,
    int64_t groups, bool, bool, bool) {
  return ConvolutionKernel(input, weight, bias, stride, padding, dilation,
                           transposed, output_padding, groups);
}

// The kernels that PyTorch names by how they compute; the same results.
absl::StatusOr<Tensor> SlowConv(const Tensor& self, const Tensor& weight, Ints,
                                const Tensor& bias, Ints stride, Ints padding) {
  return WithBatch(self, weight.dim() - 2, "slow_conv", [&](const Tensor& x) {
    return Convolution(x, weight, bias, Params(stride, padding, {1}, 1));
  });
}

absl::StatusOr<Tensor> SlowConvDilated(const Tensor& self, const Tensor& weight,
                                       Ints, const Tensor& bias, Ints stride,
                                       Ints padding, Ints dilation) {
  return WithBatch(self, weight.dim() - 2, "slow_conv_dilated",
                   [&](const Tensor& x) {
                     return Convolution(x, weight, bias,
                                        Params(stride, padding, dilation, 1));
                   });
}

absl::StatusOr<Tensor> SlowConvTranspose(const Tensor& self,
                                         const Tensor& weight, Ints,
                                         const Tensor& bias, Ints stride,
                                         Ints padding, Ints output_padding,
                                         Ints dilation) {
  return WithBatch(self, weight.dim() - 2, "slow_conv_transpose",
                   [&](const Tensor& x) {
                     ConvParams p = Params(stride, padding, dilation, 1);
                     p.output_padding = Copy(output_padding);
                     p.transposed = true;
                     return Convolution(x, weight, bias, std::move(p));
                   });
}

// out[t, b, :] = bias + sum over k of input[t + k - pad, b, :] @ weight[k]
absl::StatusOr<Tensor> ConvTbc(const Tensor& self, const Tensor& weight,
                               const Tensor& bias, int64_t pad) {
  if (self.dim() != 3) {
    return Invalid("Input must have 3 dims: time, batch, in_channel");
  }
  if (weight.dim() != 3) {
    return Invalid(
        "Weight tensor must have 3 dims: kernel_width, in_channels, "
        "out_channels.");
  }
  if (bias.dim() != 1) return Invalid("Bias must be 1-D");
  if (self.size(2) != weight.size(1)) {
    return Invalid(
        "Input dim 2 (input channels) is not == dim 1 in the weight tensor");
  }
  if (bias.size(0) != weight.size(2)) {
    return Invalid(
        "Bias size must equal dim 2 in the weight tensor (output channels).");
  }
  const int64_t taps = weight.size(0),
                steps = self.size(0) + 2 * pad - taps + 1;
  if (ComputeDType(self.dtype()) != self.dtype() && pad >= 0 && steps > 0 &&
      weight.dtype() == self.dtype() && bias.dtype() == self.dtype()) {
    // Rounded after every tap: products of matrices [steps * batch, channels].
    const int64_t batch = self.size(1);
    TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self));
    TANDEM_ASSIGN_OR_RETURN(const Tensor expanded,
                            ExpandTo(bias, {steps, batch, weight.size(2)}));
    TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                            CloneContiguous(expanded, self.dtype()));
    for (int64_t k = 0; k < taps; ++k) {
      const int64_t from = std::max<int64_t>(0, k - pad);
      const int64_t to = std::max<int64_t>(0, pad - k);
      const int64_t count = std::min(self.size(0) + pad - k, steps) - to;
      if (count <= 0) continue;
      auto rows = [&](const Tensor& t, int64_t first) {
        const int64_t width = t.size(2);
        return t.ViewUnchecked({count * batch, width}, {width, 1},
                               t.offset() + first * batch * width);
      };
      const Tensor a = rows(x, from), b = SelectView(weight, 0, k);
      const Tensor c = rows(out, to);
      TANDEM_RETURN_IF_ERROR(
          VisitFloating(out.dtype(), "conv_tbc", [&](auto tag) -> absl::Status {
            using T = typename decltype(tag)::type;
            return Gemm<T>(a.size(0), b.size(1), a.size(1), Compute<T>(1),
                           {a.data<T>(), a.stride(0), a.stride(1)},
                           {b.data<T>(), b.stride(0), b.stride(1)},
                           Compute<T>(1),
                           {c.data<T>(), c.stride(0), c.stride(1)});
          }));
    }
    return out;
  }
  // [T, B, C] as a 1-dim convolution over [B, C, T].
  const Tensor x = PermuteView(self, {1, 2, 0});
  const Tensor w = PermuteView(weight, {2, 1, 0});
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Convolution(x, w, bias, Params({1}, {pad}, {1}, 1)));
  return Contiguous(PermuteView(out, {2, 0, 1}));
}

absl::StatusOr<Tensor> Overrideable(const Tensor&, const Tensor&, const Tensor&,
                                    Ints, Ints, Ints, bool, Ints, int64_t) {
  return absl::UnimplementedError(
      "convolution_overrideable not implemented. You are likely triggering "
      "this with tensor backend other than CPU/CUDA/MKLDNN, if this is "
      "intended, please use TORCH_LIBRARY_IMPL to override this function ");
}

}  // namespace

absl::Status RegisterConv(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  r.Add("aten::conv1d", &Conv<1>)
      .Add("aten::conv2d", &Conv<2>)
      .Add("aten::conv3d", &Conv<3>)
      .Add("aten::conv1d.padding", &ConvPadding<1>)
      .Add("aten::conv2d.padding", &ConvPadding<2>)
      .Add("aten::conv3d.padding", &ConvPadding<3>)
      .Add("aten::conv_transpose1d", &ConvTranspose<1>)
      .Add("aten::conv_transpose2d.input", &ConvTranspose<2>)
      .Add("aten::conv_transpose3d.input", &ConvTranspose<3>)
      .Add("aten::convolution", &ConvolutionKernel)
      .Add("aten::convolution.out", &Variants<ConvolutionKernel>::Out)
      .Add("aten::convolution_overrideable", &Overrideable)
      .Add("aten::_convolution", &ConvolutionFlags)
      .Add("aten::_convolution.out", &Variants<ConvolutionFlags>::Out)
      .Add("aten::_convolution.deprecated", &ConvolutionDeprecated)
      .Add("aten::_convolution_mode", &ConvolutionMode)
      .Add("aten::conv_tbc", &ConvTbc)
      .Add("aten::conv_tbc.out", &Variants<ConvTbc>::Out)
      .Add("aten::thnn_conv2d", &SlowConv)
      .Add("aten::thnn_conv2d.out", &Variants<SlowConv>::Out)
      .Add("aten::slow_conv3d", &SlowConv)
      .Add("aten::slow_conv3d.out", &Variants<SlowConv>::Out)
      .Add("aten::slow_conv3d_forward", &SlowConv)
      .Add("aten::slow_conv3d_forward.output", &Variants<SlowConv>::Out)
      .Add("aten::slow_conv_dilated2d", &SlowConvDilated)
      .Add("aten::slow_conv_dilated2d.out", &Variants<SlowConvDilated>::Out)
      .Add("aten::slow_conv_dilated3d", &SlowConvDilated)
      .Add("aten::slow_conv_dilated3d.out", &Variants<SlowConvDilated>::Out)
      .Add("aten::slow_conv_transpose2d", &SlowConvTranspose)
      .Add("aten::slow_conv_transpose2d.out", &Variants<SlowConvTranspose>::Out)
      .Add("aten::slow_conv_transpose3d", &SlowConvTranspose)
      .Add("aten::slow_conv_transpose3d.out",
           &Variants<SlowConvTranspose>::Out);
  RegisterUnfold(r);
  return r.status();
}

}  // namespace tandem::reference
