// One node for each constant, at the top of the graph.

#include <cstring>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/cleanup.h"

namespace tandem::script {
namespace {

// Text that two values share if and only if they are one constant. Tensors and
// objects are by identity.
void AppendKey(const IValue& value, std::string* key) {
  const auto identity = [&](const void* p) {
    absl::StrAppend(key, "@", reinterpret_cast<uintptr_t>(p));
  };
  absl::StrAppend(key, "<", static_cast<int>(value.tag()), ":");
  switch (value.tag()) {
    case IValue::Tag::kNone:
      break;
    case IValue::Tag::kBool:
      absl::StrAppend(key, value.AsBool() ? 1 : 0);
      break;
    case IValue::Tag::kInt:
      absl::StrAppend(key, value.AsInt());
      break;
    case IValue::Tag::kDouble: {
      const double d = value.AsDouble();
      uint64_t bits;
      std::memcpy(&bits, &d, sizeof(bits));
      absl::StrAppend(key, bits);
      break;
    }
    case IValue::Tag::kComplex:
      AppendKey(IValue(value.AsComplex().real()), key);
      AppendKey(IValue(value.AsComplex().imag()), key);
      break;
    case IValue::Tag::kString:
      absl::StrAppend(key, value.AsString().size(), ":", value.AsString());
      break;
    case IValue::Tag::kFunction:
      identity(value.AsFunction());
      break;
    case IValue::Tag::kTensor:
      identity(value.AsRef<RefCounted>().get());
      break;
    case IValue::Tag::kTuple:
      for (const IValue& element : value.AsTuple().values) {
        AppendKey(element, key);
      }
      break;
    case IValue::Tag::kList:
      for (const IValue& element : value.AsList().values) {
        AppendKey(element, key);
      }
      break;
    case IValue::Tag::kDict:
      value.AsDict().ForEach([&](const IValue& k, const IValue& v) {
        AppendKey(k, key);
        AppendKey(v, key);
      });
      break;
    case IValue::Tag::kDevice:
      absl::StrAppend(key, value.ToString());
      break;
    default:
      identity(value.AsRef<RefCounted>().get());
      break;
  }
  absl::StrAppend(key, ">");
}

class Pooler {
 public:
  explicit Pooler(Graph* graph) : graph_(*graph) {}

  void Visit(Block* block) {
    for (Node* node = block->first(); node != block->return_node();) {
      Node* next = node->next();
      if (!node->blocks().empty()) {
        for (Block* inner : node->blocks()) Visit(inner);
      } else if (node->is(NodeKind::kConstant)) {
        VisitConstant(node);
      }
      node = next;
    }
  }

 private:
  void VisitConstant(Node* node) {
    // Members of enums are not told equal, as in PyTorch.
    if (node->output()->type()->is(TypeKind::kEnum)) {
      MoveToTop(node);
      return;
    }
    std::string key = node->output()->type()->ToString();
    AppendKey(node->constant(), &key);
    const auto [at, is_new] = constants_.try_emplace(std::move(key), node);
    if (!is_new) {
      node->output()->ReplaceAllUsesWith(at->second->output());
      node->Destroy();
      return;
    }
    MoveToTop(node);
  }

  void MoveToTop(Node* node) {
    Node* first = graph_.block()->first();
    if (node != first) node->MoveBefore(first);
  }

  Graph& graph_;
  absl::flat_hash_map<std::string, Node*> constants_;
};

}  // namespace

void PoolConstants(Graph* graph) { Pooler(graph).Visit(graph->block()); }

}  // namespace tandem::script
