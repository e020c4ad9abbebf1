// The printer behind PrintCanonical; not for use elsewhere.
#ifndef TANDEM_IR_CANONICAL_PRINTER_H_
#define TANDEM_IR_CANONICAL_PRINTER_H_

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/canonical.h"
#include "tandem/ir/graph.h"

namespace tandem::canonical {

// Appends text to one string. The first thing without a text is kept as the
// status; what is printed after it does not matter.
class Printer {
 public:
  explicit Printer(const CanonicalPrintOptions& options);
  virtual ~Printer() = default;

  // "int[]", "Dict(str, __torch__.C)".
  void PrintType(const Type& type);
  // "1", "[1, 2]", "tensor(Float, [2], data=[1.0, 2.0])".
  void PrintValue(const IValue& value) { PrintValue(value, 0); }
  // A name, quoted where it is no plain one.
  void PrintName(absl::string_view name);
  // With subgraphs; lines behind the first are indented by `indent`.
  void PrintGraph(const Graph& graph, int indent);
  // The sources that ranges named so far.
  void PrintSources();
  // " at 0[12:40] < 1[3:9]"; nothing for an unknown range or without the
  // option.
  void PrintRange(const SourceRange& range);

  void Append(absl::string_view text) { out_.append(text.data(), text.size()); }
  void Fail(std::string what);
  absl::StatusOr<std::string> Finish();

 protected:
  // What "@…" says of a function.
  virtual std::string LabelOf(const Function& function) const;
  // The text of a reference to an object, if there is one ("object(3)").
  virtual bool PrintObject(const ModuleObject& object) { return false; }
  // Is the named type one of the program's? A NamedTuple that is none is
  // written out.
  virtual bool IsDefined(const Type& type) const {
    return !type.is_named_tuple();
  }

 private:
  void PrintTypes(absl::Span<const TypePtr> types);
  void PrintTensorType(const TensorType& type);
  void PrintDims(const std::vector<int64_t>& dims);
  void PrintNamedType(const Type& type);
  void PrintNamedTuple(const Type& type);

  void PrintValue(const IValue& value, int depth);
  void PrintValues(const std::vector<IValue>& values, int depth);
  void PrintList(const ListObject& list, int depth);
  void PrintDict(const DictObject& dict, int depth);
  void PrintTensor(const Tensor& tensor);
  void PrintElements(const Tensor& tensor, int64_t span);
  void PrintExternal(const IValue& value, absl::string_view what);

  // One graph without its subgraphs.
  void PrintBody(const Graph& graph, int indent);
  void NumberSubgraphs(const Graph& graph);
  void Define(const Value* value);
  void PrintDefinition(const Value* value);
  void PrintUse(const Value* value);
  void PrintUses(absl::Span<Value* const> values);
  void PrintParameters(absl::Span<Value* const> values,
                       absl::string_view separator);
  void PrintNode(const Node& node, int indent);
  void PrintAttributes(const Node& node);
  void PrintPayload(const NodeAttribute& attribute);
  size_t SourceIndex(const std::shared_ptr<const Source>& source);

  const CanonicalPrintOptions& options_;
  std::string out_;
  absl::Status status_;
  absl::flat_hash_map<const void*, size_t> external_index_;
  // Of the graph that is being printed: the number of each unnamed value.
  absl::flat_hash_map<const Value*, size_t> numbers_;
  absl::flat_hash_set<const Value*> defined_;
  size_t next_number_ = 0;
  // In the order in which they are printed: users before what they use.
  std::vector<const Graph*> subgraphs_;
  absl::flat_hash_map<const Graph*, size_t> subgraph_index_;
  std::vector<std::shared_ptr<const Source>> sources_;
  absl::flat_hash_map<const Source*, size_t> source_index_;
};

// Shortest decimal that reads back as the same number, with a point or an
// exponent; "inf", "nan"; other NaNs by their bits ("0x7fc00001").
std::string FloatText(double d);
std::string FloatText(float f);

// Elements from the first to the last one in memory; error for what has no
// dense memory. 0 for an empty tensor.
absl::StatusOr<int64_t> ElementSpan(DimSpan sizes, DimSpan strides);

// Nesting that both printer and parser take.
inline constexpr int kMaxValueDepth = 256;
inline constexpr int kMaxBlockDepth = 500;
inline constexpr int kMaxSubgraphDepth = 64;
// Of originals of originals: code of an archive points to Python files.
inline constexpr size_t kMaxSourceDepth = 8;

}  // namespace tandem::canonical

#endif  // TANDEM_IR_CANONICAL_PRINTER_H_
