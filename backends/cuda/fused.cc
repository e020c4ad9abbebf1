#include "tandem/backends/cuda/fused.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/prelude.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

using elementwise::Action;
using elementwise::Expression;
using elementwise::Expressions;
using elementwise::InfoOf;
using elementwise::Op;
using Kind = Expression::Kind;

constexpr const char* kTypes[] = {"float", "double", "i64", "bool"};
constexpr size_t kMaxInputs = 32, kMaxOutputs = 16;

absl::Status Refuse(absl::string_view why) {
  return absl::UnimplementedError(why);
}
bool IsReduction(Action a) {
  return a == Action::kSum || a == Action::kMean || a == Action::kMax ||
         a == Action::kMin;
}
bool IsAlongRow(Action a) {
  return a == Action::kSoftmax || a == Action::kLogSoftmax ||
         a == Action::kLayerNorm;
}

// A number's exact text.
std::string Literal(int computed, const char* bytes) {
  switch (computed) {
    case 0: {
      uint32_t b;
      std::memcpy(&b, bytes, 4);
      return absl::StrCat("BitsFloat(0x", absl::Hex(b), "u)");
    }
    case 1: {
      uint64_t b;
      std::memcpy(&b, bytes, 8);
      return absl::StrCat("BitsDouble(0x", absl::Hex(b), "ull)");
    }
    case 2: {
      uint64_t b;
      std::memcpy(&b, bytes, 8);
      return absl::StrCat("((i64)0x", absl::Hex(b), "ull)");
    }
    default:
      return bytes[0] != 0 ? "true" : "false";
  }
}

// Writes the kernel of one loop. Values live in one of two places: once a row
// (`row`), or for each element.
class Writer {
 public:
  Writer(const Expressions& x, Dims full, bool by_rows)
      : x_(x), full_(std::move(full)), by_rows_(by_rows) {}

  absl::StatusOr<FusedSource> Write(absl::Span<const int> outputs,
                                    int block_size) {
    FusedSource s;
    s.by_rows = by_rows_;
    int64_t n = 1;
    for (int64_t d : full_) n *= d;
    s.row = by_rows_ ? full_.back() : 1;
    s.count = by_rows_ ? n / s.row : n;
    for (int o : outputs) {
      const Expression& e = x_.at(x_.outputs()[o]);
      s.outputs.push_back(o);
      s.sizes.push_back(e.sizes);
      s.dtypes.push_back(elementwise::kDTypes[e.computed]);
    }
    if (s.outputs.size() > kMaxOutputs) return Refuse("too many outputs");
    // What is worked out along rows, first things first.
    if (by_rows_) {
      for (int o : outputs) {
        TANDEM_RETURN_IF_ERROR(Prepare(x_.outputs()[o]));
      }
    }
    std::string stores, row_stores;
    std::string body;
    Scope elements{&body, {}};
    for (size_t k = 0; k < outputs.size(); ++k) {
      const int i = x_.outputs()[outputs[k]];
      const Expression& e = x_.at(i);
      if (by_rows_ && IsRow(i)) {
        TANDEM_ASSIGN_OR_RETURN(const std::string v, Row(i));
        absl::StrAppend(&row_stores, "    if (threadIdx.x == 0) ((",
                        kTypes[e.computed], "*)args.out[", k, "])[row] = ", v,
                        ";\n");
        continue;
      }
      if (e.sizes != full_) return Refuse("an output of other sizes");
      TANDEM_ASSIGN_OR_RETURN(const std::string v, Element(i, &elements));
      absl::StrAppend(&stores, "      ((", kTypes[e.computed], "*)args.out[", k,
                      "])[at] = ", v, ";\n");
    }
    if (inputs_.size() > kMaxInputs) return Refuse("too many inputs");
    if (functions_.size() > 200000) return Refuse("a chain that is too long");
    std::string& t = s.text;
    absl::StrAppend(&t, Prelude(), "#undef p\n#define p(i) P##i\n", functions_,
                    "struct Args { const void* in[", kMaxInputs,
                    "]; void* out[", kMaxOutputs, "]; };\n");
    if (!by_rows_) {
      absl::StrAppend(
          &t, "TANDEM_KERNEL(Args) {\n",
          "  for (i64 at = (i64)blockIdx.x * blockDim.x + threadIdx.x; at < ",
          s.count, "ll; at += (i64)gridDim.x * blockDim.x) {\n",
          IndexCode("at", full_.size()), body, stores, "  }\n}\n");
    } else {
      absl::StrAppend(&t, Gathers(block_size), "TANDEM_KERNEL(Args) {\n",
                      "  for (i64 row = blockIdx.x; row < ", s.count,
                      "ll; row += gridDim.x) {\n",
                      IndexCode("row", full_.size() - 1), rows_, row_stores);
      if (!stores.empty()) {
        absl::StrAppend(&t, LoopHead(), body, stores, "    }\n");
      }
      absl::StrAppend(&t, "  }\n}\n");
    }
    for (const auto& [argument, place] : inputs_) {
      s.inputs.resize(inputs_.size());
      s.inputs[static_cast<size_t>(place)] = argument;
    }
    return s;
  }

 private:
  // Names of values that a stretch of code has.
  struct Scope {
    std::string* code;
    std::map<int, std::string> names;
  };

  std::string LoopHead() const {
    return absl::StrCat("    for (i64 j = threadIdx.x; j < ", full_.back(),
                        "ll; j += blockDim.x) {\n      const i64 at = row * ",
                        full_.back(), "ll + j;\n");
  }

  // i0, i1, … of the first `rank` dims, from a number in row-major order.
  std::string IndexCode(absl::string_view from, size_t rank) const {
    std::string code;
    if (rank == 0) return code;
    const char* type = "i64";
    int64_t n = 1;
    for (size_t d = 0; d < rank; ++d) n *= full_[d];
    if (n <= INT32_MAX) type = "u32";
    absl::StrAppend(&code, "    ", type, " rest = (", type, ")", from, ";\n");
    for (size_t d = rank; d-- > 0;) {
      if (d == 0) {
        absl::StrAppend(&code, "    const i64 i0 = rest;\n");
      } else {
        absl::StrAppend(&code, "    const i64 i", d, " = rest % ", full_[d],
                        "u; rest /= ", full_[d], "u;\n");
      }
    }
    if (n > INT32_MAX) {
      // Sizes past 32 bits need wide literals.
      std::string wide;
      for (char c : code) wide += c;
      return wide;
    }
    return code;
  }

  static std::string Gathers(int block_size) {
    std::string s = absl::StrCat(
        "#define BLOCK ", block_size, "\n",
        "template <typename A, typename F> FUNCTION A Gather(A* s, A v, F f) "
        "{\n  const int t = threadIdx.x;\n  __syncthreads();\n  s[t] = v;\n"
        "  __syncthreads();\n"
        "  for (int h = blockDim.x / 2; h > 0; h /= 2) {\n"
        "    if (t < h) s[t] = f(s[t], s[t + h]);\n    __syncthreads();\n  }\n"
        "  const A r = s[0];\n  return r;\n}\n"
        "struct AddUp { template <typename A> FUNCTION_IN A operator()(A a, A "
        "b) const { return a + b; } };\n"
        "struct Greatest { template <typename A> FUNCTION_IN A operator()(A a, "
        "A b) const { return MaxOf(a, b); } };\n"
        "struct Least { template <typename A> FUNCTION_IN A operator()(A a, A "
        "b) const { return MinOf(a, b); } };\n");
    return s;
  }

  // Once a row, not for each element?
  bool IsRow(int i) {
    if (const auto it = is_row_.find(i); it != is_row_.end()) return it->second;
    const Expression& e = x_.at(i);
    bool rows = false;
    if (by_rows_ && e.kind == Kind::kCompute) {
      if (IsReduction(e.action)) {
        rows = true;
      } else if (!IsAlongRow(e.action) && e.sizes != full_) {
        for (int in : e.in) rows = rows || (in >= 0 && IsRow(in));
      }
    }
    return is_row_[i] = rows;
  }

  // Are there loops along rows that come before `i`? Writes them.
  absl::Status Prepare(int i) {
    if (i < 0 || !prepared_.insert(i).second) return absl::OkStatus();
    if (++depth_ > 500) return Refuse("a chain that is too long");
    const Expression& e = x_.at(i);
    if (e.kind == Kind::kCompute) {
      for (int in : e.in) TANDEM_RETURN_IF_ERROR(Prepare(in));
      if (IsReduction(e.action) || IsAlongRow(e.action)) {
        if (x_.at(e.in[0]).sizes != full_) return Refuse("rows of two sizes");
        TANDEM_RETURN_IF_ERROR(Reduce(i));
      }
    }
    --depth_;
    return absl::OkStatus();
  }

  // A loop over the row of expression `of`, gathered by `how`; `term` is made
  // of the element v. The result's name.
  absl::StatusOr<std::string> RowLoop(int of, absl::string_view type,
                                      absl::string_view start,
                                      absl::string_view term,
                                      absl::string_view how) {
    std::string body;
    Scope scope{&body, {}};
    TANDEM_ASSIGN_OR_RETURN(const std::string v, Element(of, &scope));
    const std::string name = absl::StrCat("g", gathered_++);
    absl::StrAppend(&rows_, "    __shared__ ", type, " s", name,
                    "[BLOCK];\n    ", type, " ", name, " = ", start, ";\n",
                    LoopHead(), body, "      { const ", type, " v = ", v, "; ",
                    name, " = ", how, "()(", name, ", ", term,
                    "); }\n    }\n    ", name, " = Gather(s", name, ", ", name,
                    ", ", how, "());\n");
    return name;
  }

  absl::Status Reduce(int i) {
    const Expression& e = x_.at(i);
    const int of = e.in[0];
    const char* type = kTypes[x_.at(of).computed];
    const std::string n = absl::StrCat("((", type, ")", full_.back(), "ll)");
    const std::string lowest = e.computed == 2 && IsReduction(e.action)
                                   ? "((i64)0x8000000000000000ull)"
                                   : "(-(float)BitsFloat(0x7f800000u))";
    const std::string highest = e.computed == 2 ? "((i64)0x7fffffffffffffffull)"
                                                : "BitsFloat(0x7f800000u)";
    switch (e.action) {
      case Action::kSum: {
        TANDEM_ASSIGN_OR_RETURN(row_names_[i],
                                RowLoop(of, type, "0", "v", "AddUp"));
        return absl::OkStatus();
      }
      case Action::kMean: {
        TANDEM_ASSIGN_OR_RETURN(const std::string sum,
                                RowLoop(of, type, "0", "v", "AddUp"));
        row_names_[i] = absl::StrCat("(", sum, " / ", n, ")");
        return absl::OkStatus();
      }
      case Action::kMax: {
        TANDEM_ASSIGN_OR_RETURN(row_names_[i],
                                RowLoop(of, type, lowest, "v", "Greatest"));
        return absl::OkStatus();
      }
      case Action::kMin: {
        TANDEM_ASSIGN_OR_RETURN(row_names_[i],
                                RowLoop(of, type, highest, "v", "Least"));
        return absl::OkStatus();
      }
      case Action::kSoftmax:
      case Action::kLogSoftmax: {
        TANDEM_ASSIGN_OR_RETURN(const std::string top,
                                RowLoop(of, type, lowest, "v", "Greatest"));
        TANDEM_ASSIGN_OR_RETURN(
            const std::string sum,
            RowLoop(of, type, "0", absl::StrCat("Exp(v - ", top, ")"),
                    "AddUp"));
        along_[i] = e.action == Action::kSoftmax
                        ? absl::StrCat("(Exp(v - ", top, ") / ", sum, ")")
                        : absl::StrCat("(v - ", top, " - Log(", sum, "))");
        return absl::OkStatus();
      }
      default: {  // layer_norm
        TANDEM_ASSIGN_OR_RETURN(const std::string sum,
                                RowLoop(of, type, "0", "v", "AddUp"));
        const std::string mean = absl::StrCat("(", sum, " / ", n, ")");
        TANDEM_ASSIGN_OR_RETURN(
            const std::string squares,
            RowLoop(of, type, "0",
                    absl::StrCat("(v - ", mean, ") * (v - ", mean, ")"),
                    "AddUp"));
        const float eps = static_cast<float>(e.eps);
        char bytes[8];
        std::memcpy(bytes, &eps, 4);
        along_[i] = absl::StrCat("((v - ", mean, ") / Sqrt(", squares, " / ", n,
                                 " + ", Literal(0, bytes), "))");
        return absl::OkStatus();
      }
    }
  }

  // An input's element where the loop is; `sizes` are those of the operator
  // that reads it, `row`: of a value a row.
  absl::StatusOr<std::string> Read(int i, const Dims& sizes, bool row) {
    const Expression& e = x_.at(i);
    const auto [it, added] =
        inputs_.emplace(e.argument, static_cast<int>(inputs_.size()));
    const std::string base = absl::StrCat("((const ", kTypes[e.computed],
                                          "*)args.in[", it->second, "])");
    // Dims that `sizes` has: all of the loop's, or for rows without the last.
    const bool kept = sizes.size() == full_.size();
    if (!kept && !(row && sizes.size() + 1 == full_.size()) &&
        !e.sizes.empty()) {
      return Refuse("sizes that do not walk the loop");
    }
    if (e.sizes.size() > sizes.size())
      return Refuse("more dims than its reader");
    std::string offset;
    const size_t shift = sizes.size() - e.sizes.size();
    bool plain = !row && e.sizes == full_ &&
                 DimSpan(e.strides) == DimSpan(ContiguousStrides(e.sizes));
    if (plain) return absl::StrCat(base, "[at]");
    for (size_t d = 0; d < e.sizes.size(); ++d) {
      if (e.sizes[d] == 1 || e.strides[d] == 0) continue;
      const size_t dim = d + shift;
      if (dim >= full_.size() || e.sizes[d] != full_[dim]) {
        return Refuse("sizes that differ");
      }
      if (row && dim + 1 == full_.size()) return Refuse("elements beside rows");
      const std::string index = by_rows_ && dim + 1 == full_.size()
                                    ? std::string("j")
                                    : absl::StrCat("i", dim);
      absl::StrAppend(&offset, offset.empty() ? "" : " + ", index, " * ",
                      e.strides[d], "ll");
    }
    return absl::StrCat(base, "[", offset.empty() ? "0" : offset, "]");
  }

  // The call of an operator's function on operands that are there.
  std::string Apply(int i, absl::Span<const std::string> in) {
    const Expression& e = x_.at(i);
    if (e.action == Action::kCast) {
      return absl::StrCat("Cast<", kTypes[e.computed], ", ",
                          kTypes[x_.at(e.in[0]).computed], ">::Of(", in[0],
                          ")");
    }
    if (e.op == Op::kWhere) {
      return absl::StrCat("(", in[0], " ? ", in[1], " : ", in[2], ")");
    }
    const int operand = x_.at(e.in.back()).computed;
    const std::string name = absl::StrCat("f", i);
    if (written_.insert(i).second) {
      absl::StrAppend(&functions_, "#define T ", kTypes[operand], "\n");
      for (int k = 0; e.has_params && k < elementwise::kMaxParams; ++k) {
        absl::StrAppend(
            &functions_, "#define P", k, " ",
            Literal(operand, e.params.bytes + k * elementwise::kSizes[operand]),
            "\n");
      }
      static constexpr const char* kNames[] = {"x", "y", "z"};
      std::string parameters;
      for (size_t k = 0; k < in.size(); ++k) {
        absl::StrAppend(&parameters, k == 0 ? "" : ", ", "T ", kNames[k]);
      }
      absl::StrAppend(&functions_, "FUNCTION ", kTypes[e.computed], " ", name,
                      "(", parameters, ") { return (", kTypes[e.computed], ")(",
                      InfoOf(e.op).text, "); }\n#undef T\n");
      for (int k = 0; e.has_params && k < elementwise::kMaxParams; ++k) {
        absl::StrAppend(&functions_, "#undef P", k, "\n");
      }
    }
    std::string call = absl::StrCat(name, "(");
    for (size_t k = 0; k < in.size(); ++k) {
      absl::StrAppend(&call, k == 0 ? "" : ", ", in[k]);
    }
    return call + ")";
  }

  // A value once a row.
  absl::StatusOr<std::string> Row(int i) {
    if (const auto it = row_names_.find(i); it != row_names_.end()) {
      return it->second;
    }
    const Expression& e = x_.at(i);
    if (e.kind != Kind::kCompute || IsAlongRow(e.action)) {
      return Refuse("elements beside rows");
    }
    std::vector<std::string> in;
    for (int a : e.in) {
      const Expression& o = x_.at(a);
      if (o.kind == Kind::kNumber) {
        in.push_back(Literal(o.computed, o.number.bytes));
      } else if (o.kind == Kind::kInput) {
        TANDEM_ASSIGN_OR_RETURN(std::string v, Read(a, e.sizes, true));
        in.push_back(std::move(v));
      } else {
        if (o.sizes != e.sizes) return Refuse("rows of several sizes");
        TANDEM_ASSIGN_OR_RETURN(std::string v, Row(a));
        in.push_back(std::move(v));
      }
    }
    const std::string name = absl::StrCat("r", i);
    absl::StrAppend(&rows_, "    const ", kTypes[e.computed], " ", name, " = ",
                    Apply(i, in), ";\n");
    return row_names_[i] = name;
  }

  // A value of the element that the loop is at.
  absl::StatusOr<std::string> Element(int i, Scope* scope) {
    const Expression& e = x_.at(i);
    if (e.kind == Kind::kNumber) return Literal(e.computed, e.number.bytes);
    if (const auto it = scope->names.find(i); it != scope->names.end()) {
      return it->second;
    }
    if (e.kind == Kind::kInput) return Read(i, full_, false);
    if (IsRow(i)) {
      // Rows line up with elements where the last dim was kept.
      if (e.sizes.size() != full_.size() &&
          !(e.sizes.empty() && full_.size() == 1)) {
        return Refuse("a reduced dim that is not kept");
      }
      return Row(i);
    }
    if (++depth_ > 500) return Refuse("a chain that is too long");
    std::string value;
    if (IsAlongRow(e.action)) {
      TANDEM_ASSIGN_OR_RETURN(const std::string v, Element(e.in[0], scope));
      const std::string name = absl::StrCat("a", i);
      absl::StrAppend(scope->code, "      float ", name,
                      "; { const float v = ", v, "; ", name, " = ", along_[i],
                      "; }\n");
      for (size_t k = 1; k < e.in.size(); ++k) {
        if (e.in[k] < 0) continue;
        TANDEM_ASSIGN_OR_RETURN(const std::string w,
                                Read(e.in[k], full_, false));
        absl::StrAppend(scope->code, "      ", name,
                        k == 1 ? " *= " : " += ", w, ";\n");
      }
      --depth_;
      return scope->names[i] = name;
    }
    std::vector<std::string> in;
    for (int a : e.in) {
      const Expression& o = x_.at(a);
      // An operand of fewer dims than its reader walks as the reader does.
      if (o.kind == Kind::kInput) {
        TANDEM_ASSIGN_OR_RETURN(
            std::string v,
            Read(a, e.sizes.size() == full_.size() ? e.sizes : full_, false));
        in.push_back(std::move(v));
        continue;
      }
      TANDEM_ASSIGN_OR_RETURN(std::string v, Element(a, scope));
      in.push_back(std::move(v));
    }
    --depth_;
    const std::string name = absl::StrCat("e", i);
    absl::StrAppend(scope->code, "      const ", kTypes[e.computed], " ", name,
                    " = ", Apply(i, in), ";\n");
    return scope->names[i] = name;
  }

  const Expressions& x_;
  const Dims full_;
  const bool by_rows_;
  std::map<int, int> inputs_;  // argument -> place
  std::map<int, bool> is_row_;
  std::map<int, std::string> row_names_;  // of values a row
  std::map<int, std::string> along_;      // of v, for what works along rows
  std::set<int> prepared_, written_;
  std::string functions_, rows_;
  int gathered_ = 0;
  int depth_ = 0;
};

// The sizes that an output's loop walks.
absl::Status LoopOf(const Expressions& x, int output, Dims* sizes,
                    bool* by_rows) {
  std::set<int> seen;
  std::vector<int> stack = {output};
  *by_rows = false;
  *sizes = x.at(output).sizes;
  while (!stack.empty()) {
    const int i = stack.back();
    stack.pop_back();
    if (i < 0 || !seen.insert(i).second) continue;
    const Expression& e = x.at(i);
    if (e.kind != Kind::kCompute) continue;
    if (IsReduction(e.action) || IsAlongRow(e.action)) {
      const Dims& rows = x.at(e.in[0]).sizes;
      if (*by_rows && *sizes != rows) return Refuse("rows of several sizes");
      *by_rows = true;
      *sizes = rows;
    }
    stack.insert(stack.end(), e.in.begin(), e.in.end());
  }
  return absl::OkStatus();
}

struct FusedArgs {
  DevicePointer in[kMaxInputs];
  DevicePointer out[kMaxOutputs];
};

}  // namespace

absl::StatusOr<std::vector<FusedSource>> MakeFusedSources(const Expressions& x,
                                                          int block_size) {
  std::vector<std::pair<std::pair<Dims, bool>, std::vector<int>>> loops;
  for (size_t o = 0; o < x.outputs().size(); ++o) {
    Dims sizes;
    bool by_rows;
    TANDEM_RETURN_IF_ERROR(LoopOf(x, x.outputs()[o], &sizes, &by_rows));
    for (int64_t s : sizes) {
      if (s == 0) return Refuse("empty tensors");
      if (s > INT32_MAX) return Refuse("sizes past 32 bits");
    }
    const absl::StatusOr<int64_t> n = CheckedNumel(sizes);
    if (!n.ok() || *n > (int64_t{1} << 40)) return Refuse("its size");
    const std::pair<Dims, bool> key(sizes, by_rows);
    auto it = std::find_if(loops.begin(), loops.end(),
                           [&](const auto& l) { return l.first == key; });
    if (it == loops.end()) {
      loops.push_back({key, {}});
      it = loops.end() - 1;
    }
    it->second.push_back(static_cast<int>(o));
  }
  std::vector<FusedSource> sources;
  for (const auto& [key, outputs] : loops) {
    Writer writer(x, key.first, key.second);
    TANDEM_ASSIGN_OR_RETURN(FusedSource s, writer.Write(outputs, block_size));
    sources.push_back(std::move(s));
  }
  return sources;
}

absl::StatusOr<std::unique_ptr<FusedKernels>> FusedKernels::Make(
    Gpu& gpu, const Expressions& x) {
  auto made = std::make_unique<FusedKernels>();
  TANDEM_ASSIGN_OR_RETURN(made->sources_,
                          MakeFusedSources(x, gpu.block_size()));
  for (const FusedSource& s : made->sources_) {
    TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<const Kernel> kernel,
                            gpu.LoadKernel(s.text));
    made->kernels_.push_back(std::move(kernel));
  }
  made->constants_ = x.constants();
  return made;
}

absl::Status FusedKernels::Run(Gpu& gpu, absl::Span<const Tensor> tensors,
                               absl::Span<Tensor> results) const {
  for (size_t k = 0; k < sources_.size(); ++k) {
    const FusedSource& s = sources_[k];
    FusedArgs args = {};
    for (size_t i = 0; i < s.inputs.size(); ++i) {
      args.in[i] = AddressOf(tensors[static_cast<size_t>(s.inputs[i])]);
    }
    for (size_t o = 0; o < s.outputs.size(); ++o) {
      TANDEM_ASSIGN_OR_RETURN(Tensor t, gpu.Empty(s.sizes[o], s.dtypes[o]));
      args.out[o] = AddressOf(t);
      results[static_cast<size_t>(s.outputs[o])] = std::move(t);
    }
    int threads = gpu.block_size();
    int64_t blocks = gpu.BlocksFor(s.count);
    if (s.by_rows) {
      while (threads > 32 && threads / 2 >= s.row) threads /= 2;
      blocks = std::min<int64_t>(s.count, 65535);
    }
    TANDEM_RETURN_IF_ERROR(gpu.Launch(*kernels_[k], blocks, threads, &args));
  }
  return absl::OkStatus();
}

}  // namespace tandem::cuda
