// Compares what propagate_shapes says of the tensors of recorded programs with
// what they are in a run: dtypes, sizes and strides, once with the sizes of the
// recorded arguments and once with those of batches and images not known.
//
//   shapes_check FOLDER|FILE.pt …
//
// prints "PASS name", "FAIL name: why", and how many tensors were typed.
#include <dirent.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/passes/builtin.h"
#include "tandem/passes/pipeline.h"
#include "tandem/passes/shape_analysis.h"
#include "tandem/runtime/engine.h"
#include "tandem/serialization/torchscript/module_loader.h"
#include "tandem/serialization/torchscript/plain_values.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

struct Totals {
  int64_t tensors = 0, typed = 0, symbolic = 0;
  std::map<std::string, int64_t> without_function;
};

class Silent : public OutputSink {
 public:
  void Write(absl::string_view) override {}
};

const IValue* Find(const IValue& dict, const char* key) {
  return dict.is_dict() ? dict.AsDict().Find(IValue(key)) : nullptr;
}

// Empty where the tensor is as the type says; `symbols` are bound.
std::string Differs(const TensorType::Details& d, const Tensor& t,
                    std::map<int64_t, int64_t>* symbols) {
  const auto is = [&](absl::string_view what) {
    return absl::StrCat(what, ": it is ", TensorType::Of(t)->ToString(),
                        ", said was ", TensorType::Create(d)->ToString());
  };
  if (d.dtype.has_value() && *d.dtype != t.dtype()) return is("dtype");
  if (!d.sizes.has_value()) return "";
  if (static_cast<int64_t>(d.sizes->size()) != t.dim()) return is("rank");
  for (int64_t i = 0; i < t.dim(); ++i) {
    int64_t want = (*d.sizes)[static_cast<size_t>(i)];
    if (want == -1) continue;
    if (want < 0) want = symbols->emplace(want, t.size(i)).first->second;
    if (want != t.size(i)) return is("size");
  }
  if (!d.strides.has_value() || t.numel() == 0) return "";
  for (int64_t i = 0; i < t.dim(); ++i) {
    const int64_t want = (*d.strides)[static_cast<size_t>(i)];
    if (want >= 0 && t.size(i) != 1 && want != t.stride(i)) {
      return is("strides");
    }
  }
  return "";
}

class Checker {
 public:
  absl::Status Init() {
    TANDEM_RETURN_IF_ERROR(reference::Register(registry_));
    TANDEM_RETURN_IF_ERROR(RegisterPasses(passes_));
    context_.registry = &registry_;
    TANDEM_ASSIGN_OR_RETURN(
        pipeline_, Pipeline::Parse("freeze(allow_training),fold_constants,"
                                   "eliminate_dead_code",
                                   passes_));
    engine_ = std::make_unique<Engine>(&registry_,
                                       EngineOptions{{"reference"}, 1, 0});
    return absl::OkStatus();
  }

  absl::Status Run(const std::string& model) {
    const std::string calls_path =
        absl::StrCat(absl::StripSuffix(model, ".pt"), ".io.pt");
    TANDEM_ASSIGN_OR_RETURN(const IValue calls, LoadPlainValues(calls_path));
    const IValue* sequences = Find(calls, "sequences");
    if (sequences == nullptr || !sequences->is_list()) {
      return absl::InvalidArgumentError("no sequences");
    }
    for (const IValue& sequence : sequences->AsList().values) {
      if (!sequence.is_list() || sequence.AsList().values.empty()) continue;
      const IValue& call = sequence.AsList().values[0];
      if (Find(call, "error") != nullptr) continue;
      for (bool known : {true, false}) {
        TANDEM_RETURN_IF_ERROR(RunCall(model, call, known));
      }
    }
    return absl::OkStatus();
  }

  Totals totals;

 private:
  absl::Status RunCall(const std::string& model, const IValue& call,
                       bool known) {
    const IValue *method = Find(call, "method"), *args = Find(call, "args");
    if (method == nullptr || !method->is_string() || args == nullptr) {
      return absl::InvalidArgumentError("no method or args");
    }
    LoadOptions load;
    load.engine = engine_.get();
    TANDEM_ASSIGN_OR_RETURN(const Module module, LoadModule(model, load));
    TANDEM_ASSIGN_OR_RETURN(
        const Program program,
        pipeline_.Run({module.unit(), module.object(), nullptr}, context_));
    Function* f = program.type().FindMethod(method->AsString());
    if (f == nullptr || f->graph() == nullptr) return absl::OkStatus();
    std::vector<IValue> given = {IValue(program.object)};
    const auto& values =
        args->is_tuple() ? args->AsTuple().values : args->AsList().values;
    given.insert(given.end(), values.begin(), values.end());
    NamedValues named;
    if (const IValue* kwargs = Find(call, "kwargs");
        kwargs != nullptr && kwargs->is_dict()) {
      for (const auto& [key, value] : kwargs->AsDict().Items()) {
        named.emplace_back(key.AsString(), value);
      }
    }
    std::unique_ptr<Graph> graph = f->graph()->Clone();
    for (size_t i = 0; i < given.size() && i < graph->inputs().size(); ++i) {
      const IValue& v = given[i];
      if (!v.is_tensor() || !v.AsTensor().defined() ||
          v.AsTensor().is_sparse() || v.AsTensor().is_quantized() ||
          !graph->inputs()[i]->type()->is(TypeKind::kTensor)) {
        continue;
      }
      TensorType::Details d =
          TensorType::Of(v.AsTensor())->AsTensor()->details();
      if (!known) {
        // Batch, height and width of images.
        for (size_t k = 0; k < d.sizes->size(); ++k) {
          if (k == 0 || (k >= 2 && d.sizes->size() == 4)) (*d.sizes)[k] = -1;
        }
        d.strides.reset();
      }
      graph->inputs()[i]->set_type(TensorType::Create(std::move(d)));
    }
    ShapeAnalysis shapes(*graph, context_);
    std::vector<Value*> tensors;
    std::vector<TensorType::Details> types;
    for (Node* n : *graph->block()) {
      for (Value* v : n->outputs()) {
        if (!v->type()->is(TypeKind::kTensor) || n->is(NodeKind::kConstant)) {
          continue;
        }
        if (known) ++totals.tensors;
        const TypePtr type = shapes.TypeOf(v);
        if (type == nullptr) continue;
        ++(known ? totals.typed : totals.symbolic);
        tensors.push_back(v);
        types.push_back(type->AsTensor()->details());
      }
    }
    if (known) {
      for (const auto& [name, n] : shapes.without_function()) {
        totals.without_function[name] += n;
      }
    }
    // All of them are results.
    Node* tuple = graph->Create(NodeKind::kTupleConstruct, tensors);
    std::vector<TypePtr> elements(tensors.size(), Type::Tensor());
    tuple->output()->set_type(Type::Tuple(elements));
    graph->block()->Append(tuple);
    while (!graph->outputs().empty()) graph->block()->EraseOutput(0);
    graph->AddOutput(tuple->output());
    for (Value* v : graph->inputs()) {
      if (v->type()->is(TypeKind::kTensor)) v->set_type(Type::Tensor());
    }
    Function* check = program.unit->AddFunction("shapes_check");
    FunctionSchema schema = f->schema();
    for (Argument& r : schema.returns) r.type = tuple->output()->type();
    check->set_schema(std::move(schema));
    check->set_graph(std::move(graph));
    Generator generator;
    Silent silent;
    CallOptions options;
    options.generator = &generator;
    options.output = &silent;
    options.warnings = &silent;
    const absl::StatusOr<IValue> got =
        engine_->CallFunction(check, given, named, options);
    // Not every call of a part of a program works alone.
    if (!got.ok()) return absl::OkStatus();
    const auto& results = got->AsTuple().values;
    std::map<int64_t, int64_t> symbols;
    for (size_t i = 0; i < results.size(); ++i) {
      if (!results[i].is_tensor() || !results[i].AsTensor().defined()) continue;
      const std::string why =
          Differs(types[i], results[i].AsTensor(), &symbols);
      if (why.empty()) continue;
      std::vector<std::string> inputs;
      for (const Value* v : tensors[i]->node()->inputs()) {
        inputs.push_back(v->type()->ToString());
      }
      return absl::InternalError(absl::StrCat(
          known ? "" : "sizes not known: ", "%", tensors[i]->DebugName(),
          " of ", tensors[i]->node()->name(), "(", absl::StrJoin(inputs, ", "),
          "): ", why));
    }
    return absl::OkStatus();
  }

  Registry registry_;
  PassRegistry passes_;
  PassContext context_;
  Pipeline pipeline_;
  std::unique_ptr<Engine> engine_;
};

std::vector<std::string> ModelsIn(const std::string& path) {
  DIR* folder = opendir(path.c_str());
  if (folder == nullptr) return {path};
  std::vector<std::string> out;
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (absl::EndsWith(name, ".pt") && !absl::EndsWith(name, ".io.pt")) {
      out.push_back(absl::StrCat(path, "/", name));
    }
  }
  closedir(folder);
  std::sort(out.begin(), out.end());
  return out;
}

int Main(int argc, char** argv) {
  Checker checker;
  if (const absl::Status status = checker.Init(); !status.ok()) {
    std::cerr << status.ToString() << "\n";
    return 2;
  }
  int failed = 0;
  for (int i = 1; i < argc; ++i) {
    for (const std::string& model : ModelsIn(argv[i])) {
      std::string name = model.substr(model.rfind('/') + 1);
      name = std::string(absl::StripSuffix(name, ".pt"));
      const absl::Status status = checker.Run(model);
      if (status.ok()) {
        std::cout << "PASS " << name << std::endl;
      } else {
        ++failed;
        std::cout << "FAIL " << name << ": " << status.message() << "\n";
      }
    }
  }
  const Totals& t = checker.totals;
  std::cout << t.typed << " of " << t.tensors << " tensors typed, "
            << t.symbolic << " without sizes of batches and images\n";
  for (const auto& [op, n] : t.without_function) {
    std::cout << "no shape function: " << op << " " << n << "\n";
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::Main(argc, argv); }
