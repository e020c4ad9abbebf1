#include "tandem/frontends/nn/repr.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/frontends/eager/error.h"
#include "tandem/tensor/print.h"

namespace tandem::nn {

std::string Repr(bool b) { return b ? "True" : "False"; }

std::string Repr(double d) {
  std::string text = ShortestDouble(d);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string Repr(const std::string& s) { return absl::StrCat("'", s, "'"); }

std::string Repr(const Dims& dims) {
  return absl::StrCat("(", absl::StrJoin(dims, ", "),
                      dims.size() == 1 ? ",)" : ")");
}

std::string Repr(const eager::IntList& list) {
  const Dims dims = list.ToDims();
  return list.is_single() ? absl::StrCat(dims[0]) : Repr(dims);
}

Dims Ntuple(const eager::IntList& list, size_t count) {
  const Dims dims = list.ToDims();
  if (list.is_single()) return Dims(count, dims[0]);
  if (dims.size() != count) {
    eager::Throw(absl::StrCat("expected one number or ", count,
                              " numbers, but got ", dims.size()));
  }
  return dims;
}

}  // namespace tandem::nn
