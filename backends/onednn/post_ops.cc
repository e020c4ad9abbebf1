#include "tandem/backends/onednn/post_ops.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/backends/shape_values.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

constexpr size_t kMaxChain = 8;

struct Link {
  const Node* node = nullptr;  // null: a part of the operator itself
  std::vector<Eltwise> eltwise;
  // Then, with another tensor:
  dnnl_alg_kind_t binary = dnnl_alg_kind_undef;
  std::optional<Operand> other;
  // After it:
  const Value* result = nullptr;
  Dims strides;
};

// The one that looks at its elements.
std::optional<Use> OnlyUse(const Value& v) {
  std::optional<Use> only;
  for (const Use& use : v.uses()) {
    if (ReadsSizes(*use.user)) continue;
    if (only.has_value()) return std::nullopt;
    only = use;
  }
  return only;
}

// The operators that follow one after the other, each the only user of the one
// before.
std::vector<Link> Collect(Builder& b, const Fusable& f) {
  std::vector<Link> links;
  if (!f.scale.empty() || f.addend.has_value()) {
    Link own;
    own.eltwise = f.scale;
    if (f.addend.has_value()) own.binary = dnnl_binary_add;
    own.other = f.addend;
    own.result = f.result;
    own.strides = f.strides;
    links.push_back(std::move(own));
  }
  const Value* v = f.result;
  Dims strides = f.strides;
  while (v != nullptr && links.size() < kMaxChain) {
    const std::optional<Use> only = OnlyUse(*v);
    if (!only.has_value()) break;
    const Use use = *only;
    const Node* u = use.user;
    if (u->op() == nullptr) break;
    Link link;
    link.node = u;
    if (IsIdentity(*u)) {
      // Contiguous and clone may change strides, which the end sees to.
      if (u->Is("aten::contiguous") || u->Is("aten::clone")) break;
    } else if (std::optional<std::vector<Eltwise>> e = EltwiseOf(*u);
               e.has_value() && use.index == 0) {
      link.eltwise = *std::move(e);
      strides = ElementwiseStrides(f.sizes, strides);
    } else if (const std::optional<Binary> binary = BinaryOf(*u);
               binary.has_value() && use.index < 2 &&
               f.follow != Fusable::Follow::kNoOperands) {
      const Value* other = u->input(1 - use.index);
      if (!b.IsKnown(other)) break;
      const absl::StatusOr<Operand> o = b.Get(other);
      if (!o.ok() || o->dtype != f.dtype) break;
      if (BroadcastSizes(f.sizes, o->sizes) != f.sizes) break;
      // x - other, or other - x = -x + other.
      const bool first = (use.index == 0) != binary->swapped;
      if (!first && binary->alg == dnnl_binary_div) break;
      link.binary = binary->alg;
      if (!first && binary->alg == dnnl_binary_sub) {
        link.eltwise = {{dnnl_eltwise_linear, -1, 0}};
        link.binary = dnnl_binary_add;
      }
      link.other = *o;
      strides = ElementwiseStrides(
          f.sizes, use.index == 1 && DimSpan(o->sizes) == DimSpan(f.sizes)
                       ? DimSpan(o->strides)
                       : DimSpan(strides));
    } else {
      break;
    }
    v = u->output();
    link.result = v;
    link.strides = strides;
    links.push_back(std::move(link));
    if (b.IsGroupOutput(v)) break;
  }
  return links;
}

// `o` as the second operand of a binary post-op over `physical`.
absl::StatusOr<Operand> ToPhysical(Builder& b, const Operand& o, DimSpan sizes,
                                   DimSpan physical) {
  const bool folded = physical != sizes;
  if (o.sizes.size() == physical.size() && !folded) return o;
  Dims target(physical.size(), 1);
  if (!folded) {
    std::copy(o.sizes.rbegin(), o.sizes.rend(), target.rbegin());
  } else if (DimSpan(o.sizes) == sizes) {
    target.assign(physical.begin(), physical.end());
  } else {
    // Only what varies along the last dim alone keeps its form.
    for (size_t i = 0; i + 1 < o.sizes.size(); ++i) {
      if (o.sizes[i] != 1) return Refuse("a broadcast over folded dims");
    }
    if (!o.sizes.empty()) target.back() = o.sizes.back();
  }
  return b.Reshape(o, target);
}

// How many of the arguments lie in a buffer.
size_t Reads(const Arguments& args, size_t buffer) {
  return std::count_if(args.begin(), args.end(), [&](const auto& arg) {
    return arg.second.buffer == buffer;
  });
}

bool IsSlow(const Builder& b, const PrimitiveDesc& pd) {
  const std::string name = b.d().Implementation(pd);
  return b.d().IsReference(pd) || absl::StrContains(name, "gemm:");
}

class Emitter {
 public:
  Emitter(Builder& b, const Fusable& f) : b_(b), f_(f) {
    physical_ = f.physical.empty() ? f.sizes : f.physical;
    if (physical_.empty()) physical_ = {1};
  }

  absl::StatusOr<Operand> Run() {
    links_ = Collect(b_, f_);
    threads_ = b_.ThreadsFor(b_.last_work(), f_.memory_bound);
    const Library::ScopedThreads scope(b_.d().library(), threads_);
    const size_t own = links_.empty() || links_[0].node != nullptr ? 0 : 1;
    // Without what follows: described only when it has to be asked for, since
    // a description costs as much as some primitives' runs.
    std::optional<PrimitiveDesc> plain;
    for (size_t n = links_.size(); n > own; --n) {
      for (bool sum : {true, false}) {
        if (sum && SumAt(n) == kNone) continue;
        const absl::StatusOr<PrimitiveDesc> pd = Describe(n, sum);
        if (!pd.ok()) continue;
        if (IsSlow(b_, *pd)) {
          if (!plain.has_value()) {
            TANDEM_ASSIGN_OR_RETURN(plain, DescribePlain(own));
          }
          if (!IsSlow(b_, *plain)) continue;
        }
        absl::StatusOr<Operand> result = Emit(*pd, n, sum);
        if (result.ok()) return result;
      }
    }
    if (!plain.has_value()) {
      TANDEM_ASSIGN_OR_RETURN(plain, DescribePlain(own));
    }
    return Emit(*plain, own, false);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  absl::StatusOr<PrimitiveDesc> DescribePlain(size_t own) {
    TANDEM_ASSIGN_OR_RETURN(PrimitiveDesc plain, Describe(own, false));
    if (b_.d().IsReference(plain) && !f_.allow_reference) {
      return Refuse("oneDNN has only plain loops for it (",
                    b_.d().Implementation(plain), ")");
    }
    return plain;
  }

  std::vector<const Node*> Nodes(size_t n) const {
    std::vector<const Node*> nodes;
    if (f_.result == nullptr) return nodes;
    nodes.push_back(f_.result->node());
    for (size_t i = 0; i < n; ++i) {
      if (links_[i].node != nullptr) nodes.push_back(links_[i].node);
    }
    return nodes;
  }

  // The first link that may add in place: a tensor of the same sizes that
  // nobody needs afterwards.
  size_t SumAt(size_t n) const {
    if (f_.follow != Fusable::Follow::kAll) return kNone;
    for (size_t i = 0; i < n; ++i) {
      const Link& link = links_[i];
      if (link.node == nullptr || link.binary != dnnl_binary_add) continue;
      if (DimSpan(link.other->sizes) == DimSpan(f_.sizes) &&
          b_.DiesWith(*link.other, Nodes(n))) {
        return i;
      }
    }
    return kNone;
  }

  absl::StatusOr<PrimitiveDesc> Describe(size_t n, bool sum) {
    TANDEM_ASSIGN_OR_RETURN(const Attributes attr, b_.d().NewAttributes());
    const Library& library = b_.d().library();
    if (f_.attributes) {
      TANDEM_RETURN_IF_ERROR(f_.attributes(attr.get()));
    }
    if (b_.options().allow_bf16 && f_.dtype == DType::kFloat) {
      library.primitive_attr_set_fpmath_mode(attr.get(), dnnl_fpmath_mode_bf16);
    }
    if (n > 0) {
      dnnl_post_ops_t raw = nullptr;
      if (library.post_ops_create(&raw) != dnnl_success) {
        return Refuse("no post-ops");
      }
      const std::unique_ptr<dnnl_post_ops, decltype(library.post_ops_destroy)>
          ops(raw, library.post_ops_destroy);
      const size_t sum_at = sum ? SumAt(n) : kNone;
      for (size_t i = 0; i < n; ++i) {
        TANDEM_RETURN_IF_ERROR(Append(raw, links_[i], i == sum_at));
      }
      if (library.primitive_attr_set_post_ops(attr.get(), raw) !=
          dnnl_success) {
        return Refuse("post-ops that oneDNN does not take");
      }
    }
    return f_.create(attr);
  }

  absl::Status Append(dnnl_post_ops_t ops, const Link& link, bool sum) {
    const Library& library = b_.d().library();
    for (const Eltwise& e : link.eltwise) {
      if (library.post_ops_append_eltwise(ops, e.alg, e.alpha, e.beta) !=
          dnnl_success) {
        return Refuse("a post-op that oneDNN does not take");
      }
    }
    if (link.binary == dnnl_alg_kind_undef) return absl::OkStatus();
    dnnl_status_t status;
    if (sum) {
      status = library.post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
    } else {
      const Operand& o = *link.other;
      Dims sizes(physical_.size(), 1);
      if (DimSpan(o.sizes) == DimSpan(f_.sizes)) {
        sizes = physical_;
      } else if (DimSpan(physical_) == DimSpan(f_.sizes)) {
        std::copy(o.sizes.rbegin(), o.sizes.rend(), sizes.rbegin());
      } else if (!o.sizes.empty()) {
        for (size_t i = 0; i + 1 < o.sizes.size(); ++i) {
          if (o.sizes[i] != 1) return Refuse("a broadcast over folded dims");
        }
        sizes.back() = o.sizes.back();
      }
      MemoryDesc md;
      if (DimSpan(sizes) == DimSpan(physical_)) {
        TANDEM_ASSIGN_OR_RETURN(md, b_.d().Any(sizes, o.dtype));
      } else {
        TANDEM_ASSIGN_OR_RETURN(md, b_.d().Contiguous(sizes, o.dtype));
      }
      status = library.post_ops_append_binary(ops, link.binary, md.get());
    }
    return status == dnnl_success ? absl::OkStatus()
                                  : Refuse("a post-op that oneDNN refuses");
  }

  absl::StatusOr<Operand> Emit(const PrimitiveDesc& pd, size_t n, bool sum) {
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc dst_md,
                            b_.d().ArgumentOf(pd, DNNL_ARG_DST));
    TANDEM_ASSIGN_OR_RETURN(Arguments args, f_.arguments(pd));
    const size_t sum_at = sum ? SumAt(n) : kNone;
    std::optional<Operand> dst;
    std::string name = f_.name;
    int post_op = 0;
    for (size_t i = 0; i < n; ++i) {
      const Link& link = links_[i];
      if (link.node != nullptr) {
        absl::string_view what = link.node->op()->schema.name;
        absl::ConsumePrefix(&what, "aten::");
        absl::StrAppend(&name, "+", i == sum_at ? "sum" : what);
      }
      post_op += static_cast<int>(link.eltwise.size());
      if (link.binary == dnnl_alg_kind_undef) continue;
      TANDEM_ASSIGN_OR_RETURN(Operand o,
                              ToPhysical(b_, *link.other, f_.sizes, physical_));
      if (i == sum_at) {
        if (b_.d().Equal(o.md, dst_md)) {
          // x + conv(x): x is read while the sum is written.
          if (Reads(args, o.buffer) != 0) return Refuse("a sum with its input");
          dst = o;
        } else {
          // A new layout is new memory, free to be written.
          TANDEM_ASSIGN_OR_RETURN(dst, b_.As(o, dst_md));
        }
      } else {
        const int arg =
            DNNL_ARG_ATTR_MULTIPLE_POST_OP(post_op) | DNNL_ARG_SRC_1;
        TANDEM_ASSIGN_OR_RETURN(const MemoryDesc want,
                                b_.d().ArgumentOf(pd, arg));
        TANDEM_ASSIGN_OR_RETURN(o, b_.As(o, want));
        args.push_back({arg, o});
      }
      ++post_op;
    }
    if (!dst.has_value() && f_.in_place.has_value() &&
        b_.d().Equal(f_.in_place->md, dst_md) &&
        Reads(args, f_.in_place->buffer) == 1 &&
        b_.DiesWith(*f_.in_place, Nodes(0))) {
      dst = f_.in_place;
    }
    if (!dst.has_value()) {
      dst = b_.NewOperand(dst_md, physical_, physical_, f_.dtype);
    }
    args.push_back({DNNL_ARG_DST, *dst});
    TANDEM_RETURN_IF_ERROR(
        b_.AddStep(pd, std::move(args), std::move(name), threads_));
    for (const Node* node : Nodes(n)) {
      b_.MarkDone(node);
      for (const Value* v : node->outputs()) b_.DefineSizes(v, f_.sizes);
    }
    Operand result = *dst;
    const Dims& strides = n == 0 ? f_.strides : links_[n - 1].strides;
    if (DimSpan(physical_) != DimSpan(f_.sizes)) {
      TANDEM_ASSIGN_OR_RETURN(result, b_.Reshape(result, f_.sizes));
    }
    result.sizes = f_.sizes;
    result.strides = strides;
    result.dtype = f_.dtype;
    if (f_.result != nullptr) {
      b_.Define(n == 0 ? f_.result : links_[n - 1].result, result);
    }
    return result;
  }

  Builder& b_;
  const Fusable& f_;
  Dims physical_;
  std::vector<Link> links_;
  int threads_ = 1;
};

}  // namespace

absl::StatusOr<Operand> EmitFused(Builder& b, const Fusable& f) {
  return Emitter(b, f).Run();
}

}  // namespace tandem::onednn
