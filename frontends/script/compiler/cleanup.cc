#include "tandem/frontends/script/compiler/cleanup.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/types.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

// aten:: names; the in-place form of each is aliased in the same way.
constexpr std::pair<absl::string_view, absl::string_view> kAliases[] = {
    {"absolute", "abs"},
    {"clip", "clamp"},
    {"linalg_det", "det"},
    {"ger", "outer"},
    {"arccos", "acos"},
    {"arcsin", "asin"},
    {"arctan", "atan"},
    {"arctan2", "atan2"},
    {"arccosh", "acosh"},
    {"arcsinh", "asinh"},
    {"arctanh", "atanh"},
    {"fix", "trunc"},
    {"negative", "neg"},
    {"subtract", "sub"},
    {"greater_equal", "ge"},
    {"greater", "gt"},
    {"less_equal", "le"},
    {"less", "lt"},
    {"not_equal", "ne"},
    {"divide", "div"},
    {"multiply", "mul"},
    {"true_divide", "div"},
    {"linalg_matmul", "matmul"},
    {"inverse", "linalg_inv"},
    {"row_stack", "vstack"},
    {"swapdims", "transpose"},
    {"swapaxes", "transpose"},
    {"moveaxis", "movedim"},
    {"special_erf", "erf"},
    {"special_erfc", "erfc"},
    {"special_expit", "sigmoid"},
    {"special_exp2", "exp2"},
    {"special_expm1", "expm1"},
    {"special_logit", "logit"},
    {"special_logsumexp", "logsumexp"},
    {"special_round", "round"},
    {"special_log1p", "log1p"},
    {"special_sinc", "sinc"},
    {"special_digamma", "digamma"},
    {"special_psi", "digamma"},
    {"special_i0", "i0"},
    {"special_xlogy", "xlogy"},
    {"special_gammaln", "lgamma"},
    {"special_polygamma", "polygamma"},
    {"special_multigammaln", "mvlgamma"},
    {"special_softmax", "softmax"},
    {"special_log_softmax", "log_softmax"},
    {"special_erfinv", "erfinv"},
    {"orgqr", "linalg_householder_product"},
    {"adjoint", "mH"},
    {"concat", "cat"},
    {"concatenate", "cat"},
    {"degrees", "rad2deg"},
    {"radians", "deg2rad"},
    {"_softmax_backward_data", "_softmax_backward_data"},
};

// "aten::mul" for "aten::multiply"; empty if the name is no alias.
std::string NormalName(absl::string_view name) {
  constexpr absl::string_view kPrefix = "aten::";
  if (name.substr(0, kPrefix.size()) != kPrefix) return "";
  absl::string_view base = name.substr(kPrefix.size());
  absl::string_view suffix;
  if (base.size() > 1 && base.back() == '_') {
    suffix = "_";
    base.remove_suffix(1);
  }
  for (const auto& [alias, normal] : kAliases) {
    if (alias == base && alias != normal) {
      return absl::StrCat(kPrefix, normal, suffix);
    }
  }
  return "";
}

// The row of `name` whose signature is that of `row`.
const Operator* FindTwin(const Operator& row, absl::string_view name,
                         const OperatorTable& operators) {
  const Operator* same_overload =
      operators.Find(name, row.schema.overload_name);
  const auto fits = [&](const Operator& other) {
    const auto& mine = row.schema.arguments;
    const auto& its = other.schema.arguments;
    if (mine.size() != its.size()) return false;
    for (size_t i = 0; i < mine.size(); ++i) {
      if (!Same(mine[i].type, its[i].type)) return false;
    }
    return true;
  };
  if (same_overload != nullptr && fits(*same_overload)) return same_overload;
  for (const Operator* other : operators.Overloads(name)) {
    if (fits(*other)) return other;
  }
  return nullptr;
}

void NormalizeBlock(Block* block, const OperatorTable& operators) {
  for (Node* node : *block) {
    for (Block* inner : node->blocks()) NormalizeBlock(inner, operators);
    if (node->op() == nullptr || node->inputs().empty() ||
        !IsTensor(node->input()->type())) {
      continue;
    }
    const std::string name = NormalName(node->op()->schema.name);
    if (name.empty()) continue;
    if (const Operator* twin = FindTwin(*node->op(), name, operators)) {
      node->set_op(twin);
    }
  }
}

void EraseListLiterals(Graph* graph, Block* block) {
  for (Node* node = block->first(); node != block->return_node();) {
    Node* next = node->next();
    for (Block* inner : node->blocks()) EraseListLiterals(graph, inner);
    if (node->is(NodeKind::kEmptyListLiteral)) {
      if (node->output()->has_uses()) {
        Node* list = graph->Create(NodeKind::kListConstruct, {}, 1);
        list->output()->set_type(node->output()->type());
        list->InsertBefore(node);
        if (node->output()->has_name()) {
          const std::string name = node->output()->name();
          node->output()->SetName("");
          list->output()->SetName(name);
        }
        node->output()->ReplaceAllUsesWith(list->output());
      }
      node->Destroy();
    }
    node = next;
  }
}

// A use of a tuple that was just made is a use of its parts.
void LowerSimpleTuples(Graph* graph, Block* block) {
  for (Node* node = block->first(); node != block->return_node();
       node = node->next()) {
    const bool takes_apart = node->is(NodeKind::kTupleUnpack) ||
                             node->is(NodeKind::kTupleIndex) ||
                             node->is(NodeKind::kTupleSlice);
    if (takes_apart && node->input()->node()->is(NodeKind::kTupleConstruct)) {
      const Node* made = node->input()->node();
      const int64_t size = static_cast<int64_t>(made->inputs().size());
      if (node->is(NodeKind::kTupleUnpack)) {
        for (size_t i = 0; i < node->outputs().size(); ++i) {
          node->output(i)->ReplaceAllUsesWith(made->input(i));
        }
      } else if (node->is(NodeKind::kTupleIndex)) {
        const std::optional<IValue> index = ConstantOf(node->input(1));
        if (index.has_value()) {
          int64_t i = index->AsInt();
          if (i < 0) i += size;
          if (i >= 0 && i < size) {
            node->output()->ReplaceAllUsesWith(made->input(i));
          }
        }
      } else {
        const int64_t begin = node->Get<int64_t>("beg");
        const int64_t end = std::min(node->Get<int64_t>("end"), size);
        std::vector<Value*> parts;
        std::vector<TypePtr> types;
        for (int64_t i = begin; i < end; ++i) {
          parts.push_back(made->input(i));
          types.push_back(parts.back()->type());
        }
        Node* tuple = graph->Create(NodeKind::kTupleConstruct, parts, 1);
        tuple->output()->set_type(Type::Tuple(std::move(types)));
        tuple->InsertBefore(node);
        node->output()->ReplaceAllUsesWith(tuple->output());
      }
    }
    for (Block* inner : node->blocks()) LowerSimpleTuples(graph, inner);
  }
}

void AnnotateWarnings(Block* block, Session* session) {
  for (Node* node : *block) {
    for (Block* inner : node->blocks()) AnnotateWarnings(inner, session);
    if (node->Is("aten::warn") && node->FindAttribute("warn_id") == nullptr) {
      node->SetAttribute("warn_id", session->NextWarningId());
    }
  }
}

}  // namespace

void NormalizeOperators(Graph* graph, const OperatorTable& operators) {
  NormalizeBlock(graph->block(), operators);
}

absl::Status CleanUp(Graph* graph, FunctionCompiler* compiler) {
  TANDEM_RETURN_IF_ERROR(LiftClosures(graph->block(), compiler));
  TANDEM_RETURN_IF_ERROR(InlineForkedClosures(graph->block(), compiler));
  EraseListLiterals(graph, graph->block());
  LowerSimpleTuples(graph, graph->block());
  EliminateDeadCode(graph);
  if (PropagateImmutableConstants(graph)) EliminateDeadCode(graph);
  PoolConstants(graph);
  CanonicalizeOutputs(graph->block());
  AnnotateWarnings(graph->block(), &compiler->session());
  return absl::OkStatus();
}

}  // namespace tandem::script
