#include "tandem/runtime/scalar_opcodes.h"

#include "absl/strings/string_view.h"

namespace tandem {
namespace {

struct Row {
  absl::string_view name, overload;
  OpCode op;
};

constexpr Row kRows[] = {
    {"aten::add", "int", OpCode::kAddInt},
    {"aten::sub", "int", OpCode::kSubInt},
    {"aten::mul", "int", OpCode::kMulInt},
    {"aten::neg", "int", OpCode::kNegInt},
    {"aten::floordiv", "int", OpCode::kFloorDivInt},
    {"aten::remainder", "int", OpCode::kRemainderInt},
    {"aten::eq", "int", OpCode::kEqInt},
    {"aten::ne", "int", OpCode::kNeInt},
    {"aten::lt", "int", OpCode::kLtInt},
    {"aten::le", "int", OpCode::kLeInt},
    {"aten::gt", "int", OpCode::kGtInt},
    {"aten::ge", "int", OpCode::kGeInt},
    {"aten::add", "float", OpCode::kAddFloat},
    {"aten::sub", "float", OpCode::kSubFloat},
    {"aten::mul", "float", OpCode::kMulFloat},
    {"aten::div", "float", OpCode::kDivFloat},
    {"aten::neg", "float", OpCode::kNegFloat},
    {"aten::eq", "float", OpCode::kEqFloat},
    {"aten::ne", "float", OpCode::kNeFloat},
    {"aten::lt", "float", OpCode::kLtFloat},
    {"aten::le", "float", OpCode::kLeFloat},
    {"aten::gt", "float", OpCode::kGtFloat},
    {"aten::ge", "float", OpCode::kGeFloat},
    {"aten::add", "int_float", OpCode::kAddIntFloat},
    {"aten::add", "float_int", OpCode::kAddFloatInt},
    {"aten::mul", "int_float", OpCode::kMulIntFloat},
    {"aten::mul", "float_int", OpCode::kMulFloatInt},
    {"aten::Float", "int", OpCode::kIntToFloat},
    {"aten::Int", "float", OpCode::kFloatToInt},
    {"aten::Int", "bool", OpCode::kCopyNumber},
    {"aten::Bool", "int", OpCode::kIntToBool},
    {"aten::__not__", "", OpCode::kNot},
    {"aten::__and__", "bool", OpCode::kAndBool},
    {"aten::__or__", "bool", OpCode::kOrBool},
};

}  // namespace

std::optional<OpCode> ScalarOpCode(const Operator& op) {
  for (const Row& row : kRows) {
    if (row.name == op.schema.name && row.overload == op.schema.overload_name) {
      return row.op;
    }
  }
  return std::nullopt;
}

}  // namespace tandem
