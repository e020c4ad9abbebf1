#include "tandem/tools/recorded_calls.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/serialization/torchscript/plain_values.h"

namespace tandem::tools {
namespace {

class Capture : public OutputSink {
 public:
  void Write(absl::string_view text) override {
    text_.append(text.data(), text.size());
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// "RuntimeError: x" and "builtins.ValueError: x" without their first word.
absl::string_view WithoutClass(absl::string_view error) {
  if (absl::ConsumePrefix(&error, "RuntimeError: ")) return error;
  if (absl::StartsWith(error, "builtins.")) {
    const size_t colon = error.find(": ");
    if (colon != absl::string_view::npos) return error.substr(colon + 2);
  }
  return error;
}

const IValue* Find(const IValue& dict, const char* key) {
  return dict.is_dict() ? dict.AsDict().Find(IValue(key)) : nullptr;
}

IValue CopyContainers(const IValue& v) {
  switch (v.tag()) {
    case IValue::Tag::kList: {
      auto list = MakeList(v.AsList().element_type);
      for (const IValue& e : v.AsList().values)
        list->values.push_back(CopyContainers(e));
      return IValue(list);
    }
    case IValue::Tag::kTuple: {
      std::vector<IValue> values;
      for (const IValue& e : v.AsTuple().values)
        values.push_back(CopyContainers(e));
      return IValue(MakeTuple(std::move(values)));
    }
    case IValue::Tag::kDict: {
      auto dict = MakeDict(v.AsDict().key_type, v.AsDict().value_type);
      for (const auto& [key, value] : v.AsDict().Items()) {
        dict->Set(key, CopyContainers(value));
      }
      return IValue(dict);
    }
    default:
      return v;
  }
}

std::string RunCall(const Session& session, Tolerance tolerance,
                    const Module& module, const IValue& call,
                    Generator* generator) {
  const IValue* method = Find(call, "method");
  const IValue* args = Find(call, "args");
  if (method == nullptr || !method->is_string() || args == nullptr) {
    return "the recorded call has no method or args";
  }
  std::vector<IValue> positional;
  if (args->is_tuple()) positional = args->AsTuple().values;
  if (args->is_list()) positional = args->AsList().values;
  NamedValues named;
  if (const IValue* kwargs = Find(call, "kwargs");
      kwargs != nullptr && kwargs->is_dict()) {
    for (const auto& [key, value] : kwargs->AsDict().Items()) {
      if (key.is_string()) named.emplace_back(key.AsString(), value);
    }
  }
  // Python's lists and dicts are copied on their way into a program: what it
  // does to them does not show outside. Tensors are shared.
  const std::vector<IValue> given = positional;
  for (IValue& v : positional) v = CopyContainers(v);
  for (auto& [name, v] : named) v = CopyContainers(v);
  const IValue* seed = Find(call, "seed");
  if (seed != nullptr && seed->is_int()) {
    generator->Seed(static_cast<uint64_t>(seed->AsInt()));
  }
  Capture output, warnings;
  CallOptions options = session.call_options();
  options.generator = generator;
  options.output = &output;
  options.warnings = &warnings;
  const absl::StatusOr<IValue> got =
      session.Call(module, method->AsString(), positional, named, options);
  const IValue* error = Find(call, "error");
  if (error != nullptr && error->is_string()) {
    if (got.ok())
      return absl::StrCat("no error, but recorded is: ", error->AsString());
    const absl::string_view want = WithoutClass(error->AsString());
    if (absl::StrContains(got.status().message(), want)) return "";
    return absl::StrCat("another error.\n  ours: ", got.status().message(),
                        "\n  recorded: ", want);
  }
  if (!got.ok()) return absl::StrCat("failed: ", got.status().message());
  if (const IValue* want = Find(call, "output"); want != nullptr) {
    std::string why = Compare(*got, *want, tolerance);
    if (!why.empty()) return absl::StrCat("output", why);
  }
  if (const IValue* after = Find(call, "args_after"); after != nullptr) {
    const IValue now = after->is_list() ? IValue(MakeList(Type::Any(), given))
                                        : IValue(MakeTuple(given));
    std::string why = Compare(now, *after, tolerance);
    if (!why.empty()) return absl::StrCat("arguments after the call", why);
  }
  if (const IValue* want = Find(call, "stdout");
      want != nullptr && want->is_string()) {
    if (output.text() != want->AsString()) {
      return absl::StrCat("it printed\n", output.text(),
                          "--- but recorded is\n", want->AsString());
    }
  }
  return "";
}

}  // namespace

std::string CheckRecordedCalls(
    const Session& session, Tolerance tolerance, const std::string& path,
    const std::function<absl::StatusOr<Module>()>& load) {
  const absl::StatusOr<IValue> calls = LoadPlainValues(path);
  if (!calls.ok()) return std::string(calls.status().message());
  const IValue* sequences = Find(*calls, "sequences");
  if (sequences == nullptr || !sequences->is_list()) {
    return "no sequences are recorded";
  }
  const auto& list = sequences->AsList().values;
  for (size_t s = 0; s < list.size(); ++s) {
    if (!list[s].is_list()) return "a sequence is no list";
    const absl::StatusOr<Module> module = load();
    if (!module.ok()) return absl::StrCat("load: ", module.status().message());
    const auto& sequence = list[s].AsList().values;
    Generator generator;
    for (size_t k = 0; k < sequence.size(); ++k) {
      std::string why =
          RunCall(session, tolerance, *module, sequence[k], &generator);
      if (!why.empty())
        return absl::StrCat("sequence ", s, ", call ", k, ": ", why);
    }
  }
  return "";
}

}  // namespace tandem::tools
