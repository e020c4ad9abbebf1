#include "tandem/frontends/script/printer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/function_printer.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

class ProgramPrinter {
 public:
  absl::StatusOr<PrintedProgram> Print(absl::Span<const TypePtr> types) {
    for (const TypePtr& t : types) {
      TANDEM_RETURN_IF_ERROR(PrintOnce(t, nullptr));
    }
    // The list grows while it is walked.
    if (!types.empty()) dependencies_.AddType(types[0]);
    for (size_t i = 0; i < dependencies_.items().size(); ++i) {
      const Dependencies::Item item = dependencies_.items()[i];
      TANDEM_RETURN_IF_ERROR(PrintOnce(item.type, item.function));
    }
    PrintedProgram program;
    for (const File& f : files_) {
      program.files.push_back(
          {f.qualifier, f.printer->body().text(), f.printer->body().ranges()});
      program.version = std::max(program.version, f.printer->version());
    }
    program.constants = std::move(constants_.values());
    return program;
  }

 private:
  struct File {
    std::string qualifier;
    std::unique_ptr<FunctionPrinter> printer;
  };

  FunctionPrinter& FileOf(absl::string_view qualified_name) {
    const size_t dot = qualified_name.rfind('.');
    const std::string qualifier(
        dot == absl::string_view::npos ? "" : qualified_name.substr(0, dot));
    for (File& f : files_) {
      if (f.qualifier == qualifier) return *f.printer;
    }
    files_.push_back({qualifier, std::make_unique<FunctionPrinter>(
                                     &constants_, &dependencies_, true)});
    return *files_.back().printer;
  }

  absl::Status PrintOnce(const TypePtr& type, const Function* function) {
    const std::string& name =
        type != nullptr ? type->name() : function->qualified_name();
    if (!printed_.insert(name).second) return absl::OkStatus();
    if (function != nullptr) {
      // Functions are compiled on demand.
      return FileOf(name).PrintFunction(const_cast<Function&>(*function),
                                        /*first_argument_type=*/true);
    }
    switch (type->kind()) {
      case TypeKind::kClass:
        // A class bound from C++ has no code.
        if (type->AsClass()->is_opaque()) return absl::OkStatus();
        return PrintClass(*type->AsClass(), FileOf(name));
      case TypeKind::kEnum:
        PrintEnum(*type->AsEnum(), FileOf(name));
        return absl::OkStatus();
      case TypeKind::kInterface:
        PrintInterface(*type->AsInterface(), FileOf(name));
        return absl::OkStatus();
      case TypeKind::kTuple:
        PrintNamedTuple(*type, FileOf(name));
        return absl::OkStatus();
      default:
        return absl::InvalidArgumentError(
            absl::StrCat("a ", type->ToAnnotation(), " has no code"));
    }
  }

  static std::string NameList(absl::string_view field,
                              const std::vector<std::string>& names) {
    std::string line = absl::StrCat(field, " = [");
    for (const std::string& n : names) absl::StrAppend(&line, "\"", n, "\", ");
    return line + "]";
  }

  static std::vector<std::string> NamesOf(
      const std::vector<Function*>& functions) {
    std::vector<std::string> names;
    for (const Function* f : functions) names.emplace_back(f->name());
    return names;
  }

  absl::Status PrintClass(const ClassType& type, FunctionPrinter& out) {
    out.AppendLine(absl::StrCat("class ", type.base_name(),
                                type.is_module() ? "(Module)" : "", ":"));
    out.Indent();
    if (type.is_module()) {
      std::vector<std::string> parameters, buffers;
      for (const ClassType::Attribute& a : type.attributes()) {
        if (a.is_parameter) parameters.push_back(a.name);
        if (a.is_buffer) buffers.push_back(a.name);
      }
      out.AppendLine(NameList("__parameters__", parameters));
      out.AppendLine(NameList("__buffers__", buffers));
      if (!type.forward_pre_hooks.empty()) {
        out.AppendLine(
            NameList("__forward_pre_hooks__", NamesOf(type.forward_pre_hooks)));
      }
      if (!type.forward_hooks.empty()) {
        out.AppendLine(
            NameList("__forward_hooks__", NamesOf(type.forward_hooks)));
      }
    }
    bool first = true;
    for (const ClassType::Attribute& a : type.attributes()) {
      dependencies_.AddType(a.type);
      const std::string annotation = a.type->ToAnnotation();
      if (IsIdentifier(a.name)) {
        out.AppendLine(absl::StrCat(a.name, " : ", annotation));
      } else {
        if (first) out.AppendLine("__annotations__ = []");
        out.AppendLine(
            absl::StrCat("__annotations__[\"", a.name, "\"] = ", annotation));
      }
      first = false;
    }
    for (const ClassType::Constant& c : type.constants()) {
      const TypePtr t = c.type != nullptr ? c.type : c.value.TypeOf();
      out.AppendLine(absl::StrCat(c.name, " : Final[", t->ToAnnotation(),
                                  "] = ", out.ConstantText(c.value)));
    }
    absl::flat_hash_set<const Function*> printed;
    const auto print = [&](absl::Span<Function* const> functions) {
      for (Function* f : functions) {
        if (!printed.insert(f).second) continue;
        TANDEM_RETURN_IF_ERROR(out.PrintFunction(*f, true));
      }
      return absl::OkStatus();
    };
    TANDEM_RETURN_IF_ERROR(print(type.methods()));
    TANDEM_RETURN_IF_ERROR(print(type.forward_hooks));
    TANDEM_RETURN_IF_ERROR(print(type.forward_pre_hooks));
    out.Dedent();
    return absl::OkStatus();
  }

  void PrintEnum(const EnumType& type, FunctionPrinter& out) {
    out.AppendLine(absl::StrCat("class ", type.base_name(), "(Enum):"));
    out.Indent();
    for (const auto& [name, value] : type.members()) {
      out.AppendLine(absl::StrCat(name, " = ", out.ConstantText(value)));
    }
    out.Dedent();
  }

  void PrintNamedTuple(const Type& type, FunctionPrinter& out) {
    out.AppendLine(absl::StrCat("class ", type.base_name(), "(NamedTuple):"));
    out.Indent();
    for (size_t i = 0; i < type.elements().size(); ++i) {
      out.AppendLine(absl::StrCat(type.field_names()[i], " : ",
                                  type.element(i)->ToAnnotation()));
    }
    out.Dedent();
    for (const TypePtr& e : type.elements()) dependencies_.AddType(e);
  }

  void PrintInterface(const InterfaceType& type, FunctionPrinter& out) {
    out.AppendLine(
        absl::StrCat("class ", type.base_name(),
                     type.is_module() ? "(ModuleInterface):" : "(Interface):"));
    out.Indent();
    for (const FunctionSchema& m : type.methods()) {
      absl::string_view name = m.name;
      name = name.substr(name.rfind('.') + 1);
      std::string line = absl::StrCat("def ", name, "(self");
      for (size_t i = 1; i < m.arguments.size(); ++i) {
        dependencies_.AddType(m.arguments[i].type);
        absl::StrAppend(&line, ", ", m.arguments[i].name, ": ",
                        m.arguments[i].type->ToAnnotation());
      }
      const TypePtr result =
          m.returns.empty() ? Type::None() : m.returns[0].type;
      dependencies_.AddType(result);
      out.AppendLine(absl::StrCat(line, ") -> ", result->ToAnnotation(), ":"));
      out.AppendLine("  pass");
    }
    out.Dedent();
  }

  ConstantTable constants_;
  Dependencies dependencies_;
  absl::flat_hash_set<std::string> printed_;
  std::vector<File> files_;
};

}  // namespace

absl::StatusOr<std::string> PrintFunction(Function& function) {
  ConstantTable constants;
  Dependencies dependencies;
  FunctionPrinter printer(&constants, &dependencies, /*importable=*/false);
  TANDEM_RETURN_IF_ERROR(
      printer.PrintFunction(function, !function.is_method()));
  return printer.body().text();
}

absl::StatusOr<PrintedProgram> PrintProgram(absl::Span<const TypePtr> types) {
  return ProgramPrinter().Print(types);
}

}  // namespace tandem::script
