#include "tandem/serialization/tandem/program_reader.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/verifier.h"
#include "tandem/serialization/tandem/graph_checker.h"
#include "tandem/serialization/tandem/graph_reader.h"
#include "tandem/serialization/tandem/type_reader.h"
#include "tandem/serialization/tandem/value_reader.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::model_file {
namespace {

class ProgramReader {
 public:
  ProgramReader(const format::Program& program,
                const std::vector<Ref<Storage>>& storages,
                const OperatorTable& operators, const std::string& plugin_hint)
      : program_(program),
        unit_(std::make_shared<CompilationUnit>(&operators)),
        values_(program, types_, functions_, storages),
        graphs_(program, types_, values_, operators, plugin_hint) {}

  // Each step needs what the ones before it made; default values and constants
  // come last, since objects may be among them and need signatures themselves.
  absl::StatusOr<Module> Read() {
    TANDEM_RETURN_IF_ERROR(types_.Read(program_, unit_.get()));
    TANDEM_RETURN_IF_ERROR(DeclareFunctions());
    TANDEM_RETURN_IF_ERROR(values_.ReadTexts());
    for (int i = 0; i < program_.enums_size(); ++i) {
      TANDEM_RETURN_IF_ERROR(Placed("enums", i, FillEnum(program_.enums(i))));
    }
    for (int i = 0; i < program_.interfaces_size(); ++i) {
      TANDEM_RETURN_IF_ERROR(
          Placed("interfaces", i, FillInterface(program_.interfaces(i))));
    }
    for (int i = 0; i < program_.classes_size(); ++i) {
      TANDEM_RETURN_IF_ERROR(
          Placed("classes", i, FillClass(program_.classes(i))));
    }
    TANDEM_RETURN_IF_ERROR(values_.ReadObjects());
    TANDEM_RETURN_IF_ERROR(graphs_.ReadAll());
    TANDEM_RETURN_IF_ERROR(FillFunctions());
    for (int i = 0; i < program_.classes_size(); ++i) {
      TANDEM_RETURN_IF_ERROR(
          Placed("classes", i, FillConstants(program_.classes(i))));
    }
    TANDEM_RETURN_IF_ERROR(CheckProgramTypes(*unit_));
    TANDEM_ASSIGN_OR_RETURN(const IValue root, values_.Object(program_.root()));
    if (!root.is_object()) {
      return absl::InvalidArgumentError("the root is not an object of a class");
    }
    return Module(std::move(unit_), root.AsRef<ModuleObject>());
  }

 private:
  static absl::Status Placed(absl::string_view table, int number,
                             const absl::Status& status) {
    if (status.ok()) return status;
    return BadEntry(table, number, status.message());
  }

  // As deep as the parser of messages allows.
  static AliasInfo ReadAlias(const format::Alias& in) {
    AliasInfo alias;
    alias.before = {in.before().begin(), in.before().end()};
    alias.after = {in.after().begin(), in.after().end()};
    alias.is_write = in.is_write();
    for (const format::Alias& inner : in.contained()) {
      alias.contained.push_back(ReadAlias(inner));
    }
    return alias;
  }

  absl::StatusOr<Argument> ReadArgument(const format::Argument& in) {
    Argument argument;
    argument.name = in.name();
    TANDEM_ASSIGN_OR_RETURN(argument.type, types_.Get(in.type()));
    argument.kwarg_only = in.kwarg_only();
    if (in.has_fixed_size()) {
      if (in.fixed_size() < 0 || in.fixed_size() > 1024) {
        return absl::InvalidArgumentError("an argument's fixed size");
      }
      argument.fixed_size = in.fixed_size();
    }
    argument.is_out = in.is_out();
    if (in.has_alias()) argument.alias = ReadAlias(in.alias());
    return argument;
  }

  absl::StatusOr<FunctionSchema> ReadSchema(const format::Schema& in) {
    FunctionSchema schema;
    schema.name = in.name();
    schema.overload_name = in.overload_name();
    schema.is_vararg = in.is_vararg();
    schema.is_varret = in.is_varret();
    for (const format::Argument& a : in.arguments()) {
      TANDEM_ASSIGN_OR_RETURN(Argument argument, ReadArgument(a));
      schema.arguments.push_back(std::move(argument));
    }
    for (const format::Argument& r : in.returns()) {
      TANDEM_ASSIGN_OR_RETURN(Argument result, ReadArgument(r));
      schema.returns.push_back(std::move(result));
    }
    return schema;
  }

  // Default values, which must be of the arguments' types.
  absl::Status FillDefaults(const format::Schema& in, FunctionSchema* schema) {
    for (int i = 0; i < in.arguments_size(); ++i) {
      if (!in.arguments(i).has_default_value()) continue;
      Argument& argument = schema->arguments[i];
      TANDEM_ASSIGN_OR_RETURN(IValue value,
                              values_.Get(in.arguments(i).default_value()));
      if (!value.Conforms(*argument.type)) {
        return absl::InvalidArgumentError(
            absl::StrCat("the default value of '", argument.name, "' is no ",
                         argument.type->ToAnnotation()));
      }
      argument.default_value = std::move(value);
    }
    return absl::OkStatus();
  }

  absl::Status DeclareFunctions() {
    for (int i = 0; i < program_.functions_size(); ++i) {
      const format::Function& in = program_.functions(i);
      Function* function;
      if (in.has_owner()) {
        TANDEM_ASSIGN_OR_RETURN(ClassType * owner, types_.GetClass(in.owner()));
        function = unit_->AddMethod(owner, in.name());
      } else {
        if (in.name().empty() || unit_->FindFunction(in.name()) != nullptr) {
          return BadEntry("functions", i,
                          absl::StrCat("'", in.name(), "' is there twice"));
        }
        function = unit_->AddFunction(in.name());
      }
      absl::StatusOr<FunctionSchema> schema = ReadSchema(in.schema());
      if (!schema.ok()) {
        return BadEntry("functions", i, schema.status().message());
      }
      function->set_schema(*std::move(schema));
      functions_.push_back(function);
    }
    return absl::OkStatus();
  }

  absl::Status FillFunctions() {
    for (int i = 0; i < program_.functions_size(); ++i) {
      const format::Function& in = program_.functions(i);
      FunctionSchema schema = functions_[i]->schema();
      TANDEM_RETURN_IF_ERROR(
          Placed("functions", i, FillDefaults(in.schema(), &schema)));
      functions_[i]->set_schema(std::move(schema));
      if (!in.has_graph()) {
        if (in.error().empty()) continue;
        functions_[i]->set_compiler([message = in.error()](Function&) {
          return absl::InvalidArgumentError(message);
        });
        continue;
      }
      absl::StatusOr<std::unique_ptr<Graph>> graph = graphs_.Take(in.graph());
      if (!graph.ok()) {
        return BadEntry("functions", i, graph.status().message());
      }
      functions_[i]->set_graph(*std::move(graph));
    }
    return absl::OkStatus();
  }

  absl::Status FillEnum(const format::Enum& in) {
    TANDEM_ASSIGN_OR_RETURN(EnumType * type, types_.GetEnum(in.type()));
    if (!type->members().empty()) {
      return absl::InvalidArgumentError("it is there twice");
    }
    for (const format::Enum::Member& member : in.members()) {
      TANDEM_ASSIGN_OR_RETURN(IValue value, values_.Get(member.value()));
      if (!value.Conforms(*type->value_type())) {
        return absl::InvalidArgumentError("a member is of another type");
      }
      type->AddMember(member.name(), std::move(value));
    }
    return absl::OkStatus();
  }

  absl::Status FillInterface(const format::Interface& in) {
    TANDEM_ASSIGN_OR_RETURN(InterfaceType * type,
                            types_.GetInterface(in.type()));
    if (!type->methods().empty()) {
      return absl::InvalidArgumentError("it is there twice");
    }
    for (const format::Schema& method : in.methods()) {
      TANDEM_ASSIGN_OR_RETURN(FunctionSchema schema, ReadSchema(method));
      type->AddMethod(std::move(schema));
    }
    return absl::OkStatus();
  }

  // A method of the class.
  absl::StatusOr<Function*> MethodOf(const ClassType& type, uint32_t number) {
    TANDEM_RETURN_IF_ERROR(CheckNumber("functions", number, functions_.size()));
    if (functions_[number]->owner() != &type) {
      return absl::InvalidArgumentError(
          absl::StrCat("function ", number, " is no method of it"));
    }
    return functions_[number];
  }

  absl::Status FillClass(const format::Class& in) {
    TANDEM_ASSIGN_OR_RETURN(ClassType * type, types_.GetClass(in.type()));
    if (!type->attributes().empty() || !type->methods().empty()) {
      return absl::InvalidArgumentError("it is there twice");
    }
    if (type->is_opaque() && in.attributes_size() + in.methods_size() != 0) {
      return absl::InvalidArgumentError(
          "a class bound from C++ has no content");
    }
    for (const format::Class::Attribute& a : in.attributes()) {
      ClassType::Attribute attribute;
      attribute.name = a.name();
      TANDEM_ASSIGN_OR_RETURN(attribute.type, types_.Get(a.type()));
      attribute.is_parameter = a.is_parameter();
      attribute.is_buffer = a.is_buffer();
      TANDEM_RETURN_IF_ERROR(type->AddAttribute(std::move(attribute)));
    }
    for (const uint32_t m : in.methods()) {
      TANDEM_ASSIGN_OR_RETURN(Function * method, MethodOf(*type, m));
      if (type->FindMethod(method->name()) != nullptr) {
        return absl::InvalidArgumentError(absl::StrCat("class '", type->name(),
                                                       "' has two methods '",
                                                       method->name(), "'"));
      }
      type->AddMethod(method);
    }
    for (const uint32_t m : in.forward_hooks()) {
      TANDEM_ASSIGN_OR_RETURN(Function * method, MethodOf(*type, m));
      type->forward_hooks.push_back(method);
    }
    for (const uint32_t m : in.forward_pre_hooks()) {
      TANDEM_ASSIGN_OR_RETURN(Function * method, MethodOf(*type, m));
      type->forward_pre_hooks.push_back(method);
    }
    for (const format::Class::Property& p : in.properties()) {
      ClassType::Property property;
      property.name = p.name();
      if (p.has_getter()) {
        TANDEM_ASSIGN_OR_RETURN(property.getter, MethodOf(*type, p.getter()));
      }
      if (p.has_setter()) {
        TANDEM_ASSIGN_OR_RETURN(property.setter, MethodOf(*type, p.setter()));
      }
      type->properties.push_back(std::move(property));
    }
    return absl::OkStatus();
  }

  absl::Status FillConstants(const format::Class& in) {
    TANDEM_ASSIGN_OR_RETURN(ClassType * type, types_.GetClass(in.type()));
    for (const format::Class::Constant& c : in.constants()) {
      ClassType::Constant constant;
      constant.name = c.name();
      TANDEM_ASSIGN_OR_RETURN(constant.value, values_.Get(c.value()));
      if (c.has_type()) {
        TANDEM_ASSIGN_OR_RETURN(constant.type, types_.Get(c.type()));
      }
      type->AddConstant(std::move(constant));
    }
    return absl::OkStatus();
  }

  const format::Program& program_;
  std::shared_ptr<CompilationUnit> unit_;
  TypeReader types_;
  std::vector<Function*> functions_;
  ValueReader values_;
  GraphReader graphs_;
};

}  // namespace

absl::StatusOr<Module> ReadProgram(const format::Program& program,
                                   const std::vector<Ref<Storage>>& storages,
                                   const OperatorTable& operators,
                                   const std::string& plugin_hint) {
  return ProgramReader(program, storages, operators, plugin_hint).Read();
}

}  // namespace tandem::model_file
