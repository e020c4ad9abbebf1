// The zip container, its checksums, and the pickle machine.
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/serialization/files/file.h"
#include "tandem/serialization/torchscript/crc32.h"
#include "tandem/serialization/torchscript/pickle.h"
#include "tandem/serialization/torchscript/test_archive.h"
#include "tandem/serialization/torchscript/zip_reader.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using testing::Le16;
using testing::Le32;
using testing::Le64;
using testing::MakeZip;
using testing::ZipEnd;
using testing::ZipPart;

// ---------------------------------------------------------------- CRC-32

TEST(Crc32Test, EqualsZlibAtEveryLengthAndAlignment) {
  std::string data(5000, '\0');
  uint32_t x = 1;
  for (char& c : data) {
    x = x * 1664525 + 1013904223;
    c = static_cast<char>(x >> 24);
  }
  for (size_t size = 0; size < 300; ++size) {
    for (size_t at = 0; at < 4; ++at) {
      const auto* p = reinterpret_cast<const Bytef*>(data.data()) + at;
      const auto want = static_cast<uint32_t>(crc32(77, p, size));
      EXPECT_EQ(Crc32(77, p, size), want) << size << " bytes at " << at;
      EXPECT_EQ(Crc32Portable(77, p, size), want) << size << " bytes at " << at;
    }
  }
  EXPECT_EQ(Crc32(0, data.data(), data.size()),
            crc32(0, reinterpret_cast<const Bytef*>(data.data()), data.size()));
  EXPECT_EQ(Crc32(0, "123456789", 9), 0xCBF43926u);
}

// ---------------------------------------------------------------- File

std::string TempPath(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  return absl::StrCat(folder != nullptr ? folder : "/tmp", "/", name);
}

TEST(FileTest, WritingToTheMappingLeavesTheFileAsItWas) {
  const std::string path = TempPath("mapped");
  FILE* f = fopen(path.c_str(), "wb");
  fputs("weights", f);
  fclose(f);
  {
    absl::StatusOr<std::shared_ptr<File>> file = File::Open(path);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ((*file)->size(), 7u);
    (*file)->data()[0] = 'W';
  }
  absl::StatusOr<std::shared_ptr<File>> again = File::Open(path);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->bytes()[0], 'w');
}

TEST(FileTest, RefusesWhatIsNoFile) {
  EXPECT_THAT(std::string(File::Open(TempPath("none")).status().message()),
              HasSubstr("none: cannot open the file"));
  EXPECT_THAT(std::string(File::Open(TempPath("")).status().message()),
              HasSubstr("is a folder"));
  const std::string pipe = TempPath("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  // Nobody writes to it: this must not wait.
  EXPECT_THAT(std::string(File::Open(pipe).status().message()),
              HasSubstr("is a pipe"));
}

// ---------------------------------------------------------------- zip

std::vector<ZipPart> TwoParts() {
  ZipPart stored, packed;
  stored.name = "m/data/0";
  stored.data = "0123456789abcdef";
  packed.name = "m/code/__torch__.py";
  packed.data = std::string(1000, 'x') + "y";
  packed.deflate = true;
  return {stored, packed};
}

// The two parts after a change, read back whole; the first error if any.
std::string ReadAll(const std::string& bytes, const ZipLimits& limits = {}) {
  auto reader = ZipReader::Open(File::FromBuffer("t.pt", bytes), limits);
  if (!reader.ok()) return std::string(reader.status().message());
  std::string all;
  for (const ZipEntry& entry : (*reader)->entries()) {
    auto record = (*reader)->Read(entry);
    if (!record.ok()) return std::string(record.status().message());
    absl::StrAppend(&all, entry.name, "=", record->text().substr(0, 16), ";");
  }
  return all;
}

constexpr char kBoth[] =
    "m/data/0=0123456789abcdef;m/code/__torch__.py=xxxxxxxxxxxxxxxx;";

std::string ReadChanged(const std::function<void(std::vector<ZipPart>&)>& f) {
  std::vector<ZipPart> parts = TwoParts();
  f(parts);
  return ReadAll(MakeZip(parts));
}

TEST(ZipReaderTest, ReadsStoredAndDeflatedRecords) {
  const std::string bytes = MakeZip(TwoParts());
  auto file = File::FromBuffer("t.pt", bytes);
  auto reader = ZipReader::Open(file);
  ASSERT_TRUE(reader.ok()) << reader.status();
  const ZipEntry* stored = (*reader)->Find("m/data/0");
  ASSERT_NE(stored, nullptr);
  auto record = (*reader)->Read(*stored);
  ASSERT_TRUE(record.ok());
  // In place, not copied.
  EXPECT_EQ(record->data, file->data() + stored->data_offset);
  EXPECT_EQ(ReadAll(bytes), kBoth);
  EXPECT_EQ((*reader)->Find("m/data"), nullptr);
}

TEST(ZipReaderTest, TakesTheFormsThatWritersUse) {
  EXPECT_EQ(ReadChanged([](auto& p) { p[0].flags = p[1].flags = 0; }), kBoth);
  EXPECT_EQ(ReadChanged([](auto& p) { p[0].signed_descriptor = false; }),
            kBoth);
  EXPECT_EQ(ReadChanged([](auto& p) {
              p[0].extra = absl::StrCat("FB", Le16(3), "ZZZ");
              p[1].d_extra = absl::StrCat("UT", Le16(1), "x");
            }),
            kBoth);
  ZipEnd end;
  end.comment = "a comment";
  EXPECT_EQ(ReadAll(MakeZip(TwoParts(), end)), kBoth);
  end = {};
  end.prefix = "#!/bin/sh\n";
  EXPECT_EQ(ReadAll(MakeZip(TwoParts(), end)), kBoth);
}

TEST(ZipReaderTest, TakesZip64Fields) {
  EXPECT_EQ(ReadChanged([](auto& p) {
              p[0].d_extra =
                  absl::StrCat(Le16(1), Le16(16), Le64(16), Le64(16));
              p[0].d_size = p[0].d_packed_size = 0xFFFFFFFF;
            }),
            kBoth);
}

TEST(ZipReaderTest, RefusesWhatIsNoWholeArchive) {
  EXPECT_THAT(ReadAll(""), HasSubstr("t.pt: not a complete zip archive"));
  EXPECT_THAT(ReadAll("P"), HasSubstr("not a complete zip archive"));
  const std::string whole = MakeZip(TwoParts());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(ReadAll(whole.substr(0, size)), HasSubstr("zip archive"))
        << "cut at " << size;
  }
  EXPECT_THAT(ReadAll(whole + "tail"), HasSubstr("bytes follow it"));
}

TEST(ZipReaderTest, NoBitCanFlipUnnoticed) {
  const std::string whole = MakeZip(TwoParts());
  ASSERT_EQ(ReadAll(whole), kBoth);
  int same = 0;
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const std::string read = ReadAll(flipped);
    if (read == kBoth) {
      ++same;  // versions, times and other fields of no meaning
    } else {
      EXPECT_TRUE(absl::StrContains(read, "t.pt")) << "bit " << bit << read;
    }
  }
  EXPECT_LT(same, 8 * 90);
}

TEST(ZipReaderTest, RefusesContradictions) {
  EXPECT_THAT(ReadChanged([](auto& p) { p[0].l_name = "m/data/1"; }),
              HasSubstr("\"m/data/0\" at byte 0: the local header has the name "
                        "\"m/data/1\""));
  EXPECT_THAT(ReadChanged([](auto& p) { p[0].l_method = 8; }),
              HasSubstr("compression method 8"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[0].l_flags = 0x809; }),
              HasSubstr("flags"));
  EXPECT_THAT(ReadChanged([](auto& p) {
                p[0].flags = 0x800;
                p[0].d_size = p[0].d_packed_size = 15;
              }),
              HasSubstr("the local header gives 16 and 16 bytes"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[0].d_crc = 1; }),
              HasSubstr("data descriptor"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[0].d_packed_size = 15; }),
              HasSubstr("sizes differ"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[1].d_offset = 3; }),
              HasSubstr("no local header lies"));
}

TEST(ZipReaderTest, RefusesWhatItCannotOrMustNotRead) {
  EXPECT_THAT(ReadChanged([](auto& p) { p[0].d_flags = 0x809; }),
              HasSubstr("encrypted"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[0].d_method = 93; }),
              HasSubstr("compression method 93"));
  EXPECT_THAT(ReadChanged([](auto& p) {
                p[0].d_made_by = 0x314;
                p[0].d_external = 0120777u << 16;
              }),
              HasSubstr("symbolic link"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[0].name = "/etc/passwd"; }),
              HasSubstr("leads out of the archive"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[0].name = "m/../../x"; }),
              HasSubstr("leads out of the archive"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[0].name = "m/\xff"; }),
              HasSubstr("\"m/\\xff\" at byte"));
}

TEST(ZipReaderTest, RefusesDoubleNamesAndSharedBytes) {
  for (const char* name :
       {"m/data/0", "M/Data/0", "m/./data/0", "m/data/x/../0", "m\\data\\0"}) {
    EXPECT_THAT(ReadChanged([&](auto& p) {
                  p.push_back(p[0]);
                  p.back().name = name;
                }),
                HasSubstr("another record has the same name"))
        << name;
  }
  // Names of classes may differ by case alone.
  EXPECT_THAT(ReadChanged([](auto& p) {
                p.push_back(p[1]);
                p.back().name = "m/code/__TORCH__.py";
              }),
              HasSubstr(kBoth));
  EXPECT_THAT(ReadChanged([](auto& p) {
                ZipPart inner = p[0];
                p[0].data = MakeZip({inner}).substr(0, 60);
                inner.name = "m/data/1";
                const size_t header = 30 + 8;
                p[0].data = MakeZip({inner});
                inner.d_offset = header;
                p.push_back(inner);
              }),
              HasSubstr("overlap"));
}

TEST(ZipReaderTest, InflatesWithinBudgets) {
  ZipLimits limits;
  limits.max_inflated_record = 1000;
  EXPECT_THAT(ReadAll(MakeZip(TwoParts()), limits),
              HasSubstr("would inflate to 1001 bytes; the limit for one record "
                        "is 1000"));
  limits = {};
  limits.max_inflated_total = 1000;
  EXPECT_THAT(ReadAll(MakeZip(TwoParts()), limits),
              HasSubstr("all records together"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[1].size = 500; }),
              HasSubstr("inflates to more than the 500 bytes"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[1].size = 2000; }),
              HasSubstr("inflates to 1001 bytes, the archive says 2000"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[1].size = 20000000; }),
              HasSubstr("which deflate cannot do"));
  EXPECT_THAT(ReadChanged([](auto& p) {
                p[1].packed = testing::Deflate(p[1].data) + "more";
              }),
              HasSubstr("4 bytes follow the deflate stream"));
  EXPECT_THAT(ReadChanged([](auto& p) { p[1].packed = "\x07"; }),
              HasSubstr("corrupt deflate stream"));
  EXPECT_THAT(ReadChanged([](auto& p) {
                p[1].packed = testing::Deflate(p[1].data).substr(0, 8);
              }),
              HasSubstr("cut off"));
}

TEST(ZipReaderTest, RefusesFalseEndRecords) {
  const auto with = [](auto f) {
    ZipEnd end;
    f(end);
    return ReadAll(MakeZip(TwoParts(), end));
  };
  EXPECT_THAT(with([](ZipEnd& e) { e.count = 1; }), HasSubstr("goes on for"));
  EXPECT_THAT(with([](ZipEnd& e) { e.count = 3; }), HasSubstr("too many"));
  EXPECT_THAT(with([](ZipEnd& e) { e.count = 65534; }), HasSubstr("too many"));
  EXPECT_THAT(with([](ZipEnd& e) { e.directory_size = 40; }),
              HasSubstr("must end at byte"));
  EXPECT_THAT(with([](ZipEnd& e) { e.directory_offset = 0xFFFFFFF0; }),
              HasSubstr("must end at byte"));
  EXPECT_THAT(with([](ZipEnd& e) { e.disk = 1; }), HasSubstr("disk 1"));
  EXPECT_THAT(with([](ZipEnd& e) {
                e.comment = absl::StrCat("PK\5\6", std::string(18, '\0'));
              }),
              HasSubstr("can be read in two ways"));
}

TEST(PrintableTest, EscapesAndCuts) {
  EXPECT_EQ(Printable("a\nb\x1b"), "a\\x0ab\\x1b");
  EXPECT_EQ(Printable("\xc3\xa9"), "\xc3\xa9");
  EXPECT_EQ(Printable("\xc3"), "\\xc3");
  EXPECT_EQ(Printable("\xc3\xa9\xc3\xa9", 3), "\xc3\xa9... (4 bytes)");
}

TEST(PrintableTest, MessagesKeepTheirLines) {
  EXPECT_EQ(PrintableLines("a\n\tb\x1b"), "a\n\tb\\x1b");
  const std::string cut = PrintableLines(std::string(1000, 'x') + "end", 100);
  EXPECT_LT(cut.size(), 130u);
  EXPECT_THAT(cut, HasSubstr("... (1003 bytes)"));
  EXPECT_THAT(cut, HasSubstr("xend"));
}

// ---------------------------------------------------------------- pickle

namespace p = testing::pickle;
using Kind = PickleValue::Kind;

bool AnyGlobal(absl::string_view module, absl::string_view name) {
  return module != "os";
}

absl::StatusOr<Pickle> Parse(const std::string& bytes,
                             const PickleLimits& limits = {}) {
  // The bytes must outlive what is made of them: kept until the tests end, and
  // reachable, so that no leak is reported.
  static auto* const kKept = new std::deque<std::string>();
  const std::string& kept = kKept->emplace_back(bytes);
  return Pickle::Parse(
      "t.pt: record \"m/data.pkl\"",
      absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(kept.data()),
                          kept.size()),
      AnyGlobal, limits);
}

std::string ParseError(const std::string& bytes,
                       const PickleLimits& limits = {}) {
  return std::string(Parse(bytes, limits).status().message());
}

// The value in Python's manner.
std::string Show(const Pickle& pickle, const PickleValue& v) {
  const auto items = [&](absl::string_view open, absl::string_view close) {
    std::string out(open);
    for (const PickleValue& item : pickle.Items(v)) {
      absl::StrAppend(&out, Show(pickle, item), ",");
    }
    return absl::StrCat(out, close);
  };
  switch (v.kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return v.boolean ? "True" : "False";
    case Kind::kInt:
      return absl::StrCat(v.integer);
    case Kind::kFloat:
      return absl::StrCat(v.real);
    case Kind::kString:
      return absl::StrCat("'", pickle.String(v), "'");
    case Kind::kGlobal:
      return absl::StrCat(pickle.Module(v), ".", pickle.Name(v));
    case Kind::kTuple:
      return items("(", ")");
    case Kind::kList:
      return items("[", "]");
    case Kind::kDict:
      return items("{", "}");
    case Kind::kCall:
      return Show(pickle, pickle.Callee(v)) + Show(pickle, pickle.Argument(v));
    case Kind::kObject:
      return absl::StrCat("<", Show(pickle, pickle.Callee(v)), " ",
                          pickle.State(v) ? Show(pickle, *pickle.State(v)) : "",
                          ">");
    case Kind::kPersistent:
      return "@" + Show(pickle, pickle.Argument(v));
  }
  return "?";
}

std::string Read(const std::string& value) {
  absl::StatusOr<Pickle> pickle = Parse(p::Whole(value));
  if (!pickle.ok()) return std::string(pickle.status().message());
  return Show(*pickle, pickle->root());
}

TEST(PickleTest, ReadsValues) {
  EXPECT_EQ(Read(p::Tuple({p::None(), p::Bool(true), p::Int(7), p::Int(-300),
                           p::Int(int64_t{1} << 40), p::Float(2.5),
                           p::Str("a\xc3\xa9")})),
            "(None,True,7,-300,1099511627776,2.5,'a\xc3\xa9',)");
  EXPECT_EQ(Read("M\x01\x02"), "513");
  EXPECT_EQ(Read(absl::StrCat("\x8a", std::string(1, '\0'))), "0");
  EXPECT_EQ(Read("\x8a\x01\xff"), "-1");
  EXPECT_EQ(Read("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff"
                 "\xff"),
            "-1");
  EXPECT_THAT(Read("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
              HasSubstr("64 bits"));
  EXPECT_EQ(Read(p::Dict({{p::Str("a"), p::List({p::Int(1)})}})),
            "{'a',[1,],}");
  EXPECT_EQ(Read("NN\x86"), "(None,None,)");
  EXPECT_EQ(Read("(NNl"), "[None,None,]");
}

TEST(PickleTest, ReadsCallsObjectsAndStorages) {
  EXPECT_EQ(
      Read(p::Object("__torch__.a.C", p::Dict({{p::Str("k"), p::Int(1)}}))),
      "<__torch__.a.C {'k',1,}>");
  EXPECT_EQ(Read(p::Storage("FloatStorage", "0", 6)),
            "@('storage',torch.FloatStorage,'0','cpu',6,)");
  EXPECT_EQ(Read(p::Call("builtins", "complex", {p::Float(1), p::Float(2)})),
            "builtins.complex(1,2,)");
  // Python fills an OrderedDict after the call.
  EXPECT_EQ(Read(absl::StrCat("ccollections\nOrderedDict\nq\1)Rq\2(",
                              p::Str("a"), "K\1u}b")),
            "{'a',1,}");
}

TEST(PickleTest, SharesThroughTheMemo) {
  absl::StatusOr<Pickle> pickle = Parse(p::Whole(
      absl::StrCat("(](K\1eq\5h\5r", Le32(70000), "j", Le32(70000), "t")));
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  const auto items = pickle->Items(pickle->root());
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].node, items[1].node);
  EXPECT_EQ(items[0].node, items[2].node);
  EXPECT_THAT(ParseError(p::Whole("h\7")), HasSubstr("memo entry 7"));
}

TEST(PickleTest, ErrorsNameRecordByteAndOpcode) {
  EXPECT_EQ(ParseError(p::Whole("N\x86")),
            "t.pt: record \"m/data.pkl\", byte 3: opcode TUPLE2: the stack is "
            "too short (underflow)");
  EXPECT_THAT(ParseError(p::Whole("\x93")), HasSubstr("0x93 (STACK_GLOBAL)"));
  EXPECT_THAT(ParseError(p::Whole("0")), HasSubstr("(POP)"));
  EXPECT_THAT(ParseError(p::Whole("cos\nsystem\n")),
              HasSubstr("unknown global 'os.system'"));
}

TEST(PickleTest, RefusesDamage) {
  const std::string good = p::Whole(p::Object(
      "__torch__.M",
      p::Dict({{p::Str("w"), p::Tensor(p::Storage("FloatStorage", "0", 4), 0,
                                       {2, 2}, {2, 1})}})));
  ASSERT_TRUE(Parse(good).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(Parse(good.substr(0, size)).ok()) << size;
  }
  EXPECT_THAT(ParseError(good + "x"), HasSubstr("1 bytes follow"));
  EXPECT_THAT(ParseError(good.substr(2)), HasSubstr("PROTO"));
  EXPECT_THAT(ParseError("\x80\x04N."), HasSubstr("protocol 4"));
  EXPECT_THAT(ParseError(p::Whole("NN(\x85t")), HasSubstr("below a MARK"));
  EXPECT_THAT(ParseError(p::Whole("t")), HasSubstr("no MARK"));
  EXPECT_THAT(ParseError(p::Whole("}(Nu")), HasSubstr("odd number"));
  EXPECT_THAT(ParseError(p::Whole("](NNu")), HasSubstr("not on a list"));
  EXPECT_THAT(ParseError(p::Whole("K\1)R")), HasSubstr("calls an int"));
  EXPECT_THAT(ParseError(p::Whole("NN")), HasSubstr("one value should be"));
  EXPECT_THAT(ParseError(p::Whole("X\xff\xff\xff\xffx")),
              HasSubstr("runs over the end"));
}

TEST(PickleTest, RefusesCyclesAndLateChanges) {
  EXPECT_THAT(ParseError(p::Whole("]q\1(h\1e")), HasSubstr("hold itself"));
  // a = []; b = [a]; a.append(b)
  EXPECT_THAT(ParseError(p::Whole("(]q\1h\1](h\1eat")),
              HasSubstr("changes after it was put into another value"));
  EXPECT_THAT(ParseError(p::Whole(absl::StrCat("c__torch__\nM\n)\x81q\1}",
                                               p::Str("k"), "h\1sb"))),
              HasSubstr("after it was put into another value"));
}

TEST(PickleTest, KeepsToItsLimits) {
  EXPECT_THAT(ParseError(p::Whole(")" + std::string(100000, '\x85'))),
              HasSubstr("nested too deeply"));
  EXPECT_THAT(ParseError(p::Whole(std::string(100000, '('))),
              HasSubstr("nested too deeply"));
  EXPECT_THAT(ParseError(p::Whole("N" + std::string(100000, 'Q'))),
              HasSubstr("nested too deeply"));
  std::string laughs = ")";
  for (int i = 0; i < 60; ++i) {
    absl::StrAppend(&laughs, "q", std::string(1, char(i)), "h",
                    std::string(1, char(i)), "\x86");
  }
  EXPECT_THAT(ParseError(p::Whole(laughs)), HasSubstr("shared parts"));
  PickleLimits limits;
  limits.max_memory = 1000;
  EXPECT_THAT(ParseError(p::Whole("](" + std::string(100, 'N') + "e"), limits),
              HasSubstr("more than 1000 bytes"));
}

}  // namespace
}  // namespace tandem
