// What opcodes do with the stack, the memo and the values.
#include "tandem/serialization/torchscript/pickle_machine.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/pickle_opcode.h"
#include "tandem/serialization/torchscript/zip_reader.h"

namespace tandem {
namespace {

bool HasNode(PickleValue::Kind kind) {
  return kind >= PickleValue::Kind::kGlobal;
}

}  // namespace

absl::Status PickleMachine::Run() {
  while (!stopped_) {
    start_ = pos_;
    if (pos_ == bytes_.size()) {
      return pickle_.Error(start_, "the pickle ends without STOP");
    }
    const uint8_t opcode = bytes_[pos_++];
    if (start_ == 0 && opcode != pickle_op::kProto) {
      return Refuse(opcode, "a pickle of protocol 2 must begin with PROTO");
    }
    absl::Status status = Step(opcode);
    if (!status.ok()) return status;
    // Every step adds a bounded number of values, except those that are
    // counted where they are made.
    if (memory_ > limits_.max_memory ||
        memory_ + stack_.size() * sizeof(PickleValue) > limits_.max_memory) {
      return Refuse(opcode,
                    absl::StrCat("the pickle's values take more than ",
                                 limits_.max_memory, " bytes, the limit"));
    }
  }
  return absl::OkStatus();
}

absl::Status PickleMachine::Refuse(uint8_t opcode,
                                   absl::string_view what) const {
  return pickle_.Error(
      start_, absl::StrCat("opcode ", pickle_op::NameOf(opcode), ": ", what));
}

absl::Status PickleMachine::TooShort(uint8_t opcode) const {
  return Refuse(opcode, marks_.empty()
                            ? "the stack is too short (underflow)"
                            : "it reaches below a MARK (stack underflow)");
}

absl::Status PickleMachine::Attach(uint8_t opcode, uint32_t parent,
                                   const PickleValue& child) {
  Pickle::Node& node = pickle_.nodes_[parent];
  // A call or an object and the tuple or dict that it is made of are one
  // level.
  const bool container = node.kind == Kind::kTuple ||
                         node.kind == Kind::kList || node.kind == Kind::kDict;
  const int levels =
      !container && (child.kind == Kind::kTuple || child.kind == Kind::kDict)
          ? 0
          : 1;
  uint64_t apparent = 1;
  if (HasNode(child.kind)) {
    if (child.node == parent) {
      return Refuse(opcode, "a value would hold itself");
    }
    Pickle::Node& inner = pickle_.nodes_[child.node];
    inner.sealed = true;
    const int depth = inner.depth + levels;
    if (depth > limits_.max_depth) {
      return Refuse(opcode, absl::StrCat("values are nested too deeply (more "
                                         "than ",
                                         limits_.max_depth, " levels)"));
    }
    node.depth = std::max<uint16_t>(node.depth, static_cast<uint16_t>(depth));
    apparent = inner.apparent;
  } else if (child.kind == Kind::kString) {
    apparent += child.slice.size / 16;
  }
  node.apparent += apparent;  // neither is above the limit: no overflow
  if (node.apparent > limits_.max_apparent_size) {
    return Refuse(opcode,
                  absl::StrCat("with its shared parts counted each "
                               "time, a value has more than ",
                               limits_.max_apparent_size, " parts, the limit"));
  }
  return absl::OkStatus();
}

absl::Status PickleMachine::MakeFixed(uint8_t opcode, Kind kind, size_t begin) {
  const uint32_t node = NewNode(kind);
  const size_t count = stack_.size() - begin;
  pickle_.nodes_[node].first = {static_cast<uint32_t>(pickle_.fixed_.size()),
                                static_cast<uint32_t>(count)};
  for (size_t i = begin; i < stack_.size(); ++i) {
    absl::Status status = Attach(opcode, node, stack_[i]);
    if (!status.ok()) return status;
    pickle_.fixed_.push_back(stack_[i]);
  }
  memory_ += count * sizeof(PickleValue);
  stack_.resize(begin);
  Push(kind).node = node;
  return absl::OkStatus();
}

absl::Status PickleMachine::Extend(uint8_t opcode, const PickleValue& container,
                                   size_t begin) {
  const uint32_t node = container.node;
  if (pickle_.nodes_[node].sealed) {
    return Refuse(opcode, absl::StrCat(KindName(container.kind),
                                       " changes after it was put into "
                                       "another value"));
  }
  std::vector<PickleValue>& items =
      pickle_.growing_[pickle_.nodes_[node].first.begin];
  const size_t count = stack_.size() - begin;
  if (items.empty()) items.reserve(count);
  for (size_t i = begin; i < stack_.size(); ++i) {
    absl::Status status = Attach(opcode, node, stack_[i]);
    if (!status.ok()) return status;
    items.push_back(stack_[i]);
  }
  memory_ += count * sizeof(PickleValue);
  stack_.resize(begin);
  return absl::OkStatus();
}

absl::Status PickleMachine::PopMark(uint8_t opcode, size_t* begin) {
  if (marks_.empty()) {
    return Refuse(opcode, "there is no MARK on the stack (underflow)");
  }
  *begin = marks_.back();
  marks_.pop_back();
  return absl::OkStatus();
}

absl::Status PickleMachine::Items(uint8_t opcode, Kind kind, bool to_mark) {
  size_t begin = 0;
  const size_t single = kind == Kind::kDict ? 2 : 1;
  if (to_mark) {
    absl::Status status = PopMark(opcode, &begin);
    if (!status.ok()) return status;
  } else {
    if (!Has(single + 1)) return TooShort(opcode);
    begin = stack_.size() - single;
  }
  if (begin == 0 || begin - 1 < floor()) return TooShort(opcode);
  const PickleValue container = stack_[begin - 1];
  if (container.kind != kind) {
    return Refuse(opcode, absl::StrCat("works on ", KindName(kind), ", not on ",
                                       KindName(container.kind)));
  }
  if (kind == Kind::kDict && (stack_.size() - begin) % 2 != 0) {
    return Refuse(opcode, "a key has no value (odd number of values)");
  }
  return Extend(opcode, container, begin);
}

absl::Status PickleMachine::Put(uint8_t opcode, uint32_t id) {
  if (!Has(1)) return TooShort(opcode);
  const PickleValue& value = stack_.back();
  // Writers count up; a far number costs an entry in a map, not the gap.
  if (id <= memo_.size() + 1024) {
    if (id >= memo_.size()) {
      const size_t grown = size_t{id} + 1 - memo_.size();
      memory_ += grown * (sizeof(PickleValue) + 1);
      memo_.resize(size_t{id} + 1);
      memo_present_.resize(size_t{id} + 1);
    }
    memo_[id] = value;
    memo_present_[id] = true;
    far_memo_.erase(id);
  } else {
    if (far_memo_.insert_or_assign(id, value).second) {
      memory_ += 2 * (sizeof(PickleValue) + 8);
    }
  }
  return absl::OkStatus();
}

absl::Status PickleMachine::Get(uint8_t opcode, uint32_t id) {
  const PickleValue* value = Memo(id);
  if (value == nullptr) {
    return Refuse(opcode, absl::StrCat("memo entry ", id, " was never put"));
  }
  stack_.push_back(*value);
  return absl::OkStatus();
}

absl::Status PickleMachine::Global(uint8_t opcode) {
  PickleValue::Slice slices[2];
  for (PickleValue::Slice& slice : slices) {
    const void* end =
        pos_ == bytes_.size()
            ? nullptr
            : std::memchr(bytes_.data() + pos_, '\n', bytes_.size() - pos_);
    if (end == nullptr) {
      return Refuse(opcode, "a name is not ended by a newline");
    }
    const auto stop =
        static_cast<uint32_t>(static_cast<const uint8_t*>(end) - bytes_.data());
    slice = {pos_, stop - pos_};
    pos_ = stop + 1;
  }
  const absl::string_view module = pickle_.Text(slices[0]);
  const absl::string_view name = pickle_.Text(slices[1]);
  if (module.empty() || name.empty() || !IsUtf8(module) || !IsUtf8(name) ||
      !filter_(module, name)) {
    return Refuse(opcode, absl::StrCat("unknown global '", Printable(module),
                                       ".", Printable(name),
                                       "': not among the values that such a "
                                       "file may hold"));
  }
  const uint32_t node = PushNode(Kind::kGlobal);
  pickle_.nodes_[node].first = slices[0];
  pickle_.nodes_[node].second = slices[1];
  return absl::OkStatus();
}

absl::Status PickleMachine::Reduce(uint8_t opcode) {
  if (!Has(2)) return TooShort(opcode);
  const PickleValue& callee = stack_[stack_.size() - 2];
  const PickleValue& arguments = stack_.back();
  if (callee.kind != Kind::kGlobal) {
    return Refuse(opcode, absl::StrCat("calls ", KindName(callee.kind),
                                       "; only globals can be called"));
  }
  // An enum's member is called for by its bare value.
  const bool enum_value =
      pickle_.Module(callee) == "__torch__" ||
      absl::StartsWith(pickle_.Module(callee), "__torch__.");
  if (arguments.kind != Kind::kTuple && !enum_value) {
    return Refuse(
        opcode,
        absl::StrCat("the arguments of ", Printable(pickle_.Module(callee)),
                     ".", Printable(pickle_.Name(callee)), " are ",
                     KindName(arguments.kind), ", not a tuple"));
  }
  // Python's pickler fills an OrderedDict after it was called into being.
  if (pickle_.Module(callee) == "collections" &&
      pickle_.Name(callee) == "OrderedDict") {
    if (!pickle_.Items(arguments).empty()) {
      return Refuse(opcode, "an OrderedDict is made without arguments");
    }
    stack_.resize(stack_.size() - 2);
    const uint32_t node = NewGrowing(Kind::kDict);
    pickle_.nodes_[node].ordered = true;
    Push(Kind::kDict).node = node;
    return absl::OkStatus();
  }
  return MakeFixed(opcode, Kind::kCall, stack_.size() - 2);
}

absl::Status PickleMachine::NewObject(uint8_t opcode) {
  if (!Has(2)) return TooShort(opcode);
  const PickleValue& callee = stack_[stack_.size() - 2];
  const PickleValue& arguments = stack_.back();
  if (callee.kind != Kind::kGlobal) {
    return Refuse(opcode,
                  absl::StrCat("makes an object of ", KindName(callee.kind),
                               "; a class is needed"));
  }
  if (arguments.kind != Kind::kTuple || !pickle_.Items(arguments).empty()) {
    return Refuse(opcode, "an object is made without arguments");
  }
  // A third place is for the state.
  stack_.emplace_back();
  return MakeFixed(opcode, Kind::kObject, stack_.size() - 3);
}

absl::Status PickleMachine::Build(uint8_t opcode) {
  if (!Has(2)) return TooShort(opcode);
  const PickleValue object = stack_[stack_.size() - 2];
  const PickleValue state = stack_.back();
  const bool ordered =
      object.kind == Kind::kDict && pickle_.nodes_[object.node].ordered;
  if (object.kind != Kind::kObject && !ordered) {
    return Refuse(opcode,
                  absl::StrCat("gives a state to ", KindName(object.kind),
                               ", which has none"));
  }
  Pickle::Node& node = pickle_.nodes_[object.node];
  if (node.sealed) {
    return Refuse(opcode,
                  "an object gets its state after it was put into another "
                  "value");
  }
  if (node.has_state) {
    return Refuse(opcode, "an object gets a state for the second time");
  }
  node.has_state = true;
  absl::Status status = Attach(opcode, object.node, state);
  if (!status.ok()) return status;
  // The attributes of a dict are of no use to anybody.
  if (!ordered) pickle_.fixed_[node.first.begin + 2] = state;
  stack_.pop_back();
  return absl::OkStatus();
}

}  // namespace tandem
