// Calls of other plans: functions, methods by name, forks.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/runtime/autocast.h"
#include "tandem/runtime/bound_methods.h"
#include "tandem/runtime/executor.h"
#include "tandem/runtime/thread_pool.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {

absl::Status Execution::CallPlan(const Function* function,
                                 const uint32_t* operands, const Instruction& i,
                                 IValue* r) {
  TANDEM_RETURN_IF_ERROR(Stop());
  TANDEM_ASSIGN_OR_RETURN(const Plan* plan, engine_.PlanFor(function));
  absl::InlinedVector<IValue, 8> args;
  for (uint32_t k = 0; k < i.c; ++k)
    args.push_back(TakeOperand(operands[k], r));
  Results results;
  TANDEM_RETURN_IF_ERROR(Run(*plan, args.data(), args.size(), &results));
  for (uint32_t k = 0; k < i.d && k < results.size(); ++k) {
    r[operands[i.c + k]] = std::move(results[k]);
  }
  return absl::OkStatus();
}

absl::Status Execution::CallDynamic(const Plan& plan, const Instruction& i,
                                    IValue* r) {
  const uint32_t* operands = plan.operands.data() + i.b;
  const IValue& self = r[operands[0] & ~kMoveBit];
  if (self.is_opaque()) {
    const IValue object = TakeOperand(operands[0], r);
    TANDEM_ASSIGN_OR_RETURN(
        IValue result,
        CallBoundMethod(object, plan.names[i.a], engine_.registry(),
                        engine_.options().backends));
    if (i.d > 0) r[operands[i.c]] = std::move(result);
    return absl::OkStatus();
  }
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
    Execution::Results results;
    const absl::Status status =
        execution.RunGuarded(*plan_, args_.data(), args_.size(), &results);
    args_.clear();
    execution.WaitForForks();
    if (!status.ok()) {
      future_->Complete(execution.Describe(status));
    } else if (results.size() == 1) {
      future_->Complete(std::move(results[0]));
    } else {
      future_->Complete(IValue(
          MakeTuple(std::vector<IValue>(results.begin(), results.end()))));
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

}  // namespace tandem
