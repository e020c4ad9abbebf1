// The opcodes of pickles.
#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_OPCODE_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_OPCODE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace tandem::pickle_op {

// Those that are read: of PyTorch's C++ writer and of Python's protocol 2.
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
absl::string_view NameOf(uint8_t opcode);

}  // namespace tandem::pickle_op

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_OPCODE_H_
