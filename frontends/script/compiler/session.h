// What the functions of one compilation share: the chain of functions being
// compiled, which errors tell, and the limits on nesting.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_SESSION_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_SESSION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/source_range.h"

namespace tandem::script {

class Session {
 public:
  // A function that is being compiled, and what in it is compiled now.
  struct Call {
    std::string function;
    SourceRange range;
  };

  // An error at a place, with PyTorch's text: the message, the place
  // underlined, and how the functions being compiled came to call each other.
  absl::Status Error(const SourceRange& range, absl::string_view message) const;
  template <typename... Args>
  absl::Status Error(const SourceRange& range, const Args&... args) const {
    return Error(range, absl::string_view(absl::StrCat(args...)));
  }

  // Tells where in the innermost function the compiler is.
  void SetPending(const SourceRange& range) {
    if (!calls_.empty()) calls_.back().range = range;
  }

  // Defaults of a NamedTuple's last fields, by its name: types have none.
  absl::flat_hash_map<std::string, std::vector<IValue>> named_tuple_defaults;

  // Warnings are shown once each, by their number.
  int64_t NextWarningId() { return next_warning_id_++; }

  // Whether functions are compiled inside of each other too deeply.
  bool TooManyCalls() const { return calls_.size() > kMaxCalls; }

  bool IsCompiling(const Function* function) const {
    return compiling_.contains(function);
  }

  // Counts a function that is being compiled, for a scope.
  class InFunction {
   public:
    InFunction(Session* session, const Function* function, std::string name,
               SourceRange range)
        : session_(*session), function_(function) {
      session_.calls_.push_back({std::move(name), std::move(range)});
      session_.compiling_.insert(function);
    }
    ~InFunction() {
      session_.calls_.pop_back();
      session_.compiling_.erase(function_);
    }

   private:
    Session& session_;
    const Function* function_;
  };

  // Counts a level of recursion, over all functions, for a scope. Hostile code
  // may nest expressions in functions in classes; the stack is finite.
  class Level {
   public:
    explicit Level(Session* session) : session_(*session) { ++session_.depth_; }
    ~Level() { --session_.depth_; }
    bool ok() const { return session_.depth_ <= kMaxDepth; }

   private:
    static constexpr int kMaxDepth = 1000;
    Session& session_;
  };

 private:
  friend class Level;
  static constexpr size_t kMaxCalls = 150;

  std::vector<Call> calls_;
  absl::flat_hash_set<const Function*> compiling_;
  int depth_ = 0;
  int64_t next_warning_id_ = 0;
};

// `range` underlined; for generated text the original first, then "Serialized "
// and the place in the text itself.
std::string HighlightAll(const SourceRange& range);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_SESSION_H_
