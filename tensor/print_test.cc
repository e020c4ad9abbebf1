#include "tandem/tensor/print.h"

#include <cmath>
#include <complex>
#include <limits>
#include <numeric>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "tandem/tensor/scalar.h"
#include "tandem/tensor/tensor.h"
#include "tandem/tensor/visit.h"

namespace tandem {
namespace {

template <typename T>
Tensor Make(DimSpan sizes, std::vector<T> values) {
  Tensor t = *Tensor::Empty(sizes, DTypeOf<T>::value);
  for (size_t i = 0; i < values.size(); ++i) t.data<T>()[i] = values[i];
  return t;
}

Tensor Iota(DimSpan sizes) {
  Tensor t = *Tensor::Empty(sizes, DType::kFloat);
  std::iota(t.data<float>(), t.data<float>() + t.numel(), 0.0f);
  return t;
}

std::string Text(const Tensor& t) {
  const absl::StatusOr<std::string> text = TensorToString(t);
  return text.ok() ? *text : text.status().ToString();
}

std::string Python(const Tensor& t) {
  const absl::StatusOr<std::string> text = TensorToPythonString(t);
  return text.ok() ? *text : text.status().ToString();
}

constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(ShortestDouble, WritesTheFewestDigits) {
  EXPECT_EQ(ShortestDouble(0.1), "0.1");
  EXPECT_EQ(ShortestDouble(0.1f), "0.10000000149011612");
  EXPECT_EQ(ShortestDouble(3), "3");
  EXPECT_EQ(ShortestDouble(-0.0), "-0");
  EXPECT_EQ(ShortestDouble(1e15), "1000000000000000");
  EXPECT_EQ(ShortestDouble(1e16), "1e+16");
  EXPECT_EQ(ShortestDouble(0.00012), "0.00012");
  EXPECT_EQ(ShortestDouble(1.23e-5), "1.23e-05");
  EXPECT_EQ(ShortestDouble(5e-324), "5e-324");
  EXPECT_EQ(ShortestDouble(-kInf), "-inf");
}

TEST(TensorToString, PrintsNumbers) {
  EXPECT_EQ(Text(*Tensor::FromScalar(Scalar(0.1f), DType::kFloat)),
            "0.10000000149011612\n[ CPUFloatType{} ]");
  EXPECT_EQ(Text(*Tensor::FromScalar(Scalar(true))), "1\n[ CPUBoolType{} ]");
  EXPECT_EQ(Text(*Tensor::FromScalar(Scalar(int64_t{12345678901234567}))),
            "1.2345678901234568e+16\n[ CPULongType{} ]");
}

TEST(TensorToString, ChoosesOneFormatForAVector) {
  EXPECT_EQ(Text(Make<float>({2}, {1.5, -1234.5})),
            "    1.5000\n-1234.5000\n[ CPUFloatType{2} ]");
  EXPECT_EQ(Text(Make<float>({2}, {1e-5, 1})),
            " 1.0000e-05\n 1.0000e+00\n[ CPUFloatType{2} ]");
  EXPECT_EQ(Text(Make<float>({2}, {1e-5, 2e-5})),
            "1e-05 *\n 1.0000\n 2.0000\n[ CPUFloatType{2} ]");
  EXPECT_EQ(Text(Make<int64_t>({2}, {100000, 999999999})),
            "    100000\n     1e+09\n[ CPULongType{2} ]");
  EXPECT_EQ(Text(Make<float>({2}, {kInf, 1.5})),
            "    inf\n 1.5000\n[ CPUFloatType{2} ]");
  EXPECT_EQ(Text(Make<std::complex<float>>({2}, {{1, 2}, {3, -4}})),
            " 1\n 3\n[ CPUComplexFloatType{2} ]");
}

TEST(TensorToString, PrintsMatricesAndSlices) {
  EXPECT_EQ(Text(*Tensor::Empty({2, 0, 3}, DType::kFloat)),
            "[ CPUFloatType{2,0,3} ]");
  EXPECT_EQ(Text(Iota({2, 2, 3})),
            "(1,.,.) = \n 0  1  2\n  3  4  5\n\n"
            "(2,.,.) = \n  6   7   8\n   9  10  11\n[ CPUFloatType{2,2,3} ]");
  EXPECT_EQ(Text(Make<double>({1, 2, 2}, {1e7 + .5, 1e7, 1e7, 2e7})),
            "(1,.,.) = \n10000000 *\n  1.0000  1.0000\n   1.0000  2.0000\n"
            "[ CPUDoubleType{1,2,2} ]");
}

TEST(TensorToString, SplitsColumnsThatDoNotFit) {
  EXPECT_EQ(
      Text(Make<float>({1, 40}, std::vector<float>(40, kInf))),
      "Columns 1 to 26inf inf inf inf inf inf inf inf inf inf inf inf inf "
      "inf inf inf inf inf inf inf inf inf inf inf inf inf\n\n"
      "Columns 27 to 40inf inf inf inf inf inf inf inf inf inf inf inf "
      "inf inf\n[ CPUFloatType{1,40} ]");
}

TEST(TensorToString, FollowsStridesAndNegBits) {
  Tensor t = *Iota({2, 3}).AsStrided({2, 2}, {3, 2}, 0);
  EXPECT_EQ(Text(t), " 0  2\n 3  5\n[ CPUFloatType{2,2} ]");
  Tensor negative = t.Alias();
  negative.impl()->neg = true;
  EXPECT_EQ(Text(negative), "-0 -2\n-3 -5\n[ CPUFloatType{2,2} ]");
}

TEST(TensorToString, HasABound) {
  EXPECT_FALSE(TensorToString(Iota({100, 100}), 1000).ok());
  EXPECT_EQ(
      TensorToString(*Tensor::Meta({2}, {1}, DType::kFloat)).status().message(),
      "Cannot copy out of meta tensor; no data!");
}

TEST(TensorToPythonString, WritesNestedBrackets) {
  EXPECT_EQ(Python(Make<float>({2, 2}, {0.1, 2, -3, 4})),
            "tensor([[ 0.1000,  2.0000],\n        [-3.0000,  4.0000]])");
  EXPECT_EQ(Python(Make<double>({2}, {1, 2})),
            "tensor([1., 2.], dtype=torch.float64)");
  EXPECT_EQ(Python(Make<bool>({2}, {true, false})), "tensor([ True, False])");
  EXPECT_EQ(Python(Make<float>({}, {2.5})), "tensor(2.5000)");
  EXPECT_EQ(Python(Make<std::complex<float>>({2}, {{1, 2}, {3, -4}})),
            "tensor([1.+2.j, 3.-4.j])");
  EXPECT_EQ(Python(Make<float>({2}, {1e-5, 1})),
            "tensor([1.0000e-05, 1.0000e+00])");
  EXPECT_EQ(Python(*Tensor::Empty({0, 3}, DType::kInt32)),
            "tensor([], size=(0, 3), dtype=torch.int32)");
  EXPECT_EQ(Python(*Tensor::Meta({2, 3}, {3, 1}, DType::kFloat)),
            "tensor(..., device='meta', size=(2, 3))");
}

TEST(TensorToPythonString, SummarisesLargeTensors) {
  EXPECT_EQ(Python(Iota({1001})),
            "tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])");
  EXPECT_EQ(Python(Iota({40, 30})),
            "tensor([[0.0000e+00, 1.0000e+00, 2.0000e+00,  ..., 2.7000e+01, "
            "2.8000e+01,\n         2.9000e+01],\n"
            "        [3.0000e+01, 3.1000e+01, 3.2000e+01,  ..., 5.7000e+01, "
            "5.8000e+01,\n         5.9000e+01],\n"
            "        [6.0000e+01, 6.1000e+01, 6.2000e+01,  ..., 8.7000e+01, "
            "8.8000e+01,\n         8.9000e+01],\n        ...,\n"
            "        [1.1100e+03, 1.1110e+03, 1.1120e+03,  ..., 1.1370e+03, "
            "1.1380e+03,\n         1.1390e+03],\n"
            "        [1.1400e+03, 1.1410e+03, 1.1420e+03,  ..., 1.1670e+03, "
            "1.1680e+03,\n         1.1690e+03],\n"
            "        [1.1700e+03, 1.1710e+03, 1.1720e+03,  ..., 1.1970e+03, "
            "1.1980e+03,\n         1.1990e+03]])");
}

TEST(TensorToPythonString, TellsTheQuantizer) {
  Tensor t = *Tensor::Empty({1, 2}, DType::kQUInt8);
  t.data<uint8_t>()[0] = 5;
  t.data<uint8_t>()[1] = 4;
  auto quantizer = std::make_shared<Quantizer>();
  quantizer->scale = 0.1;
  quantizer->zero_point = 3;
  t.impl()->quantizer = quantizer;
  EXPECT_EQ(Python(t),
            "tensor([[0.2000, 0.1000]], size=(1, 2), dtype=torch.quint8,\n"
            "       quantization_scheme=torch.per_tensor_affine, scale=0.1, "
            "zero_point=3)");
  EXPECT_EQ(Text(t),
            " 0.2000  0.1000\n[ QuantizedCPUQUInt8Type{1,2}, qscheme: "
            "per_tensor_affine, scale: 0.1, zero_point: 3 ]");
}

}  // namespace
}  // namespace tandem
