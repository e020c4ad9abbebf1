#include "tandem/frontends/script/compiler/custom_classes.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace tandem::script {
namespace {

struct Method {
  absl::string_view classes;  // separated by blanks, after …torch.classes.
  absl::string_view name;
  absl::string_view signature;  // without self
};

constexpr absl::string_view kConvolutions =
    "quantized.Conv2dPackedParamsBase quantized.Conv3dPackedParamsBase";
constexpr Method kMethods[] = {
    {"quantized.LinearPackedParamsBase", "unpack", "() -> ((Tensor, Tensor?))"},
    {"quantized.LinearPackedParamsBase", "bias", "() -> Tensor?"},
    {"quantized.LinearPackedParamsBase", "__getstate__",
     "() -> ((Tensor, Tensor?))"},
    {kConvolutions, "weight", "() -> Tensor"},
    {kConvolutions, "bias", "() -> Tensor?"},
    {kConvolutions, "unpack", "() -> ((Tensor, Tensor?))"},
    {kConvolutions, "stride", "() -> int[]"},
    {kConvolutions, "padding", "() -> int[]"},
    {kConvolutions, "output_padding", "() -> int[]"},
    {kConvolutions, "dilation", "() -> int[]"},
    {kConvolutions, "groups", "() -> int"},
    {kConvolutions, "transpose", "() -> bool"},
    {kConvolutions, "__getstate__", "() -> ((str, Tensor[], Tensor?[]))"},
    {"quantized.EmbeddingPackedParamsBase", "bit_rate", "() -> int"},
    {"quantized.EmbeddingPackedParamsBase", "unpack", "() -> Tensor"},
    {"quantized.EmbeddingPackedParamsBase", "version", "() -> int"},
    {"quantized.EmbeddingPackedParamsBase", "__getstate__",
     "() -> ((int, Tensor[], float[], int[]))"},
};

bool Lists(absl::string_view classes, absl::string_view name) {
  while (!classes.empty()) {
    const absl::string_view first = classes.substr(0, classes.find(' '));
    if (first == name) return true;
    classes.remove_prefix(first.size());
    absl::ConsumePrefix(&classes, " ");
  }
  return false;
}

}  // namespace

std::optional<FunctionSchema> CustomClassMethod(const ClassType& type,
                                                absl::string_view method) {
  absl::string_view name = type.name();
  if (!absl::ConsumePrefix(&name, "__torch__.torch.classes.")) {
    return std::nullopt;
  }
  for (const Method& entry : kMethods) {
    if (entry.name != method || !Lists(entry.classes, name)) continue;
    absl::StatusOr<FunctionSchema> schema =
        ParseSchema(absl::StrCat(method, entry.signature));
    if (!schema.ok()) return std::nullopt;
    Argument self;
    self.name = "self";
    self.type = type.shared();
    schema->arguments.insert(schema->arguments.begin(), std::move(self));
    return *std::move(schema);
  }
  return std::nullopt;
}

}  // namespace tandem::script
