#include "tandem/runtime/bound_methods.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/ir/operator_table.h"
#include "tandem/runtime/operator_call.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/tensor.h"

namespace tandem {
namespace {

// Values that an operator on `self` gives.
class BoundObject {
 public:
  BoundObject(const IValue& self, absl::string_view class_name,
              const Registry& registry, absl::Span<const std::string> backends)
      : self_(self),
        class_(class_name),
        registry_(registry),
        backends_(backends) {}

  absl::StatusOr<IValue> Call(absl::string_view method) const {
    if (class_ == "LinearPackedParamsBase") {
      return UnpackedBy("quantized::linear_unpack", method);
    }
    if (class_ == "Conv2dPackedParamsBase") return OfConv("conv2d", method);
    if (class_ == "Conv3dPackedParamsBase") return OfConv("conv3d", method);
    if (class_ == "EmbeddingPackedParamsBase") return OfEmbedding(method);
    return Unknown(method);
  }

 private:
  absl::Status Unknown(absl::string_view method) const {
    return absl::NotFoundError(absl::StrCat("'",
                                            self_.AsOpaque().qualified_name,
                                            "' has no method '", method, "'"));
  }

  // The results of an operator that takes `self` alone.
  absl::StatusOr<std::vector<IValue>> Run(const std::string& name) const {
    const Operator* op = OperatorTable::Builtin().Find(name, "");
    if (op == nullptr) return absl::InternalError(absl::StrCat(name, "?"));
    std::vector<IValue> registers(1 + op->schema.returns.size());
    registers[0] = self_;
    TANDEM_RETURN_IF_ERROR(
        OperatorCall(*op, registry_, backends_).Run(registers.data()));
    registers.erase(registers.begin());
    return registers;
  }

  // Weight and bias, or what a method names of them.
  absl::StatusOr<IValue> UnpackedBy(const std::string& op,
                                    absl::string_view method) const {
    const bool both = method == "unpack" || method == "__getstate__";
    if (!both && method != "weight" && method != "bias") return Unknown(method);
    TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> parts, Run(op));
    if (both) return IValue(MakeTuple(std::move(parts)));
    return parts[method == "weight" ? 0 : 1];
  }

  absl::StatusOr<IValue> OfConv(absl::string_view conv,
                                absl::string_view method) const {
    const std::string prefix = absl::StrCat("quantized::", conv, "_");
    for (const char* field :
         {"stride", "padding", "output_padding", "dilation", "groups"}) {
      if (method != field) continue;
      TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> value, Run(prefix + field));
      return std::move(value[0]);
    }
    if (method == "transpose") {
      TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> value,
                              Run(prefix + "transpose"));
      return IValue(value[0].AsInt() != 0);
    }
    if (method == "__getstate__") return ConvState(prefix);
    return UnpackedBy(prefix + "unpack", method);
  }

  // Version 2 of the state: ("2", [numbers, weight], [bias]).
  absl::StatusOr<IValue> ConvState(const std::string& prefix) const {
    std::vector<int16_t> numbers = {
        static_cast<int16_t>(absl::StrContains(prefix, "3d") ? 3 : 2)};
    for (const char* field :
         {"stride", "padding", "dilation", "output_padding"}) {
      TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> value, Run(prefix + field));
      for (const IValue& v : value[0].AsList().values) {
        numbers.push_back(static_cast<int16_t>(v.AsInt()));
      }
    }
    for (const char* field : {"groups", "transpose"}) {
      TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> value, Run(prefix + field));
      numbers.push_back(static_cast<int16_t>(value[0].AsInt()));
    }
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor config,
        Tensor::Empty({static_cast<int64_t>(numbers.size())}, DType::kInt16));
    std::copy(numbers.begin(), numbers.end(), config.data<int16_t>());
    TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> parts, Run(prefix + "unpack"));
    return IValue(MakeTuple(
        {IValue("2"),
         IValue(MakeList(Type::Tensor(), {IValue(config), parts[0]})),
         IValue(MakeList(Type::Optional(Type::Tensor()), {parts[1]}))}));
  }

  // The state is (version, [weight], [], [bits, ...]).
  absl::StatusOr<IValue> OfEmbedding(absl::string_view method) const {
    // Checks the state.
    TANDEM_ASSIGN_OR_RETURN(std::vector<IValue> weight,
                            Run("quantized::embedding_bag_unpack"));
    if (method == "unpack") return std::move(weight[0]);
    const IValue& state = self_.AsOpaque().state;
    const std::vector<IValue>& parts =
        state.is_tuple() ? state.AsTuple().values : state.AsList().values;
    if (method == "__getstate__" && state.is_tuple()) return state;
    if (method == "version" && parts[0].is_int()) return parts[0];
    if (method == "bit_rate") {
      return IValue(
          int64_t{weight[0].AsTensor().dtype() == DType::kQUInt4x2 ? 4 : 8});
    }
    return Unknown(method);
  }

  const IValue& self_;
  const absl::string_view class_;
  const Registry& registry_;
  const absl::Span<const std::string> backends_;
};

}  // namespace

absl::StatusOr<IValue> CallBoundMethod(const IValue& self,
                                       absl::string_view method,
                                       const Registry& registry,
                                       absl::Span<const std::string> backends) {
  absl::string_view name = self.AsOpaque().qualified_name;
  absl::ConsumePrefix(&name, "__torch__.torch.classes.quantized.");
  return BoundObject(self, name, registry, backends).Call(method);
}

}  // namespace tandem
