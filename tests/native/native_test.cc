// native's kernels: what PyTorch recorded, what reference computes, and the
// accuracy of the vector functions.
#include "tandem/backends/native/native.h"

#include <gtest/gtest.h>

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
                                         "sort", "attention"),
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
  const double rtol = dtype == DType::kDouble  ? 1e-12
                      : dtype == DType::kFloat ? 3e-6
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
    if (dtype == DType::kInt64 || d.Next() % 3 == 0) {
      return IValue(static_cast<int64_t>(d.Next() % 7) - 3);
    }
    return IValue(static_cast<double>(d.Next() % 1000) / 300 - 1.5);
  }
  if (a.default_value.has_value()) return a.default_value;
  return std::nullopt;
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
    for (int round = 0; round < 60; ++round) {
      const DType kDTypes[] = {DType::kFloat, DType::kFloat, DType::kDouble,
                               DType::kInt64, DType::kBool};
      const DType dtype = kDTypes[d.Next() % 5];
      const Dims sizes = d.Sizes();
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

}  // namespace
}  // namespace tandem
