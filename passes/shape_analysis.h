// What is known of the sizes of a graph's values, with symbols for those that
// differ from call to call.
//
// The shape functions of the table (ir/operators/shape_functions.h) know
// numbers only. So the graph is walked with several samples of its unknown
// sizes at once: 1 and three large numbers for each symbol. A size that is the
// same in all of them is a constant; two that agree in each of them are one
// symbol, so that s0 comes out of a convolution that keeps its input's size,
// and of view(x, [size(x, 0), -1]) as well. What a sample does not agree with
// (x of s0 rows plus y of 5: right only for s0 = 1 and 5) is not known.
#ifndef TANDEM_PASSES_SHAPE_ANALYSIS_H_
#define TANDEM_PASSES_SHAPE_ANALYSIS_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "tandem/ir/alias_analysis.h"
#include "tandem/ir/graph.h"
#include "tandem/passes/pass.h"

namespace tandem {

class ShapeAnalysis {
 public:
  // Walks the graph. Inputs are what their types say; `registry` of the context
  // computes numbers. The graph must outlive it.
  ShapeAnalysis(const Graph& graph, const PassContext& context);

  // A tensor's type with all that is known; null when nothing is. Sizes are
  // numbers, or -2 - n for symbol n; strides are there if they are known, -1
  // where they depend on symbols.
  TypePtr TypeOf(const Value* v);

  // Operators that were met and have no shape function, with how often.
  const std::map<std::string, int64_t>& without_function() const {
    return without_function_;
  }

 private:
  static constexpr size_t kSamples = 4;
  using Size = std::array<int64_t, kSamples>;  // of one dim, in each sample
  // A value in each sample, tensors without elements; nullopt in samples that
  // its operator refuses.
  struct Known {
    std::array<std::optional<IValue>, kSamples> samples;
    bool strides = true;
    bool any() const;
  };

  Size NewSymbol();
  Size SymbolOfType(int64_t code);
  void Walk(const Block& block);
  void Visit(const Node& node);
  void VisitOperator(const Node& node);
  void VisitIf(const Node& node);
  void VisitLoop(const Node& node);
  const Known* Find(const Value* v) const;
  void Set(const Value* v, Known known);
  // From the type alone.
  std::optional<Known> FromType(const Type& type);
  std::optional<Known> Join(const Known* a, const Known* b,
                            std::vector<bool>* widened = nullptr);
  Known Renew(Known known, const std::vector<bool>& dims);
  std::optional<IValue> Fact(const Node& node, const Tensor& t,
                             absl::Span<const IValue> arguments,
                             bool strides) const;
  bool IsComputable(const Node& node, absl::Span<const IValue> values) const;
  // The size as a type has it: a number, -2 - n, or -1 where samples are
  // missing.
  int64_t Code(const Size& size, const std::array<bool, kSamples>& there);

  const Graph& graph_;
  const PassContext& context_;
  const AliasAnalysis aliases_;
  absl::flat_hash_map<const Value*, Known> known_;
  absl::flat_hash_map<int64_t, Size> type_symbols_;
  std::map<Size, int64_t> names_;  // of symbols, in the order of TypeOf
  int64_t next_symbol_ = 0;
  int depth_ = 0;        // of loops
  bool opaque_ = false;  // nothing is said of this graph
  std::map<std::string, int64_t> without_function_;
};

}  // namespace tandem

#endif  // TANDEM_PASSES_SHAPE_ANALYSIS_H_
