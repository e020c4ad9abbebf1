// What nodes of the FX dialect are called with: constants, nodes, and nests of
// them, as Python has them.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_ARGUMENT_H_
#define TANDEM_FRONTENDS_SYMBOLIC_ARGUMENT_H_

#include <complex>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "tandem/frontends/eager/indexing.h"
#include "tandem/ir/graph.h"
#include "tandem/ir/ivalue.h"

namespace tandem::fx {

class Argument;
using Arguments = std::vector<Argument>;
using KeywordArguments = std::vector<std::pair<std::string, Argument>>;

class Argument {
 public:
  enum class Kind : uint8_t {
    kNode,
    kConstant,      // None, bool, int, float, complex, str, device
    kDType,         // torch.float32
    kLayout,        // torch.strided
    kMemoryFormat,  // torch.channels_last
    kEllipsis,
    kSlice,  // three items
    kTuple,
    kList,
    kDict,  // as many keys as items
  };

  Argument() = default;                                          // None
  Argument(std::nullopt_t) {}                                    // NOLINT
  Argument(Node* node) : kind_(Kind::kNode), node_(node) {}      // NOLINT
  Argument(IValue constant) : constant_(std::move(constant)) {}  // NOLINT
  template <typename T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  Argument(T v) : constant_(FromArithmetic(v)) {}       // NOLINT
  Argument(const char* s) : constant_(s) {}             // NOLINT
  Argument(std::string s) : constant_(std::move(s)) {}  // NOLINT
  Argument(Device d) : constant_(d) {}                  // NOLINT
  Argument(DType d)                                     // NOLINT
      : kind_(Kind::kDType), constant_(static_cast<int64_t>(d)) {}
  Argument(Layout l)  // NOLINT
      : kind_(Kind::kLayout), constant_(static_cast<int64_t>(l)) {}
  Argument(MemoryFormat m)  // NOLINT
      : kind_(Kind::kMemoryFormat), constant_(static_cast<int64_t>(m)) {}
  Argument(eager::EllipsisTag) : kind_(Kind::kEllipsis) {}  // NOLINT

  static Argument Tuple(Arguments items) {
    return Argument(Kind::kTuple, std::move(items));
  }
  static Argument List(Arguments items) {
    return Argument(Kind::kList, std::move(items));
  }
  static Argument Slice(Argument start, Argument stop, Argument step) {
    return Argument(Kind::kSlice,
                    {std::move(start), std::move(stop), std::move(step)});
  }
  static Argument Dict(Arguments keys, Arguments values) {
    Argument a(Kind::kDict, std::move(values));
    a.keys_ = std::move(keys);
    return a;
  }

  Kind kind() const { return kind_; }
  bool is(Kind kind) const { return kind_ == kind; }
  bool is_node() const { return kind_ == Kind::kNode; }
  bool is_none() const {
    return kind_ == Kind::kConstant && constant_.is_none();
  }
  bool is_container() const { return kind_ >= Kind::kSlice; }
  Node* node() const { return node_; }  // kNode
  // kConstant; kDType, kLayout and kMemoryFormat: the number.
  const IValue& constant() const { return constant_; }
  const Arguments& items() const { return items_; }
  const Arguments& keys() const { return keys_; }

  // Calls `f` for each node inside, in order.
  void ForEachNode(absl::FunctionRef<void(Node*)> f) const;
  // The same with each node replaced.
  Argument Map(absl::FunctionRef<Argument(Node*)> f) const;

  // str() inside of FX's graphs: nodes as %name, strings without quotes.
  std::string Format() const;
  // repr(): nodes by name, or as `name` gives them.
  std::string Repr() const;
  std::string Repr(absl::FunctionRef<std::string(Node*)> name) const;

  // As a boxed value: a node as `node` gives it; what has no boxed form of its
  // own (dtypes, slices, Ellipsis) as a tuple that starts with a mark, see
  // FromValue.
  IValue ToValue(absl::FunctionRef<IValue(Node*)> node) const;
  // The reverse. `node` is asked for each tuple that marks a node, and each
  // tensor.
  static Argument FromValue(const IValue& value,
                            absl::FunctionRef<Argument(const IValue&)> node);

  friend bool operator==(const Argument& a, const Argument& b);
  friend bool operator!=(const Argument& a, const Argument& b) {
    return !(a == b);
  }

 private:
  Argument(Kind kind, Arguments items)
      : kind_(kind), items_(std::move(items)) {}
  template <typename T>
  static IValue FromArithmetic(T v) {
    if constexpr (std::is_same_v<T, bool>) {
      return IValue(v);
    } else if constexpr (std::is_integral_v<T>) {
      return IValue(static_cast<int64_t>(v));
    } else {
      return IValue(static_cast<double>(v));
    }
  }

  Kind kind_ = Kind::kConstant;
  Node* node_ = nullptr;
  IValue constant_;
  Arguments items_;
  Arguments keys_;
};

// "fx.node" and so on: the first element of the tuple that stands for what has
// no boxed form; empty for every other value.
std::string MarkOf(const IValue& value);
inline constexpr char kNodeMark[] = "fx.node";
inline constexpr char kDTypeMark[] = "fx.dtype";
inline constexpr char kLayoutMark[] = "fx.layout";
inline constexpr char kMemoryFormatMark[] = "fx.memory_format";
inline constexpr char kEllipsisMark[] = "fx.ellipsis";
inline constexpr char kSliceMark[] = "fx.slice";
inline constexpr char kTupleMark[] = "fx.tuple";
IValue Marked(const char* mark, std::vector<IValue> rest);

// Python's repr() of a float ("1e-05", "2.0", "inf") and of a str.
std::string FloatRepr(double d);
std::string StringRepr(absl::string_view s);

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_ARGUMENT_H_
