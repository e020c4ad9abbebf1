// Pickles and containers as PyTorch writes them.
#include <dirent.h>

#include <complex>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"
#include "tandem/serialization/torchscript/pickle.h"
#include "tandem/serialization/torchscript/pickle_writer.h"
#include "tandem/serialization/torchscript/plain_values.h"
#include "tandem/serialization/torchscript/plain_values_writer.h"
#include "tandem/serialization/torchscript/zip_reader.h"
#include "tandem/serialization/torchscript/zip_writer.h"
#include "tandem/tensor/tensor.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

// ---------------------------------------------------------------- zip

std::string ThreeRecords() {
  std::string bytes;
  const auto sink = CreateStringSink(&bytes);
  ZipWriter writer(sink.get(), "m");
  EXPECT_TRUE(writer.Add("data/0", std::string(24, 'w')).ok());
  EXPECT_TRUE(writer.Add("data.pkl", "\x80\x02N.").ok());
  EXPECT_TRUE(
      writer.Add("code/__torch__.py", std::string(1000, ' '), true).ok());
  EXPECT_TRUE(writer.Finish().ok());
  return bytes;
}

TEST(ZipWriterTest, TheStrictReaderReadsIt) {
  auto reader = ZipReader::Open(File::FromBuffer("m.pt", ThreeRecords()));
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_EQ((*reader)->entries().size(), 3u);
  for (const ZipEntry& entry : (*reader)->entries()) {
    EXPECT_EQ(entry.data_offset % 64, 0u) << entry.name;
    EXPECT_TRUE((*reader)->Read(entry).ok()) << entry.name;
  }
  EXPECT_EQ((*reader)->entries()[2].method, 8);
}

TEST(ZipWriterTest, EqualRecordsGiveEqualBytes) {
  EXPECT_EQ(ThreeRecords(), ThreeRecords());
}

TEST(ZipWriterTest, RefusesASecondRecordOfOneName) {
  std::string bytes;
  const auto sink = CreateStringSink(&bytes);
  ZipWriter writer(sink.get(), "m");
  EXPECT_TRUE(writer.Add("a", "1").ok());
  EXPECT_THAT(std::string(writer.Add("a", "2").message()),
              HasSubstr("two records named \"a\""));
}

std::vector<std::string> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  DIR* dir = opendir(folder.c_str());
  while (const dirent* entry = readdir(dir)) {
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  closedir(dir);
  return names;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file),
                     std::istreambuf_iterator<char>());
}

TEST(FileSinkTest, TheOldFileStaysUntilTheNewOneIsWhole) {
  const std::string folder = absl::StrCat(std::getenv("TEST_TMPDIR"), "/sink");
  ASSERT_EQ(std::system(absl::StrCat("mkdir -p ", folder).c_str()), 0);
  const std::string path = absl::StrCat(folder, "/m.pt");
  std::ofstream(path) << "old";
  const uint8_t bytes[] = {'n', 'e', 'w'};
  {
    auto sink = CreateFileSink(path);
    ASSERT_TRUE(sink.ok()) << sink.status();
    ASSERT_TRUE((*sink)->Write(bytes).ok());
    EXPECT_EQ(ReadFile(path), "old");
  }
  EXPECT_EQ(FilesIn(folder), std::vector<std::string>{"m.pt"});
  EXPECT_EQ(ReadFile(path), "old");
  {
    auto sink = CreateFileSink(path);
    ASSERT_TRUE(sink.ok());
    ASSERT_TRUE((*sink)->Write(bytes).ok());
    ASSERT_TRUE((*sink)->Commit().ok());
  }
  EXPECT_EQ(ReadFile(path), "new");
  EXPECT_EQ(FilesIn(folder), std::vector<std::string>{"m.pt"});
  EXPECT_THAT(
      std::string(CreateFileSink(folder + "/none/m.pt").status().message()),
      HasSubstr("none/m.pt: cannot make a file beside it"));
}

// ---------------------------------------------------------------- pickle

std::string Pickled(const IValue& value) {
  auto pickle = PickleWriter().Write(value);
  return pickle.ok() ? *pickle : std::string(pickle.status().message());
}

TEST(PickleWriterTest, NumbersAndTexts) {
  EXPECT_EQ(Pickled(IValue()), "\x80\x02N.");
  EXPECT_EQ(Pickled(IValue(true)), "\x80\x02\x88.");
  EXPECT_EQ(Pickled(IValue(7)), "\x80\x02K\x07.");
  EXPECT_EQ(Pickled(IValue(513)), "\x80\x02M\x01\x02.");
  EXPECT_EQ(Pickled(IValue(-1)), "\x80\x02J\xff\xff\xff\xff.");
  EXPECT_EQ(Pickled(IValue(int64_t{1} << 40)),
            std::string("\x80\x02\x8a\x08\0\0\0\0\0\1\0\0.", 13));
  EXPECT_EQ(Pickled(IValue("a")), std::string("\x80\x02X\1\0\0\0aq\0.", 11));
}

TEST(PickleWriterTest, ContainersCarryTheirTypes) {
  EXPECT_EQ(Pickled(IValue(MakeIntList({1, 2}))),
            std::string("\x80\x02"
                        "ctorch.jit._pickle\nbuild_intlist\nq\0(](K\1K\2etR.",
                        48));
  EXPECT_EQ(Pickled(IValue(MakeTuple({IValue(1), IValue(2)}))),
            "\x80\x02K\x01K\x02\x86.");
  Ref<DictObject> dict = MakeDict(Type::Str(), Type::Int());
  dict->Set(IValue("a"), IValue(1));
  EXPECT_THAT(Pickled(IValue(dict)), HasSubstr("Dict[str, int]"));
}

// Written and read again.
absl::StatusOr<IValue> RoundTrip(const IValue& value) {
  PickleWriter writer;
  auto pickle = writer.Write(value);
  if (!pickle.ok()) return pickle.status();
  std::string bytes;
  const auto sink = CreateStringSink(&bytes);
  ZipWriter zip(sink.get(), "m");
  for (size_t i = 0; i < writer.storages().size(); ++i) {
    const Storage& storage = *writer.storages()[i];
    EXPECT_TRUE(
        zip.Add(absl::StrCat("data/", i),
                absl::MakeConstSpan(static_cast<const uint8_t*>(storage.data()),
                                    storage.is_meta() ? 0 : storage.bytes()))
            .ok());
  }
  EXPECT_TRUE(zip.Add("data.pkl", *pickle).ok());
  EXPECT_TRUE(zip.Finish().ok());
  return LoadPlainValues(File::FromBuffer("m.pt", bytes));
}

TEST(PickleWriterTest, RoundTripKeepsValuesIdentityAndStorages) {
  Tensor t = *Tensor::FromSpan<float>({1, 2, 3, 4, 5, 6});
  Tensor view = *t.AsStrided({2, 2}, {3, 1}, 1);
  Ref<ListObject> list = MakeIntList({4, 5});
  const IValue value(
      MakeTuple({IValue(t), IValue(view), IValue(t), IValue(list), IValue(list),
                 IValue(std::complex<double>(1, -2)), IValue(2.5),
                 IValue("\xc3\xa9"), IValue(Device{DeviceType::kCpu, -1}),
                 IValue(*Tensor::Meta({2}, {1}, DType::kFloat)),
                 IValue(MakeTensorList({t}))}));
  auto read = RoundTrip(value);
  ASSERT_TRUE(read.ok()) << read.status();
  const std::vector<IValue>& items = read->AsTuple().values;
  EXPECT_EQ(items[0].AsTensor().data<float>()[5], 6);
  EXPECT_TRUE(items[0].AsTensor().is_same(items[2].AsTensor()));
  EXPECT_EQ(items[0].AsTensor().storage(), items[1].AsTensor().storage());
  EXPECT_EQ(items[1].AsTensor().strides(), DimSpan({3, 1}));
  EXPECT_TRUE(items[3].Is(items[4]));
  EXPECT_EQ(items[5].AsComplex(), std::complex<double>(1, -2));
  EXPECT_EQ(items[7].AsString(), "\xc3\xa9");
  EXPECT_TRUE(items[9].AsTensor().is_meta());
  EXPECT_TRUE(
      items[10].AsList().values[0].AsTensor().is_same(items[0].AsTensor()));
}

TEST(PickleWriterTest, OneStorageSeenAsTwoDtypes) {
  Tensor floats = *Tensor::FromSpan<float>({1, 2});
  Tensor ints =
      *Tensor::OverStorage(floats.storage(), 0, {2}, {1}, DType::kInt32);
  auto read = RoundTrip(IValue(MakeTuple({IValue(floats), IValue(ints)})));
  ASSERT_TRUE(read.ok()) << read.status();
  const std::vector<IValue>& items = read->AsTuple().values;
  EXPECT_EQ(items[1].AsTensor().dtype(), DType::kInt32);
  EXPECT_EQ(items[0].AsTensor().storage(), items[1].AsTensor().storage());
}

TEST(PickleWriterTest, ObjectsWriteTheirAttributesInOrder) {
  CompilationUnit unit;
  ClassType* type = unit.AddClass("__torch__.a.C", true);
  ClassType::Attribute attribute;
  attribute.name = "x";
  attribute.type = Type::Int();
  ASSERT_TRUE(type->AddAttribute(attribute).ok());
  Ref<ModuleObject> object = NewObject(*type);
  object->Set(0, IValue(3));
  PickleWriter writer;
  auto pickle = writer.Write(IValue(object));
  ASSERT_TRUE(pickle.ok()) << pickle.status();
  EXPECT_EQ(*pickle,
            std::string("\x80\x02"
                        "c__torch__.a\nC\nq\0)\x81}(X\1\0\0\0xq\1K\3ub.",
                        36));
  ASSERT_EQ(writer.types().size(), 1u);
  EXPECT_EQ(writer.types()[0]->name(), "__torch__.a.C");
}

TEST(PickleWriterTest, RefusesCyclesAndDepth) {
  Ref<ListObject> list = MakeList(Type::Any());
  list->values.emplace_back(list);
  EXPECT_THAT(Pickled(IValue(list)), HasSubstr("holds itself"));
  list->values.clear();
  IValue deep;
  for (int i = 0; i < 100000; ++i) deep = IValue(MakeTuple({deep}));
  EXPECT_THAT(Pickled(deep), HasSubstr("nested too deeply"));
}

// ---------------------------------------------------------------- torch.save

constexpr char kTestData[] = "serialization/torchscript/testdata/";

// Where two texts part, for people.
std::string Parting(absl::string_view a, absl::string_view b) {
  size_t at = 0;
  while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
  const size_t from = at < 16 ? 0 : at - 16;
  return absl::StrCat("at ", at, " of ", a.size(), " and ", b.size(), ": ",
                      absl::CEscape(a.substr(from, 48)), " | ",
                      absl::CEscape(b.substr(from, 48)));
}

// Record by record, since one byte of a pickle moves all that follows.
void ExpectSameRecords(const std::string& ours, const std::string& torchs) {
  auto a = ZipReader::Open(File::FromBuffer("ours", ours));
  auto b = ZipReader::Open(File::FromBuffer("torch's", torchs));
  ASSERT_TRUE(a.ok() && b.ok()) << a.status() << b.status();
  ASSERT_EQ((*a)->entries().size(), (*b)->entries().size());
  for (size_t i = 0; i < (*a)->entries().size(); ++i) {
    const ZipEntry& x = (*a)->entries()[i];
    const ZipEntry& y = (*b)->entries()[i];
    EXPECT_EQ(x.name, y.name);
    // Digits of our own: they tell archives apart.
    if (absl::EndsWith(x.name, "serialization_id")) continue;
    const auto p = (*a)->Read(x), q = (*b)->Read(y);
    ASSERT_TRUE(p.ok() && q.ok()) << x.name;
    EXPECT_TRUE(p->text() == q->text())
        << x.name << " " << Parting(p->text(), q->text());
  }
  EXPECT_EQ(ours.size(), torchs.size());
}

TEST(PlainValuesWriterTest, ValuesAreWrittenAsPythonWritesThem) {
  const std::string path = absl::StrCat(kTestData, "values.pt");
  const auto values = LoadPlainValues(path);
  ASSERT_TRUE(values.ok()) << values.status();
  std::string bytes;
  const absl::Status saved =
      SavePlainValues(*values, *CreateStringSink(&bytes), "values");
  ASSERT_TRUE(saved.ok()) << saved;
  ExpectSameRecords(bytes, ReadFile(path));
}

TEST(PlainValuesWriterTest, StateDictsAreWrittenAsPythonWritesThem) {
  const std::string path = absl::StrCat(kTestData, "state_dict.pt");
  const auto values = LoadPlainValues(path);
  ASSERT_TRUE(values.ok()) << values.status();
  StateDictEntries state;
  for (const auto& [name, tensor] : values->AsDict().Items()) {
    state.tensors.emplace_back(name.AsString(), tensor.AsTensor());
  }
  state.tensors[0].second.impl()->requires_grad = true;  // a parameter
  state.versions = {{"", 1}, {"0", 1}, {"1", 2}};
  std::string bytes;
  const absl::Status saved =
      SaveStateDict(state, *CreateStringSink(&bytes), "state_dict");
  ASSERT_TRUE(saved.ok()) << saved;
  ExpectSameRecords(bytes, ReadFile(path));
}

TEST(PlainValuesWriterTest, RefusesWhatIsNotPlain) {
  std::string bytes;
  const auto error = [&](const IValue& value) {
    return std::string(
        SavePlainValues(value, *CreateStringSink(&bytes)).message());
  };
  CompilationUnit unit;
  EXPECT_THAT(
      error(IValue(NewObject(*unit.AddClass("__torch__.C", false)))),
      HasSubstr("__torch__.C is not plain: it cannot be saved by torch.save"));
  Ref<ListObject> list = MakeList(Type::Any());
  list->values.emplace_back(list);
  EXPECT_THAT(error(IValue(list)), HasSubstr("holds itself"));
  list->values.clear();
  Tensor floats = *Tensor::FromSpan<float>({1, 2});
  Tensor ints =
      *Tensor::OverStorage(floats.storage(), 0, {2}, {1}, DType::kInt32);
  EXPECT_THAT(error(IValue(MakeTuple({IValue(floats), IValue(ints)}))),
              HasSubstr("view the same data as different types"));
}

}  // namespace
}  // namespace tandem
