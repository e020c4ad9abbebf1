// The plugin interface for C++: thin classes over plugin_abi.h, without a
// library to link. A plugin is
//
//   tandem::plugin::Result ScaledAdd(tandem::plugin::Call& call) {
//     ...
//     return call.SetTensor(0, std::move(sum));
//   }
//
//   tandem::plugin::Result Init(tandem::plugin::Registrar& r) {
//     TANDEM_PLUGIN_TRY(r.Operator("my::scaled_add(Tensor a, Tensor b, float
//     s)"
//                                  " -> Tensor"));
//     return r.Kernel("mine", "my::scaled_add", &ScaledAdd);
//   }
//
//   TANDEM_PLUGIN(mine, "1.0", Init)
//
// docs/plugins.md is the tutorial.
#ifndef TANDEM_BACKENDS_ABI_PLUGIN_H_
#define TANDEM_BACKENDS_ABI_PLUGIN_H_

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tandem/backends/abi/plugin_abi.h"

namespace tandem::plugin {

// Fine, or a code of absl::StatusCode with a message.
class [[nodiscard]] Result {
 public:
  Result() = default;
  static Result Error(std::string message, int32_t code = 3) {
    Result r;
    r.code_ = code;
    r.message_ = std::move(message);
    return r;
  }
  // The next backend's kernel runs, or kernels instead of a group.
  static Result Declined(std::string why = "") {
    return Error(std::move(why), 12);
  }
  bool ok() const { return code_ == 0; }
  int32_t code() const { return code_; }
  const std::string& message() const { return message_; }

  int32_t Put(TandemError* error) const {
    if (ok()) return 0;
    error->code = code_;
    std::strncpy(error->message, message_.c_str(), sizeof(error->message) - 1);
    return -1;
  }
  static Result From(int32_t failed, const TandemError& error) {
    return failed == 0 ? Result() : Error(error.message, error.code);
  }

 private:
  int32_t code_ = 0;
  std::string message_;
};

#define TANDEM_PLUGIN_TRY(expr)                       \
  do {                                                \
    ::tandem::plugin::Result plugin_result_ = (expr); \
    if (!plugin_result_.ok()) return plugin_result_;  \
  } while (false)

// The host's functions; set before anything else of the plugin runs.
inline const TandemHost*& Host() {
  static const TandemHost* host = nullptr;
  return host;
}

inline TandemError NewError() {
  TandemError e = {};
  e.size = sizeof(e);
  return e;
}

inline TandemTensorInfo NewInfo() {
  TandemTensorInfo i = {};
  i.size = sizeof(i);
  return i;
}

// Sizes are of a tensor that lives on; see plugin_abi.h for the fields.
class TensorView {
 public:
  explicit TensorView(const TandemTensor* t) : handle_(t), info_(NewInfo()) {
    if (t != nullptr) Host()->tensor_info(t, &info_);
  }
  bool defined() const { return handle_ != nullptr; }
  int32_t dtype() const { return info_.dtype; }
  int32_t dim() const { return info_.dim; }
  int64_t numel() const { return info_.numel; }
  int64_t size(int32_t d) const { return info_.sizes[d]; }
  int64_t stride(int32_t d) const { return info_.strides[d]; }
  std::vector<int64_t> sizes() const {
    return std::vector<int64_t>(info_.sizes, info_.sizes + info_.dim);
  }
  bool is_contiguous() const {
    int64_t step = 1;
    for (int32_t d = dim(); d-- > 0;) {
      if (size(d) != 1 && stride(d) != step) return numel() == 0;
      step *= size(d);
    }
    return true;
  }
  template <typename T>
  T* data() const {
    return static_cast<T*>(info_.data);
  }
  const TandemTensor* handle() const { return handle_; }

 private:
  const TandemTensor* handle_;
  TandemTensorInfo info_;
};

// An owned tensor.
class Tensor {
 public:
  Tensor() = default;
  static Result Empty(const std::vector<int64_t>& sizes, int32_t dtype,
                      Tensor* out) {
    TandemError error = NewError();
    TandemTensor* t = nullptr;
    const int32_t failed = Host()->tensor_empty(
        sizes.data(), static_cast<int32_t>(sizes.size()), dtype, &t, &error);
    out->handle_.reset(t);
    return Result::From(failed, error);
  }
  TensorView view() const { return TensorView(handle_.get()); }
  TandemTensor* Leak() { return handle_.release(); }

 private:
  struct Release {
    void operator()(TandemTensor* t) const { Host()->tensor_release(t); }
  };
  std::unique_ptr<TandemTensor, Release> handle_;
};

// Any value, to be read as what it is.
class Value {
 public:
  explicit Value(const TandemValue* v) : v_(v) {}
  bool known() const { return v_ != nullptr; }
  int32_t kind() const {
    return v_ == nullptr ? TANDEM_OTHER : Host()->kind(v_);
  }
  TensorView tensor() const { return TensorView(Host()->as_tensor(v_)); }
  int64_t as_int() const { return Host()->as_int(v_); }
  double as_double() const { return Host()->as_double(v_); }
  bool as_bool() const { return Host()->as_bool(v_) != 0; }
  std::string as_string() const {
    size_t n = 0;
    const char* s = Host()->as_string(v_, &n);
    return std::string(s == nullptr ? "" : s, n);
  }
  size_t size() const { return Host()->list_size(v_); }
  Value operator[](size_t i) const {
    return Value(Host()->list_element(v_, i));
  }

 private:
  const TandemValue* v_;
};

// A running kernel or group.
class Call {
 public:
  explicit Call(TandemCall* c) : c_(c) {}
  int32_t num_inputs() const { return Host()->num_inputs(c_); }
  int32_t num_outputs() const { return Host()->num_outputs(c_); }
  Value input(int32_t i) const { return Value(Host()->input(c_, i)); }
  TensorView tensor(int32_t i) const { return input(i).tensor(); }
  Result SetTensor(int32_t i, Tensor t) {
    TandemError error = NewError();
    return Result::From(Host()->set_tensor(c_, i, t.Leak(), &error), error);
  }
  Result SetInt(int32_t i, int64_t v) {
    TandemError error = NewError();
    return Result::From(Host()->set_int(c_, i, v, &error), error);
  }
  Result SetDouble(int32_t i, double v) {
    TandemError error = NewError();
    return Result::From(Host()->set_double(c_, i, v, &error), error);
  }

 private:
  TandemCall* c_;
};

// A node that a backend is asked about or compiles.
class Node {
 public:
  explicit Node(const TandemNode* n) : n_(n) {}
  std::string name() const { return Host()->node_name(n_); }
  int32_t num_inputs() const { return Host()->node_num_inputs(n_); }
  // Not known() unless constant.
  Value constant(int32_t i) const {
    return Value(Host()->node_constant(n_, i));
  }

 private:
  const TandemNode* n_;
};

class Group {
 public:
  explicit Group(const TandemGroup* g) : g_(g) {}
  int32_t num_inputs() const { return Host()->group_num_inputs(g_); }
  int32_t num_outputs() const { return Host()->group_num_outputs(g_); }
  int32_t num_nodes() const { return Host()->group_num_nodes(g_); }
  Node node(int32_t i) const { return Node(Host()->group_node(g_, i)); }
  // False: a number.
  bool input_info(int32_t i, TandemTensorInfo* info) const {
    *info = NewInfo();
    return Host()->group_input_info(g_, i, info) != 0;
  }
  int32_t node_input(int32_t node, int32_t i) const {
    return Host()->group_node_input(g_, node, i);
  }
  int32_t node_output(int32_t node, int32_t i) const {
    return Host()->group_node_output(g_, node, i);
  }
  int32_t output(int32_t i) const { return Host()->group_output(g_, i); }

 private:
  const TandemGroup* g_;
};

class Executable {
 public:
  virtual ~Executable() = default;
  // Any number of threads at once.
  virtual Result Run(Call& call) const = 0;
};

class Backend {
 public:
  struct Answer {
    bool yes = false;
    bool even_alone = false;
    std::string reason;
  };
  virtual ~Backend() = default;
  virtual Answer Supports(const Node& node) const = 0;
  virtual Result Compile(const Group& group,
                         std::unique_ptr<Executable>* executable) const = 0;
};

using KernelFunction = Result (*)(Call&);
// The new graph; nullopt when nothing changes.
using PassFunction = std::optional<std::string> (*)(const std::string& graph);

// What Init() registers with.
class Registrar {
 public:
  explicit Registrar(TandemRegistry* r) : r_(r) {}

  Result Operator(const char* schema, const char* family = "custom",
                  uint32_t effects = 0) {
    TandemError error = NewError();
    return Result::From(
        Host()->add_operator(r_, schema, family, effects, &error), error);
  }

  Result Kernel(const char* backend, const char* op, KernelFunction function) {
    TandemKernel k = {};
    k.size = sizeof(k);
    k.state = reinterpret_cast<void*>(function);
    k.call = [](void* state, TandemCall* c, TandemError* error) {
      Call call(c);
      return reinterpret_cast<KernelFunction>(state)(call).Put(error);
    };
    TandemError error = NewError();
    return Result::From(Host()->add_kernel(r_, backend, op, &k, &error), error);
  }

  Result GroupBackend(const char* name, std::unique_ptr<Backend> backend) {
    TandemGroupBackend b = {};
    b.size = sizeof(b);
    b.name = name;
    b.state = backend.release();
    b.supports = [](void* state, const TandemNode* n, char* reason,
                    size_t size) -> int32_t {
      const Backend::Answer a = static_cast<Backend*>(state)->Supports(Node(n));
      if (a.yes) return a.even_alone ? 2 : 1;
      std::strncpy(reason, a.reason.c_str(), size - 1);
      return 0;
    };
    b.compile = [](void* state, const TandemGroup* g, void** executable,
                   TandemError* error) -> int32_t {
      std::unique_ptr<Executable> e;
      Result r = static_cast<Backend*>(state)->Compile(Group(g), &e);
      if (r.ok() && e == nullptr) r = Result::Error("no executable came back");
      *executable = e.release();
      return r.Put(error);
    };
    b.run = [](void*, void* executable, TandemCall* c, TandemError* error) {
      Call call(c);
      return static_cast<Executable*>(executable)->Run(call).Put(error);
    };
    b.destroy_executable = [](void*, void* executable) {
      delete static_cast<Executable*>(executable);
    };
    b.destroy = [](void* state) { delete static_cast<Backend*>(state); };
    TandemError error = NewError();
    return Result::From(Host()->add_group_backend(r_, &b, &error), error);
  }

  Result Pass(const char* name, PassFunction function) {
    TandemPass p = {};
    p.size = sizeof(p);
    p.name = name;
    p.state = reinterpret_cast<void*>(function);
    p.run = [](void* state, const char* graph, size_t size, TandemText* out,
               TandemError*) -> int32_t {
      const std::optional<std::string> changed =
          reinterpret_cast<PassFunction>(state)(std::string(graph, size));
      if (!changed.has_value()) return 0;
      Host()->text_append(out, changed->data(), changed->size());
      return 1;
    };
    TandemError error = NewError();
    return Result::From(Host()->add_pass(r_, &p, &error), error);
  }

 private:
  TandemRegistry* r_;
};

}  // namespace tandem::plugin

// Defines `const TandemPlugin* NAME_plugin()`, to be linked and given to
// PluginHost::Link(), and with TANDEM_PLUGIN_SHARED also what a shared object
// exports.
#define TANDEM_PLUGIN_LINKED(NAME, VERSION, INIT)                 \
  const TandemPlugin* NAME##_plugin() {                           \
    static const TandemPlugin plugin = {                          \
        sizeof(TandemPlugin), TANDEM_ABI_VERSION, #NAME, VERSION, \
        [](const TandemHost* host, TandemRegistry* registry,      \
           TandemError* error) -> int32_t {                       \
          ::tandem::plugin::Host() = host;                        \
          ::tandem::plugin::Registrar registrar(registry);        \
          return INIT(registrar).Put(error);                      \
        }};                                                       \
    return &plugin;                                               \
  }
#ifdef TANDEM_PLUGIN_SHARED
#define TANDEM_PLUGIN(NAME, VERSION, INIT)                              \
  TANDEM_PLUGIN_LINKED(NAME, VERSION, INIT)                             \
  extern "C" __attribute__((visibility("default"))) const TandemPlugin* \
  tandem_plugin(void) {                                                 \
    return NAME##_plugin();                                             \
  }
#else
#define TANDEM_PLUGIN(NAME, VERSION, INIT) \
  TANDEM_PLUGIN_LINKED(NAME, VERSION, INIT)
#endif

#endif  // TANDEM_BACKENDS_ABI_PLUGIN_H_
