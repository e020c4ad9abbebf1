#include "tandem/serialization/tandem/index_limits.h"

#include <climits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace tandem::model_file {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Messages that a program of the size of the index could need: its smallest
// useful ones take about ten bytes.
constexpr uint64_t kFreeMessages = 100'000;
constexpr uint64_t kBytesPerMessage = 5;

// Fields of length-delimited type down to `depth` levels. What is a text is
// counted as if it were a message as far as it reads as one, which overcounts
// a little and never undercounts.
uint64_t CountMessages(CodedInputStream& in, int depth) {
  uint64_t count = 0;
  while (const uint32_t tag = in.ReadTag()) {
    if (WireFormatLite::GetTagWireType(tag) !=
        WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&in, tag)) return count;
      continue;
    }
    ++count;
    uint32_t length;
    if (!in.ReadVarint32(&length)) return count;
    if (depth == 0) {
      if (!in.Skip(static_cast<int>(length))) return count;
      continue;
    }
    const int begin = in.CurrentPosition();
    if (length > static_cast<uint32_t>(INT_MAX - begin)) return count;
    const int end = begin + static_cast<int>(length);
    const auto limit = in.PushLimit(static_cast<int>(length));
    count += CountMessages(in, depth - 1);
    in.PopLimit(limit);
    // Whatever was not read as a message.
    const int rest = end - in.CurrentPosition();
    if (rest < 0 || !in.Skip(rest)) return count;
  }
  return count;
}

}  // namespace

absl::Status CheckIndexSize(absl::Span<const uint8_t> index) {
  CodedInputStream in(index.data(), static_cast<int>(index.size()));
  // index > program > graph > node > attribute > value.
  const uint64_t count = CountMessages(in, 5);
  if (count > kFreeMessages + index.size() / kBytesPerMessage) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the index of ", index.size(), " bytes has ", count,
                     " parts, more than any program of its size"));
  }
  return absl::OkStatus();
}

std::string NameOfStorage(const format::Program& program, int storage) {
  // Breadth first from the root, each object once.
  struct Place {
    uint32_t object;
    std::string path;
  };
  std::vector<Place> places = {{program.root(), ""}};
  std::vector<bool> seen(program.objects_size());
  for (size_t i = 0; i < places.size(); ++i) {
    const Place place = places[i];
    if (place.object >= seen.size() || seen[place.object]) continue;
    seen[place.object] = true;
    const format::Object& object =
        program.objects(static_cast<int>(place.object));
    if (object.has_tensor() && object.tensor().has_storage() &&
        object.tensor().storage() == static_cast<uint32_t>(storage)) {
      return absl::StrCat("\"", place.path, "\"");
    }
    const auto go = [&](const format::Value& value, absl::string_view name) {
      if (value.kind_case() != format::Value::kObject) return;
      places.push_back(
          {value.object(), place.path.empty()
                               ? std::string(name)
                               : absl::StrCat(place.path, ".", name)});
    };
    if (object.has_instance()) {
      for (const format::Class& c : program.classes()) {
        if (c.type() != object.instance().type()) continue;
        for (int s = 0;
             s < object.instance().slots_size() && s < c.attributes_size();
             ++s) {
          go(object.instance().slots(s), c.attributes(s).name());
        }
      }
    }
    for (int k = 0; k < object.list().values_size(); ++k) {
      go(object.list().values(k), absl::StrCat(k));
    }
    for (int k = 0; k < object.list().objects_size(); ++k) {
      places.push_back(
          {object.list().objects(k), absl::StrCat(place.path, ".", k)});
    }
    for (int k = 0; k < object.tuple().values_size(); ++k) {
      go(object.tuple().values(k), absl::StrCat(k));
    }
    for (int k = 0; k < object.dict().values_size(); ++k) {
      go(object.dict().values(k), absl::StrCat(k));
    }
    go(object.opaque().state(), "state");
  }
  return absl::StrCat("storage ", storage);
}

}  // namespace tandem::model_file
