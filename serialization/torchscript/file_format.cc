#include "tandem/serialization/torchscript/file_format.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tandem {
namespace {

constexpr absl::string_view kSaveAgain =
    "Load it in Python and save the model with "
    "torch.jit.save(torch.jit.script(model), path).";

// The pickled number 0x1950a86a20f9469cfc6c that torch.save began with.
constexpr absl::string_view kLegacyMagic(
    "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 14);

bool LooksLikeSafetensors(absl::Span<const uint8_t> bytes) {
  if (bytes.size() < 10 || bytes[8] != '{') return false;
  if (bytes[9] != '"' && bytes[9] != '}') return false;
  uint64_t header = 0;
  for (int i = 7; i >= 0; --i) header = header << 8 | bytes[i];
  return header <= bytes.size() - 8;
}

bool LooksLikeOnnx(absl::Span<const uint8_t> bytes) {
  // ir_version as field 1, then the producer's name (2), its version (3), a
  // text (6), the graph (7) or the operator sets (8).
  if (bytes.size() < 4 || bytes[0] != 0x08 || bytes[1] == 0 || bytes[1] > 20) {
    return false;
  }
  return bytes[2] == 0x12 || bytes[2] == 0x1A || bytes[2] == 0x32 ||
         bytes[2] == 0x3A || bytes[2] == 0x42;
}

bool LooksLikeText(absl::Span<const uint8_t> bytes) {
  const size_t n = std::min<size_t>(bytes.size(), 512);
  return n > 1 && std::all_of(bytes.begin(), bytes.begin() + n, [](uint8_t b) {
           return b == '\n' || b == '\r' || b == '\t' ||
                  (b >= 0x20 && b < 0x7F);
         });
}

}  // namespace

std::string RecogniseBytes(absl::Span<const uint8_t> bytes) {
  const absl::string_view text(reinterpret_cast<const char*>(bytes.data()),
                               bytes.size());
  if (text.empty()) return "is empty: it holds no archive";
  if (absl::StartsWith(text, "PYTORCH1")) {
    return absl::StrCat(
        "is an archive of PyTorch's preview release, a format that is no "
        "longer read. ",
        kSaveAgain);
  }
  if (absl::StartsWith(text, kLegacyMagic)) {
    return absl::StrCat(
        "is a torch.save file of the form before PyTorch 1.6 (not a zip "
        "archive): it holds weights or Python objects, no program. ",
        kSaveAgain);
  }
  if (text.size() > 8 && text.substr(4, 4) == "PTMF") {
    return absl::StrCat(
        "is a module of the lite interpreter in its flatbuffer form, which "
        "holds bytecode and no source. ",
        kSaveAgain);
  }
  if (text.size() > 262 && text.substr(257, 5) == "ustar") {
    return absl::StrCat(
        "is a tar file, as torch.save of PyTorch 0.1 wrote: it holds weights "
        "or Python objects, no program. ",
        kSaveAgain);
  }
  if (LooksLikeSafetensors(bytes)) {
    return "is a safetensors file: it holds weights alone, no program. Load "
           "them into a model in Python and save that with torch.jit.save.";
  }
  if (text[0] == '\x80' && text.size() > 1 && text[1] >= 2 && text[1] <= 5) {
    return absl::StrCat("is a bare pickle of Python, no zip archive. ",
                        kSaveAgain);
  }
  if (LooksLikeOnnx(bytes)) {
    return "looks like an ONNX model, which is not read. Save the model it was "
           "made from with torch.jit.save.";
  }
  if (absl::StartsWith(text, "\x1f\x8b")) {
    return "is compressed by gzip: unpack it first (it is no zip archive)";
  }
  if (absl::StartsWith(text, "\x89HDF")) {
    return "is an HDF5 file, which holds weights or a Keras model, no "
           "TorchScript archive (a zip archive)";
  }
  if (absl::StartsWith(text, "\x93NUMPY")) {
    return "is a NumPy array (.npy), no TorchScript archive (a zip archive)";
  }
  if (LooksLikeText(bytes)) {
    return absl::StartsWith(text, "version https://git-lfs")
               ? "is a pointer of Git LFS, not the file itself: run git lfs "
                 "pull (it is no zip archive)"
               : "is a text file, no TorchScript archive (a zip archive)";
  }
  return "";
}

std::string RecogniseZip(const ZipReader& zip, absl::string_view folder) {
  const auto has = [&](absl::string_view record) {
    return zip.Find(absl::StrCat(folder, "/", record)) != nullptr ||
           zip.Find(record) != nullptr;
  };
  if (has(".data/extern_modules") || has(".data/python_version")) {
    return absl::StrCat(
        "is a torch.package archive: Python source and pickles, no TorchScript "
        "archive. ",
        kSaveAgain);
  }
  if (has("model.json")) {
    return absl::StrCat(
        "is a script archive of the form before PyTorch 1.4 (model.json), "
        "which is not read. Load it with a PyTorch up to 1.x that still does, "
        "and save it again with torch.jit.save.");
  }
  if (has("archive_format") || has("serialized_exported_program.json") ||
      has("models/model.json")) {
    return "is an archive of torch.export (.pt2), which is not read. Save the "
           "model with torch.jit.save(torch.jit.trace(model, inputs), path) or "
           "torch.jit.script.";
  }
  bool all_npy = !zip.entries().empty();
  for (const ZipEntry& entry : zip.entries()) {
    all_npy = all_npy && absl::EndsWith(entry.name, ".npy");
  }
  if (all_npy) {
    return "is a file of NumPy arrays (.npz), no TorchScript archive";
  }
  return "";
}

}  // namespace tandem
