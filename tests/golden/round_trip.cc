// Saves each archive of the folders as model.tandem, opens that, and compares
// all there is: the canonical text with places, graphs as PyTorch prints them,
// tensors bit by bit and what they share, and the bytes of a second saving.
//
//   round_trip [--code-differs=NAME,…] FOLDER|FILE.pt …
//
// prints "PASS name" and "FAIL name: why". What is opened is then saved as an
// archive, too, whose code gives the same graphs but for values' names; the
// cases that are named differ there.
#include <dirent.h>

#include <algorithm>
#include <cstring>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/ir/canonical.h"
#include "tandem/ir/print.h"
#include "tandem/runtime/engine.h"
#include "tandem/serialization/tandem/model_file.h"
#include "tandem/serialization/torchscript/module_loader.h"
#include "tandem/serialization/torchscript/module_writer.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

struct Text {
  std::string canonical;
  std::string graphs;
  std::vector<IValue> externals;
};

absl::StatusOr<Text> TextOf(const Module& module, bool ranges = true) {
  Text text;
  for (size_t i = 0; i < module.unit()->functions().size(); ++i) {
    Function& f = *module.unit()->functions()[i];
    TANDEM_RETURN_IF_ERROR(f.EnsureDefined());
    if (f.graph() == nullptr) continue;
    absl::StrAppend(&text.graphs, f.qualified_name(), f.schema().ToString(),
                    "\n", GraphToString(*f.graph()));
  }
  CanonicalPrintOptions options;
  options.ranges = ranges;
  options.externals = &text.externals;
  TANDEM_ASSIGN_OR_RETURN(
      text.canonical,
      PrintCanonicalProgram(*module.unit(), IValue(module.object()), options));
  return text;
}

std::string FirstDifference(const std::string& a, const std::string& b) {
  size_t at = 0;
  while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
  const size_t line = a.rfind('\n', at) + 1;
  return absl::StrCat("at byte ", at, "\n- ",
                      a.substr(line, a.find('\n', at) - line), "\n+ ",
                      b.substr(line, b.find('\n', at) - line));
}

// Empty if equal. `storages` maps those of one side to the other's.
std::string CompareTensors(
    const Tensor& a, const Tensor& b,
    absl::flat_hash_map<const Storage*, const Storage*>* storages) {
  if (a.defined() != b.defined()) return "one is undefined";
  if (!a.defined()) return "";
  const TensorImpl &x = *a.impl(), &y = *b.impl();
  if (x.sizes != y.sizes || x.strides != y.strides || x.offset != y.offset ||
      x.dtype != y.dtype || !(x.device == y.device) || x.layout != y.layout ||
      x.requires_grad != y.requires_grad || x.conj != y.conj ||
      x.neg != y.neg || x.wrapped_number != y.wrapped_number) {
    return "geometry, dtype or flags differ";
  }
  if ((x.quantizer == nullptr) != (y.quantizer == nullptr) ||
      (x.sparse == nullptr) != (y.sparse == nullptr)) {
    return "one is quantized or sparse";
  }
  if (x.quantizer != nullptr) {
    const Quantizer &p = *x.quantizer, &q = *y.quantizer;
    if (p.scheme != q.scheme || p.scale != q.scale ||
        p.zero_point != q.zero_point || p.axis != q.axis) {
      return "scales of quantization differ";
    }
    std::string why = CompareTensors(p.scales, q.scales, storages);
    if (why.empty()) {
      why = CompareTensors(p.zero_points, q.zero_points, storages);
    }
    if (!why.empty()) return why;
  }
  if (x.sparse != nullptr) {
    const SparseParts &p = *x.sparse, &q = *y.sparse;
    for (const auto& [s, t] :
         {std::pair(p.indices, q.indices), std::pair(p.values, q.values),
          std::pair(p.crow, q.crow), std::pair(p.col, q.col)}) {
      std::string why = CompareTensors(s, t, storages);
      if (!why.empty()) return why;
    }
    return "";
  }
  const Storage &s = *a.storage(), &t = *b.storage();
  const auto [it, is_new] = storages->emplace(&s, &t);
  if (it->second != &t) return "storages are shared in another way";
  if (!is_new) return "";
  if (s.bytes() != t.bytes() || s.is_meta() != t.is_meta()) {
    return "storages have other sizes";
  }
  if (!s.is_meta() && std::memcmp(s.data(), t.data(), s.bytes()) != 0) {
    return "bytes differ";
  }
  return "";
}

std::string Compare(const Text& before, const Text& after) {
  if (before.graphs != after.graphs) {
    return "graphs differ " + FirstDifference(before.graphs, after.graphs);
  }
  if (before.canonical != after.canonical) {
    return "canonical texts differ " +
           FirstDifference(before.canonical, after.canonical);
  }
  absl::flat_hash_map<const Storage*, const Storage*> storages;
  for (size_t i = 0; i < before.externals.size(); ++i) {
    const IValue &a = before.externals[i], &b = after.externals[i];
    if (a.tag() != b.tag()) return absl::StrCat("value ", i, " differs");
    if (!a.is_tensor()) continue;
    const std::string why =
        CompareTensors(a.AsTensor(), b.AsTensor(), &storages);
    if (!why.empty()) return absl::StrCat("tensor ", i, ": ", why);
  }
  return "";
}

absl::StatusOr<std::string> SaveToString(const Module& module) {
  std::string bytes;
  const auto sink = CreateStringSink(&bytes);
  TANDEM_RETURN_IF_ERROR(SaveTandem(module, *sink));
  return bytes;
}

// Values numbered in the order of the text: code by hand names them in its own
// way, ours in PyTorch's.
std::string Renumbered(const std::string& text) {
  std::string out;
  absl::flat_hash_map<std::string, size_t> numbers;
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, 6, "graph(") == 0) numbers.clear();
    out.push_back(text[i++]);
    if (out.back() != '%') continue;
    size_t end = i;
    while (end < text.size() && (absl::ascii_isalnum(text[end]) ||
                                 text[end] == '_' || text[end] == '.')) {
      ++end;
    }
    absl::StrAppend(
        &out,
        numbers.emplace(text.substr(i, end - i), numbers.size()).first->second);
    i = end;
  }
  return out;
}

// The same by way of an archive, whose code is printed and compiled again.
absl::StatusOr<std::string> CheckThroughCode(const Module& module,
                                             const Engine& engine) {
  std::string bytes;
  const auto sink = CreateStringSink(&bytes);
  SaveOptions save;
  save.engine = &engine;
  TANDEM_RETURN_IF_ERROR(SaveModule(module, *sink, save));
  LoadOptions load;
  load.engine = &engine;
  TANDEM_ASSIGN_OR_RETURN(const Module again,
                          LoadModule(File::FromBuffer("m.pt", bytes), load));
  TANDEM_ASSIGN_OR_RETURN(const Text before, TextOf(module, false));
  TANDEM_ASSIGN_OR_RETURN(const Text after, TextOf(again, false));
  const std::string a = Renumbered(before.canonical);
  const std::string b = Renumbered(after.canonical);
  if (a == b) return "";
  return "through code, canonical texts differ " + FirstDifference(a, b);
}

// Why the archive does not come through; empty if it does.
absl::StatusOr<std::string> Check(const std::string& path, bool code_differs,
                                  const Engine& engine) {
  LoadOptions options;
  options.engine = &engine;
  TANDEM_ASSIGN_OR_RETURN(const Module module, LoadModule(path, options));
  TANDEM_ASSIGN_OR_RETURN(const std::string bytes, SaveToString(module));
  TANDEM_ASSIGN_OR_RETURN(const Text before, TextOf(module));
  TANDEM_ASSIGN_OR_RETURN(const Module again,
                          LoadTandem(File::FromBuffer("m.tandem", bytes)));
  TANDEM_ASSIGN_OR_RETURN(const Text after, TextOf(again));
  std::string why = Compare(before, after);
  if (!why.empty()) return why;
  TANDEM_ASSIGN_OR_RETURN(const std::string second, SaveToString(again));
  if (bytes != second) return "saved again, the bytes are others";
  const absl::StatusOr<std::string> through_code =
      CheckThroughCode(again, engine);
  if (!code_differs) return through_code;
  return through_code.ok() && through_code->empty()
             ? "through code it is the same, but is listed to differ"
             : "";
}

std::vector<std::string> Archives(const std::string& folder) {
  if (absl::EndsWith(folder, ".pt")) return {folder};
  std::vector<std::string> paths;
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return paths;
  while (const dirent* entry = readdir(dir)) {
    const std::string name = entry->d_name;
    if (absl::EndsWith(name, ".pt") && !absl::EndsWith(name, ".io.pt")) {
      paths.push_back(absl::StrCat(folder, "/", name));
    }
  }
  closedir(dir);
  std::sort(paths.begin(), paths.end());
  return paths;
}

int Main(int argc, char** argv) {
  Registry registry;
  if (!reference::Register(registry).ok()) return 1;
  const Engine engine(&registry);
  int failed = 0;
  std::set<std::string> differ;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (absl::ConsumePrefix(&argument, "--code-differs=")) {
      differ = absl::StrSplit(argument, ',');
      continue;
    }
    for (const std::string& path : Archives(argv[i])) {
      std::string name = path.substr(path.rfind('/') + 1);
      name.resize(name.size() - 3);
      const absl::StatusOr<std::string> why =
          Check(path, differ.count(name) > 0, engine);
      if (why.ok() && why->empty()) {
        std::cout << "PASS " << name << std::endl;
      } else {
        ++failed;
        std::cout << "FAIL " << name << ": "
                  << (why.ok() ? *why : std::string(why.status().message()))
                  << std::endl;
      }
    }
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tandem

int main(int argc, char** argv) { return tandem::Main(argc, argv); }
