// Plans as text.
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tandem/runtime/group_site.h"
#include "tandem/runtime/plan.h"

namespace tandem {
namespace {

constexpr absl::string_view kNames[] = {
    "add.int",
    "sub.int",
    "mul.int",
    "neg.int",
    "floordiv.int",
    "remainder.int",
    "eq.int",
    "ne.int",
    "lt.int",
    "le.int",
    "gt.int",
    "ge.int",
    "add.float",
    "sub.float",
    "mul.float",
    "div.float",
    "neg.float",
    "eq.float",
    "ne.float",
    "lt.float",
    "le.float",
    "gt.float",
    "ge.float",
    "add.int_float",
    "add.float_int",
    "mul.int_float",
    "mul.float_int",
    "int_to_float",
    "float_to_int",
    "int_to_bool",
    "not",
    "and",
    "or",
    "derive_index",
    "range_length",
    "move",
    "copy",
    "copy_number",
    "drop",
    "jump",
    "jump_if_false",
    "loop_enter",
    "loop_next",
    "loop_next_for",
    "return",
    "kernel",
    "call",
    "call_dynamic",
    "fork",
    "wait",
    "group",
    "list",
    "list_refill",
    "list_unpack",
    "tuple",
    "tuple_unpack",
    "tuple_index",
    "tuple_slice",
    "dict",
    "get_attr",
    "get_attr_stable",
    "borrow_attr",
    "set_attr",
    "create_object",
    "print",
    "raise",
    "unchecked_cast",
    "isinstance",
    "tolist",
    "enum_name",
    "enum_value",
    "module_index",
    "list_get",
    "list_len",
    "append",
    "sort_objects",
    "cast_number",
    "default",
};

std::string Registers(const Plan& plan, uint32_t begin, uint32_t count) {
  std::string s;
  for (uint32_t k = 0; k < count; ++k) {
    const uint32_t o = plan.operands[begin + k];
    absl::StrAppend(&s, k == 0 ? "" : ", ", "r", o & ~kMoveBit,
                    (o & kMoveBit) != 0 ? " (moved)" : "");
  }
  return s;
}

}  // namespace

std::string PlanToString(const Plan& plan) {
  std::string text = absl::StrFormat(
      "plan of %s: %d instructions, %d registers\n",
      plan.function->qualified_name(), plan.code.size(), plan.registers.size());
  for (size_t n = 0; n < plan.code.size(); ++n) {
    const Instruction& i = plan.code[n];
    absl::StrAppendFormat(&text, "%5d  %-16s ", n,
                          kNames[static_cast<size_t>(i.op)]);
    switch (i.op) {
      case OpCode::kKernel:
        absl::StrAppend(&text, Registers(plan, i.b + i.c, i.d), " = ",
                        plan.kernels[i.a].op->schema.FullName(), "(",
                        Registers(plan, i.b, i.c), ")  [",
                        plan.kernels[i.a].entry->backend, "]");
        break;
      case OpCode::kGroup: {
        const GroupSite& group = *plan.groups[i.a];
        absl::StrAppend(&text, Registers(plan, i.b + i.c, i.d), " = group ",
                        i.a, "(", Registers(plan, i.b, i.c), ")  [",
                        group.backend().name(), "]");
        break;
      }
      case OpCode::kCallPlan:
        absl::StrAppend(&text, Registers(plan, i.b + i.c, i.d), " = ",
                        plan.calls[i.a].function->qualified_name(), "(",
                        Registers(plan, i.b, i.c), ")");
        break;
      case OpCode::kListConstruct:
      case OpCode::kListRefill:
      case OpCode::kTupleConstruct:
      case OpCode::kDictConstruct:
        absl::StrAppend(&text, "r", i.a, " = (", Registers(plan, i.b, i.c),
                        ")");
        break;
      case OpCode::kReturn:
      case OpCode::kPrint:
        absl::StrAppend(&text, Registers(plan, i.b, i.c));
        break;
      case OpCode::kJump:
        absl::StrAppend(&text, "-> ", i.c);
        break;
      case OpCode::kJumpIfFalse:
        absl::StrAppend(&text, "r", i.b, " -> ", i.c);
        break;
      case OpCode::kLoopEnter:
      case OpCode::kLoopNext:
      case OpCode::kLoopNextFor:
        absl::StrAppend(&text, "r", i.a, " -> ", i.c);
        break;
      default:
        absl::StrAppend(&text, "r", i.a, " = r", i.b, ", ", i.c);
    }
    for (uint32_t k = 0; k < i.drop_count; ++k) {
      absl::StrAppend(&text, k == 0 ? "  drops r" : ", r",
                      plan.drops[i.drop_begin + k]);
    }
    text += '\n';
  }
  for (size_t g = 0; g < plan.groups.size(); ++g) {
    absl::StrAppend(&text, "\ngroup ", g, " of ",
                    plan.groups[g]->backend().name(), ":\n",
                    plan.groups[g]->graph().ToString(/*with_locations=*/false),
                    plan.groups[g]->ToString());
  }
  std::map<std::string, size_t> refusals;
  for (const PartitionReport::Refusal& r : plan.refusals) {
    ++refusals[absl::StrCat(r.node, " not by ", r.backend, ": ", r.reason)];
  }
  for (const auto& [what, count] : refusals) {
    absl::StrAppend(&text, text.back() == '\n' ? "" : "\n", what,
                    count > 1 ? absl::StrCat(" (", count, " times)") : "",
                    "\n");
  }
  return text;
}

}  // namespace tandem
