// Executes plans.
#ifndef TANDEM_RUNTIME_EXECUTOR_H_
#define TANDEM_RUNTIME_EXECUTOR_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/runtime/engine.h"
#include "tandem/runtime/plan.h"

namespace tandem {

// The value of an operand, moved out at its last use.
inline IValue TakeOperand(uint32_t operand, IValue* registers) {
  if (operand & kMoveBit) return std::move(registers[operand & ~kMoveBit]);
  return registers[operand];
}

// What one running call carries through its plans. executor.cc is the loop over
// instructions; kernel_call.cc, plan_call.cc and sort_objects.cc have what
// takes more than a few lines.
class Execution {
 public:
  // Most functions have one: no heap.
  using Results = absl::InlinedVector<IValue, 2>;

  Execution(const Engine& engine, const CallOptions& options)
      : engine_(engine), options_(options), steps_left_(options.max_steps) {}

  // Runs a plan on its arguments (moved out). On failure the traceback grows by
  // the plan's frames, innermost first.
  absl::Status Run(const Plan& plan, IValue* args, size_t count,
                   Results* results);

  // The same, with the standard library's failure to allocate (a list that
  // grows without end) as a Status.
  absl::Status RunGuarded(const Plan& plan, IValue* args, size_t count,
                          Results* results);
  // Until the forks that this call started have ended.
  void WaitForForks();

  // The failure as its user sees it: message, traceback, class of exception.
  absl::Status Describe(absl::Status failure) const;

 private:
  friend class ForkedCall;
  absl::Status Loop(const Plan& plan, IValue* registers, Results* results);
  absl::Status CallKernel(const Plan& plan, const Instruction& i,
                          IValue* registers);
  // Of a site that is marked `in_place`.
  absl::Status CallInPlace(const Plan& plan, const Instruction& i,
                           IValue* registers);
  // The same, or a group, timed.
  absl::Status Profile(const Plan& plan, const Instruction& i,
                       IValue* registers);
  absl::Status CheckTensors(const KernelSite& site, const KernelEntry& entry,
                            const Plan& plan, const Instruction& i,
                            IValue* registers,
                            std::vector<std::pair<uint32_t, IValue>>* saved);
  absl::Status CallGroup(const Plan& plan, const Instruction& i,
                         IValue* registers);
  absl::Status CallPlan(const Function* function, const uint32_t* operands,
                        const Instruction& i, IValue* registers);
  absl::Status CallDynamic(const Plan& plan, const Instruction& i,
                           IValue* registers);
  absl::Status Fork(const Plan& plan, const Instruction& i, IValue* registers);
  absl::Status Wait(const IValue& future, IValue* out);
  absl::Status SortObjects(const Plan& plan, const Instruction& i,
                           IValue* registers);
  absl::Status SwitchAutocast(const ModuleObject& object,
                              absl::string_view method);
  absl::Status Raise(const IValue& message, const IValue& name);
  // Counts a step; true when StopNow() must be asked whether to go on.
  bool StopIsDue() {
    return --steps_left_ < 0 || --until_clock_ == 0 ||
           (options_.cancel != nullptr &&
            options_.cancel->load(std::memory_order_relaxed));
  }
  absl::Status StopNow();
  absl::Status Stop() { return StopIsDue() ? StopNow() : absl::OkStatus(); }

  const Engine& engine_;
  const CallOptions& options_;
  int64_t steps_left_;
  uint32_t until_clock_ = 1;
  int depth_ = 0;
  Frame* frame_ = nullptr;  // of the plan that runs
  std::vector<DType>
      autocast_;  // of the `with autocast` blocks around; undefined: off
  std::vector<Site> traceback_;             // innermost first
  std::vector<Ref<FutureObject>> pending_;  // forks that may still run
  std::string exception_class_;
};

}  // namespace tandem

#endif  // TANDEM_RUNTIME_EXECUTOR_H_
