// Bytes as a Python file: everything that it defines is compiled.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tandem/frontends/script/python.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/source_range.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto source = std::make_shared<const tandem::Source>(
      std::string(reinterpret_cast<const char*>(data), size), "f.py");
  tandem::CompilationUnit unit;
  const auto program =
      tandem::script::PythonProgram::Parse(&unit, std::move(source));
  if (!program.ok()) return 0;
  for (const std::string& name : (*program)->names()) {
    (void)(*program)->CompileEntry(name);
  }
  return 0;
}
