#include "tandem/passes/unroll_loops.h"

#include "absl/container/flat_hash_map.h"
#include "tandem/passes/rewrite.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

bool IsTrue(const Value* v) {
  const std::optional<IValue> c = ConstantOf(v);
  return c.has_value() && c->is_bool() && c->AsBool();
}

int64_t CountNodes(const Block& block) {
  int64_t count = 0;
  for (const Node* n : block) {
    ++count;
    for (const Block* b : n->blocks()) count += CountNodes(*b);
  }
  return count;
}

void Unroll(Node* loop, int64_t trips) {
  Graph* graph = loop->graph();
  std::vector<Value*> carried(loop->inputs().begin() + 2, loop->inputs().end());
  for (int64_t trip = 0; trip < trips; ++trip) {
    // A block to copy into, which then gives its nodes away.
    Node* holder = graph->Create(NodeKind::kIf, {}, 0);
    holder->InsertBefore(loop);
    Block* copy = holder->AddBlock();
    absl::flat_hash_map<const Value*, Value*> map;
    copy->CloneFrom(*loop->block(), &map);
    if (copy->input(0)->has_uses()) {
      Value* i = InsertConstantBefore(holder, IValue(trip), Type::Int());
      copy->input(0)->ReplaceAllUsesWith(i);
    }
    for (size_t k = 0; k < carried.size(); ++k) {
      copy->input(k + 1)->ReplaceAllUsesWith(carried[k]);
    }
    while (!copy->empty()) copy->first()->MoveBefore(holder);
    for (size_t k = 0; k < carried.size(); ++k) {
      carried[k] = copy->output(k + 1);
    }
    holder->Destroy();
  }
  for (size_t k = 0; k < carried.size(); ++k) {
    loop->output(k)->ReplaceAllUsesWith(carried[k]);
  }
  loop->Destroy();
}

}  // namespace

absl::StatusOr<PassResult> UnrollLoops(Graph* graph, const PassContext& context,
                                       const PassOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t max_trips,
                          options.GetInt("max_trips", 16));
  TANDEM_ASSIGN_OR_RETURN(const int64_t max_nodes,
                          options.GetInt("max_nodes", 2000));
  PassResult result;
  ForEachNode(graph->block(), [&](Node* n) {
    if (!n->is(NodeKind::kLoop)) return;
    const std::optional<IValue> trips = ConstantOf(n->input(0));
    if (!trips.has_value() || !trips->is_int() || !IsTrue(n->input(1)) ||
        !IsTrue(n->block()->output(0))) {
      return;
    }
    const int64_t count = trips->AsInt();
    if (count > max_trips ||
        (count > 0 && CountNodes(*n->block()) > max_nodes / count) ||
        graph->num_nodes() > context.max_nodes) {
      return;
    }
    Unroll(n, count);
    result.Count("loops unrolled");
  });
  return result;
}

}  // namespace tandem
