#include "tandem/passes/simplify.h"

#include "tandem/ir/alias_analysis.h"
#include "tandem/passes/known_shapes.h"
#include "tandem/passes/rewrite.h"

namespace tandem {
namespace {

class Simplifier {
 public:
  explicit Simplifier(Graph* graph)
      : aliases_(*graph, {/*distinct_constants=*/true}) {}

  PassResult Run(Graph* graph) {
    ForEachNode(graph->block(), [&](Node* n) {
      if (n->is(NodeKind::kUncheckedCast)) {
        if (n->input()->type()->Equals(*n->output()->type())) {
          Forward(n, n->input());
        }
        return;
      }
      if (n->op() == nullptr || n->outputs().size() != 1) return;
      if (SimplifyNumbers(n) || SimplifyLists(n)) return;
      SimplifyViews(n);
    });
    return std::move(result_);
  }

 private:
  bool Forward(Node* n, Value* v) {
    n->output()->ReplaceAllUsesWith(v);
    n->Destroy();
    result_.Count("nodes simplified");
    return true;
  }
  bool Constant(Node* n, IValue value) {
    return Forward(
        n, InsertConstantBefore(n, std::move(value), n->output()->type()));
  }
  static bool IsInt(const Value* v, int64_t i) {
    const std::optional<IValue> c = ConstantOf(v);
    return c.has_value() && c->is_int() && c->AsInt() == i;
  }

  bool SimplifyNumbers(Node* n) {
    const std::string& overload = n->op()->schema.overload_name;
    if (overload == "int" && n->inputs().size() == 2) {
      Value* a = n->input(0);
      Value* b = n->input(1);
      if (n->Is("aten::add")) {
        if (IsInt(b, 0)) return Forward(n, a);
        if (IsInt(a, 0)) return Forward(n, b);
      } else if (n->Is("aten::mul")) {
        if (IsInt(b, 1)) return Forward(n, a);
        if (IsInt(a, 1)) return Forward(n, b);
      } else if (n->Is("aten::sub")) {
        if (IsInt(b, 0)) return Forward(n, a);
      } else if (n->Is("aten::floordiv")) {
        if (IsInt(b, 1)) return Forward(n, a);
      }
      if (a == b) {
        if (n->Is("aten::eq") || n->Is("aten::le") || n->Is("aten::ge")) {
          return Constant(n, IValue(true));
        }
        if (n->Is("aten::ne") || n->Is("aten::lt") || n->Is("aten::gt")) {
          return Constant(n, IValue(false));
        }
      }
    }
    if (n->Is("aten::__not__") && n->input()->node()->Is("aten::__not__")) {
      return Forward(n, n->input()->node()->input());
    }
    // Traces turn sizes into tensors and back.
    if (n->Is("aten::Int") && overload == "Tensor") {
      Node* made = n->input()->node();
      if (made->Is("prim::NumToTensor") && !aliases_.IsWritten(n->input()) &&
          made->input()->type()->is(TypeKind::kInt)) {
        return Forward(n, made->input());
      }
    }
    if (n->Is("aten::dim") && overload.empty()) {
      if (const auto rank = KnownRank(n->input()); rank.has_value()) {
        return Constant(n, IValue(*rank));
      }
    }
    return false;
  }

  bool SimplifyLists(Node* n) {
    const std::string& overload = n->op()->schema.overload_name;
    if (overload != "t") return false;
    Node* made = n->input()->node();
    if (!made->is(NodeKind::kListConstruct) || aliases_.IsWritten(n->input())) {
      return false;
    }
    const int64_t size = static_cast<int64_t>(made->inputs().size());
    if (n->Is("aten::len")) return Constant(n, IValue(size));
    if (n->Is("aten::__getitem__")) {
      const std::optional<IValue> index = ConstantOf(n->input(1));
      if (!index.has_value() || !index->is_int()) return false;
      int64_t i = index->AsInt();
      if (i < 0) i += size;
      if (i < 0 || i >= size) return false;
      return Forward(n, made->input(static_cast<size_t>(i)));
    }
    return false;
  }

  bool SimplifyViews(Node* n) {
    const std::string& overload = n->op()->schema.overload_name;
    if (n->inputs().empty()) return false;
    Node* inner = n->input(0)->node();
    if (n->Is("aten::transpose") && overload == "int" &&
        inner->op() == n->op()) {
      const auto a = ConstantOf(n->input(1)), b = ConstantOf(n->input(2));
      const auto c = ConstantOf(inner->input(1)),
                 d = ConstantOf(inner->input(2));
      if (!a || !b || !c || !d) return false;
      const bool same = Equal(*a, *c) && Equal(*b, *d);
      const bool swapped = Equal(*a, *d) && Equal(*b, *c);
      // The value itself in the place of a view: nobody may change geometry.
      return (same || swapped) && !aliases_.IsWritten(n->output()) &&
             Forward(n, inner->input(0));
    }
    if (n->Is("aten::view") && overload.empty() && inner->op() == n->op()) {
      n->ReplaceInput(0, inner->input(0));
      result_.Count("views merged");
      return true;
    }
    if (n->Is("aten::contiguous") && inner->op() == n->op() &&
        n->input(1) == inner->input(1)) {
      return Forward(n, n->input(0));
    }
    return false;
  }

  const AliasAnalysis aliases_;
  PassResult result_;
};

}  // namespace

absl::StatusOr<PassResult> Simplify(Graph* graph, const PassContext& context,
                                    const PassOptions& options) {
  return Simplifier(graph).Run(graph);
}

}  // namespace tandem
