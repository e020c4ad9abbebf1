// Archives made by hand, right or wrong in any field, for tests.
#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_TEST_ARCHIVE_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_TEST_ARCHIVE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tandem::testing {

// One record. What is set in the optional fields is written in place of the
// right value: in the central directory (d_) or the local header (l_).
struct ZipPart {
  std::string name;
  std::string data;
  bool deflate = false;
  // As PyTorch writes: sizes after the data, and the UTF-8 flag.
  uint16_t flags = 0x0808;
  bool signed_descriptor = true;
  std::optional<std::string> packed;  // the bytes in the file
  std::optional<uint32_t> crc, size, packed_size;
  std::optional<uint16_t> d_method, d_flags, l_method, l_flags;
  std::optional<uint32_t> d_crc, d_size, d_packed_size, d_offset, d_external;
  std::optional<std::string> l_name;
  uint16_t d_made_by = 0;
  std::string extra;    // local extra fields
  std::string d_extra;  // extra fields in the directory
  bool is_listed = true;
};

struct ZipEnd {
  std::string prefix, comment, tail;
  std::optional<uint32_t> count, directory_size, directory_offset;
  std::optional<uint16_t> disk;
};

std::string MakeZip(const std::vector<ZipPart>& parts, const ZipEnd& end = {});

// Little-endian numbers.
std::string Le16(uint64_t v);
std::string Le32(uint64_t v);
std::string Le64(uint64_t v);
std::string Floats(const std::vector<float>& values);
std::string Deflate(const std::string& data);

// Pieces of pickles: each leaves one value on the stack.
namespace pickle {
std::string None();
std::string Bool(bool v);
std::string Int(int64_t v);
std::string Float(double v);
std::string Str(const std::string& v);
std::string Tuple(const std::vector<std::string>& items);
std::string List(const std::vector<std::string>& items);
std::string Dict(const std::vector<std::pair<std::string, std::string>>& items);
std::string Global(const std::string& module, const std::string& name);
// A global called with a tuple of arguments.
std::string Call(const std::string& module, const std::string& name,
                 const std::vector<std::string>& arguments);
// An object of a class "a.b.C" with its state.
std::string Object(const std::string& qualified_name, const std::string& state);
std::string Storage(const std::string& type, const std::string& key,
                    int64_t numel, const std::string& device = "cpu");
std::string Tensor(const std::string& storage, int64_t offset,
                   const std::vector<int64_t>& sizes,
                   const std::vector<int64_t>& strides);
// PROTO, the value, STOP.
std::string Whole(const std::string& value);
}  // namespace pickle

}  // namespace tandem::testing

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_TEST_ARCHIVE_H_
