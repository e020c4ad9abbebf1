// The door for a reader of archives: compiles code/ files on demand.

#ifndef TANDEM_FRONTENDS_SCRIPT_IMPORT_H_
#define TANDEM_FRONTENDS_SCRIPT_IMPORT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/source_range.h"
#include "tandem/ir/type.h"

namespace tandem::script {

// Finds the types and functions of an archive by qualified name, and puts them
// into a CompilationUnit: classes with attributes, constants and methods,
// NamedTuples, enums, interfaces, functions. Used by one thread, and only while
// loading: what it made does not refer to it.
//
//   SourceImporter importer(&unit, &constants, loader, version);
//   TANDEM_ASSIGN_OR_RETURN(TypePtr type, importer.LoadType("__torch__.M"));
class SourceImporter {
 public:
  // Gives the text of a qualifier's file ("__torch__.a.b" is
  // code/__torch__/a/b.py), null if there is none. Its name is what errors and
  // locations show ("code/__torch__/a/b.py"); its resolver, if any, leads to
  // the original source.
  using SourceLoader =
      std::function<absl::StatusOr<std::shared_ptr<const Source>>(
          absl::string_view qualifier)>;

  // `constants` are the values of CONSTANTS.cN; the table is read when code is
  // compiled, so it may be filled after the importer is made. `version` is the
  // archive's (the record `version`): it decides which operators mean what they
  // meant in older PyTorch. All but `version` must outlive the importer.
  SourceImporter(CompilationUnit* unit, const std::vector<IValue>* constants,
                 SourceLoader loader, int64_t version);
  ~SourceImporter();
  SourceImporter(const SourceImporter&) = delete;
  SourceImporter& operator=(const SourceImporter&) = delete;

  // The class, interface, enum or NamedTuple of this name, from the unit or
  // from its file, compiled with all that it uses. Errors are kInvalidArgument
  // with the place in the code, kNotFound if no file has the name.
  absl::StatusOr<TypePtr> LoadType(absl::string_view qualified_name);
  absl::StatusOr<Function*> LoadFunction(absl::string_view qualified_name);

  // A type as annotations write it ("Dict[str, __torch__.Foo]"): what
  // restore_type_tag names in pickles.
  absl::StatusOr<TypePtr> ParseType(absl::string_view annotation);

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_IMPORT_H_
