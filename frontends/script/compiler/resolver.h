// Where the compiler asks for names that a function does not define.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_RESOLVER_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_RESOLVER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/sugared_value.h"
#include "tandem/ir/type.h"

namespace tandem::script {

class Resolver {
 public:
  virtual ~Resolver() = default;
  // Null if the name is unknown.
  virtual absl::StatusOr<Sugared> ResolveValue(absl::string_view name,
                                               FunctionCompiler& f,
                                               const SourceRange& range) = 0;
  // A class, enum, interface or NamedTuple by name, which may have dots; null
  // if unknown.
  virtual absl::StatusOr<TypePtr> ResolveType(absl::string_view name,
                                              const SourceRange& range) = 0;
  // What a class has in its source that its type has not: a static method, or
  // a method that is compiled when it is used. `self` is null where the class
  // itself is asked. Null if there is none.
  virtual absl::StatusOr<Sugared> ResolveMember(const ClassType&,
                                                absl::string_view,
                                                Value* /*self*/,
                                                FunctionCompiler&,
                                                const SourceRange&) {
    return Sugared();
  }
  // Whether ResolveMember would find it.
  virtual bool HasMember(const ClassType&, absl::string_view) { return false; }
  // A module that is a container of torch.nn (ModuleList, ParameterDict …), as
  // something to iterate over and index; null of others.
  virtual absl::StatusOr<Sugared> ResolveContainer(const ClassType&,
                                                   Value* /*self*/,
                                                   FunctionCompiler&,
                                                   const SourceRange&) {
    return Sugared();
  }
  // Whether only __init__ may set the attribute: Final, __constants__.
  virtual bool IsFinal(const ClassType&, absl::string_view) { return false; }
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_RESOLVER_H_
