#include "tandem/frontends/symbolic/graph_module.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/frontends/symbolic/interpreter.h"

namespace tandem::fx {
namespace {

using eager::Throw;

// torch.nn.Module itself: what stands between a root and a copied member.
class PlainModule : public nn::Module {
 public:
  std::string name() const override { return "Module"; }
  std::string qualified_name() const override {
    return "torch.nn.modules.module.Module";
  }
  IValue ForwardBoxed(std::vector<IValue> args) override {
    Throw("Module [Module] is missing the required \"forward\" function");
  }
  size_t num_arguments() const override { return 0; }
};

// "a.b.c" into "a.b" and "c".
std::pair<std::string, std::string> SplitPath(const std::string& path) {
  const size_t point = path.rfind('.');
  if (point == std::string::npos) return {"", path};
  return {path.substr(0, point), path.substr(point + 1)};
}

std::shared_ptr<nn::Module> ChildOf(nn::Module& parent,
                                    const std::string& name) {
  for (const nn::Module::Child& c : parent.children()) {
    if (c.name == name) return c.module;
  }
  return nullptr;
}

// The module at a path; missing ones on the way are made.
nn::Module& MakePath(nn::Module& root, const std::string& path) {
  if (path.empty()) return root;
  const auto [prefix, name] = SplitPath(path);
  nn::Module& parent = MakePath(root, prefix);
  std::shared_ptr<nn::Module> child = ChildOf(parent, name);
  if (child == nullptr) {
    child = std::make_shared<PlainModule>();
    parent.register_module(name, child);
  }
  return *child;
}

}  // namespace

GraphModule::GraphModule(nn::Module& root, std::unique_ptr<Graph> graph,
                         std::string name, const nn::NamedTensors& constants)
    : name_(std::move(name)), graph_(std::move(graph)) {
  train(root.training());
  for (Node* n : graph_->nodes()) {
    const bool is_module = n->is(NodeKind::kFxCallModule);
    if (!is_module && !n->is(NodeKind::kFxGetAttr)) continue;
    const std::string& path = TargetOf(n);
    bool is_constant = false;
    for (const auto& [constant, tensor] : constants) {
      if (constant != path) continue;
      is_constant = true;
      if (FindTensor(path) == nullptr) add_buffer(path, tensor);
    }
    if (!is_constant) CopyMember(root, path, is_module);
  }
}

void GraphModule::CopyMember(nn::Module& root, const std::string& path,
                             bool is_module) {
  const auto [prefix, name] = SplitPath(path);
  nn::Module* from = prefix.empty() ? &root : root.FindModule(prefix);
  const auto missing = [&] {
    Throw(absl::StrCat("Node target ", path,
                       " references nonexistent attribute ", name, " of ",
                       prefix));
  };
  if (from == nullptr) missing();
  if (is_module) {
    if (FindModule(path) != nullptr) return;
    std::shared_ptr<nn::Module> child = ChildOf(*from, name);
    if (child == nullptr) missing();
    MakePath(*this, prefix).register_module(name, std::move(child));
    return;
  }
  if (FindTensor(path) != nullptr) return;
  for (const nn::Module::Parameter& p : from->own_parameters()) {
    if (p.name != name) continue;
    MakePath(*this, prefix)
        .register_parameter(name, p.tensor, p.tensor.requires_grad());
    return;
  }
  for (const nn::Module::Buffer& b : from->own_buffers()) {
    if (b.name != name) continue;
    MakePath(*this, prefix).register_buffer(name, b.tensor, b.persistent);
    return;
  }
  missing();
}

void GraphModule::add_submodule(const std::string& path,
                                std::shared_ptr<nn::Module> module) {
  const auto [prefix, name] = SplitPath(path);
  MakePath(*this, prefix).register_module(name, std::move(module));
}

void GraphModule::AddMembersOf(GraphModule& other) {
  for (Node* n : graph_->nodes()) {
    const std::string& path = TargetOf(n);
    if (n->is(NodeKind::kFxCallModule)) {
      if (FindModule(path) == nullptr) CopyMember(other, path, true);
    } else if (n->is(NodeKind::kFxGetAttr) && FindTensor(path) == nullptr) {
      CopyMember(other, path, false);
    }
  }
  for (const auto& [name, f] : other.functions_) functions_.emplace(name, f);
}

void GraphModule::add_buffer(const std::string& path,
                             const eager::Tensor& tensor) {
  const auto [prefix, name] = SplitPath(path);
  MakePath(*this, prefix).register_buffer(name, tensor);
}

nn::Ptr<GraphModule> GraphModule::Pruned() {
  auto module = nn::Make<GraphModule>(*this, graph_->Clone(), name_);
  module->functions_ = functions_;
  return module;
}

std::string GraphModule::ToString() const {
  return absl::StrCat(nn::Module::ToString(), "\n", code(),
                      "\n# To see more debug info, please use "
                      "`graph_module.print_readable()`");
}

std::string GraphModule::ReadableAs(absl::string_view class_name) const {
  // Lines of `text` four columns further in; empty ones stay empty.
  const auto indented = [](absl::string_view text) {
    std::string out;
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      absl::StrAppend(&out, line.empty() ? "" : "    ", line, "\n");
    }
    out.pop_back();
    return out;
  };
  const std::string source = graph_->python_code("self", /*verbose=*/true);
  absl::string_view code = absl::StripAsciiWhitespace(source);
  std::string out = absl::StrCat("class ", class_name, "(torch.nn.Module):\n",
                                 indented(code), "\n");
  for (const nn::Module::Child& c : children()) {
    if (c.module == nullptr || !absl::StartsWith(c.module->qualified_name(),
                                                 "torch.fx.graph_module.")) {
      continue;
    }
    const auto& child = static_cast<const GraphModule&>(*c.module);
    absl::StrAppend(&out, "\n", indented(child.ReadableAs(c.name)));
  }
  return out;
}

size_t GraphModule::num_arguments() const {
  return graph_->find_nodes("placeholder", "").size();
}

IValue GraphModule::ForwardBoxed(std::vector<IValue> args) {
  return Interpreter(*this).run(std::move(args));
}

nn::Ptr<GraphModule> symbolic_trace(nn::Module& root,
                                    const TraceOptions& options) {
  Tracer tracer;
  std::unique_ptr<Graph> graph = tracer.trace(root, options);
  return nn::Make<GraphModule>(
      root, std::move(graph), options.name.empty() ? root.name() : options.name,
      tracer.constants());
}

}  // namespace tandem::fx
