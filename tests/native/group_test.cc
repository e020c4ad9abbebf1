// native's groups against reference, node by node: random graphs of elementwise
// operators and reductions over rows.
#include "tandem/backends/group.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "absl/strings/str_cat.h"
#include "tandem/backends/native/native.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/tensor/copy.h"

namespace tandem {
namespace {

class GroupTest : public testing::Test {
 protected:
  GroupTest() {
    EXPECT_EQ(native::Register(registry_).ToString(), "OK");
    EXPECT_EQ(reference::Register(registry_).ToString(), "OK");
  }

  // The operator's one result, by reference's kernel.
  absl::StatusOr<IValue> Reference(const Operator& op,
                                   std::vector<IValue> registers) {
    static const std::vector<std::string>* const kBackend =
        new std::vector<std::string>{"reference"};
    std::vector<uint32_t> in;
    for (uint32_t i = 0; i < registers.size(); ++i) in.push_back(i);
    const uint32_t out = static_cast<uint32_t>(registers.size());
    registers.emplace_back();
    const KernelCall call = {registers.data(), in.data(), &out,
                             static_cast<uint32_t>(in.size()), 1};
    const absl::Status status = registry_.Find(op, *kBackend)->kernel(call);
    if (!status.ok()) return status;
    return registers.back();
  }

  struct Known {
    Value* value;
    IValue data;
  };

  // Adds a node whose arguments after the tensors are constants. Null: the
  // operator does not take these.
  std::optional<Known> AddNode(Graph& g, const std::string& name,
                               const std::string& overload,
                               std::vector<Known> tensors,
                               std::vector<IValue> rest) {
    const Operator* op = registry_.operators().Find(name, overload);
    if (op == nullptr) {
      ADD_FAILURE() << name << "." << overload;
      return std::nullopt;
    }
    std::vector<IValue> registers;
    for (const Known& k : tensors) registers.push_back(k.data);
    for (const IValue& v : rest) registers.push_back(v);
    while (registers.size() < op->schema.arguments.size()) {
      const auto& a = op->schema.arguments[registers.size()];
      registers.push_back(*a.default_value);
      rest.push_back(*a.default_value);
    }
    absl::StatusOr<IValue> result = Reference(*op, registers);
    if (!result.ok()) return std::nullopt;
    std::vector<Value*> inputs;
    for (const Known& k : tensors) inputs.push_back(k.value);
    for (const IValue& v : rest) inputs.push_back(g.InsertConstant(v));
    Node* n = g.Insert(g.Create(op, inputs));
    return Known{n->output(), *result};
  }

  Registry registry_;
};

Tensor Random(std::mt19937& random, const Dims& sizes, DType dtype) {
  Tensor t = *Tensor::Empty(sizes, DType::kDouble);
  std::normal_distribution<double> normal(0, 1.5);
  for (int64_t i = 0; i < t.numel(); ++i) {
    t.data<double>()[i] = dtype == DType::kBool ? random() % 2
                          : dtype == DType::kInt64
                              ? static_cast<double>(random() % 9) - 4
                              : normal(random);
    if (random() % 50 == 0 && IsFloatingPoint(dtype)) {
      t.data<double>()[i] = random() % 2 ? NAN : INFINITY;
    }
  }
  return *Contiguous(t, dtype);
}

std::string Difference(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) {
    return absl::StrCat(TypeName(a.dtype()), " not ", TypeName(b.dtype()));
  }
  if (a.sizes() != b.sizes()) {
    return absl::StrCat(DimsToString(a.sizes()), " not ",
                        DimsToString(b.sizes()));
  }
  if (a.strides() != b.strides()) return "strides";
  const Tensor x = *Contiguous(a, DType::kDouble);
  const Tensor y = *Contiguous(b, DType::kDouble);
  double high = 1;
  for (int64_t i = 0; i < y.numel(); ++i) {
    const double v = std::fabs(y.data<double>()[i]);
    if (std::isfinite(v)) high = std::max(high, v);
  }
  int64_t wrong = 0;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double p = x.data<double>()[i], q = y.data<double>()[i];
    if (std::isnan(q) ? std::isnan(p) : p == q) continue;
    // The bounds of `tandem check`.
    if (std::fabs(p - q) <=
        1e-4 * std::max(1.0, high) * 0.1 + 1e-4 * std::fabs(q)) {
      continue;
    }
    if (++wrong > x.numel() / 100) {  // a test or a pole may fall elsewhere
      return absl::StrCat("element ", i, ": ", p, " not ", q);
    }
  }
  return "";
}

TEST_F(GroupTest, ComputesAsReference) {
  const GroupBackend* backend = registry_.FindGroupBackend("native");
  ASSERT_NE(backend, nullptr);
  const std::vector<std::string> kUnary = {
      "neg",   "abs",   "relu",  "tanh",      "sigmoid",
      "exp",   "silu",  "sqrt",  "hardswish", "hardsigmoid",
      "floor", "log1p", "erf",   "sign",      "square",
      "expm1", "round", "rsqrt", "mish",      "logical_not"};
  const std::vector<std::pair<std::string, std::string>> kBinary = {
      {"add", "Tensor"}, {"sub", "Tensor"}, {"mul", "Tensor"},
      {"div", "Tensor"}, {"maximum", ""},   {"minimum", ""},
      {"gt", "Tensor"},  {"eq", "Tensor"},  {"logical_and", ""}};
  const std::vector<std::pair<std::string, std::string>> kWithNumber = {
      {"add", "Scalar"},  {"mul", "Scalar"},        {"div", "Scalar"},
      {"lt", "Scalar"},   {"rsub", "Scalar"},       {"clamp_min", ""},
      {"leaky_relu", ""}, {"pow", "Tensor_Scalar"}, {"elu", ""}};
  const std::vector<Dims> kSizes = {{7},      {3, 4},       {2, 5, 33},
                                    {64, 96}, {2, 3, 8, 9}, {40, 1000},
                                    {5000},   {3, 2048}};
  const IValue kNone;
  int compiled = 0, refused = 0;
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    std::mt19937 random(seed);
    Graph g;
    std::vector<Known> known;
    std::vector<IValue> arguments;
    const Dims base = kSizes[random() % kSizes.size()];
    const int num_inputs = 1 + random() % 4;
    for (int i = 0; i < num_inputs; ++i) {
      Dims sizes = base;
      if (i > 0) {
        switch (random() % 5) {
          case 0:
            sizes = {};
            break;
          case 1:
            sizes = {base.back()};
            break;
          case 2:
            for (int64_t& s : sizes) s = random() % 2 ? s : 1;
            break;
          case 3:
            sizes.back() = 1;
            break;
        }
      }
      const DType kDTypes[] = {DType::kFloat, DType::kFloat, DType::kFloat,
                               DType::kInt64, DType::kBool,  DType::kDouble};
      const DType dtype = i == 0 ? DType::kFloat : kDTypes[random() % 6];
      Tensor t = Random(random, sizes, dtype);
      if (sizes.size() > 1 && random() % 6 == 0) {  // every second row
        Dims wide = sizes;
        wide.back() *= 2;
        Tensor w = Random(random, wide, dtype);
        Dims strides(w.strides().begin(), w.strides().end());
        strides.back() *= 2;
        t = w.ViewUnchecked(sizes, strides, 0);
      }
      arguments.push_back(IValue(t));
      known.push_back(
          {g.AddInput(absl::StrCat("x", i), Type::Tensor()), IValue(t)});
    }
    std::string text;
    std::vector<Known> made;
    const int num_nodes = 2 + random() % 9;
    for (int i = 0; i < num_nodes; ++i) {
      const auto pick = [&] {
        return known[known.size() - 1 -
                     random() % std::min<size_t>(known.size(), 4)];
      };
      std::optional<Known> k;
      std::string name;
      switch (random() % 10) {
        case 0:
        case 1:
        case 2: {
          name = kUnary[random() % kUnary.size()];
          k = AddNode(g, "aten::" + name, "", {pick()}, {});
          break;
        }
        case 3:
        case 4:
        case 5: {
          const auto& op = kBinary[random() % kBinary.size()];
          name = op.first;
          k = AddNode(g, "aten::" + name, op.second, {pick(), pick()}, {});
          break;
        }
        case 6: {
          const auto& op = kWithNumber[random() % kWithNumber.size()];
          name = op.first;
          const IValue number =
              name == "pow" || random() % 2 ? IValue(int64_t{2}) : IValue(0.75);
          k = AddNode(g, "aten::" + name, op.second, {pick()}, {number});
          break;
        }
        case 7: {
          name = random() % 2 ? "softmax" : "log_softmax";
          k = AddNode(g, "aten::" + name, "int", {pick()},
                      {IValue(int64_t{-1}), kNone});
          break;
        }
        case 8: {
          const char* kNames[] = {"sum", "mean", "amax"};
          name = kNames[random() % 3];
          std::vector<IValue> rest = {IValue(MakeIntList({-1})),
                                      IValue(random() % 4 != 0)};
          if (name != "amax") rest.push_back(kNone);
          k = AddNode(g, "aten::" + name,
                      name == "sum"    ? "dim_IntList"
                      : name == "mean" ? "dim"
                                       : "",
                      {pick()}, rest);
          break;
        }
        default: {
          if (random() % 2) {
            name = "layer_norm";
            k = AddNode(g, "aten::layer_norm", "", {pick()},
                        {IValue(MakeIntList({base.back()})), kNone, kNone,
                         IValue(1e-5), IValue(true)});
          } else {
            name = "where";
            std::optional<Known> c =
                AddNode(g, "aten::gt", "Tensor", {pick(), pick()}, {});
            if (c.has_value()) {
              k = AddNode(g, "aten::where", "self", {*c, pick(), pick()}, {});
            }
          }
        }
      }
      if (!k.has_value()) continue;
      absl::StrAppend(&text, name, " ");
      known.push_back(*k);
      made.push_back(*k);
    }
    if (made.empty()) continue;
    std::vector<Known> outputs(1, made.back());
    if (made.size() > 2 && random() % 2)
      outputs.push_back(made[made.size() / 2]);
    if (outputs.size() > 1 && outputs[0].value == outputs[1].value) {
      outputs.pop_back();
    }
    for (const Known& k : outputs) g.AddOutput(k.value);
    std::vector<ValueDescription> descriptions;
    for (const IValue& v : arguments) {
      const Tensor& t = v.AsTensor();
      ValueDescription d;
      d.is_tensor = true;
      d.dtype = t.dtype();
      d.sizes.assign(t.sizes().begin(), t.sizes().end());
      d.strides.assign(t.strides().begin(), t.strides().end());
      descriptions.push_back(d);
    }
    for (const Node* n : *g.block()) {
      if (n->is(NodeKind::kOperator)) {
        EXPECT_TRUE(backend->Supports(*n).supported)
            << n->name() << ": " << backend->Supports(*n).reason;
      }
    }
    PackedWeights weights;
    auto executable = backend->Compile(g, descriptions, &weights);
    if (!executable.ok()) {
      EXPECT_EQ(executable.status().code(), absl::StatusCode::kUnimplemented)
          << executable.status();
      ++refused;
      continue;
    }
    ++compiled;
    std::vector<IValue> registers = arguments;
    std::vector<uint32_t> in, out;
    for (uint32_t i = 0; i < arguments.size(); ++i) in.push_back(i);
    for (uint32_t i = 0; i < outputs.size(); ++i) {
      out.push_back(static_cast<uint32_t>(registers.size()));
      registers.emplace_back();
    }
    const KernelCall call = {registers.data(), in.data(), out.data(),
                             static_cast<uint32_t>(in.size()),
                             static_cast<uint32_t>(out.size())};
    ASSERT_EQ((*executable)->Run(call).ToString(), "OK");
    for (size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_EQ(
          Difference(registers[out[i]].AsTensor(), outputs[i].data.AsTensor()),
          "")
          << "seed " << seed << " of " << DimsToString(base) << ": " << text
          << (*executable)->ToString() << "\n"
          << g.ToString(false);
    }
  }
  EXPECT_GT(compiled, 500);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace tandem
