// What tracing says and records, program by program: the traces that PyTorch
// recorded, in C++.
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tandem/tests/tracer/tracing_test_base.h"

namespace tandem {
namespace {

using eager::Int;
using eager::Number;
using eager::ones;
using eager::Tensor;
using testing::Test;
using Strings = std::vector<std::string>;

std::string Conversion(const char* what) {
  return absl::StrCat(
      "Converting a tensor to a Python ", what,
      " might cause the trace to be incorrect. We can't record the data flow "
      "of Python values, so this value will be treated as a constant in the "
      "future. This means that the trace might not generalize to other "
      "inputs!");
}
// The checker traces a second time.
Strings Twice(const std::string& text) { return {text, text}; }

constexpr char kList[] =
    "Encountering a list at the output of the tracer might cause the trace to "
    "be incorrect, this is only valid if the container structure does not "
    "change based on the module's inputs. Consider using a constant container "
    "instead (e.g. for `list`, use a `tuple` instead. for `dict`, use a "
    "`NamedTuple` instead). If you absolutely need this and know the side "
    "effects, pass strict=False to trace() to allow this behavior.";

TEST_F(TracingTest, BoolOfTensor) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        if (static_cast<bool>(x.sum() > 0)) return x + 1;
        return x - 1;
      },
      {ones({2})}, Arguments({"x"}));
  EXPECT_EQ(warnings_, Twice(Conversion("boolean")));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Long(requires_grad=0, device=cpu) = prim::Constant[value={1}]()
  %1 : int = prim::Constant[value=1]()
  %2 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%x, %0, %1)
  return (%2))");
}

TEST_F(TracingTest, CallWithOtherRank) {
  const auto f =
      tracer::Trace([](const Tensor& x) { return x.view(2, 3).sum(0); },
                    {ones({6})}, Arguments({"x"}));
  EXPECT_TRUE(absl::StrContains(
      ErrorOf([&] { f(ones({5})); }),
      "RuntimeError: shape '[2, 3]' is invalid for input of size 5"));
}

TEST_F(TracingTest, CheckConstantDiffers) {
  int n = 0;
  const std::string error = ErrorOf([&] {
    tracer::Trace(
        [&](const Tensor& x) {
          ++n;
          return x + eager::full({2}, static_cast<double>(n));
        },
        {ones({2})}, Arguments({"x"}));
  });
  EXPECT_EQ(warnings_,
            Strings{"Output nr 1. of the traced function does not match the "
                    "corresponding output of the Python function. Detailed "
                    "error:\nTensor-likes are not close!\n\nMismatched "
                    "elements: 2 / 2 (100.0%)\nGreatest absolute difference: "
                    "2.0 at index (0,) (up to 1e-05 allowed)\nGreatest "
                    "relative difference: 0.5 at index (0,) (up to 1e-05 "
                    "allowed)"});
  EXPECT_EQ(error, R"(Tracing failed sanity checks!
ERROR: Graphs differed across invocations!
	Graph diff:
		  graph(%x : Tensor):
		    %1 : int = prim::Constant[value=2]()
		    %2 : int[] = prim::ListConstruct(%1)
		-   %3 : float = prim::Constant[value=1.]()
		?                                     ^
		+   %3 : float = prim::Constant[value=2.]()
		?                                     ^
		    %4 : NoneType = prim::Constant()
		    %5 : NoneType = prim::Constant()
		    %6 : Device = prim::Constant[value="cpu"]()
		    %7 : bool = prim::Constant[value=0]()
		    %8 : Tensor = aten::full(%2, %3, %4, %5, %6, %7)
		    %9 : int = prim::Constant[value=1]()
		    %10 : Tensor = aten::add(%x, %8, %9)
		    return (%10)
	First diverging operator:
	Node diff:
		- %3 : float = prim::Constant[value=1.]()
		?                                   ^
		+ %3 : float = prim::Constant[value=2.]()
		?                                   ^
)");
}

TEST_F(TracingTest, CheckErrorInChecker) {
  int n = 0;
  EXPECT_EQ(ErrorOf([&] {
              tracer::Trace(
                  [&](const Tensor& x) {
                    if (++n > 1) eager::Throw("only once");
                    return x + 1;
                  },
                  {ones({2})}, options_);
            }),
            "only once");
}

TEST_F(TracingTest, CheckInputBranches) {
  options_.check_inputs = {{IValue(ones({2}).raw())},
                           {IValue((-ones({2})).raw())}};
  const std::string error = ErrorOf([&] {
    tracer::Trace(
        [](const Tensor& x) {
          if (static_cast<bool>(x.sum() > 0)) return x + 1;
          return x - 1;
        },
        {ones({2})}, Arguments({"x"}));
  });
  ASSERT_EQ(warnings_.size(), 4u);
  EXPECT_EQ(warnings_[2], Conversion("boolean"));
  EXPECT_EQ(warnings_[3],
            "Output nr 1. of the traced function does not match the "
            "corresponding output of the Python function. Detailed "
            "error:\nTensor-likes are not close!\n\nMismatched elements: 2 / 2 "
            "(100.0%)\nGreatest absolute difference: 2.0 at index (0,) (up to "
            "1e-05 allowed)\nGreatest relative difference: 1.0 at index (0,) "
            "(up to 1e-05 allowed)");
  EXPECT_TRUE(absl::StrContains(error, R"(
		-   %3 : Tensor = aten::add(%x, %1, %2)
		?                       ^^^
		+   %3 : Tensor = aten::sub(%x, %1, %2)
		?                       ^^^
		    return (%3)
)")) << error;
}

TEST_F(TracingTest, CheckProgramState) {
  int n = 0;
  const std::string error = ErrorOf([&] {
    tracer::Trace(
        [&](Tensor x) {
          ++n;
          for (int i = 0; i < n; ++i) x = eager::Named("x", x * 2);
          return x;
        },
        {ones({2})}, Arguments({"x"}));
  });
  EXPECT_EQ(error, R"(Tracing failed sanity checks!
ERROR: Graphs differed across invocations!
	Graph diff:
		- graph(%x : Tensor):
		+ graph(%x.1 : Tensor):
		?         ++
		    %1 : Tensor = prim::Constant[value={2}]()
		-   %2 : Tensor = aten::mul(%x, %1)
		?    ^
		+   %x : Tensor = aten::mul(%x.1, %1)
		?    ^                        ++
		+   %3 : Tensor = prim::Constant[value={2}]()
		+   %4 : Tensor = aten::mul(%x, %3)
		-   return (%2)
		?            ^
		+   return (%4)
		?            ^
	First diverging operator:
	Node diff:
		- %2 : Tensor = aten::mul(%x, %1)
		?  ^
		+ %x : Tensor = aten::mul(%x.1, %1)
		?  ^                        ++
)");
}

TEST_F(TracingTest, CheckRandomDiffers) {
  const auto f =
      tracer::Trace([](const Tensor& x) { return x + eager::rand({2}); },
                    {ones({2})}, Arguments({"x"}));
  ASSERT_EQ(warnings_.size(), 2u);
  EXPECT_TRUE(absl::StartsWith(
      warnings_[0],
      "Trace had nondeterministic nodes. Did you forget to call .eval() on "
      "your model? Nodes:\n\t%7 : Float(2, strides=[1], requires_grad=0, "
      "device=cpu) = aten::rand(%2, %3, %4, %5, %6)\nThis may cause errors in "
      "trace checking. To disable trace checking, pass check_trace=False to "
      "torch.jit.trace()"))
      << warnings_[0];
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : int = prim::Constant[value=2]()
  %1 : int[] = prim::ListConstruct(%0)
  %2 : NoneType = prim::Constant()
  %3 : NoneType = prim::Constant()
  %4 : Device = prim::Constant[value="cpu"]()
  %5 : bool = prim::Constant[value=0]()
  %6 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::rand(%1, %2, %3, %4, %5)
  %7 : int = prim::Constant[value=1]()
  %8 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%x, %6, %7)
  return (%8))");
}

TEST_F(TracingTest, DictOutput) {
  const auto f = [](const Tensor& x) {
    return std::map<std::string, Tensor>{{"a", x}};
  };
  EXPECT_EQ(ErrorOf([&] { tracer::Trace(f, {ones({2})}, options_); }),
            absl::StrReplaceAll(kList, {{"a list at", "a dict at"}}));
  options_.strict = false;
  EXPECT_EQ(GraphOf(tracer::Trace(f, {ones({2})}, Arguments({"x"}))),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : str = prim::Constant[value="a"]()
  %1 : Dict(str, Tensor) = prim::DictConstruct(%0, %x)
  return (%1))");
}

TEST_F(TracingTest, ErrorsWhileTracing) {
  EXPECT_EQ(ErrorOf([&] {
              tracer::Trace(
                  [](const Tensor& x) -> Tensor { eager::Throw("stop here"); },
                  {ones({2})}, options_);
            }),
            "stop here");
  EXPECT_EQ(ErrorOf([&] {
              tracer::Trace([](const Tensor& x) { return x.view(3); },
                            {ones({2})}, options_);
            }),
            "shape '[3]' is invalid for input of size 2");
  EXPECT_EQ(ErrorOf([&] {
              tracer::Trace(
                  [](const Tensor& x, const Tensor& y) { return x + y; },
                  {ones({2})}, Arguments({"x", "y"}));
            }),
            "f() missing 1 required positional argument: 'y'");
  // Nothing records any more.
  EXPECT_EQ(eager::CurrentRecorder(), nullptr);
}

TEST_F(TracingTest, FloatOfTensor) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        return x * eager::FromIValue<double>(eager::ToIValue(x.mean()));
      },
      {ones({2})}, Arguments({"x"}));
  EXPECT_EQ(warnings_, Twice(Conversion("float")));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Double(requires_grad=0, device=cpu) = prim::Constant[value={1}]()
  %1 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::mul(%x, %0)
  return (%1))");
}

TEST_F(TracingTest, IntOfTensor) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        return x * eager::FromIValue<int64_t>(eager::ToIValue(x.sum()));
      },
      {ones({2})}, Arguments({"x"}));
  EXPECT_EQ(warnings_, Twice(Conversion("integer")));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Long(requires_grad=0, device=cpu) = prim::Constant[value={2}]()
  %1 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::mul(%x, %0)
  return (%1))");
}

TEST_F(TracingTest, ItemOfTensor) {
  const auto f = tracer::Trace([](const Tensor& x) { return x + x[0].item(); },
                               {ones({2})}, Arguments({"x"}));
  EXPECT_EQ(warnings_, Twice(Conversion("number")));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Double(requires_grad=0, device=cpu) = prim::Constant[value={1}]()
  %1 : int = prim::Constant[value=1]()
  %2 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%x, %0, %1)
  return (%2))");
}

TEST_F(TracingTest, InPlaceOnView) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        const Tensor y = eager::Named("y", x.view(-1));
        eager::Named("x", x.mul_(2));
        return y + x.view(-1);
      },
      {ones({2, 2})}, Arguments({"x"}));
  EXPECT_TRUE(warnings_.empty());
  EXPECT_EQ(
      GraphOf(f),
      R"(graph(%x.1 : Float(2, 2, strides=[2, 1], requires_grad=0, device=cpu)):
  %0 : int = prim::Constant[value=-1]()
  %1 : int[] = prim::ListConstruct(%0)
  %y : Float(4, strides=[1], requires_grad=0, device=cpu) = aten::view(%x.1, %1)
  %2 : Long(requires_grad=0, device=cpu) = prim::Constant[value={2}]()
  %x : Float(2, 2, strides=[2, 1], requires_grad=0, device=cpu) = aten::mul_(%x.1, %2)
  %3 : int = prim::Constant[value=-1]()
  %4 : int[] = prim::ListConstruct(%3)
  %5 : Float(4, strides=[1], requires_grad=0, device=cpu) = aten::view(%x, %4)
  %6 : int = prim::Constant[value=1]()
  %7 : Float(4, strides=[1], requires_grad=0, device=cpu) = aten::add(%y, %5, %6)
  return (%7))");
}

TEST_F(TracingTest, InputsThatAreNoTensors) {
  EXPECT_EQ(ErrorOf([&] {
              tracer::Trace([](const Tensor& x, Int n) { return x + n; },
                            {ones({2}), 3}, options_);
            }),
            "Type 'Tuple[Tensor, int]' cannot be traced. Only Tensors and "
            "(possibly nested) Lists, Dicts, and Tuples of Tensors can be "
            "traced");
  EXPECT_EQ(ErrorOf([&] {
              tracer::Trace(
                  [](const Tensor& x, const std::string& s) { return x; },
                  {ones({2}), std::string("abc")}, options_);
            }),
            "Type 'Tuple[Tensor, str]' cannot be traced. Only Tensors and "
            "(possibly nested) Lists, Dicts, and Tuples of Tensors can be "
            "traced");
}

TEST_F(TracingTest, OutputsThatAreNoTensors) {
  constexpr char kOnly[] =
      "Only tensors, lists, tuples of tensors, or dictionary of tensors can be "
      "output from traced functions";
  EXPECT_EQ(
      ErrorOf([&] {
        tracer::Trace(
            [](const Tensor& x) { return std::tuple<Tensor, int64_t>(x, 3); },
            {ones({2})}, options_);
      }),
      kOnly);
  EXPECT_EQ(ErrorOf([&] {
              tracer::Trace([](const Tensor& x) { return std::string("text"); },
                            {ones({2})}, options_);
            }),
            kOnly);
  EXPECT_EQ(ErrorOf([&] {
              tracer::Trace([](const Tensor& x) { x.sum(); }, {ones({2})},
                            options_);
            }),
            "The traced function didn't return any values! Side-effects are "
            "not captured in traces, so it would be a no-op.");
  const Tensor other = ones({2});
  EXPECT_TRUE(absl::StrContains(
      ErrorOf([&] {
        tracer::Trace([&](const Tensor& x) { return other; }, {ones({2})},
                      options_);
      }),
      "of traced region did not have observable data dependence with trace "
      "inputs; this probably indicates your program cannot be understood by "
      "the tracer."));
}

TEST_F(TracingTest, IterationOverTensor) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        Tensor total = eager::Named("total", eager::zeros({}));
        for (const Tensor& row : x) {
          total = eager::Named("total", total + eager::Named("row", row).sum());
        }
        return total;
      },
      {ones({2, 3})}, Arguments({"x"}));
  EXPECT_EQ(warnings_,
            Twice("Iterating over a tensor might cause the trace to be "
                  "incorrect. Passing a tensor of different shape won't change "
                  "the number of iterations executed (and might lead to errors "
                  "or silently give incorrect results)."));
  EXPECT_EQ(
      GraphOf(f),
      R"(graph(%x : Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu)):
  %0 : int[] = prim::ListConstruct()
  %1 : NoneType = prim::Constant()
  %2 : NoneType = prim::Constant()
  %3 : Device = prim::Constant[value="cpu"]()
  %4 : bool = prim::Constant[value=0]()
  %total.1 : Float(requires_grad=0, device=cpu) = aten::zeros(%0, %1, %2, %3, %4)
  %5 : int = prim::Constant[value=0]()
  %6 : Tensor[] = aten::unbind(%x, %5)
  %row.1 : Float(3, strides=[1], requires_grad=0, device=cpu), %row : Float(3, strides=[1], requires_grad=0, device=cpu) = prim::ListUnpack(%6)
  %7 : NoneType = prim::Constant()
  %8 : Float(requires_grad=0, device=cpu) = aten::sum(%row.1, %7)
  %9 : int = prim::Constant[value=1]()
  %total : Float(requires_grad=0, device=cpu) = aten::add(%total.1, %8, %9)
  %10 : NoneType = prim::Constant()
  %11 : Float(requires_grad=0, device=cpu) = aten::sum(%row, %10)
  %12 : int = prim::Constant[value=1]()
  %13 : Float(requires_grad=0, device=cpu) = aten::add(%total, %11, %12)
  return (%13))");
  EXPECT_EQ(ErrorOf([] { begin(eager::zeros({})); }),
            "iteration over a 0-d tensor");
}

TEST_F(TracingTest, ContainsOfTensor) {
  const auto f = tracer::Trace(
      [](const Tensor& x) { return x + (eager::Contains(x, 1.0) ? 1 : 2); },
      {ones({2})}, Arguments({"x"}));
  EXPECT_EQ(warnings_, Twice(Conversion("number")));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Long(requires_grad=0, device=cpu) = prim::Constant[value={1}]()
  %1 : int = prim::Constant[value=1]()
  %2 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%x, %0, %1)
  return (%2))");
}

TEST_F(TracingTest, ToListOfTensor) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        double sum = 0;
        for (const float v : eager::ToList<float>(x)) sum += v;
        return x + sum;
      },
      {ones({2})}, Arguments({"x"}));
  EXPECT_EQ(warnings_, Twice(Conversion("list")));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::resolve_conj(%x)
  %1 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::resolve_neg(%0)
  %2 : Double(requires_grad=0, device=cpu) = prim::Constant[value={2}]()
  %3 : int = prim::Constant[value=1]()
  %4 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%1, %2, %3)
  return (%4))");
}

std::string Constructor(const char* what) {
  return absl::StrCat(
      what,
      " results are registered as constants in the trace. You can safely "
      "ignore this warning if you use this function to create tensors out of "
      "constant variables that would be the same every time you call this "
      "function. In any other case, this might cause the trace to be "
      "incorrect.");
}

TEST_F(TracingTest, ArrayOfTensor) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        return x + eager::FromArray(eager::ToArray<float>(x), x.raw().sizes());
      },
      {ones({2})}, Arguments({"x"}));
  const std::string array = absl::StrReplaceAll(
      Conversion("boolean"), {{"Python boolean", "NumPy array"}});
  EXPECT_EQ(warnings_, (Strings{array, Constructor("torch.from_numpy"), array,
                                Constructor("torch.from_numpy")}));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Float(2, strides=[1], requires_grad=0, device=cpu) = prim::Constant[value= 1  1 [ CPUFloatType{2} ]]()
  %1 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::lift_fresh(%0)
  %2 : int = prim::Constant[value=1]()
  %3 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%x, %1, %2)
  return (%3))");
}

TEST_F(TracingTest, TensorOfTensor) {
  const auto f =
      tracer::Trace([](const Tensor& x) { return x + eager::TensorFrom(x); },
                    {ones({2})}, Arguments({"x"}));
  ASSERT_EQ(warnings_.size(), 4u);
  EXPECT_EQ(warnings_[0], Constructor("torch.tensor"));
  EXPECT_TRUE(absl::StartsWith(
      warnings_[1], "To copy construct from a tensor, it is recommended to "));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::detach(%x)
  %1 : Device = prim::Constant[value="cpu"]()
  %2 : int = prim::Constant[value=6]()
  %3 : bool = prim::Constant[value=0]()
  %4 : bool = prim::Constant[value=1]()
  %5 : NoneType = prim::Constant()
  %6 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::to(%0, %1, %2, %3, %4, %5)
  %7 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::detach(%6)
  %8 : int = prim::Constant[value=1]()
  %9 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%x, %7, %8)
  return (%9))");
}

TEST_F(TracingTest, LenOfTensor) {
  const auto f = tracer::Trace([](const Tensor& x) { return x * x.len(); },
                               {ones({2, 3})}, Arguments({"x"}));
  EXPECT_EQ(warnings_,
            Twice("Using len to get tensor shape might cause the trace to be "
                  "incorrect. Recommended usage would be tensor.shape[0]. "
                  "Passing a tensor of different shape might lead to errors or "
                  "silently give incorrect results."));
  EXPECT_EQ(
      GraphOf(f),
      R"(graph(%x : Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu)):
  %0 : Long(requires_grad=0, device=cpu) = prim::Constant[value={2}]()
  %1 : Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu) = aten::mul(%x, %0)
  return (%1))");
}

TEST_F(TracingTest, ListOutput) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        return std::vector<Tensor>{x, x + 1};
      },
      {ones({2})}, Arguments({"x"}));
  EXPECT_EQ(warnings_, Twice(kList));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Long(requires_grad=0, device=cpu) = prim::Constant[value={1}]()
  %1 : int = prim::Constant[value=1]()
  %2 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%x, %0, %1)
  %3 : Tensor[] = prim::ListConstruct(%x, %2)
  return (%3))");
}

TEST_F(TracingTest, ParametersFromOutside) {
  auto linear = nn::Make<nn::Linear>(2, 2);
  EXPECT_TRUE(absl::StartsWith(
      ErrorOf([&] {
        tracer::Trace([&](const Tensor& x) { return linear(x); },
                      {ones({1, 2})}, options_);
      }),
      "Cannot insert a Tensor that requires grad as a constant. Consider "
      "making it a parameter or input, or detaching the gradient\nTensor:\n"));
}

TEST_F(TracingTest, SizeAsBoolean) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        if (x.size(0) == 1) return x + 3;
        return x + 20;
      },
      {ones({1, 4})}, Arguments({"x"}));
  EXPECT_EQ(warnings_, Twice(Conversion("boolean")));
  EXPECT_EQ(
      GraphOf(f),
      R"(graph(%x : Float(1, 4, strides=[4, 1], requires_grad=0, device=cpu)):
  %0 : Long(requires_grad=0, device=cpu) = prim::Constant[value={3}]()
  %1 : int = prim::Constant[value=1]()
  %2 : Float(1, 4, strides=[4, 1], requires_grad=0, device=cpu) = aten::add(%x, %0, %1)
  return (%2))");
}

TEST_F(TracingTest, SizesStaySymbolic) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        const Tensor y = x.view(x.shape());
        return y + x.size(0) * 2;
      },
      {ones({2, 3})}, Arguments({"x"}));
  EXPECT_TRUE(warnings_.empty());
  EXPECT_EQ(
      GraphOf(f),
      R"(graph(%x : Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu)):
  %0 : int = prim::Constant[value=0]()
  %1 : int = aten::size(%x, %0)
  %2 : Long(device=cpu) = prim::NumToTensor(%1)
  %3 : int = aten::Int(%2)
  %4 : int = prim::Constant[value=1]()
  %5 : int = aten::size(%x, %4)
  %6 : Long(device=cpu) = prim::NumToTensor(%5)
  %7 : int = aten::Int(%6)
  %8 : int[] = prim::ListConstruct(%3, %7)
  %9 : Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu) = aten::view(%x, %8)
  %10 : int = prim::Constant[value=0]()
  %11 : int = aten::size(%x, %10)
  %12 : Long(device=cpu) = prim::NumToTensor(%11)
  %13 : Long(requires_grad=0, device=cpu) = prim::Constant[value={2}]()
  %14 : Long(requires_grad=0, device=cpu) = aten::mul(%12, %13)
  %15 : int = prim::Constant[value=1]()
  %16 : Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu) = aten::add(%9, %14, %15)
  return (%16))");
  const Tensor other = f(ones({4, 5}));
  EXPECT_TRUE(other.sizes() == eager::IntList({4, 5}));
  EXPECT_EQ(other[0][0].item<double>(), 9.);
}

TEST_F(TracingTest, IndexOfTensorIsSilent) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        const std::vector<double> table = {0.5, 1.5};
        return x + table[static_cast<int64_t>(x.shape()[1] - 3)];
      },
      {ones({1, 4})}, Arguments({"x"}));
  EXPECT_TRUE(warnings_.empty());
  EXPECT_EQ(
      GraphOf(f),
      R"(graph(%x : Float(1, 4, strides=[4, 1], requires_grad=0, device=cpu)):
  %0 : Double(requires_grad=0, device=cpu) = prim::Constant[value={1.5}]()
  %1 : int = prim::Constant[value=1]()
  %2 : Float(1, 4, strides=[4, 1], requires_grad=0, device=cpu) = aten::add(%x, %0, %1)
  return (%2))");
}

TEST_F(TracingTest, NestedInputs) {
  using Pair = std::tuple<Tensor, Tensor>;
  const auto f = tracer::Trace(
      [](const Pair& t, const std::vector<Tensor>& l,
         const std::map<std::string, Tensor>& d) {
        return std::get<0>(t) + l[1] + d.at("b");
      },
      {Pair(ones({2}), ones({2})), std::vector<Tensor>{ones({2}), ones({2})},
       std::map<std::string, Tensor>{{"a", ones({2})}, {"b", ones({2})}}},
      Arguments({"t", "l", "d"}));
  EXPECT_EQ(
      GraphOf(f),
      R"(graph(%t : (Float(2, strides=[1], requires_grad=0, device=cpu), Float(2, strides=[1], requires_grad=0, device=cpu)),
      %l : Tensor[],
      %d : Dict(str, Tensor)):
  %0 : Float(2, strides=[1], requires_grad=0, device=cpu), %1 : Float(2, strides=[1], requires_grad=0, device=cpu) = prim::TupleUnpack(%t)
  %2 : Float(2, strides=[1], requires_grad=0, device=cpu), %3 : Float(2, strides=[1], requires_grad=0, device=cpu) = prim::ListUnpack(%l)
  %4 : str = prim::Constant[value="b"]()
  %5 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::__getitem__(%d, %4)
  %6 : int = prim::Constant[value=1]()
  %7 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%0, %3, %6)
  %8 : int = prim::Constant[value=1]()
  %9 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%7, %5, %8)
  return (%9))");
}

TEST_F(TracingTest, ConstructorsAreConstants) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        return x + eager::tensor(x.sum().item<double>() * 2);
      },
      {ones({2})}, Arguments({"x"}));
  const std::string constructor =
      "torch.tensor results are registered as constants in the trace. You can "
      "safely ignore this warning if you use this function to create tensors "
      "out of constant variables that would be the same every time you call "
      "this function. In any other case, this might cause the trace to be "
      "incorrect.";
  EXPECT_EQ(warnings_, (Strings{Conversion("number"), constructor,
                                Conversion("number"), constructor}));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Float(requires_grad=0, device=cpu) = prim::Constant[value={4}]()
  %1 : Device = prim::Constant[value="cpu"]()
  %2 : int = prim::Constant[value=6]()
  %3 : bool = prim::Constant[value=0]()
  %4 : bool = prim::Constant[value=0]()
  %5 : NoneType = prim::Constant()
  %6 : Float(requires_grad=0, device=cpu) = aten::to(%0, %1, %2, %3, %4, %5)
  %7 : Float(requires_grad=0, device=cpu) = aten::detach(%6)
  %8 : int = prim::Constant[value=1]()
  %9 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::add(%x, %7, %8)
  return (%9))");
}

TEST_F(TracingTest, SameTensorTwice) {
  const Tensor x = ones({2});
  const auto f =
      tracer::Trace([](const Tensor& a, const Tensor& b) { return a - b; },
                    {x, x}, Arguments({"a", "b"}));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%a : Float(2, strides=[1], requires_grad=0, device=cpu),
      %b : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : int = prim::Constant[value=1]()
  %1 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::sub(%a, %b, %0)
  return (%1))");
}

TEST_F(TracingTest, AssignedElementsAreFilled) {
  const auto f = tracer::Trace(
      [](const Tensor& x) {
        x.set({0}, 1);
        return x;
      },
      {ones({2, 3})}, Arguments({"x"}));
  EXPECT_EQ(
      GraphOf(f),
      R"(graph(%x : Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu)):
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=0]()
  %2 : Float(3, strides=[1], requires_grad=0, device=cpu) = aten::select(%x, %0, %1)
  %3 : int = prim::Constant[value=1]()
  %4 : Float(3, strides=[1], requires_grad=0, device=cpu) = aten::fill_(%2, %3)
  return (%x))");
}

struct Block : nn::ModuleOf<Block> {
  Tensor forward(const Tensor& x) { return relu(linear(x)); }
  nn::Ptr<nn::Linear> linear = Register<nn::Linear>("linear", 2, 2);
};
// One module called twice, two of a class, a parameter of one used by another.
struct Net : nn::ModuleOf<Net> {
  Tensor forward(const Tensor& x) {
    // Operands of + are computed in no order that C++ says.
    const Tensor y = a(a(x));
    return y + b(x) * b->linear->weight;
  }
  nn::Ptr<Block> a = Register<Block>("a");
  nn::Ptr<Block> b = Register<Block>("b");
};

TEST_F(TracingTest, ModulesBecomeMethods) {
  auto net = nn::Make<Net>();
  const Module traced = tracer::Trace(net, {ones({2, 2})}, Arguments({"x"}));
  EXPECT_EQ(GraphOf(traced), R"(graph(%self.1 : __torch__.Net,
      %x : Float(2, 2, strides=[2, 1], requires_grad=0, device=cpu)):
  %b : __torch__.___torch_mangle_1.Block = prim::GetAttr[name="b"](%self.1)
  %linear : __torch__.torch.nn.modules.linear.___torch_mangle_0.Linear = prim::GetAttr[name="linear"](%b)
  %weight : Tensor = prim::GetAttr[name="weight"](%linear)
  %b.1 : __torch__.___torch_mangle_1.Block = prim::GetAttr[name="b"](%self.1)
  %a : __torch__.Block = prim::GetAttr[name="a"](%self.1)
  %0 : Tensor = prim::CallMethod[name="forward"](%a, %x)
  %1 : Tensor = prim::CallMethod[name="forward1"](%a, %0)
  %2 : Tensor = prim::CallMethod[name="forward"](%b.1, %x)
  %3 : Float(2, 2, strides=[2, 1], requires_grad=1, device=cpu) = aten::mul(%2, %weight)
  %4 : int = prim::Constant[value=1]()
  %5 : Float(2, 2, strides=[2, 1], requires_grad=1, device=cpu) = aten::add(%1, %3, %4)
  return (%5))");
  const Module a = traced.Children()[0].second;
  EXPECT_EQ(GraphOf(*a.FindMethod("forward")),
            R"(graph(%self.3 : __torch__.Block,
      %x : Float(2, 2, strides=[2, 1], requires_grad=0, device=cpu)):
  %linear.1 : __torch__.torch.nn.modules.linear.Linear = prim::GetAttr[name="linear"](%self.3)
  %0 : Tensor = prim::CallMethod[name="forward"](%linear.1, %x)
  %input : Float(2, 2, strides=[2, 1], requires_grad=1, device=cpu) = aten::relu(%0), scope: __module.a
  return (%input))");
  EXPECT_EQ(CodeOf(*a.FindMethod("forward1")), R"(def forward1(self,
    argument_1: Tensor) -> Tensor:
  linear = self.linear
  _0 = torch.relu((linear).forward1(argument_1, ))
  return _0)");
}

struct Split : nn::ModuleOf<Split> {
  std::tuple<Tensor, Tensor> forward(const Tensor& x) {
    const std::vector<Tensor> c = x.chunk(2, 1);
    return {c[0] + 1, c[1]};
  }
};
struct Pair : nn::ModuleOf<Pair> {
  Tensor forward(const std::tuple<Tensor, Tensor>& p) {
    return std::get<0>(p) - std::get<1>(p) * scale;
  }
  Tensor scale;
};
struct Both : nn::ModuleOf<Both> {
  nn::Ptr<Split> split = Register<Split>("split");
  nn::Ptr<Pair> pair = Register<Pair>("pair");
  Tensor scale = register_parameter("scale", ones({1}));
  Tensor forward(const Tensor& x) {
    auto [a, b] = split(x);
    pair->scale = scale;
    return pair(std::tuple<Tensor, Tensor>(b, a)) + a;
  }
};

TEST_F(TracingTest, MethodsHaveTheirArgumentsAndResults) {
  const Module traced =
      tracer::Trace(nn::Make<Both>(), {ones({2, 4})}, Arguments({"x"}));
  EXPECT_EQ(GraphOf(traced), R"(graph(%self.1 : __torch__.Both,
      %x : Float(2, 4, strides=[4, 1], requires_grad=0, device=cpu)):
  %scale : Tensor = prim::GetAttr[name="scale"](%self.1)
  %pair : __torch__.Pair = prim::GetAttr[name="pair"](%self.1)
  %split : __torch__.Split = prim::GetAttr[name="split"](%self.1)
  %0 : (Tensor, Tensor) = prim::CallMethod[name="forward"](%split, %x)
  %1 : Float(2, 2, strides=[2, 1], requires_grad=0, device=cpu), %2 : Float(2, 2, strides=[4, 1], requires_grad=0, device=cpu) = prim::TupleUnpack(%0)
  %3 : Tensor = prim::CallMethod[name="forward"](%pair, %scale, %1, %2)
  %4 : int = prim::Constant[value=1]()
  %5 : Float(2, 2, strides=[2, 1], requires_grad=1, device=cpu) = aten::add(%3, %1, %4)
  return (%5))");
  EXPECT_EQ(GraphOf(traced.Children()[1].second),
            R"(graph(%self : __torch__.Pair,
      %0 : Float(1, strides=[1], requires_grad=1, device=cpu),
      %1 : Float(2, 2, strides=[2, 1], requires_grad=0, device=cpu),
      %2 : Float(2, 2, strides=[4, 1], requires_grad=0, device=cpu)):
  %3 : Float(2, 2, strides=[2, 1], requires_grad=1, device=cpu) = aten::mul(%1, %0), scope: __module.pair
  %4 : int = prim::Constant[value=1](), scope: __module.pair
  %5 : Float(2, 2, strides=[2, 1], requires_grad=1, device=cpu) = aten::sub(%2, %3, %4), scope: __module.pair
  return (%5))");
}

struct Scaled : nn::ModuleOf<Scaled> {
  nn::Ptr<nn::Linear> linear = Register<nn::Linear>("linear", 2, 2);
  Tensor forward(const Tensor& x) { return linear(x); }
  Tensor scaled(const Tensor& x, const Tensor& s) { return linear(x) * s; }
};

TEST_F(TracingTest, SeveralMethods) {
  auto net = nn::Make<Scaled>();
  const Tensor x = ones({1, 2}), s = ones({2}) * 3;
  const Module traced = tracer::TraceMethods(
      *net,
      {tracer::Forward({x}, {"x"}),
       tracer::Method("scaled", &Scaled::scaled, *net, {x, s}, {"x", "s"})},
      options_);
  EXPECT_EQ(CodeOf(*traced.FindMethod("forward")), R"(def forward(self,
    x: Tensor) -> Tensor:
  linear = self.linear
  return (linear).forward(x, ))");
  EXPECT_EQ(CodeOf(*traced.FindMethod("scaled")), R"(def scaled(self,
    x: Tensor,
    s: Tensor) -> Tensor:
  linear = self.linear
  return torch.mul((linear).forward1(x, ), s))");
  const auto y = context_->engine().Call(
      traced, "scaled", {IValue((x * 2).raw()), IValue(s.raw())});
  ASSERT_TRUE(y.ok()) << y.status();
  EXPECT_EQ(eager::FromIValue<Tensor>(*y).ToString(),
            net->scaled(x * 2, s).ToString());
  EXPECT_EQ(ErrorOf([&] {
              tracer::TracedMethod missing;
              missing.name = "missing";
              missing.inputs = {IValue(x.raw())};
              tracer::TraceMethods(*net, {missing}, options_);
            }),
            "'Scaled' object has no attribute 'missing'");
  EXPECT_EQ(ErrorOf([&] {
              tracer::TraceMethods(*net,
                                   {tracer::Method("scaled", &Scaled::scaled,
                                                   *net, {x}, {"x", "s"})},
                                   options_);
            }),
            "scaled() missing 1 required positional argument: 's'");
}

TEST_F(TracingTest, TwoThreads) {
  auto net = nn::Make<Net>();
  std::string graphs[2];
  std::thread threads[2];
  for (int i = 0; i < 2; ++i) {
    threads[i] = std::thread([&, i] {
      for (int n = 0; n < 20; ++n) {
        graphs[i] =
            GraphOf(tracer::Trace(net, {ones({2, 2})}, Arguments({"x"})));
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(graphs[0], graphs[1]);
  EXPECT_FALSE(graphs[0].empty());
}

TEST_F(TracingTest, NestedTracesAreCalls) {
  const auto f = tracer::Trace(
      [&](const Tensor& x) {
        const auto inner =
            tracer::Trace([](const Tensor& y) { return y.relu(); }, {x},
                          Named("inner", {"y"}));
        const Tensor r = inner(x);
        return r * 2;
      },
      {ones({2})}, Arguments({"x"}));
  EXPECT_EQ(GraphOf(f),
            R"(graph(%x : Float(2, strides=[1], requires_grad=0, device=cpu)):
  %0 : Function = prim::Constant[name="inner"]()
  %1 : Float(2, strides=[1], requires_grad=0, device=cpu) = prim::CallFunction(%0, %x)
  %2 : Long(requires_grad=0, device=cpu) = prim::Constant[value={2}]()
  %3 : Float(2, strides=[1], requires_grad=0, device=cpu) = aten::mul(%1, %2)
  return (%3))");
}

}  // namespace
}  // namespace tandem
