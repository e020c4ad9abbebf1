// Prints functions into one file of code.
#ifndef TANDEM_FRONTENDS_SCRIPT_FUNCTION_PRINTER_H_
#define TANDEM_FRONTENDS_SCRIPT_FUNCTION_PRINTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/inline_plan.h"
#include "tandem/frontends/script/printer.h"
#include "tandem/ir/graph.h"
#include "tandem/ir/schema.h"

namespace tandem::script {

// Text with the places that its parts come from.
class TaggedText {
 public:
  // What is appended from now on belongs to this range.
  void Append(absl::string_view text, const SourceRange& range);
  void Append(const TaggedText& other);
  const std::string& text() const { return text_; }
  const std::vector<TextRange>& ranges() const { return ranges_; }

 private:
  std::string text_;
  std::vector<TextRange> ranges_;
};

// CONSTANTS.cN of an archive. Equal tensors share an entry.
class ConstantTable {
 public:
  size_t Add(const IValue& value);
  std::vector<IValue>& values() { return values_; }

 private:
  std::vector<IValue> values_;
};

// Types and functions that the printed code mentions, in order.
class Dependencies {
 public:
  struct Item {
    TypePtr type;  // or
    const Function* function = nullptr;
  };
  // The named types in `type`.
  void AddType(const TypePtr& type);
  void AddFunction(const Function* function);
  const std::vector<Item>& items() const { return items_; }

 private:
  absl::flat_hash_set<std::string> seen_;
  std::vector<Item> items_;
};

bool IsIdentifier(absl::string_view name);

// One file's text. Names that it made up go on counting from one function to
// the next.
class FunctionPrinter {
 public:
  // `importable`: refuse what cannot be read back.
  FunctionPrinter(ConstantTable* constants, Dependencies* dependencies,
                  bool importable)
      : constants_(*constants),
        dependencies_(*dependencies),
        importable_(importable) {}

  absl::Status PrintFunction(Function& function, bool first_argument_type);

  // For the lines of classes around the functions.
  void AppendLine(absl::string_view line);
  void Indent() { ++level_; }
  void Dedent() { --level_; }
  std::string ConstantText(const IValue& value);

  const TaggedText& body() const { return body_; }
  int64_t version() const { return version_; }

 private:
  class RangeScope;

  absl::Status PrintBody(const Block& body);
  absl::Status PrintBlock(const Block& block, bool has_other_statements);
  absl::Status PrintNode(const Node* node, bool print_constant);
  absl::Status PrintIf(const Node* node);
  absl::Status PrintLoop(const Node* node);
  absl::Status PrintClosure(const Node* node, absl::string_view base,
                            absl::string_view caller);
  absl::Status PrintExpressionNode(const Node* node);
  absl::Status PrintReturn(const Node* node);
  // The right-hand side.
  absl::Status Expression(const Node* node, TaggedText* out);
  absl::Status OperatorExpression(const Node* node, TaggedText* out);
  absl::Status Call(absl::string_view name, const FunctionSchema* schema,
                    const Node* node, TaggedText* out);
  void ConstantExpression(const Node* node, TaggedText* out);
  void SplitLongInlines(const Value* value);
  void Definition(const Node* node, const TaggedText& expression);
  void Assignment(absl::Span<const Value* const> targets,
                  absl::Span<const Value* const> values);
  void NoteDependencies(const Node* node);
  absl::Status Unprintable(const Node* node, absl::string_view why) const;

  void Put(absl::string_view text) { body_.Append(text, range_); }
  void Put(TaggedText* out, absl::string_view text) {
    out->Append(text, range_);
  }
  void PutIndent() { Put(std::string(2 * level_, ' ')); }
  void PutUse(const Value* value, TaggedText* out);
  void PutUses(absl::Span<const Value* const> values, TaggedText* out);
  const TaggedText& ExpressionOf(const Value* value) const;
  std::string UseText(const Value* value) const;

  bool IsLong(absl::string_view text) const {
    return text.size() + 2 * level_ >= 40;
  }
  std::string UniqueName(absl::string_view base);
  void AssignNames(absl::Span<Value* const> values);
  void AssignName(const Value* value);

  ConstantTable& constants_;
  Dependencies& dependencies_;
  const bool importable_;
  TaggedText body_;
  size_t level_ = 0;
  SourceRange range_;
  int64_t version_ = 3;

  InlinePlan inlined_;
  absl::flat_hash_set<std::string> used_names_;
  absl::flat_hash_map<std::string, size_t> next_id_;
  // How a value is written at its uses: a variable, else an expression.
  absl::flat_hash_map<const Value*, std::string> variables_;
  absl::flat_hash_map<const Value*, TaggedText> expressions_;
  absl::flat_hash_set<const Node*> listed_constants_;
  absl::flat_hash_set<const Value*> annotated_;
  // Of a node whose inline arguments were split: the last index looked at.
  absl::flat_hash_map<const Node*, int64_t> split_until_;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_FUNCTION_PRINTER_H_
