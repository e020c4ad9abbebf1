#include "tandem/serialization/safetensors/safetensors.h"

#include <cstring>

#include "gtest/gtest.h"
#include "tandem/serialization/safetensors/header.h"

namespace tandem {
namespace {

std::shared_ptr<File> FileOf(std::string json, size_t bytes) {
  std::string text(8, '\0');
  text[0] = static_cast<char>(json.size());
  return File::FromBuffer("x.safetensors",
                          text + json + std::string(bytes, '\1'));
}

TEST(SafetensorsTest, WhatIsWrittenIsRead) {
  const std::string path = testing::TempDir() + "/a.safetensors";
  Tensor half = *Tensor::Zeros({3}, DType::kHalf);
  Tensor floats = *Tensor::Empty({2, 2}, DType::kFloat);
  for (int i = 0; i < 4; ++i) floats.data<float>()[i] = i;
  const Tensor turned = *floats.AsStrided({2, 2}, {1, 2}, 0);
  ASSERT_TRUE(
      SaveSafetensors(path, {{"b\"é", half}, {"a", turned}}, {{"format", "pt"}})
          .ok());
  const auto read = LoadSafetensors(path);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->tensors.size(), 2u);
  EXPECT_EQ(read->tensors[0].first, "a");
  EXPECT_EQ(read->tensors[1].first, "b\"é");
  EXPECT_EQ(read->tensors[0].second.data<float>()[1], 2.f);
  EXPECT_EQ(read->tensors[1].second.dtype(), DType::kHalf);
  EXPECT_EQ(read->metadata[0].second, "pt");
}

TEST(SafetensorsTest, RefusesWhatDoesNotFit) {
  const auto message = [](std::string json, size_t bytes) {
    return std::string(
        LoadSafetensors(FileOf(std::move(json), bytes)).status().message());
  };
  const char* good = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
  EXPECT_EQ(message(good, 2), "");
  EXPECT_EQ(message(good, 3),
            "x.safetensors: tensors take 2 bytes where the file has 3");
  EXPECT_EQ(
      message(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,2]}})", 2),
      "x.safetensors: tensor 'a' of U8[3] cannot be the bytes 0 to 2");
  EXPECT_EQ(message(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],)"
                    R"("data_offsets":[0,0]}})",
                    0)
                .empty(),
            false);
  EXPECT_EQ(
      message(R"({"a":{"dtype":"Q8","shape":[],"data_offsets":[0,1]}})", 1),
      "x.safetensors: tensor 'a' has dtype 'Q8', which tandem has not");
  EXPECT_EQ(message(R"({"a":1})", 0),
            "x.safetensors: byte 5 of the header: expected '{'");
  EXPECT_EQ(message("{", 0),
            "x.safetensors: byte 1 of the header: expected '\"'");
  EXPECT_EQ(message("{}{", 0),
            "x.safetensors: byte 2 of the header: expected the end of the "
            "header");
  EXPECT_FALSE(LoadSafetensors(File::FromBuffer("x", "abc")).ok());
  EXPECT_FALSE(
      LoadSafetensors(File::FromBuffer("x", std::string(8, '\xff'))).ok());
}

}  // namespace
}  // namespace tandem
