#include "tandem/serialization/tandem/model_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/ir/canonical.h"
#include "tandem/serialization/files/crc32c.h"
#include "tandem/serialization/tandem/proto/model.pb.h"
#include "tandem/serialization/tandem/test_file.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

constexpr char kProgram[] = R"(program 1
class __torch__.M module
  parameter weight : Tensor
  buffer steps : Tensor
  attribute training : bool
  attribute names : str[]
  method @__torch__.M.forward
function __torch__.M.forward of __torch__.M(self : __torch__.M, x : Tensor) -> (Tensor)
  graph(%self : __torch__.M,
        %x : Tensor):
    %1 : int = prim::Constant[value=1]()
    %w : Tensor = prim::GetAttr[name="weight"](%self)
    %y : Tensor = aten::add.Tensor(%x, %w, %1)
    return (%y)
object 0 : __torch__.M
  weight = extern(0)
  steps = extern(1)
  training = False
  names = <str>["a", "b"]
root object(0)
)";

Module MakeModule() {
  const float weight[] = {1, 2, 3, 4, 5, 6};
  const int64_t steps[] = {7};
  const std::vector<IValue> externals = {
      IValue(*Tensor::FromSpan<float>(weight)),
      IValue(*Tensor::FromSpan<int64_t>(steps))};
  CanonicalParseOptions options;
  options.externals = &externals;
  absl::StatusOr<CanonicalProgram> program = ParseProgram(kProgram, options);
  EXPECT_TRUE(program.ok()) << program.status();
  return Module(program->unit, program->root.AsRef<ModuleObject>());
}

std::string Saved(const Module& module, const TandemSaveOptions& options = {}) {
  std::string bytes;
  const auto sink = CreateStringSink(&bytes);
  const absl::Status status = SaveTandem(module, *sink, options);
  EXPECT_TRUE(status.ok()) << status;
  return bytes;
}

absl::StatusOr<Module> Loaded(std::string bytes,
                              const TandemLoadOptions& options = {}) {
  return LoadTandem(File::FromBuffer("m.tandem", std::move(bytes)), options);
}

std::string ErrorOf(std::string bytes, const TandemLoadOptions& options = {}) {
  const absl::StatusOr<Module> module = Loaded(std::move(bytes), options);
  return module.ok() ? "" : std::string(module.status().message());
}

std::string TextOf(const Module& module) {
  std::vector<IValue> externals;
  CanonicalPrintOptions options;
  options.externals = &externals;
  return *PrintCanonicalProgram(*module.unit(), IValue(module.object()),
                                options);
}

// The index of a file as a message, changed and put back with checksums.
template <typename F>
std::string WithIndex(const std::string& bytes, F change) {
  uint64_t offset = 0;
  std::memcpy(&offset, &bytes[16], 8);
  format::Index index;
  EXPECT_TRUE(index.ParseFromString(bytes.substr(offset)));
  change(index);
  return testing::Resigned(bytes.substr(0, offset) + index.SerializeAsString());
}

std::string Folder() {
  std::string path = absl::StrCat(::testing::TempDir(), "/model_file_XXXXXX");
  EXPECT_NE(mkdtemp(&path[0]), nullptr);
  return path;
}

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(Crc32c(0, "123456789", 9), 0xE3069283u);
  const std::string zeros(32, '\0'), ones(32, '\xFF');
  EXPECT_EQ(Crc32c(0, zeros.data(), 32), 0x8A9136AAu);
  EXPECT_EQ(Crc32c(0, ones.data(), 32), 0x62A8AB43u);
}

TEST(Crc32c, TablesAndInstructionsAgreeAtEveryLengthAndCut) {
  std::string bytes;
  for (int i = 0; i < 40000; ++i) {
    bytes.push_back(static_cast<char>(i * 2654435761u >> 13));
  }
  for (const size_t size :
       {0, 1, 7, 8, 9, 63, 4096, 12287, 12288, 12289, 24583, 39999}) {
    const uint32_t whole = Crc32cPortable(0, bytes.data() + 1, size);
    EXPECT_EQ(Crc32c(0, bytes.data() + 1, size), whole) << size;
    const size_t cut = size / 3;
    EXPECT_EQ(Crc32c(Crc32c(0, bytes.data() + 1, cut), bytes.data() + 1 + cut,
                     size - cut),
              whole)
        << size;
  }
}

TEST(ModelFile, WhatIsSavedComesBack) {
  const Module module = MakeModule();
  const std::string bytes = Saved(module);
  const absl::StatusOr<Module> again = Loaded(bytes);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(TextOf(module), TextOf(*again));
  EXPECT_EQ(Saved(*again), bytes);
  const Tensor weight = again->GetAttribute("weight")->AsTensor();
  EXPECT_EQ(weight.numel(), 6);
  EXPECT_EQ(weight.data<float>()[5], 6);
  EXPECT_EQ(again->NamedParameters().size(), 1u);
}

// Files of every format version open, and are what they were. A file here is
// never written again; its text may follow the canonical form.
TEST(ModelFile, FilesOfEveryVersionOpen) {
  for (const std::string version : {"v1"}) {
    const std::string path = "serialization/tandem/testdata/" + version;
    TandemExtras extras;
    TandemLoadOptions options;
    options.extras = &extras;
    const absl::StatusOr<Module> module = LoadTandem(path + ".tandem", options);
    ASSERT_TRUE(module.ok()) << module.status();
    std::ifstream in(path + ".txt");
    std::stringstream want;
    want << in.rdbuf();
    std::vector<IValue> externals;
    CanonicalPrintOptions print;
    print.ranges = true;
    print.externals = &externals;
    const absl::StatusOr<std::string> got =
        PrintCanonicalProgram(*module->unit(), IValue(module->object()), print);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(*got, want.str()) << version;
    if (const char* folder = std::getenv("WRITE_TEXTS_TO")) {
      std::ofstream(absl::StrCat(folder, "/", version, ".txt")) << *got;
    }
    EXPECT_EQ(extras.files[0].first, "config.json");
    // Tied weights are one tensor, views share their memory.
    EXPECT_TRUE(module->GetAttribute("first.weight")
                    ->Is(*module->GetAttribute("second.weight")));
    EXPECT_EQ(module->GetAttribute("a")->AsTensor().storage(),
              module->GetAttribute("b")->AsTensor().storage());
    EXPECT_TRUE(module->GetAttribute("q")->AsTensor().is_quantized());
    EXPECT_TRUE(module->GetAttribute("s")->AsTensor().is_sparse());
  }
}

TEST(ModelFile, RecordsLieAtMultiplesOf64) {
  const absl::StatusOr<Module> module = Loaded(Saved(MakeModule()));
  ASSERT_TRUE(module.ok());
  WithIndex(Saved(*module), [](const format::Index& index) {
    ASSERT_EQ(index.records_size(), 2);
    EXPECT_EQ(index.records(0).offset(), 64u);
    EXPECT_EQ(index.records(0).length(), 24u);
    EXPECT_EQ(index.records(1).offset(), 128u);
  });
}

TEST(ModelFile, EveryCutIsFound) {
  const std::string bytes = Saved(MakeModule());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(ErrorOf(bytes.substr(0, size)), "") << size;
  }
  EXPECT_THAT(ErrorOf(bytes.substr(0, bytes.size() - 1)),
              HasSubstr("is cut off"));
  EXPECT_THAT(ErrorOf(bytes + "x"), HasSubstr("is too long"));
}

TEST(ModelFile, EveryFlippedBitIsFoundButThoseBetweenRecords) {
  const std::string bytes = Saved(MakeModule());
  uint64_t offset = 0;
  std::memcpy(&offset, &bytes[16], 8);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool padding =
        (i >= 64 + 24 && i < 128) || (i >= 128 + 8 && i < offset);
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      EXPECT_EQ(ErrorOf(damaged).empty(), padding) << i << " bit " << bit;
    }
  }
}

TEST(ModelFile, DamagedWeightsAreNamed) {
  std::string bytes = Saved(MakeModule());
  bytes[70] ^= 1;
  EXPECT_THAT(ErrorOf(bytes),
              HasSubstr("m.tandem: the record of \"weight\" (24 bytes at 64) "
                        "is damaged"));
  TandemLoadOptions unverified;
  unverified.verify_weights = false;
  EXPECT_EQ(ErrorOf(bytes, unverified), "");
}

TEST(ModelFile, ANewerVersionSaysWhichReadsIt) {
  std::string bytes = Saved(MakeModule());
  bytes[8] = 3;   // written as
  bytes[12] = 2;  // readable from
  const uint32_t crc = Crc32c(0, bytes.data(), 60);
  std::memcpy(&bytes[60], &crc, 4);
  EXPECT_THAT(ErrorOf(bytes),
              HasSubstr("is of format version 3, which versions of tandem read "
                        "that know format version 2 or newer"));
  // One that only adds what may be left aside is read.
  bytes[12] = 1;
  const uint32_t again = Crc32c(0, bytes.data(), 60);
  std::memcpy(&bytes[60], &again, 4);
  EXPECT_EQ(ErrorOf(bytes), "");
}

TEST(ModelFile, AnUnknownOperatorIsNamedWithThePluginPath) {
  const std::string bytes =
      WithIndex(Saved(MakeModule()), [](format::Index& index) {
        for (format::Operator& op :
             *index.mutable_program()->mutable_operators()) {
          if (op.name() == "aten::add") op.set_name("mine::add");
        }
      });
  EXPECT_THAT(ErrorOf(bytes),
              HasSubstr("the program uses the operator mine::add.Tensor, which "
                        "is not built in (no plugin path is given)"));
  TandemLoadOptions options;
  options.plugin_path = "/opt/plugins";
  EXPECT_THAT(ErrorOf(bytes, options), HasSubstr("(looked in /opt/plugins)"));
}

TEST(ModelFile, FieldsOfANewerVersionAreKept) {
  // Field 1000, a varint, at the end of the index.
  std::string bytes = Saved(MakeModule());
  bytes += "\xC0\x3E\x05";
  TandemExtras extras;
  TandemLoadOptions options;
  options.extras = &extras;
  const absl::StatusOr<Module> module =
      Loaded(testing::Resigned(bytes), options);
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(extras.unknown_index_fields, "\xC0\x3E\x05");
  TandemSaveOptions save;
  save.extras = extras;
  EXPECT_TRUE(absl::StrContains(Saved(*module, save), "\xC0\x3E\x05"));
}

TEST(ModelFile, ExtraFilesAndPassesAreKept) {
  TandemSaveOptions save;
  save.extras.files = {{"config.json", "{}"}, {"empty", ""}};
  save.extras.passes = {"freeze"};
  TandemExtras extras;
  TandemLoadOptions options;
  options.extras = &extras;
  ASSERT_TRUE(Loaded(Saved(MakeModule(), save), options).ok());
  EXPECT_EQ(extras.files, save.extras.files);
  EXPECT_EQ(extras.passes, save.extras.passes);
}

TEST(ModelFile, TypesAreNotBelieved) {
  const std::string bytes = Saved(MakeModule());
  // The result of add is called a list of str.
  EXPECT_THAT(
      ErrorOf(WithIndex(bytes,
                        [](format::Index& index) {
                          format::Program& p = *index.mutable_program();
                          uint32_t list = 0;
                          for (int i = 0; i < p.types_size(); ++i) {
                            if (p.types(i).kind() == format::Type::LIST) {
                              list = static_cast<uint32_t>(i);
                            }
                          }
                          format::Graph& g = *p.mutable_graphs(0);
                          g.mutable_values(g.values_size() - 1)->set_type(list);
                        })),
      HasSubstr("__torch__.M.forward"));
  // A view that reaches beyond its storage.
  EXPECT_THAT(
      ErrorOf(WithIndex(bytes,
                        [](format::Index& index) {
                          for (format::Object& o :
                               *index.mutable_program()->mutable_objects()) {
                            if (o.has_tensor())
                              o.mutable_tensor()->set_sizes(0, 1000);
                          }
                        })),
      HasSubstr("reaches beyond its storage"));
  // A bool where a Tensor is declared.
  EXPECT_THAT(
      ErrorOf(WithIndex(
          bytes,
          [](format::Index& index) {
            for (format::Object& o :
                 *index.mutable_program()->mutable_objects()) {
              if (o.has_instance()) {
                o.mutable_instance()->mutable_slots(0)->set_boolean(true);
              }
            }
          })),
      HasSubstr("the attribute \"weight\" of the class '__torch__.M' is no "
                "Tensor"));
}

TEST(ModelFile, FunctionsThatCallThemselvesAreRefused) {
  constexpr char kRecursive[] = R"(program 1
class __torch__.M module
  method @__torch__.M.forward
function __torch__.M.forward of __torch__.M(self : __torch__.M, x : Tensor) -> (Tensor)
  graph(%self : __torch__.M,
        %x : Tensor):
    %y : Tensor = prim::CallMethod[name="forward"](%self, %x)
    return (%y)
object 0 : __torch__.M
root object(0)
)";
  absl::StatusOr<CanonicalProgram> program = ParseProgram(kRecursive);
  ASSERT_TRUE(program.ok()) << program.status();
  const Module module(program->unit, program->root.AsRef<ModuleObject>());
  EXPECT_THAT(ErrorOf(Saved(module)), HasSubstr("is called recursively"));
}

TEST(ModelFile, InterfacesThatNameThemselves) {
  constexpr char kText[] = R"(program 1
interface __torch__.I
  requires next(self : __torch__.I) -> (__torch__.I)
class __torch__.C
  method @__torch__.C.next
class __torch__.M module
  attribute i : __torch__.I
function __torch__.C.next of __torch__.C(self : __torch__.C) -> (__torch__.C)
  graph(%self : __torch__.C):
    return (%self)
object 0 : __torch__.M
  i = object(1)
object 1 : __torch__.C
root object(0)
)";
  absl::StatusOr<CanonicalProgram> program = ParseProgram(kText);
  ASSERT_TRUE(program.ok()) << program.status();
  const Module module(program->unit, program->root.AsRef<ModuleObject>());
  EXPECT_EQ(ErrorOf(Saved(module)), "");
}

TEST(ModelFile, AFailedSaveLeavesTheOldFileAndNothingElse) {
  const std::string folder = Folder(), path = folder + "/m.tandem";
  const Module module = MakeModule();
  ASSERT_TRUE(SaveTandem(module, path).ok());
  const auto read = [&] {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  };
  const std::string before = read();
  // The disk is full after so many bytes.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old;
  getrlimit(RLIMIT_FSIZE, &old);
  for (rlim_t size = 0; size < before.size(); size += 50) {
    const rlimit limit{size, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    const absl::Status status = SaveTandem(module, path);
    setrlimit(RLIMIT_FSIZE, &old);
    EXPECT_THAT(std::string(status.message()), HasSubstr(path)) << size;
    EXPECT_EQ(read(), before);
  }
  EXPECT_EQ(unlink(path.c_str()), 0);
  EXPECT_EQ(rmdir(folder.c_str()), 0) << "something was left behind";
}

TEST(ModelFile, WeightsMayBeProducedWhileTheyAreWritten) {
  Module module = MakeModule();
  // As a model that is larger than memory: its tensors have no bytes.
  ASSERT_TRUE(module
                  .SetAttribute("weight", IValue(*Tensor::Meta({1000}, {1},
                                                               DType::kFloat)))
                  .ok());
  TandemSaveOptions options;
  options.content =
      [](const Storage& storage,
         const TandemSaveOptions::Emit& emit) -> absl::StatusOr<bool> {
    if (!storage.is_meta()) return false;
    const std::vector<uint8_t> piece(400, 1);
    for (int i = 0; i < 10; ++i) {
      const absl::Status s = emit(piece);
      if (!s.ok()) return s;
    }
    return true;
  };
  const absl::StatusOr<Module> again = Loaded(Saved(module, options));
  ASSERT_TRUE(again.ok()) << again.status();
  const Tensor weight = again->GetAttribute("weight")->AsTensor();
  EXPECT_FALSE(weight.is_meta());
  EXPECT_EQ(weight.data<uint8_t>()[3999], 1);
}

}  // namespace
}  // namespace tandem
