#include "tandem/serialization/torchscript/test_archive.h"

#include <zlib.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/crc32.h"

namespace tandem::testing {

namespace {
std::string Le(uint64_t v, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>(v >> (8 * i) & 255));
  }
  return out;
}
}  // namespace

std::string Le16(uint64_t v) { return Le(v, 2); }
std::string Le32(uint64_t v) { return Le(v, 4); }
std::string Le64(uint64_t v) { return Le(v, 8); }

std::string Floats(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(float));
}

std::string Deflate(const std::string& data) {
  z_stream stream;
  std::memset(&stream, 0, sizeof(stream));
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, data.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(&out[0]);
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string MakeZip(const std::vector<ZipPart>& parts, const ZipEnd& end) {
  std::string out = end.prefix;
  std::string directory;
  size_t count = 0;
  for (const ZipPart& part : parts) {
    const std::string packed =
        part.packed.value_or(part.deflate ? Deflate(part.data) : part.data);
    const uint32_t crc =
        part.crc.value_or(Crc32(0, part.data.data(), part.data.size()));
    const uint32_t packed_size = part.packed_size.value_or(packed.size());
    const uint32_t size = part.size.value_or(part.data.size());
    const uint16_t method = part.deflate ? 8 : 0;
    const uint16_t l_flags = part.l_flags.value_or(part.flags);
    const bool late = (l_flags & 8) != 0;
    const std::string l_name = part.l_name.value_or(part.name);
    const size_t offset = out.size();
    absl::StrAppend(&out, "PK\3\4", Le16(0), Le16(l_flags),
                    Le16(part.l_method.value_or(method)), Le32(0),
                    Le32(late ? 0 : crc), Le32(late ? 0 : packed_size),
                    Le32(late ? 0 : size));
    absl::StrAppend(&out, Le16(l_name.size()), Le16(part.extra.size()), l_name,
                    part.extra, packed);
    if (late) {
      absl::StrAppend(&out, part.signed_descriptor ? "PK\7\10" : "", Le32(crc),
                      Le32(packed_size), Le32(size));
    }
    if (!part.is_listed) continue;
    ++count;
    absl::StrAppend(&directory, "PK\1\2", Le16(part.d_made_by), Le16(0),
                    Le16(part.d_flags.value_or(part.flags)),
                    Le16(part.d_method.value_or(method)), Le32(0));
    absl::StrAppend(&directory, Le32(part.d_crc.value_or(crc)),
                    Le32(part.d_packed_size.value_or(packed_size)),
                    Le32(part.d_size.value_or(size)), Le16(part.name.size()),
                    Le16(part.d_extra.size()), Le16(0), Le16(0), Le16(0));
    absl::StrAppend(&directory, Le32(part.d_external.value_or(0)),
                    Le32(part.d_offset.value_or(offset)), part.name,
                    part.d_extra);
  }
  const size_t directory_offset = out.size();
  const uint32_t shown_count = end.count.value_or(count);
  absl::StrAppend(&out, directory, "PK\5\6", Le16(end.disk.value_or(0)),
                  Le16(end.disk.value_or(0)));
  absl::StrAppend(&out, Le16(shown_count), Le16(shown_count),
                  Le32(end.directory_size.value_or(directory.size())),
                  Le32(end.directory_offset.value_or(directory_offset)),
                  Le16(end.comment.size()));
  absl::StrAppend(&out, end.comment, end.tail);
  return out;
}

namespace pickle {

std::string None() { return "N"; }
std::string Bool(bool v) { return v ? "\x88" : "\x89"; }

std::string Int(int64_t v) {
  if (v >= 0 && v < 256) return absl::StrCat("K", std::string(1, char(v)));
  if (v >= INT32_MIN && v <= INT32_MAX) return absl::StrCat("J", Le32(v));
  return absl::StrCat("\x8a\x08", Le64(v));
}

std::string Float(double v) {
  uint64_t bits;
  std::memcpy(&bits, &v, sizeof(bits));
  const std::string le = Le64(bits);
  return absl::StrCat("G", std::string(le.rbegin(), le.rend()));
}

std::string Str(const std::string& v) {
  return absl::StrCat("X", Le32(v.size()), v);
}

namespace {
std::string Join(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += item;
  return out;
}
}  // namespace

std::string Tuple(const std::vector<std::string>& items) {
  return absl::StrCat("(", Join(items), "t");
}

std::string List(const std::vector<std::string>& items) {
  return absl::StrCat("](", Join(items), "e");
}

std::string Dict(
    const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = "}(";
  for (const auto& [key, value] : items) absl::StrAppend(&out, key, value);
  return out + "u";
}

std::string Global(const std::string& module, const std::string& name) {
  return absl::StrCat("c", module, "\n", name, "\n");
}

std::string Call(const std::string& module, const std::string& name,
                 const std::vector<std::string>& arguments) {
  return absl::StrCat(Global(module, name), Tuple(arguments), "R");
}

std::string Object(const std::string& qualified_name,
                   const std::string& state) {
  const size_t dot = qualified_name.rfind('.');
  return absl::StrCat(
      Global(qualified_name.substr(0, dot), qualified_name.substr(dot + 1)),
      ")\x81", state, "b");
}

std::string Storage(const std::string& type, const std::string& key,
                    int64_t numel, const std::string& device) {
  return absl::StrCat(Tuple({Str("storage"), Global("torch", type), Str(key),
                             Str(device), Int(numel)}),
                      "Q");
}

std::string Tensor(const std::string& storage, int64_t offset,
                   const std::vector<int64_t>& sizes,
                   const std::vector<int64_t>& strides) {
  std::vector<std::string> size_items, stride_items;
  for (int64_t v : sizes) size_items.push_back(Int(v));
  for (int64_t v : strides) stride_items.push_back(Int(v));
  return Call(
      "torch._utils", "_rebuild_tensor_v2",
      {storage, Int(offset), Tuple(size_items), Tuple(stride_items),
       Bool(false), absl::StrCat(Global("collections", "OrderedDict"), ")R")});
}

std::string Whole(const std::string& value) {
  return absl::StrCat("\x80\x02", value, ".");
}

}  // namespace pickle
}  // namespace tandem::testing
