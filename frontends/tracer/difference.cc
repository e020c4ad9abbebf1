#include "tandem/frontends/tracer/difference.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/print.h"

namespace tandem::tracer {
namespace {

// Longest common runs of two sequences, as Python's difflib.SequenceMatcher
// finds them.
class Matcher {
 public:
  struct Match {
    size_t a, b, size;
  };

  Matcher(std::vector<int> a, std::vector<int> b,
          absl::flat_hash_set<int> junk = {})
      : a_(std::move(a)), b_(std::move(b)), junk_(std::move(junk)) {
    for (size_t j = 0; j < b_.size(); ++j) {
      if (!junk_.contains(b_[j])) places_[b_[j]].push_back(j);
    }
    if (b_.size() < 200) return;
    const size_t many = b_.size() / 100 + 1;
    absl::erase_if(places_,
                   [&](const auto& e) { return e.second.size() > many; });
  }

  // In order, neighbours merged.
  std::vector<Match> Blocks() const {
    std::vector<Match> found, out;
    struct Range {
      size_t a0, a1, b0, b1;
    };
    std::vector<Range> queue = {{0, a_.size(), 0, b_.size()}};
    while (!queue.empty()) {
      const Range r = queue.back();
      queue.pop_back();
      const Match m = Longest(r.a0, r.a1, r.b0, r.b1);
      if (m.size == 0) continue;
      found.push_back(m);
      if (r.a0 < m.a && r.b0 < m.b) queue.push_back({r.a0, m.a, r.b0, m.b});
      if (m.a + m.size < r.a1 && m.b + m.size < r.b1) {
        queue.push_back({m.a + m.size, r.a1, m.b + m.size, r.b1});
      }
    }
    std::sort(found.begin(), found.end(), [](const Match& x, const Match& y) {
      return std::pair(x.a, x.b) < std::pair(y.a, y.b);
    });
    for (const Match& m : found) {
      if (!out.empty() && out.back().a + out.back().size == m.a &&
          out.back().b + out.back().size == m.b) {
        out.back().size += m.size;
      } else {
        out.push_back(m);
      }
    }
    return out;
  }

  double Ratio() const {
    const size_t length = a_.size() + b_.size();
    if (length == 0) return 1;
    size_t matches = 0;
    for (const Match& m : Blocks()) matches += m.size;
    return 2. * static_cast<double>(matches) / static_cast<double>(length);
  }

  // f(equal, a0, a1, b0, b1) for each piece.
  template <typename F>
  void ForEachPiece(F&& f) const {
    size_t i = 0, j = 0;
    std::vector<Match> blocks = Blocks();
    blocks.push_back({a_.size(), b_.size(), 0});
    for (const Match& m : blocks) {
      if (i < m.a || j < m.b) f(false, i, m.a, j, m.b);
      i = m.a + m.size;
      j = m.b + m.size;
      if (m.size > 0) f(true, m.a, i, m.b, j);
    }
  }

 private:
  Match Longest(size_t a0, size_t a1, size_t b0, size_t b1) const {
    Match best = {a0, b0, 0};
    absl::flat_hash_map<size_t, size_t> lengths;
    for (size_t i = a0; i < a1; ++i) {
      absl::flat_hash_map<size_t, size_t> next;
      if (const auto it = places_.find(a_[i]); it != places_.end()) {
        for (const size_t j : it->second) {
          if (j < b0) continue;
          if (j >= b1) break;
          size_t length = 1;
          if (j > 0) {
            if (const auto p = lengths.find(j - 1); p != lengths.end()) {
              length += p->second;
            }
          }
          next[j] = length;
          if (length > best.size) {
            best = {i + 1 - length, j + 1 - length, length};
          }
        }
      }
      lengths = std::move(next);
    }
    for (const bool junk : {false, true}) {
      while (best.a > a0 && best.b > b0 &&
             junk_.contains(b_[best.b - 1]) == junk &&
             a_[best.a - 1] == b_[best.b - 1]) {
        --best.a, --best.b, ++best.size;
      }
      while (best.a + best.size < a1 && best.b + best.size < b1 &&
             junk_.contains(b_[best.b + best.size]) == junk &&
             a_[best.a + best.size] == b_[best.b + best.size]) {
        ++best.size;
      }
    }
    return best;
  }

  const std::vector<int> a_, b_;
  const absl::flat_hash_set<int> junk_;
  absl::flat_hash_map<int, std::vector<size_t>> places_;
};

// Python's difflib.Differ.
class Differ {
 public:
  Differ(std::vector<std::string> a, std::vector<std::string> b)
      : a_(std::move(a)), b_(std::move(b)) {}

  std::string Run() {
    absl::flat_hash_map<std::string, int> ids;
    const auto numbered = [&](const std::vector<std::string>& lines) {
      std::vector<int> out;
      for (const std::string& line : lines) {
        out.push_back(
            ids.try_emplace(line, static_cast<int>(ids.size())).first->second);
      }
      return out;
    };
    std::vector<int> a = numbered(a_), b = numbered(b_);
    Matcher(std::move(a), std::move(b))
        .ForEachPiece(
            [&](bool equal, size_t a0, size_t a1, size_t b0, size_t b1) {
              if (equal) {
                Dump("  ", a_, a0, a1);
              } else {
                Replace(a0, a1, b0, b1);
              }
            });
    return std::move(out_);
  }

 private:
  void Dump(const char* mark, const std::vector<std::string>& lines,
            size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) absl::StrAppend(&out_, mark, lines[i]);
  }

  static Matcher MatchCharacters(const std::string& a, const std::string& b) {
    return Matcher(std::vector<int>(a.begin(), a.end()),
                   std::vector<int>(b.begin(), b.end()), {' ', '\t'});
  }

  void Replace(size_t a0, size_t a1, size_t b0, size_t b1) {
    if (a0 == a1) return Dump("+ ", b_, b0, b1);
    if (b0 == b1) return Dump("- ", a_, a0, a1);
    double best = 0.74;
    size_t best_i = 0, best_j = 0;
    std::optional<std::pair<size_t, size_t>> same;
    for (size_t j = b0; j < b1; ++j) {
      for (size_t i = a0; i < a1; ++i) {
        if (a_[i] == b_[j]) {
          if (!same.has_value()) same = {i, j};
          continue;
        }
        const double ratio = MatchCharacters(a_[i], b_[j]).Ratio();
        if (ratio > best) {
          best = ratio;
          best_i = i;
          best_j = j;
        }
      }
    }
    bool identical = false;
    if (best < 0.75) {
      if (!same.has_value()) {
        if (b1 - b0 < a1 - a0) {
          Dump("+ ", b_, b0, b1);
          Dump("- ", a_, a0, a1);
        } else {
          Dump("- ", a_, a0, a1);
          Dump("+ ", b_, b0, b1);
        }
        return;
      }
      std::tie(best_i, best_j) = *same;
      identical = true;
    }
    Replace(a0, best_i, b0, best_j);
    if (identical) {
      absl::StrAppend(&out_, "  ", a_[best_i]);
    } else {
      ShowPair(a_[best_i], b_[best_j]);
    }
    Replace(best_i + 1, a1, best_j + 1, b1);
  }

  void ShowPair(const std::string& a, const std::string& b) {
    std::string a_marks, b_marks;
    MatchCharacters(a, b).ForEachPiece(
        [&](bool equal, size_t a0, size_t a1, size_t b0, size_t b1) {
          const char a_mark = equal ? ' ' : b0 == b1 ? '-' : '^';
          const char b_mark = equal ? ' ' : a0 == a1 ? '+' : '^';
          a_marks.append(a1 - a0, a_mark);
          b_marks.append(b1 - b0, b_mark);
        });
    ShowLine("- ", a, std::move(a_marks));
    ShowLine("+ ", b, std::move(b_marks));
  }

  void ShowLine(const char* mark, const std::string& line, std::string marks) {
    for (size_t i = 0; i < marks.size() && i < line.size(); ++i) {
      if (marks[i] == ' ' &&
          absl::ascii_isspace(static_cast<unsigned char>(line[i]))) {
        marks[i] = line[i];
      }
    }
    absl::StripTrailingAsciiWhitespace(&marks);
    absl::StrAppend(&out_, mark, line);
    if (!marks.empty()) absl::StrAppend(&out_, "? ", marks, "\n");
  }

  const std::vector<std::string> a_, b_;
  std::string out_;
};

// With their ends, as Python's splitlines(True).
std::vector<std::string> LinesOf(absl::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const size_t size = end == absl::string_view::npos ? text.size() : end + 1;
    lines.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

// Python's repr of a float.
std::string Repr(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
  std::string text = ShortestDouble(d);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string IndexText(DimSpan sizes, int64_t at) {
  std::vector<int64_t> index(sizes.size());
  for (size_t d = sizes.size(); d-- > 0;) {
    index[d] = at % sizes[d];
    at /= sizes[d];
  }
  return absl::StrCat("(", absl::StrJoin(index, ", "),
                      index.size() == 1 ? ",)" : ")");
}

std::vector<double> Doubles(const Tensor& t) {
  absl::StatusOr<Tensor> out = Tensor::Empty(t.sizes(), DType::kDouble);
  if (!out.ok() || !CopyElements(t, *out).ok()) return {};
  const double* data = out->data<double>();
  return std::vector<double>(data, data + out->numel());
}

// The largest, NaN above all, and where it is first.
std::pair<double, int64_t> Largest(const std::vector<double>& v) {
  size_t at = 0;
  for (size_t i = 1; i < v.size(); ++i) {
    if (std::isnan(v[at])) break;
    if (std::isnan(v[i]) || v[i] > v[at]) at = i;
  }
  return {v[at], static_cast<int64_t>(at)};
}

}  // namespace

std::string LineDifference(absl::string_view before, absl::string_view after) {
  return Differ(LinesOf(before), LinesOf(after)).Run();
}

double DefaultAbsoluteTolerance(DType dtype) {
  switch (dtype) {
    case DType::kHalf:
    case DType::kBFloat16:
    case DType::kFloat:
    case DType::kComplexFloat:
      return 1e-5;
    case DType::kDouble:
    case DType::kComplexDouble:
      return 1e-7;
    default:
      return 0;
  }
}

std::string TensorDifference(const Tensor& actual, const Tensor& expected,
                             double relative, double absolute) {
  if (actual.sizes() != expected.sizes()) {
    return absl::StrCat(
        "The values for attribute 'shape' do not match: "
        "torch.Size(",
        DimsToString(actual.sizes()), ") != torch.Size(",
        DimsToString(expected.sizes()), ").");
  }
  const std::vector<double> a = Doubles(actual), e = Doubles(expected);
  std::vector<double> difference(a.size()), ratio(a.size());
  size_t mismatches = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const bool both_nan = std::isnan(a[i]) && std::isnan(e[i]);
    const double d = std::abs(a[i] - e[i]);
    if (both_nan || a[i] == e[i] ||
        (std::isfinite(d) && d <= absolute + std::abs(relative * e[i]))) {
      continue;
    }
    ++mismatches;
    difference[i] = d;
    ratio[i] = d / std::abs(e[i]);
  }
  if (mismatches == 0) return "";
  const auto [d, d_at] = Largest(difference);
  const auto [r, r_at] = Largest(ratio);
  const std::string up_to_absolute =
      absl::StrCat(" (up to ", Repr(absolute), " allowed)");
  const std::string up_to_relative =
      absl::StrCat(" (up to ", Repr(relative), " allowed)");
  if (actual.dim() == 0) {
    return absl::StrCat("Scalars are not close!\n\nExpected ", Repr(e[0]),
                        " but got ", Repr(a[0]),
                        ".\nAbsolute difference: ", Repr(d), up_to_absolute,
                        "\nRelative difference: ", Repr(r), up_to_relative);
  }
  return absl::StrCat(
      "Tensor-likes are not close!\n\nMismatched elements: ", mismatches, " / ",
      a.size(), " (",
      absl::StrFormat("%.1f", 100. * static_cast<double>(mismatches) /
                                  static_cast<double>(a.size())),
      "%)\nGreatest absolute difference: ", Repr(d), " at index ",
      IndexText(actual.sizes(), d_at), up_to_absolute,
      "\nGreatest relative difference: ", Repr(r), " at index ",
      IndexText(actual.sizes(), r_at), up_to_relative);
}

}  // namespace tandem::tracer
