// The group backend: chains of elementwise operators and reductions over rows.
#include "tandem/backends/native/native_group.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/backends/elementwise/expression.h"
#include "tandem/backends/group.h"
#include "tandem/backends/native/program.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::native {
namespace {

class Executable : public GroupExecutable {
 public:
  Executable(std::vector<Program> programs, std::vector<Tensor> constants,
             std::string text)
      : programs_(std::move(programs)),
        constants_(std::move(constants)),
        text_(std::move(text)) {}

  absl::Status Run(const KernelCall& call) const override {
    absl::InlinedVector<const Tensor*, 8> tensors;
    for (uint32_t i = 0; i < call.num_inputs; ++i) {
      tensors.push_back(&call.in(i).AsOptionalTensor());
    }
    for (const Tensor& t : constants_) tensors.push_back(&t);
    absl::InlinedVector<Tensor, 2> results(call.num_outputs);
    for (const Program& p : programs_) {
      for (const ProgramOutput& out : p.outputs) {
        TANDEM_ASSIGN_OR_RETURN(
            results[out.result],
            Tensor::Empty(out.sizes, kDTypes[out.computed]));
      }
      TANDEM_RETURN_IF_ERROR(p.Run(tensors, results));
    }
    for (uint32_t i = 0; i < call.num_outputs; ++i) {
      call.out(i) = IValue(std::move(results[i]));
    }
    return absl::OkStatus();
  }

  std::string ToString() const override {
    int64_t instructions = 0;
    for (const Program& p : programs_) {
      instructions += static_cast<int64_t>(p.instructions.size());
    }
    return absl::StrCat(text_, " (", programs_.size(),
                        programs_.size() == 1 ? " loop, " : " loops, ",
                        instructions, " steps a tile)");
  }

 private:
  const std::vector<Program> programs_;
  const std::vector<Tensor> constants_;
  const std::string text_;
};

class Backend : public GroupBackend {
 public:
  absl::string_view name() const override { return "native"; }

  Support Supports(const Node& node) const override {
    const std::string reason = elementwise::RefusalOf(node);
    return reason.empty() ? Support::Yes(/*worthwhile=*/false)
                          : Support::No(reason);
  }

  absl::StatusOr<std::unique_ptr<GroupExecutable>> Compile(
      const Graph& group, absl::Span<const ValueDescription> inputs,
      PackedWeights*) const override {
    Expressions x(inputs, {.max_row = Program::kMaxRow});
    TANDEM_RETURN_IF_ERROR(x.Read(group, inputs));
    TANDEM_ASSIGN_OR_RETURN(std::vector<Program> programs, MakePrograms(x));
    return std::make_unique<Executable>(std::move(programs), x.constants(),
                                        x.text());
  }
};

}  // namespace

absl::Status RegisterGroups(Registry& registry) {
  return registry.AddGroupBackend(std::make_shared<Backend>());
}

}  // namespace tandem::native
