// Sparse and quantized tensors: results as PyTorch 2.15 gives them.
#include "tandem/backends/reference/borrowed.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

class BorrowedTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(Register(registry_).ToString(), "OK"); }

  absl::StatusOr<std::vector<IValue>> Call(std::string backend,
                                           absl::string_view op,
                                           std::vector<IValue> registers) {
    const std::pair<std::string, std::string> name =
        absl::StrSplit(op, absl::MaxSplits('.', 1));
    const Operator* row = registry_.operators().Find(name.first, name.second);
    if (row == nullptr) return absl::NotFoundError(op);
    const KernelEntry* kernel =
        registry_.Find(*row, absl::MakeConstSpan(&backend, 1));
    if (kernel == nullptr) return absl::NotFoundError("no kernel");
    registers.resize(row->schema.arguments.size());
    return DenseKernel(kernel)(registers, row->schema.returns.size());
  }
  Tensor One(const std::string& backend, absl::string_view op,
             std::vector<IValue> arguments) {
    auto results = Call(backend, op, std::move(arguments));
    EXPECT_EQ(results.status().ToString(), "OK") << op;
    return results.ok() ? (*results)[0].AsTensor() : Tensor();
  }
  std::string ErrorOf(const std::string& backend, absl::string_view op,
                      std::vector<IValue> arguments) {
    return std::string(
        Call(backend, op, std::move(arguments)).status().message());
  }

  // Entries (0, 2), (1, 0), (1, 0).
  Tensor Coo(std::vector<float> values, std::vector<int64_t> sizes = {2, 3}) {
    Tensor indices = *Tensor::FromSpan<int64_t>({0, 1, 1, 2, 0, 0});
    indices = indices.ViewUnchecked({2, 3}, {3, 1}, 0);
    return One("reference", "aten::sparse_coo_tensor.indices_size",
               {IValue(indices), IValue(*Tensor::FromSpan<float>(values)),
                IValue(MakeIntList(sizes))});
  }
  Tensor Quantized(std::vector<float> values, double scale, DType dtype) {
    return One("reference", "aten::quantize_per_tensor",
               {IValue(*Tensor::FromSpan<float>(values)), IValue(scale),
                IValue(int64_t{0}), IValue(static_cast<int64_t>(dtype))});
  }
  static std::string Show(const Tensor& t) {
    const Tensor x = *Contiguous(t, DType::kDouble);
    return absl::StrJoin(absl::MakeConstSpan(x.data<double>(), x.numel()), " ");
  }
  std::string Dense(const Tensor& t) {
    return Show(One("reference", "aten::to_dense", {IValue(t)}));
  }

  Registry registry_;
};

TEST_F(BorrowedTest, CoalescedEntriesAreAPartOfAllColumns) {
  const Tensor c = One("reference", "aten::coalesce", {IValue(Coo({3, 4, 5}))});
  const SparseParts& parts = *c.impl()->sparse;
  EXPECT_EQ(Show(parts.indices), "0 1 2 0");
  EXPECT_EQ(DimsToString(parts.indices.strides()), "[3, 1]");
  EXPECT_EQ(Show(parts.values), "3 9");
  EXPECT_TRUE(parts.coalesced);
}

TEST_F(BorrowedTest, SumsWalkTheEntriesOfBoth) {
  const Tensor c = Coo({3, 4, 5});
  const Tensor k = One("reference", "aten::coalesce", {IValue(c)});
  const Tensor sum = One("sparse", "aten::add.Tensor",
                         {IValue(c), IValue(k), IValue(int64_t{1})});
  EXPECT_EQ(Show(sum.impl()->sparse->values), "6 13 5");
  EXPECT_FALSE(sum.impl()->sparse->coalesced);
  EXPECT_EQ(Dense(sum), "0 0 6 18 0 0");
  const Tensor product =
      One("sparse", "aten::mul.Tensor", {IValue(c), IValue(c)});
  EXPECT_EQ(Show(product.impl()->sparse->values), "9 36 45");
}

TEST_F(BorrowedTest, UnaryOperatorsKeepEntriesOrAddThemFirst) {
  const Tensor c = Coo({3, 4, -5});
  EXPECT_EQ(
      Show(One("sparse", "aten::neg", {IValue(c)}).impl()->sparse->values),
      "-3 -4 5");
  EXPECT_EQ(
      Show(One("sparse", "aten::abs", {IValue(c)}).impl()->sparse->values),
      "3 1");
  EXPECT_EQ(Dense(One("sparse", "aten::t", {IValue(c)})), "0 -1 0 0 3 0");
}

TEST_F(BorrowedTest, ConvertsBetweenLayouts) {
  const Tensor csr =
      One("reference", "aten::to_sparse_csr", {IValue(Coo({3, 4, 5}))});
  EXPECT_EQ(Show(csr.impl()->sparse->crow), "0 1 2");
  EXPECT_EQ(Show(csr.impl()->sparse->col), "2 0");
  EXPECT_EQ(Dense(csr), "0 0 3 9 0 0");
}

TEST_F(BorrowedTest, RefusesPartsThatDoNotFit) {
  EXPECT_EQ(
      ErrorOf("reference", "aten::to_dense", {IValue(Coo({3, 4, 5}, {2, 2}))}),
      "size is inconsistent with indices: for dim 1, size is 2 but found "
      "index 2");
  const Tensor c = Coo({3, 4, 5});
  const Tensor d = *Tensor::Zeros({2, 3}, DType::kFloat);
  EXPECT_EQ(
      ErrorOf("sparse", "aten::add.Tensor",
              {IValue(c), IValue(d), IValue(int64_t{1})}),
      "add(sparse, dense) is not supported. Use add(dense, sparse) instead.");
  EXPECT_EQ(ErrorOf("reference", "aten::coalesce", {IValue(d)}),
            "coalesce expected sparse coordinate tensor layout but got "
            "Strided");
}

TEST_F(BorrowedTest, QuantizedTensorsAreComparedAndOrdered) {
  for (DType dtype : {DType::kQInt8, DType::kQUInt8, DType::kQInt32}) {
    const Tensor q = Quantized({2, 0, 3}, 0.5, dtype);
    EXPECT_EQ(Show(One("quantized", "aten::eq.Tensor", {IValue(q), IValue(q)})),
              "1 1 1");
    const Tensor most = One("quantized", "aten::max", {IValue(q)});
    EXPECT_EQ(most.dtype(), dtype);
    EXPECT_EQ(Show(One("reference", "aten::dequantize.self", {IValue(most)})),
              "3");
    const auto sorted = Call("quantized", "aten::sort",
                             {IValue(q), IValue(int64_t{-1}), IValue(false)});
    ASSERT_EQ(sorted.status().ToString(), "OK");
    EXPECT_EQ(Show((*sorted)[1].AsTensor()), "1 0 2");
  }
}

TEST_F(BorrowedTest, DynamicScalesAreDoubles) {
  const Tensor q =
      One("reference", "aten::quantize_per_tensor_dynamic",
          {IValue(*Tensor::FromSpan<float>({-1.3f, 2.7f})),
           IValue(static_cast<int64_t>(DType::kQUInt8)), IValue(false)});
  EXPECT_EQ(q.impl()->quantizer->scale,
            (static_cast<double>(2.7f) - -1.3f) / 255);
}

}  // namespace
}  // namespace tandem::reference
