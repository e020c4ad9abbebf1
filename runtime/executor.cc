#include "tandem/runtime/executor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/runtime/default_value.h"
#include "tandem/runtime/group_site.h"
#include "tandem/runtime/stack_limit.h"
#include "tandem/runtime/to_list.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// Between looks at the clock, in steps of about 100 ns to 1 us.
constexpr uint32_t kClockInterval = 256;

int64_t Wrap(uint64_t v) { return static_cast<int64_t>(v); }

// Python's floor division and modulo; the one overflow wraps.
int64_t FloorDiv(int64_t a, int64_t b) {
  if (b == -1) return Wrap(-static_cast<uint64_t>(a));
  const int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

int64_t Remainder(int64_t a, int64_t b) {
  if (b == -1) return 0;
  const int64_t r = a % b;
  return (r != 0 && (r < 0) != (b < 0)) ? r + b : r;
}

int64_t RangeLength(int64_t lo, int64_t hi, int64_t step) {
  if (step > 0 && lo < hi) {
    return Wrap(1 +
                (static_cast<uint64_t>(hi) - 1 - static_cast<uint64_t>(lo)) /
                    static_cast<uint64_t>(step));
  }
  if (step < 0 && lo > hi) {
    return Wrap(1 +
                (static_cast<uint64_t>(lo) - 1 - static_cast<uint64_t>(hi)) /
                    (0 - static_cast<uint64_t>(step)));
  }
  return 0;
}

absl::Status Indexed(size_t size, int64_t* index, absl::string_view what) {
  if (*index < 0) *index += static_cast<int64_t>(size);
  if (*index < 0 || *index >= static_cast<int64_t>(size)) {
    return absl::OutOfRangeError(absl::StrCat(what, " index out of range"));
  }
  return absl::OkStatus();
}

// Puts a value into a register without counting it; the register held nothing
// that counts.
void Borrow(const IValue& value, IValue* r) {
  std::memcpy(static_cast<void*>(r), static_cast<const void*>(&value),
              sizeof(IValue));
}

}  // namespace

Plan::Plan() = default;
Plan::~Plan() = default;

std::unique_ptr<Frame> Plan::TakeFrame() const {
  {
    absl::MutexLock lock(&mutex_);
    if (!frames_.empty()) {
      std::unique_ptr<Frame> frame = std::move(frames_.back());
      frames_.pop_back();
      return frame;
    }
  }
  auto frame = std::make_unique<Frame>();
  frame->registers = std::make_unique<IValue[]>(registers.size() + 1);
  for (size_t r = 0; r < registers.size(); ++r) {
    switch (registers[r]) {
      case RegisterKind::kInt:
        frame->registers[r] = IValue(int64_t{0});
        break;
      case RegisterKind::kBool:
        frame->registers[r] = IValue(false);
        break;
      case RegisterKind::kDouble:
        frame->registers[r] = IValue(0.0);
        break;
      case RegisterKind::kValue:
        break;
    }
  }
  for (const auto& [r, value] : constants) frame->registers[r] = value;
  return frame;
}

void Plan::GiveFrame(std::unique_ptr<Frame> frame) const {
  for (uint32_t r : borrowed) Borrow(IValue(), &frame->registers[r]);
  for (uint32_t r : references) {
    if (!frame->registers[r].is_none()) frame->registers[r].Reset();
  }
  absl::MutexLock lock(&mutex_);
  if (frames_.size() < kMaxFrames) frames_.push_back(std::move(frame));
}

absl::Status Execution::Run(const Plan& plan, IValue* args, size_t count,
                            Results* results) {
  // Methods that are called by name (__lt__, __enter__) may take others.
  if (ABSL_PREDICT_FALSE(count != plan.inputs.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a method takes ", plan.inputs.size(), " arguments, not ", count));
  }
  if (++depth_ > CurrentContext().max_call_depth || StackIsLow()) {
    --depth_;
    return absl::ResourceExhaustedError("calls are nested too deeply");
  }
  std::unique_ptr<Frame> frame = plan.TakeFrame();
  for (size_t i = 0; i < count; ++i) {
    frame->registers[plan.inputs[i]] = std::move(args[i]);
  }
  Frame* const outer = std::exchange(frame_, frame.get());
  absl::Status status = Loop(plan, frame->registers.get(), results);
  frame_ = outer;
  plan.GiveFrame(std::move(frame));
  --depth_;
  return status;
}

absl::Status Execution::RunGuarded(const Plan& plan, IValue* args, size_t count,
                                   Results* results) {
  // The one place below the command where exceptions are met: containers of
  // the standard library have no other way to say that memory is used up.
  try {
    return Run(plan, args, count, results);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::length_error&) {
    return absl::ResourceExhaustedError(
        "out of memory: a container grew too large");
  }
}

absl::Status Execution::StopNow() {
  if (steps_left_ < 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the program ran for more than the ", options_.max_steps,
                     " steps it may take"));
  }
  if (options_.cancel != nullptr && options_.cancel->load()) {
    return absl::CancelledError("cancelled");
  }
  until_clock_ = kClockInterval;
  return CheckStop();
}

#define TANDEM_BINARY(OP, SET, GET, EXPR) \
  case OpCode::OP: {                      \
    const auto x = r[i->b].GET();         \
    const auto y = r[i->c].GET();         \
    r[i->a].SET(EXPR);                    \
    break;                                \
  }
#define TANDEM_INT(OP, EXPR) TANDEM_BINARY(OP, SetIntUnchecked, AsInt, EXPR)
#define TANDEM_FLOAT(OP, EXPR) \
  TANDEM_BINARY(OP, SetDoubleUnchecked, AsDouble, EXPR)
#define TANDEM_FLOAT_COMPARE(OP, EXPR) \
  TANDEM_BINARY(OP, SetIntUnchecked, AsDouble, EXPR)

absl::Status Execution::Loop(const Plan& plan, IValue* r, Results* results) {
  const Instruction* const code = plan.code.data();
  const uint32_t* const operands = plan.operands.data();
  const Instruction* i = code;
  absl::Status status;
  for (;;) {
    switch (i->op) {
      TANDEM_INT(kAddInt,
                 Wrap(static_cast<uint64_t>(x) + static_cast<uint64_t>(y)))
      TANDEM_INT(kSubInt,
                 Wrap(static_cast<uint64_t>(x) - static_cast<uint64_t>(y)))
      TANDEM_INT(kMulInt,
                 Wrap(static_cast<uint64_t>(x) * static_cast<uint64_t>(y)))
      TANDEM_INT(kEqInt, x == y)
      TANDEM_INT(kNeInt, x != y)
      TANDEM_INT(kLtInt, x < y)
      TANDEM_INT(kLeInt, x <= y)
      TANDEM_INT(kGtInt, x > y)
      TANDEM_INT(kGeInt, x >= y)
      TANDEM_INT(kAndBool, x & y)
      TANDEM_INT(kOrBool, x | y)
      TANDEM_FLOAT(kAddFloat, x + y)
      TANDEM_FLOAT(kSubFloat, x - y)
      TANDEM_FLOAT(kMulFloat, x * y)
      TANDEM_FLOAT(kDivFloat, x / y)
      TANDEM_FLOAT_COMPARE(kEqFloat, x == y)
      TANDEM_FLOAT_COMPARE(kNeFloat, x != y)
      TANDEM_FLOAT_COMPARE(kLtFloat, x < y)
      TANDEM_FLOAT_COMPARE(kLeFloat, x <= y)
      TANDEM_FLOAT_COMPARE(kGtFloat, x > y)
      TANDEM_FLOAT_COMPARE(kGeFloat, x >= y)
      case OpCode::kAddIntFloat:
        r[i->a].SetDoubleUnchecked(static_cast<double>(r[i->b].AsInt()) +
                                   r[i->c].AsDouble());
        break;
      case OpCode::kAddFloatInt:
        r[i->a].SetDoubleUnchecked(r[i->b].AsDouble() +
                                   static_cast<double>(r[i->c].AsInt()));
        break;
      case OpCode::kMulIntFloat:
        r[i->a].SetDoubleUnchecked(static_cast<double>(r[i->b].AsInt()) *
                                   r[i->c].AsDouble());
        break;
      case OpCode::kMulFloatInt:
        r[i->a].SetDoubleUnchecked(r[i->b].AsDouble() *
                                   static_cast<double>(r[i->c].AsInt()));
        break;
      case OpCode::kNegInt:
        r[i->a].SetIntUnchecked(Wrap(-static_cast<uint64_t>(r[i->b].AsInt())));
        break;
      case OpCode::kNegFloat:
        r[i->a].SetDoubleUnchecked(-r[i->b].AsDouble());
        break;
      case OpCode::kFloorDivInt:
        if (r[i->c].AsInt() == 0) {
          status = absl::InvalidArgumentError("division by 0");
          goto failed;
        }
        r[i->a].SetIntUnchecked(FloorDiv(r[i->b].AsInt(), r[i->c].AsInt()));
        break;
      case OpCode::kRemainderInt:
        if (r[i->c].AsInt() == 0) {
          status = absl::InvalidArgumentError("integer modulo by zero");
          goto failed;
        }
        r[i->a].SetIntUnchecked(Remainder(r[i->b].AsInt(), r[i->c].AsInt()));
        break;
      case OpCode::kIntToFloat:
        r[i->a].SetDoubleUnchecked(static_cast<double>(r[i->b].AsInt()));
        break;
      case OpCode::kFloatToInt:
        r[i->a].SetIntUnchecked(SaturatingToInt64(r[i->b].AsDouble()));
        break;
      case OpCode::kIntToBool:
        r[i->a].SetIntUnchecked(r[i->b].AsInt() != 0);
        break;
      case OpCode::kNot:
        r[i->a].SetIntUnchecked(r[i->b].AsInt() == 0);
        break;
      case OpCode::kDeriveIndex: {
        const uint32_t* o = operands + i->b;
        r[i->a].SetIntUnchecked(
            Wrap(static_cast<uint64_t>(r[o[1]].AsInt()) +
                 static_cast<uint64_t>(r[o[0]].AsInt()) *
                     static_cast<uint64_t>(r[o[2]].AsInt())));
        break;
      }
      case OpCode::kRangeLength: {
        const uint32_t* o = operands + i->b;
        const int64_t step = r[o[2]].AsInt();
        if (step == 0) {
          status = absl::InvalidArgumentError("range() arg 3 must not be zero");
          goto failed;
        }
        r[i->a].SetIntUnchecked(
            RangeLength(r[o[0]].AsInt(), r[o[1]].AsInt(), step));
        break;
      }
      case OpCode::kMove:
        r[i->a] = std::move(r[i->b]);
        break;
      case OpCode::kCopy:
        r[i->a] = r[i->b];
        break;
      case OpCode::kCopyNumber:
      case OpCode::kCastNumber:
        r[i->a].SetIntUnchecked(r[i->b].AsInt());  // the 64 bits, of any kind
        break;
      case OpCode::kDrop:
        break;
      case OpCode::kJump:
        i = code + i->c;
        continue;
      case OpCode::kJumpIfFalse:
        if (!r[i->b].AsBool()) {
          i = code + i->c;
          continue;
        }
        break;
      case OpCode::kLoopEnter: {
        const uint32_t* o = operands + i->b;
        r[i->a].SetIntUnchecked(0);
        if (r[o[0]].AsInt() <= 0 || !r[o[1]].AsBool()) {
          i = code + i->c;
          continue;
        }
        break;
      }
      case OpCode::kLoopNextFor: {
        const int64_t next = r[i->a].AsInt() + 1;
        r[i->a].SetIntUnchecked(next);
        if (next < r[i->b].AsInt()) {
          if (ABSL_PREDICT_FALSE(StopIsDue()) && !(status = StopNow()).ok()) {
            goto failed;
          }
          i = code + i->c;
          continue;
        }
        break;
      }
      case OpCode::kLoopNext: {
        const uint32_t* o = operands + i->b;
        const int64_t next = r[i->a].AsInt() + 1;
        r[i->a].SetIntUnchecked(next);
        if (next < r[o[0]].AsInt() && r[o[1]].AsBool()) {
          if (ABSL_PREDICT_FALSE(StopIsDue()) && !(status = StopNow()).ok()) {
            goto failed;
          }
          i = code + i->c;
          continue;
        }
        break;
      }
      case OpCode::kReturn: {
        for (uint32_t k = 0; k < i->c; ++k)
          results->push_back(r[operands[i->b + k]]);
        return absl::OkStatus();
      }
      case OpCode::kKernel:
        if (ABSL_PREDICT_FALSE(options_.profiler != nullptr)) {
          status = Profile(plan, *i, r);
        } else if (ABSL_PREDICT_TRUE(!plan.kernels[i->a].in_place)) {
          status = CallKernel(plan, *i, r);
        } else {
          status = CallInPlace(plan, *i, r);
        }
        if (ABSL_PREDICT_FALSE(!status.ok())) goto failed;
        break;
      case OpCode::kCallPlan:
        status = CallPlan(plan.calls[i->a].function, operands + i->b, *i, r);
        if (ABSL_PREDICT_FALSE(!status.ok())) goto failed;
        break;
      case OpCode::kCallDynamic:
        status = CallDynamic(plan, *i, r);
        if (ABSL_PREDICT_FALSE(!status.ok())) goto failed;
        break;
      case OpCode::kGroup:
        status = ABSL_PREDICT_TRUE(options_.profiler == nullptr)
                     ? CallGroup(plan, *i, r)
                     : Profile(plan, *i, r);
        if (ABSL_PREDICT_FALSE(!status.ok())) goto failed;
        break;
      case OpCode::kFork:
        status = Fork(plan, *i, r);
        if (ABSL_PREDICT_FALSE(!status.ok())) goto failed;
        break;
      case OpCode::kWait: {
        IValue result;
        status = Wait(r[i->b], &result);
        if (ABSL_PREDICT_FALSE(!status.ok())) goto failed;
        r[i->a] = std::move(result);
        break;
      }
      case OpCode::kListRefill:
        if (IValue& kept = r[i->a]; kept.is_list() && kept.AsList().unique() &&
                                    kept.AsList().values.size() == i->c) {
          IValue* values = kept.AsList().values.data();
          for (uint32_t k = 0; k < i->c; ++k) {
            values[k] = r[operands[i->b + k]];
          }
          break;
        }
        ABSL_FALLTHROUGH_INTENDED;
      case OpCode::kListConstruct: {
        auto list = MakeList(plan.types[i->d]);
        list->values.reserve(i->c);
        for (uint32_t k = 0; k < i->c; ++k) {
          list->values.push_back(TakeOperand(operands[i->b + k], r));
        }
        r[i->a] = IValue(std::move(list));
        break;
      }
      case OpCode::kTupleConstruct: {
        std::vector<IValue> values;
        values.reserve(i->c);
        for (uint32_t k = 0; k < i->c; ++k) {
          values.push_back(TakeOperand(operands[i->b + k], r));
        }
        const TypePtr& type = plan.types[i->d];
        r[i->a] = IValue(MakeRef<TupleObject>(
            std::move(values), type->is_named_tuple() ? type : nullptr));
        break;
      }
      case OpCode::kDictConstruct: {
        const TypePtr& type = plan.types[i->d];
        auto dict = MakeDict(type->element(0), type->element(1));
        for (uint32_t k = 0; k + 1 < i->c; k += 2) {
          IValue key = TakeOperand(operands[i->b + k], r);
          dict->Set(std::move(key), TakeOperand(operands[i->b + k + 1], r));
        }
        r[i->a] = IValue(std::move(dict));
        break;
      }
      case OpCode::kListUnpack: {
        const Ref<ListObject> list = r[operands[i->b]].AsRef<ListObject>();
        if (list->values.size() != i->c) {
          status = absl::InvalidArgumentError(
              absl::StrCat("Expected ", i->c, " elements in a list but found ",
                           list->values.size()));
          goto failed;
        }
        for (uint32_t k = 0; k < i->c; ++k) {
          r[operands[i->b + 1 + k]] = list->values[k];
        }
        break;
      }
      case OpCode::kTupleUnpack: {
        const Ref<TupleObject> tuple = r[operands[i->b]].AsRef<TupleObject>();
        if (tuple->values.size() != i->c) {
          status = absl::InvalidArgumentError(
              absl::StrCat("Expected a tuple of ", i->c, " elements but found ",
                           tuple->values.size()));
          goto failed;
        }
        for (uint32_t k = 0; k < i->c; ++k) {
          r[operands[i->b + 1 + k]] = tuple->values[k];
        }
        break;
      }
      case OpCode::kTupleIndex: {
        const Ref<TupleObject> tuple = r[i->b].AsRef<TupleObject>();
        int64_t index = r[i->c].AsInt();
        status = Indexed(tuple->values.size(), &index, "Tuple");
        if (ABSL_PREDICT_FALSE(!status.ok())) goto failed;
        r[i->a] = tuple->values[index];
        break;
      }
      case OpCode::kTupleSlice: {
        const auto& values = r[i->b].AsTuple().values;
        const size_t begin = std::min<size_t>(i->c, values.size());
        const size_t end = std::clamp<size_t>(i->d, begin, values.size());
        r[i->a] =
            IValue(MakeTuple({values.begin() + static_cast<int64_t>(begin),
                              values.begin() + static_cast<int64_t>(end)}));
        break;
      }
      case OpCode::kGetAttr:
        r[i->a] = r[i->b].AsObject().Get(i->c);
        break;
      case OpCode::kGetAttrStable:
        r[i->a] = r[i->b].AsObject().GetUnlocked(i->c);
        break;
      case OpCode::kBorrowAttr:
        Borrow(r[i->b].AsObject().GetUnlocked(i->c), &r[i->a]);
        break;
      case OpCode::kSetAttr:
        r[i->b].AsObject().Set(i->c, TakeOperand(i->a, r));
        break;
      case OpCode::kCreateObject:
        r[i->a] = IValue(NewDefaultObject(*plan.types[i->d]->AsClass()));
        break;
      case OpCode::kDefault:
        r[i->a] = DefaultValue(*plan.types[i->d]);
        break;
      case OpCode::kPrint: {
        std::string line;
        for (uint32_t k = 0; k < i->c; ++k) {
          absl::StrAppend(&line, k == 0 ? "" : " ",
                          r[operands[i->b + k]].ToString());
        }
        line += '\n';
        const CallContext& context = CurrentContext();
        if (context.output != nullptr) {
          context.output->Write(line);
        } else {
          std::fwrite(line.data(), 1, line.size(), stdout);
        }
        break;
      }
      case OpCode::kRaise:
        status = Raise(r[i->b], r[i->c]);
        goto failed;
      case OpCode::kUncheckedCast:
        if (ABSL_PREDICT_FALSE(!r[i->b].Conforms(*plan.types[i->d]))) {
          status = absl::InvalidArgumentError(absl::StrCat(
              "unchecked_cast: expected a value of type '",
              plan.types[i->d]->ToAnnotation(), "' but found type '",
              r[i->b].TypeOf()->ToAnnotation(), "'"));
          goto failed;
        }
        r[i->a] = r[i->b];
        break;
      case OpCode::kIsInstance: {
        bool result = false;
        for (const TypePtr& t : plan.type_lists[i->d]) {
          result = result || r[i->b].Conforms(*t);
        }
        r[i->a].SetIntUnchecked(result);
        break;
      }
      case OpCode::kToList: {
        const uint32_t* o = operands + i->b;
        absl::StatusOr<IValue> list =
            ToList(r[o[0]].AsOptionalTensor(), r[o[1]].AsInt(), r[o[2]].AsInt(),
                   *plan.types[i->d]);
        if (!list.ok()) {
          status = std::move(list).status();
          goto failed;
        }
        r[i->a] = *std::move(list);
        break;
      }
      case OpCode::kEnumName:
        r[i->a] = IValue(r[i->b].AsEnum().name);
        break;
      case OpCode::kEnumValue:
        r[i->a] = r[i->b].AsEnum().value;
        break;
      case OpCode::kModuleIndex: {
        const ModuleObject& object = r[i->b].AsObject();
        std::string name;
        if (r[i->c].is_string()) {
          name = r[i->c].AsString();
        } else {
          int64_t index = r[i->c].AsInt();
          const int64_t size = static_cast<int64_t>(
              std::count_if(object.type()->attributes().begin(),
                            object.type()->attributes().end(),
                            [](const ClassType::Attribute& a) {
                              return a.type->is(TypeKind::kClass) &&
                                     a.type->AsClass()->is_module();
                            }));
          if (index < 0) index += size;
          name = absl::StrCat(index);
        }
        absl::StatusOr<IValue> child = object.GetAttribute(name);
        // A key may name what is no module.
        if (!child.ok() || !child->is_object() ||
            !child->AsObject().type()->is_module()) {
          status = r[i->c].is_string()
                       ? absl::NotFoundError(absl::StrCat("Key Error, ", name))
                       : absl::OutOfRangeError("list index out of range");
          goto failed;
        }
        r[i->a] = *std::move(child);
        break;
      }
      case OpCode::kListGet: {
        const std::vector<IValue>& values = r[i->b].AsList().values;
        int64_t index = r[i->c].AsInt();
        status = Indexed(values.size(), &index, "list");
        if (ABSL_PREDICT_FALSE(!status.ok())) goto failed;
        IValue value = values[index];
        r[i->a] = std::move(value);
        break;
      }
      case OpCode::kListLen:
        r[i->a].SetIntUnchecked(
            static_cast<int64_t>(r[i->b].AsList().values.size()));
        break;
      case OpCode::kAppend: {
        IValue value = TakeOperand(i->c, r);
        if (ABSL_PREDICT_FALSE(StopIsDue()) && !(status = StopNow()).ok()) {
          goto failed;
        }
        r[i->b].AsList().values.push_back(std::move(value));
        if (i->a != UINT32_MAX) r[i->a] = r[i->b];
        break;
      }
      case OpCode::kSortObjects:
        status = SortObjects(plan, *i, r);
        if (ABSL_PREDICT_FALSE(!status.ok())) goto failed;
        break;
    }
    if (i->drop_count != 0) {
      const uint32_t* d = plan.drops.data() + i->drop_begin;
      for (uint32_t k = 0; k < i->drop_count; ++k) r[d[k]].Reset();
    }
    ++i;
  }
failed:
  for (uint32_t s = i->site; s != 0; s = plan.sites[s].parent) {
    traceback_.push_back(plan.sites[s]);
  }
  return status;
}

absl::Status Execution::Raise(const IValue& message, const IValue& name) {
  exception_class_ = name.is_string() ? name.AsString() : "";
  return absl::AbortedError(message.is_string() ? message.AsString()
                                                : message.ToString());
}

}  // namespace tandem
