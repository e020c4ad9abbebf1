// einsum and tensordot: contractions over named and numbered dims.
#include <array>
#include <vector>

#include "tandem/backends/reference/matmul.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {

absl::StatusOr<Tensor> TensorDot(const Tensor& self, const Tensor& other,
                                 absl::Span<const int64_t> dims_self,
                                 absl::Span<const int64_t> dims_other) {
  if (dims_self.size() != dims_other.size()) {
    return Invalid("both dimension lists should have same length");
  }
  if (self.dtype() != other.dtype()) {
    return Invalid("both inputs should have same dtype");
  }
  absl::InlinedVector<bool, 8> in_self(self.dim(), false),
      in_other(other.dim(), false);
  absl::InlinedVector<bool, 8> sum_self = in_self, sum_other = in_other;
  Dims order_self, order_other, sizes, contracted_self, contracted_other;
  bool sums = false;
  for (size_t i = 0; i < dims_self.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t a, WrapDim(dims_self[i], self.dim()));
    TANDEM_ASSIGN_OR_RETURN(const int64_t b,
                            WrapDim(dims_other[i], other.dim()));
    if (a >= self.dim() || b >= other.dim()) {
      return WrapDim(1, 0).status();
    }
    const int64_t x = self.size(a), y = other.size(b);
    if (x != y && x != 1 && y != 1) {
      return Invalid("contracted dimensions need to match, but first has size ",
                     x, " in dim ", dims_self[i], " and second has size ", y,
                     " in dim ", dims_other[i]);
    }
    for (const auto& [marks, d] :
         {std::make_pair(&in_self, a), std::make_pair(&in_other, b)}) {
      if ((*marks)[d]) {
        return Invalid("dim ", d,
                       " appears multiple times in the list of dims");
      }
      (*marks)[d] = true;
    }
    if (x != y) {
      (x == 1 ? sum_other[b] : sum_self[a]) = true;
      sums = true;
    }
    contracted_self.push_back(a);
    contracted_other.push_back(b);
  }
  Tensor x = self, y = other;
  if (sums) {
    TANDEM_ASSIGN_OR_RETURN(x, SumKeepDims(self, sum_self));
    TANDEM_ASSIGN_OR_RETURN(y, SumKeepDims(other, sum_other));
  }
  int64_t m = 1, n = 1, k = 1;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (in_self[d]) continue;
    order_self.push_back(d);
    sizes.push_back(x.size(d));
    m *= x.size(d);
  }
  for (int64_t d : contracted_self) {
    order_self.push_back(d);
    k *= x.size(d);
  }
  for (int64_t d : contracted_other) order_other.push_back(d);
  for (int64_t d = 0; d < y.dim(); ++d) {
    if (in_other[d]) continue;
    order_other.push_back(d);
    sizes.push_back(y.size(d));
    n *= y.size(d);
  }
  TANDEM_ASSIGN_OR_RETURN(x, ReshapeTo(PermuteView(x, order_self), {m, k}));
  TANDEM_ASSIGN_OR_RETURN(y, ReshapeTo(PermuteView(y, order_other), {k, n}));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Mm(x, y));
  return out.ViewUnchecked(sizes, ContiguousStrides(sizes), 0);
}

namespace {

constexpr int kEllipsis = 52;  // after the letters

int Label(char c) { return c >= 'a' ? c - 'a' + 26 : c - 'A'; }
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char Letter(int label) {
  return static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26);
}

struct Equation {
  std::vector<std::vector<int>> operands;  // labels
  bool has_output = false;
  std::vector<int> output;
};

absl::Status InvalidSubscript(size_t at) {
  return Invalid("einsum(): invalid subscript given at index ", at,
                 " in the equation string, subscripts must be in [a-zA-Z]");
}

absl::StatusOr<Equation> Parse(absl::string_view text, size_t num_operands) {
  Equation e;
  const size_t arrow = text.find("->");
  const absl::string_view lhs = text.substr(0, arrow);
  size_t current = 0;
  e.operands.resize(num_operands);
  std::vector<bool> ellipsis(num_operands, false);
  for (size_t i = 0; i < lhs.size(); ++i) {
    const char c = lhs[i];
    if (c == ' ') continue;
    if (c == '.') {
      if (ellipsis[current]) {
        return Invalid("einsum(): found '.' for operand ", current,
                       " for which an ellipsis was already found");
      }
      if (i + 2 >= lhs.size() || lhs[++i] != '.' || lhs[++i] != '.') {
        return Invalid("einsum(): found '.' for operand ", current,
                       " that is not part of any ellipsis");
      }
      e.operands[current].push_back(kEllipsis);
      ellipsis[current] = true;
    } else if (c == ',') {
      if (++current >= num_operands) {
        return Invalid(
            "einsum(): fewer operands were provided than specified in the "
            "equation");
      }
    } else if (IsLetter(c)) {
      e.operands[current].push_back(Label(c));
    } else {
      return InvalidSubscript(i);
    }
  }
  if (current + 1 < num_operands) {
    return Invalid(
        "einsum(): more operands were provided than specified in the "
        "equation");
  }
  if (arrow == absl::string_view::npos) return e;
  e.has_output = true;
  bool found = false;
  for (size_t i = arrow + 2; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ') continue;
    if (c == '.') {
      if (found) {
        return Invalid(
            "einsum(): found '.' for output but an ellipsis (...) was already "
            "found");
      }
      if (i + 2 >= text.size() || text[++i] != '.' || text[++i] != '.') {
        return Invalid(
            "einsum(): found '.' for output that is not part of any ellipsis "
            "(...)");
      }
      found = true;
      e.output.push_back(kEllipsis);
    } else if (IsLetter(c)) {
      e.output.push_back(Label(c));
    } else {
      return InvalidSubscript(i);
    }
  }
  return e;
}

// The product of two tensors of equal rank, summed over the marked dims (which
// stay with size 1), as one batched matrix product.
absl::StatusOr<Tensor> SumProduct(Tensor left, Tensor right,
                                  const absl::InlinedVector<bool, 8>& sum) {
  const int64_t rank = left.dim();
  absl::InlinedVector<bool, 8> sum_left(rank, false), sum_right(rank, false);
  Dims batch, left_only, right_only, contracted;
  bool left_sums = false, right_sums = false;
  for (int64_t d = 0; d < rank; ++d) {
    const bool l = left.size(d) != 1, r = right.size(d) != 1;
    if (sum[d]) {
      if (l && r) {
        contracted.push_back(d);
      } else if (l) {
        sum_left[d] = left_sums = true;
      } else if (r) {
        sum_right[d] = right_sums = true;
      }
    } else if (l && r) {
      batch.push_back(d);
    } else if (l) {
      left_only.push_back(d);
    } else {
      right_only.push_back(d);
    }
  }
  if (left_sums) {
    TANDEM_ASSIGN_OR_RETURN(left, SumKeepDims(left, sum_left));
  }
  if (right_sums) {
    TANDEM_ASSIGN_OR_RETURN(right, SumKeepDims(right, sum_right));
  }
  // The one whose own dims come first makes the rows: the result is then laid
  // out in the order of the dims.
  if (!left_only.empty() && !right_only.empty() &&
      right_only[0] < left_only[0]) {
    std::swap(left, right);
    std::swap(left_only, right_only);
  }
  auto product = [](const Tensor& t, const Dims& dims) {
    int64_t n = 1;
    for (int64_t d : dims) n *= t.size(d);
    return n;
  };
  const int64_t b = product(left, batch), m = product(left, left_only),
                k = product(left, contracted), n = product(right, right_only);
  auto arrange = [&](const Tensor& t, const Dims& second, const Dims& third,
                     int64_t rows, int64_t cols) -> absl::StatusOr<Tensor> {
    Dims order = batch;
    order.insert(order.end(), second.begin(), second.end());
    order.insert(order.end(), third.begin(), third.end());
    Dims all = order;
    for (int64_t d = 0; d < rank; ++d) {  // the rest has size 1
      if (std::find(order.begin(), order.end(), d) == order.end()) {
        all.push_back(d);
      }
    }
    return ReshapeTo(PermuteView(t, all), {b, rows, cols});
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                          arrange(left, left_only, contracted, m, k));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y,
                          arrange(right, contracted, right_only, k, n));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Bmm(x, y));
  // Back to the dims' own order: a view.
  Dims sizes(rank, 1), strides(rank, 1);
  int64_t stride = 1;
  for (const auto& [dims, t] :
       {std::make_pair(&right_only, &right), std::make_pair(&left_only, &left),
        std::make_pair(&batch, &left)}) {
    for (auto it = dims->rbegin(); it != dims->rend(); ++it) {
      sizes[*it] = t->size(*it);
      strides[*it] = stride;
      stride *= t->size(*it);
    }
  }
  return out.ViewUnchecked(sizes, strides, 0);
}

absl::StatusOr<Tensor> Einsum(absl::string_view equation,
                              absl::Span<const Tensor> operands,
                              std::optional<absl::Span<const int64_t>> path) {
  if (operands.empty()) {
    return Invalid("einsum(): must provide at least one operand");
  }
  TANDEM_ASSIGN_OR_RETURN(Equation e, Parse(equation, operands.size()));
  const size_t n = operands.size();
  std::array<int64_t, 53> counts{};
  int64_t ellipsis_dims = 0;
  for (size_t i = 0; i < n; ++i) {
    int64_t labels = 0;
    bool has_ellipsis = false;
    for (int label : e.operands[i]) {
      ++counts[label];
      if (label == kEllipsis) {
        has_ellipsis = true;
      } else {
        ++labels;
      }
    }
    const int64_t rank = operands[i].dim();
    if (has_ellipsis ? labels > rank : labels != rank) {
      return Invalid(
          "einsum(): the number of subscripts in the equation (", labels,
          has_ellipsis ? ") is more than the number of dimensions ("
                       : ") does not match the number of dimensions (",
          rank, ") for operand ", i,
          has_ellipsis ? "" : " and no ellipsis was given");
    }
    if (has_ellipsis) ellipsis_dims = std::max(ellipsis_dims, rank - labels);
  }
  // Places: output labels first, then the ones that are summed.
  std::array<int64_t, 53> place;
  place.fill(-1);
  int64_t rank = 0;
  auto take = [&](int label) {
    place[label] = rank;
    rank += label == kEllipsis ? ellipsis_dims : 1;
  };
  if (!e.has_output) {
    if (counts[kEllipsis] > 0) take(kEllipsis);
    for (int label = 0; label < kEllipsis; ++label) {
      if (counts[label] == 1) take(label);
    }
  } else {
    for (int label : e.output) {
      if (label == kEllipsis) {
        take(label);
        continue;
      }
      if (counts[label] == 0) {
        return Invalid(
            "einsum(): output subscript ", std::string(1, Letter(label)),
            " does not appear in the equation for any input operand");
      }
      if (place[label] >= 0) {
        return Invalid("einsum(): output subscript ",
                       std::string(1, Letter(label)),
                       " appears more than once in the output");
      }
      take(label);
    }
  }
  const int64_t output_rank = rank;
  if (place[kEllipsis] < 0 && counts[kEllipsis] > 0) take(kEllipsis);
  for (int label = 0; label < kEllipsis; ++label) {
    if (counts[label] > 0 && place[label] < 0) take(label);
  }
  // Every operand as a view with all places; missing ones of size 1.
  std::array<int64_t, 52> label_size{};
  label_size.fill(1);
  std::vector<Tensor> ops;
  std::vector<std::vector<bool>> has(n, std::vector<bool>(rank, false));
  Dims sizes_seen(rank, 1);
  for (size_t i = 0; i < n; ++i) {
    const Tensor& t = operands[i];
    Dims sizes(rank, 1), strides(rank, 0);
    std::array<int64_t, 52> seen{};
    seen.fill(-1);
    int64_t d = 0;
    for (int label : e.operands[i]) {
      if (label == kEllipsis) {
        int64_t own = t.dim();
        for (int other : e.operands[i]) own -= other != kEllipsis;
        for (int64_t j = 0; j < own; ++j, ++d) {
          const int64_t at = place[kEllipsis] + ellipsis_dims - own + j;
          sizes[at] = t.size(d);
          strides[at] = t.stride(d);
          if (sizes_seen[at] != 1 && sizes[at] != 1 &&
              sizes_seen[at] != sizes[at]) {
            return Invalid(
                "einsum(): operands do not broadcast with remapped shapes "
                "[original->remapped]: ",
                DimsToString(t.sizes()), "->", DimsToString(sizes));
          }
          if (sizes[at] != 1) sizes_seen[at] = sizes[at];
        }
        continue;
      }
      const int64_t at = place[label];
      if (seen[label] >= 0) {
        if (t.size(seen[label]) != t.size(d)) {
          return Invalid("einsum(): subscript ", std::string(1, Letter(label)),
                         " is repeated for operand ", i,
                         " but the sizes don't match, ", t.size(d),
                         " != ", t.size(seen[label]));
        }
        strides[at] += t.stride(d);  // the diagonal
      } else {
        seen[label] = d;
        sizes[at] = t.size(d);
        strides[at] = t.stride(d);
        if (label_size[label] != 1 && sizes[at] != 1 &&
            label_size[label] != sizes[at]) {
          return Invalid("einsum(): subscript ", std::string(1, Letter(label)),
                         " has size ", sizes[at], " for operand ", i,
                         " which does not broadcast with previously seen size ",
                         label_size[label]);
        }
        if (sizes[at] != 1) label_size[label] = sizes[at];
      }
      ++d;
    }
    ops.push_back(t.ViewUnchecked(sizes, strides, t.offset()));
  }
  // Pairs in the order of `path`, else from the left.
  if (path.has_value() && path->size() != 2 * (n - 1)) {
    return Invalid(
        "einsum(): expected contraction path given in path parameter to have "
        "size ",
        2 * (n - 1), " but got ", path->size());
  }
  size_t step = 0;
  while (ops.size() > 1) {
    int64_t i = 0, j = 1;
    if (path.has_value()) {
      i = (*path)[step++];
      j = (*path)[step++];
      if (j < i) std::swap(i, j);
      const int64_t count = static_cast<int64_t>(ops.size());
      if (i < 0 || i == j || j >= count) {
        return Invalid("einsum(): invalid contraction path (", i, ", ", j,
                       i == j ? ") cannot contract an operand with itself"
                              : ") is not a valid index");
      }
    }
    const Tensor a = ops[i], b = ops[j];
    ops.erase(ops.begin() + j);
    ops.erase(ops.begin() + i);
    // A place is summed as soon as no other operand has it.
    absl::InlinedVector<bool, 8> sum(rank, false);
    for (int64_t d = output_rank; d < rank; ++d) {
      bool elsewhere = false;
      for (const Tensor& t : ops) elsewhere |= t.size(d) != 1;
      sum[d] = !elsewhere;
    }
    bool any = false;
    for (int64_t d = 0; d < rank; ++d)
      any |= sum[d] && (a.size(d) != 1 || b.size(d) != 1);
    absl::StatusOr<Tensor> r =
        !any && a.dtype() == b.dtype() ? Multiply(a, b) : SumProduct(a, b, sum);
    if (!r.ok()) return r.status();
    ops.push_back(*std::move(r));
  }
  Tensor result = ops[0];
  if (n == 1) {
    absl::InlinedVector<bool, 8> over(rank, false);
    bool any = false;
    for (int64_t d = output_rank; d < rank; ++d) over[d] = any = true;
    if (any) {
      // As sum: of integers it is int64.
      if (IsIntegral(result.dtype(), /*include_bool=*/true)) {
        TANDEM_ASSIGN_OR_RETURN(result, ToDType(result, DType::kInt64));
      }
      TANDEM_ASSIGN_OR_RETURN(result, SumKeepDims(result, over));
    }
  }
  const DimSpan sizes = result.sizes().first(output_rank);
  return result.ViewUnchecked(sizes, result.strides().first(output_rank),
                              result.offset());
}

}  // namespace

void RegisterContractions(KernelRegistrar& r) {
  r.Add("aten::tensordot", &TensorDot)
      .Add("aten::tensordot.out", &Variants<TensorDot>::OutExact)
      .Add("aten::einsum", &Einsum);
}

}  // namespace tandem::reference
