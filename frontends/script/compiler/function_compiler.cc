#include "tandem/frontends/script/compiler/function_compiler.h"

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/builtin_functions.h"
#include "tandem/frontends/script/compiler/cleanup.h"
#include "tandem/frontends/script/compiler/constant_evaluator.h"
#include "tandem/frontends/script/compiler/exit_transform.h"
#include "tandem/frontends/script/compiler/schema_matching.h"
#include "tandem/frontends/script/compiler/to_ssa.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

bool IsOldQuantizedConvolution(const FunctionSchema& schema) {
  return schema.overload_name.empty() &&
         (schema.name == "quantized::conv2d" ||
          schema.name == "quantized::conv2d_relu" ||
          schema.name == "quantized::conv3d" ||
          schema.name == "quantized::conv3d_relu");
}

// Quantized convolutions once took what their packed weights say already.
void RewriteOldConvolutions(Graph* graph, Block* block,
                            const OperatorTable& operators) {
  for (Node* node = block->first(); node != block->return_node();) {
    Node* next = node->next();
    for (Block* inner : node->blocks()) {
      RewriteOldConvolutions(graph, inner, operators);
    }
    if (node->op() != nullptr && node->inputs().size() == 8 &&
        IsOldQuantizedConvolution(node->op()->schema)) {
      if (const Operator* now =
              operators.Find(node->op()->schema.name, "new")) {
        Node* replacement = graph->Create(
            now,
            {node->input(0), node->input(1), node->input(6), node->input(7)});
        replacement->InsertBefore(node);
        node->output()->ReplaceAllUsesWith(replacement->output());
        node->Destroy();
      }
    }
    node = next;
  }
}

}  // namespace

FunctionCompiler::FunctionCompiler(const CompileContext& context,
                                   const SyntaxTree& tree, Function* function,
                                   const ClassType* self)
    : context_(context),
      tree_(tree),
      function_(function),
      self_(self),
      type_parser_(context.session, context.resolver, tree),
      scratch_(tree.source()),
      graph_(std::make_unique<Graph>()) {}

absl::Status FunctionCompiler::Compile(const DefStmt& def) {
  if (def.error != nullptr) return *def.error;
  std::string name(def.name.name);
  if (self_ != nullptr) name = absl::StrCat(self_->base_name(), ".", name);
  const Session::InFunction in_function(context_.session, function_,
                                        std::move(name), Range(def));
  if (session().TooManyCalls()) return Error(Range(def), "nested too deeply");
  PushFrame(graph_->block(), /*starts_def=*/true);
  if (self_ != nullptr && def.decl.params.empty()) {
    return Error(Range(def.decl.span), "methods must have a self argument");
  }
  TANDEM_ASSIGN_OR_RETURN(FunctionSchema schema,
                          EmitDef(def, self_, graph_->block()));
  function_->set_schema(std::move(schema));
  ConvertToSsa(graph_.get());
  TANDEM_RETURN_IF_ERROR(TransformExits(graph_.get(), context_.session));
  TANDEM_RETURN_IF_ERROR(CanonicalizeModifiedLoops(this));
  NormalizeOperators(graph_.get(), operators());
  TANDEM_RETURN_IF_ERROR(CleanUp(graph_.get(), this));
  RewriteOldConvolutions(graph_.get(), graph_->block(), operators());
  function_->set_graph(std::move(graph_));
  return absl::OkStatus();
}

// ------------------------------------------------------------------- the graph

Value* FunctionCompiler::ValueOf(const NamedValue& argument) {
  if (argument.value != nullptr) return argument.value;
  return InsertConstant(argument.constant == nullptr ? IValue()
                                                     : *argument.constant);
}

Value* FunctionCompiler::InsertConstant(IValue value, const SourceRange& range,
                                        TypePtr type) {
  return graph_->InsertConstant(std::move(value), range, std::move(type));
}

Node* FunctionCompiler::Insert(NodeKind kind, absl::Span<Value* const> inputs,
                               const SourceRange& range, size_t outputs) {
  Node* node = graph_->Insert(graph_->Create(kind, inputs, outputs));
  node->set_range(range);
  return node;
}

Value* FunctionCompiler::InsertTuple(const std::vector<Value*>& values,
                                     const TypePtr& named) {
  Node* node = Insert(NodeKind::kTupleConstruct, values);
  if (named != nullptr) {
    node->output()->set_type(named);
  } else {
    std::vector<TypePtr> types;
    for (const Value* value : values) types.push_back(value->type());
    node->output()->set_type(Type::Tuple(std::move(types)));
  }
  return node->output();
}

Value* FunctionCompiler::InsertList(const TypePtr& element,
                                    const std::vector<Value*>& values) {
  Node* node = Insert(NodeKind::kListConstruct, values);
  node->output()->set_type(Type::List(element));
  return node->output();
}

Value* FunctionCompiler::InsertCast(Value* value, const TypePtr& type) {
  Node* node = Insert(NodeKind::kUncheckedCast, {value});
  node->output()->set_type(type);
  return node->output();
}

std::vector<Value*> FunctionCompiler::UnpackTuple(Value* tuple) {
  const Node* made = tuple->node();
  if (made->is(NodeKind::kTupleConstruct)) {
    return {made->inputs().begin(), made->inputs().end()};
  }
  Node* node = Insert(NodeKind::kTupleUnpack, {tuple}, {}, /*outputs=*/0);
  const TypePtr type = tuple->type();
  for (const TypePtr& element : type->elements()) node->AddOutput(element);
  return {node->outputs().begin(), node->outputs().end()};
}

absl::StatusOr<Value*> FunctionCompiler::EmitBuiltin(
    const SourceRange& range, absl::string_view name, Arguments args,
    Arguments kwargs, const std::optional<NamedValue>& self) {
  std::vector<const FunctionSchema*> schemas;
  std::vector<const Operator*> rows;
  std::vector<BuiltinOverload> functions;
  for (const Operator* op : operators().Overloads(name)) {
    if (context_.builtins != nullptr && context_.version.has_value()) {
      TANDEM_ASSIGN_OR_RETURN(
          std::optional<BuiltinOverload> upgrader,
          context_.builtins->Upgrader(op->schema, *context_.version));
      if (upgrader.has_value()) {
        functions.push_back(*upgrader);
        continue;
      }
    }
    rows.push_back(op);
    schemas.push_back(&op->schema);
  }
  if (context_.builtins != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(std::vector<BuiltinOverload> builtins,
                            context_.builtins->Overloads(name));
    functions.insert(functions.end(), builtins.begin(), builtins.end());
  }
  for (const BuiltinOverload& overload : functions) {
    schemas.push_back(overload.schema);
  }
  if (schemas.empty()) {
    const std::vector<std::string> similar = operators().Suggest(name);
    std::string text = absl::StrCat("Unknown builtin op: ", name, ".\n");
    if (similar.empty()) {
      absl::StrAppend(&text, "Could not find any similar ops to ", name,
                      ". This op may not exist or may not be currently "
                      "supported in TorchScript.\n");
    } else {
      absl::StrAppend(&text, "Here are some suggestions: \n");
      for (const std::string& other : similar) {
        absl::StrAppend(&text, "\t", other, "\n");
      }
      absl::StrAppend(&text, "\nThe original call is");
    }
    return Error(range, text);
  }
  TANDEM_ASSIGN_OR_RETURN(
      auto match, MatchSchemas(*this, schemas, range, args, kwargs, self));
  const auto& [index, matched] = match;
  std::vector<Value*> results;
  if (index < rows.size()) {
    const Operator* op = rows[index];
    Node* node = nullptr;
    // Some operators are the language's own nodes.
    if (const auto kind = NodeKindFromName(op->schema.name)) {
      node = graph_->Create(*kind, matched.inputs, 0);
      for (const TypePtr& type : matched.returns) node->AddOutput(type);
    } else {
      node = graph_->Create(op, matched.inputs);
      for (size_t i = 0; i < matched.returns.size(); ++i) {
        node->output(i)->set_type(matched.returns[i]);
      }
    }
    graph_->Insert(node)->set_range(range);
    results = {node->outputs().begin(), node->outputs().end()};
  } else {
    const Function* function = functions[index - rows.size()].function;
    results = graph_->Inline(*function->graph(), matched.inputs,
                             graph_->insert_point());
  }
  if (results.size() == 1) return results[0];
  TypePtr named;
  if (!matched.return_names.empty()) {
    named = Type::NamedTuple("", matched.return_names, matched.returns);
  }
  return InsertTuple(results, named);
}

// ----------------------------------------------------------------- definitions

void FunctionCompiler::PushFrame(Block* block, bool starts_def) {
  if (starts_def) defs_.emplace_back();
  if (environment_ == nullptr) graph_->SetInsertPoint(block);
  environment_ = std::make_shared<Environment>(this, block, environment_);
}

std::shared_ptr<Environment> FunctionCompiler::PopFrame(bool ends_def) {
  std::shared_ptr<Environment> old = environment_;
  environment_ = old->next();
  if (ends_def) defs_.pop_back();
  return old;
}

std::string FunctionCompiler::TemporaryName(absl::string_view prefix) {
  return absl::StrCat(prefix, temporaries_++);
}

const NameExpr* FunctionCompiler::MakeName(TextSpan span,
                                           absl::string_view name) {
  auto* node = scratch_.New<NameExpr>(span);
  node->name = scratch_.Copy(name);
  return node;
}

absl::StatusOr<std::vector<Argument>> FunctionCompiler::ParseParameters(
    const Decl& decl, bool skip_self) {
  const size_t first = skip_self && !decl.params.empty() ? 1 : 0;
  std::vector<const Expr*> default_types;
  std::vector<const Expr*> defaults;
  std::vector<const Param*> default_params;
  for (size_t i = first; i < decl.params.size(); ++i) {
    const Param& param = decl.params[i];
    if (param.default_value == nullptr) continue;
    if (param.type == nullptr) {
      return Error(Range(param.span),
                   "Keyword arguments with defaults need to be type-hinted "
                   "(TorchScript C++ frontend)");
    }
    if (!context_.version.has_value() &&
        (param.default_value->kind == ExprKind::kList ||
         param.default_value->kind == ExprKind::kDict)) {
      return Error(
          Range(param.span),
          "Mutable default parameters are not supported because "
          "Python binds them to the function and they persist across "
          "function calls.\n As a workaround, make the default None "
          "and instantiate the default parameter within the body of "
          "the function. Found <class '",
          param.default_value->kind == ExprKind::kList ? "list" : "dict",
          "'> on parameter ", param.name.name);
    }
    default_types.push_back(param.type);
    defaults.push_back(param.default_value);
    default_params.push_back(&param);
  }
  std::vector<IValue> values;
  for (size_t i = 0; i < defaults.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(
        std::vector<IValue> value,
        EvaluateConstants(
            context_, tree_,
            Range(context_.version.has_value() ? decl.span
                                               : default_params[i]->span),
            {default_types[i]}, {defaults[i]}, default_params[i]->name.name));
    values.push_back(std::move(value[0]));
  }
  size_t next_default = 0;
  std::vector<Argument> arguments;
  for (size_t i = first; i < decl.params.size(); ++i) {
    const Param& param = decl.params[i];
    Argument argument;
    argument.name = std::string(param.name.name);
    argument.kwarg_only = param.keyword_only;
    if (param.type == nullptr) {
      argument.type = TensorType::Inferred();
    } else {
      TANDEM_ASSIGN_OR_RETURN(auto list,
                              type_parser_.ParseBroadcastingList(*param.type));
      if (list.has_value()) {
        argument.type = list->first;
        argument.fixed_size = list->second;
      } else {
        TANDEM_ASSIGN_OR_RETURN(argument.type, type_parser_.Parse(*param.type));
      }
    }
    if (param.default_value != nullptr) {
      argument.default_value = std::move(values[next_default++]);
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

absl::StatusOr<FunctionSchema> FunctionCompiler::DeclaredSchema(
    const DefStmt& def) {
  if (def.error != nullptr) return *def.error;
  FunctionSchema schema;
  schema.name = std::string(def.name.name);
  TANDEM_ASSIGN_OR_RETURN(schema.arguments,
                          ParseParameters(def.decl, self_ != nullptr));
  if (def.decl.return_type != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(
        auto list, type_parser_.ParseBroadcastingList(*def.decl.return_type));
    if (list.has_value()) {
      return Error(Range(def.decl.return_type->span),
                   "Broadcastable lists cannot appear as a return type");
    }
    Argument result;
    TANDEM_ASSIGN_OR_RETURN(result.type,
                            type_parser_.Parse(*def.decl.return_type));
    schema.returns.push_back(std::move(result));
  }
  return schema;
}

absl::StatusOr<FunctionSchema> FunctionCompiler::EmitDef(const DefStmt& def,
                                                         const ClassType* self,
                                                         Block* block) {
  FunctionSchema schema;
  schema.name = std::string(def.name.name);
  TANDEM_ASSIGN_OR_RETURN(schema.arguments,
                          ParseParameters(def.decl, self != nullptr));
  if (def.decl.return_type != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(
        auto list, type_parser_.ParseBroadcastingList(*def.decl.return_type));
    if (list.has_value()) {
      return Error(Range(def.decl.return_type->span),
                   "Broadcastable lists cannot appear as a return type");
    }
    TANDEM_ASSIGN_OR_RETURN(defs_.back().declared_return,
                            type_parser_.Parse(*def.decl.return_type));
  }
  TANDEM_ASSIGN_OR_RETURN(schema.arguments,
                          EmitParameters(def, self, schema, block));
  TANDEM_RETURN_IF_ERROR(EmitStatements(def.body.statements));
  TANDEM_RETURN_IF_ERROR(EmitImplicitReturn(def, block));
  // Returns are lowered when exits are transformed; until then the block has a
  // result of the right type.
  const TypePtr type = defs_.back().merged_return;
  Node* placeholder = Insert(NodeKind::kUninitialized, {});
  placeholder->output()->set_type(type);
  block->AddOutput(placeholder->output());
  Argument result;
  result.type = type;
  schema.returns = {std::move(result)};
  return schema;
}

// A __setstate__ without annotation takes what __getstate__ gives.
absl::StatusOr<TypePtr> FunctionCompiler::StateType(const DefStmt& def,
                                                    const ClassType* self) {
  Function* getstate =
      self == nullptr ? nullptr : self->FindMethod("__getstate__");
  if (getstate == nullptr) {
    return Error(Range(def),
                 "`__setstate__` defined but not `__getstate__`. You must have "
                 "both defined on a ScriptModule to customize "
                 "serialization.\nDid you forget to use `@torch.jit.export`?");
  }
  TANDEM_RETURN_IF_ERROR(getstate->EnsureDefined());
  return getstate->schema().returns.at(0).type;
}

absl::StatusOr<std::vector<Argument>> FunctionCompiler::EmitParameters(
    const DefStmt& def, const ClassType* self, const FunctionSchema& schema,
    Block* block) {
  std::vector<Argument> arguments;
  size_t first = 0;
  if (self != nullptr) {
    const Param& param = def.decl.params[0];
    Value* input = block->AddInput(param.name.name, self->shared());
    TANDEM_RETURN_IF_ERROR(environment_->SetVariable(Range(param.name.span),
                                                     param.name.name, input));
    Argument argument;
    argument.name = std::string(param.name.name);
    argument.type = self->shared();
    arguments.push_back(std::move(argument));
    first = 1;
  }
  bool no_annotations = true;
  for (const Argument& argument : schema.arguments) {
    const TensorType* tensor = argument.type->AsTensor();
    no_annotations = no_annotations && tensor != nullptr && tensor->inferred();
  }
  const bool derive_state =
      def.name.name == "__setstate__" && no_annotations && self != nullptr;
  if (derive_state && def.decl.params.size() != 2) {
    return Error(Range(def), "Expected 2 arguments for `__setstate__`, got: ",
                 def.decl.params.size());
  }
  for (size_t i = first; i < def.decl.params.size(); ++i) {
    const Param& param = def.decl.params[i];
    Argument argument = schema.arguments[i - first];
    if (derive_state) {
      TANDEM_ASSIGN_OR_RETURN(argument.type, StateType(def, self));
    }
    Value* input = block->AddInput(
        IsMeaningfulName(param.name.name) ? param.name.name : "",
        argument.type);
    arguments.push_back(std::move(argument));
    TANDEM_RETURN_IF_ERROR(environment_->SetVariable(Range(param.name.span),
                                                     param.name.name, input));
  }
  return arguments;
}

absl::Status FunctionCompiler::EmitImplicitReturn(const DefStmt& def,
                                                  Block* block) {
  const TypePtr declared = defs_.back().declared_return;
  if (Exits(block)) {
    // It may be that all paths raise.
    if (defs_.back().merged_return == nullptr) {
      defs_.back().merged_return =
          declared != nullptr ? declared : Type::None();
    }
    return absl::OkStatus();
  }
  if (declared != nullptr && !IsNone(declared)) {
    return Error(Range(def),
                 "Function was not annotated as having type None, but does not "
                 "return along all paths");
  }
  const WithInsertPoint at_end(graph_.get(), block);
  const Expr* none = scratch_.NewExpr(ExprKind::kNone, def.span);
  return EmitReturn(Range(def), *none);
}

absl::StatusOr<std::vector<IValue>> FunctionCompiler::EvaluateConstants(
    const CompileContext& context, const SyntaxTree& tree,
    const SourceRange& range, const std::vector<const Expr*>& types,
    const std::vector<const Expr*>& values, absl::string_view parameter) {
  CompilationUnit unit(&context.unit->operators());
  Function* function = unit.AddFunction("defaults");
  std::vector<IValue> constants;
  for (size_t i = 0; i < values.size(); ++i) {
    FunctionCompiler compiler(context, tree, function, nullptr);
    compiler.PushFrame(compiler.graph_->block(), /*starts_def=*/true);
    TypePtr type;
    TANDEM_ASSIGN_OR_RETURN(
        auto list, compiler.type_parser_.ParseBroadcastingList(*types[i]));
    if (list.has_value()) {
      type = list->first;
    } else {
      TANDEM_ASSIGN_OR_RETURN(type, compiler.type_parser_.Parse(*types[i]));
    }
    TANDEM_ASSIGN_OR_RETURN(Value * value, compiler.EmitExpr(*values[i], type));
    // Python's defaults are Python's values: 2 is a float where one is meant.
    const TypePtr wanted =
        UnwrapOptional(list.has_value() ? type->element() : type);
    if (!context.version.has_value() && Is(wanted, TypeKind::kFloat)) {
      const std::optional<IValue> constant = EvaluateValue(value);
      if (constant.has_value() && (constant->is_int() || constant->is_bool())) {
        value = compiler.InsertConstant(static_cast<double>(constant->AsInt()));
      }
    }
    // int[2] = 1 is written so.
    if (list.has_value() && Same(value->type(), type->element())) {
      value = compiler.InsertList(value->type(),
                                  std::vector<Value*>(list->second, value));
    }
    TANDEM_ASSIGN_OR_RETURN(value, TryConvert(compiler, range, type, value,
                                              /*allow_conversions=*/true));
    if (!IsSubtype(value->type(), type)) {
      if (!parameter.empty() && !context.version.has_value()) {
        return compiler.Error(range, "Expected a default value of type ",
                              Repr(type), " on parameter \"", parameter, "\".");
      }
      return compiler.Error(range, "Return value was annotated as having type ",
                            Repr(type), " but is actually of type ",
                            Repr(value->type()));
    }
    std::optional<IValue> constant = EvaluateValue(value);
    if (!constant.has_value()) {
      return compiler.Error(tree.Range(values[i]->span),
                            "the value must be a constant");
    }
    constants.push_back(*std::move(constant));
  }
  return constants;
}

}  // namespace tandem::script
