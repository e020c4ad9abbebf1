#include "tandem/serialization/torchscript/pickle.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/zip_reader.h"

namespace tandem {
namespace {

using Kind = PickleValue::Kind;

enum Opcode : uint8_t {
  kMark = '(',
  kStop = '.',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kNone = 'N',
  kBinPersId = 'Q',
  kReduce = 'R',
  kBinUnicode = 'X',
  kBinFloat = 'G',
  kEmptyList = ']',
  kAppend = 'a',
  kBuild = 'b',
  kGlobal = 'c',
  kDict = 'd',
  kAppends = 'e',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kList = 'l',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kSetItem = 's',
  kTuple = 't',
  kSetItems = 'u',
  kEmptyDict = '}',
  kEmptyTuple = ')',
  kProto = 0x80,
  kNewObj = 0x81,
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kLong1 = 0x8A,
};

// Names of opcodes, for messages; also of those that are refused.
absl::string_view OpcodeName(uint8_t opcode) {
  switch (opcode) {
    case kMark:
      return "MARK";
    case kStop:
      return "STOP";
    case kBinInt:
      return "BININT";
    case kBinInt1:
      return "BININT1";
    case kBinInt2:
      return "BININT2";
    case kNone:
      return "NONE";
    case kBinPersId:
      return "BINPERSID";
    case kReduce:
      return "REDUCE";
    case kBinUnicode:
      return "BINUNICODE";
    case kBinFloat:
      return "BINFLOAT";
    case kEmptyList:
      return "EMPTY_LIST";
    case kAppend:
      return "APPEND";
    case kBuild:
      return "BUILD";
    case kGlobal:
      return "GLOBAL";
    case kDict:
      return "DICT";
    case kAppends:
      return "APPENDS";
    case kBinGet:
      return "BINGET";
    case kLongBinGet:
      return "LONG_BINGET";
    case kList:
      return "LIST";
    case kBinPut:
      return "BINPUT";
    case kLongBinPut:
      return "LONG_BINPUT";
    case kSetItem:
      return "SETITEM";
    case kTuple:
      return "TUPLE";
    case kSetItems:
      return "SETITEMS";
    case kEmptyDict:
      return "EMPTY_DICT";
    case kEmptyTuple:
      return "EMPTY_TUPLE";
    case kProto:
      return "PROTO";
    case kNewObj:
      return "NEWOBJ";
    case kTuple1:
      return "TUPLE1";
    case kTuple2:
      return "TUPLE2";
    case kTuple3:
      return "TUPLE3";
    case kNewTrue:
      return "NEWTRUE";
    case kNewFalse:
      return "NEWFALSE";
    case kLong1:
      return "LONG1";
    case '0':
      return "POP";
    case '1':
      return "POP_MARK";
    case '2':
      return "DUP";
    case 'F':
      return "FLOAT";
    case 'I':
      return "INT";
    case 'L':
      return "LONG";
    case 'P':
      return "PERSID";
    case 'S':
      return "STRING";
    case 'T':
      return "BINSTRING";
    case 'U':
      return "SHORT_BINSTRING";
    case 'V':
      return "UNICODE";
    case 'g':
      return "GET";
    case 'p':
      return "PUT";
    case 'i':
      return "INST";
    case 'o':
      return "OBJ";
    case 'B':
      return "BINBYTES";
    case 'C':
      return "SHORT_BINBYTES";
    case 0x82:
      return "EXT1";
    case 0x83:
      return "EXT2";
    case 0x84:
      return "EXT4";
    case 0x8B:
      return "LONG4";
    case 0x8C:
      return "SHORT_BINUNICODE";
    case 0x8D:
      return "BINUNICODE8";
    case 0x8E:
      return "BINBYTES8";
    case 0x8F:
      return "EMPTY_SET";
    case 0x90:
      return "ADDITEMS";
    case 0x91:
      return "FROZENSET";
    case 0x92:
      return "NEWOBJ_EX";
    case 0x93:
      return "STACK_GLOBAL";
    case 0x94:
      return "MEMOIZE";
    case 0x95:
      return "FRAME";
    case 0x96:
      return "BYTEARRAY8";
    case 0x97:
      return "NEXT_BUFFER";
    case 0x98:
      return "READONLY_BUFFER";
    default:
      return "unknown";
  }
}

bool HasNode(Kind kind) { return kind >= Kind::kGlobal; }

}  // namespace

absl::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return "a bool";
    case Kind::kInt:
      return "an int";
    case Kind::kFloat:
      return "a float";
    case Kind::kString:
      return "a text";
    case Kind::kGlobal:
      return "a global";
    case Kind::kTuple:
      return "a tuple";
    case Kind::kList:
      return "a list";
    case Kind::kDict:
      return "a dict";
    case Kind::kCall:
      return "a call";
    case Kind::kObject:
      return "an object";
    case Kind::kPersistent:
      return "a persistent id";
  }
  return "a value";
}

// Runs the opcodes.
class PickleMachine {
 public:
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

  absl::Status Run() {
    while (!stopped_) {
      start_ = pos_;
      if (pos_ == bytes_.size()) {
        return pickle_.Error(start_, "the pickle ends without STOP");
      }
      const uint8_t opcode = bytes_[pos_++];
      if (start_ == 0 && opcode != kProto) {
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

 private:
  absl::Status Refuse(uint8_t opcode, absl::string_view what) const {
    return pickle_.Error(
        start_, absl::StrCat("opcode ", OpcodeName(opcode), ": ", what));
  }

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

  absl::Status TooShort(uint8_t opcode) const {
    return Refuse(opcode, marks_.empty()
                              ? "the stack is too short (underflow)"
                              : "it reaches below a MARK (stack underflow)");
  }

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
      return Refuse(
          opcode, absl::StrCat("with its shared parts counted each "
                               "time, a value has more than ",
                               limits_.max_apparent_size, " parts, the limit"));
    }
    return absl::OkStatus();
  }

  // Takes the values from `begin` on off the stack into a node's fixed slice.
  absl::Status MakeFixed(uint8_t opcode, Kind kind, size_t begin) {
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

  // The values since the last MARK, which is taken away.
  absl::Status PopMark(uint8_t opcode, size_t* begin) {
    if (marks_.empty()) {
      return Refuse(opcode, "there is no MARK on the stack (underflow)");
    }
    *begin = marks_.back();
    marks_.pop_back();
    return absl::OkStatus();
  }

  absl::Status Items(uint8_t opcode, Kind kind, bool to_mark) {
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
      return Refuse(opcode,
                    absl::StrCat("works on ", KindName(kind), ", not on ",
                                 KindName(container.kind)));
    }
    if (kind == Kind::kDict && (stack_.size() - begin) % 2 != 0) {
      return Refuse(opcode, "a key has no value (odd number of values)");
    }
    return Extend(opcode, container, begin);
  }

  PickleValue* Memo(uint32_t id) {
    if (id < memo_.size() && memo_present_[id]) return &memo_[id];
    const auto it = far_memo_.find(id);
    return it == far_memo_.end() ? nullptr : &it->second;
  }

  absl::Status Put(uint8_t opcode, uint32_t id) {
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

  absl::Status Get(uint8_t opcode, uint32_t id) {
    const PickleValue* value = Memo(id);
    if (value == nullptr) {
      return Refuse(opcode, absl::StrCat("memo entry ", id, " was never put"));
    }
    stack_.push_back(*value);
    return absl::OkStatus();
  }

  absl::Status Global(uint8_t opcode) {
    PickleValue::Slice slices[2];
    for (PickleValue::Slice& slice : slices) {
      const void* end =
          pos_ == bytes_.size()
              ? nullptr
              : std::memchr(bytes_.data() + pos_, '\n', bytes_.size() - pos_);
      if (end == nullptr) {
        return Refuse(opcode, "a name is not ended by a newline");
      }
      const auto stop = static_cast<uint32_t>(static_cast<const uint8_t*>(end) -
                                              bytes_.data());
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

  absl::Status Reduce(uint8_t opcode) {
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

  absl::Status NewObject(uint8_t opcode) {
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

  absl::Status Build(uint8_t opcode) {
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

  absl::Status Step(uint8_t opcode) {
    const uint8_t* p = nullptr;
    size_t begin = 0;
    absl::Status status;
    switch (opcode) {
      case kProto:
        if ((p = Take(1)) == nullptr) return Cut(opcode);
        if (*p != 2) {
          return Refuse(opcode, absl::StrCat("pickle protocol ", *p,
                                             "; only protocol 2 is read"));
        }
        if (start_ != 0) return Refuse(opcode, "stands within the pickle");
        return absl::OkStatus();
      case kStop:
        if (!marks_.empty() || stack_.size() != 1) {
          return Refuse(opcode,
                        absl::StrCat("one value should be on the stack at the "
                                     "end, there are ",
                                     stack_.size(),
                                     marks_.empty() ? "" : " and open MARKs"));
        }
        if (pos_ != bytes_.size()) {
          return Refuse(opcode, absl::StrCat(bytes_.size() - pos_,
                                             " bytes follow in the record"));
        }
        pickle_.root_ = stack_[0];
        stopped_ = true;
        return absl::OkStatus();
      case kMark:
        if (marks_.size() >= 2 * static_cast<size_t>(limits_.max_depth)) {
          return Refuse(opcode, absl::StrCat("values are nested too deeply (",
                                             marks_.size(), " open MARKs)"));
        }
        marks_.push_back(stack_.size());
        return absl::OkStatus();
      case kNone:
        Push(Kind::kNone);
        return absl::OkStatus();
      case kNewTrue:
      case kNewFalse:
        PushBool(opcode == kNewTrue);
        return absl::OkStatus();
      case kBinInt1:
        if ((p = Take(1)) == nullptr) return Cut(opcode);
        PushInt(*p);
        return absl::OkStatus();
      case kBinInt2:
        if ((p = Take(2)) == nullptr) return Cut(opcode);
        PushInt(static_cast<int64_t>(Number(p, 2)));
        return absl::OkStatus();
      case kBinInt:
        if ((p = Take(4)) == nullptr) return Cut(opcode);
        PushInt(static_cast<int32_t>(static_cast<uint32_t>(Number(p, 4))));
        return absl::OkStatus();
      case kLong1: {
        if ((p = Take(1)) == nullptr) return Cut(opcode);
        const int n = *p;
        if ((p = Take(n)) == nullptr) return Cut(opcode);
        // Two's complement; bytes past the eighth may only repeat the sign.
        uint64_t v = Number(p, std::min(n, 8));
        const bool negative = n > 0 && (p[n - 1] & 0x80) != 0;
        if (negative && n < 8) v |= ~uint64_t{0} << (8 * n);
        bool fits = n <= 8 || ((v >> 63 != 0) == negative);
        for (int i = 8; i < n; ++i)
          fits = fits && p[i] == (negative ? 0xFF : 0);
        if (!fits) return Refuse(opcode, "the integer needs more than 64 bits");
        PushInt(static_cast<int64_t>(v));
        return absl::OkStatus();
      }
      case kBinFloat: {
        if ((p = Take(8)) == nullptr) return Cut(opcode);
        uint64_t bits = 0;
        for (int i = 0; i < 8; ++i) bits = bits << 8 | p[i];
        double v;
        std::memcpy(&v, &bits, sizeof(v));
        Push(Kind::kFloat).real = v;
        return absl::OkStatus();
      }
      case kBinUnicode: {
        if ((p = Take(4)) == nullptr) return Cut(opcode);
        const auto n = static_cast<uint32_t>(Number(p, 4));
        const uint32_t at = pos_;
        if (Take(n) == nullptr) {
          return Refuse(opcode, absl::StrCat("a text of ", n,
                                             " bytes runs over the end of the "
                                             "record"));
        }
        Push(Kind::kString).slice = {at, n};
        return absl::OkStatus();
      }
      case kEmptyTuple:
        return MakeFixed(opcode, Kind::kTuple, stack_.size());
      case kTuple1:
      case kTuple2:
      case kTuple3: {
        const size_t n = opcode - kTuple1 + 1;
        if (!Has(n)) return TooShort(opcode);
        return MakeFixed(opcode, Kind::kTuple, stack_.size() - n);
      }
      case kTuple:
        status = PopMark(opcode, &begin);
        return status.ok() ? MakeFixed(opcode, Kind::kTuple, begin) : status;
      case kEmptyList:
      case kEmptyDict: {
        const Kind kind = opcode == kEmptyList ? Kind::kList : Kind::kDict;
        const uint32_t node = NewGrowing(kind);
        Push(kind).node = node;
        return absl::OkStatus();
      }
      case kList:
      case kDict: {
        const Kind kind = opcode == kList ? Kind::kList : Kind::kDict;
        status = PopMark(opcode, &begin);
        if (!status.ok()) return status;
        if (kind == Kind::kDict && (stack_.size() - begin) % 2 != 0) {
          return Refuse(opcode, "a key has no value (odd number of values)");
        }
        PickleValue container;
        container.kind = kind;
        container.offset = start_;
        container.node = NewGrowing(kind);
        status = Extend(opcode, container, begin);
        if (!status.ok()) return status;
        stack_.push_back(container);
        return absl::OkStatus();
      }
      case kAppend:
        return Items(opcode, Kind::kList, false);
      case kAppends:
        return Items(opcode, Kind::kList, true);
      case kSetItem:
        return Items(opcode, Kind::kDict, false);
      case kSetItems:
        return Items(opcode, Kind::kDict, true);
      case kBinPut:
      case kLongBinPut:
      case kBinGet:
      case kLongBinGet: {
        const bool put = opcode == kBinPut || opcode == kLongBinPut;
        const int n = opcode == kBinPut || opcode == kBinGet ? 1 : 4;
        if ((p = Take(n)) == nullptr) return Cut(opcode);
        const auto id = static_cast<uint32_t>(Number(p, n));
        return put ? Put(opcode, id) : Get(opcode, id);
      }
      case kGlobal:
        return Global(opcode);
      case kReduce:
        return Reduce(opcode);
      case kNewObj:
        return NewObject(opcode);
      case kBuild:
        return Build(opcode);
      case kBinPersId:
        if (!Has(1)) return TooShort(opcode);
        return MakeFixed(opcode, Kind::kPersistent, stack_.size() - 1);
      default:
        return pickle_.Error(
            start_,
            absl::StrCat("opcode 0x", absl::Hex(opcode, absl::kZeroPad2), " (",
                         OpcodeName(opcode),
                         ") is not among those that such a file may "
                         "hold"));
    }
  }

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

absl::StatusOr<Pickle> Pickle::Parse(std::string where,
                                     absl::Span<const uint8_t> bytes,
                                     GlobalFilter filter,
                                     const PickleLimits& limits) {
  Pickle pickle;
  pickle.where_ = std::move(where);
  pickle.bytes_ = bytes;
  // Offsets have 32 bits, so has the count of what the bytes can make.
  if (bytes.size() >= (uint64_t{1} << 31)) {
    return pickle.Error(0, absl::StrCat("a pickle of ", bytes.size(),
                                        " bytes is beyond the limit of 2 GiB"));
  }
  absl::Status status = PickleMachine(pickle, filter, limits).Run();
  if (!status.ok()) return status;
  return pickle;
}

absl::string_view Pickle::String(const PickleValue& value) const {
  return Text(value.slice);
}

absl::string_view Pickle::Module(const PickleValue& value) const {
  return Text(nodes_[value.node].first);
}

absl::string_view Pickle::Name(const PickleValue& value) const {
  return Text(nodes_[value.node].second);
}

absl::Span<const PickleValue> Pickle::Items(const PickleValue& value) const {
  const Node& node = nodes_[value.node];
  if (node.kind == Kind::kList || node.kind == Kind::kDict) {
    return growing_[node.first.begin];
  }
  return absl::MakeConstSpan(fixed_).subspan(node.first.begin, node.first.size);
}

const PickleValue& Pickle::Callee(const PickleValue& value) const {
  return fixed_[nodes_[value.node].first.begin];
}

const PickleValue& Pickle::Argument(const PickleValue& value) const {
  const Node& node = nodes_[value.node];
  return fixed_[node.first.begin + (node.kind == Kind::kPersistent ? 0 : 1)];
}

const PickleValue* Pickle::State(const PickleValue& value) const {
  const Node& node = nodes_[value.node];
  if (node.kind != Kind::kObject || !node.has_state) return nullptr;
  return &fixed_[node.first.begin + 2];
}

absl::Status Pickle::Error(const PickleValue& value,
                           absl::string_view what) const {
  return Error(value.offset, what);
}

absl::Status Pickle::Error(uint32_t offset, absl::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrCat(where_, ", byte ", offset, ": ", what));
}

}  // namespace tandem
