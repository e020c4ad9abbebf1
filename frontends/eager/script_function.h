// Scripted functions, called from eager code.
#ifndef TANDEM_FRONTENDS_EAGER_SCRIPT_FUNCTION_H_
#define TANDEM_FRONTENDS_EAGER_SCRIPT_FUNCTION_H_

#include <memory>
#include <utility>
#include <vector>

#include "tandem/frontends/eager/convert.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/ir/compilation_unit.h"

namespace tandem::eager {

// A result whose C++ type the caller chooses: Tensor y = f(x);
class Value {
 public:
  explicit Value(IValue value) : value_(std::move(value)) {}
  const IValue& ivalue() const { return value_; }
  template <typename T>
  T as() const {
    return FromIValue<T>(value_);
  }
  template <typename T>
  operator T() const {  // NOLINT
    return FromIValue<T>(value_);
  }

 private:
  IValue value_;
};

// A function of a compilation unit, which it keeps alive: compiled source, a
// traced function, a function of an archive. Its calls go to the recorder of
// the thread, which keeps them as calls.
class ScriptFunction {
 public:
  ScriptFunction() = default;
  ScriptFunction(std::shared_ptr<CompilationUnit> unit, Function* function)
      : unit_(std::move(unit)), function_(function) {}

  bool valid() const { return function_ != nullptr; }
  const std::shared_ptr<CompilationUnit>& unit() const { return unit_; }
  Function* function() const { return function_; }

  template <typename... A>
  Value operator()(const A&... args) const {
    return Value(Call({ToIValue(args)...}));
  }
  // Throws Error: the program's failure, with its traceback.
  IValue Call(std::vector<IValue> args) const;
  // Past any recorder.
  absl::StatusOr<IValue> Run(std::vector<IValue> args) const;

 private:
  std::shared_ptr<CompilationUnit> unit_;
  Function* function_ = nullptr;
};

// Calls `f` with boxed arguments, as a call of the function `name` if the
// thread's recorder keeps such calls (torch.fx's wrap).
template <typename R, typename F, typename... A>
R CallNamed(absl::string_view name, F&& f, const A&... args) {
  std::vector<IValue> boxed{ToIValue(args)...};
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    std::optional<IValue> result =
        Unwrap(recorder->EnterFunction(name, &boxed));
    if (result.has_value()) return FromIValue<R>(*result);
  }
  return f(args...);
}

// Gives a value the user's name for it, where it is recorded.
Tensor Named(absl::string_view name, const Tensor& tensor);

}  // namespace tandem::eager

#endif  // TANDEM_FRONTENDS_EAGER_SCRIPT_FUNCTION_H_
