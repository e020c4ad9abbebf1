// Calls of operators on the device and on the CPU, compared.
#ifndef TANDEM_TESTS_CUDA_DEVICE_TEST_BASE_H_
#define TANDEM_TESTS_CUDA_DEVICE_TEST_BASE_H_

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tandem/backends/cuda/cuda.h"
#include "tandem/backends/cuda/fake_driver.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/copy.h"

namespace tandem::cuda {

// The host's compiler, and NVRTC beside it where that is installed: what runs
// here must compile for a GPU too.
class BothCompilers : public Compiler {
 public:
  BothCompilers() : host_(*MakeHostCompiler()), nvrtc_(LoadNvrtc()) {}
  absl::StatusOr<std::string> Compile(const std::string& source,
                                      int arch) const override {
    if (nvrtc_.ok()) {
      const auto image = (*nvrtc_)->Compile(source, arch);
      if (!image.ok()) return image.status();
    }
    return host_->Compile(source, arch);
  }

 private:
  const std::shared_ptr<const Compiler> host_;
  const absl::StatusOr<std::shared_ptr<const Compiler>> nvrtc_;
};

// Registry and runtime over the GPU of this machine, or the fake driver with
// kernels that the host's compiler makes.
class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    Options options;
    if (!LoadDriver().ok()) {
      if (!MakeHostCompiler().ok()) GTEST_SKIP() << "no C++ compiler here";
      static const auto* const compiler = new std::shared_ptr<const Compiler>(
          std::make_shared<BothCompilers>());
      fake_ = FakeDriver::Create();
      options.libraries.driver = [this] { return fake_; };
      options.libraries.compiler = [] { return *compiler; };
      // No libraries: the generated kernels of products and convolutions.
      options.libraries.blas = [] {
        return absl::StatusOr<std::shared_ptr<const CublasLt>>(
            absl::NotFoundError("no cuBLASLt"));
      };
      options.libraries.dnn = [] {
        return absl::StatusOr<std::shared_ptr<const Cudnn>>(
            absl::NotFoundError("no cuDNN"));
      };
      SetLibraries(&options.libraries);
    }
    ASSERT_TRUE(reference::Register(registry_).ok());
    const auto runtime = Register(registry_, options);
    ASSERT_TRUE(runtime.ok()) << runtime.status();
    runtime_ = *runtime;
    gpu_ = *runtime_->Get(0);
  }
  void TearDown() override {
    gpu_ = nullptr;
    runtime_.reset();
    if (fake_ == nullptr) return;
    EXPECT_EQ(fake_->Faults(), "");
  }
  virtual void SetLibraries(Libraries*) {}

  // The kernel of `backend` for "aten::add.Tensor"; missing arguments at the
  // end take their defaults.
  absl::StatusOr<std::vector<IValue>> Call(const std::string& backend,
                                           const std::string& name,
                                           std::vector<IValue> args) {
    const size_t dot = name.find('.');
    const Operator* op = registry_.operators().Find(
        name.substr(0, dot),
        dot == std::string::npos ? "" : name.substr(dot + 1));
    if (op == nullptr) return absl::NotFoundError(name);
    while (args.size() < op->schema.arguments.size()) {
      const auto& a = op->schema.arguments[args.size()];
      if (!a.default_value.has_value()) return absl::NotFoundError(a.name);
      args.push_back(*a.default_value);
    }
    const KernelEntry* entry =
        registry_.Find(*op, absl::MakeConstSpan(&backend, 1));
    if (entry == nullptr) {
      return absl::NotFoundError(absl::StrCat(backend, " has no ", name));
    }
    const size_t n = args.size(), m = op->schema.returns.size();
    args.resize(n + m);
    std::vector<uint32_t> places(n + m);
    for (size_t i = 0; i < n + m; ++i) places[i] = static_cast<uint32_t>(i);
    const KernelCall call{args.data(), places.data(), places.data() + n,
                          static_cast<uint32_t>(n), static_cast<uint32_t>(m)};
    if (absl::Status s = entry->kernel(call); !s.ok()) return s;
    return std::vector<IValue>(args.begin() + static_cast<long>(n), args.end());
  }

  // Both, and what they give; `tolerance` relative and absolute. Arguments
  // that are written are compared too.
  void Check(const std::string& name, const std::vector<IValue>& args,
             double tolerance = 1e-5, bool on_device = true) {
    SCOPED_TRACE(name);
    std::vector<IValue> own, there;
    for (const IValue& v : args) own.push_back(CloneOf(v));
    for (const IValue& v : args) {
      auto moved = ToDevice(*gpu_, v);
      ASSERT_TRUE(moved.ok()) << moved.status();
      there.push_back(*moved);
    }
    const auto right = Call("reference", name, own);
    ASSERT_TRUE(right.ok()) << right.status();
    const int64_t launches = fake_ == nullptr ? 0 : fake_->counts().launches;
    const auto got = Call("cuda", name, there);
    ASSERT_TRUE(got.ok()) << got.status();
    if (fake_ != nullptr && on_device) {
      EXPECT_GT(fake_->counts().launches, launches)
          << "it ran on the CPU, not in a kernel";
    }
    ASSERT_EQ(got->size(), right->size());
    for (size_t i = 0; i < got->size(); ++i) {
      Compare((*got)[i], (*right)[i], tolerance);
    }
    for (size_t i = 0; i < own.size(); ++i)
      Compare(there[i], own[i], tolerance);
  }

  void Compare(const IValue& got, const IValue& right, double tolerance) {
    if (right.is_tensor()) {
      if (!right.AsTensor().defined()) return;
      CompareTensors(got.AsTensor(), right.AsTensor(), tolerance);
    } else if (right.is_list()) {
      ASSERT_EQ(got.AsList().values.size(), right.AsList().values.size());
      for (size_t i = 0; i < right.AsList().values.size(); ++i) {
        Compare(got.AsList().values[i], right.AsList().values[i], tolerance);
      }
    }
  }

  void CompareTensors(const Tensor& got, const Tensor& right,
                      double tolerance) {
    ASSERT_TRUE(got.defined());
    EXPECT_EQ(got.dtype(), right.dtype());
    ASSERT_EQ(got.sizes(), right.sizes());
    const IValue host = *ToCpu(*runtime_, IValue(got));
    const Tensor a = *CloneContiguous(host.AsTensor(), DType::kDouble);
    const Tensor b = *CloneContiguous(right, DType::kDouble);
    for (int64_t i = 0; i < a.numel(); ++i) {
      const double x = a.data<double>()[i], y = b.data<double>()[i];
      if (std::isnan(y) && std::isnan(x)) continue;
      if (x == y) continue;
      ASSERT_LE(std::abs(x - y), tolerance * (1 + std::abs(y)))
          << "element " << i << ": " << x << " for " << y;
    }
  }

  static IValue CloneOf(const IValue& v) {
    if (v.is_tensor() && v.AsTensor().defined()) {
      return IValue(*Clone(v.AsTensor()));
    }
    if (v.is_list()) {
      std::vector<IValue> values;
      for (const IValue& e : v.AsList().values) values.push_back(CloneOf(e));
      return IValue(MakeList(v.AsList().element_type, std::move(values)));
    }
    return v;
  }

  // Numbers that repeat from run to run, in [low, high).
  static Tensor Values(DimSpan sizes, double low = -2, double high = 2,
                       DType dtype = DType::kFloat) {
    const Tensor t = *Tensor::Empty(sizes, DType::kDouble);
    uint64_t state = 12345 + static_cast<uint64_t>(t.numel());
    for (int64_t i = 0; i < t.numel(); ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      t.data<double>()[i] =
          low + (high - low) * static_cast<double>(state >> 40) / (1 << 24);
    }
    return *CloneContiguous(t, dtype);
  }
  static IValue Ints(std::vector<int64_t> values) {
    return IValue(MakeIntList(values));
  }

  std::shared_ptr<FakeDriver> fake_;
  Registry registry_;
  std::shared_ptr<Runtime> runtime_;
  Gpu* gpu_ = nullptr;
};

}  // namespace tandem::cuda

#endif  // TANDEM_TESTS_CUDA_DEVICE_TEST_BASE_H_
