// The program that a graph becomes: a straight list of instructions over
// numbered registers.
#ifndef TANDEM_RUNTIME_PLAN_H_
#define TANDEM_RUNTIME_PLAN_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/synchronization/mutex.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/source_range.h"
#include "tandem/passes/partition.h"

namespace tandem {

struct GroupEntry;
class GroupSite;
class Plan;

enum class OpCode : uint16_t {
  // a = dst, b, c = src. Numbers sit unboxed in registers of fixed tag.
  kAddInt,
  kSubInt,
  kMulInt,
  kNegInt,
  kFloorDivInt,
  kRemainderInt,
  kEqInt,
  kNeInt,
  kLtInt,
  kLeInt,
  kGtInt,
  kGeInt,
  kAddFloat,
  kSubFloat,
  kMulFloat,
  kDivFloat,
  kNegFloat,
  kEqFloat,
  kNeFloat,
  kLtFloat,
  kLeFloat,
  kGtFloat,
  kGeFloat,
  kAddIntFloat,
  kAddFloatInt,
  kMulIntFloat,
  kMulFloatInt,
  kIntToFloat,
  kFloatToInt,
  kIntToBool,
  kNot,
  kAndBool,
  kOrBool,
  kDeriveIndex,  // a = b + c * d: start, step and index from operands at b
  kRangeLength,  // a; operands at b: lo, hi, step
  kMove,         // a = b, b becomes None
  kCopy,         // a = b
  kCopyNumber,   // a = b, both registers of one number kind
  kDrop,         // only the drop list

  kJump,         // to c
  kJumpIfFalse,  // b, to c
  kLoopEnter,    // counter a = 0; leaves to c unless operand 0 (max) > 0 and
                 // operand 1 (cond)
  kLoopNext,     // ++a; if a < operand 0 and operand 1, back to c
  kLoopNextFor,  // ++a; if a < b, back to c
  kReturn,       // operands at b, c of them

  kKernel,    // site in `kernels`: a; inputs at b (count c), outputs after them
  kCallPlan,  // callee in `calls`: a; inputs at b, count c, outputs after them
  kCallDynamic,  // by name on the object in operand 0: name in `names`[d]
  kFork,         // callee in `calls`: a
  kWait,         // a = result of future b
  kGroup,        // group in `groups`: a; inputs at b (count c), d outputs after

  kListConstruct,   // a; operands at b, count c; element type d
  kListRefill,      // the same of numbers, into the list that a has kept
  kListUnpack,      // operand at b: list; outputs after it, count c
  kTupleConstruct,  // a; operands at b, count c; named type d (or none)
  kTupleUnpack,     // operand at b; outputs after it, count c
  kTupleIndex,      // a = b[c]: c is a register
  kTupleSlice,      // a = b[begin c : end d]
  kDictConstruct,   // a; operands at b, count c; type d
  kGetAttr,         // a = b.slot(c), guarded
  kGetAttrStable,   // the same, of an attribute that no method writes
  kBorrowAttr,      // the same, not counted: a is in `borrowed`
  kSetAttr,         // b.slot(c) = a
  kCreateObject,    // a = new of type d
  kPrint,           // operands at b, count c
  kRaise,           // message b, class c
  kUncheckedCast,   // a = b, type d
  kIsInstance,      // a = b is one of types d
  kToList,          // a; operands at b: tensor, dim, type; type d
  kEnumName,
  kEnumValue,
  kModuleIndex,  // a = b[c]
  kListGet,      // a = list b [ int c ]
  kListLen,      // a = len(list b)
  kAppend,       // list b gets c; a is the list again
  kSortObjects,  // a: sorted list or in place; operands at b: list, reverse
  kCastNumber,   // a = b as the number kind of register a
  kDefault,      // a = what an uninitialized value of type d gives
};

struct Instruction {
  OpCode op;
  uint16_t drop_count = 0;
  uint32_t drop_begin = 0;
  uint32_t a = 0;
  uint32_t b = 0;
  uint32_t c = 0;
  uint32_t d = 0;
  uint32_t site = 0;
};

// A register number with this bit: its last use, the value may be moved out.
inline constexpr uint32_t kMoveBit = uint32_t{1} << 31;

// Where an instruction comes from, with the calls that were flattened around
// it.
struct Site {
  SourceRange range;
  uint32_t parent = 0;  // site of the call; 0: none
  const Function* function = nullptr;
};

struct KernelSite {
  const KernelEntry* entry = nullptr;
  // Called instead when a tensor is quantized; null: `entry` sees to it.
  const KernelEntry* quantized = nullptr;
  // Kernels of the next backends, for calls that `entry` declines.
  std::vector<const KernelEntry*> others;
  const Operator* op = nullptr;
  // Inputs that are tensors (and must be defined, or may be None), lists of
  // them.
  absl::InlinedVector<uint8_t, 4> tensors, optional_tensors, tensor_lists;
  // The result must have the sizes and dtype of the first input
  // (kInPlaceAttribute).
  bool in_place = false;
};

struct CallSite {
  const Function* function = nullptr;
};

// What a register holds for all its life.
enum class RegisterKind : uint8_t { kInt, kBool, kDouble, kValue };

// Registers of one running call.
struct Frame {
  std::unique_ptr<IValue[]> registers;
  // By group: what it ran last in this frame.
  std::vector<std::shared_ptr<GroupEntry>> groups;
};

// Immutable once built, but for the pool of frames and the groups' caches.
class Plan {
 public:
  Plan();
  ~Plan();
  const Function* function = nullptr;
  std::vector<Instruction> code;
  std::vector<uint32_t> operands;
  std::vector<uint32_t> drops;
  std::vector<KernelSite> kernels;
  std::vector<CallSite> calls;
  std::vector<std::unique_ptr<GroupSite>> groups;
  // What the partitioner said of the nodes that stayed with kernels.
  std::vector<PartitionReport::Refusal> refusals;
  // Bodies of forks, which calls point to.
  std::vector<std::shared_ptr<Function>> forked;
  std::vector<std::string> names;
  std::vector<TypePtr> types;
  std::vector<std::vector<TypePtr>> type_lists;
  std::vector<Site> sites;  // [0] is "unknown"
  std::vector<RegisterKind> registers;
  // Filled when a frame is made, never changed.
  std::vector<std::pair<uint32_t, IValue>> constants;
  // Registers to empty when a call ends.
  std::vector<uint32_t> references;
  // Registers whose values the module holds for the time of the call: threads
  // that call one module do not write to its counts.
  std::vector<uint32_t> borrowed;
  std::vector<uint32_t> inputs;
  uint32_t num_outputs = 0;
  // May draw random numbers: then it stays on the thread of its generator.
  bool may_draw = false;

  std::unique_ptr<Frame> TakeFrame() const;
  void GiveFrame(std::unique_ptr<Frame> frame) const;

 private:
  static constexpr size_t kMaxFrames = 16;
  mutable absl::Mutex mutex_;
  mutable std::vector<std::unique_ptr<Frame>> frames_ ABSL_GUARDED_BY(mutex_);
};

// The plan as text: `tandem show --plan`.
std::string PlanToString(const Plan& plan);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_PLAN_H_
