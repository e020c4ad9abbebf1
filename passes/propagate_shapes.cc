#include "tandem/passes/propagate_shapes.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/passes/rewrite.h"
#include "tandem/passes/shape_analysis.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// "float32:Nx3x224x224"; "int64:" has no dims. Without a dtype float32.
absl::StatusOr<TypePtr> ParseInput(
    absl::string_view text, absl::flat_hash_map<std::string, int64_t>* names) {
  TensorType::Details d;
  d.dtype = DType::kFloat;
  absl::string_view sizes = text;
  if (const size_t colon = text.find(':'); colon != absl::string_view::npos) {
    const absl::string_view name = text.substr(0, colon);
    d.dtype = DTypeFromPythonName(name);
    if (!d.dtype.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("inputs: there is no dtype '", name, "'"));
    }
    sizes = text.substr(colon + 1);
  }
  d.sizes.emplace();
  if (sizes.empty()) return TensorType::Create(std::move(d));
  for (absl::string_view part : absl::StrSplit(sizes, 'x')) {
    int64_t size;
    if (absl::SimpleAtoi(part, &size) && size >= 0) {
      d.sizes->push_back(size);
    } else if (part == "*") {
      d.sizes->push_back(-1);
    } else if (!part.empty() && !absl::SimpleAtoi(part, &size)) {
      const int64_t next = -2 - static_cast<int64_t>(names->size());
      d.sizes->push_back(names->emplace(std::string(part), next).first->second);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("inputs: '", text, "' is not like float32:Nx3x224x224"));
    }
  }
  return TensorType::Create(std::move(d));
}

absl::Status TypeInputs(Graph* graph, const std::vector<std::string>& texts) {
  absl::flat_hash_map<std::string, int64_t> names;
  size_t i = 0;
  for (Value* v : graph->inputs()) {
    if (i == texts.size()) break;
    if (!v->type()->is(TypeKind::kTensor)) continue;
    TANDEM_ASSIGN_OR_RETURN(TypePtr type, ParseInput(texts[i++], &names));
    v->set_type(std::move(type));
  }
  if (i < texts.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("inputs: there are ", texts.size(), " for ", i,
                     " parameters that are tensors"));
  }
  return absl::OkStatus();
}

void Retype(Value* v, ShapeAnalysis* shapes, PassResult* result) {
  TypePtr type = shapes->TypeOf(v);
  if (type == nullptr || type->Equals(*v->type())) return;
  v->set_type(std::move(type));
  result->Count("tensors typed");
}

void RetypeBlock(Block* block, ShapeAnalysis* shapes, PassResult* result) {
  for (Value* v : block->inputs()) Retype(v, shapes, result);
  for (Node* n : *block) {
    for (Block* b : n->blocks()) RetypeBlock(b, shapes, result);
    for (Value* v : n->outputs()) Retype(v, shapes, result);
  }
}

}  // namespace

absl::StatusOr<PassResult> PropagateShapes(Graph* graph,
                                           const PassContext& context,
                                           const PassOptions& options) {
  PassResult result;
  if (options.Has("inputs")) {
    TANDEM_RETURN_IF_ERROR(TypeInputs(graph, options.GetList("inputs")));
    result.changed = true;
  }
  ShapeAnalysis shapes(*graph, context);
  RetypeBlock(graph->block(), &shapes, &result);
  for (const auto& [name, n] : shapes.without_function()) {
    result.statistics[absl::StrCat("without a shape function: ", name)] += n;
  }
  return result;
}

}  // namespace tandem
