// Compiles one function's tree to a graph.
//
// Nodes are emitted in PyTorch's order, with prim::Load and prim::Store for
// variables and prim::ReturnStmt, BreakStmt and ContinueStmt for exits; then
// to_ssa.h, exit_transform.h and cleanup.h make a graph of it as PyTorch prints
// it. The class is split over several files by kind of syntax:
//   function_compiler.cc  definitions, parameters, returns
//   statements.cc, control_flow.cc, conditions.cc, assignments.cc
//   expressions.cc, literals.cc, calls.cc, indexing.cc

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_FUNCTION_COMPILER_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_FUNCTION_COMPILER_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/environment.h"
#include "tandem/frontends/script/compiler/resolver.h"
#include "tandem/frontends/script/compiler/session.h"
#include "tandem/frontends/script/compiler/sugared_value.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/compiler/types.h"
#include "tandem/frontends/script/tree.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/graph.h"

namespace tandem::script {

// "x is not None" and isinstance tell more of a variable's type.
struct Refinement {
  std::string name;
  TypePtr type;
};
// What holds where a condition is true, and where it is false.
struct Refinements {
  std::vector<Refinement> if_true;
  std::vector<Refinement> if_false;

  Refinements And(const Refinements& other) const;
  Refinements Or(const Refinements& other) const;
  Refinements Not() const { return {if_false, if_true}; }
};

struct Condition {
  Value* value = nullptr;
  Refinements refinements;
  // Known where only one branch is to be compiled.
  std::optional<bool> known;
};

// What a compilation needs from outside of the function.
struct CompileContext {
  Session* session = nullptr;
  Resolver* resolver = nullptr;
  CompilationUnit* unit = nullptr;
  // The archive's version; nothing for code that is written today.
  std::optional<int64_t> version;
  // Script-defined builtins, and upgraders.
  class BuiltinFunctions* builtins = nullptr;
};

class FunctionCompiler {
 public:
  // `tree` holds the definition. `self` is the class of a method.
  FunctionCompiler(const CompileContext& context, const SyntaxTree& tree,
                   Function* function, const ClassType* self);

  // Gives the function its schema and graph.
  absl::Status Compile(const DefStmt& def);

  // Gives the schema alone, as far as it is declared.
  absl::StatusOr<FunctionSchema> DeclaredSchema(const DefStmt& def);

  // The values of expressions that are constants, with these types: defaults
  // of parameters (of `parameter`), constants of classes.
  static absl::StatusOr<std::vector<IValue>> EvaluateConstants(
      const CompileContext& context, const SyntaxTree& tree,
      const SourceRange& range, const std::vector<const Expr*>& types,
      const std::vector<const Expr*>& values, absl::string_view parameter = "");

  // For sugared values and schema matching.
  Graph* graph() { return graph_.get(); }
  Function* function() { return function_; }
  Session& session() { return *context_.session; }
  const CompileContext& context() const { return context_; }
  const OperatorTable& operators() const { return context_.unit->operators(); }
  const std::shared_ptr<Environment>& environment() { return environment_; }
  Resolver& resolver() { return *context_.resolver; }
  template <typename... Args>
  absl::Status Error(const SourceRange& range, const Args&... args) {
    return session().Error(range, absl::StrCat(args...));
  }
  // The argument's value; a default becomes a constant.
  Value* ValueOf(const NamedValue& argument);
  Value* InsertConstant(IValue value, const SourceRange& range = {},
                        TypePtr type = nullptr);
  Node* Insert(NodeKind kind, absl::Span<Value* const> inputs,
               const SourceRange& range = {}, size_t outputs = 1);
  Value* InsertTuple(const std::vector<Value*>& values,
                     const TypePtr& named = nullptr);
  Value* InsertList(const TypePtr& element, const std::vector<Value*>& values);
  Value* InsertCast(Value* value, const TypePtr& type);
  // A value of another part of the same file: a global constant.
  absl::StatusOr<Value*> EmitConstantExpr(const Expr& expr) {
    return EmitExpr(expr);
  }
  // The parts of a tuple; of one that was just made, what it was made of.
  std::vector<Value*> UnpackTuple(Value* tuple);
  // Calls the first overload of `name` ("aten::add") that takes the arguments.
  absl::StatusOr<Value*> EmitBuiltin(
      const SourceRange& range, absl::string_view name, Arguments args,
      Arguments kwargs = {},
      const std::optional<NamedValue>& self = std::nullopt);

 private:
  friend class Environment;
  struct DefState {
    TypePtr declared_return;  // null if not annotated
    TypePtr merged_return;    // null before the first return
  };
  enum class LoopStatus { kNone, kLoop, kUnrolled };
  using Emit = std::function<absl::Status()>;
  using EmitValue = std::function<absl::StatusOr<Value*>()>;

  SourceRange Range(TextSpan span) const { return tree_.Range(span); }
  SourceRange Range(const Expr& expr) const { return Range(expr.span); }
  SourceRange Range(const Stmt& stmt) const { return Range(stmt.span); }

  // --- function_compiler.cc
  void PushFrame(Block* block, bool starts_def = false);
  std::shared_ptr<Environment> PopFrame(bool ends_def = false);
  absl::StatusOr<FunctionSchema> EmitDef(const DefStmt& def,
                                         const ClassType* self, Block* block);
  absl::StatusOr<std::vector<Argument>> EmitParameters(
      const DefStmt& def, const ClassType* self, const FunctionSchema& schema,
      Block* block);
  absl::Status EmitImplicitReturn(const DefStmt& def, Block* block);
  absl::StatusOr<TypePtr> StateType(const DefStmt& def, const ClassType* self);
  absl::StatusOr<std::vector<Argument>> ParseParameters(const Decl& decl,
                                                        bool skip_self);
  std::string TemporaryName(absl::string_view prefix);
  const NameExpr* MakeName(TextSpan span, absl::string_view name);
  bool Exits(Block* block) const { return exit_blocks_.contains(block); }

  // --- statements.cc
  absl::Status EmitStatements(List<const Stmt*> statements);
  absl::Status EmitStatement(const Stmt& stmt);
  absl::Status EmitReturn(const SourceRange& range, const Expr& value);
  absl::Status EmitRaise(const SourceRange& range, const Expr& value);
  absl::Status EmitAssert(const AssertStmt& stmt);
  absl::Status EmitDelete(const DeleteStmt& stmt);
  absl::Status EmitWith(const WithStmt& stmt);
  absl::Status EmitBreakOrContinue(const Stmt& stmt);
  absl::Status EmitClosureDef(const DefStmt& def);
  absl::Status EmitNestedDef(const DefStmt& def);
  absl::StatusOr<Sugared> EmitClosure(
      const std::function<absl::Status(Block*)>& body);

  // --- control_flow.cc
  absl::Status EmitIf(const IfStmt& stmt);
  absl::Status EmitIfElse(const SourceRange& range, const Condition& condition,
                          const SourceRange& then_range, const Emit& then,
                          const SourceRange& else_range, const Emit& otherwise);
  absl::StatusOr<std::shared_ptr<Environment>> EmitBranch(
      Block* block, const SourceRange& range,
      const std::vector<Refinement>& refinements, const Emit& body);
  absl::Status MergeBranches(const SourceRange& range, Node* node,
                             const std::shared_ptr<Environment>& when_true,
                             const std::shared_ptr<Environment>& when_false);
  absl::Status EmitLoop(const SourceRange& range, const Emit& body,
                        const Sugared& iterable, List<const Expr*> targets,
                        const Expr* condition);
  absl::Status EmitUnrolledLoop(const SourceRange& range,
                                const SourceRange& targets_range,
                                const Emit& body, const Sugared& iterable,
                                List<const Expr*> targets);
  absl::Status EmitFor(List<const Expr*> targets, const Expr& iterable,
                       const SourceRange& range, const Emit& body);
  absl::Status EmitForStmt(const ForStmt& stmt);
  absl::Status EmitWhile(const WhileStmt& stmt);

  // --- conditions.cc
  absl::StatusOr<Condition> EmitCondition(const Expr& expr);
  absl::StatusOr<Condition> EmitShortCircuit(const SourceRange& range,
                                             const Condition& lhs,
                                             const Expr& second, bool is_or);
  absl::StatusOr<Condition> EmitLogicalChain(const BinaryExpr& expr);
  absl::StatusOr<Condition> EmitIsNone(const BinaryExpr& expr);
  Refinements NoneRefinements(const Expr& lhs, Value* lhs_value,
                              const Expr& rhs, Value* rhs_value, int op);
  absl::StatusOr<Condition> EmitIsInstance(const Expr& object,
                                           const Expr& classes);
  absl::StatusOr<Condition> EmitHasAttr(const Expr& object,
                                        const Expr& attribute);
  absl::StatusOr<Value*> EmitConditional(const ConditionalExpr& expr,
                                         const TypePtr& hint);
  absl::StatusOr<Value*> EmitIfValue(const SourceRange& range,
                                     const Condition& condition,
                                     const EmitValue& then,
                                     const EmitValue& otherwise);
  absl::StatusOr<Value*> EmitToBool(const SourceRange& range, Value* value);
  absl::Status InsertRefinements(const SourceRange& range,
                                 const std::vector<Refinement>& refinements);
  Condition KnownCondition(const SourceRange& range, bool value,
                           Refinements refinements = {});

  // --- assignments.cc
  absl::Status EmitAssign(const AssignStmt& stmt);
  absl::Status EmitAssignTo(const SourceRange& range, const Expr& target,
                            const Expr& value, const Expr* type);
  absl::Status EmitTupleAssign(const TupleExpr& targets, const Sugared& value,
                               const SourceRange& value_range, size_t binders,
                               bool starred);
  absl::StatusOr<bool> ValidateTargets(List<const Expr*> targets,
                                       const SourceRange& range);
  absl::Status EmitTargets(List<const Expr*> targets,
                           const std::vector<Sugared>& values,
                           const SourceRange& value_range, size_t binders);
  // `list[begin:end] = source`, or its deletion where there is no source.
  absl::Status EmitListSliceAssign(const SourceRange& range, Value* list,
                                   const SliceExpr& slice, Value* source);
  absl::Status EmitSubscriptAssign(const SourceRange& range,
                                   const SubscriptExpr& target,
                                   const NamedValue& value);
  absl::StatusOr<Value*> ValueToTensor(Value* value, Value* like);
  absl::Status EmitAugAssign(const AugAssignStmt& stmt);
  absl::StatusOr<Value*> EmitAugmented(const AugAssignStmt& stmt, Value* lhs);
  absl::Status EmitAugSubscript(const AugAssignStmt& stmt,
                                const SubscriptExpr& target);
  absl::StatusOr<std::string> AugmentedOperator(const AugAssignStmt& stmt,
                                                const TypePtr& type);

  // --- expressions.cc
  absl::StatusOr<Value*> EmitExpr(const Expr& expr,
                                  const TypePtr& hint = nullptr);
  absl::StatusOr<Sugared> EmitSugared(const Expr& expr,
                                      const TypePtr& hint = nullptr);
  absl::StatusOr<Value*> EmitSimple(const Expr& expr, const TypePtr& hint);
  absl::StatusOr<Value*> EmitBinary(const BinaryExpr& expr);
  absl::StatusOr<Value*> EmitBinaryOn(const BinaryExpr& expr, Value* lhs,
                                      const SourceRange& lhs_range);
  absl::StatusOr<Value*> EmitUnary(const UnaryExpr& expr);
  absl::StatusOr<Value*> EmitNumber(const NumberExpr& expr);
  // A constant at the top of the function, one for each value.
  Value* IntConstant(int64_t value, const SourceRange& range);

  // --- literals.cc
  absl::StatusOr<Value*> EmitList(const ListExpr& expr, const TypePtr& hint);
  absl::StatusOr<Value*> EmitStarredList(const ListExpr& expr,
                                         const TypePtr& hint);
  absl::Status EmitComprehensionLoops(const ComprehensionFor& first,
                                      List<ComprehensionFor> more,
                                      const SourceRange& range,
                                      const Emit& body);
  absl::StatusOr<Value*> EmitDict(const DictExpr& expr, const TypePtr& hint);
  absl::StatusOr<Value*> EmitListComprehension(
      const ListComprehensionExpr& expr, const TypePtr& hint);
  absl::StatusOr<Value*> EmitDictComprehension(
      const DictComprehensionExpr& expr, const TypePtr& hint);
  absl::StatusOr<Sugared> EmitListCall(const CallExpr& call,
                                       const TypePtr& hint);
  absl::StatusOr<Sugared> EmitDictCall(const CallExpr& call,
                                       const TypePtr& hint);
  absl::Status RefineContainerHint(const TypePtr& hint, TypePtr* refined,
                                   std::vector<TypePtr>* candidates,
                                   TypeKind container, const SourceRange& range,
                                   const std::function<void()>& if_match,
                                   const std::function<void()>& if_any,
                                   bool is_dict_call = false);
  absl::Status ChooseListCandidate(const std::vector<TypePtr>& candidates,
                                   const TypePtr& hint, TypePtr* refined,
                                   const TypePtr& element,
                                   const SourceRange& range);
  absl::Status ChooseDictCandidate(const std::vector<TypePtr>& candidates,
                                   const TypePtr& hint, TypePtr* refined,
                                   const TypePtr& key, const TypePtr& value,
                                   const SourceRange& range);

  // --- calls.cc
  absl::StatusOr<Sugared> EmitCall(const CallExpr& call, const TypePtr& hint);
  absl::StatusOr<Sugared> EmitSpecialForm(Form form, const CallExpr& call,
                                          const TypePtr& hint);
  absl::StatusOr<Sugared> EmitFork(const CallExpr& call, bool awaitable);
  absl::StatusOr<Sugared> EmitAnnotate(const CallExpr& call);
  absl::StatusOr<Sugared> EmitGetAttr(const CallExpr& call);
  absl::StatusOr<Sugared> EmitEnumerate(const CallExpr& call);
  absl::StatusOr<Sugared> EmitToList(const CallExpr& call, const TypePtr& hint);
  absl::Status CheckInputs(const CallExpr& call, size_t expected);
  absl::Status CheckInputs(const CallExpr& call, size_t min, size_t max);
  absl::StatusOr<std::vector<NamedValue>> EmitArguments(
      List<const Expr*> inputs, bool unpack);
  absl::StatusOr<std::vector<Value*>> EmitValues(List<const Expr*> inputs,
                                                 bool unpack);
  absl::StatusOr<std::vector<NamedValue>> EmitKeywords(List<Keyword> keywords);

  // --- indexing.cc
  absl::StatusOr<Sugared> EmitSubscript(const SubscriptExpr& expr,
                                        const TypePtr& hint);
  absl::StatusOr<std::optional<Sugared>> EmitStaticSlice(
      const SourceRange& range, const Sugared& sugared, const SliceExpr& slice);
  absl::StatusOr<Value*> EmitSlice(const SourceRange& range, Value* value,
                                   Value* dim, const SliceExpr& slice);
  absl::StatusOr<Value*> EmitTupleIndex(const SourceRange& range, Value* tuple,
                                        Value* index);
  absl::StatusOr<Value*> EmitTupleSlice(const SourceRange& range, Value* tuple,
                                        Value* begin, Value* end, Value* step);
  absl::StatusOr<Value*> EmitIndex(const SourceRange& range, Value* value,
                                   const std::vector<Value*>& indices);
  absl::StatusOr<Value*> EmitMultiIndex(const SourceRange& range, Value* value,
                                        List<const Expr*> subscripts);
  // Applies ints, slices and None; the tensors that stay to be applied.
  absl::StatusOr<std::pair<Value*, std::vector<Value*>>> EmitIntAndSlice(
      const SourceRange& range, Value* value, List<const Expr*> subscripts);

  const CompileContext context_;
  const SyntaxTree& tree_;
  Function* const function_;
  const ClassType* const self_;
  TypeParser type_parser_;
  SyntaxTree scratch_;  // for syntax that the compiler makes up
  std::unique_ptr<Graph> graph_;
  std::shared_ptr<Environment> environment_;
  std::vector<DefState> defs_;
  absl::flat_hash_set<const Block*> exit_blocks_;
  LoopStatus loop_status_ = LoopStatus::kNone;
  size_t temporaries_ = 0;
  std::map<int64_t, Value*> int_constants_;
  std::map<uint64_t, Value*> float_constants_;  // by bits
  std::map<std::pair<uint64_t, uint64_t>, Value*> complex_constants_;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_FUNCTION_COMPILER_H_
