// `tandem script`: compiles a source file and runs, checks or saves what it
// defines.
#include <algorithm>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/python.h"
#include "tandem/ir/python_text.h"
#include "tandem/serialization/torchscript/module_writer.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tools/command.h"
#include "tandem/tools/inputs.h"
#include "tandem/tools/recorded_calls.h"

namespace tandem::tools {
namespace {

constexpr FlagInfo kFlags[] = {
    {"entry", true,
     "NAME  a function, a class derived from nn.Module, or a call that gives "
     "such a module: \"Model(3, width=8)\""},
    {"method", true, "NAME  the method to call (forward)"},
    {"arg", true,
     "NAME=VALUE  as --input of run: FILE.npy, 1x3x224x224 (random), 5, 0.5, "
     "\"text\""},
    {"calls", true, "FILE.io.pt  checks recorded calls instead of one call"},
    {"save", true, "OUT.pt | OUT.tandem  writes the archive instead"},
    {"seed", true, "N  of layers' initial values and random operators"},
    kBackendFlag,
    kThreadsFlag,
    kLoadFlag,
    kMemoryFlag,
    kDeadlineFlag,
    kPipelineFlag,
    kPassesFlag,
};

// `generator` is what the layers of a module are initialised with.
absl::StatusOr<Module> Compile(const Session& session,
                               std::shared_ptr<const Source> source,
                               const std::string& name, Generator* generator) {
  auto unit = std::make_shared<CompilationUnit>();
  TANDEM_ASSIGN_OR_RETURN(
      const std::unique_ptr<script::PythonProgram> program,
      script::PythonProgram::Parse(unit.get(), std::move(source)));
  CallOptions options = session.call_options();
  options.generator = generator;
  const script::RunFunction run = [&](Function* function,
                                      std::vector<IValue> arguments) {
    return session.engine().CallFunction(function, std::move(arguments), {},
                                         options);
  };
  TANDEM_ASSIGN_OR_RETURN(Ref<ModuleObject> object,
                          program->CompileEntry(name, run));
  return Module(std::move(unit), std::move(object));
}

// Entries between commas that stand in no brackets.
std::vector<std::string> SplitEntries(absl::string_view text) {
  std::vector<std::string> entries(1);
  int open = 0;
  for (const char c : text) {
    if (c == '(' || c == '[' || c == '{') ++open;
    if (c == ')' || c == ']' || c == '}') --open;
    if (c == ',' && open <= 0) {
      entries.emplace_back();
    } else {
      entries.back() += c;
    }
  }
  entries.erase(std::remove(entries.begin(), entries.end(), ""), entries.end());
  return entries;
}

int CheckCalls(const Session& session, std::shared_ptr<const Source> source,
               const std::vector<std::string>& entries,
               const std::string& calls, uint64_t seed) {
  size_t passed = 0, failed = 0;
  // Of several entries each has its own calls: NAME.io.pt in the folder.
  for (const std::string& entry : entries) {
    std::string path = calls, name = entry;
    if (!absl::EndsWith(calls, ".pt")) {
      const size_t equals = entry.find_first_of("=(");
      const bool named = equals != std::string::npos && entry[equals] == '=';
      name = named ? entry.substr(equals + 1) : entry;
      path = absl::StrCat(calls, "/", named ? entry.substr(0, equals) : entry,
                          ".io.pt");
    }
    const std::string why = CheckRecordedCalls(session, Tolerance(), path, [&] {
      Generator generator;
      generator.Seed(seed);
      return Compile(session, source, name, &generator);
    });
    if (CancelFlag().load()) return kInterrupted;
    if (why.empty()) {
      ++passed;
      std::cout << "PASS " << entry << std::endl;
    } else {
      ++failed;
      std::cout << "FAIL " << entry << ": " << why << std::endl;
    }
  }
  std::cout << passed << " passed, " << failed << " failed" << std::endl;
  return failed == 0 ? kOk : kFailed;
}

int Run(const Options& options) {
  if (options.words().size() != 1) {
    return Misused(ScriptCommand(), "name one source file");
  }
  const std::vector<std::string> entries = SplitEntries(options.Get("entry"));
  if (entries.empty()) return Misused(ScriptCommand(), "--entry is missing");
  auto session = Session::Create(options);
  if (!session.ok()) return Fail("script", session.status());
  const std::string& path = options.words()[0];
  const auto read = script::ReadSource(path);
  if (!read.ok()) return Fail("script", read.status());
  const std::shared_ptr<const Source>& source = *read;
  const absl::StatusOr<int64_t> seed =
      options.GetInt("seed", static_cast<int64_t>(Generator::kDefaultSeed));
  if (!seed.ok()) return Misused(ScriptCommand(), seed.status().message());
  if (options.Has("calls")) {
    return CheckCalls(**session, source, entries, options.Get("calls"),
                      static_cast<uint64_t>(*seed));
  }
  if (entries.size() != 1) {
    return Misused(ScriptCommand(), "name one entry");
  }
  Generator generator;
  generator.Seed(static_cast<uint64_t>(*seed));
  const absl::StatusOr<Module> module =
      Compile(**session, source, entries[0], &generator);
  if (!module.ok()) return Fail("script", module.status());
  if (options.Has("save")) {
    const std::string out = options.Get("save");
    absl::Status saved;
    if (absl::EndsWith(out, ".tandem")) {
      saved = SaveTandem(*module, out);
    } else {
      SaveOptions save;
      save.engine = &(*session)->engine();
      saved = SaveModule(*module, out, save);
    }
    return saved.ok() ? kOk : Fail("script", saved);
  }
  const std::string name = options.Get("method", "forward");
  const absl::StatusOr<Function*> method = module->GetMethod(name);
  if (!method.ok()) return Fail("script", method.status());
  auto arguments = ParseInputs(options.All("arg"), (*method)->schema());
  if (!arguments.ok()) return Fail("script", arguments.status());
  CallOptions call = (*session)->call_options();
  call.generator = &generator;
  const absl::StatusOr<IValue> result = (*session)->Call(
      *module, name, std::move(arguments->positional), arguments->named, call);
  if (!result.ok()) return Fail("script", result.status());
  std::cout << ToPythonString(*result, ",\n ") << std::endl;
  return kOk;
}

}  // namespace

const Command& ScriptCommand() {
  static const Command kCommand = {
      "script",
      "script FILE.py --entry NAME [--arg NAME=VALUE] [--calls NAME.io.pt] "
      "[--save OUT.pt|OUT.tandem]",
      "Compiles a function or module of a source file and runs it.\n"
      "Nothing of the file is run as Python. With --calls, --entry may list "
      "several\nnames (NAME or CASE=NAME, with commas) and --calls be the "
      "folder of CASE.io.pt.",
      kFlags, &Run};
  return kCommand;
}

}  // namespace tandem::tools
