// The intermediate representation: graphs of nodes in SSA form, with nested
// blocks for control flow.
//
//   Graph g;
//   Value* x = g.AddInput("x", Type::Tensor());
//   Node* n = g.Append(op, {x});
//   g.AddOutput(n->output());
#ifndef TANDEM_IR_GRAPH_H_
#define TANDEM_IR_GRAPH_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/operator_table.h"
#include "tandem/ir/source_range.h"
#include "tandem/ir/type.h"

namespace tandem {

class Block;
class Function;
class Graph;
class Node;
class Value;

// What a node is. Operators with a row in the table are kOperator; the rest is
// the language itself, named prim::… in text.
enum class NodeKind : uint8_t {
  kOperator,
  kConstant,  // attribute "value"; none: None
  kUninitialized,
  kIf,  // (cond), two blocks
  kLoop,  // (max_trip, cond, carried…), block(i, carried…) -> (cond, carried…)
  kListConstruct,
  kListUnpack,
  kTupleConstruct,
  kTupleUnpack,
  kTupleIndex,     // (tuple, index)
  kTupleSlice,     // attributes "beg", "end"
  kDictConstruct,  // (k, v, k, v, …)
  kGetAttr,        // attribute "name"
  kSetAttr,        // attribute "name"; (object, value)
  kCreateObject,
  kCallFunction,  // (function, arguments…)
  kCallMethod,    // attribute "name"; (self, arguments…)
  kFork,          // attribute "Subgraph"; (captures…)
  kAwaitable,     // the same
  // Attributes "Subgraph" (straight, of pure operators and constants) and
  // "backend": what that backend compiles as a whole. Results are fresh.
  kFusionGroup,
  kPrint,
  kRaiseException,  // (message, class name or None)
  kUncheckedCast,
  kIsInstance,  // attribute "types"
  kToList,      // (tensor, dim, type code)
  kEnumName,
  kEnumValue,
  kEnter,
  kExit,
  kModuleContainerIndex,
  kHasAttr,
  // Ends of blocks.
  kParam,
  kReturn,
  // Before SSA.
  kLoad,
  kStore,
  kReturnStmt,
  kBreakStmt,
  kContinueStmt,
  kLoopContinuation,
  kClosure,
  kComprehensionScope,
  kEmptyListLiteral,
  kForkClosure,
  kAwaitableClosure,
  kWith,
  // Traces and python.
  kPythonOp,
  kTracedAttr,
  // A call of an operator without a row: only where a pass or a plugin allows
  // it.
  kUnknown,
  // The FX dialect.
  kFxPlaceholder,
  kFxGetAttr,
  kFxCallFunction,
  kFxCallMethod,
  kFxCallModule,
  kFxOutput,
};

// "prim::If"; kOperator gives "".
absl::string_view NodeKindName(NodeKind kind);
std::optional<NodeKind> NodeKindFromName(absl::string_view name);

// One use of a value: input `index` of `user`.
struct Use {
  Node* user;
  size_t index;
};

// The result of a node or a parameter of a block.
class Value {
 public:
  Node* node() const { return node_; }
  size_t index() const { return index_; }  // among the node's outputs
  const TypePtr& type() const { return type_; }
  void set_type(TypePtr type) { type_ = std::move(type); }
  const std::vector<Use>& uses() const { return uses_; }
  bool has_uses() const { return !uses_.empty(); }
  // The number that is printed when there is no name.
  size_t unique() const { return unique_; }
  bool has_name() const { return !name_.empty(); }
  const std::string& name() const { return name_; }
  // The name or the number.
  std::string DebugName() const;
  // PyTorch's rule: if another value of the graph has the name, the other is
  // renamed to a free base.N; names of digits only are refused (ignored).
  void SetName(absl::string_view name);
  // The name without a trailing ".N".
  absl::string_view base_name() const;
  void ReplaceAllUsesWith(Value* other);
  // Uses by `node` and by what comes after it in its block.
  void ReplaceUsesAfter(const Node* node, Value* other);
  Graph* graph() const;

 private:
  friend class Block;
  friend class Graph;
  friend class Node;
  Value(Node* node, size_t index, size_t unique, TypePtr type)
      : node_(node), index_(index), unique_(unique), type_(std::move(type)) {}
  Node* node_;
  size_t index_;
  size_t unique_;
  TypePtr type_;
  std::string name_;
  std::vector<Use> uses_;
};

// A named attribute of a node.
struct NodeAttribute {
  using Payload =
      std::variant<IValue, std::string, int64_t, double, std::vector<int64_t>,
                   std::vector<std::string>, TypePtr, std::vector<TypePtr>,
                   std::shared_ptr<Graph>>;
  std::string name;
  Payload payload;
};

class Node {
 public:
  NodeKind kind() const { return kind_; }
  bool is(NodeKind kind) const { return kind_ == kind; }
  // The row; null unless kOperator.
  const Operator* op() const { return op_; }
  // kOperator with this name ("aten::add"), any overload.
  bool Is(absl::string_view operator_name) const {
    return op_ != nullptr && op_->schema.name == operator_name;
  }
  // "aten::add" or "prim::If".
  absl::string_view name() const;
  // Changes kind or row (passes that normalise).
  void set_op(const Operator* op) {
    kind_ = NodeKind::kOperator;
    op_ = op;
  }
  void set_kind(NodeKind kind) {
    kind_ = kind;
    op_ = nullptr;
  }

  absl::Span<Value* const> inputs() const { return inputs_; }
  Value* input(size_t i = 0) const { return inputs_[i]; }
  absl::Span<Value* const> outputs() const { return outputs_; }
  Value* output(size_t i = 0) const { return outputs_[i]; }
  absl::Span<Block* const> blocks() const { return blocks_; }
  Block* block(size_t i = 0) const { return blocks_[i]; }

  void AddInput(Value* value);
  void InsertInput(size_t i, Value* value);
  void ReplaceInput(size_t i, Value* value);
  void RemoveInput(size_t i);
  void RemoveAllInputs();
  Value* AddOutput(TypePtr type = Type::Tensor());
  Value* InsertOutput(size_t i, TypePtr type);
  // The output must have no uses.
  void EraseOutput(size_t i);
  Block* AddBlock();
  void EraseBlock(size_t i);

  const NodeAttribute* FindAttribute(absl::string_view name) const;
  // The payload of an attribute that is there by construction.
  template <typename T>
  const T& Get(absl::string_view name) const {
    return std::get<T>(FindAttribute(name)->payload);
  }
  void SetAttribute(absl::string_view name, NodeAttribute::Payload payload);
  void RemoveAttribute(absl::string_view name);
  absl::Span<const NodeAttribute> attributes() const { return attributes_; }
  // Of kConstant: its value (None without the attribute). Of a value from a
  // kConstant: see ConstantOf below.
  IValue constant() const;
  // The attribute "name" of kGetAttr, kSetAttr, kCallMethod.
  const std::string& attribute_name() const { return Get<std::string>("name"); }

  const SourceRange& range() const { return range_; }
  void set_range(SourceRange range) { range_ = std::move(range); }
  // "__module.a/__module.a.l" in traces.
  const std::string& scope() const { return scope_; }
  void set_scope(std::string scope) { scope_ = std::move(scope); }

  Block* owning_block() const { return block_; }
  Graph* graph() const { return graph_; }
  Node* next() const { return next_; }
  Node* prev() const { return prev_; }
  bool in_list() const { return next_ != nullptr; }
  // True if this comes before `other` in the same block.
  bool IsBefore(const Node* other) const;

  void InsertBefore(Node* other);
  void InsertAfter(Node* other);
  void MoveBefore(Node* other);
  void MoveAfter(Node* other);
  // No output may have uses. Frees the node and its blocks.
  void Destroy();
  // Inputs, outputs' types and names, blocks and attributes of `other` through
  // `map` (values not in it stay the same).
  bool HasSideEffects() const;

 private:
  friend class Block;
  friend class Graph;
  friend class Value;
  Node(Graph* graph, NodeKind kind) : graph_(graph), kind_(kind) {}
  void Unlink();
  void RemoveUse(size_t i);

  Graph* graph_;
  Block* block_ = nullptr;
  Node* prev_ = nullptr;
  Node* next_ = nullptr;
  NodeKind kind_;
  const Operator* op_ = nullptr;
  std::vector<Value*> inputs_;
  std::vector<Value*> outputs_;
  std::vector<Block*> blocks_;
  std::vector<NodeAttribute> attributes_;
  SourceRange range_;
  std::string scope_;
  mutable int64_t position_ = 0;  // order in the block, renumbered as needed
};

// A straight list of nodes with parameters and results.
class Block {
 public:
  absl::Span<Value* const> inputs() const { return param_->outputs(); }
  Value* input(size_t i = 0) const { return param_->output(i); }
  absl::Span<Value* const> outputs() const { return return_->inputs(); }
  Value* output(size_t i = 0) const { return return_->input(i); }
  Value* AddInput(absl::string_view name, TypePtr type);
  void EraseInput(size_t i) { param_->EraseOutput(i); }
  void AddOutput(Value* value) { return_->AddInput(value); }
  void InsertOutput(size_t i, Value* value) { return_->InsertInput(i, value); }
  void EraseOutput(size_t i) { return_->RemoveInput(i); }
  // The node whose outputs are the parameters; before the first.
  Node* param_node() const { return param_; }
  // The node whose inputs are the results; after the last.
  Node* return_node() const { return return_; }
  Node* owning_node() const { return owner_; }  // null for a graph's top block
  Graph* graph() const { return graph_; }
  Block* parent() const {
    return owner_ == nullptr ? nullptr : owner_->owning_block();
  }

  void Append(Node* node) { node->InsertBefore(return_); }
  void Prepend(Node* node) { node->InsertAfter(param_); }
  bool empty() const { return param_->next() == return_; }

  // Nodes in order; the current one may be destroyed inside a loop that uses
  // `for (Node* n = b.first(); n != b.return_node(); n = next)`.
  Node* first() const { return param_->next(); }
  Node* last() const { return return_->prev(); }
  class Iterator {
   public:
    explicit Iterator(Node* n) : n_(n) {}
    Node* operator*() const { return n_; }
    Iterator& operator++() {
      n_ = n_->next();
      return *this;
    }
    bool operator!=(const Iterator& o) const { return n_ != o.n_; }

   private:
    Node* n_;
  };
  Iterator begin() const { return Iterator(first()); }
  Iterator end() const { return Iterator(return_); }

  // Copies nodes and results of `other`, whose free values `map` gives (and
  // identity otherwise); `map` grows by the copies.
  void CloneFrom(const Block& other,
                 absl::flat_hash_map<const Value*, Value*>* map);

 private:
  friend class Graph;
  friend class Node;
  Block(Graph* graph, Node* owner);
  Graph* graph_;
  Node* owner_;
  Node* param_;
  Node* return_;
};

class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  Block* block() const { return block_; }
  absl::Span<Value* const> inputs() const { return block_->inputs(); }
  absl::Span<Value* const> outputs() const { return block_->outputs(); }
  Value* AddInput(absl::string_view name, TypePtr type) {
    return block_->AddInput(name, std::move(type));
  }
  void AddOutput(Value* value) { block_->AddOutput(value); }
  Node* return_node() const { return block_->return_node(); }

  // New nodes belong to the graph; they are in no block until inserted.
  Node* Create(NodeKind kind, absl::Span<Value* const> inputs = {},
               size_t num_outputs = 1);
  Node* Create(const Operator* op, absl::Span<Value* const> inputs = {});
  // Creates and inserts at the insertion point.
  Node* Insert(Node* node);
  Value* InsertConstant(IValue value, const SourceRange& range = {},
                        TypePtr type = nullptr);
  Node* CreateConstant(IValue value, TypePtr type = nullptr);

  // Where Insert puts nodes: before this node (a return node: at the end).
  Node* insert_point() const { return insert_before_; }
  void SetInsertPoint(Node* before) { insert_before_ = before; }
  void SetInsertPoint(Block* end_of) { insert_before_ = end_of->return_node(); }

  // A copy; `function_of` etc. are shared. Numbers are given anew.
  std::unique_ptr<Graph> Clone() const;
  // Puts the callee's nodes before `at`; returns the values of its results.
  std::vector<Value*> Inline(const Graph& callee,
                             absl::Span<Value* const> arguments, Node* at);
  // PyTorch's text (ir/print.h has the other styles).
  std::string ToString(bool with_locations = true) const;
  size_t num_nodes() const { return live_nodes_; }
  // Counts edits, so that analyses can tell that they are stale.
  uint64_t version() const { return version_; }

 private:
  friend class Block;
  friend class Node;
  friend class Value;
  Value* NewValue(Node* node, size_t index, TypePtr type);
  Node* NewNode(NodeKind kind);
  Block* NewBlock(Node* owner);
  void FreeNode(Node* node);
  void FreeBlock(Block* block);
  void FreeValue(Value* value);

  std::vector<std::unique_ptr<Node>> nodes_;  // all, freed with the graph
  std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::unique_ptr<Value>> values_;
  absl::flat_hash_map<std::string, Value*> names_;
  absl::flat_hash_map<std::string, size_t> next_suffix_;
  size_t next_unique_ = 0;
  size_t live_nodes_ = 0;
  uint64_t version_ = 0;
  Block* block_;
  Node* insert_before_;
};

// The constant that a value is; nullopt when it comes from another node.
std::optional<IValue> ConstantOf(const Value* value);

// Sets the insertion point for a scope.
class WithInsertPoint {
 public:
  WithInsertPoint(Graph* graph, Node* before)
      : graph_(graph), previous_(graph->insert_point()) {
    graph->SetInsertPoint(before);
  }
  WithInsertPoint(Graph* graph, Block* end_of)
      : WithInsertPoint(graph, end_of->return_node()) {}
  ~WithInsertPoint() { graph_->SetInsertPoint(previous_); }

 private:
  Graph* graph_;
  Node* previous_;
};

}  // namespace tandem

#endif  // TANDEM_IR_GRAPH_H_
