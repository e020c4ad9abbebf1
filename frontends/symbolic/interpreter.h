// Runs a graph node by node.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_INTERPRETER_H_
#define TANDEM_FRONTENDS_SYMBOLIC_INTERPRETER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tandem/frontends/symbolic/call_target.h"
#include "tandem/frontends/symbolic/graph_module.h"

namespace tandem::fx {

// As torch.fx.Interpreter: derive from it and define what is to differ.
// Arguments are boxed; what has no boxed form (dtypes, slices) is marked, see
// argument.h. Errors are thrown.
class Interpreter {
 public:
  explicit Interpreter(GraphModule& module)
      : Interpreter(module, module.graph()) {
    functions_ = &module.functions();
  }
  Interpreter(nn::Module& module, Graph& graph)
      : module_(module), graph_(graph) {}
  virtual ~Interpreter() = default;

  // Values are freed after their last use.
  IValue run(std::vector<IValue> args);

  virtual IValue run_node(Node* node);
  virtual IValue placeholder(const std::string& target, Values args,
                             KeywordValues kwargs);
  virtual IValue get_attr(const std::string& target, Values args,
                          KeywordValues kwargs);
  virtual IValue call_function(const std::string& target, Values args,
                               KeywordValues kwargs);
  virtual IValue call_method(const std::string& target, Values args,
                             KeywordValues kwargs);
  virtual IValue call_module(const std::string& target, Values args,
                             KeywordValues kwargs);
  virtual IValue output(const std::string& target, Values args,
                        KeywordValues kwargs);

  nn::Module& module() { return module_; }
  Graph& graph() { return graph_; }

 protected:
  // Arguments of a node with values in the place of nodes.
  IValue ValueOf(const Argument& argument);
  void FetchArguments(Node* node, Values* args, KeywordValues* kwargs);

 private:
  nn::Module& module_;
  Graph& graph_;
  GraphModule::Functions* functions_ = nullptr;
  std::map<const Node*, IValue> values_;
  std::vector<IValue> arguments_;
  size_t next_argument_ = 0;
};

// As torch.fx.Transformer: an Interpreter whose operations make nodes of a new
// graph. What a method returns may be computed with eager operators; they are
// recorded.
class Transformer : public Interpreter {
 public:
  explicit Transformer(GraphModule& module);
  ~Transformer() override;

  nn::Ptr<GraphModule> transform();

  IValue placeholder(const std::string& target, Values args,
                     KeywordValues kwargs) override;
  IValue get_attr(const std::string& target, Values args,
                  KeywordValues kwargs) override;
  IValue call_function(const std::string& target, Values args,
                       KeywordValues kwargs) override;
  IValue call_method(const std::string& target, Values args,
                     KeywordValues kwargs) override;
  IValue call_module(const std::string& target, Values args,
                     KeywordValues kwargs) override;

 protected:
  Tracer& tracer() { return *tracer_; }
  IValue Record(absl::string_view opcode, const std::string& target,
                const Values& args, const KeywordValues& kwargs);

 private:
  GraphModule& graph_module_;
  std::unique_ptr<Tracer> tracer_;
};

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_INTERPRETER_H_
