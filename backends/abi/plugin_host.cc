#include "tandem/backends/abi/plugin_host.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tandem/backends/abi/handles.h"
#include "tandem/tensor/status_macros.h"

// While init() runs.
struct TandemRegistry {
  tandem::Registry* registry;
  tandem::OperatorTable* operators;
  const std::function<absl::Status(std::string, tandem::TextPass)>* add_pass;
  std::string plugin;
};

namespace tandem {
namespace {

using abi::PutError;
using abi::TakeError;

// Calls into a plugin: its exceptions end here.
template <typename F>
absl::Status Guard(absl::string_view plugin, F&& f) {
  TandemError error = {};
  error.size = sizeof(error);
  int32_t result;
  try {
    result = f(&error);
  } catch (const std::exception& e) {
    return absl::InternalError(
        absl::StrCat("plugin '", plugin, "' threw: ", e.what()));
  } catch (...) {
    return absl::InternalError(
        absl::StrCat("plugin '", plugin, "' threw an exception"));
  }
  if (result == 0) return absl::OkStatus();
  return TakeError(plugin, error);
}

// The part of a plugin's struct that both sides know.
template <typename T>
absl::Status CopyStruct(const T* from, absl::string_view what, T* to) {
  if (from == nullptr || from->size < sizeof(size_t)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a ", what, " without its size"));
  }
  // No half pointers: a size that a compiler gave is a multiple of 8.
  const size_t size = std::min(from->size, sizeof(T)) & ~size_t{7};
  std::memset(to, 0, sizeof(T));
  std::memcpy(to, from, size);
  return absl::OkStatus();
}

// What frees things of a plugin: nobody is there to hear of its exceptions.
template <typename F>
void Contain(F&& f) {
  try {
    f();
  } catch (...) {
  }
}

template <typename T>
struct Owned {
  std::string plugin;
  T functions = {};
  ~Owned() {
    if (functions.destroy == nullptr) return;
    Contain([&] { functions.destroy(functions.state); });
  }
};

bool IsOfType(const IValue& v, const Type& type) {
  if (type.is(TypeKind::kTensor)) {
    return v.is_tensor() && v.AsTensor().defined();
  }
  return v.Conforms(type);
}

// Runs `f` on the call and moves the outputs to their registers, if each is of
// its type: programs rely on what registers hold. `name` is whose outputs they
// are.
template <typename F>
absl::Status RunCall(absl::string_view plugin, const KernelCall& call,
                     absl::string_view name, absl::Span<const TypePtr> types,
                     F&& f) {
  TandemCall c(call);
  TANDEM_RETURN_IF_ERROR(
      Guard(plugin, [&](TandemError* error) { return f(&c, error); }));
  for (uint32_t i = 0; i < call.num_outputs; ++i) {
    if (!c.set[i]) {
      return absl::InternalError(
          absl::StrCat("plugin '", plugin, "' did not set output ", i));
    }
    if (i >= types.size() || IsOfType(c.outputs[i], *types[i])) continue;
    return absl::InternalError(
        absl::StrCat("plugin '", plugin, "': ", name, " gave a ",
                     c.outputs[i].TypeOf()->ToAnnotation(), " as output ", i,
                     ", which is a ", types[i]->ToAnnotation()));
  }
  for (uint32_t i = 0; i < call.num_outputs; ++i) {
    call.out(i) = std::move(c.outputs[i]);
  }
  return absl::OkStatus();
}

// ---- kernels

struct PluginKernel : Owned<TandemKernel> {
  std::string name;  // of the operator, with its overload
  std::vector<TypePtr> returns;
};

absl::Status InvokeKernel(void (*function)(), const KernelCall& call) {
  const auto& kernel = *reinterpret_cast<const PluginKernel*>(function);
  return RunCall(kernel.plugin, call, kernel.name, kernel.returns,
                 [&](TandemCall* c, TandemError* error) {
                   return kernel.functions.call(kernel.functions.state, c,
                                                error);
                 });
}

int32_t AddOperator(TandemRegistry* r, const char* schema, const char* family,
                    uint32_t effects, TandemError* error) {
  if (r == nullptr || schema == nullptr) {
    PutError(absl::InvalidArgumentError("an operator without a schema"), error);
    return -1;
  }
  if (r->operators == nullptr) {
    PutError(absl::FailedPreconditionError(
                 "this program takes no operators from plugins"),
             error);
    return -1;
  }
  const auto row =
      r->operators->Add(schema, family == nullptr ? "custom" : family,
                        static_cast<uint8_t>(effects));
  if (row.ok()) return 0;
  PutError(row.status(), error);
  return -1;
}

absl::Status AddKernel(TandemRegistry* r, const char* backend, const char* op,
                       const TandemKernel* functions) {
  if (r == nullptr || backend == nullptr || op == nullptr) {
    return absl::InvalidArgumentError(
        "a kernel needs the names of a backend and an operator");
  }
  auto kernel = std::make_shared<PluginKernel>();
  kernel->plugin = r->plugin;
  TANDEM_RETURN_IF_ERROR(CopyStruct(functions, "kernel", &kernel->functions));
  if (kernel->functions.call == nullptr) {
    return absl::InvalidArgumentError("a kernel without call()");
  }
  const absl::string_view name(op);
  const size_t dot = name.find('.');
  const Operator* found = r->registry->operators().Find(
      name.substr(0, dot),
      dot == absl::string_view::npos ? "" : name.substr(dot + 1));
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat("there is no operator ", op));
  }
  kernel->name = found->schema.FullName();
  for (const Argument& result : found->schema.returns) {
    kernel->returns.push_back(result.type);
  }
  BoundKernel bound;
  // The kernel's state travels as the function's address.
  bound.function = reinterpret_cast<void (*)()>(kernel.get());
  bound.invoke = &InvokeKernel;
  return r->registry->AddBound(backend, op, bound, {}, std::move(kernel));
}

// ---- groups

using OwnedBackend = Owned<TandemGroupBackend>;

class PluginExecutable : public GroupExecutable {
 public:
  PluginExecutable(std::shared_ptr<const OwnedBackend> backend,
                   void* executable, std::vector<TypePtr> outputs)
      : backend_(std::move(backend)),
        executable_(executable),
        outputs_(std::move(outputs)) {}
  ~PluginExecutable() override {
    if (backend_->functions.destroy_executable == nullptr) return;
    Contain([&] {
      backend_->functions.destroy_executable(backend_->functions.state,
                                             executable_);
    });
  }
  absl::Status Run(const KernelCall& call) const override {
    return RunCall(backend_->plugin, call, "a group", outputs_,
                   [&](TandemCall* c, TandemError* error) {
                     return backend_->functions.run(backend_->functions.state,
                                                    executable_, c, error);
                   });
  }
  std::string ToString() const override {
    return absl::StrCat("by plugin '", backend_->plugin, "'");
  }

 private:
  const std::shared_ptr<const OwnedBackend> backend_;
  void* const executable_;
  const std::vector<TypePtr> outputs_;
};

class PluginGroupBackend : public GroupBackend {
 public:
  PluginGroupBackend(std::string name,
                     std::shared_ptr<const OwnedBackend> backend)
      : name_(std::move(name)), backend_(std::move(backend)) {}
  absl::string_view name() const override { return name_; }
  bool is_trusted() const override { return false; }

  Support Supports(const Node& node) const override {
    const TandemNode handle(node);
    char reason[256] = "";
    int32_t answer = 0;
    const absl::Status status = Guard(backend_->plugin, [&](TandemError*) {
      answer = backend_->functions.supports(backend_->functions.state, &handle,
                                            reason, sizeof(reason));
      return 0;
    });
    if (!status.ok()) return Support::No(std::string(status.message()));
    if (answer > 0) return Support::Yes(answer > 1);
    return Support::No(std::string(reason, strnlen(reason, sizeof(reason))));
  }

  absl::StatusOr<std::unique_ptr<GroupExecutable>> Compile(
      const Graph& group, absl::Span<const ValueDescription> inputs,
      PackedWeights*) const override {
    const TandemGroup handle(group, inputs);
    void* executable = nullptr;
    TANDEM_RETURN_IF_ERROR(Guard(backend_->plugin, [&](TandemError* error) {
      return backend_->functions.compile(backend_->functions.state, &handle,
                                         &executable, error);
    }));
    std::vector<TypePtr> outputs;
    for (const Value* v : group.outputs()) outputs.push_back(v->type());
    return std::make_unique<PluginExecutable>(backend_, executable,
                                              std::move(outputs));
  }

 private:
  const std::string name_;
  const std::shared_ptr<const OwnedBackend> backend_;
};

absl::Status AddGroupBackend(TandemRegistry* r,
                             const TandemGroupBackend* functions) {
  if (r == nullptr) return absl::InvalidArgumentError("no registry");
  auto backend = std::make_shared<OwnedBackend>();
  backend->plugin = r->plugin;
  TANDEM_RETURN_IF_ERROR(CopyStruct(functions, "backend", &backend->functions));
  const TandemGroupBackend& f = backend->functions;
  if (f.name == nullptr || f.supports == nullptr || f.compile == nullptr ||
      f.run == nullptr) {
    return absl::InvalidArgumentError(
        "a backend needs a name, supports(), compile() and run()");
  }
  return r->registry->AddGroupBackend(
      std::make_shared<PluginGroupBackend>(f.name, std::move(backend)));
}

// ---- passes

absl::Status AddPass(TandemRegistry* r, const TandemPass* functions) {
  if (r == nullptr) return absl::InvalidArgumentError("no registry");
  if (*r->add_pass == nullptr) {
    return absl::FailedPreconditionError(
        "this program takes no passes from plugins");
  }
  auto pass = std::make_shared<Owned<TandemPass>>();
  pass->plugin = r->plugin;
  TANDEM_RETURN_IF_ERROR(CopyStruct(functions, "pass", &pass->functions));
  if (pass->functions.name == nullptr || pass->functions.run == nullptr) {
    return absl::InvalidArgumentError("a pass needs a name and run()");
  }
  return (*r->add_pass)(
      pass->functions.name,
      [pass](absl::string_view graph)
          -> absl::StatusOr<std::optional<std::string>> {
        TandemText text;
        int32_t changed = 0;
        TANDEM_RETURN_IF_ERROR(Guard(pass->plugin, [&](TandemError* error) {
          changed = pass->functions.run(pass->functions.state, graph.data(),
                                        graph.size(), &text, error);
          return changed < 0 ? changed : 0;
        }));
        if (changed == 0) return std::nullopt;
        return std::move(text.text);
      });
}

int32_t Report(const absl::Status& status, TandemError* error) {
  if (status.ok()) return 0;
  PutError(status, error);
  return -1;
}

const TandemHost& Host() {
  static const TandemHost* const kHost = [] {
    auto* h = new TandemHost(abi::HostFunctions());
    h->add_operator = &AddOperator;
    h->add_kernel = [](TandemRegistry* r, const char* backend, const char* op,
                       const TandemKernel* k, TandemError* error) {
      return Report(AddKernel(r, backend, op, k), error);
    };
    h->add_group_backend = [](TandemRegistry* r, const TandemGroupBackend* b,
                              TandemError* error) {
      return Report(AddGroupBackend(r, b), error);
    };
    h->add_pass = [](TandemRegistry* r, const TandemPass* p,
                     TandemError* error) {
      return Report(AddPass(r, p), error);
    };
    return h;
  }();
  return *kHost;
}

bool IsFile(const std::string& path) {
  struct stat s;
  return stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode);
}

}  // namespace

PluginHost::PluginHost(
    Registry* registry, OperatorTable* operators,
    std::function<absl::Status(std::string name, TextPass pass)> add_pass)
    : registry_(registry),
      operators_(operators),
      add_pass_(std::move(add_pass)) {}

absl::Status PluginHost::Load(const std::string& path_or_name) {
  std::string path = path_or_name;
  if (!absl::StrContains(path, '/')) {
    std::vector<std::string> names = {path};
    if (!absl::EndsWith(path, ".so")) {
      names.push_back(absl::StrCat("lib", path, ".so"));
    }
    path.clear();
    for (const std::string& folder : search_path) {
      for (const std::string& name : names) {
        const std::string candidate = absl::StrCat(folder, "/", name);
        if (path.empty() && IsFile(candidate)) path = candidate;
      }
    }
    if (path.empty()) {
      return absl::NotFoundError(absl::StrCat(
          "there is no plugin '", path_or_name, "'",
          search_path.empty()
              ? std::string(": the search path for plugins is empty; give a "
                            "path with a slash, or set TANDEM_PLUGIN_PATH")
              : absl::StrCat(" in ", absl::StrJoin(search_path, ", "))));
    }
  }
  // Never closed: what it made may outlive everything else.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot load plugin ", path, ": ", dlerror()));
  }
  auto* function = reinterpret_cast<TandemPluginFunction>(
      dlsym(handle, TANDEM_PLUGIN_SYMBOL));
  if (function == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is no plugin of tandem: it does not export ",
                     TANDEM_PLUGIN_SYMBOL, "()"));
  }
  const TandemPlugin* plugin = nullptr;
  TANDEM_RETURN_IF_ERROR(Guard(path, [&](TandemError*) {
    plugin = function();
    return 0;
  }));
  return Init(plugin, path);
}

absl::Status PluginHost::Link(const TandemPlugin* plugin) {
  return Init(plugin, "");
}

absl::Status PluginHost::Init(const TandemPlugin* plugin,
                              const std::string& path) {
  const std::string what = path.empty() ? "a linked plugin" : path;
  constexpr size_t kHead = offsetof(TandemPlugin, name);
  if (plugin == nullptr || plugin->size < kHead) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": tandem_plugin() gave nothing"));
  }
  if (plugin->abi_version != TANDEM_ABI_VERSION) {
    return absl::FailedPreconditionError(
        absl::StrCat(what, " was built for version ", plugin->abi_version,
                     " of the plugin interface, this program has version ",
                     TANDEM_ABI_VERSION,
                     ": build the plugin with the headers of this "
                     "release"));
  }
  TandemPlugin known;
  TANDEM_RETURN_IF_ERROR(CopyStruct(plugin, "plugin", &known));
  if (known.name == nullptr || known.init == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": a plugin needs a name and init()"));
  }
  for (const Loaded& l : loaded_) {
    if (l.name != known.name) continue;
    return absl::AlreadyExistsError(
        absl::StrCat("plugin '", known.name, "' is loaded already",
                     l.path.empty() ? "" : absl::StrCat(", from ", l.path)));
  }
  TandemRegistry registry{registry_, operators_, &add_pass_, known.name};
  const absl::Status status = Guard(known.name, [&](TandemError* error) {
    return known.init(&Host(), &registry, error);
  });
  if (!status.ok()) {
    return absl::Status(status.code(), absl::StrCat("plugin '", known.name,
                                                    "': ", status.message()));
  }
  loaded_.push_back(
      {known.name, known.version == nullptr ? "" : known.version, path});
  return absl::OkStatus();
}

std::vector<std::string> SplitSearchPath(absl::string_view text) {
  return absl::StrSplit(text, ':', absl::SkipEmpty());
}

}  // namespace tandem
