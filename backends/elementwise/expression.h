// A group's nodes as expressions over whole tensors, with types and sizes
// known: what programs are made of.
#ifndef TANDEM_BACKENDS_ELEMENTWISE_EXPRESSION_H_
#define TANDEM_BACKENDS_ELEMENTWISE_EXPRESSION_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/elementwise/number.h"
#include "tandem/backends/group.h"

namespace tandem::elementwise {

struct Expression {
  enum class Kind : uint8_t { kInput, kNumber, kCompute };
  Kind kind = Kind::kInput;
  uint8_t computed = 0;  // type of the elements
  Dims sizes;
  Dims strides;
  // kInput: the group's argument, or past those a constant's number.
  int argument = -1;
  Number number;
  // kCompute
  Action action = Action::kRow;
  Op op = Op::kAdd;
  std::vector<int> in;
  bool has_params = false;
  Numbers params;
  double eps = 0;
};

// An operand of an elementwise operator: an expression or a number.
struct Term {
  int expression = -1;
  Scalar number;
};

class Expressions {
 public:
  struct Limits {
    // Where all tensors are.
    DeviceType device = DeviceType::kCpu;
    // Elements of a row that something works along.
    int64_t max_row = INT64_MAX;
  };
  Expressions(absl::Span<const ValueDescription> inputs, const Limits& limits)
      : num_arguments_(static_cast<int>(inputs.size())), limits_(limits) {}

  // The whole group. Unimplemented, with the reason, when it is left to
  // kernels.
  absl::Status Read(const Graph& group,
                    absl::Span<const ValueDescription> inputs);

  const std::vector<Expression>& all() const { return all_; }
  const std::vector<int>& outputs() const { return outputs_; }
  const std::vector<Tensor>& constants() const { return constants_; }
  const std::string& text() const { return text_; }
  const Limits& limits() const { return limits_; }

  // For the lowerings of operators.
  absl::StatusOr<int> TensorOf(const Value* value);
  const Expression& at(int i) const { return all_[i]; }
  // op(terms…) with PyTorch's promotion and broadcasting; `float_result`:
  // integers become the default float type.
  absl::StatusOr<int> Elementwise(Op op, absl::Span<const Term> terms,
                                  absl::Span<const Scalar> params = {},
                                  bool float_result = false);
  absl::StatusOr<int> Cast(int x, int computed);
  int Add(Expression e);

 private:
  absl::StatusOr<int> AddInput(const ValueDescription& d, int argument);
  const int num_arguments_;
  const Limits limits_;
  std::vector<Expression> all_;
  std::vector<int> outputs_;
  std::vector<Tensor> constants_;
  absl::flat_hash_map<const Value*, int> values_;
  std::string text_;
};

// Lowers a node to the expression of its one output.
using LowerFunction = absl::StatusOr<int> (*)(Expressions& x, const Node& node);
// Null: not an operator of native's groups.
const LowerFunction* FindLowering(const Operator& op);

// Why no expression can be made of the node, by its row and constants; empty if
// one can as far as is known before dtypes and sizes are.
std::string RefusalOf(const Node& node);

}  // namespace tandem::elementwise

#endif  // TANDEM_BACKENDS_ELEMENTWISE_EXPRESSION_H_
