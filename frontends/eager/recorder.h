// What watches eager code: the interface of the tracer and of symbolic trace.
#ifndef TANDEM_FRONTENDS_EAGER_RECORDER_H_
#define TANDEM_FRONTENDS_EAGER_RECORDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/frontends/eager/values.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/operator_table.h"

namespace tandem {

class Function;
class Module;
namespace nn {
class Module;
}

namespace eager {

class IndexItem;
class ScriptFunction;

// How a call was written: what torch.fx shows.
enum class Spelling : uint8_t {
  kFunction,           // eager::add(x, y)
  kMethod,             // x.add(y)
  kOperator,           // x + y, x += y
  kReflectedOperator,  // 2 + x, which calls add(x, 2)
};

// One call of an operator. `args` are in the schema's order, defaults filled
// in. A symbolic Int or Number stands as its 0-dim tensor, also within lists,
// and a symbolic shape as its tensor instead of a list.
struct RecordedCall {
  const Operator& op;
  absl::Span<IValue> args;
  Spelling spelling;
};
using Results = absl::InlinedVector<IValue, 2>;

// A traced value becomes a value of the C++ program.
enum class Conversion : uint8_t {
  kBool,       // if (x > 0)
  kInt,        // int64_t(x), item<int64_t>()
  kFloat,      // double(x)
  kIndex,      // an Int where the program wants an int64_t
  kItem,       // item(), ToVector()
  kLen,        // len(): Python's len(x)
  kIteration,  // for (const Tensor& row : x)
  kList,       // ToList(): Python's x.tolist()
  kArray,      // ToArray(): Python's x.numpy()
  kMetadata,   // dtype(), strides(), … of a tensor that may have none
};

// Tensors are known by identity, the TensorImpl*: an operator that writes in
// place gives the same one back. A symbolic tensor has dtype undefined and no
// storage; only its recorder can do something with it.
//
// Bound to a thread by ScopedRecorder; called on that thread alone. While a
// recorder runs a kernel itself (Context::Run) nothing comes back to it.
class Recorder {
 public:
  virtual ~Recorder() = default;

  // Runs or records an operator. `results` gets one value for each return of
  // the schema.
  virtual absl::Status Call(const RecordedCall& call, Results* results) = 0;

  // True: number / x is one call of div.Tensor(x, number) in reflected
  // spelling, instead of the reciprocal and product that Python makes of it.
  virtual bool KeepsOperators() const { return false; }

  // Ok: the program goes on with the value that the tensor holds.
  virtual absl::Status Convert(const tandem::Tensor& tensor,
                               Conversion what) = 0;

  // x.size(dim), x.numel(), x.dim(). A 0-dim int64 tensor that stands for the
  // number, undefined when it is a constant of the recording. `dim` is as the
  // user wrote it (negative counts from the end).
  enum class Extent : uint8_t { kSize, kNumel, kDim };
  virtual absl::StatusOr<tandem::Tensor> Size(const tandem::Tensor& tensor,
                                              Extent extent, int64_t dim) = 0;
  // x.shape(). The base class asks Size() for each dim of a real tensor.
  virtual absl::StatusOr<IntList> Shape(const tandem::Tensor& tensor);
  // Element `i` of a symbolic shape.
  virtual absl::StatusOr<Int> ShapeItem(const tandem::Tensor& shape, int64_t i);

  // x[items] as a whole. False: it is recorded as select, slice, … instead.
  virtual absl::StatusOr<bool> Index(const tandem::Tensor& self,
                                     absl::Span<const IndexItem> items,
                                     tandem::Tensor* result);
  // x[items] = value.
  virtual absl::StatusOr<bool> SetIndex(const tandem::Tensor& self,
                                        absl::Span<const IndexItem> items,
                                        const IValue& value);

  // Before a module's forward runs; `args` may be replaced. A value: forward
  // does not run, this is what the call gives.
  virtual absl::StatusOr<std::optional<IValue>> EnterModule(
      nn::Module& module, std::vector<IValue>* args);
  // After it ran: what the caller gets.
  virtual absl::StatusOr<IValue> ExitModule(nn::Module& module, IValue result);
  // Instead of ExitModule when forward threw.
  virtual void AbandonModule(nn::Module& module);

  // A function that was made known by a name (eager::CallNamed).
  virtual absl::StatusOr<std::optional<IValue>> EnterFunction(
      absl::string_view name, std::vector<IValue>* args);

  // Calls of scripted code stay calls. The base class runs them (which refuses
  // symbolic tensors).
  virtual absl::StatusOr<IValue> CallFunction(const ScriptFunction& function,
                                              std::vector<IValue> args);
  // `owner` is the nn::Module that holds `module`.
  virtual absl::StatusOr<IValue> CallMethod(nn::Module& owner,
                                            const tandem::Module& module,
                                            absl::string_view method,
                                            std::vector<IValue> args);

  // The user's name of a value (eager::Named).
  virtual void Name(const tandem::Tensor& tensor, absl::string_view name) {}
  // Text of a symbolic tensor ("Proxy(add)").
  virtual std::string Describe(const tandem::Tensor& tensor) {
    return "<symbolic tensor>";
  }
};

// Null when nothing watches this thread.
Recorder* CurrentRecorder();

// Binds a recorder to the thread for its life; null: nothing watches.
class ScopedRecorder {
 public:
  explicit ScopedRecorder(Recorder* recorder);
  ~ScopedRecorder();
  ScopedRecorder(const ScopedRecorder&) = delete;
  ScopedRecorder& operator=(const ScopedRecorder&) = delete;

 private:
  Recorder* const previous_;
};

}  // namespace eager
}  // namespace tandem

#endif  // TANDEM_FRONTENDS_EAGER_RECORDER_H_
