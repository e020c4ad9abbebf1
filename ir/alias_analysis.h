// What values share memory, and what nodes write: the one place that knows.
// Passes never ask an operator's name for it.
#ifndef TANDEM_IR_ALIAS_ANALYSIS_H_
#define TANDEM_IR_ALIAS_ANALYSIS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/node_hash_map.h"
#include "tandem/ir/graph.h"

namespace tandem {

struct AliasOptions {
  // What constants hold (tensors by their storage, lists, dicts) is memory of
  // its own, told apart by identity, instead of a part of the outside. For
  // programs whose constants nobody else can reach: what a parameter or an
  // attribute gives is none of them, unless the graph itself puts it there.
  bool distinct_constants = false;
};

// A points-to analysis of one graph, by inclusion, over values, containers and
// attributes. Each value that is or holds memory (tensors, lists, dicts,
// tuples, objects, …) has a set of abstract objects it may be; each object has
// what it may hold. Views are the object that they view. What comes from
// outside (parameters, attributes of them, constants, results of calls) is one
// object, "the outside", told apart by type. Flow is not looked at: the answers
// hold for the whole graph. Schemas' alias annotations say what operators do.
//
// Answers are safe to both sides: "may" is true when in doubt. They hold for
// the graph as it was: see stale().
class AliasAnalysis {
 public:
  explicit AliasAnalysis(const Graph& graph, const AliasOptions& options = {});

  // The graph has changed since.
  bool stale() const { return graph_.version() != version_; }

  // May both be the same tensor memory (or list, dict, object)? False for
  // numbers and other values without memory.
  bool MayAlias(const Value* a, const Value* b) const;
  // May `element` be, or be inside of, what `container` holds (at any depth)?
  bool MayContain(const Value* container, const Value* element) const;
  // May changing what `a` is or holds be seen through `b`?
  bool MayOverlap(const Value* a, const Value* b) const;

  // May the node (with its blocks) write to what `v` is or holds?
  bool MayWrite(const Node* node, const Value* v) const;
  // May any node of the graph?
  bool IsWritten(const Value* v) const;
  // Does the node (with its blocks) write to any memory that others can see?
  bool HasWrites(const Node* node) const;
  // Beyond its results and writes: prints, draws random numbers, raises, calls
  // what is not known.
  bool HasEffects(const Node* node) const;
  // Its results are all that there is of it: no write, no effect, no result
  // that shares memory with something else that is written.
  bool IsPure(const Node* node) const;

  // May `v` be reachable from outside of the graph while it runs or after it
  // (a parameter, an attribute, a result, inside of one of these)?
  bool MayEscape(const Value* v) const;

  // Both nodes are in one block. May `node` be moved to right before (after)
  // `target`, all else staying where it is, and nothing change?
  bool CanMoveBefore(const Node* node, const Node* target) const;
  bool CanMoveAfter(const Node* node, const Node* target) const;
  // May two nodes of one block be exchanged, looking at memory, effects and
  // values?
  bool MayReorder(const Node* first, const Node* second) const;

 private:
  using ObjectId = uint32_t;
  using ObjectSet = std::vector<ObjectId>;  // sorted
  class Builder;
  struct Access {
    ObjectSet reads, writes;
    bool effects = false;
  };

  const ObjectSet& Points(const Value* v) const;
  ObjectSet Reachable(const ObjectSet& from) const;
  const ObjectSet& ReachableFrom(const Value* v) const;
  bool Intersect(const ObjectSet& a, const ObjectSet& b) const;
  const Access& AccessOf(const Node* node) const;
  const ObjectSet& AllWrites() const;
  void AddAccess(const Node* node, Access* access) const;

  const Graph& graph_;
  const uint64_t version_;
  absl::flat_hash_map<const Value*, ObjectSet> points_;
  // Of each object: all that it may hold directly.
  std::vector<ObjectSet> contents_;
  std::vector<bool> escaped_;
  std::vector<uint8_t> kinds_;
  mutable absl::node_hash_map<const Value*, ObjectSet> reachable_;
  // By pointer: references stay while the map grows.
  mutable absl::flat_hash_map<const Node*, std::unique_ptr<Access>> access_;
  mutable std::optional<ObjectSet> all_writes_;
};

}  // namespace tandem

#endif  // TANDEM_IR_ALIAS_ANALYSIS_H_
