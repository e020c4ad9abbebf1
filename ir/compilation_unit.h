// Functions and classes of one program (an archive, a source text).
#ifndef TANDEM_IR_COMPILATION_UNIT_H_
#define TANDEM_IR_COMPILATION_UNIT_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/graph.h"
#include "tandem/ir/operator_table.h"
#include "tandem/ir/schema.h"

namespace tandem {

// A function or method: a signature and a graph, which is compiled when it is
// first asked for (functions may refer to each other in any order).
class Function {
 public:
  using Compiler = std::function<absl::Status(Function&)>;
  Function(std::string qualified_name, CompilationUnit* unit)
      : qualified_name_(std::move(qualified_name)), unit_(unit) {}

  const std::string& qualified_name() const { return qualified_name_; }
  absl::string_view name() const;  // last part
  CompilationUnit* unit() const { return unit_; }
  const FunctionSchema& schema() const { return schema_; }
  void set_schema(FunctionSchema schema) { schema_ = std::move(schema); }
  // Null until compiled.
  Graph* graph() const { return graph_.get(); }
  void set_graph(std::unique_ptr<Graph> graph) { graph_ = std::move(graph); }
  void set_compiler(Compiler compiler) { compiler_ = std::move(compiler); }
  // Compiles if that is still to do. A function that asks for itself while
  // being compiled gets an error ("… is called recursively …").
  absl::Status EnsureDefined();
  bool is_method() const { return owner_ != nullptr; }
  const ClassType* owner() const { return owner_; }
  void set_owner(const ClassType* owner) { owner_ = owner; }
  // A slot for what a runtime derives from the graph (its plan); made once,
  // guarded by the runtime.
  mutable std::shared_ptr<void> runtime_data;

 private:
  const std::string qualified_name_;
  CompilationUnit* const unit_;
  const ClassType* owner_ = nullptr;
  FunctionSchema schema_;
  std::unique_ptr<Graph> graph_;
  Compiler compiler_;
  bool compiling_ = false;
};

class CompilationUnit {
 public:
  explicit CompilationUnit(
      const OperatorTable* operators = &OperatorTable::Builtin())
      : operators_(operators) {}
  ~CompilationUnit();
  CompilationUnit(const CompilationUnit&) = delete;
  CompilationUnit& operator=(const CompilationUnit&) = delete;

  const OperatorTable& operators() const { return *operators_; }

  // Null when absent.
  Function* FindFunction(absl::string_view qualified_name) const;
  Function* AddFunction(std::string qualified_name);
  // A function that is found through its class only.
  Function* AddMethod(ClassType* owner, absl::string_view name);
  const std::vector<std::unique_ptr<Function>>& functions() const {
    return functions_;
  }

  // Class, enum, interface or NamedTuple by qualified name; null when absent.
  TypePtr FindType(absl::string_view qualified_name) const;
  ClassType* FindClass(absl::string_view qualified_name) const;
  ClassType* AddClass(std::string qualified_name, bool is_module);
  void AddType(TypePtr type);  // enum, interface, NamedTuple
  const std::vector<TypePtr>& types() const { return types_; }

  // ClassType::Attribute::is_written is known for all classes (set by a
  // runtime).
  mutable std::atomic<bool> writes_marked{false};

 private:
  const OperatorTable* const operators_;
  std::vector<std::unique_ptr<Function>> functions_;
  absl::flat_hash_map<std::string, Function*> function_index_;
  std::vector<TypePtr> types_;
  absl::flat_hash_map<std::string, TypePtr> type_index_;
};

}  // namespace tandem

#endif  // TANDEM_IR_COMPILATION_UNIT_H_
