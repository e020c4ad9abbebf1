// native's kernels: what PyTorch recorded, what reference computes, and the
// accuracy of the vector functions.
#include "tandem/backends/native/native.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "tandem/backends/native/kernel_table.h"
#include "tandem/backends/reference/recorded_cases.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/tensor/copy.h"

namespace tandem {
namespace {

const Registry& Both() {
  static const Registry* const kRegistry = [] {
    auto* r = new Registry();
    EXPECT_EQ(native::Register(*r).ToString(), "OK");
    EXPECT_EQ(reference::Register(*r).ToString(), "OK");
    return r;
  }();
  return *kRegistry;
}

class RecordedTest : public testing::TestWithParam<const char*> {};

TEST_P(RecordedTest, DoesAsRecorded) {
  const reference::CaseCounts counts = reference::RunRecordedCases(
      Both(),
      absl::StrCat("backends/reference/testdata/", GetParam(), "_cases.txt"),
      {"native", "reference"});
  EXPECT_GT(counts.run, 50);
  for (const std::string& failure : counts.failures) ADD_FAILURE() << failure;
}

INSTANTIATE_TEST_SUITE_P(Families, RecordedTest,
                         testing::Values("pointwise", "reduce", "matmul",
                                         "norm", "index", "shape", "rnn",
                                         "sort", "attention", "vision"),
                         [](const auto& info) {
                           return std::string(info.param);
                         });

// Distance from the exact value in units of its last place.
template <typename T>
double Ulps(T got, long double want) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : 1e9;
  const T rounded = static_cast<T>(want);
  if (std::isinf(rounded) || std::isinf(got)) return rounded == got ? 0 : 1e8;
  int exponent;
  std::frexp(static_cast<double>(rounded), &exponent);
  const int last = std::max(exponent - (sizeof(T) == 4 ? 24 : 53),
                            sizeof(T) == 4 ? -149 : -1074);
  return static_cast<double>(std::fabs(got - want) / std::ldexp(1.0L, last));
}

template <typename T>
std::vector<T> Everywhere() {
  std::vector<T> x = {0, -T(0), 1, -1, T(INFINITY), -T(INFINITY), T(NAN)};
  for (T v = -20; v < 20; v += T(0.0017)) x.push_back(v);
  if constexpr (sizeof(T) == 4) {
    for (uint64_t u = 0; u < uint64_t{1} << 32; u += 49999) {
      const uint32_t bits = static_cast<uint32_t>(u);
      T v;
      std::memcpy(&v, &bits, 4);
      x.push_back(v);
    }
  } else {
    std::mt19937_64 random(1);
    for (int i = 0; i < 50000; ++i) {
      const uint64_t bits = random();
      T v;
      std::memcpy(&v, &bits, 8);
      x.push_back(v);
    }
  }
  return x;
}

struct Function {
  const char* name;
  native::Op op;
  long double (*exact)(long double);
  double ulps;
};

template <typename T>
void CheckAccuracy(const native::KernelTable& table, const Function& f) {
  const native::RowFunction row =
      table.rows[static_cast<int>(f.op)][sizeof(T) == 4 ? 0 : 1];
  if (row == nullptr) return;
  static const std::vector<T>* const kInputs =
      new std::vector<T>(Everywhere<T>());
  std::vector<T> y(kInputs->size());
  const void* in[] = {kInputs->data()};
  row(y.data(), in, 0, static_cast<int64_t>(y.size()), nullptr);
  double worst = 0;
  T at = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const double ulps = Ulps(y[i], f.exact((*kInputs)[i]));
    if (ulps > worst) {
      worst = ulps;
      at = (*kInputs)[i];
    }
  }
  EXPECT_LE(worst, f.ulps) << table.name << " " << f.name << " of " << at;
}

TEST(VectorMathTest, StaysWithinTwoUnitsInTheLastPlace) {
  using native::Op;
  const Function kFunctions[] = {
      {"exp", Op::kExp, [](long double x) { return std::exp(x); }, 1.1},
      {"expm1", Op::kExpm1, [](long double x) { return std::expm1(x); }, 2},
      {"log", Op::kLog, [](long double x) { return std::log(x); }, 1},
      {"log2", Op::kLog2, [](long double x) { return std::log2(x); }, 1.2},
      {"log1p", Op::kLog1p, [](long double x) { return std::log1p(x); }, 1.5},
      {"tanh", Op::kTanh, [](long double x) { return std::tanh(x); }, 2},
      {"sigmoid", Op::kSigmoid,
       [](long double x) { return 1 / (1 + std::exp(-x)); }, 2},
      {"erf", Op::kErf, [](long double x) { return std::erf(x); }, 1.2},
      {"sin", Op::kSin, [](long double x) { return std::sin(x); }, 1.5},
      {"cos", Op::kCos, [](long double x) { return std::cos(x); }, 1.5},
      {"sqrt", Op::kSqrt, [](long double x) { return std::sqrt(x); }, 0.501},
      {"floor", Op::kFloor, [](long double x) { return std::floor(x); }, 0},
      {"ceil", Op::kCeil, [](long double x) { return std::ceil(x); }, 0},
      {"round", Op::kRound, [](long double x) { return std::nearbyint(x); }, 0},
      {"trunc", Op::kTrunc, [](long double x) { return std::trunc(x); }, 0},
  };
  std::vector<const native::KernelTable*> tables = {&native::Sse2Kernels()};
  if (__builtin_cpu_supports("avx2")) {
    tables.push_back(&native::Avx2Kernels());
  }
  if (__builtin_cpu_supports("avx512f")) {
    tables.push_back(&native::Avx512Kernels());
  }
  for (const native::KernelTable* table : tables) {
    for (const Function& f : kFunctions) {
      CheckAccuracy<float>(*table, f);
      CheckAccuracy<double>(*table, f);
    }
  }
}

// Random tensors of many shapes and strides through every kernel of native that
// takes up to three of them, against reference.
class Differ {
 public:
  explicit Differ(uint32_t seed) : random_(seed) {}

  double Draw() {
    const int kind = static_cast<int>(random_() % 40);
    if (kind == 0) return NAN;
    if (kind == 1) return INFINITY;
    if (kind == 2) return -INFINITY;
    if (kind == 3) return 0;
    return std::normal_distribution<double>(0, 2)(random_);
  }

  Tensor Make(Dims sizes, DType dtype) {
    Tensor t = *Tensor::Empty(sizes, DType::kDouble);
    for (int64_t i = 0; i < t.numel(); ++i) t.data<double>()[i] = Draw();
    if (dtype == DType::kBool) {
      for (int64_t i = 0; i < t.numel(); ++i) {
        t.data<double>()[i] = random_() & 1;
      }
    }
    if (IsIntegral(dtype, false)) {
      for (int64_t i = 0; i < t.numel(); ++i) {
        t.data<double>()[i] = static_cast<double>(random_() % 21) - 10;
      }
    }
    t = *Contiguous(t, dtype);
    const int64_t rank = t.dim();
    switch (random_() % 4) {
      case 0: {  // another order of dims
        if (rank < 2) return t;
        Dims s(sizes), st(t.strides().begin(), t.strides().end());
        std::swap(s[0], s[rank - 1]);
        Tensor turned = *Tensor::Empty(s, dtype);
        Dims view(turned.strides().begin(), turned.strides().end());
        std::swap(view[0], view[rank - 1]);
        Tensor v = turned.ViewUnchecked(sizes, view, 0);
        EXPECT_TRUE(CopyElements(t, v).ok());
        return v;
      }
      case 1: {  // every second element
        if (rank < 1) return t;
        Dims s(sizes);
        s[rank - 1] *= 2;
        Tensor wide = *Tensor::Zeros(s, dtype);
        Dims view(wide.strides().begin(), wide.strides().end());
        view[rank - 1] = 2;
        Tensor v = wide.ViewUnchecked(sizes, view, 0);
        EXPECT_TRUE(CopyElements(t, v).ok());
        return v;
      }
      default:
        return t;
    }
  }

  Dims Sizes() {
    static const std::vector<Dims> kSizes = {
        {},        {1},          {7},       {3, 4},    {16, 33},
        {2, 3, 5}, {1, 65},      {5, 1, 9}, {0, 3},    {2, 1000},
        {129},     {4, 8, 3, 2}, {40000},   {200, 300}};
    return kSizes[random_() % kSizes.size()];
  }
  // Sizes that broadcast with these.
  Dims Beside(const Dims& sizes) {
    Dims s = sizes;
    switch (random_() % 4) {
      case 0:
        return {};
      case 1:
        if (!s.empty()) return {s.back()};
        return s;
      case 2:
        for (int64_t& d : s) {
          if (random_() & 1) d = 1;
        }
        return s;
      default:
        return s;
    }
  }
  uint32_t Next() { return static_cast<uint32_t>(random_()); }

 private:
  std::mt19937 random_;
};

bool IsNear(double a, double b, DType dtype) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  if (std::isinf(a) || std::isinf(b)) return false;
  const double rtol = dtype == DType::kDouble     ? 1e-12
                      : dtype == DType::kFloat    ? 3e-6
                      : dtype == DType::kHalf     ? 0x1p-10
                      : dtype == DType::kBFloat16 ? 0x1p-7
                                                  : 0;
  const double atol = dtype == DType::kDouble  ? 1e-13
                      : dtype == DType::kFloat ? 2e-6
                                               : 0;
  return std::fabs(a - b) <= atol + rtol * std::max(std::fabs(a), std::fabs(b));
}

std::string Difference(const Tensor& a, const Tensor& b, double slack = 1) {
  if (a.dtype() != b.dtype()) return "dtype";
  if (a.sizes() != b.sizes()) return "sizes";
  if (a.strides() != b.strides()) {
    return absl::StrCat("strides ", DimsToString(a.strides()), " not ",
                        DimsToString(b.strides()));
  }
  const Tensor x = *Contiguous(a, DType::kDouble);
  const Tensor y = *Contiguous(b, DType::kDouble);
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double p = x.data<double>()[i], q = y.data<double>()[i];
    if (!IsNear(p, q, a.dtype()) &&
        !(std::fabs(p - q) <= slack * 1e-6 && IsFloatingPoint(a.dtype()))) {
      return absl::StrCat("element ", i, ": ", p, " not ", q);
    }
  }
  return "";
}

std::optional<IValue> ArgumentOf(const Argument& a, Differ& d,
                                 const Dims& sizes, DType dtype, bool first,
                                 absl::string_view op) {
  const Type& type = *a.type;
  if (type.kind() == TypeKind::kTensor) {
    const bool condition = a.name == "condition" || a.name == "mask";
    const Dims s = first ? sizes : d.Beside(sizes);
    return IValue(d.Make(s, condition ? DType::kBool : dtype));
  }
  if (type.kind() == TypeKind::kNumber ||
      (type.kind() == TypeKind::kOptional &&
       type.element()->kind() == TypeKind::kNumber)) {
    if (a.name == "alpha" || a.name == "value" || a.name == "scale" ||
        a.name == "input_scale" || a.name == "beta") {
      return d.Next() % 2 ? IValue(int64_t{1}) : IValue(int64_t{2});
    }
    if (op == "aten::pow") return IValue(static_cast<int64_t>(d.Next() % 4));
    if (IsIntegral(dtype, false) || d.Next() % 3 == 0) {
      return IValue(static_cast<int64_t>(d.Next() % 7) - 3);
    }
    return IValue(static_cast<double>(d.Next() % 1000) / 300 - 1.5);
  }
  if (a.default_value.has_value()) return a.default_value;
  return std::nullopt;
}

// One operator by one backend; nullopt when it declines.
std::optional<Tensor> Call(const char* name, const std::string& backend,
                           std::vector<IValue> registers,
                           const std::string& overload = "") {
  const Operator* op = Both().operators().Find(name, overload);
  const KernelEntry* entry = Both().Find(*op, {backend});
  if (entry == nullptr) return std::nullopt;
  const uint32_t count = static_cast<uint32_t>(registers.size());
  registers.emplace_back();
  std::vector<uint32_t> numbers;
  for (uint32_t i = 0; i <= count; ++i) numbers.push_back(i);
  const KernelCall call{registers.data(), numbers.data(),
                        numbers.data() + count, count, 1};
  const absl::Status status = entry->kernel(call);
  if (!status.ok()) return std::nullopt;
  return registers[count].AsTensor();
}

TEST(NativeTest, PoolsRegionsAsReference) {
  Differ d(5);
  const auto draw = [&](double low, double high) {
    return low + (high - low) * (d.Next() % 10007) / 10007.0;
  };
  int taken = 0;
  for (int round = 0; round < 60; ++round) {
    const int64_t batch = 1 + d.Next() % 3, channels = 1 + d.Next() % 40,
                  height = 1 + d.Next() % 20, width = 1 + d.Next() % 20,
                  count = 1 + d.Next() % 9;
    Tensor map =
        *Tensor::Empty({batch, channels, height, width}, DType::kFloat);
    for (int64_t i = 0; i < map.numel(); ++i) {
      map.data<float>()[i] = static_cast<float>(draw(-2, 2));
    }
    if (round % 3 == 0) map = *Clone(map, MemoryFormat::kChannelsLast);
    // Regions inside, across the border, far outside, of no size.
    Tensor rois = *Tensor::Empty({count, 5}, DType::kFloat);
    for (int64_t i = 0; i < count; ++i) {
      float* r = rois.data<float>() + 5 * i;
      r[0] = static_cast<float>(d.Next() % batch);
      r[1] = static_cast<float>(draw(-20, 80));
      r[2] = static_cast<float>(draw(-20, 80));
      r[3] = r[1] + static_cast<float>(draw(0.5, 60));
      r[4] = r[2] + static_cast<float>(draw(0.5, 60));
    }
    const int64_t ratio = static_cast<int64_t>(d.Next() % 4) - 1;
    std::vector<IValue> arguments = {IValue(map),
                                     IValue(rois),
                                     IValue(0.25),
                                     IValue(int64_t{1} + d.Next() % 7),
                                     IValue(int64_t{1} + d.Next() % 7),
                                     IValue(ratio),
                                     IValue(round % 2 == 0)};
    const auto want = Call("torchvision::roi_align", "reference", arguments);
    const auto got = Call("torchvision::roi_align", "native", arguments);
    ASSERT_TRUE(want.has_value());
    if (!got.has_value()) continue;
    ++taken;
    EXPECT_EQ(Difference(*got, *want, 4), "") << round;
  }
  EXPECT_GT(taken, 40);
}

TEST(NativeTest, LeavesRegionsThatAreNoneToReference) {
  Tensor map = *Tensor::Zeros({1, 2, 4, 4}, DType::kFloat);
  const auto takes = [&](std::vector<float> roi, double scale) {
    Tensor rois = *Tensor::Empty({1, 5}, DType::kFloat);
    std::copy(roi.begin(), roi.end(), rois.data<float>());
    return Call("torchvision::roi_align", "native",
                {IValue(map), IValue(rois), IValue(scale), IValue(int64_t{2}),
                 IValue(int64_t{2}), IValue(int64_t{-1}), IValue(true)})
        .has_value();
  };
  EXPECT_TRUE(takes({0, 0, 0, 3, 3}, 1));
  EXPECT_FALSE(takes({1, 0, 0, 3, 3}, 1));  // no such image
  EXPECT_FALSE(takes({-1, 0, 0, 3, 3}, 1));
  EXPECT_FALSE(takes({NAN, 0, 0, 3, 3}, 1));
  EXPECT_FALSE(takes({0, 3, 3, 0, 0}, 1));  // turned corners
  EXPECT_FALSE(takes({0, NAN, 0, 3, 3}, 1));
  EXPECT_FALSE(takes({0, 0, 0, INFINITY, 3}, 1));
  EXPECT_FALSE(takes({0, 0, 0, 3, 3}, 1e6));  // samples without end
}

TEST(NativeTest, SoftmaxAlongEveryDimAsReference) {
  Differ d(11);
  const Dims kSizes[] = {{7}, {3, 4}, {70, 129}, {2, 300, 5}, {2, 3, 140}};
  const DType kDTypes[] = {DType::kFloat, DType::kHalf, DType::kBFloat16};
  int taken = 0;
  for (const Dims& sizes : kSizes) {
    for (DType dtype : kDTypes) {
      const Tensor x = d.Make(sizes, dtype);
      for (int64_t dim = 0; dim < x.dim(); ++dim) {
        for (const char* name :
             {"aten::softmax", "aten::log_softmax", "aten::logsumexp"}) {
          const bool sums = absl::string_view(name) == "aten::logsumexp";
          const std::string overload = sums ? "" : "int";
          for (const bool wide : {false, true}) {
            std::vector<IValue> arguments = {
                IValue(x), IValue(dim),
                wide ? IValue(static_cast<int64_t>(DType::kFloat)) : IValue()};
            if (sums) {
              arguments[1] = IValue(MakeIntList({dim}));
              arguments[2] = IValue(wide);
            }
            const auto want = Call(name, "reference", arguments, overload);
            const auto got = Call(name, "native", arguments, overload);
            ASSERT_TRUE(want.has_value());
            if (!got.has_value()) continue;
            ++taken;
            EXPECT_EQ(Difference(*got, *want, 5), "")
                << name << " " << TypeName(dtype) << DimsToString(sizes) << " "
                << dim;
          }
        }
      }
    }
  }
  EXPECT_GT(taken, 150);
}

TEST(NativeTest, DistancesAndMeansOfPlanesAsReference) {
  Differ d(13);
  for (int64_t n : {1, 5, 16, 33, 100, 5000}) {
    for (int64_t batch : {0, 3}) {
      Dims left = {7, n}, right = {90, n};
      if (batch != 0) {
        left.insert(left.begin(), batch);
        right.insert(right.begin(), batch);
      }
      const std::vector<IValue> arguments = {
          IValue(*Contiguous(d.Make(left, DType::kFloat))),
          IValue(*Contiguous(d.Make(right, DType::kFloat))), IValue(2.0),
          IValue()};
      const auto got = Call("aten::cdist", "native", arguments);
      ASSERT_TRUE(got.has_value());
      EXPECT_EQ(
          Difference(*got, *Call("aten::cdist", "reference", arguments), 30),
          "")
          << n;
    }
  }
  for (const Dims& sizes : {Dims{2, 3, 5, 7}, Dims{40, 14, 14}}) {
    const std::vector<IValue> arguments = {
        IValue(*Contiguous(d.Make(sizes, DType::kFloat))),
        IValue(MakeIntList({1, 1}))};
    const auto got = Call("aten::adaptive_avg_pool2d", "native", arguments);
    ASSERT_TRUE(got.has_value());
    EXPECT_EQ(
        Difference(*got,
                   *Call("aten::adaptive_avg_pool2d", "reference", arguments),
                   3),
        "");
  }
}

// Quadrants, zeros of both signs, infinities, NaN.
TEST(VectorMathTest, Atan2AsLibrary) {
  std::vector<float> values = {0.f,       -0.f, 1.f,    -1.f,  INFINITY,
                               -INFINITY, NAN,  1e-40f, 3e38f, -1e-30f};
  for (float v = -3; v < 3; v += 0.037f) values.push_back(v);
  std::vector<float> y, x;
  for (float a : values) {
    for (float b : values) {
      y.push_back(a);
      x.push_back(b);
    }
  }
  std::vector<float> got(y.size());
  const void* in[] = {y.data(), x.data()};
  native::Kernels().rows[static_cast<int>(native::Op::kAtan2)][0](
      got.data(), in, 0, static_cast<int64_t>(y.size()), nullptr);
  for (size_t i = 0; i < y.size(); ++i) {
    const long double want = std::atan2(static_cast<long double>(y[i]),
                                        static_cast<long double>(x[i]));
    ASSERT_LE(Ulps(got[i], want), 3) << y[i] << " " << x[i] << " " << got[i];
    if (want == 0) {
      ASSERT_EQ(std::signbit(got[i]), std::signbit(y[i]));
    }
  }
}

TEST(NativeTest, CrossEntropyAsReference) {
  Differ d(12);
  for (const Dims& sizes : {Dims{6, 40}, Dims{2, 5, 3}, Dims{1, 300, 2, 2}}) {
    const Tensor x = d.Make(sizes, DType::kFloat);
    Dims labels(sizes);
    labels.erase(labels.begin() + 1);
    Tensor t = *Tensor::Empty(labels, DType::kInt64);
    for (int64_t i = 0; i < t.numel(); ++i) {
      t.data<int64_t>()[i] = d.Next() % sizes[1];
    }
    const auto both = [&](int64_t reduction, int64_t ignore, double smoothing) {
      const std::vector<IValue> arguments = {
          IValue(x),         IValue(t),      IValue(Tensor()),
          IValue(reduction), IValue(ignore), IValue(smoothing)};
      const auto want =
          Call("aten::cross_entropy_loss", "reference", arguments);
      const auto got = Call("aten::cross_entropy_loss", "native", arguments);
      if (smoothing != 0 || !want.has_value()) {
        EXPECT_FALSE(got.has_value());
        return;
      }
      ASSERT_TRUE(got.has_value());
      EXPECT_EQ(Difference(*got, *want, 5), "") << reduction;
    };
    for (int64_t reduction = 0; reduction < 3; ++reduction) {
      both(reduction, -100, 0);
      both(reduction, t.data<int64_t>()[0], 0);
      both(reduction, -100, 0.1);
    }
    t.data<int64_t>()[1] = sizes[1];  // no such class
    both(1, -100, 0);
    both(1, sizes[1], 0);
  }
}

TEST(NativeTest, ComputesAsReference) {
  const Registry& registry = Both();
  const std::vector<std::string> kNative = {"native"},
                                 kReference = {"reference"};
  int taken = 0;
  std::set<std::string> ops;
  for (const Operator* op : registry.operators().All()) {
    const KernelEntry* fast = registry.Find(*op, kNative);
    const KernelEntry* plain = registry.Find(*op, kReference);
    if (fast == nullptr || plain == nullptr) continue;
    if (op->schema.arguments.empty() ||
        op->schema.arguments[0].type->kind() != TypeKind::kTensor) {
      continue;
    }
    Differ d(static_cast<uint32_t>(std::hash<std::string>()(op->schema.name)));
    for (int round = 0; round < 75; ++round) {
      const DType kDTypes[] = {DType::kFloat,    DType::kFloat, DType::kDouble,
                               DType::kInt64,    DType::kBool,  DType::kHalf,
                               DType::kBFloat16, DType::kInt32, DType::kUInt8};
      const DType dtype = kDTypes[d.Next() % 9];
      const Dims sizes = d.Sizes();
      // The square of its elements.
      const bool squares =
          op->schema.name == "aten::outer" || op->schema.name == "aten::ger";
      if (squares && !sizes.empty() && sizes[0] > 1000) continue;
      std::vector<IValue> registers[2];
      bool known = true;
      for (size_t i = 0; i < op->schema.arguments.size(); ++i) {
        std::optional<IValue> v = ArgumentOf(op->schema.arguments[i], d, sizes,
                                             dtype, i == 0, op->schema.name);
        if (!v.has_value()) {
          known = false;
          break;
        }
        for (auto& r : registers) {
          if (v->is_tensor()) {
            const Tensor& t = v->AsTensor();
            Tensor copy =
                *Tensor::EmptyStrided(t.sizes(), t.strides(), t.dtype());
            if (t.numel() > 0) {
              ASSERT_TRUE(CopyElements(t, copy).ok());
            }
            r.push_back(IValue(copy));
          } else {
            r.push_back(*v);
          }
        }
      }
      if (!known) break;
      std::vector<uint32_t> in, out;
      for (uint32_t i = 0; i < op->schema.arguments.size(); ++i)
        in.push_back(i);
      for (uint32_t i = 0; i < op->schema.returns.size(); ++i) {
        out.push_back(static_cast<uint32_t>(in.size()) + i);
      }
      absl::Status status[2];
      for (int b = 0; b < 2; ++b) {
        registers[b].resize(in.size() + out.size());
        const KernelCall call = {registers[b].data(), in.data(), out.data(),
                                 static_cast<uint32_t>(in.size()),
                                 static_cast<uint32_t>(out.size())};
        status[b] = (b == 0 ? fast : plain)->kernel(call);
        if (b == 0 && IsDeclined(status[0])) break;
      }
      if (IsDeclined(status[0])) continue;
      const std::string what =
          absl::StrCat(op->schema.ToString(), " of ", TypeName(dtype), " ",
                       DimsToString(sizes), " round ", round);
      ASSERT_EQ(status[0].ToString(), status[1].ToString()) << what;
      if (!status[0].ok()) continue;
      ++taken;
      ops.insert(op->schema.name);
      for (size_t i = 0; i < registers[0].size(); ++i) {
        if (!registers[0][i].is_tensor()) continue;
        const double slack = sizes.size() > 1 ? 30 : 300;
        const std::string why = Difference(registers[0][i].AsTensor(),
                                           registers[1][i].AsTensor(), slack);
        EXPECT_EQ(why, "") << what << ", value " << i;
        if (!why.empty()) round = 1000;
      }
    }
  }
  EXPECT_GT(taken, 3000);
  EXPECT_GT(ops.size(), 60u);
}

// Attention of random shapes, strides and masks; long enough for several blocks
// of queries.
TEST(NativeTest, AttendsAsReference) {
  const Registry& registry = Both();
  const Operator* op =
      registry.operators().Find("aten::scaled_dot_product_attention", "");
  const std::vector<std::string> kBackends[] = {{"native"}, {"reference"}};
  int taken = 0;
  for (uint32_t seed = 0; seed < 120; ++seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    const auto make = [&](const Dims& sizes, DType dtype) {
      Tensor t = *Tensor::Empty(sizes, DType::kFloat);
      for (int64_t i = 0; i < t.numel(); ++i) {
        t.data<float>()[i] = dtype == DType::kBool
                                 ? static_cast<float>(random() % 3 != 0)
                                 : normal(random);
      }
      return *Contiguous(t, dtype);
    };
    const int64_t b = 1 + random() % 2, h = 1 + random() % 3;
    const int64_t rows = 1 + random() % 150, cols = 1 + random() % 150;
    const int64_t width = 1 + random() % 40;
    // As heads of [batch, rows, heads, width], or in a row.
    const auto operand = [&](int64_t length, int64_t e) {
      if (random() % 2) return make({b, h, length, e}, DType::kFloat);
      const Tensor t = make({b, length, h, e}, DType::kFloat);
      return t.ViewUnchecked({b, h, length, e},
                             {t.stride(0), t.stride(2), t.stride(1), 1}, 0);
    };
    std::vector<IValue> arguments = {
        IValue(operand(rows, width)), IValue(operand(cols, width)),
        IValue(operand(cols, random() % 2 ? width : 1 + random() % 50))};
    const int kind = static_cast<int>(random() % 4);
    IValue mask;
    if (kind == 1) mask = IValue(make({rows, cols}, DType::kBool));
    if (kind == 2) mask = IValue(make({b, 1, 1, cols}, DType::kFloat));
    arguments.push_back(mask);
    arguments.push_back(IValue(0.0));
    arguments.push_back(IValue(kind == 3));
    arguments.push_back(random() % 2 ? IValue() : IValue(0.3));
    arguments.push_back(IValue(false));
    IValue results[2];
    absl::Status status[2];
    for (int i = 0; i < 2; ++i) {
      std::vector<IValue> registers = arguments;
      registers.emplace_back();
      std::vector<uint32_t> in;
      for (uint32_t j = 0; j < arguments.size(); ++j) in.push_back(j);
      const uint32_t out = static_cast<uint32_t>(arguments.size());
      const KernelCall call = {registers.data(), in.data(), &out,
                               static_cast<uint32_t>(in.size()), 1};
      status[i] = registry.Find(*op, kBackends[i])->kernel(call);
      results[i] = registers.back();
    }
    if (IsDeclined(status[0])) continue;
    ++taken;
    ASSERT_EQ(status[0].ToString(), "OK");
    ASSERT_EQ(status[1].ToString(), "OK");
    EXPECT_EQ(Difference(results[0].AsTensor(), results[1].AsTensor(), 10), "")
        << "seed " << seed << " kind " << kind << " " << rows << "x" << cols;
  }
  EXPECT_GT(taken, 100);
}

// Products of all paths: unpacked, few rows, packed with ragged edges.
TEST(NativeTest, MultipliesAsDoubles) {
  const Registry& registry = Both();
  const std::vector<std::string> kNative = {"native"};
  const Operator* op = registry.operators().Find("aten::mm", "");
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const auto& [m, n, k] :
       std::vector<std::array<int64_t, 3>>{{1, 1, 1},
                                           {3, 4, 5},
                                           {1, 500, 300},
                                           {4, 33, 257},
                                           {5, 1, 1000},
                                           {17, 31, 64},
                                           {65, 70, 90},
                                           {200, 300, 600},
                                           {2, 5000, 3},
                                           {130, 2100, 7},
                                           {100, 1, 64},
                                           {33, 65, 513}}) {
    for (int turned = 0; turned < 4; ++turned) {
      const auto make = [&](int64_t r, int64_t c, bool turn) {
        Tensor t = *Tensor::Empty({turn ? c : r, turn ? r : c}, DType::kFloat);
        for (int64_t i = 0; i < t.numel(); ++i) {
          t.data<float>()[i] = normal(random);
        }
        return turn ? t.ViewUnchecked({r, c}, {1, r}, 0) : t;
      };
      const Tensor a = make(m, k, turned & 1), b = make(k, n, turned & 2);
      IValue registers[3] = {IValue(a), IValue(b), IValue()};
      const uint32_t in[] = {0, 1}, out = 2;
      const KernelCall call = {registers, in, &out, 2, 1};
      ASSERT_TRUE(registry.Find(*op, kNative)->kernel(call).ok());
      const Tensor c = registers[2].AsTensor();
      for (int check = 0; check < 200; ++check) {
        const int64_t i = random() % m, j = random() % n;
        double sum = 0, size = 0;
        for (int64_t p = 0; p < k; ++p) {
          const double term =
              double{a.data<float>()[i * a.stride(0) + p * a.stride(1)]} *
              b.data<float>()[p * b.stride(0) + j * b.stride(1)];
          sum += term;
          size += std::fabs(term);
        }
        ASSERT_NEAR(c.data<float>()[i * n + j], sum, 1e-6 * size + 1e-30)
            << m << "x" << n << "x" << k << " turned " << turned;
      }
    }
  }
}

}  // namespace
}  // namespace tandem
