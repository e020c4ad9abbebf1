// Fills tensors with draws from a distribution.

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tandem/backends/reference/normal_numbers.h"
#include "tandem/backends/reference/random.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/convert_row.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

constexpr double kPi = 3.14159265358979323846;
// Ranges of 2^28 and more take 64 bits a number, against skew.
constexpr int kWideRangeBits = 28;

template <typename T>
absl::Status Draw(const Tensor& self, absl::FunctionRef<T()> draw) {
  if (self.is_meta() || self.numel() == 0) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  TANDEM_ASSIGN_OR_RETURN(const RowConverter convert,
                          RowConverter::Make(DTypeOf<T>::value, self.dtype()));
  const StridedLoop loop(self.sizes(), {StridedLoop::Operand::Of(self)});
  absl::Status status;
  loop.Run(0, loop.numel(),
           [&](char* const* data, const int64_t* strides, int64_t n) {
             constexpr int64_t kBlock = 256;
             T block[kBlock];
             for (int64_t i = 0; i < n && status.ok(); i += kBlock) {
               const int64_t m = std::min(kBlock, n - i);
               for (int64_t j = 0; j < m; ++j) block[j] = draw();
               convert(reinterpret_cast<const char*>(block), sizeof(T),
                       data[0] + i * strides[0], strides[0], m);
               if ((i / kBlock) % 64 == 63) status = CheckStop();
             }
           });
  return status;
}

bool IsPlainFloat(DType d) {
  return d == DType::kFloat || d == DType::kDouble || d == DType::kHalf ||
         d == DType::kBFloat16;
}

// A complex tensor as its parts: one more dim of size 2.
absl::StatusOr<Tensor> RealParts(const Tensor& self) {
  Dims sizes(self.sizes().begin(), self.sizes().end());
  Dims strides(self.strides().begin(), self.strides().end());
  for (int64_t& s : strides) s *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  TANDEM_ASSIGN_OR_RETURN(
      Tensor view, Tensor::OverStorage(self.storage(), self.offset() * 2, sizes,
                                       strides, ToReal(self.dtype())));
  return view;
}

// Pairs of uniform numbers 8 apart become pairs of normal ones.
template <typename T>
void BoxMuller(T* d, double mean, double std) {
  for (int j = 0; j < 8; ++j) {
    const T u1 = T(1) - d[j];
    const T u2 = d[j + 8];
    const T radius = std::sqrt(T(-2) * std::log(u1));
    const T theta = static_cast<T>(2 * kPi) * u2;
    d[j] =
        radius * std::cos(theta) * static_cast<T>(std) + static_cast<T>(mean);
    d[j + 8] =
        radius * std::sin(theta) * static_cast<T>(std) + static_cast<T>(mean);
  }
}

template <typename T>
T Uniform(Generator& g) {
  if constexpr (std::is_same_v<T, double>) {
    return g.UniformDouble();
  } else {
    return g.UniformFloat();
  }
}

// n >= 16 numbers. `skip_rest`: the numbers after the last whole 16, which are
// overwritten in the end, draw nothing in the first pass (16-bit types).
template <typename T>
absl::Status FillNormal(T* data, int64_t n, double mean, double std,
                        Generator& g, bool skip_rest = false) {
  for (int64_t i = 0; i < (skip_rest ? n / 16 * 16 : n); ++i) {
    data[i] = Uniform<T>(g);
    if (i % 65536 == 65535) TANDEM_RETURN_IF_ERROR(CheckStop());
  }
  const auto normal = [&](T* d) {
    if constexpr (std::is_same_v<T, float>) {
      if (!skip_rest) {
        NormalNumbers16(d, static_cast<float>(mean), static_cast<float>(std));
        return;
      }
    }
    BoxMuller(d, mean, std);
  };
  for (int64_t i = 0; i + 16 <= n; i += 16) normal(data + i);
  if (n % 16 != 0) {
    // The last 16 once more.
    data += n - 16;
    for (int j = 0; j < 16; ++j) data[j] = Uniform<T>(g);
    normal(data);
  }
  return absl::OkStatus();
}

// Integers of [from, from + range).
absl::Status DrawRange(const Tensor& self, int64_t from, uint64_t range,
                       Generator& g) {
  if (range >= uint64_t{1} << kWideRangeBits) {
    return DrawIntegers(self, [&] {
      return static_cast<int64_t>(g.Random64() % range +
                                  static_cast<uint64_t>(from));
    });
  }
  return DrawIntegers(
      self, [&] { return static_cast<int64_t>(g.Random32() % range) + from; });
}

absl::StatusOr<Tensor> RandomFull(const Tensor& self, Generator* generator) {
  Generator& g = Pick(generator);
  const DType d = self.dtype();
  const auto modulo = [&](uint64_t m) {
    return DrawIntegers(
        self, [&g, m] { return static_cast<int64_t>(g.Random32() % m); });
  };
  absl::Status status;
  switch (d) {
    case DType::kBool:
      status = DrawIntegers(
          self, [&g] { return static_cast<int64_t>(g.Random32() & 1); });
      break;
    case DType::kHalf:
      status = modulo((uint64_t{1} << 11) + 1);
      break;
    case DType::kBFloat16:
      status = modulo((uint64_t{1} << 8) + 1);
      break;
    case DType::kFloat:
      status = modulo((uint64_t{1} << 24) + 1);
      break;
    case DType::kDouble:
      status = DrawIntegers(self, [&g] {
        return static_cast<int64_t>(g.Random64() % ((uint64_t{1} << 53) + 1));
      });
      break;
    case DType::kInt64:
      status = DrawIntegers(self, [&g] {
        return static_cast<int64_t>(g.Random64() & INT64_MAX);
      });
      break;
    case DType::kUInt8:
      status = modulo(256);
      break;
    case DType::kInt8:
      status = modulo(128);
      break;
    case DType::kInt16:
      status = modulo(32768);
      break;
    case DType::kInt32:
      status = modulo(uint64_t{1} << 31);
      break;
    case DType::kUInt16:
      status = modulo(uint64_t{1} << 16);
      break;
    case DType::kUInt32:
      status = modulo(uint64_t{1} << 32);
      break;
    case DType::kUInt64:
      status = DrawIntegers(
          self, [&g] { return static_cast<int64_t>(g.Random64()); });
      break;
    default:
      return NotImplementedFor("random_cpu", d);
  }
  TANDEM_RETURN_IF_ERROR(status);
  return self;
}

absl::StatusOr<Tensor> RandomTo(const Tensor& self, int64_t to,
                                Generator* generator) {
  return RandomFromTo(self, 0, to, generator);
}

absl::StatusOr<Tensor> RandomFrom(const Tensor& self, int64_t from,
                                  std::optional<int64_t> to,
                                  Generator* generator) {
  if (to.has_value()) return RandomFromTo(self, from, *to, generator);
  if (from == INT64_MIN) {
    Generator& g = Pick(generator);
    TANDEM_RETURN_IF_ERROR(DrawIntegers(
        self, [&g] { return static_cast<int64_t>(g.Random64()); }));
    return self;
  }
  // Up to the largest number of the dtype, inclusive.
  int64_t last = INT64_MAX;
  switch (self.dtype()) {
    case DType::kBool:
      last = 1;
      break;
    case DType::kUInt8:
      last = 255;
      break;
    case DType::kInt8:
      last = 127;
      break;
    case DType::kInt16:
      last = 32767;
      break;
    case DType::kInt32:
      last = INT32_MAX;
      break;
    case DType::kHalf:
      last = 1 << 11;
      break;
    case DType::kBFloat16:
      last = 1 << 8;
      break;
    case DType::kFloat:
      last = 1 << 24;
      break;
    case DType::kDouble:
      last = int64_t{1} << 53;
      break;
    default:
      break;
  }
  TANDEM_RETURN_IF_ERROR(DrawRange(
      self, from, static_cast<uint64_t>(last) - static_cast<uint64_t>(from) + 1,
      Pick(generator)));
  return self;
}

absl::StatusOr<Tensor> LogNormalInPlace(const Tensor& self, double mean,
                                        double std, Generator* generator) {
  if (!(std > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("log_normal_ expects std > 0.0, but found std=", std));
  }
  if (!IsPlainFloat(self.dtype())) {
    return NotImplementedFor("log_normal_cpu", self.dtype());
  }
  Generator& g = Pick(generator);
  TANDEM_RETURN_IF_ERROR(DrawDoubles(
      self, [&] { return std::exp(g.NormalDouble() * std + mean); }));
  return self;
}

absl::StatusOr<Tensor> CauchyInPlace(const Tensor& self, double median,
                                     double sigma, Generator* generator) {
  if (!(sigma > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("cauchy_ expects sigma > 0.0, but found sigma=", sigma));
  }
  if (!IsPlainFloat(self.dtype())) {
    return absl::InvalidArgumentError(
        absl::StrCat("Cauchy distribution is a continuous probability "
                     "distribution. dtype must be a floating point but you "
                     "specified ",
                     CppName(self.dtype())));
  }
  Generator& g = Pick(generator);
  TANDEM_RETURN_IF_ERROR(DrawDoubles(self, [&] {
    return median + sigma * std::tan(kPi * (g.UniformDouble() - 0.5));
  }));
  return self;
}

absl::StatusOr<Tensor> GeometricInPlace(const Tensor& self, double p,
                                        Generator* generator) {
  if (!(p > 0 && p < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("geometric_ expects p to be in (0, 1), but got p=", p));
  }
  Generator& g = Pick(generator);
  TANDEM_RETURN_IF_ERROR(DrawDoubles(self, [&] {
    return std::ceil(std::log(g.UniformDouble()) / std::log1p(-p));
  }));
  return self;
}

// The functional forms draw into a copy.
template <auto F>
struct Functional;
template <typename... A, absl::StatusOr<Tensor> (*F)(const Tensor&, A...)>
struct Functional<F> {
  static absl::StatusOr<Tensor> Call(const Tensor& self, A... a) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, EmptyLike(self, self.dtype()));
    return F(result, a...);
  }
  static absl::StatusOr<Tensor> Out(const Tensor& self, A... a,
                                    const Tensor& out) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, Call(self, a...));
    return WriteOut(result, out);
  }
};

absl::StatusOr<Tensor> UniformNoGrad(const Tensor& self, double a, double b,
                                     Generator* generator) {
  return UniformInPlace(self, a, b, generator);
}
absl::StatusOr<Tensor> NormalNoGrad(const Tensor& self, double mean, double std,
                                    Generator* generator) {
  return NormalInPlace(self, mean, std, generator);
}

// The generator is given back: a boxed kernel.
absl::Status SeedGenerator(const KernelCall& call) {
  call.in(0).AsGenerator().generator.Seed(
      static_cast<uint64_t>(call.in(1).AsInt()));
  call.out(0) = call.in(0);
  return absl::OkStatus();
}
absl::StatusOr<int64_t> InitialSeed(Generator* generator) {
  return static_cast<int64_t>(Pick(generator).seed());
}
// A seed that no one knows.
absl::StatusOr<int64_t> SeedFromClock(Generator* generator) {
  const uint64_t seed = static_cast<uint64_t>(absl::GetCurrentTimeNanos()) *
                            0x9e3779b97f4a7c15u >>
                        11;
  Pick(generator).Seed(seed);
  return static_cast<int64_t>(seed);
}

absl::Status ManualSeed(int64_t seed) {
  CurrentGenerator().Seed(static_cast<uint64_t>(seed));
  return absl::OkStatus();
}

}  // namespace

absl::Status DrawDoubles(const Tensor& self, absl::FunctionRef<double()> draw) {
  return Draw<double>(self, draw);
}
absl::Status DrawIntegers(const Tensor& self,
                          absl::FunctionRef<int64_t()> draw) {
  return Draw<int64_t>(self, draw);
}

absl::StatusOr<Tensor> UniformInPlace(const Tensor& self, double from,
                                      double to, Generator* generator) {
  if (IsComplex(self.dtype())) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor parts, RealParts(self));
    TANDEM_RETURN_IF_ERROR(UniformInPlace(parts, from, to, generator).status());
    return self;
  }
  if (!IsPlainFloat(self.dtype())) {
    return NotImplementedFor("check_uniform_bounds", self.dtype());
  }
  if (!(from <= to)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "uniform_ expects to return a [from, to) range, but found from=", from,
        " > to=", to));
  }
  const double limit =
      self.dtype() == DType::kDouble ? std::numeric_limits<double>::max()
      : self.dtype() == DType::kHalf ? 65504.0
                                     : std::numeric_limits<float>::max();
  if (!(to - from <= limit)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "uniform_ expects to-from <= std::numeric_limits<",
        TypeName(self.dtype()), ">::max(), but found to=", to,
        " and from=", from, " which result in to-from to exceed the limit"));
  }
  Generator& g = Pick(generator);
  absl::Status status;
  if (self.dtype() == DType::kDouble) {
    status = DrawDoubles(
        self, [&] { return std::fma(g.UniformDouble(), to - from, from); });
  } else {
    const float low = static_cast<float>(from);
    const float width = static_cast<float>(to) - low;
    // What rounds up to the excluded end becomes the other end.
    const auto round = [dtype = self.dtype()](float v) {
      return dtype == DType::kHalf       ? static_cast<float>(Half(v))
             : dtype == DType::kBFloat16 ? static_cast<float>(BFloat16(v))
                                         : v;
    };
    const float high = round(static_cast<float>(to));
    status = DrawDoubles(self, [&] {
      // One rounding, as PyTorch's builds have it.
      const float v = round(std::fma(g.UniformFloat(), width, low));
      return static_cast<double>(
          v == high && self.dtype() != DType::kFloat ? low : v);
    });
  }
  TANDEM_RETURN_IF_ERROR(status);
  return self;
}

absl::StatusOr<Tensor> NormalInPlace(const Tensor& self, double mean,
                                     double std, Generator* generator) {
  if (!(std >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("normal expects std >= 0.0, but found std ", std));
  }
  if (IsComplex(self.dtype())) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor parts, RealParts(self));
    TANDEM_RETURN_IF_ERROR(
        NormalInPlace(parts, mean, std / std::sqrt(2.0), generator).status());
    return self;
  }
  if (!IsPlainFloat(self.dtype())) {
    return NotImplementedFor("normal_kernel_cpu", self.dtype());
  }
  if (self.is_meta() || self.numel() == 0) return self;
  Generator& g = Pick(generator);
  absl::Status status;
  if (self.numel() >= 16 && self.is_contiguous()) {
    TANDEM_RETURN_IF_ERROR(CheckWritable(self));
    const int64_t n = self.numel();
    if (self.dtype() == DType::kDouble) {
      status = FillNormal(self.data<double>(), n, mean, std, g);
    } else if (self.dtype() == DType::kFloat) {
      status = FillNormal(self.data<float>(), n, mean, std, g);
    } else {  // rounded from float
      TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                              Tensor::Empty(self.sizes(), DType::kFloat));
      TANDEM_RETURN_IF_ERROR(
          FillNormal(wide.data<float>(), n, mean, std, g, true));
      status = CopyElements(wide, self);
    }
  } else {
    status = DrawDoubles(self, [&] { return g.NormalDouble() * std + mean; });
  }
  TANDEM_RETURN_IF_ERROR(status);
  return self;
}

absl::StatusOr<Tensor> ExponentialInPlace(const Tensor& self, double lambda,
                                          Generator* generator) {
  if (!(lambda > 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "exponential_ expects lambda > 0.0, but found lambda=", lambda));
  }
  if (!IsPlainFloat(self.dtype())) {
    return absl::InvalidArgumentError(
        absl::StrCat("Exponential distribution is a continuous probability "
                     "distribution. dtype must be a floating point but you "
                     "specified ",
                     TypeName(self.dtype())));
  }
  Generator& g = Pick(generator);
  TANDEM_RETURN_IF_ERROR(DrawDoubles(
      self, [&] { return -std::log1p(-g.UniformDouble()) / lambda; }));
  return self;
}

absl::StatusOr<Tensor> RandomFromTo(const Tensor& self, int64_t from,
                                    int64_t to, Generator* generator) {
  if (from >= to) {
    return absl::InvalidArgumentError(
        absl::StrCat("random_ expects 'from' to be less than 'to', but got "
                     "from=",
                     from, " >= to=", to));
  }
  if (IsIntegral(self.dtype(), /*include_bool=*/true) &&
      self.dtype() != DType::kInt64 && self.dtype() != DType::kUInt64) {
    int64_t low = 0, high = 1;
    if (self.dtype() != DType::kBool) {
      const int bits = static_cast<int>(8 * self.element_size());
      low = IsSigned(self.dtype()) ? -(int64_t{1} << (bits - 1)) : 0;
      high = low + (int64_t{1} << bits) - 1;
    }
    const absl::string_view name = CppName(self.dtype());
    if (from < low || from > high) {
      return absl::InvalidArgumentError(
          absl::StrCat("from is out of bounds for ", name));
    }
    if (to - 1 < low || to - 1 > high) {
      return absl::InvalidArgumentError(
          absl::StrCat("to - 1 is out of bounds for ", name));
    }
  }
  TANDEM_RETURN_IF_ERROR(DrawRange(
      self, from, static_cast<uint64_t>(to) - static_cast<uint64_t>(from),
      Pick(generator)));
  return self;
}

absl::StatusOr<Tensor> BernoulliInPlace(const Tensor& self, double p,
                                        Generator* generator) {
  if (!(p >= 0 && p <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("bernoulli_ expects p to be in [0, 1], but got p=", p));
  }
  Generator& g = Pick(generator);
  TANDEM_RETURN_IF_ERROR(
      DrawDoubles(self, [&] { return g.UniformDouble() < p ? 1.0 : 0.0; }));
  return self;
}

void AddRandomFill(KernelRegistrar& r) {
  r.Add("aten::uniform_", &UniformInPlace)
      .Add("aten::uniform", &Functional<UniformInPlace>::Call)
      .Add("aten::uniform.out", &Functional<UniformInPlace>::Out)
      .Add("aten::normal_", &NormalInPlace)
      .Add("aten::normal_functional", &Functional<NormalInPlace>::Call)
      .Add("aten::normal.out", &Functional<NormalInPlace>::Out)
      .Add("aten::log_normal_", &LogNormalInPlace)
      .Add("aten::log_normal", &Functional<LogNormalInPlace>::Call)
      .Add("aten::log_normal.out", &Functional<LogNormalInPlace>::Out)
      .Add("aten::cauchy_", &CauchyInPlace)
      .Add("aten::cauchy", &Functional<CauchyInPlace>::Call)
      .Add("aten::cauchy.out", &Functional<CauchyInPlace>::Out)
      .Add("aten::geometric_", &GeometricInPlace)
      .Add("aten::geometric", &Functional<GeometricInPlace>::Call)
      .Add("aten::geometric.out", &Functional<GeometricInPlace>::Out)
      .Add("aten::exponential_", &ExponentialInPlace)
      .Add("aten::exponential", &Functional<ExponentialInPlace>::Call)
      .Add("aten::exponential.out", &Functional<ExponentialInPlace>::Out)
      .Add("aten::random_", &RandomFull)
      .Add("aten::random_.to", &RandomTo)
      .Add("aten::random_.from", &RandomFrom)
      .Add("aten::random", &Functional<RandomFull>::Call)
      .Add("aten::random.out", &Functional<RandomFull>::Out)
      .Add("aten::random.to", &Functional<RandomTo>::Call)
      .Add("aten::random.to_out", &Functional<RandomTo>::Out)
      .Add("aten::random.from", &Functional<RandomFrom>::Call)
      .Add("aten::random.from_out", &Functional<RandomFrom>::Out)
      .Add("aten::_no_grad_uniform_", &UniformNoGrad)
      .Add("aten::_no_grad_normal_", &NormalNoGrad)
      .Add("aten::manual_seed", &ManualSeed)
      .AddBoxed("aten::manual_seed.generator", &SeedGenerator)
      .Add("aten::initial_seed", &InitialSeed)
      .Add("aten::seed", &SeedFromClock);
}

}  // namespace tandem::reference
