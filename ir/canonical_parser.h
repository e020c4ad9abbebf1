// The parser behind ParseGraph; not for use elsewhere.
#ifndef TANDEM_IR_CANONICAL_PARSER_H_
#define TANDEM_IR_CANONICAL_PARSER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/canonical.h"
#include "tandem/ir/canonical_lexer.h"
#include "tandem/ir/graph.h"

namespace tandem::canonical {

// Recursive descent with one token of lookahead. Methods take what they name
// from the front of the text.
class Parser {
 public:
  Parser(absl::string_view text, const CanonicalParseOptions& options)
      : lexer_(text),
        options_(options),
        operators_(options.operators != nullptr ? *options.operators
                                                : OperatorTable::Builtin()) {}
  virtual ~Parser() = default;

  absl::StatusOr<TypePtr> ParseType() { return ParseType(0); }
  absl::StatusOr<IValue> ParseValue() { return ParseValue(0); }
  // With its subgraphs. Ranges are set by ResolveRanges.
  absl::StatusOr<std::unique_ptr<Graph>> ParseGraph();
  // "source 0 …" at the front, with its lines.
  absl::Status ParseSource();
  // After all sources: gives nodes their ranges.
  absl::Status ResolveRanges();

  Lexer& lexer() { return lexer_; }

 protected:
  // What a name stands for; null when it is not known.
  virtual TypePtr FindType(absl::string_view name) const;
  virtual const Function* FindFunction(absl::string_view label) const;
  // object(INDEX)
  virtual absl::StatusOr<IValue> FindObject(int64_t index) {
    return absl::InvalidArgumentError("there are no objects here");
  }

  // Takes this or fails with "expected …".
  absl::Status Expect(absl::string_view punct);
  absl::Status ExpectName(absl::string_view name);
  bool Take(absl::string_view punct);
  bool TakeName(absl::string_view name);
  std::optional<int64_t> TakeSymbol();
  // A name, plain or quoted; `what` says it in the error.
  absl::StatusOr<std::string> ParseName(absl::string_view what);
  absl::StatusOr<std::string> ParseString();
  absl::StatusOr<int64_t> ParseInt();

  // "a, b, c" up to `close`, which is taken; `item` parses one.
  template <typename F>
  absl::Status ParseSequence(absl::string_view close, F item);

  struct RangeText {
    size_t source;
    uint64_t start, end;
  };
  // A place and its originals, if " at …" is at the front.
  absl::StatusOr<std::vector<RangeText>> ParseRange();

  Lexer lexer_;
  const CanonicalParseOptions& options_;
  const OperatorTable& operators_;

 private:
  struct Definition {
    Value* value;
    bool visible = true;
  };
  // What is known while one graph is read.
  struct Scope {
    Graph* graph;
    size_t number;  // of the subgraph; npos for the graph itself
    absl::flat_hash_map<std::string, Definition> values;
    // Names in the order of definition: a block's end hides its own.
    std::vector<std::string> order;
  };
  struct Subgraph {
    std::shared_ptr<Graph> graph;
    int depth = 0;
    bool defined = false;
  };
  struct NamedValue {
    std::string name;
    TypePtr type;  // null when left out
  };
  struct PendingRange {
    Node* node;
    std::vector<RangeText> chain;
    size_t offset;
  };

  absl::StatusOr<TypePtr> ParseType(int depth);
  absl::StatusOr<TypePtr> ParseBaseType(int depth);
  absl::StatusOr<TypePtr> ParseTensorType(absl::string_view name);
  absl::StatusOr<TypePtr> ParseTensorDetails(TensorType::Details details);
  absl::StatusOr<TypePtr> ParseNamedTuple(int depth);
  absl::StatusOr<TypePtr> ParseTypeByName(absl::string_view name);
  absl::StatusOr<std::vector<TypePtr>> ParseTypes(absl::string_view close,
                                                  int depth);
  absl::StatusOr<std::vector<int64_t>> ParseDims();
  absl::StatusOr<Device> ParseDeviceName();

  absl::StatusOr<IValue> ParseValue(int depth);
  absl::StatusOr<IValue> ParseValueByName(int depth);
  absl::StatusOr<IValue> ParseTyped(int depth);
  absl::StatusOr<IValue> ParseList(TypePtr element, int depth);
  absl::StatusOr<IValue> ParseDict(TypePtr key, TypePtr value, int depth);
  absl::StatusOr<IValue> ParseTuple(TypePtr type, int depth);
  // "expected elements of …": programs rely on what containers declare.
  absl::Status NoFit(size_t offset, const IValue& value,
                     const Type& type) const;
  absl::StatusOr<IValue> ParseExternal();
  absl::StatusOr<IValue> ParseTensor();
  absl::Status ParseElements(DType dtype, std::string* bytes);
  absl::Status ParseElement(DType component, std::string* bytes);
  absl::StatusOr<double> ParseDouble();

  absl::Status ParseBody(Graph* graph, size_t number);
  absl::StatusOr<std::vector<NamedValue>> ParseDefinitions(
      absl::string_view close);
  absl::Status Define(Scope* scope, Value* value, const NamedValue& named,
                      size_t offset);
  absl::StatusOr<Value*> ParseUse(Scope* scope);
  absl::Status ParseUses(Scope* scope, absl::string_view close,
                         std::vector<Value*>* out);
  absl::Status ParseParameters(Scope* scope, Block* block);
  absl::Status ParseNodes(Scope* scope, Block* block, int depth);
  absl::Status ParseNode(Scope* scope, Block* block, int depth);
  absl::Status ParseBlocks(Scope* scope, Node* node, int depth);
  absl::Status ParseKind(NodeKind* kind, const Operator** op);
  absl::Status ParseAttributes(Scope* scope, Node* node);
  absl::StatusOr<NodeAttribute::Payload> ParsePayload(Scope* scope,
                                                      bool is_value);
  absl::StatusOr<std::shared_ptr<Graph>> ParseSubgraphName(Scope* scope);

  // By number, of the graph that is being read. A reference into it is good
  // until the next entry.
  absl::flat_hash_map<size_t, Subgraph> subgraphs_;
  size_t type_parts_ = 0;  // types read so far, inner ones too
  std::vector<PendingRange> ranges_;
  struct SourceText {
    std::string text;
    std::optional<std::string> name;
    int64_t first_line = 1;
  };
  std::vector<SourceText> sources_;
};

template <typename F>
absl::Status Parser::ParseSequence(absl::string_view close, F item) {
  if (Take(close)) return absl::OkStatus();
  do {
    // One comma may stand behind the last, as in (1,).
    if (lexer_.at(close)) break;
    absl::Status status = item();
    if (!status.ok()) return status;
  } while (Take(","));
  return Expect(close);
}

}  // namespace tandem::canonical

#endif  // TANDEM_IR_CANONICAL_PARSER_H_
