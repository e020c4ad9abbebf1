// The C interface against plugins that hold it wrong: structs of every size,
// null pointers, functions that throw, errors without an end. All of it must
// end in a status; sanitizers watch what is read.
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/backends/abi/plugin_host.h"
#include "tandem/backends/group.h"
#include "tandem/ir/graph.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

using InitFunction =
    std::function<int32_t(const TandemHost*, TandemRegistry*, TandemError*)>;

// What init() of the plugin does: C functions have no state of their own.
InitFunction& CurrentInit() {
  static auto* init = new InitFunction;
  return *init;
}

// The first `size` bytes of `value` on the heap, so that sanitizers see a read
// past them. The struct's own size field says the same.
template <typename T>
std::unique_ptr<char[]> Cut(T value, size_t size) {
  const size_t there = std::max(size, sizeof(size_t));
  auto bytes = std::make_unique<char[]>(there);
  value.size = size;
  std::memcpy(bytes.get(), &value, std::min(there, sizeof(T)));
  return bytes;
}

TandemPlugin GoodPlugin() {
  return {sizeof(TandemPlugin), TANDEM_ABI_VERSION, "boundary", "1",
          [](const TandemHost* h, TandemRegistry* r, TandemError* e) {
            return CurrentInit()(h, r, e);
          }};
}

struct World {
  OperatorTable operators{&OperatorTable::Builtin()};
  Registry registry{&operators};
  std::vector<TextPass> passes;
  PluginHost host{&registry, &operators, [this](std::string, TextPass pass) {
                    passes.push_back(std::move(pass));
                    return absl::OkStatus();
                  }};

  absl::Status Link(InitFunction init) {
    CurrentInit() = std::move(init);
    static const TandemPlugin plugin = GoodPlugin();
    return host.Link(&plugin);
  }
};

TEST(PluginBoundary, APluginOfAnySize) {
  CurrentInit() = [](auto...) { return 0; };
  for (size_t size = 0; size < sizeof(TandemPlugin) + 24; ++size) {
    const auto bytes = Cut(GoodPlugin(), size);
    World world;
    const absl::Status status =
        world.host.Link(reinterpret_cast<const TandemPlugin*>(bytes.get()));
    EXPECT_EQ(status.ok(), size >= sizeof(TandemPlugin)) << size << status;
  }
}

TEST(PluginBoundary, EveryOtherVersionIsRefusedWithBoth) {
  for (uint32_t version : {0u, 2u, 99u, 0xffffffffu}) {
    TandemPlugin plugin = GoodPlugin();
    plugin.abi_version = version;
    World world;
    EXPECT_THAT(std::string(world.host.Link(&plugin).message()),
                HasSubstr(absl::StrCat("was built for version ", version,
                                       " of the plugin interface, this program "
                                       "has version 1")));
  }
}

TEST(PluginBoundary, RegisteredStructsOfAnySize) {
  TandemKernel kernel = {};
  kernel.call = [](void*, TandemCall*, TandemError*) { return 0; };
  TandemGroupBackend backend = {};
  backend.name = "small";
  backend.supports = [](void*, const TandemNode*, char*, size_t) { return 0; };
  backend.compile = [](void*, const TandemGroup*, void**, TandemError*) {
    return -1;
  };
  backend.run = [](void*, void*, TandemCall*, TandemError*) { return -1; };
  TandemPass pass = {};
  pass.name = "small";
  pass.run = [](void*, const char*, size_t, TandemText*, TandemError*) {
    return 0;
  };
  for (size_t size = 0; size < sizeof(TandemGroupBackend) + 24; ++size) {
    World world;
    const absl::Status status = world.Link([&](const TandemHost* h,
                                               TandemRegistry* r,
                                               TandemError* e) {
      const auto k = Cut(kernel, size), b = Cut(backend, size),
                 p = Cut(pass, size);
      EXPECT_EQ(h->add_kernel(r, "small", "aten::relu",
                              reinterpret_cast<TandemKernel*>(k.get()), e) == 0,
                size >= offsetof(TandemKernel, destroy))
          << size;
      EXPECT_EQ(h->add_group_backend(
                    r, reinterpret_cast<TandemGroupBackend*>(b.get()), e) == 0,
                size >= offsetof(TandemGroupBackend, destroy_executable))
          << size;
      EXPECT_EQ(h->add_pass(r, reinterpret_cast<TandemPass*>(p.get()), e) == 0,
                size >= offsetof(TandemPass, destroy))
          << size;
      return 0;
    });
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST(PluginBoundary, NullHandlesAreReadAsNothing) {
  World world;
  const absl::Status status = world.Link([](const TandemHost* h,
                                            TandemRegistry* r, TandemError* e) {
    EXPECT_NE(h->add_operator(r, nullptr, nullptr, 0, e), 0);
    EXPECT_NE(h->add_operator(nullptr, "a::b() -> int", nullptr, 0, e), 0);
    EXPECT_NE(h->add_operator(r, "not a schema", nullptr, 0, e), 0);
    EXPECT_NE(h->add_kernel(r, nullptr, nullptr, nullptr, e), 0);
    EXPECT_NE(h->add_kernel(r, "b", "aten::relu", nullptr, e), 0);
    EXPECT_NE(h->add_group_backend(r, nullptr, e), 0);
    EXPECT_NE(h->add_group_backend(nullptr, nullptr, nullptr), 0);
    EXPECT_NE(h->add_pass(r, nullptr, e), 0);
    EXPECT_EQ(h->num_inputs(nullptr), 0);
    EXPECT_EQ(h->num_outputs(nullptr), 0);
    EXPECT_EQ(h->input(nullptr, 0), nullptr);
    EXPECT_NE(h->set_tensor(nullptr, 0, nullptr, e), 0);
    EXPECT_NE(h->set_int(nullptr, 0, 1, e), 0);
    EXPECT_NE(h->set_double(nullptr, 0, 1, nullptr), 0);
    EXPECT_NE(h->set_bool(nullptr, 0, 1, e), 0);
    EXPECT_EQ(h->kind(nullptr), TANDEM_NONE);
    EXPECT_EQ(h->as_tensor(nullptr), nullptr);
    EXPECT_EQ(h->as_int(nullptr), 0);
    EXPECT_EQ(h->as_double(nullptr), 0);
    EXPECT_EQ(h->as_bool(nullptr), 0);
    EXPECT_EQ(h->as_string(nullptr, nullptr), nullptr);
    EXPECT_EQ(h->list_size(nullptr), 0u);
    EXPECT_EQ(h->list_element(nullptr, 0), nullptr);
    TandemTensorInfo info = {};
    h->tensor_info(nullptr, &info);  // no size: nothing is written
    h->tensor_info(nullptr, nullptr);
    info.size = sizeof(info);
    info.dim = 5;
    h->tensor_info(nullptr, &info);
    EXPECT_EQ(info.dim, 0);
    TandemTensor* t = nullptr;
    EXPECT_NE(h->tensor_empty(nullptr, 3, 6, &t, e), 0);
    EXPECT_NE(h->tensor_empty(nullptr, -1, 6, &t, e), 0);
    EXPECT_NE(h->tensor_empty(nullptr, 0, 12345, &t, e), 0);
    EXPECT_NE(h->tensor_empty(nullptr, 0, 6, nullptr, e), 0);
    const int64_t huge[] = {int64_t{1} << 40, int64_t{1} << 40};
    EXPECT_NE(h->tensor_empty(huge, 2, 6, &t, e), 0);
    const int64_t negative[] = {-3};
    EXPECT_NE(h->tensor_empty(negative, 1, 6, &t, e), 0);
    EXPECT_EQ(t, nullptr);
    EXPECT_EQ(h->tensor_share(nullptr), nullptr);
    h->tensor_release(nullptr);
    EXPECT_STREQ(h->node_name(nullptr), "");
    EXPECT_EQ(h->node_num_inputs(nullptr), 0);
    EXPECT_EQ(h->node_num_outputs(nullptr), 0);
    EXPECT_EQ(h->node_constant(nullptr, 0), nullptr);
    EXPECT_EQ(h->group_num_inputs(nullptr), 0);
    EXPECT_EQ(h->group_num_outputs(nullptr), 0);
    EXPECT_EQ(h->group_input_info(nullptr, 0, nullptr), 0);
    EXPECT_EQ(h->group_num_nodes(nullptr), 0);
    EXPECT_EQ(h->group_node(nullptr, 0), nullptr);
    EXPECT_EQ(h->group_node_input(nullptr, 0, 0), -1);
    EXPECT_EQ(h->group_node_output(nullptr, 0, 0), -1);
    EXPECT_EQ(h->group_output(nullptr, 0), -1);
    h->text_append(nullptr, "x", 1);
    EXPECT_NE(h->parallel_for(10, 1, nullptr, nullptr, e), 0);
    EXPECT_EQ(h->parallel_for(
                  -1, 0, [](void*, int64_t, int64_t) { FAIL(); }, nullptr, e),
              0);
    return 0;
  });
  EXPECT_TRUE(status.ok()) << status;
}

TEST(PluginBoundary, WhatAPieceOfWorkThrowsIsAnError) {
  World world;
  const absl::Status status = world.Link([](const TandemHost* h,
                                            TandemRegistry*, TandemError* e) {
    return h->parallel_for(
        8, 1, [](void*, int64_t, int64_t) { throw std::runtime_error("no"); },
        nullptr, e);
  });
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("a piece of parallel_for threw an exception"));
}

TEST(PluginBoundary, ErrorsAreCutToTheRoomThatThereIs) {
  World world;
  const absl::Status status = world.Link([](const TandemHost* h,
                                            TandemRegistry* r, TandemError* e) {
    for (size_t size = 0; size < 64; ++size) {
      const auto bytes = Cut(TandemError{}, size);
      EXPECT_NE(h->add_operator(r, "no schema", nullptr, 0,
                                reinterpret_cast<TandemError*>(bytes.get())),
                0);
    }
    e->code = 3;
    std::memset(e->message, 'x', sizeof(e->message));  // no end
    return -1;
  });
  EXPECT_EQ(status.message().size(),
            sizeof(TandemError::message) + strlen("plugin 'boundary': "));
}

// What a plugin's functions do next, chosen by the test.
struct Behaviour {
  std::mt19937 random{7};
  const TandemHost* host = nullptr;
  uint32_t Pick(uint32_t n) { return random() % n; }
};
Behaviour& Now() {
  static auto* now = new Behaviour;
  return *now;
}

int32_t Answer(TandemError* e) {
  switch (Now().Pick(6)) {
    case 0:
      throw std::runtime_error("a mutation");
    case 1:
      throw 5;
    case 2:
      e->code = static_cast<int32_t>(Now().random());
      std::memset(e->message, 'y', sizeof(e->message));
      return -1;
    case 3:
      return static_cast<int32_t>(Now().random());
    default:
      return 0;
  }
}

int32_t RunAny(TandemCall* c, TandemError* e) {
  const TandemHost* h = Now().host;
  for (uint32_t i = Now().Pick(4); i > 0; --i) {
    const int32_t output = static_cast<int32_t>(Now().Pick(4)) - 1;
    switch (Now().Pick(4)) {
      case 0:
        (void)h->set_int(c, output, 1, e);
        break;
      case 1: {
        TandemTensor* t = nullptr;
        const int64_t sizes[] = {2, 3};
        if (h->tensor_empty(sizes, static_cast<int32_t>(Now().Pick(3)), 6, &t,
                            e) == 0) {
          (void)h->set_tensor(c, output, t, e);
        }
        break;
      }
      case 2: {
        const TandemTensor* in =
            h->as_tensor(h->input(c, static_cast<int32_t>(Now().Pick(3)) - 1));
        if (in != nullptr) {
          (void)h->set_tensor(c, output, h->tensor_share(in), e);
        }
        break;
      }
      default:
        (void)h->set_bool(c, output, 7, nullptr);
    }
  }
  return Answer(e);
}

TEST(PluginBoundary, MutatedStructsAndFunctionsEndInAStatus) {
  int linked = 0, refused = 0, ran = 0;
  for (int round = 0; round < 3000; ++round) {
    Behaviour& now = Now();
    TandemKernel kernel = {};
    kernel.call = [](void*, TandemCall* c, TandemError* e) {
      return RunAny(c, e);
    };
    kernel.destroy = [](void*) {
      if (Now().Pick(4) == 0) throw std::runtime_error("while it is freed");
    };
    TandemGroupBackend backend = {};
    backend.name = "mutant";
    backend.supports = [](void*, const TandemNode*, char* reason, size_t n) {
      std::memset(reason, 'r', n);  // no end
      TandemError unused;
      return Answer(&unused);
    };
    backend.compile = [](void*, const TandemGroup* g, void**, TandemError* e) {
      TandemTensorInfo info = {};
      info.size = Now().Pick(sizeof(info) + 1);
      (void)Now().host->group_input_info(
          g, static_cast<int32_t>(Now().Pick(3)) - 1, &info);
      return Answer(e);
    };
    backend.run = [](void*, void*, TandemCall* c, TandemError* e) {
      return RunAny(c, e);
    };
    backend.destroy_executable = [](void*, void*) {
      if (Now().Pick(4) == 0) throw 1;
    };
    backend.destroy = kernel.destroy;
    TandemPass pass = {};
    pass.name = "mutant";
    pass.run = [](void*, const char*, size_t, TandemText* out, TandemError* e) {
      Now().host->text_append(out, "text", Now().Pick(5));
      return Answer(e);
    };
    // One field of one of them is zeroed, sizes are cut.
    const auto spoil = [&](void* bytes, size_t size) {
      if (now.Pick(2) == 0) return;
      const size_t field = 1 + now.Pick(static_cast<uint32_t>(size / 8 - 1));
      std::memset(static_cast<char*>(bytes) + field * 8, 0, 8);
    };
    spoil(&kernel, sizeof(kernel));
    spoil(&backend, sizeof(backend));
    spoil(&pass, sizeof(pass));
    const auto size_of = [&](size_t full) {
      return now.Pick(3) == 0 ? now.Pick(static_cast<uint32_t>(full) + 9)
                              : full;
    };
    const auto k = Cut(kernel, size_of(sizeof(kernel))),
               b = Cut(backend, size_of(sizeof(backend))),
               p = Cut(pass, size_of(sizeof(pass)));
    World world;
    const absl::Status status =
        world.Link([&](const TandemHost* h, TandemRegistry* r, TandemError* e) {
          now.host = h;
          (void)h->add_kernel(r, "mutant", "aten::relu",
                              reinterpret_cast<TandemKernel*>(k.get()), e);
          (void)h->add_group_backend(
              r, reinterpret_cast<TandemGroupBackend*>(b.get()), e);
          (void)h->add_pass(r, reinterpret_cast<TandemPass*>(p.get()), e);
          return now.Pick(8) == 0 ? Answer(e) : 0;
        });
    ++(status.ok() ? linked : refused);
    IValue registers[] = {IValue(*Tensor::Zeros({2}, DType::kFloat)), IValue()};
    const uint32_t in = 0, out = 1;
    const KernelCall call{registers, &in, &out, 1, 1};
    const Operator* relu = world.operators.Find("aten::relu", "");
    const std::vector<std::string> backends = {"mutant"};
    if (const KernelEntry* e = world.registry.Find(*relu, backends)) {
      const bool ok = e->kernel(call).ok();
      EXPECT_TRUE(!ok || registers[1].is_tensor());
    }
    if (const GroupBackend* g = world.registry.FindGroupBackend("mutant")) {
      Graph graph;
      Value* x = graph.AddInput("x", Type::Tensor());
      Node* n = graph.Insert(graph.Create(relu, {x}));
      graph.AddOutput(n->output());
      (void)g->Supports(*n);
      ValueDescription d;
      d.is_tensor = true;
      d.dtype = DType::kFloat;
      d.sizes = {2};
      d.strides = {1};
      PackedWeights weights;
      const auto executable = g->Compile(graph, {d}, &weights);
      if (executable.ok() && (*executable)->Run(call).ok()) ++ran;
    }
    for (const TextPass& text : world.passes) (void)text("graph");
  }
  EXPECT_GT(linked, 1000);
  EXPECT_GT(refused, 50);
  EXPECT_GT(ran, 20);
}

}  // namespace
}  // namespace tandem
