// The machine behind Pickle::Parse; not for use elsewhere.
#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_MACHINE_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_MACHINE_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/serialization/torchscript/pickle.h"

namespace tandem {

// Runs the opcodes.
class PickleMachine {
 public:
  using Kind = PickleValue::Kind;

  PickleMachine(Pickle& pickle, Pickle::GlobalFilter filter,
                const PickleLimits& limits)
      : pickle_(pickle),
        bytes_(pickle.bytes_),
        filter_(filter),
        limits_(limits) {
    if (limits_.max_memory == 0) {
      limits_.max_memory = (uint64_t{64} << 20) + 4 * uint64_t{bytes_.size()};
    }
  }

  absl::Status Run();

 private:
  absl::Status Refuse(uint8_t opcode, absl::string_view what) const;

  // `n` bytes of the opcode's own, or null at the end of the record.
  const uint8_t* Take(uint64_t n) {
    if (bytes_.size() - pos_ < n) return nullptr;
    const uint8_t* p = bytes_.data() + pos_;
    pos_ += static_cast<uint32_t>(n);
    return p;
  }

  absl::Status Cut(uint8_t opcode) const {
    return Refuse(opcode, "the record ends within it");
  }

  static uint64_t Number(const uint8_t* p, int n) {
    uint64_t v = 0;
    for (int i = n - 1; i >= 0; --i) v = v << 8 | p[i];
    return v;
  }

  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  bool Has(size_t n) const { return stack_.size() - floor() >= n; }

  absl::Status TooShort(uint8_t opcode) const;

  PickleValue& Push(Kind kind) {
    PickleValue value;
    value.kind = kind;
    value.offset = start_;
    stack_.push_back(value);
    return stack_.back();
  }

  void PushInt(int64_t v) { Push(Kind::kInt).integer = v; }
  void PushBool(bool v) { Push(Kind::kBool).boolean = v; }

  uint32_t NewNode(Kind kind) {
    Pickle::Node node;
    node.kind = kind;
    node.offset = start_;
    memory_ += sizeof(node);
    pickle_.nodes_.push_back(node);
    return static_cast<uint32_t>(pickle_.nodes_.size() - 1);
  }

  uint32_t PushNode(Kind kind) {
    const uint32_t node = NewNode(kind);
    Push(kind).node = node;
    return node;
  }

  // `child` now lies in `parent`: it may not change any more, and adds to the
  // parent's depth and size.
  absl::Status Attach(uint8_t opcode, uint32_t parent,
                      const PickleValue& child);

  // Takes the values from `begin` on off the stack into a node's fixed slice.
  absl::Status MakeFixed(uint8_t opcode, Kind kind, size_t begin);

  uint32_t NewGrowing(Kind kind) {
    const uint32_t node = NewNode(kind);
    memory_ += sizeof(std::vector<PickleValue>);
    pickle_.nodes_[node].first.begin =
        static_cast<uint32_t>(pickle_.growing_.size());
    pickle_.growing_.emplace_back();
    return node;
  }

  // Moves the values from `begin` on into the list or dict.
  absl::Status Extend(uint8_t opcode, const PickleValue& container,
                      size_t begin);

  // The values since the last MARK, which is taken away.
  absl::Status PopMark(uint8_t opcode, size_t* begin);
  absl::Status Items(uint8_t opcode, Kind kind, bool to_mark);

  PickleValue* Memo(uint32_t id) {
    if (id < memo_.size() && memo_present_[id]) return &memo_[id];
    const auto it = far_memo_.find(id);
    return it == far_memo_.end() ? nullptr : &it->second;
  }

  absl::Status Put(uint8_t opcode, uint32_t id);
  absl::Status Get(uint8_t opcode, uint32_t id);
  absl::Status Global(uint8_t opcode);
  absl::Status Reduce(uint8_t opcode);
  absl::Status NewObject(uint8_t opcode);
  absl::Status Build(uint8_t opcode);
  absl::Status Step(uint8_t opcode);

  Pickle& pickle_;
  const absl::Span<const uint8_t> bytes_;
  const Pickle::GlobalFilter filter_;
  PickleLimits limits_;
  uint32_t pos_ = 0;
  uint32_t start_ = 0;  // of the opcode at work
  bool stopped_ = false;
  uint64_t memory_ = 0;
  std::vector<PickleValue> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  std::vector<PickleValue> memo_;
  std::vector<bool> memo_present_;
  absl::flat_hash_map<uint32_t, PickleValue> far_memo_;
};

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_MACHINE_H_
