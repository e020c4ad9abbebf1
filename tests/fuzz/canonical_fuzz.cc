// Bytes as canonical text: a graph, or a whole program where they begin so.
// What is read must print, and its text must come back as it is.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/canonical.h"
#include "tandem/ir/operator_table.h"

namespace tandem {
namespace {

// A few rows: looking for names near a wrong one takes most of the time with
// all.
const OperatorTable& Rows() {
  static const OperatorTable* const kTable = [] {
    auto* table = new OperatorTable(nullptr);
    for (absl::string_view name :
         {"aten::add", "aten::relu", "aten::neg", "aten::wait", "aten::sum",
          "aten::mul", "prim::EnumName"}) {
      for (const Operator* row : OperatorTable::Builtin().Overloads(name)) {
        (void)table->Add(row->schema.ToString());
      }
    }
    return table;
  }();
  return *kTable;
}

absl::StatusOr<std::string> Again(absl::string_view text, bool verify,
                                  std::vector<IValue>* externals) {
  CanonicalParseOptions parse;
  parse.verify = verify;
  parse.operators = &Rows();
  parse.externals = externals;
  CanonicalPrintOptions print;
  print.ranges = true;
  print.externals = externals;
  if (absl::StartsWith(text, "program")) {
    const auto program = ParseProgram(text, parse);
    if (!program.ok()) return program.status();
    return PrintCanonicalProgram(*program->unit, program->root, print);
  }
  const auto graph = ParseGraph(text, parse);
  if (!graph.ok()) return graph.status();
  return PrintCanonical(**graph, print);
}

void Check(absl::string_view text) {
  std::vector<IValue> externals = {IValue(7), IValue("text")};
  (void)Again(text, /*verify=*/true, &externals);
  const auto once = Again(text, /*verify=*/false, &externals);
  if (!once.ok()) return;
  const auto twice = Again(*once, /*verify=*/false, &externals);
  if (twice.ok() && *twice == *once) return;
  std::fprintf(stderr, "--- once\n%s\n--- twice\n%s\n", once->c_str(),
               twice.ok() ? twice->c_str() : twice.status().ToString().c_str());
  std::abort();
}

}  // namespace
}  // namespace tandem

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tandem::Check(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
