// Graphs of the FX dialect: nodes of the one Graph of the IR, seen and edited
// as torch.fx.Graph is.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_GRAPH_H_
#define TANDEM_FRONTENDS_SYMBOLIC_GRAPH_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/symbolic/argument.h"
#include "tandem/frontends/symbolic/names.h"
#include "tandem/ir/graph.h"

namespace tandem::nn {
class Module;
}

namespace tandem::fx {

// A node of the dialect has one output, whose name is the node's, and
// attributes "target", "args" and "kwargs"; nodes inside of args and kwargs
// are its inputs. Targets are Python's paths: "linear" of a module, "clamp" of
// a method, "operator.add", "torch.relu", "builtins.getattr" of functions.

// "placeholder", "get_attr", "call_function", "call_method", "call_module",
// "output": torch.fx's Node.op. Empty for nodes of other dialects.
absl::string_view OpcodeOf(const Node* node);
const std::string& NameOf(const Node* node);
const std::string& TargetOf(const Node* node);
Arguments ArgsOf(const Node* node);
KeywordArguments KwargsOf(const Node* node);
void SetArgs(Node* node, const Arguments& args);
void SetKwargs(Node* node, const KeywordArguments& kwargs);
void SetArgsAndKwargs(Node* node, const Arguments& args,
                      const KeywordArguments& kwargs);
void SetTarget(Node* node, std::string target);
// Annotation as printed ("torch.Tensor"); empty: none.
std::string TypeExprOf(const Node* node);
void SetTypeExpr(Node* node, std::string type);

// Each once, in order of args and kwargs.
std::vector<Node*> AllInputNodes(const Node* node);
// Each once, in the order in which they came to use it.
std::vector<Node*> UsersOf(const Node* node);
// All uses of `node` use `with` instead, but those of users for which `filter`
// (where given) is false. Returns the users that changed.
std::vector<Node*> ReplaceAllUsesWith(
    Node* node, Node* with, const std::function<bool(Node*)>& filter = nullptr);
// Inside of args and kwargs of `node`.
void ReplaceInputWith(Node* node, Node* old_input, Node* new_input);
// "%add : [num_users=1] = call_function[target=operator.add](…)".
std::string FormatNode(const Node* node);
// Kept though nobody uses it: placeholders, outputs, assertions, functions
// that draw random numbers.
bool IsImpure(const Node* node);

// Functions throw Error (eager/error.h) with torch.fx's texts.
class Graph {
 public:
  Graph();
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;

  // A graph that was read (ir/canonical.h). InvalidArgumentError names the node
  // that the dialect does not have or that is malformed.
  static absl::StatusOr<std::unique_ptr<Graph>> FromIr(
      std::unique_ptr<tandem::Graph> graph);

  // Of the IR: passes, printers and the verifier take it.
  tandem::Graph& ir() { return *graph_; }
  const tandem::Graph& ir() const { return *graph_; }

  std::vector<Node*> nodes() const;
  std::vector<Node*> find_nodes(absl::string_view opcode,
                                absl::string_view target) const;
  Node* output_node() const;  // null when there is none yet

  // New nodes go to the insertion point. `name` is what the name is made of;
  // empty: the target.
  Node* create_node(absl::string_view opcode, std::string target,
                    const Arguments& args = {},
                    const KeywordArguments& kwargs = {},
                    absl::string_view name = "");
  Node* placeholder(std::string name);
  Node* placeholder(std::string name, const Argument& default_value);
  Node* get_attr(std::string path);
  Node* call_function(std::string function, const Arguments& args = {},
                      const KeywordArguments& kwargs = {});
  Node* call_method(std::string method, const Arguments& args = {},
                    const KeywordArguments& kwargs = {});
  Node* call_module(std::string path, const Arguments& args = {},
                    const KeywordArguments& kwargs = {});
  Node* output(const Argument& result);

  // Sets the insertion point for a scope:
  //
  //   { auto at = graph.inserting_after(node); graph.call_method("neg",
  //   {node}); }
  WithInsertPoint inserting_before(Node* node) {
    return WithInsertPoint(graph_.get(), node);
  }
  WithInsertPoint inserting_after(Node* node) {
    return WithInsertPoint(graph_.get(), node->next());
  }
  // Gives the node a name that is made of `candidate`.
  void rename(Node* node, absl::string_view candidate) {
    node->output()->SetName(names_.CreateName(candidate));
  }
  // Moves `node` to stand before or after `other`.
  void move_before(Node* node, Node* other);
  void move_after(Node* node, Node* other);

  // The node must have no users.
  void erase_node(Node* node);
  // Nodes without users go, from the last to the first. True if any went.
  bool eliminate_dead_code();
  // A copy of a node of another graph; `map` gives the arguments.
  Node* node_copy(const Node* node, const std::function<Argument(Node*)>& map);
  // Copies of all nodes but the output; `values` maps those that are given
  // and grows by the copies. Returns what the output holds, mapped.
  Argument graph_copy(const Graph& other, std::map<Node*, Argument>* values);
  std::unique_ptr<Graph> Clone() const;

  // Names are unique, arguments are defined before they are used, and paths
  // exist in `owner` where one is given.
  void lint(nn::Module* owner = nullptr) const;

  // str(graph).
  std::string ToString() const;
  // What print_tabular() prints.
  std::string tabular() const;
  // Python source of forward; `root` is what attributes are taken from.
  // `verbose`: with the comment that FX puts where it knows no stack trace.
  std::string python_code(absl::string_view root = "self",
                          bool verbose = false) const;

 private:
  std::unique_ptr<tandem::Graph> graph_;
  Namespace names_;
};

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_GRAPH_H_
