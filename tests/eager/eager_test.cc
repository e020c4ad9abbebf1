// Eager tensors over the kernels of reference: what PyTorch gives.
#include "tandem/frontends/eager/eager.h"

#include <sstream>

#include "gtest/gtest.h"
#include "tandem/backends/native/native.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/frontends/eager/checked_operators.h"
#include "tandem/frontends/nn/nn.h"

namespace tandem::eager {
namespace {

// Kernels for all tests of this file.
class EagerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    registry_ = new Registry;
    ASSERT_TRUE(reference::Register(*registry_).ok());
    ASSERT_TRUE(native::Register(*registry_).ok());
    context_ = new Context(registry_);
    SetDefaultContext(context_);
  }
  static void TearDownTestSuite() {
    delete context_;
    delete registry_;
  }
  static Registry* registry_;
  static Context* context_;
};
Registry* EagerTest::registry_ = nullptr;
Context* EagerTest::context_ = nullptr;

std::string Text(const Tensor& t) { return t.ToString(); }

TEST_F(EagerTest, OperatorsOnNumbersPromoteWeakly) {
  const Tensor x = tensor({1, 2, 3});
  EXPECT_EQ(Text(x * 2), "tensor([2, 4, 6])");
  EXPECT_EQ(Text(2 * x - 1), "tensor([1, 3, 5])");
  EXPECT_EQ(Text(x / 2), "tensor([0.5000, 1.0000, 1.5000])");
  EXPECT_EQ(Text(1 - x), "tensor([ 0, -1, -2])");
  EXPECT_EQ(Text(6 / x), "tensor([6., 3., 2.])");
  EXPECT_EQ(Text(x % 2), "tensor([1, 0, 1])");
  EXPECT_EQ(Text(x > 1), "tensor([False,  True,  True])");
  EXPECT_EQ(Text(2 > x), "tensor([ True, False, False])");
  EXPECT_EQ(Text(-x), "tensor([-1, -2, -3])");
  EXPECT_EQ(Text((x > 1) & (x < 3)), "tensor([False,  True, False])");
  EXPECT_EQ(Text(~(x == 2)), "tensor([ True, False,  True])");
  EXPECT_EQ((x.to(kFloat16) * 2.5).dtype(), kFloat16);
}

TEST_F(EagerTest, MethodsAndFunctionsAreTheTable) {
  const Tensor x = tensor({{-1., 2.}, {3., -4.}});
  EXPECT_EQ(Text(x.relu()), "tensor([[0., 2.],\n        [3., 0.]])");
  EXPECT_EQ(Text(relu(x)), Text(x.relu()));
  EXPECT_EQ(Text(x.sum()), "tensor(0.)");
  EXPECT_EQ(Text(x.sum(1)), "tensor([ 1., -1.])");
  EXPECT_EQ(Text(x.std(1)), "tensor([2.1213, 4.9497])");
  EXPECT_EQ(Text(x.clamp(0.0, 1.0)), "tensor([[0., 1.],\n        [1., 0.]])");
  EXPECT_EQ(Text(cat({x, x}, 1)),
            "tensor([[-1.,  2., -1.,  2.],\n        [ 3., -4.,  3., -4.]])");
  EXPECT_EQ(Text(x.view(-1)), "tensor([-1.,  2.,  3., -4.])");
  EXPECT_EQ(Text(x.view({4, -1}).t()), "tensor([[-1.,  2.,  3., -4.]])");
  EXPECT_EQ(Text(x.reshape(1, 4)), "tensor([[-1.,  2.,  3., -4.]])");
  auto [values, indices] = x.max(1);
  EXPECT_EQ(Text(values), "tensor([2., 3.])");
  EXPECT_EQ(Text(indices), "tensor([1, 0])");
  EXPECT_EQ(x.split(1).size(), 2u);
  EXPECT_EQ(Text(where(x > 0, x, 0.)), Text(x.relu()));
  EXPECT_EQ(Text(zeros({2}, kInt64)), "tensor([0, 0])");
  EXPECT_EQ(Text(full({2}, 1.5)), "tensor([1.5000, 1.5000])");
  EXPECT_EQ(Text(arange(3)), "tensor([0, 1, 2])");
  EXPECT_TRUE(max_pool2d(ones({1, 1, 4, 4}), 2).sizes() ==
              IntList({1, 1, 2, 2}));
  EXPECT_EQ(Text(tensor(true)), "tensor(True)");
}

TEST_F(EagerTest, InPlaceKeepsIdentity) {
  const Tensor x = tensor({1., 2.});
  const Tensor y = x.add_(1);
  EXPECT_TRUE(y.is_same(x));
  Tensor z = x;
  z += 1;
  z *= tensor({2., 3.});
  EXPECT_EQ(Text(x), "tensor([ 6., 12.])");
}

TEST_F(EagerTest, Indexing) {
  const Tensor x = arange(24).view(2, 3, 4);
  EXPECT_EQ(Text(x[1][0]), "tensor([12, 13, 14, 15])");
  EXPECT_EQ(Text(x[-1][-1][-1]), "tensor(23)");
  EXPECT_EQ(Text(x.index({0, Slice(1, None), 2})), "tensor([ 6, 10])");
  EXPECT_EQ(Text(x.index({Ellipsis, 0})),
            "tensor([[ 0,  4,  8],\n        [12, 16, 20]])");
  EXPECT_EQ(x.index({None, Ellipsis, None}).dim(), 5);
  EXPECT_EQ(Text(x.index({x > 21})), "tensor([22, 23])");
  EXPECT_EQ(Text(x.index({0, tensor({0, 2}), Slice(None, None, 3)})),
            "tensor([[ 0,  3],\n        [ 8, 11]])");
  const Tensor y = zeros({3});
  y.set({1}, 5.);
  y.set({Slice(2, None)}, tensor({7.}));
  EXPECT_EQ(Text(y), "tensor([0., 5., 7.])");
  y.set({y > 4}, -1);
  EXPECT_EQ(Text(y), "tensor([ 0., -1., -1.])");
  EXPECT_THROW(x[2], Error);
  EXPECT_THROW(x.index({0, 0, 0, 0}), Error);
}

TEST_F(EagerTest, ErrorsAreThrownOrReturned) {
  const Tensor x = ones({2, 3});
  try {
    x + ones({2});
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(),
                 "The size of tensor a (3) must match the size of tensor b (2) "
                 "at non-singleton dimension 1");
  }
  EXPECT_FALSE(checked::mm(x, x).ok());
  EXPECT_TRUE(checked::relu(x).ok());
  EXPECT_EQ(Try([&] { return x.mm(x); }).status(), checked::mm(x, x).status());
  EXPECT_THROW(linear(x, Tensor()), Error);
}

TEST_F(EagerTest, OperatorsByName) {
  const IValue x = ToIValue(tensor({-1., 0.5, 2.}));
  const auto text = [](absl::StatusOr<IValue> v) {
    return v.ok() ? Text(FromIValue<Tensor>(*v)) : v.status().ToString();
  };
  EXPECT_EQ(text(Invoke("clamp", {x}, {{"min", 0.0}, {"max", 1}})),
            "tensor([0.0000, 0.5000, 1.0000])");
  EXPECT_EQ(text(Invoke("aten::add", {x, IValue(1)})),
            "tensor([0.0000, 1.5000, 3.0000])");
  EXPECT_EQ(text(Invoke("sum", {x, IValue(0)})), "tensor(1.5000)");
  EXPECT_EQ(Invoke("max", {x, IValue(0)})->AsTuple().values.size(), 2u);
  EXPECT_FALSE(Invoke("relu", {IValue(std::string("a"))}).ok());
  EXPECT_FALSE(Invoke("relu", {x}, {{"other", 1}}).ok());
  EXPECT_FALSE(Invoke("no_such", {x}).ok());
}

TEST_F(EagerTest, RandomNumbersArePyTorchs) {
  manual_seed(0);
  EXPECT_EQ(Text(rand({2, 3})),
            "tensor([[0.4963, 0.7682, 0.0885],\n"
            "        [0.1320, 0.3074, 0.6341]])");
  manual_seed(0);
  EXPECT_EQ(Text(randn({3})), "tensor([ 1.5410, -0.2934, -2.1788])");
}

struct MyCell : nn::ModuleOf<MyCell> {
  nn::Ptr<nn::Linear> linear = Register<nn::Linear>("linear", 4, 4);
  std::tuple<Tensor, Tensor> forward(const Tensor& x, const Tensor& h) {
    Tensor new_h = tanh(linear(x) + h);
    return {new_h, new_h};
  }
};

TEST_F(EagerTest, TheTutorialsCell) {
  manual_seed(191009);
  const Tensor x = rand({3, 4}), h = rand({3, 4});
  auto cell = nn::Make<MyCell>();
  auto [y, h1] = cell(x, h);
  EXPECT_EQ(Text(y),
            "tensor([[ 0.8573,  0.6190,  0.5774,  0.7869],\n"
            "        [ 0.3326,  0.0530,  0.0702,  0.8114],\n"
            "        [ 0.7818, -0.0506,  0.4039,  0.7967]])");
  std::ostringstream out;
  out << cell;
  EXPECT_EQ(out.str(),
            "MyCell(\n"
            "  (linear): Linear(in_features=4, out_features=4, bias=True)\n"
            ")");
}

}  // namespace
}  // namespace tandem::eager
