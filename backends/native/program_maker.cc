// From expressions to programs: one loop for all outputs of the same sizes.
#include <algorithm>
#include <map>
#include <utility>

#include "tandem/backends/elementwise/expression.h"
#include "tandem/backends/native/program.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::native {
namespace {

using elementwise::Expression;
using Kind = Expression::Kind;

absl::Status Refuse(absl::string_view why) {
  return absl::UnimplementedError(why);
}

bool IsReduction(Action a) {
  return a == Action::kSum || a == Action::kMean || a == Action::kMax ||
         a == Action::kMin;
}
bool IsAlongRow(Action a) {
  return a == Action::kSoftmax || a == Action::kLogSoftmax ||
         a == Action::kLayerNorm;
}

// Makes one program. Places are slots that are written once; slots are shared
// at the end.
class Maker {
 public:
  Maker(const Expressions& x, Dims sizes, bool by_rows) : x_(x) {
    p_.sizes = std::move(sizes);
    p_.by_rows = by_rows;
    row_of_.assign(x.all().size(), kUnknown);
  }

  absl::Status AddOutput(int result, int expression) {
    const Expression& e = x_.at(expression);
    const bool rows = IsRow(expression);
    if (!rows && e.sizes != p_.sizes) return Refuse("an output of other sizes");
    for (const ProgramOutput& o : p_.outputs) {
      if (o.result == result) return absl::OkStatus();
    }
    ProgramOutput out;
    out.result = result;
    out.computed = e.computed;
    out.rows = rows;
    out.sizes = e.sizes;
    p_.outputs.push_back(std::move(out));
    const Place place{Place::Kind::kOutput,
                      static_cast<int>(p_.outputs.size()) - 1};
    const auto key = std::make_pair(expression, rows);
    if (const auto it = places_.find(key); it != places_.end()) {
      // Computed already: a copy.
      Instruction copy;
      copy.action = Action::kCast;
      copy.computed = copy.to = e.computed;
      copy.rows = rows;
      copy.num_inputs = 1;
      copy.in[0] = it->second;
      copy.out = place;
      p_.instructions.push_back(copy);
      return absl::OkStatus();
    }
    target_ = &place;
    target_key_ = key;
    return Emit(expression, rows, e.sizes).status();
  }

  Program Take() && {
    ShareSlots();
    p_.Finish();
    return std::move(p_);
  }

 private:
  enum : int8_t { kUnknown = -1, kElements = 0, kRows = 1 };

  // Is it computed once a row?
  bool IsRow(int i) {
    if (row_of_[i] != kUnknown) return row_of_[i] == kRows;
    const Expression& e = x_.at(i);
    bool rows = false;
    if (p_.by_rows && e.kind == Kind::kCompute) {
      if (IsReduction(e.action)) {
        rows = true;
      } else if (!IsAlongRow(e.action) && e.sizes != p_.sizes) {
        for (int in : e.in) rows = rows || (in >= 0 && IsRow(in));
      }
    }
    row_of_[i] = rows ? kRows : kElements;
    return rows;
  }

  Place NewSlot() { return {Place::Kind::kSlot, num_values_++}; }

  // Reads an argument in the loop's order; `sizes` are those of the operator
  // that reads it, which it broadcasts to.
  absl::StatusOr<Place> Read(int i, bool rows, const Dims& sizes) {
    const Expression& e = x_.at(i);
    ProgramInput in;
    in.argument = e.argument;
    in.computed = e.computed;
    in.rows = rows;
    Dims dims = p_.sizes;  // that the loop walks
    Dims own = e.sizes, own_strides = e.strides;
    if (rows) {
      dims.pop_back();
      if (sizes.size() == p_.sizes.size()) {  // [..., 1]
        if (own.size() == sizes.size() || !own.empty()) {
          if (own.back() != 1) return Refuse("rows of other sizes");
          own.pop_back();
          own_strides.pop_back();
        }
      }
    }
    if (own.size() > dims.size()) return Refuse("more dims than the loop");
    in.strides.assign(dims.size(), 0);
    const size_t shift = dims.size() - own.size();
    bool single = true;
    for (size_t d = 0; d < own.size(); ++d) {
      if (own[d] == 1) continue;
      if (own[d] != dims[d + shift]) return Refuse("sizes that differ");
      in.strides[d + shift] = own_strides[d];
      single = false;
    }
    in.single = single;
    in.direct = true;
    if (!single) {
      const Dims plain = ContiguousStrides(dims);
      for (size_t d = 0; d < dims.size(); ++d) {
        if (dims[d] != 1 && in.strides[d] != plain[d]) in.direct = false;
      }
    }
    if (!in.direct) in.slot = num_values_++;
    p_.inputs.push_back(std::move(in));
    return Place{Place::Kind::kInput, static_cast<int>(p_.inputs.size()) - 1};
  }

  // The expression's elements (or one a row), as an operand of an operator
  // whose result has `sizes`.
  absl::StatusOr<Place> Emit(int i, bool rows, const Dims& sizes) {
    const Expression& e = x_.at(i);
    if (e.kind == Kind::kNumber) {
      p_.numbers.push_back(e.number);
      return Place{Place::Kind::kNumber,
                   static_cast<int>(p_.numbers.size()) - 1};
    }
    const auto key = std::make_pair(i, rows);
    if (const auto it = places_.find(key); it != places_.end()) {
      return it->second;
    }
    if (e.kind == Kind::kInput) {
      TANDEM_ASSIGN_OR_RETURN(const Place place, Read(i, rows, sizes));
      // Rows of [..., 1] and of [...] would be read differently.
      if (!rows) places_[key] = place;
      return place;
    }
    if (++depth_ > 500) return Refuse("a chain that is too long");
    const bool own_rows = IsRow(i);
    Instruction n;
    n.action = e.action;
    n.op = e.op;
    n.to = e.computed;
    n.computed = e.computed;
    n.rows = own_rows;
    if (own_rows && !rows) {
      // Spread over the elements: aligned only where the last dim was kept.
      if (e.sizes.size() != p_.sizes.size() &&
          !(e.sizes.empty() && p_.sizes.size() == 1)) {
        return Refuse("a reduced dim that is not kept");
      }
      const Place* target = std::exchange(target_, nullptr);
      const auto target_key = target_key_;
      TANDEM_ASSIGN_OR_RETURN(n.in[0], Emit(i, true, e.sizes));
      target_ = target;
      target_key_ = target_key;
      n.action = Action::kExpand;
      n.num_inputs = 1;
      n.rows = false;
    } else if (rows && !own_rows) {
      return Refuse("elements beside rows");
    } else {
      const Place* target = std::exchange(target_, nullptr);
      const auto target_key = target_key_;
      const bool whole = IsReduction(e.action) || IsAlongRow(e.action);
      n.num_inputs = static_cast<int>(e.in.size());
      n.has_params = e.has_params;
      n.params = e.params;
      n.eps = e.eps;
      for (size_t j = 0; j < e.in.size(); ++j) {
        const int a = e.in[j];
        if (a < 0) continue;
        if (whole && j > 0) {
          // A row's weights, as they lie.
          ProgramInput weight;
          weight.argument = x_.at(a).argument;
          weight.computed = x_.at(a).computed;
          weight.direct = weight.single = true;
          p_.inputs.push_back(weight);
          n.in[j] = {Place::Kind::kInput,
                     static_cast<int>(p_.inputs.size()) - 1};
          continue;
        }
        if (whole && x_.at(a).sizes != p_.sizes) {
          return Refuse("rows of several sizes");
        }
        if (own_rows && !whole && x_.at(a).kind == Kind::kCompute &&
            x_.at(a).sizes != e.sizes) {
          return Refuse("rows of several sizes");
        }
        TANDEM_ASSIGN_OR_RETURN(n.in[j],
                                Emit(a, own_rows && !whole,
                                     own_rows && !whole ? e.sizes : p_.sizes));
      }
      target_ = target;
      target_key_ = target_key;
      // The operands' type: that of a number or of any input but a condition.
      if (e.action == Action::kRow) {
        const int a = e.in.back();
        n.computed = x_.at(a).computed;
      } else if (e.action == Action::kCast) {
        n.computed = x_.at(e.in[0]).computed;
      }
    }
    --depth_;
    if (target_ != nullptr && target_key_ == key) {
      n.out = *target_;
      target_ = nullptr;
    } else {
      n.out = NewSlot();
    }
    p_.instructions.push_back(n);
    places_[key] = n.out;
    return n.out;
  }

  // Values that are not needed any more leave their slots to others.
  void ShareSlots() {
    const int count = static_cast<int>(p_.instructions.size());
    std::vector<int> last(num_values_, -1);
    const auto value_of = [&](const Place& place) {
      if (place.kind == Place::Kind::kSlot) return place.index;
      if (place.kind == Place::Kind::kInput) {
        return p_.inputs[place.index].slot;
      }
      return -1;
    };
    for (int i = 0; i < count; ++i) {
      for (const Place& in : p_.instructions[i].in) {
        if (const int v = value_of(in); v >= 0) last[v] = i;
      }
    }
    std::vector<int> slot(num_values_, -1), free;
    int used = 0;
    const auto take = [&] {
      if (free.empty()) return used++;
      const int s = free.back();
      free.pop_back();
      return s;
    };
    // Gathered inputs are there from the start.
    for (ProgramInput& in : p_.inputs) {
      if (in.slot >= 0) slot[in.slot] = take();
    }
    for (int i = 0; i < count; ++i) {
      Instruction& n = p_.instructions[i];
      const bool in_place = n.action == Action::kRow && !IsTest(n.op) &&
                            n.op != Op::kWhere && n.computed == n.to;
      const auto release = [&] {
        for (const Place& in : n.in) {
          const int v = value_of(in);
          if (v >= 0 && last[v] == i) {
            free.push_back(slot[v]);
            last[v] = -2;
          }
        }
      };
      if (in_place) release();
      if (n.out.kind == Place::Kind::kSlot) slot[n.out.index] = take();
      release();
    }
    for (Instruction& n : p_.instructions) {
      for (Place& in : n.in) {
        if (in.kind == Place::Kind::kSlot) in.index = slot[in.index];
      }
      if (n.out.kind == Place::Kind::kSlot) n.out.index = slot[n.out.index];
    }
    for (ProgramInput& in : p_.inputs) {
      if (in.slot >= 0) in.slot = slot[in.slot];
    }
    p_.num_slots = used;
  }

  const Expressions& x_;
  Program p_;
  int num_values_ = 0;
  int depth_ = 0;
  std::vector<int8_t> row_of_;
  std::map<std::pair<int, bool>, Place> places_;
  const Place* target_ = nullptr;
  std::pair<int, bool> target_key_;
};

// The sizes that an output's loop walks: those of its reductions' operands, or
// its own.
absl::Status LoopOf(const Expressions& x, int output, Dims* sizes,
                    bool* by_rows) {
  std::vector<bool> seen(x.all().size());
  std::vector<int> stack = {output};
  *by_rows = false;
  *sizes = x.at(output).sizes;
  while (!stack.empty()) {
    const int i = stack.back();
    stack.pop_back();
    if (i < 0 || seen[i]) continue;
    seen[i] = true;
    const Expression& e = x.at(i);
    if (e.kind != Kind::kCompute) continue;
    if (IsReduction(e.action) || IsAlongRow(e.action)) {
      const Dims& rows = x.at(e.in[0]).sizes;
      if (*by_rows && *sizes != rows) return Refuse("rows of several sizes");
      *by_rows = true;
      *sizes = rows;
    }
    stack.insert(stack.end(), e.in.begin(), e.in.end());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Program>> MakePrograms(const Expressions& x) {
  std::vector<std::pair<std::pair<Dims, bool>, Maker>> makers;
  for (size_t o = 0; o < x.outputs().size(); ++o) {
    Dims sizes;
    bool by_rows;
    TANDEM_RETURN_IF_ERROR(LoopOf(x, x.outputs()[o], &sizes, &by_rows));
    for (int64_t s : sizes) {
      if (s == 0) return Refuse("empty tensors");
    }
    if (sizes.size() > 16) return Refuse("more than 16 dims");
    if (!CheckedNumel(sizes).ok()) return Refuse("more than 2^63 elements");
    const std::pair<Dims, bool> key(sizes, by_rows);
    auto it = std::find_if(makers.begin(), makers.end(),
                           [&](const auto& m) { return m.first == key; });
    if (it == makers.end()) {
      makers.emplace_back(key, Maker(x, sizes, by_rows));
      it = makers.end() - 1;
    }
    TANDEM_RETURN_IF_ERROR(
        it->second.AddOutput(static_cast<int>(o), x.outputs()[o]));
  }
  std::vector<Program> programs;
  for (auto& [key, maker] : makers) {
    programs.push_back(std::move(maker).Take());
  }
  return programs;
}

}  // namespace tandem::native
