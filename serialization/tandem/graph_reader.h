// Graphs out of the tables of an index.
#ifndef TANDEM_SERIALIZATION_TANDEM_GRAPH_READER_H_
#define TANDEM_SERIALIZATION_TANDEM_GRAPH_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/ir/graph.h"
#include "tandem/ir/operator_table.h"
#include "tandem/ir/source_range.h"
#include "tandem/serialization/tandem/proto/model.pb.h"
#include "tandem/serialization/tandem/type_reader.h"
#include "tandem/serialization/tandem/value_reader.h"

namespace tandem::model_file {

// Makes graphs whose structure is sound; whether their types are is for
// VerifyGraph and CheckGraphTypes.
class GraphReader {
 public:
  // All must outlive it. `plugin_hint` ends the message about an operator that
  // there is not.
  GraphReader(const format::Program& program, const TypeReader& types,
              const ValueReader& values, const OperatorTable& operators,
              std::string plugin_hint)
      : program_(program),
        types_(types),
        values_(values),
        table_(operators),
        plugin_hint_(std::move(plugin_hint)) {}

  absl::Status ReadAll();
  // Gives the graph away; each has one owner.
  absl::StatusOr<std::unique_ptr<Graph>> Take(uint64_t number);

 private:
  struct Kind {
    NodeKind kind;
    const Operator* op = nullptr;
  };
  class Builder;

  absl::Status ReadOperators();
  absl::Status CheckTexts() const;
  absl::Status ReadRanges();
  const std::string& TextOf(const format::Source& source) const;

  const format::Program& program_;
  const TypeReader& types_;
  const ValueReader& values_;
  const OperatorTable& table_;
  const std::string plugin_hint_;
  std::vector<Kind> operators_;
  std::vector<SourceRange> ranges_;
  std::vector<std::unique_ptr<Graph>> graphs_;
  std::vector<int> depths_;  // of blocks and subgraphs in each graph
};

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_GRAPH_READER_H_
