#include "tandem/frontends/tracer/check_trace.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/frontends/eager/error.h"
#include "tandem/frontends/tracer/difference.h"
#include "tandem/frontends/tracer/scope_blocks.h"
#include "tandem/ir/print.h"
#include "tandem/passes/inline.h"
#include "tandem/tensor/copy.h"

namespace tandem::tracer {
namespace {

class Copier {
 public:
  IValue Copy(const IValue& v) {
    if (v.is_tensor() && v.AsTensor().defined()) {
      return IValue(CopyTensor(v.AsTensor()));
    }
    if (v.is_tuple()) return IValue(MakeTuple(CopyAll(v.AsTuple().values)));
    if (v.is_list()) {
      return IValue(
          MakeList(v.AsList().element_type, CopyAll(v.AsList().values)));
    }
    if (v.is_dict()) {
      const DictObject& dict = v.AsDict();
      Ref<DictObject> copy = MakeDict(dict.key_type, dict.value_type);
      dict.ForEach(
          [&](const IValue& key, const IValue& e) { copy->Set(key, Copy(e)); });
      return IValue(std::move(copy));
    }
    return v;
  }
  std::vector<IValue> CopyAll(const std::vector<IValue>& values) {
    std::vector<IValue> out;
    out.reserve(values.size());
    for (const IValue& v : values) out.push_back(Copy(v));
    return out;
  }

 private:
  Tensor CopyTensor(const Tensor& t) {
    Tensor& known = copies_[t.impl()];
    if (known.defined()) return known;
    Tensor copy =
        eager::Unwrap(Tensor::EmptyStrided(t.sizes(), t.strides(), t.dtype()));
    eager::ThrowIfError(CopyElements(t, copy));
    copy.impl()->requires_grad = t.requires_grad();
    return known = copy;
  }

  absl::flat_hash_map<const TensorImpl*, Tensor> copies_;
};

// Each line with a tab in front; a last line's end is dropped.
std::string Indent(absl::string_view text) {
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  std::string out;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    absl::StrAppend(&out, out.empty() ? "" : "\n", "\t", line);
  }
  return out;
}

void EraseShapes(Block* block) {
  for (Value* v : block->inputs()) v->set_type(WithoutShape(v->type()));
  for (Node* n : *block) {
    for (Value* v : n->outputs()) v->set_type(WithoutShape(v->type()));
    for (Block* inner : n->blocks()) EraseShapes(inner);
  }
}

// The graph without calls, shapes and numbers of its own.
std::unique_ptr<Graph> Canonical(const Graph& graph) {
  std::unique_ptr<Graph> copy = graph.Clone();
  eager::ThrowIfError(InlineCalls(copy.get()));
  EraseShapes(copy->block());
  return copy;
}

std::string WithoutMangles(const std::string& text) {
  constexpr absl::string_view kMangle = "___torch_mangle_";
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, kMangle.size(), kMangle.data(), kMangle.size()) == 0) {
      size_t end = i + kMangle.size();
      while (end < text.size() &&
             absl::ascii_isdigit(static_cast<unsigned char>(text[end]))) {
        ++end;
      }
      if (end < text.size() && text[end] == '.') {
        i = end + 1;
        continue;
      }
    }
    out.push_back(text[i++]);
  }
  return out;
}

std::vector<const Node*> NodesOf(const Graph& graph) {
  std::vector<const Node*> nodes;
  for (const Node* n : *graph.block()) nodes.push_back(n);
  return nodes;
}

// As a line.
std::string NodeText(const Node& node) {
  std::string text = NodeToString(node);
  while (!text.empty() && text[0] == ' ') text.erase(0, 1);
  if (text.empty() || text.back() != '\n') text.push_back('\n');
  return text;
}

// The graphs' difference; empty where there is none.
std::string GraphDifference(const Graph& first, const Graph& second) {
  const std::string a = WithoutMangles(first.ToString());
  const std::string b = WithoutMangles(second.ToString());
  if (a == b) return "";
  std::string text =
      absl::StrCat("Graph diff:\n", Indent(LineDifference(a, b)), "\n");
  const std::vector<const Node*> x = NodesOf(first), y = NodesOf(second);
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    const std::string s = NodeText(*x[i]), t = NodeText(*y[i]);
    if (s == t) continue;
    absl::StrAppend(&text, "First diverging operator:\nNode diff:\n",
                    Indent(LineDifference(s, t)), "\n");
    break;
  }
  return text;
}

// The first constant tensor that differs.
std::string ConstantDifference(const Graph& first, const Graph& second) {
  const std::vector<const Node*> x = NodesOf(first), y = NodesOf(second);
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (x[i]->name() != y[i]->name()) break;
    if (!x[i]->is(NodeKind::kConstant)) continue;
    const IValue a = x[i]->constant(), b = y[i]->constant();
    if (!a.is_tensor() || !b.is_tensor()) continue;
    const DType dtype = a.AsTensor().dtype();
    const std::string difference = TensorDifference(
        a.AsTensor(), b.AsTensor(), IsIntegral(dtype, true) ? 0 : 1.3e-6,
        DefaultAbsoluteTolerance(dtype));
    if (difference.empty()) continue;
    return absl::StrCat("Node:\n", Indent(NodeText(*x[i])),
                        "\nComparison exception: ", Indent(difference));
  }
  return "";
}

[[noreturn]] void ThrowCheck(const std::string& graphs,
                             const std::string& constants,
                             const std::string& extra) {
  std::string text = "Tracing failed sanity checks!\n";
  if (!extra.empty()) absl::StrAppend(&text, extra, "\n");
  if (!graphs.empty()) {
    absl::StrAppend(&text, "ERROR: Graphs differed across invocations!\n",
                    Indent(graphs), "\n");
  }
  if (!constants.empty()) {
    absl::StrAppend(
        &text,
        "ERROR: Tensor-valued Constant nodes differed in value across "
        "invocations. This often indicates that the tracer has encountered "
        "untraceable code.\n",
        Indent(constants), "\n");
  }
  eager::Throw(text);
}

std::vector<Tensor> Tensors(const IValue& result) {
  std::vector<Tensor> out;
  if (result.is_tensor()) out.push_back(result.AsTensor());
  if (result.is_tuple()) {
    for (const IValue& e : result.AsTuple().values) {
      if (e.is_tensor()) out.push_back(e.AsTensor());
    }
  }
  return out;
}

class Checker {
 public:
  Checker(const CheckedTrace& trace, const Options& options)
      : trace_(trace), options_(options) {}

  void Run() {
    const std::vector<Tensor> outputs = Outputs(trace_.run, "trace");
    const std::vector<Tensor> program =
        Outputs(trace_.run_program, "Python function");
    if (Compare(outputs, program, "Python function")) {
      Compare(outputs, Outputs(trace_.run_repeated, "repeated trace"),
              "repeated trace");
    }
    Diagnose("");
  }

 private:
  void Diagnose(const std::string& extra) {
    const std::unique_ptr<Graph> first = Canonical(*trace_.graph);
    const std::unique_ptr<Graph> second = Canonical(*trace_.repeated_graph);
    const std::string graphs = GraphDifference(*first, *second);
    const std::string constants = ConstantDifference(*first, *second);
    if (!graphs.empty() || !constants.empty() || !extra.empty()) {
      ThrowCheck(graphs, constants, extra);
    }
  }

  std::vector<Tensor> Outputs(const std::function<IValue()>& run,
                              const char* what) {
    std::string text;
    try {
      return Tensors(run());
    } catch (const std::exception& e) {
      text = e.what();
    }
    Diagnose(absl::StrCat("encountered an exception while running the ", what,
                          " with test inputs.\nException:\n", Indent(text)));
    return {};
  }

  void WarnOfRandomness() {
    if (std::exchange(warned_, true)) return;
    std::string nodes;
    for (const Node* n : NodesOf(*trace_.graph)) {
      if (n->op() == nullptr ||
          (n->op()->effects & static_cast<uint8_t>(Effect::kRandom)) == 0) {
        continue;
      }
      absl::StrAppend(&nodes, nodes.empty() ? "" : "\n", Indent(NodeText(*n)));
    }
    if (nodes.empty()) return;
    options_.warn(absl::StrCat(
        "Trace had nondeterministic nodes. Did you forget to call .eval() on "
        "your model? Nodes:\n",
        nodes,
        "\nThis may cause errors in trace checking. To disable trace checking, "
        "pass check_trace=False to torch.jit.trace()"));
  }

  bool Compare(const std::vector<Tensor>& original,
               const std::vector<Tensor>& reference, const char* what) {
    bool ok = true;
    for (size_t i = 0; i < std::min(original.size(), reference.size()); ++i) {
      const double absolute =
          std::max(DefaultAbsoluteTolerance(original[i].dtype()),
                   DefaultAbsoluteTolerance(reference[i].dtype()));
      const std::string difference = TensorDifference(
          original[i], reference[i], options_.check_tolerance, absolute);
      if (difference.empty()) continue;
      WarnOfRandomness();
      options_.warn(absl::StrCat("Output nr ", i + 1,
                                 ". of the traced function does not match the "
                                 "corresponding output of the ",
                                 what, ". Detailed error:\n", difference));
      ok = false;
    }
    return ok;
  }

  const CheckedTrace& trace_;
  const Options& options_;
  bool warned_ = false;
};

}  // namespace

std::vector<IValue> CopyInputs(const std::vector<IValue>& inputs) {
  return Copier().CopyAll(inputs);
}

void CheckTrace(const CheckedTrace& trace, const Options& options) {
  Checker(trace, options).Run();
}

}  // namespace tandem::tracer
