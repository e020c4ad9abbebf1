#include "tandem/passes/fuse_attention.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/passes/known_shapes.h"
#include "tandem/passes/pattern.h"
#include "tandem/passes/rewrite.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// One step that people write or leave out, as a line of a pattern.
struct Step {
  const char* name;
  const char* line;  // empty: it is left out
};

// From %q: what is multiplied with k.
constexpr Step kScaledQuery[] = {
    {"", ""},
    {"mul_q", "%qs = aten::mul.Tensor[any_overload=1](%q, %scale)"},
    {"div_q", "%qs = aten::div.Tensor[any_overload=1](%q, %scale)"},
};
// From %s, the product.
constexpr Step kScaledProduct[] = {
    {"", ""},
    {"mul", "%c = aten::mul.Tensor[any_overload=1](%s, %scale)"},
    {"div", "%c = aten::div.Tensor[any_overload=1](%s, %scale)"},
};
// %S stands for the scaled product.
constexpr Step kMasks[] = {
    {"", ""},
    {"add", "%m = aten::add.Tensor(%S, %mask, 1)"},
    {"add_to", "%m = aten::add.Tensor(%mask, %S, 1)"},
    {"fill", "%m = aten::masked_fill.Scalar(%S, %mask, %fill)"},
};
// From %p, the weights.
constexpr Step kConverted[] = {
    {"", ""},
    {"to", "%w = aten::to.dtype(%p, %kind, False, False, None)"},
};

std::optional<double> NumberOf(const Value* v) {
  std::optional<IValue> c = ConstantOf(v);
  if (!c.has_value()) return std::nullopt;
  if (c->is_int()) return static_cast<double>(c->AsInt());
  if (c->is_double()) return c->AsDouble();
  if (c->is_tensor() && c->AsTensor().defined() && c->AsTensor().dim() == 0) {
    const absl::StatusOr<Scalar> s = c->AsTensor().Item();
    if (s.ok() && !s->is_complex()) return s->ToDouble();
  }
  return std::nullopt;
}

// Are dims `a` and `b` the last two of %k?
bool SwapsLastTwo(const PatternMatch& match) {
  const std::optional<IValue> a = match.constant("a"), b = match.constant("b");
  if (!a.has_value() || !b.has_value() || !a->is_int() || !b->is_int()) {
    return false;
  }
  int64_t x = a->AsInt(), y = b->AsInt();
  const auto rank = KnownRank(match.value("k"));
  if (rank.has_value()) {
    if (x >= 0) x -= *rank;
    if (y >= 0) y -= *rank;
  }
  return (x == -2 && y == -1) || (x == -1 && y == -2);
}

// Is the dtype that %name gives, if it gives one, that of q?
bool IsDTypeOfQuery(const PatternMatch& match, absl::string_view name) {
  const Value* v = match.value(name);
  if (v == nullptr || v->type()->is(TypeKind::kNone)) return true;
  const std::optional<IValue> c = match.constant(name);
  if (!c.has_value()) return false;
  if (c->is_none()) return true;
  const std::optional<DType> dtype = KnownDType(match.value("q"));
  return c->is_int() && dtype.has_value() &&
         c->AsInt() == static_cast<int64_t>(*dtype);
}

bool Accept(PatternMatch& match, bool divides, bool fills) {
  const auto rank = KnownRank(match.value("q"));
  if (!rank.has_value() || *rank < 3 || KnownRank(match.value("k")) != rank ||
      KnownRank(match.value("v")) != rank || !SwapsLastTwo(match) ||
      !IsDTypeOfQuery(match, "dtype") || !IsDTypeOfQuery(match, "kind")) {
    return false;
  }
  double factor = 1;
  if (const Value* scale = match.value("scale"); scale != nullptr) {
    const std::optional<double> c = NumberOf(scale);
    if (!c.has_value() || *c == 0 || !std::isfinite(*c)) return false;
    factor = divides ? 1 / *c : *c;
  }
  match.SetConstant("factor", IValue(factor));
  if (match.value("mask") != nullptr) {
    const auto mask_rank = KnownRank(match.value("mask"));
    if (mask_rank.has_value() && *mask_rank > *rank) return false;
  }
  if (!fills) return true;
  const std::optional<double> fill = NumberOf(match.value("fill"));
  return fill.has_value() && std::isinf(*fill) && *fill < 0;
}

std::string Replaced(std::string text, absl::string_view what,
                     absl::string_view with) {
  for (size_t at = text.find(std::string(what)); at != std::string::npos;
       at = text.find(std::string(what))) {
    text.replace(at, what.size(), std::string(with));
  }
  return text;
}

// The rule for one choice of each step.
RewriteRule Rule(const Step& query, const Step& product, const Step& mask,
                 const Step& converted) {
  const bool has_scale = *query.line != '\0' || *product.line != '\0';
  const bool has_mask = *mask.line != '\0';
  const bool fills = has_mask && mask.name[0] == 'f';
  std::string parameters = "%q, %k, %v, %a : int, %b : int, %dtype : Any";
  if (has_scale) absl::StrAppend(&parameters, ", %scale : Any");
  if (has_mask) absl::StrAppend(&parameters, ", %mask");
  if (fills) absl::StrAppend(&parameters, ", %fill : Any");
  if (*converted.line != '\0') absl::StrAppend(&parameters, ", %kind : Any");
  std::string text = absl::StrCat("graph(", parameters, "):\n");
  const auto line = [&](absl::string_view l) {
    if (!l.empty()) absl::StrAppend(&text, "  ", l, "\n");
  };
  line("%t = aten::transpose.int(%k, %a, %b)");
  line(query.line);
  line(*query.line != '\0' ? "%s = aten::matmul(%qs, %t)"
                           : "%s = aten::matmul(%q, %t)");
  line(product.line);
  const char* scaled = *product.line != '\0' ? "%c" : "%s";
  line(Replaced(mask.line, "%S", scaled));
  line(absl::StrCat("%p = aten::softmax.int(", has_mask ? "%m" : scaled,
                    ", -1, %dtype)"));
  line(converted.line);
  line(*converted.line != '\0' ? "%y = aten::matmul(%w, %v)"
                               : "%y = aten::matmul(%p, %v)");
  line("return (%y)");

  RewriteRule rule;
  rule.name = absl::StrCat("attention ", query.name, " ", product.name, " ",
                           mask.name, " ", converted.name);
  rule.pattern = std::move(text);
  rule.replacement = absl::StrCat(
      "graph(%q, %k, %v, %factor : float", has_mask ? ", %mask" : "", "):\n",
      fills ? "  %keep = aten::logical_not(%mask)\n" : "",
      "  %y = aten::scaled_dot_product_attention(%q, %k, %v, ",
      fills      ? "%keep"
      : has_mask ? "%mask"
                 : "None",
      ", 0.0, False, %factor, False)\n  return (%y)\n");
  const bool divides = query.name[0] == 'd' || product.name[0] == 'd';
  rule.condition = [divides, fills](PatternMatch& match) {
    return Accept(match, divides, fills);
  };
  return rule;
}

std::vector<RewriteRule> Rules(bool masks) {
  std::vector<RewriteRule> rules;
  for (const Step& query : kScaledQuery) {
    for (const Step& product : kScaledProduct) {
      if (*query.line != '\0' && *product.line != '\0') continue;
      for (const Step& mask : kMasks) {
        if (!masks && *mask.line != '\0') continue;
        for (const Step& converted : kConverted) {
          rules.push_back(Rule(query, product, mask, converted));
        }
      }
    }
  }
  return rules;
}

}  // namespace

absl::StatusOr<PassResult> FuseAttention(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options) {
  PassResult result;
  const Operator* attention =
      context.operators->Find("aten::scaled_dot_product_attention", "");
  if (attention == nullptr || attention->schema.arguments.size() != 8 ||
      !AnyNode(*graph->block(),
               [](const Node& n) { return n.Is("aten::softmax"); }) ||
      AnyNode(*graph->block(),
              [](const Node& n) { return n.is(NodeKind::kEnter); })) {
    return result;
  }
  TANDEM_ASSIGN_OR_RETURN(const bool masks, options.GetBool("masks", false));
  TANDEM_ASSIGN_OR_RETURN(
      const RewriteRules rules,
      RewriteRules::Create(Rules(masks), *context.operators));
  result.Count("attentions fused", rules.Apply(graph));
  return result;
}

}  // namespace tandem
