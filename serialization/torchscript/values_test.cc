// Values out of pickles: torch.save files, and attributes checked against
// types.
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"
#include "tandem/serialization/torchscript/archive.h"
#include "tandem/serialization/torchscript/debug_ranges.h"
#include "tandem/serialization/torchscript/plain_values.h"
#include "tandem/serialization/torchscript/tensor_reader.h"
#include "tandem/serialization/torchscript/test_archive.h"
#include "tandem/serialization/torchscript/value_reader.h"

namespace tandem {
namespace {

using testing::Floats;
using ::testing::HasSubstr;
using testing::MakeZip;
using ::testing::Not;
using testing::ZipPart;
namespace p = testing::pickle;

using Records = std::vector<std::pair<std::string, std::string>>;

std::string Zip(const Records& records) {
  std::vector<ZipPart> parts;
  for (const auto& [name, data] : records) {
    ZipPart part;
    part.name = "m/" + name;
    part.data = data;
    // Storages at addresses that are multiples of 64, as PyTorch writes them.
    const std::string before = MakeZip(parts);
    size_t offset = 0;
    for (const ZipPart& other : parts) {
      offset +=
          30 + other.name.size() + other.extra.size() + other.data.size() + 16;
    }
    const size_t pad = (64 - (offset + 30 + part.name.size() + 4) % 64) % 64;
    part.extra = absl::StrCat("FB", testing::Le16(pad), std::string(pad, 'Z'));
    parts.push_back(std::move(part));
  }
  return MakeZip(parts);
}

absl::StatusOr<IValue> LoadPlain(const std::string& value,
                                 Records records = {}) {
  records.push_back({"data.pkl", p::Whole(value)});
  records.push_back({"version", "3\n"});
  return LoadPlainValues(File::FromBuffer("v.pt", Zip(records)));
}

std::string PlainError(const std::string& value, Records records = {}) {
  return std::string(LoadPlain(value, std::move(records)).status().message());
}

std::string FloatTensor(const std::vector<int64_t>& sizes,
                        const std::vector<int64_t>& strides, int64_t offset = 0,
                        int64_t numel = 6, const std::string& key = "0",
                        const std::string& type = "FloatStorage") {
  return p::Tensor(p::Storage(type, key, numel), offset, sizes, strides);
}

const Records& SixFloats() {
  static const Records* records =
      new Records{{"data/0", Floats({1, 2, 3, 4, 5, 6})}};
  return *records;
}

// ---------------------------------------------------------------- plain values

TEST(PlainValuesTest, ReadsEveryKind) {
  auto v = LoadPlain(p::Dict(
      {{p::Str("n"), p::None()},
       {p::Str("i"), p::Int(-7)},
       {p::Str("f"), p::Float(1.5)},
       {p::Str("b"), p::Bool(true)},
       {p::Str("s"), p::Str("text")},
       {p::Str("c"),
        p::Call("__builtin__", "complex", {p::Float(1), p::Float(-2)})},
       {p::Str("l"), p::List({p::Int(1), p::Int(2)})},
       {p::Str("t"), p::Tuple({p::Int(1), p::Str("x")})},
       {p::Str("d"), p::Call("torch", "device", {p::Str("cpu")})},
       {p::Str("y"), p::Global("torch", "float32")},
       {p::Str("z"), p::Call("torch", "Size", {p::Tuple({p::Int(3)})})}}));
  ASSERT_TRUE(v.ok()) << v.status();
  DictObject& dict = v->AsDict();
  EXPECT_TRUE(dict.Find("n")->is_none());
  EXPECT_EQ(dict.Find("i")->AsInt(), -7);
  EXPECT_EQ(dict.Find("f")->AsDouble(), 1.5);
  EXPECT_TRUE(dict.Find("b")->AsBool());
  EXPECT_EQ(dict.Find("s")->AsString(), "text");
  EXPECT_EQ(dict.Find("c")->AsComplex(), std::complex<double>(1, -2));
  EXPECT_EQ(dict.Find("l")->AsList().values.size(), 2u);
  EXPECT_EQ(dict.Find("l")->TypeOf()->ToAnnotation(), "List[int]");
  EXPECT_EQ(dict.Find("t")->AsTuple().values[1].AsString(), "x");
  EXPECT_TRUE(dict.Find("d")->is_device());
  EXPECT_EQ(dict.Find("y")->AsInt(), 6);
  EXPECT_EQ(dict.Find("z")->AsTuple().values[0].AsInt(), 3);
}

TEST(PlainValuesTest, ListsGetTheTypeThatElementsShare) {
  const auto type = [](const std::string& list) {
    auto v = LoadPlain(list);
    return v.ok() ? v->TypeOf()->ToAnnotation() : v.status().ToString();
  };
  EXPECT_EQ(type(p::List({p::Int(1), p::None()})), "List[Optional[int]]");
  EXPECT_EQ(type(p::List({p::Int(1), p::Str("a")})), "List[Any]");
  EXPECT_EQ(type("]"), "List[Any]");
  EXPECT_EQ(type(p::List({p::Tuple({p::Int(1)}), p::Tuple({p::Int(2)})})),
            "List[Tuple[int]]");
  EXPECT_EQ(type(p::Dict({{p::Str("a"), p::List({p::Float(1)})}})),
            "Dict[str, List[float]]");
}

TEST(PlainValuesTest, TensorsLieInTheFileAndShareStorages) {
  auto v = LoadPlain(
      p::Tuple({FloatTensor({2, 3}, {3, 1}), FloatTensor({3}, {2}, 1)}),
      SixFloats());
  ASSERT_TRUE(v.ok()) << v.status();
  const Tensor& a = v->AsTuple().values[0].AsTensor();
  const Tensor& b = v->AsTuple().values[1].AsTensor();
  EXPECT_EQ(a.sizes(), DimSpan({2, 3}));
  EXPECT_EQ(a.dtype(), DType::kFloat);
  EXPECT_EQ(a.data<float>()[5], 6);
  EXPECT_EQ(b.data<float>()[2], 4);
  EXPECT_EQ(a.storage(), b.storage());
}

TEST(PlainValuesTest, IdentityIsKept) {
  auto v = LoadPlain(absl::StrCat("(", p::List({p::Int(1)}), "q\1h\1",
                                  FloatTensor({6}, {1}), "q\2h\2t"),
                     SixFloats());
  ASSERT_TRUE(v.ok()) << v.status();
  const std::vector<IValue>& items = v->AsTuple().values;
  EXPECT_TRUE(items[0].Is(items[1]));
  EXPECT_TRUE(items[2].AsTensor().is_same(items[3].AsTensor()));
}

TEST(PlainValuesTest, RefusesPythonObjects) {
  EXPECT_THAT(PlainError(p::Global("os", "system")),
              HasSubstr("v.pt: record \"m/data.pkl\", byte 2: opcode GLOBAL: "
                        "unknown global 'os.system'"));
  EXPECT_THAT(PlainError(p::Object("torch.nn.Linear", p::Dict({}))),
              HasSubstr("torch.nn.Linear"));
  EXPECT_THAT(PlainError(p::Str("\xff")), HasSubstr("not UTF-8"));
}

// ---------------------------------------------------------------- tensors

TEST(TensorReaderTest, ViewsAreCheckedAgainstTheirStorage) {
  const auto error = [](const std::string& tensor) {
    return PlainError(tensor, SixFloats());
  };
  EXPECT_THAT(error(FloatTensor({6}, {1}, 1)), HasSubstr("storage offset 1"));
  EXPECT_THAT(error(FloatTensor({6}, {1}, -1)), HasSubstr("offset -1"));
  EXPECT_THAT(error(FloatTensor({-2}, {1})), HasSubstr("negative size"));
  EXPECT_THAT(error(FloatTensor({2}, {-1})), HasSubstr("negative stride"));
  EXPECT_THAT(error(FloatTensor({2, 3}, {1})),
              HasSubstr("2 sizes and 1 strides"));
  EXPECT_THAT(error(FloatTensor({int64_t{1} << 32, int64_t{1} << 32}, {1, 1})),
              HasSubstr("overflow"));
  EXPECT_THAT(error(FloatTensor({5, 1}, {int64_t{1} << 62, 1})),
              HasSubstr("overflow"));
  EXPECT_THAT(error(FloatTensor({6}, {1}, 0, 7)),
              HasSubstr("storage data/0 is said to have 28 bytes, its record "
                        "\"m/data/0\" has 24"));
  EXPECT_THAT(error(FloatTensor({6}, {1}, 0, int64_t{1} << 62)),
              HasSubstr("too many"));
  EXPECT_THAT(error(FloatTensor({6}, {1}, 0, 6, "9")),
              HasSubstr("no record \"m/data/9\""));
  EXPECT_THAT(error(FloatTensor({6}, {1}, 0, 6, "../data.pkl")),
              HasSubstr("key is \"../data.pkl\""));
  EXPECT_THAT(error(FloatTensor({6}, {1}, 0, 6, "0", "NopeStorage")),
              HasSubstr("torch.NopeStorage"));
  // No element, or one many times: nothing is out of bounds.
  EXPECT_EQ(error(FloatTensor({0, 5}, {5, 1})), "");
  EXPECT_EQ(error(FloatTensor({int64_t{1} << 40}, {0})), "");
  // A view may be wide of its record by dtype only in whole elements.
  EXPECT_THAT(error(FloatTensor({6}, {1}, 0, 6, "0", "DoubleStorage")),
              HasSubstr("48 bytes"));
}

TEST(TensorReaderTest, MetaTensorsHaveNoRecord) {
  auto v = LoadPlain(p::Tensor(p::Storage("FloatStorage", "0", 15, "meta"), 0,
                               {3, 5}, {5, 1}));
  ASSERT_TRUE(v.ok()) << v.status();
  EXPECT_TRUE(v->AsTensor().is_meta());
}

std::string Quantized(const std::string& quantizer) {
  return p::Call(
      "torch._utils", "_rebuild_qtensor",
      {p::Storage("QUInt8Storage", "1", 3), p::Int(0), p::Tuple({p::Int(3)}),
       p::Tuple({p::Int(1)}), quantizer, p::Bool(false), p::None()});
}

TEST(TensorReaderTest, QuantizedTensors) {
  Records records = SixFloats();
  records.push_back({"data/1", "abc"});
  records.push_back({"data/2", Floats({0.5, 0.25, 0.125})});
  const auto read = [&](const std::string& quantizer) {
    return LoadPlain(Quantized(quantizer), records);
  };
  auto v = read(p::Tuple(
      {p::Global("torch", "per_tensor_affine"), p::Float(0.5), p::Int(2)}));
  ASSERT_TRUE(v.ok()) << v.status();
  EXPECT_EQ(v->AsTensor().impl()->quantizer->scale, 0.5);
  EXPECT_EQ(v->AsTensor().impl()->quantizer->zero_point, 2);
  const std::string scales =
      p::Tensor(p::Storage("FloatStorage", "2", 3), 0, {3}, {1});
  v = read(p::Tuple(
      {p::Global("torch", "per_channel_affine"), scales, scales, p::Int(0)}));
  ASSERT_TRUE(v.ok()) << v.status();
  EXPECT_EQ(v->AsTensor().impl()->quantizer->scales.data<double>()[1], 0.25);
  const auto error = [&](const std::string& quantizer) {
    return std::string(read(quantizer).status().message());
  };
  EXPECT_THAT(error(p::Tuple({p::Global("torch", "per_tensor_affine"),
                              p::Float(0.5), p::Int(256)})),
              HasSubstr("zero point is 256"));
  EXPECT_THAT(error(p::Tuple({p::Global("torch", "per_channel_affine"), scales,
                              scales, p::Int(1)})),
              HasSubstr("axis of quantization is 1"));
  EXPECT_THAT(error(p::None()), HasSubstr("quantizer is None"));
}

TEST(TensorReaderTest, SparseIndicesAreChecked) {
  Records records = SixFloats();
  std::string indices;
  for (int64_t i : {0, 1, 2, 0}) absl::StrAppend(&indices, testing::Le64(i));
  records.push_back({"data/1", indices});
  const auto read = [&](int64_t rows) {
    return LoadPlain(
        p::Call(
            "torch._utils", "_rebuild_sparse_tensor",
            {p::Int(1), p::Tuple({p::Int(rows), p::Int(3)}), p::Bool(false),
             p::Tensor(p::Storage("LongStorage", "1", 4), 0, {2, 2}, {2, 1}),
             FloatTensor({2}, {1}), p::None()}),
        records);
  };
  auto v = read(2);
  ASSERT_TRUE(v.ok()) << v.status();
  EXPECT_EQ(v->AsTensor().impl()->layout, Layout::kSparse);
  EXPECT_THAT(std::string(read(1).status().message()),
              HasSubstr("out of range for dimension 0"));
}

// ---------------------------------------------------------------- formats

std::string OpenError(const std::string& bytes) {
  return std::string(
      Archive::Open(File::FromBuffer("f.bin", bytes)).status().message());
}

TEST(FileFormatTest, SaysWhatAFileIs) {
  EXPECT_THAT(OpenError(""), HasSubstr("f.bin: is empty"));
  EXPECT_THAT(OpenError("def forward(self):\n  pass\n"),
              HasSubstr("is a text file"));
  EXPECT_THAT(OpenError("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19."),
              HasSubstr("before PyTorch 1.6"));
  EXPECT_THAT(OpenError("PYTORCH1...."), HasSubstr("preview release"));
  EXPECT_THAT(OpenError(std::string("\x18\0\0\0PTMF\0\0", 10)),
              HasSubstr("lite interpreter"));
  EXPECT_THAT(OpenError(testing::Le64(2) + "{}"), HasSubstr("safetensors"));
  EXPECT_THAT(OpenError("\x80\x04K\x01."), HasSubstr("bare pickle"));
  EXPECT_THAT(OpenError(std::string("\x08\x07\x12\x07pytorch", 11)),
              HasSubstr("ONNX"));
  EXPECT_THAT(OpenError(Zip({{"model.json", "{}"}})),
              HasSubstr("before PyTorch 1.4"));
  EXPECT_THAT(OpenError(Zip({{".data/extern_modules", ""}})),
              HasSubstr("torch.package"));
  EXPECT_THAT(OpenError(Zip({{"archive_format", "pt2"}})),
              HasSubstr("torch.export"));
  EXPECT_THAT(OpenError(Zip({{"readme", ""}})),
              HasSubstr("no record \"m/data.pkl\""));
  EXPECT_THAT(OpenError(MakeZip({})), HasSubstr("does not contain any files"));
  ZipPart bare;
  bare.name = "data.pkl";
  EXPECT_THAT(OpenError(MakeZip({bare})), HasSubstr("must lie in a folder"));
}

TEST(ArchiveTest, VersionIsADecimalNumber) {
  const auto version = [](const std::string& text) {
    auto archive = Archive::Open(
        File::FromBuffer("f", Zip({{"data.pkl", ""}, {"version", text}})));
    auto read = (*archive)->Version();
    return read.ok() ? absl::StrCat(*read)
                     : std::string(read.status().message());
  };
  EXPECT_EQ(version("3\n"), "3");
  EXPECT_EQ(version(" 10 \r\n"), "10");
  for (const char* wrong :
       {"", "-1", "abc", "3.5", "0x3", "3abc", "+3", "99999999999999999999999",
        "18446744073709551619"}) {
    EXPECT_THAT(version(wrong), HasSubstr("not a number")) << wrong;
  }
  EXPECT_THAT(version(std::string("3\0", 2)), HasSubstr("not a number"));
  EXPECT_THAT(version("0"), HasSubstr("minimum supported version"));
  EXPECT_THAT(version("11"), HasSubstr("maximum supported version"));
  EXPECT_THAT(version(std::string(100000, '9')), HasSubstr("takes 100000"));
}

// ---------------------------------------------------------------- typed values

// A program of a few classes, made by hand.
class FakeTypes : public TypeSource {
 public:
  FakeTypes() {
    ClassType* part = unit.AddClass("__torch__.Part", true);
    Add(part, "x", Type::Int());
    Add(part, "maybe", Type::Optional(Type::Int()));
  }
  static void Add(ClassType* to, const std::string& name, TypePtr type) {
    ClassType::Attribute attribute;
    attribute.name = name;
    attribute.type = std::move(type);
    ASSERT_TRUE(to->AddAttribute(std::move(attribute)).ok());
  }
  absl::StatusOr<TypePtr> FindType(absl::string_view name) override {
    TypePtr type = unit.FindType(name);
    if (type == nullptr) return absl::NotFoundError("no source defines it");
    return type;
  }
  absl::StatusOr<TypePtr> ParseType(absl::string_view text) override {
    const std::map<std::string, TypePtr> known = {
        {"List[int]", Type::List(Type::Int())},
        {"List[str]", Type::List(Type::Str())},
        {"Dict[str, int]", Type::Dict(Type::Str(), Type::Int())}};
    const auto it = known.find(std::string(text));
    if (it == known.end()) return absl::InvalidArgumentError("unknown");
    return it->second;
  }
  absl::Status SetState(const Ref<ModuleObject>&, Function&, IValue) override {
    return absl::UnimplementedError("not here");
  }
  CompilationUnit unit;
};

std::string Show(const IValue& v) {
  std::string out;
  if (v.is_string()) return absl::StrCat("'", v.AsString(), "'");
  if (v.is_int()) return absl::StrCat(v.AsInt());
  if (v.is_none()) return "None";
  if (v.is_object()) return "object";
  if (v.is_list() || v.is_tuple()) {
    for (const IValue& item :
         v.is_list() ? v.AsList().values : v.AsTuple().values) {
      absl::StrAppend(&out, Show(item), ",");
    }
    return v.is_list() ? absl::StrCat("[", out, "]")
                       : absl::StrCat("(", out, ")");
  }
  if (v.is_dict()) {
    v.AsDict().ForEach([&](const IValue& key, const IValue& value) {
      absl::StrAppend(&out, Show(key), ":", Show(value), ",");
    });
    return absl::StrCat("{", out, "}");
  }
  return "?";
}

// The value read as `type`, shown; or the error.
std::string ReadAs(const std::string& value, const TypePtr& type,
                   FakeTypes* types = nullptr) {
  FakeTypes own;
  if (types == nullptr) types = &own;
  const std::string bytes = p::Whole(value);
  auto archive = Archive::Open(File::FromBuffer(
      "m.pt",
      Zip({{"data.pkl", bytes}, {"data/0", Floats({1, 2, 3, 4, 5, 6})}})));
  auto record = (*archive)->Read("data.pkl");
  auto pickle = Pickle::Parse((*archive)->Where("data.pkl"), record->bytes(),
                              ValueReader::IsKnownGlobal);
  if (!pickle.ok()) return std::string(pickle.status().message());
  StorageTable storages(**archive, "data/");
  auto read = ValueReader(*pickle, storages, *types).Read(pickle->root(), type);
  if (!read.ok()) return std::string(read.status().message());
  EXPECT_TRUE(read->Conforms(*type)) << read->TypeOf()->ToAnnotation();
  return Show(*read);
}

std::string Tagged(const std::string& value, const std::string& tag) {
  return p::Call("torch.jit._pickle", "restore_type_tag", {value, p::Str(tag)});
}

TEST(ValueReaderTest, ValuesOfTheDeclaredType) {
  EXPECT_EQ(ReadAs(p::Int(5), Type::Int()), "5");
  EXPECT_EQ(ReadAs(p::None(), Type::Optional(Type::Int())), "None");
  EXPECT_EQ(ReadAs(p::Int(5), Type::Optional(Type::Int())), "5");
  EXPECT_EQ(ReadAs(p::Str("a"), Type::Union({Type::Int(), Type::Str()})),
            "'a'");
  EXPECT_EQ(ReadAs(p::Call("torch.jit._pickle", "build_intlist",
                           {p::List({p::Int(1)})}),
                   Type::List(Type::Int())),
            "[1,]");
  EXPECT_EQ(ReadAs(Tagged(p::List({p::Str("a")}), "List[str]"),
                   Type::List(Type::Str())),
            "['a',]");
  EXPECT_EQ(ReadAs(Tagged("]", "List[int]"), Type::Any()), "[]");
  // Before version 3 containers had no tags.
  EXPECT_EQ(ReadAs(p::Dict({{p::Str("a"), p::Int(1)}}),
                   Type::Dict(Type::Str(), Type::Int())),
            "{'a':1,}");
  EXPECT_EQ(ReadAs(p::Tuple({p::Int(1), p::Str("x")}),
                   Type::Tuple({Type::Int(), Type::Str()})),
            "(1,'x',)");
}

TEST(ValueReaderTest, OtherValuesAreRefused) {
  EXPECT_EQ(ReadAs(p::Int(5), Type::Tensor()),
            "m.pt: record \"m/data.pkl\", byte 2: the program declares the "
            "type Tensor, the archive holds the int 5");
  EXPECT_THAT(ReadAs(p::None(), Type::Tensor()), HasSubstr("holds None"));
  EXPECT_THAT(ReadAs(p::Bool(true), Type::Int()), HasSubstr("a bool"));
  EXPECT_THAT(ReadAs(p::Int(1), Type::Float()), HasSubstr("float"));
  EXPECT_THAT(ReadAs(FloatTensor({6}, {1}), Type::Int()),
              HasSubstr("a tensor"));
  EXPECT_THAT(
      ReadAs(p::Tuple({p::Int(1)}), Type::Tuple({Type::Int(), Type::Int()})),
      HasSubstr("tuple of 1"));
  EXPECT_THAT(ReadAs(Tagged(p::List({p::Str("a")}), "List[str]"),
                     Type::List(Type::Int())),
              HasSubstr("holds a List[str]"));
  EXPECT_THAT(ReadAs(Tagged(p::List({p::Str("a")}), "List[int]"),
                     Type::List(Type::Int())),
              HasSubstr("holds the text \"a\""));
  EXPECT_THAT(ReadAs(Tagged(p::Int(1), "List[int]"), Type::Any()),
              HasSubstr("type tag stands on an int"));
  EXPECT_THAT(ReadAs(Tagged("]", "List["), Type::Any()),
              HasSubstr("\"List[\" is not a type"));
  EXPECT_THAT(ReadAs(Tagged("]", std::string(100000, '[')), Type::Any()),
              HasSubstr("nested too deeply"));
  EXPECT_THAT(ReadAs(p::Call("torch", "device", {p::Str("toaster:99")}),
                     Type::Device()),
              HasSubstr("toaster"));
  EXPECT_THAT(ReadAs(p::Call("os", "system", {p::Str("x")}), Type::Any()),
              HasSubstr("unknown global 'os.system'"));
}

TEST(ValueReaderTest, Objects) {
  FakeTypes types;
  const TypePtr part = types.unit.FindType("__torch__.Part");
  const auto read = [&](const std::string& state) {
    return ReadAs(p::Object("__torch__.Part", state), part, &types);
  };
  EXPECT_EQ(read(p::Dict({{p::Str("x"), p::Int(1)}})), "object");
  EXPECT_THAT(read(p::Dict({})), HasSubstr("no value for its attribute \"x\""));
  EXPECT_THAT(read(p::Dict({{p::Str("x"), p::Str("y")}})),
              HasSubstr("attribute \"x\": the program declares the type int"));
  EXPECT_THAT(
      read(p::Dict({{p::Str("x"), p::Int(1)}, {p::Str("z"), p::None()}})),
      HasSubstr("declares no attribute \"z\""));
  EXPECT_THAT(
      read(p::Dict({{p::Str("x"), p::Int(1)}, {p::Str("x"), p::Int(2)}})),
      HasSubstr("given twice"));
  EXPECT_THAT(read(p::Int(1)), HasSubstr("a dict is expected"));
  EXPECT_THAT(ReadAs(p::Object("__torch__.Nope", p::Dict({})), part, &types),
              HasSubstr("'__torch__.Nope': no source defines it"));
  EXPECT_THAT(ReadAs(p::Object("__torch__./etc.X", p::Dict({})), part, &types),
              HasSubstr("not the name of a class"));
  EXPECT_THAT(ReadAs("c__torch__\nPart\n)\x81", part, &types),
              HasSubstr("never gets its attributes"));
}

// ---------------------------------------------------------------- debug ranges

TEST(DebugRangesTest, BothForms) {
  const auto read = [](const std::string& value) {
    static std::string* kept = new std::string[8];
    static int n = 0;
    std::string& bytes = kept[n++];
    bytes = p::Whole(value);
    return ReadDebugRanges(
        "m.pt: record \"d\"",
        absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(bytes.data()),
                            bytes.size()),
        PickleLimits());
  };
  auto table = read(p::Tuple(
      {p::Str("FORMAT_WITH_STRING_TABLE"),
       p::Tuple({p::Str("m.py"), p::Str("a = 1\n"), p::Str("b = 2\n")}),
       p::Tuple({p::Tuple(
           {p::Int(10),
            p::Tuple({p::Tuple({p::Call("torch.jit._pickle", "build_intlist",
                                        {p::List({p::Int(1), p::Int(2)})}),
                                p::Int(0), p::Int(7)}),
                      p::Int(6), p::Int(7)}),
            p::Int(0)})})}));
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->size(), 1u);
  EXPECT_EQ((*table)[0].offset, 10u);
  EXPECT_EQ((*table)[0].original.text(), "b");
  EXPECT_EQ((*table)[0].original.file_line_column()->file, "m.py");
  EXPECT_EQ((*table)[0].original.file_line_column()->line, 8);
  auto older = read(p::Tuple(
      {p::Tuple({p::Int(3), p::Int(0),
                 p::Tuple({p::Tuple({p::Str("x + y"), p::None(), p::Int(0)}),
                           p::Int(0), p::Int(99)})})}));
  ASSERT_TRUE(older.ok()) << older.status();
  EXPECT_EQ((*older)[0].original.text(), "x + y");
  EXPECT_FALSE(read(p::Tuple({p::Int(1)})).ok());
}

}  // namespace
}  // namespace tandem
