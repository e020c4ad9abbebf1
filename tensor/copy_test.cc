#include "tandem/tensor/copy.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <vector>

#include "gtest/gtest.h"
#include "tandem/tensor/float8.h"
#include "tandem/tensor/strided_loop.h"
#include "tandem/tensor/visit.h"

namespace tandem {
namespace {

template <typename T>
Tensor Make(DimSpan sizes, const std::vector<T>& values) {
  Tensor t = *Tensor::Empty(sizes, DTypeOf<T>::value);
  for (size_t i = 0; i < values.size(); ++i) t.data<T>()[i] = values[i];
  return t;
}

// The elements in logical order.
template <typename T>
std::vector<T> Values(const Tensor& t) {
  Tensor c = *CloneContiguous(t, DTypeOf<T>::value);
  return std::vector<T>(c.data<T>(), c.data<T>() + c.numel());
}

using Floats = std::vector<float>;

TEST(CopyElements, BroadcastsAndFollowsStrides) {
  Tensor dst = *Tensor::Zeros({2, 3}, DType::kFloat);
  ASSERT_TRUE(CopyElements(Make<float>({3}, {1, 2, 3}), dst).ok());
  EXPECT_EQ(Values<float>(dst), (Floats{1, 2, 3, 1, 2, 3}));
  Tensor transposed = dst.ViewUnchecked({3, 2}, {1, 3}, 0);
  ASSERT_TRUE(
      CopyElements(Make<float>({3, 2}, {1, 2, 3, 4, 5, 6}), transposed).ok());
  EXPECT_EQ(Values<float>(dst), (Floats{1, 3, 5, 2, 4, 6}));
}

TEST(CopyElements, TransposesLargeMatrices) {
  std::vector<float> v(100 * 70);
  for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<float>(i);
  Tensor src = Make<float>({100, 70}, v);
  Floats got = Values<float>(src.ViewUnchecked({70, 100}, {1, 70}, 0));
  for (int i = 0; i < 70; ++i) {
    for (int j = 0; j < 100; ++j) ASSERT_EQ(got[i * 100 + j], v[j * 70 + i]);
  }
}

TEST(CopyElements, SaysWhatDoesNotBroadcast) {
  Tensor dst = *Tensor::Zeros({2, 3}, DType::kFloat);
  EXPECT_EQ(CopyElements(*Tensor::Zeros({4}, DType::kFloat), dst).message(),
            "The size of tensor a (3) must match the size of tensor b (4) at "
            "non-singleton dimension 1");
  EXPECT_EQ(CopyElements(dst, *Tensor::Zeros({1, 3}, DType::kFloat)).message(),
            "output with shape [1, 3] doesn't match the broadcast shape [2, "
            "3]");
  Tensor repeated = dst.ViewUnchecked({5, 3}, {0, 1}, 0);
  EXPECT_FALSE(
      CopyElements(*Tensor::Zeros({5, 3}, DType::kFloat), repeated).ok());
}

TEST(CopyElements, OverlappingMemoryGivesTheOldElements) {
  Tensor t = Make<float>({5}, {1, 2, 3, 4, 5});
  ASSERT_TRUE(
      CopyElements(t.ViewUnchecked({4}, {1}, 0), t.ViewUnchecked({4}, {1}, 1))
          .ok());
  EXPECT_EQ(Values<float>(t), (Floats{1, 1, 2, 3, 4}));
}

TEST(CopyElements, ConvertsAsPyTorch) {
  Tensor f = Make<float>({6}, {2.7f, -2.7f, 0.f, 300.f, -1.f, 0.5f});
  EXPECT_EQ(Values<int64_t>(f), (std::vector<int64_t>{2, -2, 0, 300, -1, 0}));
  EXPECT_EQ(Values<uint8_t>(f), (std::vector<uint8_t>{2, 254, 0, 44, 255, 0}));
  Tensor b = *CloneContiguous(f, DType::kBool);
  EXPECT_FALSE(b.data<bool>()[2]);
  EXPECT_TRUE(b.data<bool>()[5]);
  Tensor c = Make<std::complex<float>>({2}, {{1, 2}, {0, 3}});
  EXPECT_EQ(Values<double>(c), (std::vector<double>{1, 0}));
  EXPECT_TRUE(CloneContiguous(c, DType::kBool)->data<bool>()[1]);
  Tensor h = *CloneContiguous(f, DType::kHalf);
  EXPECT_EQ(Values<double>(h)[3], 300);
  Tensor big = Make<uint64_t>({1}, {UINT64_MAX});
  EXPECT_EQ(Values<double>(big)[0], 18446744073709551616.0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(Values<int64_t>(Make<float>({1}, {nan}))[0], INT64_MIN);
}

// Rows of 16-bit floats have vectors, which must do what half.h does.
template <typename T>
void CheckShortFloat(DType dtype) {
  std::vector<float> wide;
  for (uint32_t u = 0; u < 0x10000; ++u) {
    const float f = static_cast<float>(T::FromBits(static_cast<uint16_t>(u)));
    wide.push_back(f);
    // Above, between and below two neighbours, and far away.
    for (uint32_t low : {0x0001u, 0x0fffu, 0x1000u, 0x1001u, 0x7fffu, 0x8000u,
                         0x8001u, 0xffffu}) {
      wide.push_back(FloatFromBits(FloatBits(f) ^ low));
    }
  }
  const int64_t n = static_cast<int64_t>(wide.size());
  const Tensor rounded = *CloneContiguous(Make<float>({n}, wide), dtype);
  const Tensor back = *CloneContiguous(rounded, DType::kFloat);
  for (int64_t i = 0; i < n; ++i) {
    const T want(wide[i]);
    ASSERT_EQ(rounded.data<T>()[i].bits, want.bits) << wide[i];
    const float f = back.data<float>()[i];
    if (std::isnan(wide[i])) {
      ASSERT_TRUE(std::isnan(f));
    } else {
      ASSERT_EQ(FloatBits(f), FloatBits(static_cast<float>(want)));
    }
  }
}
TEST(CopyElements, RoundsRowsOfShortFloatsAsOne) {
  CheckShortFloat<Half>(DType::kHalf);
  CheckShortFloat<BFloat16>(DType::kBFloat16);
}

TEST(CopyElements, HonoursLazyBits) {
  Tensor c = Make<std::complex<float>>({1}, {{1, 2}});
  Tensor conjugate = c.Alias();
  conjugate.impl()->conj = true;
  EXPECT_EQ(Values<std::complex<float>>(conjugate)[0],
            std::complex<float>(1, -2));
  ASSERT_TRUE(
      CopyElements(Make<std::complex<float>>({1}, {{5, 6}}), conjugate).ok());
  EXPECT_EQ(*c.data<std::complex<float>>(), std::complex<float>(5, -6));
  Tensor n = Make<float>({1}, {3});
  n.impl()->neg = true;
  EXPECT_EQ(Values<int64_t>(n)[0], -3);
  EXPECT_FALSE(ResolveLazyBits(n)->impl()->neg);
}

TEST(CopyElements, Float8) {
  Tensor f = Make<float>({5}, {1.0f, -448.0f, 500.0f, 0.3f, 0.001f});
  Tensor e4 = *CloneContiguous(f, DType::kFloat8E4M3FN);
  const auto v = Values<float>(e4);
  EXPECT_EQ(v[0], 1);
  EXPECT_EQ(v[1], -448);
  EXPECT_TRUE(std::isnan(v[2]));
  EXPECT_EQ(v[3], 0.3125f);
  EXPECT_EQ(v[4], 0x1p-9f * 1);  // 0.001 rounds to the least subnormal
  // Every code comes back as itself, NaNs aside.
  for (DType d :
       {DType::kFloat8E5M2, DType::kFloat8E4M3FN, DType::kFloat8E5M2FNUZ,
        DType::kFloat8E4M3FNUZ, DType::kFloat8E8M0FNU}) {
    for (int code = 0; code < 256; ++code) {
      const float x = Float8ToFloat(static_cast<uint8_t>(code), d);
      if (!std::isnan(x)) {
        ASSERT_EQ(FloatToFloat8(x, d), code) << PythonName(d);
      }
    }
  }
}

TEST(FillElements, ConvertsTheNumber) {
  Tensor t = *Tensor::Zeros({2, 2}, DType::kInt32);
  ASSERT_TRUE(FillElements(t.ViewUnchecked({2}, {2}, 1), Scalar(2.9)).ok());
  EXPECT_EQ(Values<int32_t>(t), (std::vector<int32_t>{0, 2, 0, 2}));
}

TEST(EmptyLike, KeepsDenseStrides) {
  Tensor t = *Tensor::EmptyStrided({2, 3, 4}, {1, 8, 2}, DType::kFloat);
  EXPECT_EQ(EmptyLike(t, DType::kInt64)->strides(), (DimSpan{1, 8, 2}));
  // With gaps: dense in the same order.
  Tensor gaps = *Tensor::EmptyStrided({2, 3}, {2, 8}, DType::kFloat);
  EXPECT_EQ(EmptyLike(gaps, DType::kFloat)->strides(), (DimSpan{1, 2}));
  Tensor image = *Tensor::Empty({1, 2, 3, 4}, DType::kFloat);
  EXPECT_EQ(
      EmptyLike(image, DType::kFloat, MemoryFormat::kChannelsLast)->strides(),
      (DimSpan{24, 1, 8, 2}));
  EXPECT_EQ(EmptyLike(t, DType::kFloat, MemoryFormat::kChannelsLast)
                .status()
                .message(),
            "required rank 4 tensor to use channels_last format");
}

TEST(StridedLoop, MergesAndSplits) {
  Tensor a = *Tensor::Empty({4, 5, 6}, DType::kFloat);
  StridedLoop flat(a.sizes(), {StridedLoop::Operand::Of(a)});
  EXPECT_EQ(flat.rank(), 1);
  // Dims sorted by memory; pieces that begin in the middle of rows.
  Tensor t = a.ViewUnchecked({5, 4, 3}, {6, 30, 2}, 0);
  StridedLoop loop(t.sizes(), {StridedLoop::Operand::Of(t)});
  std::vector<int64_t> whole, pieces;
  const auto record = [&](std::vector<int64_t>* to) {
    return [&, to](char* const* data, const int64_t* strides, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        to->push_back(data[0] + i * strides[0] - a.raw_data());
      }
    };
  };
  auto r1 = record(&whole), r2 = record(&pieces);
  loop.Run(0, 60, r1);
  loop.Run(0, 7, r2);
  loop.Run(7, 31, r2);
  loop.Run(31, 60, r2);
  EXPECT_EQ(whole, pieces);
  EXPECT_EQ(whole.size(), 60u);
  EXPECT_TRUE(std::is_sorted(whole.begin(), whole.end()));
}

}  // namespace
}  // namespace tandem
