// Programs of recorded archives as canonical text, there and back: what is
// parsed from the text of a program has the same text and the same structure.
//
//   canonical_text_test FOLDER …    prints "PASS name" and "FAIL name: why"
#include <dirent.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/canonical.h"
#include "tandem/ir/class_type.h"
#include "tandem/runtime/engine.h"
#include "tandem/serialization/torchscript/module_loader.h"

namespace tandem {
namespace {

// What differs first between two programs; empty when nothing does. Types are
// of different programs, so they are compared by their text.
class Comparison {
 public:
  std::string Programs(const CompilationUnit& a, const CompilationUnit& b) {
    if (a.functions().size() != b.functions().size()) return "functions";
    for (size_t i = 0; i < a.functions().size() && difference_.empty(); ++i) {
      Functions(*a.functions()[i], *b.functions()[i]);
    }
    for (const TypePtr& t : a.types()) {
      const TypePtr u = b.FindType(t->name());
      Check(u != nullptr && u->kind() == t->kind(), "type", t->name());
      if (t->AsClass() == nullptr || !difference_.empty()) continue;
      Classes(*t->AsClass(), *u->AsClass());
    }
    return difference_;
  }

 private:
  void Check(bool same, absl::string_view what, absl::string_view where) {
    if (!same && difference_.empty()) {
      difference_ = absl::StrCat(what, " of ", where, " differs");
    }
  }

  static std::string TextOf(const TypePtr& type) {
    return type == nullptr ? "" : type->ToString();
  }

  void Classes(const ClassType& a, const ClassType& b) {
    Check(a.is_module() == b.is_module() && a.is_opaque() == b.is_opaque(),
          "kind", a.name());
    Check(a.attributes().size() == b.attributes().size(), "attributes",
          a.name());
    Check(a.methods().size() == b.methods().size(), "methods", a.name());
    Check(a.constants().size() == b.constants().size(), "constants", a.name());
    Check(a.properties.size() == b.properties.size(), "properties", a.name());
    Check(a.forward_hooks.size() == b.forward_hooks.size(), "hooks", a.name());
    if (!difference_.empty()) return;
    for (size_t i = 0; i < a.attributes().size(); ++i) {
      const auto &x = a.attributes()[i], &y = b.attributes()[i];
      Check(x.name == y.name && TextOf(x.type) == TextOf(y.type) &&
                x.is_parameter == y.is_parameter && x.is_buffer == y.is_buffer,
            x.name, a.name());
    }
  }

  void Functions(const Function& a, const Function& b) {
    Check(a.qualified_name() == b.qualified_name(), "name", a.qualified_name());
    Check(a.schema().ToString() == b.schema().ToString(), "signature",
          a.qualified_name());
    Check((a.owner() == nullptr) == (b.owner() == nullptr), "owner",
          a.qualified_name());
    Check((a.graph() == nullptr) == (b.graph() == nullptr), "graph",
          a.qualified_name());
    if (a.graph() == nullptr || b.graph() == nullptr) return;
    values_.clear();
    Blocks(*a.graph()->block(), *b.graph()->block(), a.qualified_name());
  }

  void Define(const Value& a, const Value& b, const std::string& where) {
    Check(a.name() == b.name(), "a value's name", where);
    Check(TextOf(a.type()) == TextOf(b.type()), "a value's type", where);
    values_[&a] = &b;
  }

  void Blocks(const Block& a, const Block& b, const std::string& where) {
    Check(a.inputs().size() == b.inputs().size() &&
              a.outputs().size() == b.outputs().size(),
          "a block's form", where);
    if (!difference_.empty()) return;
    for (size_t i = 0; i < a.inputs().size(); ++i) {
      Define(*a.input(i), *b.input(i), where);
    }
    const Node* y = b.first();
    for (const Node* x : a) {
      Check(y != b.return_node(), "a block's length", where);
      if (!difference_.empty()) return;
      Nodes(*x, *y, where);
      y = y->next();
    }
    Check(y == b.return_node(), "a block's length", where);
    for (size_t i = 0; i < a.outputs().size(); ++i) {
      Check(values_[a.output(i)] == b.output(i), "a block's result", where);
    }
  }

  void Nodes(const Node& a, const Node& b, const std::string& function) {
    const std::string where = absl::StrCat(a.name(), " in ", function);
    Check(a.kind() == b.kind() && a.op() == b.op(), "kind", where);
    Check(a.inputs().size() == b.inputs().size() &&
              a.outputs().size() == b.outputs().size() &&
              a.blocks().size() == b.blocks().size() &&
              a.attributes().size() == b.attributes().size(),
          "form", where);
    Check(a.scope() == b.scope(), "scope", where);
    Check(a.range().valid() == b.range().valid() &&
              a.range().text() == b.range().text() &&
              a.range().start() == b.range().start() &&
              a.range().OriginalOrSelf().Highlight() ==
                  b.range().OriginalOrSelf().Highlight(),
          "place", where);
    if (!difference_.empty()) return;
    for (size_t i = 0; i < a.inputs().size(); ++i) {
      Check(values_[a.input(i)] == b.input(i), "an input", where);
    }
    for (size_t i = 0; i < a.attributes().size(); ++i) {
      const NodeAttribute &x = a.attributes()[i], &y = b.attributes()[i];
      Check(x.name == y.name && x.payload.index() == y.payload.index(),
            "an attribute", where);
      if (!difference_.empty()) return;
      if (const auto* v = std::get_if<IValue>(&x.payload)) {
        const IValue& w = std::get<IValue>(y.payload);
        Check(v->tag() == w.tag() && TextOf(v->TypeOf()) == TextOf(w.TypeOf()),
              "a constant", where);
      } else if (const auto* g =
                     std::get_if<std::shared_ptr<Graph>>(&x.payload)) {
        Blocks(*(*g)->block(),
               *std::get<std::shared_ptr<Graph>>(y.payload)->block(), where);
      } else if (const auto* s = std::get_if<std::string>(&x.payload)) {
        Check(*s == std::get<std::string>(y.payload), x.name, where);
      } else if (const auto* n = std::get_if<int64_t>(&x.payload)) {
        Check(*n == std::get<int64_t>(y.payload), x.name, where);
      }
    }
    for (size_t i = 0; i < a.blocks().size(); ++i) {
      Blocks(*a.block(i), *b.block(i), where);
    }
    for (size_t i = 0; i < a.outputs().size(); ++i) {
      Define(*a.output(i), *b.output(i), where);
    }
  }

  absl::flat_hash_map<const Value*, const Value*> values_;
  std::string difference_;
};

std::string FirstDifference(const std::string& got, const std::string& want) {
  const std::vector<absl::string_view> a = absl::StrSplit(got, '\n');
  const std::vector<absl::string_view> b = absl::StrSplit(want, '\n');
  for (size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const absl::string_view x = i < a.size() ? a[i] : "<end>";
    const absl::string_view y = i < b.size() ? b[i] : "<end>";
    if (x != y) return absl::StrCat("line ", i + 1, ": got ", x, " want ", y);
  }
  return "";
}

struct Total {
  int passed = 0, failed = 0, not_loaded = 0;
  size_t functions = 0, bytes = 0;
};

// Empty when the text of the archive's program comes back.
std::string Check(const Module& module, Total* total) {
  CompilationUnit& unit = *module.unit();
  // Compiling one may add others.
  for (size_t i = 0; i < unit.functions().size(); ++i) {
    // One that does not compile stays without a graph.
    (void)unit.functions()[i]->EnsureDefined();
  }
  std::vector<IValue> externals;
  CanonicalPrintOptions print;
  print.ranges = true;
  print.externals = &externals;
  const auto text = PrintCanonicalProgram(unit, IValue(module.object()), print);
  if (!text.ok()) return std::string(text.status().message());
  total->functions += unit.functions().size();
  total->bytes += text->size();
  CanonicalParseOptions parse;
  parse.externals = &externals;
  parse.operators = &unit.operators();
  const auto program = ParseProgram(*text, parse);
  if (!program.ok()) return std::string(program.status().message());
  const auto again =
      PrintCanonicalProgram(*program->unit, program->root, print);
  if (!again.ok()) return std::string(again.status().message());
  if (*again != *text) return FirstDifference(*again, *text);
  return Comparison().Programs(unit, *program->unit);
}

int Main(int argc, char** argv) {
  Total total;
  // Runs __setstate__ while archives are loaded.
  Registry registry;
  if (!reference::Register(registry).ok()) return 1;
  const Engine engine(&registry);
  LoadOptions load;
  load.engine = &engine;
  load.operators = &registry.operators();
  for (int i = 1; i < argc; ++i) {
    const std::string folder = argv[i];
    std::vector<std::string> names;
    DIR* dir = opendir(folder.c_str());
    if (dir == nullptr) continue;
    while (const dirent* e = readdir(dir)) {
      const std::string file = e->d_name;
      if (absl::EndsWith(file, ".pt") && !absl::EndsWith(file, ".io.pt")) {
        names.push_back(file.substr(0, file.size() - 3));
      }
    }
    closedir(dir);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      const absl::StatusOr<Module> module =
          LoadModule(absl::StrCat(folder, "/", name, ".pt"), load);
      if (!module.ok()) {
        ++total.not_loaded;
        std::cout << "LOAD " << name << ": " << module.status().message()
                  << "\n";
        continue;
      }
      const std::string difference = Check(*module, &total);
      if (difference.empty()) {
        ++total.passed;
        std::cout << "PASS " << name << "\n";
      } else {
        ++total.failed;
        std::cout << "FAIL " << name << ": " << difference << "\n";
      }
    }
  }
  std::cout << total.passed << " passed, " << total.failed << " failed, "
            << total.not_loaded << " not loaded; " << total.functions
            << " functions, " << total.bytes << " bytes of text\n";
  return total.failed == 0 && total.passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::Main(argc, argv); }
