// Executes plans.
#ifndef TANDEM_RUNTIME_EXECUTOR_H_
#define TANDEM_RUNTIME_EXECUTOR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/runtime/engine.h"
#include "tandem/runtime/plan.h"

namespace tandem {

// What one running call carries through its plans.
class Execution {
 public:
  Execution(const Engine& engine, const CallOptions& options)
      : engine_(engine), options_(options), steps_left_(options.max_steps) {}

  // Runs a plan on its arguments (moved out). On failure the traceback grows by
  // the plan's frames, innermost first.
  absl::StatusOr<std::vector<IValue>> Run(const Plan& plan, IValue* args,
                                          size_t count);

  // The same, with the standard library's failure to allocate (a list that
  // grows without end) as a Status.
  absl::StatusOr<std::vector<IValue>> RunGuarded(const Plan& plan, IValue* args,
                                                 size_t count);
  // Until the forks that this call started have ended.
  void WaitForForks();

  // The failure as its user sees it: message, traceback, class of exception.
  absl::Status Describe(absl::Status failure) const;

 private:
  friend class ForkedCall;
  absl::Status Loop(const Plan& plan, IValue* registers,
                    std::vector<IValue>* results);
  absl::Status CallKernel(const Plan& plan, const Instruction& i,
                          IValue* registers);
  absl::Status CheckTensors(const KernelSite& site, const Plan& plan,
                            const Instruction& i, IValue* registers,
                            std::vector<std::pair<uint32_t, IValue>>* saved);
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
  absl::StatusOr<Tensor> Dense(const Tensor& sparse);
  absl::Status Raise(const IValue& message, const IValue& name);
  absl::Status Stop(uint32_t cost);

  const Engine& engine_;
  const CallOptions& options_;
  int64_t steps_left_;
  uint32_t until_clock_ = 1;
  int depth_ = 0;
  std::vector<DType>
      autocast_;  // of the `with autocast` blocks around; undefined: off
  std::vector<Site> traceback_;             // innermost first
  std::vector<Ref<FutureObject>> pending_;  // forks that may still run
  std::string exception_class_;
};

}  // namespace tandem

#endif  // TANDEM_RUNTIME_EXECUTOR_H_
