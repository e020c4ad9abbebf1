// Bytes as a source file: its syntax tree, and as an expression.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tandem/frontends/script/parser.h"
#include "tandem/ir/source_range.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto source = std::make_shared<const tandem::Source>(
      std::string(reinterpret_cast<const char*>(data), size), "code/f.py");
  (void)tandem::script::ParseFile(source);
  (void)tandem::script::ParseFile(source, tandem::script::Dialect::kPython);
  const tandem::script::Expr* expression = nullptr;
  (void)tandem::script::ParseExpression(source, &expression);
  return 0;
}
