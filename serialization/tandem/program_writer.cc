#include "tandem/serialization/tandem/program_writer.h"

#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/graph.h"
#include "tandem/serialization/tandem/type_writer.h"
#include "tandem/serialization/tandem/value_writer.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::model_file {
namespace {

constexpr int kMaxDepth = 256;
// A reader allows for 16 levels of messages, five of them around an argument.
constexpr int kMaxAliasDepth = 8;

// Texts and places in them.
class RangeWriter {
 public:
  explicit RangeWriter(format::Program* program) : program_(program) {}

  uint32_t Put(const SourceRange& range, bool is_original = false) {
    const uint32_t source = PutSource(range.source());
    const auto key = std::make_tuple(source, range.start(), range.end());
    const auto known = ranges_.find(key);
    if (known != ranges_.end()) return known->second;
    std::optional<uint32_t> original;
    if (const std::optional<SourceRange> r = range.Original();
        r.has_value() && r->valid() && !is_original) {
      original = Put(*r, /*is_original=*/true);
    }
    const auto number = static_cast<uint32_t>(program_->ranges_size());
    format::Range* out = program_->add_ranges();
    out->set_source(source);
    out->set_start(static_cast<uint32_t>(range.start()));
    out->set_end(static_cast<uint32_t>(range.end()));
    if (original.has_value()) out->set_original(*original);
    ranges_.emplace(key, number);
    return number;
  }

 private:
  uint32_t PutSource(const std::shared_ptr<const Source>& source) {
    const auto known = by_pointer_.find(source);
    if (known != by_pointer_.end()) return known->second;
    const auto number = static_cast<uint32_t>(program_->sources_size());
    format::Source* out = program_->add_sources();
    // Long texts are there many times over: each file of an archive's code has
    // its own copies of what it was printed from.
    const auto [it, is_new] = by_text_.emplace(source->text(), number);
    if (is_new) {
      out->set_text(std::string(source->text()));
    } else {
      out->set_text_of(it->second);
    }
    if (source->name().has_value()) out->set_name(*source->name());
    out->set_first_line(source->first_line());
    by_pointer_.emplace(source, number);
    return number;
  }

  format::Program* const program_;
  absl::flat_hash_map<std::shared_ptr<const Source>, uint32_t> by_pointer_;
  // The texts live as long as the sources that are keys above.
  absl::flat_hash_map<absl::string_view, uint32_t> by_text_;
  absl::flat_hash_map<std::tuple<uint32_t, size_t, size_t>, uint32_t> ranges_;
};

class ProgramWriter {
 public:
  ProgramWriter(const CompilationUnit& unit, format::Program* program)
      : unit_(unit),
        program_(program),
        types_(program),
        values_(&types_, program,
                [this](const Function* f) { return NumberOf(f); }),
        ranges_(program) {}

  absl::StatusOr<std::vector<Ref<Storage>>> Write(const Module& module) {
    // Compiling a function may bring others.
    for (size_t i = 0; i < unit_.functions().size(); ++i) {
      NumberOf(unit_.functions()[i].get());
    }
    absl::flat_hash_set<uint32_t> declared;
    for (const TypePtr& type : unit_.types()) {
      TANDEM_ASSIGN_OR_RETURN(const uint32_t t, types_.Put(type));
      if (declared.insert(t).second) program_->add_declared_types(t);
    }
    TANDEM_RETURN_IF_ERROR(PutFunctions());
    format::Value root;
    TANDEM_RETURN_IF_ERROR(values_.Put(IValue(module.object()), &root));
    program_->set_root(root.object());
    // Both lists grow while they are walked: a class of the program that this
    // one was derived from brings its methods, and they what they use.
    for (size_t i = 0; i < types_.named().size(); ++i) {
      const TypePtr type = types_.named()[i];
      TANDEM_ASSIGN_OR_RETURN(const uint32_t t, types_.Put(type));
      if (declared.insert(t).second) program_->add_declared_types(t);
      TANDEM_RETURN_IF_ERROR(PutNamed(type));
      TANDEM_RETURN_IF_ERROR(PutFunctions());
    }
    return values_.storages();
  }

 private:
  uint32_t NumberOf(const Function* function) {
    const auto [it, is_new] =
        functions_.emplace(function, static_cast<uint32_t>(listed_.size()));
    const uint32_t number = it->second;
    if (is_new) {
      listed_.push_back(function);
      errors_.push_back(const_cast<Function*>(function)->EnsureDefined());
    }
    return number;
  }

  absl::Status PutFunctions() {
    while (next_function_ < listed_.size()) {
      const size_t i = next_function_++;
      const absl::Status compiled = errors_[i];
      TANDEM_RETURN_IF_ERROR(PutFunction(*listed_[i], compiled));
    }
    return absl::OkStatus();
  }

  absl::Status PutFunction(const Function& f, const absl::Status& compiled) {
    // By number: the table moves when it grows.
    const int index = program_->functions_size();
    format::Function* out = program_->add_functions();
    if (f.owner() != nullptr) {
      out->set_name(std::string(f.name()));
      TANDEM_ASSIGN_OR_RETURN(const uint32_t owner,
                              types_.Put(f.owner()->shared()));
      out->set_owner(owner);
    } else {
      std::string name = f.qualified_name();
      for (int n = 0; !names_.insert(name).second; ++n) {
        name = MangledName(f.qualified_name(), n);
      }
      out->set_name(name);
    }
    TANDEM_RETURN_IF_ERROR(PutSchema(f.schema(), out->mutable_schema()));
    if (!compiled.ok()) {
      out->set_error(std::string(compiled.message()));
      return absl::OkStatus();
    }
    if (f.graph() == nullptr) return absl::OkStatus();
    const absl::StatusOr<uint32_t> graph = PutGraph(*f.graph(), 0);
    if (!graph.ok()) {
      return absl::Status(
          graph.status().code(),
          absl::StrCat(f.qualified_name(), ": ", graph.status().message()));
    }
    program_->mutable_functions(index)->set_graph(*graph);
    return absl::OkStatus();
  }

  static absl::Status PutAlias(const AliasInfo& alias, int depth,
                               format::Alias* out) {
    if (depth > kMaxAliasDepth) {
      return absl::InvalidArgumentError("an alias annotation is nested");
    }
    for (const std::string& set : alias.before) out->add_before(set);
    for (const std::string& set : alias.after) out->add_after(set);
    out->set_is_write(alias.is_write);
    for (const AliasInfo& inner : alias.contained) {
      TANDEM_RETURN_IF_ERROR(PutAlias(inner, depth + 1, out->add_contained()));
    }
    return absl::OkStatus();
  }

  absl::Status PutArgument(const Argument& argument, format::Argument* out) {
    out->set_name(argument.name);
    TANDEM_ASSIGN_OR_RETURN(const uint32_t type, types_.Put(argument.type));
    out->set_type(type);
    out->set_kwarg_only(argument.kwarg_only);
    if (argument.fixed_size.has_value()) {
      out->set_fixed_size(*argument.fixed_size);
    }
    out->set_is_out(argument.is_out);
    if (argument.alias.has_value()) {
      TANDEM_RETURN_IF_ERROR(
          PutAlias(*argument.alias, 0, out->mutable_alias()));
    }
    if (!argument.default_value.has_value()) return absl::OkStatus();
    return values_.Put(*argument.default_value, out->mutable_default_value());
  }

  absl::Status PutSchema(const FunctionSchema& schema, format::Schema* out) {
    out->set_name(schema.name);
    out->set_overload_name(schema.overload_name);
    out->set_is_vararg(schema.is_vararg);
    out->set_is_varret(schema.is_varret);
    for (const Argument& a : schema.arguments) {
      TANDEM_RETURN_IF_ERROR(PutArgument(a, out->add_arguments()));
    }
    for (const Argument& r : schema.returns) {
      TANDEM_RETURN_IF_ERROR(PutArgument(r, out->add_returns()));
    }
    return absl::OkStatus();
  }

  // ---- named types

  absl::Status PutNamed(const TypePtr& type) {
    TANDEM_ASSIGN_OR_RETURN(const uint32_t number, types_.Put(type));
    if (const ClassType* c = type->AsClass(); c != nullptr) {
      format::Class* out = program_->add_classes();
      out->set_type(number);
      return PutClass(*c, out);
    }
    if (const EnumType* e = type->AsEnum(); e != nullptr) {
      format::Enum* out = program_->add_enums();
      out->set_type(number);
      for (const auto& [name, value] : e->members()) {
        format::Enum::Member* member = out->add_members();
        member->set_name(name);
        TANDEM_RETURN_IF_ERROR(values_.Put(value, member->mutable_value()));
      }
      return absl::OkStatus();
    }
    format::Interface* out = program_->add_interfaces();
    out->set_type(number);
    for (const FunctionSchema& m : type->AsInterface()->methods()) {
      TANDEM_RETURN_IF_ERROR(PutSchema(m, out->add_methods()));
    }
    return absl::OkStatus();
  }

  absl::Status PutClass(const ClassType& type, format::Class* out) {
    for (const ClassType::Attribute& a : type.attributes()) {
      format::Class::Attribute* attribute = out->add_attributes();
      attribute->set_name(a.name);
      TANDEM_ASSIGN_OR_RETURN(const uint32_t t, types_.Put(a.type));
      attribute->set_type(t);
      attribute->set_is_parameter(a.is_parameter);
      attribute->set_is_buffer(a.is_buffer);
    }
    for (const ClassType::Constant& c : type.constants()) {
      format::Class::Constant* constant = out->add_constants();
      constant->set_name(c.name);
      TANDEM_RETURN_IF_ERROR(values_.Put(c.value, constant->mutable_value()));
      if (c.type == nullptr) continue;
      TANDEM_ASSIGN_OR_RETURN(const uint32_t t, types_.Put(c.type));
      constant->set_type(t);
    }
    for (const Function* f : type.methods()) {
      out->add_methods(NumberOf(f));
    }
    for (const Function* f : type.forward_hooks) {
      out->add_forward_hooks(NumberOf(f));
    }
    for (const Function* f : type.forward_pre_hooks) {
      out->add_forward_pre_hooks(NumberOf(f));
    }
    for (const ClassType::Property& p : type.properties) {
      format::Class::Property* property = out->add_properties();
      property->set_name(p.name);
      if (p.getter != nullptr) property->set_getter(NumberOf(p.getter));
      if (p.setter != nullptr) property->set_setter(NumberOf(p.setter));
    }
    return absl::OkStatus();
  }

  // ---- graphs

  using Numbers = absl::flat_hash_map<const Value*, uint32_t>;

  absl::StatusOr<uint32_t> PutGraph(const Graph& graph, int depth) {
    if (depth > kMaxDepth) {
      return absl::InvalidArgumentError(
          "subgraphs are nested too deeply to be saved");
    }
    format::Graph out;
    Numbers numbers;
    int64_t last = -1;
    TANDEM_RETURN_IF_ERROR(
        PutBlock(*graph.block(), depth, &numbers, &last, &out));
    const auto number = static_cast<uint32_t>(program_->graphs_size());
    *program_->add_graphs() = std::move(out);
    return number;
  }

  absl::Status Define(absl::Span<Value* const> values, Numbers* numbers,
                      int64_t* last, format::Graph* out) {
    for (const Value* v : values) {
      numbers->emplace(v, static_cast<uint32_t>(out->values_size()));
      format::GraphValue* value = out->add_values();
      TANDEM_ASSIGN_OR_RETURN(const uint32_t type, types_.Put(v->type()));
      value->set_type(type);
      value->set_name(v->name());
      const auto unique = static_cast<int64_t>(v->unique());
      value->set_number_step(static_cast<int32_t>(unique - *last - 1));
      *last = unique;
    }
    return absl::OkStatus();
  }

  absl::Status PutBlock(const Block& block, int depth, Numbers* numbers,
                        int64_t* last, format::Graph* out) {
    if (depth > kMaxDepth) {
      return absl::InvalidArgumentError(
          "blocks are nested too deeply to be saved");
    }
    // By number: the table moves when it grows.
    const int index = out->blocks_size();
    out->add_blocks()->set_num_parameters(
        static_cast<uint32_t>(block.inputs().size()));
    TANDEM_RETURN_IF_ERROR(Define(block.inputs(), numbers, last, out));
    uint32_t count = 0;
    for (const Node* n : block) {
      TANDEM_RETURN_IF_ERROR(PutNode(*n, depth, numbers, last, out));
      ++count;
    }
    out->mutable_blocks(index)->set_num_nodes(count);
    for (const Value* v : block.outputs()) {
      TANDEM_ASSIGN_OR_RETURN(const uint32_t number, NumberOf(v, *numbers));
      out->mutable_blocks(index)->add_results(number);
    }
    return absl::OkStatus();
  }

  static absl::StatusOr<uint32_t> NumberOf(const Value* value,
                                           const Numbers& numbers) {
    const auto it = numbers.find(value);
    if (it == numbers.end()) {
      return absl::InternalError(absl::StrCat(
          "the graph uses %", value->DebugName(), " before it is made"));
    }
    return it->second;
  }

  absl::Status PutNode(const Node& node, int depth, Numbers* numbers,
                       int64_t* last, format::Graph* out) {
    if (node.is(NodeKind::kFusionGroup)) {
      return absl::InvalidArgumentError(
          "a graph that was partitioned for backends is not saved; save the "
          "one that it was made of");
    }
    format::Node* n = out->add_nodes();
    n->set_operator_(PutOperator(node));
    for (const Value* v : node.inputs()) {
      TANDEM_ASSIGN_OR_RETURN(const uint32_t number, NumberOf(v, *numbers));
      n->add_inputs(number);
    }
    n->set_num_outputs(static_cast<uint32_t>(node.outputs().size()));
    n->set_num_blocks(static_cast<uint32_t>(node.blocks().size()));
    for (const NodeAttribute& a : node.attributes()) {
      TANDEM_RETURN_IF_ERROR(PutAttribute(a, depth, n->add_attributes()));
    }
    if (node.range().valid()) n->set_range(ranges_.Put(node.range()));
    if (!node.scope().empty()) {
      const auto [it, is_new] =
          scopes_.emplace(node.scope(), program_->scopes_size());
      if (is_new) program_->add_scopes(node.scope());
      n->set_scope(it->second);
    }
    TANDEM_RETURN_IF_ERROR(Define(node.outputs(), numbers, last, out));
    for (const Block* b : node.blocks()) {
      TANDEM_RETURN_IF_ERROR(PutBlock(*b, depth + 1, numbers, last, out));
    }
    return absl::OkStatus();
  }

  uint32_t PutOperator(const Node& node) {
    const std::string overload =
        node.op() != nullptr ? node.op()->schema.overload_name : "";
    const std::string key = absl::StrCat(node.op() == nullptr ? "-" : "+",
                                         node.name(), ".", overload);
    const auto [it, is_new] =
        operators_.emplace(key, program_->operators_size());
    if (is_new) {
      format::Operator* out = program_->add_operators();
      out->set_name(std::string(node.name()));
      out->set_overload_name(overload);
      out->set_is_language(node.op() == nullptr);
      if (node.op() != nullptr) out->set_schema(node.op()->schema.ToString());
    }
    return it->second;
  }

  absl::Status PutAttribute(const NodeAttribute& attribute, int depth,
                            format::Attribute* out) {
    out->set_name(attribute.name);
    const NodeAttribute::Payload& payload = attribute.payload;
    if (const auto* v = std::get_if<IValue>(&payload)) {
      return values_.Put(*v, out->mutable_value());
    }
    if (const auto* v = std::get_if<std::string>(&payload)) {
      out->set_text(*v);
    } else if (const auto* v = std::get_if<int64_t>(&payload)) {
      out->set_number(*v);
    } else if (const auto* v = std::get_if<double>(&payload)) {
      out->set_real(*v);
    } else if (const auto* v = std::get_if<std::vector<int64_t>>(&payload)) {
      out->mutable_numbers()->mutable_values()->Add(v->begin(), v->end());
    } else if (const auto* v =
                   std::get_if<std::vector<std::string>>(&payload)) {
      for (const std::string& text : *v) out->mutable_texts()->add_values(text);
      out->mutable_texts();
    } else if (const auto* v = std::get_if<TypePtr>(&payload)) {
      TANDEM_ASSIGN_OR_RETURN(const uint32_t type, types_.Put(*v));
      out->set_type(type);
    } else if (const auto* v = std::get_if<std::vector<TypePtr>>(&payload)) {
      out->mutable_types();
      for (const TypePtr& t : *v) {
        TANDEM_ASSIGN_OR_RETURN(const uint32_t type, types_.Put(t));
        out->mutable_types()->add_values(type);
      }
    } else {
      const auto& graph = std::get<std::shared_ptr<Graph>>(payload);
      if (graph == nullptr) return absl::InternalError("a subgraph is missing");
      TANDEM_ASSIGN_OR_RETURN(const uint32_t number,
                              PutGraph(*graph, depth + 1));
      out->set_graph(number);
    }
    return absl::OkStatus();
  }

  const CompilationUnit& unit_;
  format::Program* const program_;
  absl::flat_hash_map<const Function*, uint32_t> functions_;
  std::vector<const Function*> listed_;  // by number
  std::vector<absl::Status> errors_;     // of compiling each
  size_t next_function_ = 0;             // to be written
  absl::flat_hash_set<std::string> names_;
  TypeWriter types_;
  ValueWriter values_;
  RangeWriter ranges_;
  absl::flat_hash_map<std::string, uint32_t> operators_;
  absl::flat_hash_map<std::string, uint32_t> scopes_;
};

}  // namespace

absl::StatusOr<std::vector<Ref<Storage>>> WriteProgram(
    const Module& module, format::Program* program) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<Ref<Storage>> storages,
                          ProgramWriter(*module.unit(), program).Write(module));
  for (const Ref<Storage>& storage : storages) {
    program->add_storages()->set_length(storage->bytes());
  }
  return storages;
}

}  // namespace tandem::model_file
