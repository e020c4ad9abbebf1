#include "tandem/frontends/nn/module.h"

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tandem/frontends/eager/context.h"

namespace tandem::nn {
namespace {

using eager::Throw;

// Tells the recorder when forward leaves by an exception.
class ModuleScope {
 public:
  ModuleScope(eager::Recorder* recorder, Module* module)
      : recorder_(recorder), module_(module) {}
  ~ModuleScope() {
    if (recorder_ != nullptr) recorder_->AbandonModule(*module_);
  }
  void Leave() { recorder_ = nullptr; }

 private:
  eager::Recorder* recorder_;
  Module* const module_;
};

std::string Join(const std::string& prefix, absl::string_view name) {
  return prefix.empty() ? std::string(name) : absl::StrCat(prefix, ".", name);
}

// "torch.Size([2, 3])"
std::string SizeText(const Tensor& t) {
  return absl::StrCat("torch.Size(", DimsToString(t.raw().sizes()), ")");
}

std::string Quoted(const std::vector<std::string>& keys) {
  return absl::StrJoin(keys, ", ", [](std::string* out, const std::string& k) {
    absl::StrAppend(out, "\"", k, "\"");
  });
}

}  // namespace

std::string BareTypeName(absl::string_view pretty) {
  // "... [with T = ns::Name; std::string = ...]" or "[T = ns::Name]".
  const size_t start = pretty.find("T = ");
  if (start != absl::string_view::npos) pretty.remove_prefix(start + 4);
  int depth = 0;
  size_t begin = 0, end = pretty.size();
  for (size_t i = 0; i < pretty.size(); ++i) {
    const char c = pretty[i];
    if (depth == 0 && (c == ';' || c == ']')) {
      end = i;
      break;
    }
    if (c == '<' || c == '(' || c == '{' || c == '[') ++depth;
    if (c == '>' || c == ')' || c == '}' || c == ']') --depth;
    if (depth == 0 && c == ':') begin = i + 1;
  }
  absl::string_view name = pretty.substr(begin, end - begin);
  name = name.substr(0, name.find('<'));
  return std::string(name);
}

Module::~Module() = default;

void Module::CheckName(absl::string_view kind, absl::string_view name) const {
  if (name.empty()) Throw(absl::StrCat(kind, " name can't be empty string"));
  if (name.find('.') != absl::string_view::npos) {
    Throw(absl::StrCat(kind, " name can't contain \".\", got: ", name));
  }
  const auto has = [&](const auto& members) {
    return std::any_of(members.begin(), members.end(),
                       [&](const auto& m) { return m.name == name; });
  };
  if (has(parameters_) || has(buffers_) || has(children_)) {
    Throw(absl::StrCat("attribute '", name, "' already exists"));
  }
}

const Tensor& Module::register_parameter(std::string name, Tensor value,
                                         bool requires_grad) {
  CheckName("parameter", name);
  if (value.defined() && requires_grad) value.requires_grad_();
  parameters_.push_back({std::move(name), std::move(value)});
  return parameters_.back().tensor;
}

const Tensor& Module::register_buffer(std::string name, Tensor value,
                                      bool persistent) {
  CheckName("buffer", name);
  buffers_.push_back({std::move(name), std::move(value), persistent});
  return buffers_.back().tensor;
}

void Module::register_module(std::string name, std::shared_ptr<Module> module) {
  CheckName("module", name);
  children_.push_back({std::move(name), std::move(module)});
}

template <typename F>
void Module::Visit(const std::string& prefix, std::vector<const Module*>* seen,
                   F&& f) const {
  if (std::find(seen->begin(), seen->end(), this) != seen->end()) return;
  seen->push_back(this);
  f(prefix, *this);
  for (const Child& c : children_) {
    if (c.module != nullptr) c.module->Visit(Join(prefix, c.name), seen, f);
  }
}

NamedTensors Module::named_parameters() const {
  NamedTensors out;
  std::vector<const Module*> modules;
  std::set<const TensorImpl*> seen;
  Visit("", &modules, [&](const std::string& prefix, const Module& m) {
    for (const Parameter& p : m.parameters_) {
      if (p.tensor.defined() && seen.insert(p.tensor.raw().impl()).second) {
        out.emplace_back(Join(prefix, p.name), p.tensor);
      }
    }
  });
  return out;
}

NamedTensors Module::named_buffers() const {
  NamedTensors out;
  std::vector<const Module*> modules;
  std::set<const TensorImpl*> seen;
  Visit("", &modules, [&](const std::string& prefix, const Module& m) {
    for (const Buffer& b : m.buffers_) {
      if (b.tensor.defined() && seen.insert(b.tensor.raw().impl()).second) {
        out.emplace_back(Join(prefix, b.name), b.tensor);
      }
    }
  });
  return out;
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> out;
  for (auto& [name, t] : named_parameters()) out.push_back(std::move(t));
  return out;
}

std::vector<Tensor> Module::buffers() const {
  std::vector<Tensor> out;
  for (auto& [name, t] : named_buffers()) out.push_back(std::move(t));
  return out;
}

std::vector<std::pair<std::string, Module*>> Module::named_modules() {
  std::vector<std::pair<std::string, Module*>> out;
  std::vector<const Module*> seen;
  Visit("", &seen, [&](const std::string& prefix, const Module& m) {
    out.emplace_back(prefix, const_cast<Module*>(&m));
  });
  return out;
}

Module* Module::FindModule(absl::string_view path) {
  if (path.empty()) return this;
  Module* m = this;
  for (const absl::string_view part : absl::StrSplit(path, '.')) {
    Module* next = nullptr;
    for (const Child& c : m->children_) {
      if (c.name == part) next = c.module.get();
    }
    if (next == nullptr) return nullptr;
    m = next;
  }
  return m;
}

const Tensor* Module::FindTensor(absl::string_view path) {
  const size_t dot = path.rfind('.');
  const bool nested = dot != absl::string_view::npos;
  Module* m = nested ? FindModule(path.substr(0, dot)) : this;
  if (m == nullptr) return nullptr;
  const absl::string_view name = nested ? path.substr(dot + 1) : path;
  for (const Parameter& p : m->parameters_) {
    if (p.name == name) return &p.tensor;
  }
  for (const Buffer& b : m->buffers_) {
    if (b.name == name) return &b.tensor;
  }
  return nullptr;
}

Module& Module::train(bool mode) {
  training_ = mode;
  OnTrain(mode);
  for (const Child& c : children_) {
    if (c.module != nullptr) c.module->train(mode);
  }
  return *this;
}

Module& Module::requires_grad_(bool requires_grad) {
  for (const Tensor& t : parameters()) t.requires_grad_(requires_grad);
  return *this;
}

Module& Module::to(DType dtype) {
  if (!IsFloatingPoint(dtype) && !IsComplex(dtype)) {
    Throw(absl::StrCat(
        "nn.Module.to only accepts floating point or complex dtypes, but got "
        "desired dtype=torch.",
        PythonName(dtype)));
  }
  const eager::ScopedRecorder none(nullptr);
  NamedTensors all = named_parameters();
  for (auto& b : named_buffers()) all.push_back(std::move(b));
  for (auto& [name, t] : all) {
    if (!IsFloatingPoint(t.raw().dtype()) && !IsComplex(t.raw().dtype())) {
      continue;
    }
    const Tensor converted = t.to(dtype);
    if (converted.is_same(t)) continue;
    // All handles of the tensor see the change.
    TensorImpl* impl = t.raw().impl();
    impl->storage = converted.raw().storage();
    impl->offset = converted.raw().offset();
    impl->dtype = dtype;
    impl->SetGeometry(converted.raw().sizes(), converted.raw().strides());
  }
  return *this;
}

Module& Module::apply(const std::function<void(Module&)>& f) {
  for (const Child& c : children_) {
    if (c.module != nullptr) c.module->apply(f);
  }
  f(*this);
  return *this;
}

StateDict Module::state_dict() const {
  StateDict out;
  // A module that is held twice shows twice, as in PyTorch.
  const std::function<void(const std::string&, const Module&)> visit =
      [&](const std::string& prefix, const Module& m) {
        for (const Parameter& p : m.parameters_) {
          if (p.tensor.defined()) {
            out.emplace_back(Join(prefix, p.name), p.tensor);
          }
        }
        for (const Buffer& b : m.buffers_) {
          if (b.tensor.defined() && b.persistent) {
            out.emplace_back(Join(prefix, b.name), b.tensor);
          }
        }
        for (const Child& c : m.children_) {
          if (c.module != nullptr) visit(Join(prefix, c.name), *c.module);
        }
      };
  visit("", *this);
  return out;
}

std::vector<std::pair<std::string, int64_t>> Module::state_dict_versions()
    const {
  std::vector<std::pair<std::string, int64_t>> out;
  const std::function<void(const std::string&, const Module&)> visit =
      [&](const std::string& prefix, const Module& m) {
        out.emplace_back(prefix, m.state_version());
        for (const Child& c : m.children_) {
          if (c.module != nullptr) visit(Join(prefix, c.name), *c.module);
        }
      };
  visit("", *this);
  return out;
}

void Module::load_state_dict(const StateDict& state, bool strict) {
  const eager::ScopedRecorder none(nullptr);
  const StateDict own = state_dict();
  std::map<std::string, Tensor> given(state.begin(), state.end());
  std::vector<std::string> missing, unexpected, errors;
  std::vector<std::pair<Tensor, Tensor>> copies;
  std::set<std::string> known;
  for (const auto& [name, target] : own) {
    known.insert(name);
    const auto it = given.find(name);
    if (it == given.end()) {
      missing.push_back(name);
      continue;
    }
    if (!it->second.defined()) {
      errors.push_back(absl::StrCat("While copying the parameter named \"",
                                    name,
                                    "\", expected torch.Tensor or "
                                    "Tensor-like object from checkpoint but "
                                    "received None"));
    } else if (it->second.raw().sizes() != target.raw().sizes()) {
      errors.push_back(
          absl::StrCat("size mismatch for ", name,
                       ": copying a param with shape ", SizeText(it->second),
                       " from checkpoint, the shape in current model "
                       "is ",
                       SizeText(target), "."));
    } else {
      copies.emplace_back(target, it->second);
    }
  }
  for (const auto& [name, value] : state) {
    if (known.count(name) == 0) unexpected.push_back(name);
  }
  if (strict && !missing.empty()) {
    errors.insert(
        errors.begin(),
        absl::StrCat("Missing key(s) in state_dict: ", Quoted(missing), ". "));
  }
  if (strict && !unexpected.empty()) {
    errors.insert(errors.begin(),
                  absl::StrCat("Unexpected key(s) in state_dict: ",
                               Quoted(unexpected), ". "));
  }
  if (!errors.empty()) {
    Throw(absl::StrCat("Error(s) in loading state_dict for ", name(), ":\n\t",
                       absl::StrJoin(errors, "\n\t")));
  }
  for (const auto& [target, value] : copies) target.copy_(value);
}

void Module::load_state_dict(const IValue& state, bool strict) {
  if (!state.is_dict()) {
    Throw("Expected state_dict to be dict-like");
  }
  StateDict entries;
  state.AsDict().ForEach([&](const IValue& key, const IValue& value) {
    if (key.is_string() && (value.is_tensor() || value.is_none())) {
      entries.emplace_back(key.AsString(), eager::FromIValue<Tensor>(value));
    }
  });
  load_state_dict(entries, strict);
}

IValue Module::CallBoxed(std::vector<IValue> args) {
  eager::Recorder* const recorder = eager::CurrentRecorder();
  if (recorder == nullptr) return ForwardBoxed(std::move(args));
  std::optional<IValue> result =
      eager::Unwrap(recorder->EnterModule(*this, &args));
  if (result.has_value()) return *std::move(result);
  ModuleScope scope(recorder, this);
  IValue value = ForwardBoxed(std::move(args));
  scope.Leave();
  return eager::Unwrap(recorder->ExitModule(*this, std::move(value)));
}

std::string Module::ToString() const {
  std::vector<std::string> lines;
  const std::string extra = extra_repr();
  if (!extra.empty()) lines = absl::StrSplit(extra, '\n');
  if (lines.size() == 1 && children_.empty()) {
    return absl::StrCat(name(), "(", extra, ")");
  }
  for (const Child& c : children_) {
    const std::string text =
        c.module == nullptr ? "None" : c.module->ToString();
    lines.push_back(absl::StrCat(
        "(", c.name, "): ", absl::StrReplaceAll(text, {{"\n", "\n  "}})));
  }
  if (lines.empty()) return absl::StrCat(name(), "()");
  return absl::StrCat(name(), "(\n  ", absl::StrJoin(lines, "\n  "), "\n)");
}

std::ostream& operator<<(std::ostream& out, const Module& m) {
  return out << m.ToString();
}

}  // namespace tandem::nn
