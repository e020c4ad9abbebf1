#include "tandem/frontends/eager/context.h"

#include <utility>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/arg.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::eager {
namespace {

// The deliberate global: `a + b` needs a context.
std::atomic<Context*> default_context{nullptr};
thread_local Context* thread_context = nullptr;
thread_local bool grad_enabled = true;

}  // namespace

Context::Context(const Registry* registry, EngineOptions options)
    : engine_(registry, options), by_index_(internal::kNumOperators) {
  if (options.threads > 1) {
    pool_ = std::make_unique<ThreadPool>(options.threads - 1);
  }
}

Context::~Context() {
  Context* self = this;
  default_context.compare_exchange_strong(self, nullptr);
}

void Context::ManualSeed(uint64_t seed) {
  absl::MutexLock lock(&generator_mutex_);
  generator_.Seed(seed);
}

const OperatorCall& Context::Find(const Operator& op) {
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<const OperatorCall>& entry = by_operator_[&op];
  if (entry == nullptr) {
    entry = std::make_unique<OperatorCall>(op, engine_.registry(),
                                           engine_.options().backends);
  }
  return *entry;
}

const OperatorCall* Context::Find(uint32_t index) {
  const OperatorCall* call = by_index_[index].load(std::memory_order_acquire);
  if (ABSL_PREDICT_TRUE(call != nullptr)) return call;
  const internal::OperatorName& name = internal::kOperatorNames[index];
  const Operator* op = operators().Find(name.name, name.overload);
  if (op == nullptr) return nullptr;
  call = &Find(*op);
  by_index_[index].store(call, std::memory_order_release);
  return call;
}

absl::Status Context::Run(const OperatorCall& call, IValue* registers) {
  const bool random =
      (call.op().effects & static_cast<uint8_t>(Effect::kRandom)) != 0;
  if (ABSL_PREDICT_TRUE(!random && pool_ == nullptr)) {
    return call.Run(registers);
  }
  CallContext context = tandem::CurrentContext();
  if (context.tasks == nullptr) context.tasks = pool_.get();
  if (!random || context.generator != nullptr) {
    const ScopedContext scope(context);
    return call.Run(registers);
  }
  absl::MutexLock lock(&generator_mutex_);
  context.generator = &generator_;
  const ScopedContext scope(context);
  return call.Run(registers);
}

absl::Status Context::Run(const Operator& op, absl::Span<IValue> args,
                          Results* results) {
  const OperatorCall& call = Find(op);
  if (args.size() != call.num_inputs()) {
    return absl::InvalidArgumentError(
        absl::StrCat(op.schema.FullName(), ": ", args.size(),
                     " arguments where the schema has ", call.num_inputs()));
  }
  absl::InlinedVector<IValue, 16> registers(args.begin(), args.end());
  registers.resize(args.size() + call.num_outputs());
  TANDEM_RETURN_IF_ERROR(Run(call, registers.data()));
  results->clear();
  for (size_t i = args.size(); i < registers.size(); ++i) {
    results->push_back(std::move(registers[i]));
  }
  return absl::OkStatus();
}

void SetDefaultContext(Context* context) { default_context.store(context); }

Context* CurrentContext() {
  if (thread_context != nullptr) return thread_context;
  return default_context.load(std::memory_order_acquire);
}

ScopedDefaultContext::ScopedDefaultContext(Context* context)
    : previous_(thread_context) {
  thread_context = context;
}

ScopedDefaultContext::~ScopedDefaultContext() { thread_context = previous_; }

bool GradEnabled() { return grad_enabled; }

NoGrad::NoGrad(bool enabled) : previous_(grad_enabled) {
  grad_enabled = enabled;
}

NoGrad::~NoGrad() { grad_enabled = previous_; }

void manual_seed(uint64_t seed) {
  Context* context = CurrentContext();
  if (context == nullptr) {
    Throw(absl::FailedPreconditionError("there is no eager context"));
  }
  context->ManualSeed(seed);
}

absl::Status Dispatch(const Operator& op, absl::Span<IValue> args,
                      Results* results, Spelling spelling) {
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    return recorder->Call(RecordedCall{op, args, spelling}, results);
  }
  Context* context = CurrentContext();
  if (context == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        op.schema.name, ": there is no eager context; call SetDefaultContext"));
  }
  return context->Run(op, args, results);
}

}  // namespace tandem::eager
