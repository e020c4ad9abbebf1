// Bytes as a plugin: they say what it registers, what each of its functions
// asks the host and with which numbers, what it sets, answers and throws. A
// program of ordinary operators runs with it in front of the reference kernels.
// Whatever a plugin does within C's own rules must end in a status.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/backends/abi/plugin_host.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/graph.h"
#include "tandem/runtime/engine.h"

namespace tandem {
namespace {

// What the plugin does next. Zeros when the bytes have ended.
struct Script {
  const uint8_t* next = nullptr;
  const uint8_t* end = nullptr;
  const TandemHost* host = nullptr;
  int steps = 0;

  uint8_t Byte() { return next < end ? *next++ : 0; }
  uint32_t Pick(uint32_t n) { return Byte() % n; }
  int32_t Index() { return static_cast<int32_t>(Pick(6)) - 1; }
  int64_t Number() {
    static constexpr int64_t kNumbers[] = {
        0, 1, 2, 3, -1, 7, 1 << 16, int64_t{1} << 40, INT64_MAX, INT64_MIN};
    return kNumbers[Pick(10)];
  }
};
Script& TheScript() {
  static auto* const script = new Script();
  return *script;
}

int32_t Answer(TandemError* e) {
  Script& s = TheScript();
  switch (s.Pick(8)) {
    case 0:
      throw std::runtime_error("on purpose");
    case 1:
      throw 5;
    case 2:
      e->code = static_cast<int32_t>(s.Number());
      std::memset(e->message, 'y', s.Pick(2) * sizeof(e->message));
      return -1;
    case 3:
      e->code = 12;
      return -1;
    default:
      return 0;
  }
}

// Reads a value as everything that it might be.
void Read(const TandemValue* v, int depth = 0) {
  const TandemHost* h = TheScript().host;
  (void)h->kind(v);
  (void)h->as_int(v);
  (void)h->as_double(v);
  (void)h->as_bool(v);
  size_t length = 0;
  if (const char* text = h->as_string(v, &length)) {
    (void)std::string(text, length);
  }
  TandemTensorInfo info = {};
  info.size = TheScript().Pick(sizeof(info) + 9);
  if (info.size > sizeof(info)) info.size = sizeof(info);
  h->tensor_info(h->as_tensor(v), &info);
  const size_t size = h->list_size(v);
  for (size_t i = 0; i <= size && i < 4 && depth < 3; ++i) {
    Read(h->list_element(v, i), depth + 1);
  }
}

TandemTensor* SomeTensor(TandemCall* c) {
  Script& s = TheScript();
  if (s.Pick(2) == 0) {
    return s.host->tensor_share(s.host->as_tensor(s.host->input(c, s.Index())));
  }
  int64_t sizes[4];
  const int32_t dim = static_cast<int32_t>(s.Pick(4));
  for (int32_t d = 0; d < dim; ++d) sizes[d] = s.Number();
  TandemTensor* t = nullptr;
  (void)s.host->tensor_empty(sizes, dim, static_cast<int32_t>(s.Pick(16)), &t,
                             nullptr);
  if (t == nullptr) return nullptr;
  TandemTensorInfo info = {};
  info.size = sizeof(info);
  s.host->tensor_info(t, &info);
  if (info.data != nullptr && info.numel > 0) {
    *static_cast<uint8_t*>(info.data) = s.Byte();
  }
  if (s.Pick(4) != 0) return t;
  s.host->tensor_release(t);
  return nullptr;
}

int32_t RunAny(TandemCall* c, TandemError* e) {
  Script& s = TheScript();
  const TandemHost* h = s.host;
  for (uint32_t i = s.Pick(6); i > 0 && ++s.steps < 2000; --i) {
    switch (s.Pick(7)) {
      case 0:
        (void)h->set_int(c, s.Index(), s.Number(), e);
        break;
      case 1:
        (void)h->set_double(c, s.Index(), 0.5, nullptr);
        break;
      case 2:
        (void)h->set_bool(c, s.Index(), 7, e);
        break;
      case 3:
        Read(h->input(c, s.Index()));
        break;
      case 4:
        (void)h->parallel_for(
            s.Pick(100), s.Number(),
            [](void*, int64_t begin, int64_t) {
              if (begin == 42) throw begin;
            },
            nullptr, e);
        break;
      default:
        (void)h->set_tensor(c, s.Index(), SomeTensor(c), e);
    }
  }
  return Answer(e);
}

void Visit(const TandemGroup* g) {
  Script& s = TheScript();
  const TandemHost* h = s.host;
  for (uint32_t i = s.Pick(5); i > 0; --i) {
    TandemTensorInfo info = {};
    info.size = sizeof(info);
    (void)h->group_input_info(g, s.Index(), &info);
    (void)h->group_num_inputs(g);
    (void)h->group_output(g, s.Index());
    (void)h->group_node_input(g, s.Index(), s.Index());
    (void)h->group_node_output(g, s.Index(), s.Index());
    const TandemNode* n = h->group_node(g, s.Index());
    (void)h->node_name(n);
    Read(h->node_constant(n, s.Index()));
  }
}

int32_t Init(const TandemHost* host, TandemRegistry* registry,
             TandemError* error) {
  Script& s = TheScript();
  s.host = host;
  static constexpr const char* kSchemas[] = {
      "my::op(Tensor x) -> Tensor", "my::op(Tensor x, int n) -> (int, Tensor)",
      "my::op(", "aten::relu(Tensor x) -> Tensor", "my::op(Foo x) -> Bar"};
  static constexpr const char* kOperators[] = {
      "aten::relu",         "aten::add.Tensor", "aten::size.int",   "my::op",
      "aten::split.Tensor", "aten::nothing",    "aten::mul.Scalar", ""};
  for (uint32_t i = s.Pick(6); i > 0; --i) {
    switch (s.Pick(4)) {
      case 0:
        (void)host->add_operator(registry, kSchemas[s.Pick(5)], "custom",
                                 s.Byte(), error);
        break;
      case 1: {
        TandemKernel k = {};
        k.size = sizeof(k);
        k.call = [](void*, TandemCall* c, TandemError* e) {
          return RunAny(c, e);
        };
        k.destroy = [](void*) {
          TandemError unused;
          (void)Answer(&unused);
        };
        if (s.Pick(4) != 0) k.destroy = nullptr;
        (void)host->add_kernel(registry, "fuzz", kOperators[s.Pick(8)], &k,
                               error);
        break;
      }
      case 2: {
        TandemGroupBackend b = {};
        b.size = sizeof(b);
        b.name = "fuzz";
        b.supports = [](void*, const TandemNode* n, char* reason, size_t size) {
          Read(TheScript().host->node_constant(n, TheScript().Index()));
          std::memset(reason, 'r', TheScript().Pick(2) * size);
          TandemError unused;
          return Answer(&unused) + 1 +
                 static_cast<int32_t>(TheScript().Pick(3)) - 1;
        };
        b.compile = [](void*, const TandemGroup* g, void**, TandemError* e) {
          Visit(g);
          return Answer(e);
        };
        b.run = [](void*, void*, TandemCall* c, TandemError* e) {
          return RunAny(c, e);
        };
        (void)host->add_group_backend(registry, &b, error);
        break;
      }
      default: {
        TandemPass p = {};
        p.size = sizeof(p);
        p.name = "fuzz";
        p.run = [](void*, const char* graph, size_t size, TandemText* out,
                   TandemError* e) {
          const size_t begin = TheScript().Byte();
          if (begin < size) {
            TheScript().host->text_append(out, graph + begin, size - begin);
          }
          return Answer(e);
        };
        (void)host->add_pass(registry, &p, error);
      }
    }
  }
  return Answer(error);
}

const TandemPlugin kPlugin = {sizeof(TandemPlugin), TANDEM_ABI_VERSION, "fuzz",
                              "1", &Init};

// The host's kernels: what they compute does not matter here.
absl::StatusOr<Tensor> Relu(const Tensor& x) {
  return Tensor::Zeros(x.sizes(), x.dtype());
}
absl::StatusOr<Tensor> Add(const Tensor& a, const Tensor&, const Scalar&) {
  return Relu(a);
}
absl::StatusOr<Tensor> Mul(const Tensor& a, const Scalar&) { return Relu(a); }
absl::StatusOr<int64_t> Size(const Tensor& x, int64_t) { return x.dim(); }

// def f(x): n = x.size(0); y = relu(relu(x)) + x; return y * n, n
Function* AddProgram(const OperatorTable& operators, CompilationUnit* unit) {
  auto g = std::make_unique<Graph>();
  Value* x = g->AddInput("x", Type::Tensor());
  const auto insert = [&](const char* name, const char* overload,
                          std::vector<Value*> inputs) {
    return g->Insert(g->Create(operators.Find(name, overload), inputs))
        ->output();
  };
  Value* zero = g->InsertConstant(IValue(0));
  Value* one = g->InsertConstant(IValue(1));
  Value* n = insert("aten::size", "int", {x, zero});
  Value* y = insert("aten::relu", "", {insert("aten::relu", "", {x})});
  y = insert("aten::add", "Tensor", {y, x, one});
  y = insert("aten::mul", "Scalar", {y, n});
  Node* both = g->Insert(g->Create(NodeKind::kTupleConstruct, {y, n}));
  both->AddOutput(Type::Tuple({Type::Tensor(), Type::Int()}));
  g->AddOutput(both->output());
  Function* f = unit->AddFunction("f");
  FunctionSchema schema;
  schema.name = "f";
  Argument a;
  a.name = "x";
  a.type = Type::Tensor();
  schema.arguments.push_back(a);
  f->set_schema(std::move(schema));
  f->set_graph(std::move(g));
  return f;
}

class Silence final : public OutputSink {
 public:
  void Write(absl::string_view) override {}
};

}  // namespace
}  // namespace tandem

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tandem;
  TheScript() = {data, data + size};
  OperatorTable operators{&OperatorTable::Builtin()};
  Registry registry{&operators};
  (void)registry.Kernel("plain", "aten::relu", &Relu);
  (void)registry.Kernel("plain", "aten::add.Tensor", &Add);
  (void)registry.Kernel("plain", "aten::mul.Scalar", &Mul);
  (void)registry.Kernel("plain", "aten::size.int", &Size);
  std::vector<TextPass> passes;
  PluginHost host{&registry, &operators, [&](std::string, TextPass pass) {
                    passes.push_back(std::move(pass));
                    return absl::OkStatus();
                  }};
  (void)host.Link(&kPlugin);
  for (const TextPass& pass : passes) (void)pass("graph(%x : Tensor): ...");
  Engine engine(&registry, EngineOptions{{"fuzz", "plain"}, 1, 0});
  CompilationUnit unit;
  Function* f = AddProgram(operators, &unit);
  const float values[] = {1, -2, 3};
  Silence silence;
  MemoryBudget memory(64'000'000);
  CallOptions options;
  options.memory = &memory;
  options.warnings = &silence;
  for (int call = 0; call < 3; ++call) {
    const absl::StatusOr<Tensor> x = Tensor::FromSpan<float>(values);
    if (x.ok()) (void)engine.CallFunction(f, {IValue(*x)}, {}, options);
  }
  return 0;
}
