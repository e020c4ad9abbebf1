// Each opcode of a pickle.
#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/pickle_machine.h"
#include "tandem/serialization/torchscript/pickle_opcode.h"

namespace tandem {

absl::Status PickleMachine::Step(uint8_t opcode) {
  const uint8_t* p = nullptr;
  size_t begin = 0;
  absl::Status status;
  switch (opcode) {
    case pickle_op::kProto:
      if ((p = Take(1)) == nullptr) return Cut(opcode);
      if (*p != 2) {
        return Refuse(opcode, absl::StrCat("pickle protocol ", *p,
                                           "; only protocol 2 is read"));
      }
      if (start_ != 0) return Refuse(opcode, "stands within the pickle");
      return absl::OkStatus();
    case pickle_op::kStop:
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
    case pickle_op::kMark:
      if (marks_.size() >= 2 * static_cast<size_t>(limits_.max_depth)) {
        return Refuse(opcode, absl::StrCat("values are nested too deeply (",
                                           marks_.size(), " open MARKs)"));
      }
      marks_.push_back(stack_.size());
      return absl::OkStatus();
    case pickle_op::kNone:
      Push(Kind::kNone);
      return absl::OkStatus();
    case pickle_op::kNewTrue:
    case pickle_op::kNewFalse:
      PushBool(opcode == pickle_op::kNewTrue);
      return absl::OkStatus();
    case pickle_op::kBinInt1:
      if ((p = Take(1)) == nullptr) return Cut(opcode);
      PushInt(*p);
      return absl::OkStatus();
    case pickle_op::kBinInt2:
      if ((p = Take(2)) == nullptr) return Cut(opcode);
      PushInt(static_cast<int64_t>(Number(p, 2)));
      return absl::OkStatus();
    case pickle_op::kBinInt:
      if ((p = Take(4)) == nullptr) return Cut(opcode);
      PushInt(static_cast<int32_t>(static_cast<uint32_t>(Number(p, 4))));
      return absl::OkStatus();
    case pickle_op::kLong1: {
      if ((p = Take(1)) == nullptr) return Cut(opcode);
      const int n = *p;
      if ((p = Take(n)) == nullptr) return Cut(opcode);
      // Two's complement; bytes past the eighth may only repeat the sign.
      uint64_t v = Number(p, std::min(n, 8));
      const bool negative = n > 0 && (p[n - 1] & 0x80) != 0;
      if (negative && n < 8) v |= ~uint64_t{0} << (8 * n);
      bool fits = n <= 8 || ((v >> 63 != 0) == negative);
      for (int i = 8; i < n; ++i) fits = fits && p[i] == (negative ? 0xFF : 0);
      if (!fits) return Refuse(opcode, "the integer needs more than 64 bits");
      PushInt(static_cast<int64_t>(v));
      return absl::OkStatus();
    }
    case pickle_op::kBinFloat: {
      if ((p = Take(8)) == nullptr) return Cut(opcode);
      uint64_t bits = 0;
      for (int i = 0; i < 8; ++i) bits = bits << 8 | p[i];
      double v;
      std::memcpy(&v, &bits, sizeof(v));
      Push(Kind::kFloat).real = v;
      return absl::OkStatus();
    }
    case pickle_op::kBinUnicode: {
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
    case pickle_op::kEmptyTuple:
      return MakeFixed(opcode, Kind::kTuple, stack_.size());
    case pickle_op::kTuple1:
    case pickle_op::kTuple2:
    case pickle_op::kTuple3: {
      const size_t n = opcode - pickle_op::kTuple1 + 1;
      if (!Has(n)) return TooShort(opcode);
      return MakeFixed(opcode, Kind::kTuple, stack_.size() - n);
    }
    case pickle_op::kTuple:
      status = PopMark(opcode, &begin);
      return status.ok() ? MakeFixed(opcode, Kind::kTuple, begin) : status;
    case pickle_op::kEmptyList:
    case pickle_op::kEmptyDict: {
      const Kind kind =
          opcode == pickle_op::kEmptyList ? Kind::kList : Kind::kDict;
      const uint32_t node = NewGrowing(kind);
      Push(kind).node = node;
      return absl::OkStatus();
    }
    case pickle_op::kList:
    case pickle_op::kDict: {
      const Kind kind = opcode == pickle_op::kList ? Kind::kList : Kind::kDict;
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
    case pickle_op::kAppend:
      return Items(opcode, Kind::kList, false);
    case pickle_op::kAppends:
      return Items(opcode, Kind::kList, true);
    case pickle_op::kSetItem:
      return Items(opcode, Kind::kDict, false);
    case pickle_op::kSetItems:
      return Items(opcode, Kind::kDict, true);
    case pickle_op::kBinPut:
    case pickle_op::kLongBinPut:
    case pickle_op::kBinGet:
    case pickle_op::kLongBinGet: {
      const bool put =
          opcode == pickle_op::kBinPut || opcode == pickle_op::kLongBinPut;
      const int n =
          opcode == pickle_op::kBinPut || opcode == pickle_op::kBinGet ? 1 : 4;
      if ((p = Take(n)) == nullptr) return Cut(opcode);
      const auto id = static_cast<uint32_t>(Number(p, n));
      return put ? Put(opcode, id) : Get(opcode, id);
    }
    case pickle_op::kGlobal:
      return Global(opcode);
    case pickle_op::kReduce:
      return Reduce(opcode);
    case pickle_op::kNewObj:
      return NewObject(opcode);
    case pickle_op::kBuild:
      return Build(opcode);
    case pickle_op::kBinPersId:
      if (!Has(1)) return TooShort(opcode);
      return MakeFixed(opcode, Kind::kPersistent, stack_.size() - 1);
    default:
      return pickle_.Error(
          start_, absl::StrCat("opcode 0x", absl::Hex(opcode, absl::kZeroPad2),
                               " (", pickle_op::NameOf(opcode),
                               ") is not among those that such a file may "
                               "hold"));
  }
}

}  // namespace tandem
