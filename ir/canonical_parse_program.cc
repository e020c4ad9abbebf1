// Whole programs from canonical text.
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/canonical_parser.h"
#include "tandem/ir/canonical_printer.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/verifier.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace canonical {
namespace {

// Items begin at the start of a line, as nothing else in a text does.
constexpr absl::string_view kItems[] = {
    "class ", "enum ", "interface ", "namedtuple ", "function ", "object "};

// Twice over the text: items may name what comes later, so all are declared
// first and then filled.
class ProgramParser : public Parser {
 public:
  ProgramParser(absl::string_view text, const CanonicalParseOptions& options)
      : Parser(text, options),
        unit_(std::make_shared<CompilationUnit>(&operators_)) {}

  absl::StatusOr<CanonicalProgram> Parse() {
    TANDEM_RETURN_IF_ERROR(ExpectName("program"));
    if (lexer_.token().text != "1") return lexer_.Error("version 1");
    TANDEM_RETURN_IF_ERROR(Declare());
    declaring_ = false;
    lexer_.Seek(0);
    lexer_.Next();
    lexer_.Next();
    CanonicalProgram program;
    while (lexer_.token().kind != Token::Kind::kEnd) {
      if (TakeName("root")) {
        TANDEM_ASSIGN_OR_RETURN(program.root, ParseValue());
        continue;
      }
      TANDEM_RETURN_IF_ERROR(ParseItem());
    }
    TANDEM_RETURN_IF_ERROR(ResolveRanges());
    // Slots that the text did not fill are None.
    for (const Ref<ModuleObject>& o : objects_) {
      o->Grow(o->type()->attributes().size());
    }
    program.unit = std::move(unit_);
    return program;
  }

 private:
  TypePtr FindType(absl::string_view name) const override {
    return unit_->FindType(name);
  }
  const Function* FindFunction(absl::string_view label) const override {
    const auto found = functions_.find(label);
    return found == functions_.end() ? nullptr : found->second;
  }
  absl::StatusOr<IValue> FindObject(int64_t index) override {
    // Not while types are declared: they own their members.
    if (declaring_ || index < first_object_ ||
        static_cast<uint64_t>(index) >= objects_.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no object ", index, " behind this one"));
    }
    auto& depth = object_depths_[static_cast<size_t>(index)];
    if (depth < object_depth_ + 1) depth = object_depth_ + 1;
    if (depth > kMaxValueDepth) {
      return absl::InvalidArgumentError("objects are nested too deeply");
    }
    return IValue(objects_[static_cast<size_t>(index)]);
  }

  // ---- The first time

  absl::Status Declare() {
    const absl::string_view text = lexer_.text();
    for (size_t line = 0; line != absl::string_view::npos;) {
      const absl::string_view rest = text.substr(line);
      for (absl::string_view item : kItems) {
        if (!absl::StartsWith(rest, item)) continue;
        lexer_.Seek(line);
        TANDEM_RETURN_IF_ERROR(DeclareItem());
      }
      const size_t end = text.find('\n', line);
      line = end == absl::string_view::npos || end + 1 == text.size()
                 ? absl::string_view::npos
                 : end + 1;
    }
    return absl::OkStatus();
  }

  absl::Status DeclareItem() {
    if (TakeName("function")) return DeclareFunction();
    if (TakeName("object")) return DeclareObject();
    const std::string item(lexer_.token().text);
    lexer_.Next();
    const size_t offset = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(std::string name, ParseName("a type's name"));
    if (name.empty() || unit_->FindType(name) != nullptr) {
      return lexer_.ErrorAt(offset,
                            absl::StrCat("type ", name, " is defined twice"));
    }
    if (item == "class") {
      const bool is_module = TakeName("module");
      ClassType* type = unit_->AddClass(std::move(name), is_module);
      if (TakeName("opaque")) type->set_opaque();
      return absl::OkStatus();
    }
    if (item == "interface") {
      const bool is_module = TakeName("module");
      unit_->AddType(
          std::make_shared<InterfaceType>(std::move(name), is_module));
      return absl::OkStatus();
    }
    if (item == "enum") {
      TANDEM_RETURN_IF_ERROR(Expect(":"));
      TANDEM_ASSIGN_OR_RETURN(TypePtr value_type, ParseType());
      auto type =
          std::make_shared<EnumType>(std::move(name), std::move(value_type));
      TANDEM_RETURN_IF_ERROR(ParseMembers(type.get()));
      unit_->AddType(std::move(type));
      return absl::OkStatus();
    }
    std::vector<std::string> names;
    std::vector<TypePtr> types;
    TANDEM_RETURN_IF_ERROR(ParseFields(&names, &types));
    unit_->AddType(
        Type::NamedTuple(std::move(name), std::move(names), std::move(types)));
    return absl::OkStatus();
  }

  absl::Status ParseMembers(EnumType* type) {
    while (TakeName("member")) {
      TANDEM_ASSIGN_OR_RETURN(std::string name, ParseName("a member's name"));
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_ASSIGN_OR_RETURN(IValue value, ParseValue());
      if (type != nullptr) type->AddMember(std::move(name), std::move(value));
    }
    return absl::OkStatus();
  }

  absl::Status ParseFields(std::vector<std::string>* names,
                           std::vector<TypePtr>* types) {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    return ParseSequence(")", [&]() -> absl::Status {
      TANDEM_ASSIGN_OR_RETURN(std::string name, ParseName("a field's name"));
      TANDEM_RETURN_IF_ERROR(Expect(":"));
      TANDEM_ASSIGN_OR_RETURN(TypePtr type, ParseType());
      names->push_back(std::move(name));
      types->push_back(std::move(type));
      return absl::OkStatus();
    });
  }

  // "__torch__.f~2", as @… has it; `name` is without the number.
  absl::StatusOr<std::string> ParseLabel(std::string* name) {
    TANDEM_ASSIGN_OR_RETURN(*name, ParseName("a function's name"));
    std::string label = *name;
    if (Take("~")) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t n, ParseInt());
      absl::StrAppend(&label, "~", n);
    }
    return label;
  }

  absl::Status DeclareFunction() {
    const size_t offset = lexer_.offset();
    std::string name;
    TANDEM_ASSIGN_OR_RETURN(std::string label, ParseLabel(&name));
    Function*& entry = functions_[label];
    if (entry != nullptr) {
      return lexer_.ErrorAt(
          offset, absl::StrCat("function ", label, " is defined twice"));
    }
    if (!TakeName("of")) {
      entry = unit_->AddFunction(std::move(name));
      return absl::OkStatus();
    }
    const size_t owner_offset = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(const std::string owner, ParseName("a class"));
    ClassType* type = unit_->FindClass(owner);
    const size_t dot = name.rfind('.');
    if (type == nullptr || dot != owner.size() ||
        !absl::StartsWith(name, owner)) {
      return lexer_.ErrorAt(
          owner_offset,
          absl::StrCat("expected the class that ", name, " is named after"));
    }
    entry = unit_->AddMethod(type, absl::string_view(name).substr(dot + 1));
    return absl::OkStatus();
  }

  absl::Status DeclareObject() {
    const size_t offset = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(const int64_t index, ParseInt());
    if (static_cast<uint64_t>(index) != objects_.size()) {
      return lexer_.ErrorAt(
          offset, absl::StrCat("the next object is number ", objects_.size()));
    }
    TANDEM_RETURN_IF_ERROR(Expect(":"));
    const size_t type_offset = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(const std::string name, ParseName("a class"));
    const ClassType* type = unit_->FindClass(name);
    if (type == nullptr) {
      return lexer_.ErrorAt(type_offset, absl::StrCat("unknown class ", name));
    }
    objects_.push_back(NewObject(*type));
    object_depths_.push_back(0);
    return absl::OkStatus();
  }

  // ---- The second time

  absl::Status ParseItem() {
    if (lexer_.at_name("source")) return ParseSource();
    const std::string item(lexer_.token().text);
    const bool is_name = lexer_.token().kind == Token::Kind::kName;
    // What is not at the start of its line was not declared.
    const bool at_start =
        lexer_.offset() == 0 || lexer_.text()[lexer_.offset() - 1] == '\n';
    if (is_name && at_start) {
      if (TakeName("class")) return ParseClass();
      if (TakeName("function")) return ParseFunction();
      if (TakeName("object")) return ParseObject();
      if (TakeName("interface")) return ParseInterface();
      if (TakeName("enum")) {
        TANDEM_RETURN_IF_ERROR(ParseName("a name").status());
        TANDEM_RETURN_IF_ERROR(Expect(":"));
        TANDEM_RETURN_IF_ERROR(ParseType().status());
        return ParseMembers(nullptr);
      }
      if (TakeName("namedtuple")) {
        TANDEM_RETURN_IF_ERROR(ParseName("a name").status());
        std::vector<std::string> names;
        std::vector<TypePtr> types;
        return ParseFields(&names, &types);
      }
    }
    return lexer_.Error(
        "class, enum, interface, namedtuple, function, object, root or source "
        "at the start of a line");
  }

  // Items that the first pass did not see as such.
  absl::Status NotDeclared(size_t offset) const {
    return lexer_.ErrorAt(
        offset, "expected the name behind one space at the start of a line");
  }

  absl::StatusOr<Function*> ParseReference() {
    TANDEM_RETURN_IF_ERROR(Expect("@"));
    const size_t offset = lexer_.offset();
    std::string name;
    TANDEM_ASSIGN_OR_RETURN(const std::string label, ParseLabel(&name));
    const auto found = functions_.find(label);
    if (found != functions_.end()) return found->second;
    return lexer_.ErrorAt(offset, absl::StrCat("unknown function ", label));
  }

  absl::Status ParseAttribute(ClassType* type, ClassType::Attribute attribute) {
    const size_t offset = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(attribute.name, ParseName("an attribute's name"));
    TANDEM_RETURN_IF_ERROR(Expect(":"));
    TANDEM_ASSIGN_OR_RETURN(attribute.type, ParseType());
    // "buffer" may begin the next attribute's line: it ends this one only
    // where no name follows on.
    if (attribute.is_parameter && lexer_.at_name("buffer")) {
      const Lexer mark = lexer_;
      lexer_.Next();
      const Token next = lexer_.token();
      lexer_.Next();
      const bool is_next = (next.kind == Token::Kind::kName ||
                            next.kind == Token::Kind::kString) &&
                           lexer_.at(":");
      lexer_ = mark;
      if (!is_next) {
        lexer_.Next();
        attribute.is_buffer = true;
      }
    }
    const absl::Status added = type->AddAttribute(std::move(attribute));
    return added.ok() ? added : lexer_.ErrorAt(offset, added.message());
  }

  absl::Status ParseConstant(ClassType* type) {
    ClassType::Constant constant;
    TANDEM_ASSIGN_OR_RETURN(constant.name, ParseName("a constant's name"));
    if (Take(":")) {
      TANDEM_ASSIGN_OR_RETURN(constant.type, ParseType());
    }
    TANDEM_RETURN_IF_ERROR(Expect("="));
    TANDEM_ASSIGN_OR_RETURN(constant.value, ParseValue());
    type->AddConstant(std::move(constant));
    return absl::OkStatus();
  }

  absl::Status ParseProperty(ClassType* type) {
    ClassType::Property property;
    TANDEM_ASSIGN_OR_RETURN(property.name, ParseName("a property's name"));
    if (TakeName("get")) {
      TANDEM_ASSIGN_OR_RETURN(property.getter, ParseReference());
    }
    if (TakeName("set")) {
      TANDEM_ASSIGN_OR_RETURN(property.setter, ParseReference());
    }
    type->properties.push_back(std::move(property));
    return absl::OkStatus();
  }

  absl::Status ParseClass() {
    const size_t offset = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(const std::string name, ParseName("a name"));
    ClassType* type = unit_->FindClass(name);
    if (type == nullptr) return NotDeclared(offset);
    TakeName("module");
    TakeName("opaque");
    for (;;) {
      const absl::string_view word = lexer_.token().text;
      if (TakeName("parameter") || TakeName("buffer") ||
          TakeName("attribute")) {
        ClassType::Attribute attribute;
        attribute.is_parameter = word == "parameter";
        attribute.is_buffer = word == "buffer";
        TANDEM_RETURN_IF_ERROR(ParseAttribute(type, std::move(attribute)));
      } else if (TakeName("constant")) {
        TANDEM_RETURN_IF_ERROR(ParseConstant(type));
      } else if (TakeName("property")) {
        TANDEM_RETURN_IF_ERROR(ParseProperty(type));
      } else if (TakeName("method")) {
        const size_t at = lexer_.offset();
        TANDEM_ASSIGN_OR_RETURN(Function * method, ParseReference());
        if (method->owner() != type ||
            type->FindMethod(method->name()) != nullptr) {
          return lexer_.ErrorAt(
              at, "expected a function of this class, named once");
        }
        type->AddMethod(method);
      } else if (TakeName("forward_hook")) {
        TANDEM_ASSIGN_OR_RETURN(Function * hook, ParseReference());
        type->forward_hooks.push_back(hook);
      } else if (TakeName("forward_pre_hook")) {
        TANDEM_ASSIGN_OR_RETURN(Function * hook, ParseReference());
        type->forward_pre_hooks.push_back(hook);
      } else {
        return absl::OkStatus();
      }
    }
  }

  absl::Status ParseInterface() {
    const size_t offset = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(const std::string name, ParseName("a name"));
    const TypePtr known = unit_->FindType(name);
    if (known == nullptr || known->AsInterface() == nullptr) {
      return NotDeclared(offset);
    }
    auto* type = const_cast<InterfaceType*>(known->AsInterface());
    TakeName("module");
    while (TakeName("requires")) {
      TANDEM_ASSIGN_OR_RETURN(const std::string method,
                              ParseName("a method's name"));
      FunctionSchema schema;
      TANDEM_RETURN_IF_ERROR(ParseSignature(&schema, method));
      type->AddMethod(std::move(schema));
    }
    return absl::OkStatus();
  }

  // ---- Signatures

  absl::StatusOr<AliasInfo> ParseAlias(int depth) {
    AliasInfo alias;
    const auto names = [&](std::vector<std::string>* set) -> absl::Status {
      if (lexer_.token().kind != Token::Kind::kString) return absl::OkStatus();
      do {
        TANDEM_ASSIGN_OR_RETURN(std::string name, ParseString());
        set->push_back(std::move(name));
      } while (Take("|"));
      return absl::OkStatus();
    };
    if (depth > 8) return lexer_.Error("an alias nested less deeply");
    TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_RETURN_IF_ERROR(names(&alias.before));
    alias.is_write = Take("!");
    TANDEM_RETURN_IF_ERROR(Expect("->"));
    TANDEM_RETURN_IF_ERROR(names(&alias.after));
    while (lexer_.at("(")) {
      TANDEM_ASSIGN_OR_RETURN(AliasInfo inner, ParseAlias(depth + 1));
      alias.contained.push_back(std::move(inner));
    }
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    return alias;
  }

  absl::StatusOr<Argument> ParseArgument() {
    Argument a;
    const Lexer mark = lexer_;
    if (lexer_.token().kind == Token::Kind::kName ||
        lexer_.token().kind == Token::Kind::kString) {
      TANDEM_ASSIGN_OR_RETURN(a.name, ParseName("a name"));
      if (!Take(":")) {
        lexer_ = mark;
        a.name.clear();
      }
    }
    TANDEM_ASSIGN_OR_RETURN(a.type, ParseType());
    if (Take("=")) {
      TANDEM_ASSIGN_OR_RETURN(a.default_value, ParseValue());
    }
    if (TakeName("size")) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t size, ParseInt());
      a.fixed_size = static_cast<int32_t>(size);
    }
    a.kwarg_only = TakeName("keyword");
    a.is_out = TakeName("out");
    if (TakeName("alias")) {
      TANDEM_ASSIGN_OR_RETURN(a.alias, ParseAlias(0));
    }
    return a;
  }

  absl::Status ParseArguments(std::vector<Argument>* arguments,
                              bool* and_more) {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    return ParseSequence(")", [&]() -> absl::Status {
      if (*and_more) return lexer_.Error("')'");
      if (Take("...")) {
        *and_more = true;
        return absl::OkStatus();
      }
      TANDEM_ASSIGN_OR_RETURN(Argument a, ParseArgument());
      arguments->push_back(std::move(a));
      return absl::OkStatus();
    });
  }

  absl::Status ParseSignature(FunctionSchema* schema, absl::string_view name) {
    schema->name = std::string(name);
    if (TakeName("named")) {
      TANDEM_ASSIGN_OR_RETURN(schema->name, ParseString());
      if (lexer_.token().kind == Token::Kind::kString) {
        TANDEM_ASSIGN_OR_RETURN(schema->overload_name, ParseString());
      }
    }
    TANDEM_RETURN_IF_ERROR(
        ParseArguments(&schema->arguments, &schema->is_vararg));
    TANDEM_RETURN_IF_ERROR(Expect("->"));
    return ParseArguments(&schema->returns, &schema->is_varret);
  }

  // ---- Functions and objects

  absl::Status ParseFunction() {
    const size_t offset = lexer_.offset();
    std::string name;
    TANDEM_ASSIGN_OR_RETURN(const std::string label, ParseLabel(&name));
    Function* function = functions_[label];
    if (function == nullptr) return NotDeclared(offset);
    if (TakeName("of")) TANDEM_RETURN_IF_ERROR(ParseName("a class").status());
    FunctionSchema schema;
    TANDEM_RETURN_IF_ERROR(ParseSignature(&schema, function->name()));
    function->set_schema(std::move(schema));
    if (!lexer_.at_name("graph")) {
      function->set_compiler([](Function& f) {
        return absl::FailedPreconditionError(
            absl::StrCat("function ", f.qualified_name(),
                         " has no graph in the text of its program"));
      });
      return absl::OkStatus();
    }
    first_object_ = 0;
    object_depth_ = 0;
    TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Graph> graph, ParseGraph());
    function->set_graph(std::move(graph));
    return absl::OkStatus();
  }

  absl::Status ParseObject() {
    const size_t start = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(const int64_t index, ParseInt());
    if (index < 0 || static_cast<uint64_t>(index) >= objects_.size()) {
      return NotDeclared(start);
    }
    const Ref<ModuleObject>& object = objects_[static_cast<size_t>(index)];
    TANDEM_RETURN_IF_ERROR(Expect(":"));
    TANDEM_RETURN_IF_ERROR(ParseName("a class").status());
    const ClassType& type = *object->type();
    object->Grow(type.attributes().size());
    // What an object holds comes behind it: no circles.
    first_object_ = index + 1;
    object_depth_ = object_depths_[static_cast<size_t>(index)];
    for (const ClassType::Attribute& a : type.attributes()) {
      const size_t offset = lexer_.offset();
      TANDEM_ASSIGN_OR_RETURN(const std::string name,
                              ParseName("an attribute's name"));
      if (name != a.name) {
        return lexer_.ErrorAt(offset, absl::StrCat("expected the value of ",
                                                   a.name, ", got ", name));
      }
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_ASSIGN_OR_RETURN(IValue value, ParseValue());
      const absl::Status set = object->SetAttribute(name, std::move(value));
      if (!set.ok()) return lexer_.ErrorAt(offset, set.message());
    }
    first_object_ = 0;
    object_depth_ = 0;
    return absl::OkStatus();
  }

  std::shared_ptr<CompilationUnit> unit_;
  absl::flat_hash_map<std::string, Function*> functions_;  // by label
  std::vector<Ref<ModuleObject>> objects_;
  std::vector<int> object_depths_;
  bool declaring_ = true;
  // Values read now may hold objects from here on.
  int64_t first_object_ = 0;
  int object_depth_ = 0;
};

}  // namespace
}  // namespace canonical

absl::StatusOr<CanonicalProgram> ParseProgram(
    absl::string_view text, const CanonicalParseOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(CanonicalProgram program,
                          canonical::ProgramParser(text, options).Parse());
  if (options.verify) {
    VerifyOptions verify;
    verify.allow_before_ssa = true;
    const absl::Status status = VerifyUnit(*program.unit, verify);
    if (!status.ok()) return absl::InvalidArgumentError(status.message());
  }
  return program;
}

}  // namespace tandem
