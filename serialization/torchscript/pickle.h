#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem {

// What one pickle may ask of its reader.
struct PickleLimits {
  // Levels of containers, calls and objects within each other.
  int max_depth = 256;
  // Values counted as often as they are reached: shared parts count each time,
  // a text counts one for each 16 bytes.
  uint64_t max_apparent_size = uint64_t{1} << 24;
  // Bytes of the stack, the memo and the values; 0 stands for 64 MiB and four
  // times the record's size.
  uint64_t max_memory = 0;
};

// One value of a pickle: a number, or the number of a text or node.
struct PickleValue {
  enum class Kind : uint8_t {
    kNone,
    kBool,
    kInt,
    kFloat,
    kString,
    kGlobal,  // module and name
    kTuple,
    kList,
    kDict,        // also an OrderedDict
    kCall,        // REDUCE: a global called with a tuple of arguments
    kObject,      // NEWOBJ: an object of a class, with its state (BUILD)
    kPersistent,  // BINPERSID: a persistent id, a storage in our pickles
  };
  struct Slice {
    uint32_t begin, size;
  };

  Kind kind = Kind::kNone;
  uint32_t offset = 0;  // of the opcode that made it
  union {
    bool boolean;
    int64_t integer = 0;
    double real;
    Slice slice;    // kString
    uint32_t node;  // all that follow
  };
};

// A pickle, taken apart into values without any effect: nothing is called, no
// class is looked up. What it may hold is a closed list of opcodes: those of
// PyTorch's C++ writer and of Python's protocol 2 for plain values.
//
// The machine doesn't recurse, takes time linear in the record, and refuses
// what reaches past its limits. A container that has been put into another one
// can't be changed any more, so the values form a graph without cycles in which
// depth and size of everything are known: whoever walks it may recurse, at most
// `max_depth` levels, and should visit shared nodes once.
//
// The bytes must outlive it: texts point into them.
class Pickle {
 public:
  // Says whether a global may appear at all; asked at each GLOBAL opcode.
  using GlobalFilter =
      absl::FunctionRef<bool(absl::string_view module, absl::string_view name)>;

  // `where` says in messages what is read ('m.pt: record "m/data.pkl"').
  static absl::StatusOr<Pickle> Parse(std::string where,
                                      absl::Span<const uint8_t> bytes,
                                      GlobalFilter filter,
                                      const PickleLimits& limits = {});

  const PickleValue& root() const { return root_; }

  absl::string_view String(const PickleValue& value) const;
  // Of a global.
  absl::string_view Module(const PickleValue& value) const;
  absl::string_view Name(const PickleValue& value) const;
  // Of a tuple or list its items; of a dict keys and values in turn.
  absl::Span<const PickleValue> Items(const PickleValue& value) const;
  // Of a call or an object: the global.
  const PickleValue& Callee(const PickleValue& value) const;
  // Of a call or an object the tuple of arguments; of a persistent id the id.
  const PickleValue& Argument(const PickleValue& value) const;
  // Of an object: what BUILD gave it, or null.
  const PickleValue* State(const PickleValue& value) const;

  size_t node_count() const { return nodes_.size(); }

  const std::string& where() const { return where_; }
  // 'WHERE, byte N: WHAT'.
  absl::Status Error(const PickleValue& value, absl::string_view what) const;
  absl::Status Error(uint32_t offset, absl::string_view what) const;

 private:
  friend class PickleMachine;

  struct Node {
    PickleValue::Kind kind = PickleValue::Kind::kNone;
    bool sealed = false;     // lies in another value
    bool has_state = false;  // of kObject, and of an OrderedDict
    bool ordered = false;    // an OrderedDict
    uint16_t depth = 1;
    uint32_t offset = 0;
    uint64_t apparent = 1;
    // Tuples, calls, objects and persistent ids: a slice of `fixed_`. Globals:
    // slices of the bytes for module and name. Lists and dicts: `begin` is a
    // number in `growing_`.
    PickleValue::Slice first = {0, 0}, second = {0, 0};
  };

  absl::string_view Text(PickleValue::Slice slice) const {
    return {reinterpret_cast<const char*>(bytes_.data()) + slice.begin,
            slice.size};
  }

  std::string where_;
  absl::Span<const uint8_t> bytes_;
  PickleValue root_;
  std::vector<Node> nodes_;
  std::vector<PickleValue> fixed_;
  std::vector<std::vector<PickleValue>> growing_;
};

// "a text", "a list": for messages.
absl::string_view KindName(PickleValue::Kind kind);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_H_
