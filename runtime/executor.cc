#include "tandem/runtime/executor.h"

#include <algorithm>
#include <cmath>
#include <new>
#include <stdexcept>
#include <utility>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/runtime/autocast.h"
#include "tandem/runtime/default_value.h"
#include "tandem/runtime/thread_pool.h"
#include "tandem/runtime/to_list.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// Between looks at the clock, in steps of about 100 ns to 1 us.
constexpr uint32_t kClockInterval = 256;

IValue TakeOperand(uint32_t operand, IValue* registers) {
  if (operand & kMoveBit) return std::move(registers[operand & ~kMoveBit]);
  return registers[operand];
}

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

// Products that take a sparse operand and give a dense result.
bool IsMatrixProduct(const Operator& op) {
  const std::string& name = op.schema.name;
  return name == "aten::mm" || name == "aten::matmul" || name == "aten::mv" ||
         name == "aten::addmm";
}

// a < b of what sort() takes beside objects: numbers, strings, and tuples of
// these, compared from the front. Nullopt for anything else.
std::optional<bool> LessThan(const IValue& a, const IValue& b, int depth) {
  if (a.tag() != b.tag() || depth > 64) return std::nullopt;
  switch (a.tag()) {
    case IValue::Tag::kBool:
    case IValue::Tag::kInt:
      return a.AsInt() < b.AsInt();
    case IValue::Tag::kDouble:
      return a.AsDouble() < b.AsDouble();
    case IValue::Tag::kString:
      return a.AsString() < b.AsString();
    case IValue::Tag::kTuple: {
      const auto& x = a.AsTuple().values;
      const auto& y = b.AsTuple().values;
      for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        if (!Equal(x[i], y[i])) return LessThan(x[i], y[i], depth + 1);
      }
      return x.size() < y.size();
    }
    default:
      return std::nullopt;
  }
}

absl::Status Indexed(size_t size, int64_t* index, absl::string_view what) {
  if (*index < 0) *index += static_cast<int64_t>(size);
  if (*index < 0 || *index >= static_cast<int64_t>(size)) {
    return absl::OutOfRangeError(absl::StrCat(what, " index out of range"));
  }
  return absl::OkStatus();
}

}  // namespace

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
  for (uint32_t r : references) {
    if (!frame->registers[r].is_none()) frame->registers[r].Reset();
  }
  absl::MutexLock lock(&mutex_);
  if (frames_.size() < kMaxFrames) frames_.push_back(std::move(frame));
}

absl::StatusOr<std::vector<IValue>> Execution::Run(const Plan& plan,
                                                   IValue* args, size_t count) {
  if (++depth_ > CurrentContext().max_call_depth) {
    --depth_;
    return absl::ResourceExhaustedError("calls are nested too deeply");
  }
  std::unique_ptr<Frame> frame = plan.TakeFrame();
  for (size_t i = 0; i < count; ++i) {
    frame->registers[plan.inputs[i]] = std::move(args[i]);
  }
  std::vector<IValue> results;
  absl::Status status = Loop(plan, frame->registers.get(), &results);
  plan.GiveFrame(std::move(frame));
  --depth_;
  if (ABSL_PREDICT_FALSE(!status.ok())) return status;
  return results;
}

absl::StatusOr<std::vector<IValue>> Execution::RunGuarded(const Plan& plan,
                                                          IValue* args,
                                                          size_t count) {
  // The one place below the command where exceptions are met: containers of
  // the standard library have no other way to say that memory is used up.
  try {
    return Run(plan, args, count);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  } catch (const std::length_error&) {
    return absl::ResourceExhaustedError(
        "out of memory: a container grew too large");
  }
}

absl::Status Execution::Stop(uint32_t cost) {
  steps_left_ -= cost;
  if (ABSL_PREDICT_FALSE(steps_left_ < 0)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the program ran for more than the ", options_.max_steps,
                     " steps it may take"));
  }
  if (options_.cancel != nullptr &&
      options_.cancel->load(std::memory_order_relaxed)) {
    return absl::CancelledError("cancelled");
  }
  if (--until_clock_ == 0) {
    until_clock_ = kClockInterval;
    return CheckStop();
  }
  return absl::OkStatus();
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

absl::Status Execution::Loop(const Plan& plan, IValue* r,
                             std::vector<IValue>* results) {
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
          if (ABSL_PREDICT_FALSE(!(status = Stop(1)).ok())) goto failed;
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
          if (ABSL_PREDICT_FALSE(!(status = Stop(1)).ok())) goto failed;
          i = code + i->c;
          continue;
        }
        break;
      }
      case OpCode::kReturn: {
        results->reserve(i->c);
        for (uint32_t k = 0; k < i->c; ++k)
          results->push_back(r[operands[i->b + k]]);
        return absl::OkStatus();
      }
      case OpCode::kKernel:
        status = CallKernel(plan, *i, r);
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
        if (!child.ok()) {
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
        status = Stop(1);
        if (ABSL_PREDICT_FALSE(!status.ok())) goto failed;
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

absl::StatusOr<Tensor> Execution::Dense(const Tensor& sparse) {
  const Operator* op =
      engine_.registry().operators().Find("aten::to_dense", "");
  const KernelEntry* entry =
      op == nullptr ? nullptr
                    : engine_.registry().Find(*op, engine_.options().backends);
  if (entry == nullptr) {
    return absl::UnimplementedError(
        "no backend has a kernel for aten::to_dense");
  }
  IValue registers[4] = {IValue(sparse), IValue(), IValue(), IValue()};
  const uint32_t inputs[] = {0, 1, 2}, outputs[] = {3};
  TANDEM_RETURN_IF_ERROR(entry->kernel({registers, inputs, outputs, 3, 1}));
  return registers[3].AsTensor();
}

absl::Status Execution::CheckTensors(
    const KernelSite& site, const Plan& plan, const Instruction& i, IValue* r,
    std::vector<std::pair<uint32_t, IValue>>* saved) {
  const uint32_t* inputs = plan.operands.data() + i.b;
  const KernelOptions& options = site.entry->options;
  const AutocastPolicy policy =
      autocast_.empty() || autocast_.back() == DType::kUndefined
          ? AutocastPolicy::kNone
          : AutocastPolicyOf(*site.op);
  const auto resolve = [&](const Tensor& t, Tensor* out) -> absl::Status {
    TensorImpl* impl = t.impl();
    if ((impl->conj || impl->neg) && !options.handles_lazy_bits &&
        !options.metadata_only && !site.op->schema.is_mutable()) {
      TANDEM_ASSIGN_OR_RETURN(*out, ResolveLazyBits(t));
    }
    if (t.is_meta() && !options.metadata_only) {
      return absl::UnimplementedError(absl::StrCat(
          site.op->schema.name,
          ": a tensor on the meta device has no elements to compute with"));
    }
    if (policy != AutocastPolicy::kNone && !t.is_sparse()) {
      TANDEM_ASSIGN_OR_RETURN(Tensor cast, Autocast(out->defined() ? *out : t,
                                                    policy, autocast_.back()));
      if (!cast.is_same(t)) *out = std::move(cast);
    }
    if (t.is_sparse() && !options.handles_sparse && !options.metadata_only) {
      if (IsMatrixProduct(*site.op)) {
        TANDEM_ASSIGN_OR_RETURN(*out, Dense(t));
        return absl::OkStatus();
      }
      return absl::UnimplementedError(
          absl::StrCat("Could not run '", site.op->schema.FullName(),
                       "' with arguments from the 'SparseCPU' backend."));
    }
    return absl::OkStatus();
  };
  const auto single = [&](uint8_t k, bool required) -> absl::Status {
    IValue& v = r[inputs[k]];
    if (!v.is_tensor() || !v.AsTensor().defined()) {
      if (!required) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat(
          "Expected a proper Tensor but got None (or an undefined Tensor in "
          "C++) "
          "for argument #",
          static_cast<int>(k), " '", site.op->schema.arguments[k].name, "'"));
    }
    Tensor resolved;
    TANDEM_RETURN_IF_ERROR(resolve(v.AsTensor(), &resolved));
    if (resolved.defined()) {
      saved->emplace_back(inputs[k], v);
      v = IValue(std::move(resolved));
    }
    return absl::OkStatus();
  };
  for (uint8_t k : site.tensors) TANDEM_RETURN_IF_ERROR(single(k, true));
  for (uint8_t k : site.optional_tensors)
    TANDEM_RETURN_IF_ERROR(single(k, false));
  for (uint8_t k : site.tensor_lists) {
    IValue& v = r[inputs[k]];
    if (!v.is_list()) continue;
    const bool optional = v.AsList().element_type->MayBeNone();
    for (size_t e = 0; e < v.AsList().values.size(); ++e) {
      const Tensor& t = v.AsList().values[e].AsOptionalTensor();
      if (!t.defined()) {
        if (optional) continue;
        return absl::InvalidArgumentError(absl::StrCat(
            "Expected a proper Tensor but got None (or an undefined Tensor in "
            "C++) at position #",
            e, " of argument #", static_cast<int>(k), " '",
            site.op->schema.arguments[k].name, "'"));
      }
      Tensor resolved;
      TANDEM_RETURN_IF_ERROR(resolve(t, &resolved));
      if (!resolved.defined()) continue;
      if (saved->empty() || saved->back().first != inputs[k]) {
        // The program's list stays as it is.
        saved->emplace_back(inputs[k], v);
        v = IValue(MakeList(v.AsList().element_type, v.AsList().values));
      }
      v.AsList().values[e] = IValue(std::move(resolved));
    }
  }
  return absl::OkStatus();
}

namespace {

// Is a tensor, alone or in a list, quantized?
bool AnyQuantized(const KernelSite& site, const KernelCall& call) {
  for (uint8_t k : site.tensors) {
    if (call.in(k).AsTensor().is_quantized()) return true;
  }
  for (uint8_t k : site.tensor_lists) {
    if (!call.in(k).is_list()) continue;
    for (const IValue& v : call.in(k).AsList().values) {
      const Tensor& t = v.AsOptionalTensor();
      if (t.defined() && t.is_quantized()) return true;
    }
  }
  return false;
}

}  // namespace

absl::Status Execution::CallKernel(const Plan& plan, const Instruction& i,
                                   IValue* r) {
  const KernelSite& site = plan.kernels[i.a];
  const uint32_t* inputs = plan.operands.data() + i.b;
  const KernelCall call{r, inputs, inputs + i.c, i.c, i.d};
  bool plain = true;
  for (uint8_t k : site.tensors) {
    const TensorImpl* impl = r[inputs[k]].AsOptionalTensor().impl();
    plain = plain && impl != nullptr && !impl->conj && !impl->neg &&
            impl->layout == Layout::kStrided && impl->quantizer == nullptr &&
            impl->device.type != DeviceType::kMeta;
  }
  if (ABSL_PREDICT_TRUE(plain && site.tensor_lists.empty() &&
                        site.optional_tensors.empty() && autocast_.empty())) {
    TANDEM_RETURN_IF_ERROR(Stop(1));
    return site.entry->kernel(call);
  }
  TANDEM_RETURN_IF_ERROR(Stop(1));
  std::vector<std::pair<uint32_t, IValue>> saved;
  absl::Status status = CheckTensors(site, plan, i, r, &saved);
  if (status.ok()) {
    const bool quantized =
        site.quantized != nullptr && AnyQuantized(site, call);
    status = (quantized ? site.quantized : site.entry)->kernel(call);
  }
  for (auto it = saved.rbegin(); it != saved.rend(); ++it) {
    // An output may have taken the register over.
    bool overwritten = false;
    for (uint32_t k = 0; k < i.d; ++k)
      overwritten |= call.outputs[k] == it->first;
    if (!overwritten) r[it->first] = std::move(it->second);
  }
  return status;
}

absl::Status Execution::CallPlan(const Function* function,
                                 const uint32_t* operands, const Instruction& i,
                                 IValue* r) {
  TANDEM_RETURN_IF_ERROR(Stop(1));
  TANDEM_ASSIGN_OR_RETURN(const Plan* plan, engine_.PlanFor(function));
  absl::InlinedVector<IValue, 8> args;
  for (uint32_t k = 0; k < i.c; ++k)
    args.push_back(TakeOperand(operands[k], r));
  TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> results,
                          Run(*plan, args.data(), args.size()));
  for (uint32_t k = 0; k < i.d && k < results.size(); ++k) {
    r[operands[i.c + k]] = std::move(results[k]);
  }
  return absl::OkStatus();
}

absl::Status Execution::CallDynamic(const Plan& plan, const Instruction& i,
                                    IValue* r) {
  const uint32_t* operands = plan.operands.data() + i.b;
  const IValue& self = r[operands[0] & ~kMoveBit];
  Function* method = self.is_object()
                         ? self.AsObject().type()->FindMethod(plan.names[i.a])
                         : nullptr;
  if (self.is_object() && self.AsObject().type()->name() == kAutocastClass) {
    TANDEM_RETURN_IF_ERROR(SwitchAutocast(self.AsObject(), plan.names[i.a]));
  }
  if (method == nullptr) {
    return absl::NotFoundError(absl::StrCat("'", self.TypeOf()->ToAnnotation(),
                                            "' has no method '",
                                            plan.names[i.a], "'"));
  }
  return CallPlan(method, operands, i, r);
}

absl::Status Execution::SwitchAutocast(const ModuleObject& object,
                                       absl::string_view method) {
  if (method == "__exit__") {
    if (!autocast_.empty()) autocast_.pop_back();
    return absl::OkStatus();
  }
  TANDEM_ASSIGN_OR_RETURN(const IValue enabled,
                          object.GetAttribute("_enabled"));
  TANDEM_ASSIGN_OR_RETURN(const IValue device, object.GetAttribute("device"));
  TANDEM_ASSIGN_OR_RETURN(const IValue dtype,
                          object.GetAttribute("fast_dtype"));
  DType reduced = autocast_.empty() ? DType::kUndefined : autocast_.back();
  if (device.is_string() && device.AsString() == "cpu") {
    const bool on = enabled.is_bool() && enabled.AsBool() && dtype.is_int();
    reduced = on ? DTypeFromInt(dtype.AsInt()).value_or(DType::kUndefined)
                 : DType::kUndefined;
  }
  autocast_.push_back(reduced);
  return absl::OkStatus();
}

// A forked body that runs on the pool: it has its own execution and context.
class ForkedCall {
 public:
  ForkedCall(const Engine& engine, const CallOptions& options,
             CallContext context, const Plan* plan, std::vector<IValue> args,
             Ref<FutureObject> future)
      : engine_(engine),
        options_(options),
        context_(context),
        plan_(plan),
        args_(std::move(args)),
        future_(std::move(future)) {}

  void operator()() {
    ScopedContext scope(context_);
    Execution execution(engine_, options_);
    absl::StatusOr<std::vector<IValue>> results =
        execution.RunGuarded(*plan_, args_.data(), args_.size());
    args_.clear();
    execution.WaitForForks();
    if (!results.ok()) {
      future_->Complete(execution.Describe(std::move(results).status()));
    } else if (results->size() == 1) {
      future_->Complete(std::move((*results)[0]));
    } else {
      future_->Complete(IValue(MakeTuple(*std::move(results))));
    }
  }

 private:
  const Engine& engine_;
  const CallOptions options_;
  const CallContext context_;
  const Plan* const plan_;
  std::vector<IValue> args_;
  Ref<FutureObject> future_;
};

absl::Status Execution::Fork(const Plan& plan, const Instruction& i,
                             IValue* r) {
  const uint32_t* operands = plan.operands.data() + i.b;
  TANDEM_ASSIGN_OR_RETURN(const Plan* body,
                          engine_.PlanFor(plan.calls[i.a].function));
  const Type& type = *plan.types[i.d];
  auto future = MakeRef<FutureObject>(type.elements().empty() ? Type::Any()
                                                              : type.element());
  std::vector<IValue> args;
  for (uint32_t k = 0; k < i.c; ++k) args.push_back(r[operands[k]]);
  auto call = std::make_shared<ForkedCall>(engine_, options_, CurrentContext(),
                                           body, std::move(args), future);
  // A generator is not shared by threads: forks that draw run in place.
  ThreadPool* pool = body->may_draw ? nullptr : engine_.fork_pool();
  if (pool != nullptr) {
    pending_.push_back(future);
    pool->Submit([call] { (*call)(); });
  } else {
    (*call)();
  }
  r[operands[i.c]] = IValue(std::move(future));
  return absl::OkStatus();
}

void Execution::WaitForForks() {
  for (const Ref<FutureObject>& future : pending_) {
    IValue ignored;
    Wait(IValue(future), &ignored).IgnoreError();
  }
  pending_.clear();
}

absl::Status Execution::Wait(const IValue& future, IValue* out) {
  if (!future.is_future()) {
    *out = future;
    return absl::OkStatus();
  }
  const Ref<FutureObject> f = future.AsRef<FutureObject>();
  ThreadPool* pool = engine_.fork_pool();
  while (!f->ready() && pool != nullptr && pool->RunOne()) {
  }
  absl::StatusOr<IValue> result = f->Wait();
  if (!result.ok()) {
    // Raised anew where the program waits.
    exception_class_ = ExceptionClass(result.status());
    return absl::Status(result.status().code(),
                        ExceptionMessage(result.status()));
  }
  *out = *std::move(result);
  return absl::OkStatus();
}

absl::Status Execution::SortObjects(const Plan& plan, const Instruction& i,
                                    IValue* r) {
  const uint32_t* operands = plan.operands.data() + i.b;
  const Ref<ListObject> list = r[operands[0]].AsRef<ListObject>();
  const bool reverse = i.c > 1 && r[operands[1]].AsBool();
  std::vector<IValue> values = list->values;
  absl::Status failure;
  const auto less = [&](const IValue& a, const IValue& b) {
    if (!failure.ok()) return false;
    if (const std::optional<bool> known = LessThan(a, b, 0);
        known.has_value()) {
      return *known;
    }
    Function* method =
        a.is_object() ? a.AsObject().type()->FindMethod("__lt__") : nullptr;
    if (method == nullptr) {
      failure = absl::InvalidArgumentError(
          "Only list of Tensors, ints, floats, bools, strs or a User Defined "
          "Class that "
          "defines the __lt__ compare method can be sorted");
      return false;
    }
    absl::StatusOr<const Plan*> plan = engine_.PlanFor(method);
    if (!plan.ok()) {
      failure = plan.status();
      return false;
    }
    IValue args[2] = {a, b};
    absl::StatusOr<std::vector<IValue>> result = Run(**plan, args, 2);
    if (!result.ok()) {
      failure = result.status();
      return false;
    }
    return (*result)[0].AsBool();
  };
  // A merge sort by hand: whatever __lt__ answers, it stays in bounds.
  std::vector<IValue> buffer(values.size());
  for (size_t width = 1; width < values.size(); width *= 2) {
    for (size_t lo = 0; lo < values.size(); lo += 2 * width) {
      const size_t mid = std::min(lo + width, values.size());
      const size_t hi = std::min(lo + 2 * width, values.size());
      size_t x = lo, y = mid;
      for (size_t k = lo; k < hi; ++k) {
        bool second = x == mid;
        if (!second && y < hi) {
          second =
              reverse ? less(values[x], values[y]) : less(values[y], values[x]);
        }
        buffer[k] = second ? values[y++] : values[x++];
      }
    }
    values.swap(buffer);
    TANDEM_RETURN_IF_ERROR(failure);
  }
  if (i.a == UINT32_MAX) {
    list->values = std::move(values);
  } else {
    r[i.a] = IValue(MakeList(list->element_type, std::move(values)));
  }
  return absl::OkStatus();
}

absl::Status Execution::Raise(const IValue& message, const IValue& name) {
  exception_class_ = name.is_string() ? name.AsString() : "";
  return absl::AbortedError(message.is_string() ? message.AsString()
                                                : message.ToString());
}

}  // namespace tandem
