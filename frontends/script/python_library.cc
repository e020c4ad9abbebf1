#include "tandem/frontends/script/python_library.h"

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/format_source.h"
#include "tandem/frontends/script/functional_source.h"
#include "tandem/frontends/script/layer_source.h"

namespace tandem::script {
namespace {

struct Module {
  absl::string_view name;
  absl::string_view source;
};

constexpr Module kModules[] = {
    {"torch.autograd.grad_mode", R"PY(
import torch
from typing import Any

class no_grad:
    def __init__(self) -> None:
        self.prev = False

    def __enter__(self) -> None:
        self.prev = torch.is_grad_enabled()
        torch.set_grad_enabled(False)

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        torch.set_grad_enabled(self.prev)

class inference_mode:
    def __init__(self, mode: bool = True) -> None:
        self.mode = mode
        self.prev = False

    def __enter__(self) -> None:
        self.prev = torch.is_grad_enabled()
        torch.set_grad_enabled(self.prev and not self.mode)

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        torch.set_grad_enabled(self.prev)

class enable_grad:
    def __init__(self) -> None:
        self.prev = False

    def __enter__(self) -> None:
        self.prev = torch.is_grad_enabled()
        torch.set_grad_enabled(True)

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        torch.set_grad_enabled(self.prev)
)PY"},
    {"torch.autograd.profiler", R"PY(
import torch
from typing import Any, Optional

class record_function:
    def __init__(self, name: str, args: Optional[str] = None):
        self.name: str = name
        self.args: Optional[str] = args
        self.run_callbacks_on_exit: bool = True
        self.record = torch.jit.annotate(
            Optional["torch.classes.profiler._RecordFunction"], None)
        self._cuspy_external_id = None

    def __enter__(self):
        self.record = torch.ops.profiler._record_function_enter_new(
            self.name, self.args)
        return self

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any):
        if not self.run_callbacks_on_exit:
            return
        record = self.record
        assert record is not None, "Expected record to be set"
        torch.ops.profiler._record_function_exit(record)
)PY"},
    {"torch.jit._trace", R"PY(
def is_tracing() -> bool:
    return False
)PY"},
};

struct Alias {
  absl::string_view name;
  absl::string_view target;
};
constexpr Alias kAliases[] = {
    {"torch.no_grad", "torch.autograd.grad_mode.no_grad"},
    {"torch.inference_mode", "torch.autograd.grad_mode.inference_mode"},
    {"torch.enable_grad", "torch.autograd.grad_mode.enable_grad"},
    {"torch.autograd.no_grad", "torch.autograd.grad_mode.no_grad"},
    {"torch.autograd.enable_grad", "torch.autograd.grad_mode.enable_grad"},
    {"torch.profiler.record_function",
     "torch.autograd.profiler.record_function"},
    {"torch.jit.is_tracing", "torch.jit._trace.is_tracing"},
};

}  // namespace

absl::string_view LibrarySource(absl::string_view module) {
  if (module == "torch.nn.functional") {
    static const std::string* const kWhole = new std::string(absl::StrCat(
        FunctionalSource(), MoreFunctionalSource(), ResizeFunctionalSource()));
    return *kWhole;
  }
  for (const Module& known : kModules) {
    if (known.name == module) return known.source;
  }
  if (module == "tandem.format") return FormatSource();
  return LayerSource(module);
}

std::string LibraryName(absl::string_view name) {
  for (const Alias& alias : kAliases) {
    if (alias.name == name) return std::string(alias.target);
  }
  const std::string layer = LayerName(name);
  return layer.empty() ? std::string(name) : layer;
}

}  // namespace tandem::script
