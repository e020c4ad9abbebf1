// A group's nodes as expressions over whole tensors, with types and sizes
// known: what programs are made of.
#ifndef TANDEM_BACKENDS_NATIVE_EXPRESSION_H_
#define TANDEM_BACKENDS_NATIVE_EXPRESSION_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/group.h"
#include "tandem/backends/native/program.h"

namespace tandem::native {

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
  explicit Expressions(absl::Span<const ValueDescription> inputs)
      : num_arguments_(static_cast<int>(inputs.size())) {}

  // The whole group. Unimplemented, with the reason, when it is left to
  // kernels.
  absl::Status Read(const Graph& group,
                    absl::Span<const ValueDescription> inputs);

  const std::vector<Expression>& all() const { return all_; }
  const std::vector<int>& outputs() const { return outputs_; }
  const std::vector<Tensor>& constants() const { return constants_; }
  const std::string& text() const { return text_; }

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

// Programs that compute the outputs, each with the outputs it gives.
absl::StatusOr<std::vector<Program>> MakePrograms(const Expressions& x);

}  // namespace tandem::native

#endif  // TANDEM_BACKENDS_NATIVE_EXPRESSION_H_
