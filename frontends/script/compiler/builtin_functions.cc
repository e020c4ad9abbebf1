#include "tandem/frontends/script/compiler/builtin_functions.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/parser.h"
#include "tandem/frontends/script/upgraders.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

// Lines are where PyTorch's own are: graphs show `# <string>:3:9`.
constexpr absl::string_view kScalarFirst = R"(
def mul(a : SCALAR, b : Tensor) -> Tensor:
  return b * a
def add(a : SCALAR, b : Tensor) -> Tensor:
  return b + a
def ne(a : SCALAR, b : Tensor) -> Tensor:
  return b != a
def eq(a : SCALAR, b : Tensor) -> Tensor:
  return b == a
def sub(a : SCALAR, b : Tensor) -> Tensor:
  return torch.neg(b) + a
def div(a : SCALAR, b : Tensor) -> Tensor:
  return torch.reciprocal(b) * a
)";
constexpr absl::string_view kOrderedScalarFirst = R"(
def lt(a : SCALAR, b : Tensor) -> Tensor:
  return b > a
def le(a : SCALAR, b : Tensor) -> Tensor:
  return b >= a
def gt(a : SCALAR, b : Tensor) -> Tensor:
  return b < a
def ge(a : SCALAR, b : Tensor) -> Tensor:
  return b <= a
)";
constexpr absl::string_view kTuples = R"(
def _NAME(x: BroadcastingListLENGTH[SCALAR]) -> List[SCALAR]:
  return x
)";
constexpr absl::string_view kFloorDivide = R"(
def floordiv(self : Tensor, other : RHS) -> Tensor:
  return torch.floor_divide(self, other)
)";
constexpr absl::string_view kTensorProperties = R"(
def ndim(a : Tensor) -> int:
  return a.dim()
def T(a : Tensor) -> Tensor:
  return a.numpy_T()
def H(a : Tensor) -> Tensor:
  return a.matrix_H()
def mT(a : Tensor) -> Tensor:
  return a.mT
def mH(a : Tensor) -> Tensor:
  return a.mH
def shape(a : Tensor) -> List[int]:
  return a.size()
)";
constexpr absl::string_view kOthers = R"(
def _assert_int_or_pair(vals: List[int], name: str, message: str):
  pass
def list_with_default(out_size: List[int], defaults: List[int]):
  assert len(defaults) > len(out_size)
  return out_size
def _assert(condition : Any, message : str):
  assert condition, message
# existing device operator is registered with input name `a`, which prevents
# torch.device(type="cuda") from working. add shim-layer here
def device(type: str):
  return torch.device(type)
def type(self: Tensor, dtype: int, non_blocking: bool=False, copy: bool=False):
  return self.to(dtype, non_blocking, copy)
)";
constexpr absl::string_view kStringContains = R"(


def __contains__(self: str, key: str):
    return self.find(key, 0, len(self)) != -1
)";

constexpr absl::string_view kUpgraderQualifier = "upgrader";

// `torch` is all that builtins need.
class BuiltinResolver : public Resolver {
 public:
  absl::StatusOr<Sugared> ResolveValue(absl::string_view name,
                                       FunctionCompiler& f,
                                       const SourceRange& range) override {
    if (name == "torch") {
      return Sugared(std::make_shared<BuiltinModule>("aten"));
    }
    if (name == "annotate") {
      return Sugared(std::make_shared<SpecialForm>(Form::kAnnotate));
    }
    return Sugared();
  }
  absl::StatusOr<TypePtr> ResolveType(absl::string_view,
                                      const SourceRange&) override {
    return TypePtr();
  }
};

}  // namespace

BuiltinFunctions::BuiltinFunctions(const OperatorTable* operators)
    : unit_(operators) {}
BuiltinFunctions::~BuiltinFunctions() = default;

absl::Status BuiltinFunctions::Parse(std::string source,
                                     absl::string_view qualifier) {
  TANDEM_ASSIGN_OR_RETURN(
      std::unique_ptr<SyntaxTree> tree,
      ParseFile(std::make_shared<Source>(std::move(source), "<string>")));
  for (const Stmt* stmt : tree->statements()) {
    const auto* def = stmt->As<DefStmt>();
    if (def == nullptr) continue;
    definitions_[absl::StrCat(qualifier, "::", def->name.name)].push_back(
        {tree.get(), def});
  }
  trees_.push_back(std::move(tree));
  return absl::OkStatus();
}

absl::Status BuiltinFunctions::ParseAll() {
  if (parsed_) return absl::OkStatus();
  parsed_ = true;
  for (const char* scalar : {"float", "int", "complex"}) {
    TANDEM_RETURN_IF_ERROR(
        Parse(absl::StrReplaceAll(kScalarFirst, {{"SCALAR", scalar}}), "aten"));
  }
  for (const char* scalar : {"float", "int"}) {
    TANDEM_RETURN_IF_ERROR(
        Parse(absl::StrReplaceAll(kOrderedScalarFirst, {{"SCALAR", scalar}}),
              "aten"));
  }
  const std::pair<const char*, const char*> tuples[] = {
      {"single", "1"}, {"pair", "2"}, {"triple", "3"}, {"quadruple", "4"}};
  for (const auto& [name, length] : tuples) {
    for (const char* scalar : {"float", "int"}) {
      TANDEM_RETURN_IF_ERROR(
          Parse(absl::StrReplaceAll(
                    kTuples,
                    {{"NAME", name}, {"LENGTH", length}, {"SCALAR", scalar}}),
                "aten"));
    }
  }
  for (const char* rhs : {"number", "Tensor"}) {
    TANDEM_RETURN_IF_ERROR(
        Parse(absl::StrReplaceAll(kFloorDivide, {{"RHS", rhs}}), "aten"));
  }
  TANDEM_RETURN_IF_ERROR(Parse(std::string(kOthers), "aten"));
  TANDEM_RETURN_IF_ERROR(Parse(std::string(kStringContains), "aten"));
  TANDEM_RETURN_IF_ERROR(Parse(std::string(kTensorProperties), "prim"));
  // Each is a text of its own, as PyTorch's are.
  absl::string_view rest = UpgraderSource();
  for (size_t at = rest.find("def "); at != absl::string_view::npos;) {
    rest.remove_prefix(at);
    const size_t next = rest.find("\ndef ");
    const absl::string_view text = rest.substr(0, next);
    TANDEM_RETURN_IF_ERROR(
        Parse(absl::StrCat("\n", text, "\n"), kUpgraderQualifier));
    at = next == absl::string_view::npos ? next : next + 1;
  }
  return absl::OkStatus();
}

absl::StatusOr<const Function*> BuiltinFunctions::Compile(
    Definition* definition) {
  if (definition->function != nullptr) return definition->function;
  // Builtins are made of operators alone.
  BuiltinResolver resolver;
  CompileContext context;
  context.session = &session_;
  context.resolver = &resolver;
  context.unit = &unit_;
  Function* function =
      unit_.AddFunction(std::string(definition->def->name.name));
  FunctionCompiler compiler(context, *definition->tree, function, nullptr);
  TANDEM_RETURN_IF_ERROR(compiler.Compile(*definition->def));
  definition->function = function;
  return function;
}

absl::StatusOr<std::vector<BuiltinOverload>> BuiltinFunctions::Overloads(
    absl::string_view name) {
  TANDEM_RETURN_IF_ERROR(ParseAll());
  std::vector<BuiltinOverload> overloads;
  const auto found = definitions_.find(name);
  if (found == definitions_.end()) return overloads;
  for (Definition& definition : found->second) {
    TANDEM_ASSIGN_OR_RETURN(const Function* function, Compile(&definition));
    overloads.push_back({&function->schema(), function});
  }
  return overloads;
}

absl::StatusOr<std::optional<BuiltinOverload>> BuiltinFunctions::Upgrader(
    const FunctionSchema& row, int64_t version) {
  using Result = std::optional<BuiltinOverload>;
  for (const OperatorUpgrader& entry : UpgradersOf(row.name)) {
    if (version > entry.last_version) continue;
    const absl::string_view full_name =
        entry.old_schema.substr(0, entry.old_schema.find('('));
    if (full_name != row.FullName()) continue;
    TANDEM_RETURN_IF_ERROR(ParseAll());
    std::unique_ptr<FunctionSchema>& old =
        old_schemas_[std::string(entry.old_schema)];
    if (old == nullptr) {
      TANDEM_ASSIGN_OR_RETURN(FunctionSchema parsed,
                              ParseSchema(entry.old_schema));
      old = std::make_unique<FunctionSchema>(std::move(parsed));
    }
    const auto found = definitions_.find(
        absl::StrCat(kUpgraderQualifier, "::", entry.upgrader));
    if (found == definitions_.end()) {
      return absl::InternalError(absl::StrCat("no upgrader ", entry.upgrader));
    }
    TANDEM_ASSIGN_OR_RETURN(const Function* function,
                            Compile(&found->second[0]));
    return Result(BuiltinOverload{old.get(), function});
  }
  return Result();
}

}  // namespace tandem::script
