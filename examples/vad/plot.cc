#include "tandem/examples/vad/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace tandem::examples {
namespace {

constexpr const char* kEighths[] = {" ", "▁", "▂", "▃", "▄",
                                    "▅", "▆", "▇", "█"};

// The largest value of each column, in eighths of a line.
std::vector<int> Columns(absl::Span<const float> values, int width,
                         int height) {
  const auto size = static_cast<int64_t>(values.size());
  const int64_t columns = std::min<int64_t>(width, size);
  std::vector<int> out(columns, 0);
  for (int64_t i = 0; i < size; ++i) {
    const float value = std::isnan(values[i]) ? 0.0f : values[i];
    const int eighths = static_cast<int>(
        std::lround(std::clamp(value, 0.0f, 1.0f) * 8 * height));
    int& column = out[i * columns / size];
    column = std::max(column, eighths);
  }
  return out;
}

// Marks of whole seconds, as far apart as their numbers need.
std::string TimeAxis(int columns, double seconds) {
  std::string line(columns + 8, ' ');
  const double per_second = columns / seconds;
  const int step = std::max(1, static_cast<int>(std::ceil(6 / per_second)));
  for (int second = 0; second * per_second < columns; second += step) {
    const std::string mark = second == 0 ? "0 s" : absl::StrCat(second);
    const auto at = static_cast<size_t>(second * per_second);
    line.replace(at, mark.size(), mark);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

std::string PlotOverTime(absl::Span<const float> values, double seconds,
                         int width, int height) {
  if (values.empty() || !(seconds > 0) || width < 1 || height < 1) return "";
  const std::vector<int> columns = Columns(values, width, height);
  std::string out;
  for (int line = height - 1; line >= 0; --line) {
    std::string drawn;
    size_t end = 0;
    for (const int column : columns) {
      const int fill = std::clamp(column - 8 * line, 0, 8);
      drawn += kEighths[fill];
      if (fill > 0) end = drawn.size();
    }
    drawn.resize(end);
    absl::StrAppendFormat(&out, "  %.1f |%s\n",
                          static_cast<double>(line + 1) / height, drawn);
  }
  absl::StrAppend(&out, "  0.0 +", std::string(columns.size(), '-'), "\n");
  absl::StrAppend(&out, "       ",
                  TimeAxis(static_cast<int>(columns.size()), seconds), "\n");
  return out;
}

}  // namespace tandem::examples
