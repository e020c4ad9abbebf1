// Kernels of single operators.
#include "tandem/tests/cuda/device_test_base.h"

namespace tandem::cuda {
namespace {

using OperatorsTest = DeviceTest;

TEST_F(OperatorsTest, ElementwiseOfOneTensor) {
  for (const char* name :
       {"aten::neg", "aten::abs", "aten::relu", "aten::exp", "aten::tanh",
        "aten::sigmoid", "aten::silu", "aten::erf", "aten::floor",
        "aten::hardswish", "aten::gelu", "aten::sin"}) {
    Check(name, {IValue(Values({3, 5}))});
  }
  for (const char* name : {"aten::sqrt", "aten::log", "aten::rsqrt"}) {
    Check(name, {IValue(Values({7}, 0.1, 9))});
  }
}

TEST_F(OperatorsTest, ElementwiseOfTwoWithBroadcastingAndPromotion) {
  Check("aten::add.Tensor",
        {IValue(Values({3, 1, 4})), IValue(Values({5, 1})), IValue(2)});
  Check("aten::mul.Tensor",
        {IValue(Values({2, 3}, -9, 9, DType::kInt64)), IValue(Values({2, 3}))});
  Check("aten::add.Tensor", {IValue(Values({4}, 0, 2, DType::kBool)),
                             IValue(Values({4}, -9, 9, DType::kInt32))});
  Check("aten::div.Tensor", {IValue(Values({4}, -9, 9, DType::kInt32)),
                             IValue(Values({4}, 1, 9, DType::kInt64))});
  Check("aten::mul.Scalar", {IValue(Values({4})), IValue(3)});
  Check("aten::lt.Tensor", {IValue(Values({2, 3})), IValue(Values({3}))});
  Check("aten::where.self", {IValue(Values({2, 3}, 0, 2, DType::kBool)),
                             IValue(Values({3})), IValue(Values({2, 1}))});
}

TEST_F(OperatorsTest, HalfTypesComputeInFloat) {
  for (DType dtype : {DType::kHalf, DType::kBFloat16}) {
    Check("aten::add.Tensor",
          {IValue(Values({33}, -2, 2, dtype)),
           IValue(Values({33}, -70000, 70000, dtype))},
          1e-2);
    Check("aten::sigmoid", {IValue(Values({33}, -2, 2, dtype))}, 1e-2);
  }
}

TEST_F(OperatorsTest, InPlaceWithOverlap) {
  Check("aten::add_.Tensor",
        {IValue(Values({3, 4})), IValue(Values({4})), IValue(1)});
  Check("aten::relu_", {IValue(Values({10}))});
  // x[1:] += x[:-1], as if the right side were copied first.
  const Tensor base = Values({8});
  const Tensor right = *Clone(base);
  const IValue there = *ToDevice(*gpu_, IValue(base));
  const Tensor& t = there.AsTensor();
  const Tensor a = t.ViewUnchecked({7}, {1}, 1),
               b = t.ViewUnchecked({7}, {1}, 0);
  ASSERT_TRUE(
      Call("cuda", "aten::add_.Tensor", {IValue(a), IValue(b), IValue(1)})
          .ok());
  for (int64_t i = 7; i >= 1; --i) {
    right.data<float>()[i] += right.data<float>()[i - 1];
  }
  CompareTensors(t, right, 1e-6);
}

TEST_F(OperatorsTest, StridedAndTransposed) {
  const Tensor t = Values({4, 6});
  const IValue there = *ToDevice(*gpu_, IValue(t));
  const auto view =
      Call("cuda", "aten::transpose.int", {there, IValue(0), IValue(1)});
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ((*view)[0].AsTensor().storage(), there.AsTensor().storage());
  const auto dense = Call("cuda", "aten::contiguous", {(*view)[0], IValue(0)});
  ASSERT_TRUE(dense.ok()) << dense.status();
  const Tensor right = *Contiguous(t.ViewUnchecked({6, 4}, {1, 6}, 0));
  CompareTensors((*dense)[0].AsTensor(), right, 0);
  EXPECT_TRUE((*dense)[0].AsTensor().is_contiguous());
}

TEST_F(OperatorsTest, Reductions) {
  const IValue none;
  const IValue x(Values({3, 40, 5}));
  Check("aten::sum", {x, none});
  Check("aten::sum.dim_IntList", {x, Ints({1}), IValue(true), none});
  Check("aten::sum.dim_IntList", {IValue(Values({3, 4}, -9, 9, DType::kInt32)),
                                  Ints({0, 1}), IValue(false), none});
  Check("aten::mean.dim", {x, Ints({0, 2}), IValue(false), none});
  Check("aten::amax", {x, Ints({2}), IValue(false)});
  Check("aten::max.dim", {x, IValue(1), IValue(true)});
  Check("aten::argmin", {x, IValue(), IValue(false)});
  Check("aten::std.dim", {x, Ints({1}), IValue(true), IValue(false)});
  Check("aten::var.correction", {x, none, IValue(0), IValue(false)});
  Check("aten::any.dim",
        {IValue(Values({3, 4}, 0, 1.2, DType::kBool)), IValue(0)});
  Check("aten::norm.ScalarOpt_dim", {x, IValue(2), Ints({1}), IValue(false)});
  // Few numbers of many elements: pieces, then the pieces.
  Check("aten::sum", {IValue(Values({5000})), none}, 1e-4);
  Check("aten::argmax", {IValue(Values({5000})), IValue(), IValue(false)});
  // A NaN is the greatest.
  Tensor nan = Values({70});
  nan.data<float>()[41] = std::nanf("");
  Check("aten::argmax", {IValue(nan), IValue(), IValue(false)});
  Check("aten::amax", {IValue(nan), Ints({}), IValue(false)});
}

TEST_F(OperatorsTest, SoftmaxAndNormalisation) {
  const IValue none;
  const IValue x(Values({4, 6, 50}));
  Check("aten::softmax.int", {x, IValue(-1), none});
  Check("aten::softmax.int", {x, IValue(1), none});
  Check("aten::log_softmax.int", {x, IValue(2), none});
  Check("aten::softmax.int",
        {IValue(Values({3, 9}, -2, 2, DType::kHalf)), IValue(1), none}, 1e-3);
  const IValue w(Values({50})), b(Values({50}));
  Check("aten::layer_norm", {x, Ints({50}), w, b, IValue(1e-5), IValue(true)},
        1e-4);
  Check("aten::rms_norm", {x, Ints({50}), w, none}, 1e-4);
  const IValue c(Values({6})), d(Values({6}));
  Check("aten::group_norm", {x, IValue(3), c, d, IValue(1e-5), IValue(true)},
        1e-4);
  Check("aten::batch_norm",
        {x, c, d, IValue(Values({6})), IValue(Values({6}, 0.5, 2)),
         IValue(false), IValue(0.1), IValue(1e-5), IValue(false)},
        1e-4);
}

TEST_F(OperatorsTest, Products) {
  Check("aten::mm", {IValue(Values({5, 7})), IValue(Values({7, 3}))});
  Check("aten::bmm", {IValue(Values({2, 9, 20})), IValue(Values({2, 20, 4}))});
  Check("aten::addmm", {IValue(Values({3})), IValue(Values({5, 7})),
                        IValue(Values({7, 3})), IValue(1), IValue(2)});
  Check("aten::addmm", {IValue(Values({5, 1})), IValue(Values({5, 7})),
                        IValue(Values({7, 3})), IValue(0.5), IValue(2)});
  Check("aten::matmul",
        {IValue(Values({2, 1, 5, 7})), IValue(Values({3, 7, 4}))});
  Check("aten::matmul", {IValue(Values({7})), IValue(Values({7, 4}))});
  Check("aten::linear", {IValue(Values({2, 5, 7})), IValue(Values({4, 7})),
                         IValue(Values({4}))});
  Check("aten::linear",
        {IValue(Values({5, 7}, -2, 2, DType::kDouble)),
         IValue(Values({4, 7}, -2, 2, DType::kDouble)), IValue()});
  const IValue none, q(Values({2, 3, 6, 8}));
  Check("aten::scaled_dot_product_attention",
        {q, IValue(Values({2, 3, 5, 8})), IValue(Values({2, 3, 5, 4}))});
  Check("aten::scaled_dot_product_attention",
        {q, q, q, none, IValue(0.0), IValue(true)});
}

TEST_F(OperatorsTest, Convolutions) {
  const IValue none;
  const IValue x(Values({2, 4, 9, 8}));
  Check("aten::conv2d",
        {x, IValue(Values({6, 4, 3, 3})), IValue(Values({6})), Ints({2, 1}),
         Ints({1, 1}), Ints({1, 2}), IValue(1)},
        1e-4);
  Check("aten::conv2d",
        {x, IValue(Values({8, 1, 3, 3})), none, Ints({1}), Ints({1}), Ints({1}),
         IValue(4)},
        1e-4);
  Check(
      "aten::conv1d",
      {IValue(Values({2, 3, 10})), IValue(Values({4, 3, 4})), none, Ints({3})},
      1e-4);
  Check("aten::conv3d",
        {IValue(Values({1, 2, 4, 5, 6})), IValue(Values({3, 2, 2, 3, 2}))},
        1e-4);
  Check("aten::conv2d.padding",
        {x, IValue(Values({5, 4, 2, 4})), none, Ints({1}), IValue("same")},
        1e-4);
  Check("aten::conv_transpose2d.input",
        {x, IValue(Values({4, 3, 3, 2})), IValue(Values({6})), Ints({2, 3}),
         Ints({1, 0}), Ints({1, 2}), IValue(2), Ints({1, 1})},
        1e-4);
}

TEST_F(OperatorsTest, Pooling) {
  const IValue x(Values({2, 3, 9, 8}));
  Check("aten::max_pool2d",
        {x, Ints({3}), Ints({2}), Ints({1}), Ints({1}), IValue(true)});
  Check("aten::max_pool2d_with_indices",
        {x, Ints({3, 2}), Ints({}), Ints({0}), Ints({2, 1})});
  Check("aten::max_pool1d", {IValue(Values({3, 11})), Ints({3}), Ints({2})});
  Check("aten::avg_pool2d",
        {x, Ints({3}), Ints({2}), Ints({1}), IValue(true), IValue(false)});
  Check("aten::avg_pool2d",
        {x, Ints({3}), Ints({2}), Ints({1}), IValue(true), IValue(true)});
  Check("aten::adaptive_avg_pool2d", {x, Ints({1, 1})});
  Check("aten::adaptive_avg_pool2d", {x, Ints({4, 5})});
  Check("aten::adaptive_max_pool2d", {x, Ints({4, 5})});
}

TEST_F(OperatorsTest, JoiningAndIndexing) {
  const auto list = [](std::vector<Tensor> t) {
    return IValue(MakeTensorList(t));
  };
  Check("aten::cat", {list({Values({2, 3}), Values({2, 1}),
                            Values({2, 4}, -9, 9, DType::kInt64)}),
                      IValue(1)});
  Check("aten::stack", {list({Values({2, 3}), Values({2, 3})}), IValue(-1)});
  const Tensor rows = Values({4, 2}, 0, 5, DType::kInt64);
  Check("aten::embedding", {IValue(Values({5, 6})), IValue(rows)});
  Check("aten::index_select", {IValue(Values({3, 5, 2})), IValue(1),
                               IValue(Values({7}, 0, 5, DType::kInt32))});
  Check("aten::gather", {IValue(Values({5, 2})), IValue(0), IValue(rows)});
  const auto indices = [](std::vector<IValue> v) {
    return IValue(MakeList(Type::Optional(Type::Tensor()), std::move(v)));
  };
  const Tensor i = Values({3, 1}, -4, 4, DType::kInt64);
  const Tensor j = Values({2}, 0, 5, DType::kInt64);
  Check("aten::index.Tensor",
        {IValue(Values({4, 5, 6})), indices({IValue(i), IValue(j)})});
  Check("aten::index.Tensor",
        {IValue(Values({6, 4, 5})), indices({IValue(), IValue(i), IValue(j)})});
  Check("aten::index.Tensor",
        {IValue(Values({4, 6, 5})), indices({IValue(i), IValue(), IValue(j)})});
}

TEST_F(OperatorsTest, WhatHasNoKernelRunsOnTheCpu) {
  Check("aten::cumsum", {IValue(Values({3, 4})), IValue(1)}, 1e-5, false);
  Check("aten::sort", {IValue(Values({9}))}, 0, false);
  // Errors are the CPU's.
  const IValue a = *ToDevice(*gpu_, IValue(Values({2})));
  const IValue b = *ToDevice(*gpu_, IValue(Values({3})));
  const auto sum = Call("cuda", "aten::add.Tensor", {a, b, IValue(1)});
  EXPECT_EQ(sum.status().message(),
            "The size of tensor a (2) must match the size of tensor b (3) at "
            "non-singleton dimension 0");
}

TEST_F(OperatorsTest, BetweenDevices) {
  const IValue host(Values({2, 3}));
  auto moved = Call("cuda", "aten::cuda", {host});
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ((*moved)[0].AsTensor().device().ToString(), "cuda:0");
  auto half = Call("cuda", "aten::to.dtype",
                   {(*moved)[0], IValue(static_cast<int64_t>(DType::kHalf))});
  ASSERT_TRUE(half.ok()) << half.status();
  EXPECT_EQ((*half)[0].AsTensor().dtype(), DType::kHalf);
  auto back = Call("cuda", "aten::cpu", {(*moved)[0]});
  ASSERT_TRUE(back.ok()) << back.status();
  CompareTensors((*back)[0].AsTensor(), host.AsTensor(), 0);
  // Nothing there: the next backend's.
  EXPECT_TRUE(IsDeclined(Call("cuda", "aten::relu", {host}).status()));
  auto zeros = Call("cuda", "aten::zeros",
                    {Ints({2}), IValue(), IValue(),
                     IValue(Device{DeviceType::kCuda, -1}), IValue()});
  ASSERT_TRUE(zeros.ok()) << zeros.status();
  EXPECT_EQ((*zeros)[0].AsTensor().device().ToString(), "cuda:0");
}

}  // namespace
}  // namespace tandem::cuda
