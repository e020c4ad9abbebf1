// Operators on numbers, strings, lists and dicts against PyTorch's recordings.
#include <cmath>
#include <complex>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tandem/backends/reference/families.h"
#include "tandem/ir/schema.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/print.h"

namespace tandem::reference {
namespace {

// The form of testdata/value_cases.py.
std::string Show(const IValue& v) {
  const auto show_all = [](const std::vector<IValue>& values) {
    return absl::StrJoin(values, "", [](std::string* out, const IValue& e) {
      absl::StrAppend(out, " ", Show(e));
    });
  };
  const auto number = [](double d) {
    if (std::isnan(d)) return std::string("nan");
    std::string s = ShortestDouble(d);
    if (s.find_first_of(".einf") == std::string::npos) s += ".0";
    return s;
  };
  switch (v.tag()) {
    case IValue::Tag::kNone:
      return "N";
    case IValue::Tag::kBool:
      return v.AsBool() ? "T" : "F";
    case IValue::Tag::kInt:
      return absl::StrCat("i", v.AsInt());
    case IValue::Tag::kDouble:
      return "f" + number(v.AsDouble());
    case IValue::Tag::kComplex:
      return absl::StrCat("c", number(v.AsComplex().real()), ",",
                          number(v.AsComplex().imag()));
    case IValue::Tag::kString: {
      std::string s = "s\"";
      for (unsigned char c : v.AsString()) {
        if (c == '"' || c == '\\' || c < 32 || c > 126) {
          const char* digits = "0123456789abcdef";
          absl::StrAppend(&s, "\\x", std::string(1, digits[c / 16]),
                          std::string(1, digits[c % 16]));
        } else {
          s.push_back(c);
        }
      }
      return s + "\"";
    }
    case IValue::Tag::kDevice:
      return "d" + v.AsDevice().ToString();
    case IValue::Tag::kTensor: {
      const std::string item = Show(IValue(*v.AsTensor().Item()));
      return absl::StrCat("t:", PythonName(v.AsTensor().dtype()), ":",
                          item == "T"   ? "1"
                          : item == "F" ? "0"
                                        : item.substr(1));
    }
    case IValue::Tag::kList: {
      std::string type = v.AsList().element_type->ToString();
      return absl::StrCat("[", absl::StrJoin(absl::StrSplit(type, ' '), ""),
                          show_all(v.AsList().values), "]");
    }
    case IValue::Tag::kTuple: {
      const std::string all = show_all(v.AsTuple().values);
      return absl::StrCat("(", all.empty() ? "" : all.substr(1), ")");
    }
    case IValue::Tag::kDict: {
      std::string s = absl::StrCat("{", v.AsDict().key_type->ToString(), ",",
                                   v.AsDict().value_type->ToString());
      v.AsDict().ForEach([&](const IValue& k, const IValue& e) {
        absl::StrAppend(&s, " ", Show(k), " ", Show(e));
      });
      return s + "}";
    }
    default:
      return v.ToString();
  }
}

TypePtr ParseType(absl::string_view text) {
  return ParseSchema(absl::StrCat("x::x(", text, " a) -> ()"))
      ->arguments[0]
      .type;
}

class Reader {
 public:
  explicit Reader(absl::string_view s) : s_(s) {}
  bool AtEnd() {
    while (!s_.empty() && s_[0] == ' ') s_.remove_prefix(1);
    return s_.empty();
  }
  IValue Read() {
    AtEnd();
    const char kind = s_[0];
    s_.remove_prefix(1);
    switch (kind) {
      case 'N':
        return IValue();
      case 'T':
        return IValue(true);
      case 'F':
        return IValue(false);
      case 'i':
        return ReadInt(Word());
      case 'f':
        return ReadFloat(Word());
      case 'c': {
        const std::vector<std::string> parts = absl::StrSplit(Word(), ',');
        return std::complex<double>(ReadFloat(parts[0]), ReadFloat(parts[1]));
      }
      case 's':
        return ReadString();
      case 'd':
        return IValue(*ParseDevice(Word()));
      case 't': {
        const std::vector<std::string> parts = absl::StrSplit(Word(), ':');
        const DType dtype = *DTypeFromPythonName(parts[1]);
        const Scalar value = IsIntegral(dtype, true)
                                 ? Scalar(ReadInt(parts[2]))
                                 : Scalar(ReadFloat(parts[2]));
        return IValue(*Tensor::FromScalar(value, dtype));
      }
      case '[': {
        const std::string type = Word();
        return MakeList(ParseType(type), ReadUntil(']'));
      }
      case '(':
        return MakeTuple(ReadUntil(')'));
      default: {  // {
        const std::vector<std::string> types = absl::StrSplit(Word(), ',');
        const Ref<DictObject> dict =
            MakeDict(ParseType(types[0]), ParseType(types[1]));
        const std::vector<IValue> items = ReadUntil('}');
        for (size_t i = 0; i < items.size(); i += 2) {
          dict->Set(items[i], items[i + 1]);
        }
        return dict;
      }
    }
  }

 private:
  static int64_t ReadInt(absl::string_view s) {
    int64_t i = 0;
    EXPECT_TRUE(absl::SimpleAtoi(s, &i)) << s;
    return i;
  }
  static double ReadFloat(absl::string_view s) {
    double d = 0;
    EXPECT_TRUE(absl::SimpleAtod(s, &d)) << s;
    return d;
  }
  std::string Word() {
    int depth = 0;  // types such as (int,str)
    size_t n = 0;
    for (; n < s_.size(); ++n) {
      if (s_[n] == '(') ++depth;
      if (depth == 0 &&
          absl::string_view(" ])}").find(s_[n]) != absl::string_view::npos) {
        break;
      }
      if (s_[n] == ')') --depth;
    }
    // "int[]" keeps its brackets.
    const std::string word(s_.substr(0, n));
    s_.remove_prefix(n);
    return word;
  }
  IValue ReadString() {
    std::string text;
    size_t i = 1;
    for (; s_[i] != '"'; ++i) {
      if (s_[i] == '\\') {
        int value = 0;
        for (char c : s_.substr(i + 2, 2)) {
          value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
        }
        text.push_back(static_cast<char>(value));
        i += 3;
      } else {
        text.push_back(s_[i]);
      }
    }
    s_.remove_prefix(i + 1);
    return IValue(std::move(text));
  }
  std::vector<IValue> ReadUntil(char end) {
    std::vector<IValue> values;
    while (!AtEnd() && s_[0] != end) values.push_back(Read());
    s_.remove_prefix(1);
    return values;
  }
  absl::string_view s_;
};

class ValueTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(RegisterScalar(registry_).ToString(), "OK");
    ASSERT_EQ(RegisterString(registry_).ToString(), "OK");
    ASSERT_EQ(RegisterList(registry_).ToString(), "OK");
    ASSERT_EQ(RegisterDict(registry_).ToString(), "OK");
    ASSERT_EQ(RegisterPrim(registry_).ToString(), "OK");
  }

  // The results as recorded ("i5 T"), or E and the error's text. `registers`
  // holds the arguments first.
  std::string Run(absl::string_view op, std::vector<IValue>* registers) {
    const std::pair<std::string, std::string> name =
        absl::StrSplit(op, absl::MaxSplits('.', 1));
    const Operator* row = registry_.operators().Find(name.first, name.second);
    if (row == nullptr) return "no such operator";
    const std::vector<std::string> backends = {"reference"};
    const KernelEntry* kernel = registry_.Find(*row, backends);
    if (kernel == nullptr) return "no kernel";
    std::vector<uint32_t> inputs, outputs;
    for (uint32_t i = 0; i < registers->size(); ++i) inputs.push_back(i);
    for (size_t i = 0; i < row->schema.returns.size(); ++i) {
      outputs.push_back(registers->size());
      registers->emplace_back();
    }
    const absl::Status status =
        kernel->kernel({registers->data(), inputs.data(), outputs.data(),
                        static_cast<uint32_t>(inputs.size()),
                        static_cast<uint32_t>(outputs.size())});
    if (!status.ok()) {
      return "E" + Show(IValue(std::string(status.message()))).substr(1);
    }
    return absl::StrJoin(outputs, " ", [&](std::string* out, uint32_t r) {
      out->append(Show((*registers)[r]));
    });
  }

  std::string Call(absl::string_view op, std::vector<IValue> arguments) {
    return Run(op, &arguments);
  }

  Registry registry_;
};

TEST_F(ValueTest, DoesAsRecorded) {
  std::ifstream file("backends/reference/testdata/value_cases.txt");
  std::string line;
  int count = 0;
  while (std::getline(file, line)) {
    if (line[0] == '#') continue;
    ++count;
    const std::vector<std::string> parts = absl::StrSplit(line, '\t');
    std::vector<IValue> registers;
    Reader arguments(parts[1]);
    while (!arguments.AtEnd()) registers.push_back(arguments.Read());
    EXPECT_EQ(Run(parts[0], &registers), parts[2]) << line;
    if (!parts[3].empty()) {
      EXPECT_EQ(Show(registers[0]), parts[3]) << line;
    }
  }
  EXPECT_GT(count, 4000);
}

TEST_F(ValueTest, GivesErrorsWherePyTorchCrashesOrNeverReturns) {
  EXPECT_EQ(Call("aten::remainder.int", {5, 0}),
            "E\"integer division or modulo by zero\"");
  EXPECT_EQ(Call("aten::remainder.int", {INT64_MIN, -1}), "i0");
  EXPECT_EQ(Call("aten::floordiv.int", {INT64_MIN, -1}),
            "E\"integer overflow in division\"");
  EXPECT_EQ(Call("aten::__round_to_zero_floordiv.int", {1, 0}),
            "E\"division by 0\"");
  EXPECT_EQ(Call("aten::count", {"abc", "", 0, -1}), "i4");
  EXPECT_EQ(Call("aten::replace", {"abc", "", "-", -1}), "s\"-a-b-c-\"");
  EXPECT_EQ(Call("aten::rsplit", {"abc", "", -1}),
            "E\"ValueError: empty separator\"");
  EXPECT_EQ(Call("aten::center", {"abc", -5, " "}), "s\"abc\"");
  EXPECT_EQ(Call("aten::factorial.int", {70}), "i0");
}

TEST_F(ValueTest, RefusesValuesOutOfProportion) {
  MemoryBudget budget(int64_t{16} << 20);
  CallContext context;
  context.memory = &budget;
  const ScopedContext scope(context);
  const int64_t much = int64_t{1} << 60;
  for (const std::string& result :
       {Call("aten::ljust", {"a", much, " "}),
        Call("aten::mul.left_t", {MakeList(Type::Int(), {1, 2}), much}),
        Call("prim::rangelist", {much}), Call("aten::expandtabs", {"\t", much}),
        Call("aten::rjust", {"a", int64_t{100} << 20, " "})}) {
    EXPECT_EQ(result.substr(0, 27), "E\"no memory for a value of ");
  }
}

TEST_F(ValueTest, ExtendsAListByItself) {
  const IValue list = MakeList(Type::Int(), {1, 2});
  EXPECT_EQ(Call("aten::extend.t", {list, list}), "");
  EXPECT_EQ(Show(list), "[int i1 i2 i1 i2]");
}

TEST_F(ValueTest, WarnsThroughTheContext) {
  struct Sink : OutputSink {
    void Write(absl::string_view s) override { absl::StrAppend(&text, s); }
    std::string text;
  } sink;
  CallContext context;
  context.warnings = &sink;
  const ScopedContext scope(context);
  Call("aten::warn", {"careful", 2});
  EXPECT_EQ(sink.text, "UserWarning: careful\n");
}

TEST_F(ValueTest, KnowsItsSwitches) {
  EXPECT_EQ(Call("aten::is_scripting", {}), "T");
  EXPECT_EQ(Call("aten::is_grad_enabled", {}), "F");
  Call("aten::set_grad_enabled", {true});
  EXPECT_EQ(Call("aten::is_grad_enabled", {}), "T");
  Call("aten::set_grad_enabled", {false});
}

}  // namespace
}  // namespace tandem::reference
