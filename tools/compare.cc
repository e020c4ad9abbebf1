#include "tandem/tools/compare.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/copy.h"

namespace tandem::tools {
namespace {

struct Bounds {
  double rtol, atol;
};

Bounds BoundsFor(DType dtype, const Tolerance& t) {
  Bounds b{1e-4, 1e-5};
  switch (dtype) {
    case DType::kDouble:
    case DType::kComplexDouble:
      b = {1e-7, 1e-9};
      break;
    case DType::kHalf:
    case DType::kComplexHalf:
      b = {1e-3, 1e-5};
      break;
    case DType::kBFloat16:
      b = {1.6e-2, 1e-5};
      break;
    default:
      break;
  }
  return {t.rtol.value_or(b.rtol), t.atol.value_or(b.atol)};
}

absl::string_view KindName(const IValue& v) {
  switch (v.tag()) {
    case IValue::Tag::kNone:
      return "None";
    case IValue::Tag::kBool:
      return "bool";
    case IValue::Tag::kInt:
      return "int";
    case IValue::Tag::kDouble:
      return "float";
    case IValue::Tag::kComplex:
      return "complex";
    case IValue::Tag::kTensor:
      return "Tensor";
    case IValue::Tag::kString:
      return "str";
    case IValue::Tag::kList:
      return "list";
    case IValue::Tag::kTuple:
      return "tuple";
    case IValue::Tag::kDict:
      return "dict";
    default:
      return "another kind of value";
  }
}

bool Near(double got, double want, double bound) {
  if (std::isnan(got) || std::isnan(want))
    return std::isnan(got) && std::isnan(want);
  if (std::isinf(got) || std::isinf(want)) return got == want;
  return std::fabs(got - want) <= bound;
}

std::string CompareFloats(const std::complex<double>* got,
                          const std::complex<double>* want, int64_t n, Bounds b,
                          absl::string_view where) {
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (double part : {want[i].real(), want[i].imag()}) {
      if (std::isfinite(part)) largest = std::max(largest, std::fabs(part));
    }
  }
  const double floor = b.atol * std::max(1.0, 10 * largest);
  int64_t wrong = 0, first = -1;
  double worst = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double bound = floor + b.rtol * std::abs(want[i]);
    const double limit = std::isfinite(bound) ? bound : floor;
    if (Near(got[i].real(), want[i].real(), limit) &&
        Near(got[i].imag(), want[i].imag(), limit)) {
      continue;
    }
    if (first < 0) first = i;
    ++wrong;
    worst = std::max(worst, std::abs(got[i] - want[i]));
  }
  if (wrong == 0) return "";
  return absl::StrCat(
      where, ": ", wrong, " of ", n, " elements differ, element ", first,
      " is ", got[first].real(),
      got[first].imag() != 0 ? absl::StrCat("+", got[first].imag(), "j") : "",
      ", not ", want[first].real(),
      want[first].imag() != 0 ? absl::StrCat("+", want[first].imag(), "j") : "",
      "; the largest difference is ", worst);
}

std::string CompareQuantized(const Tensor& got, const Tensor& want,
                             absl::string_view where) {
  if (!got.is_quantized() || !want.is_quantized()) {
    return absl::StrCat(where, ": one is quantized, the other is not");
  }
  const Quantizer& g = *got.impl()->quantizer;
  const Quantizer& w = *want.impl()->quantizer;
  if (g.scheme != w.scheme || g.scale != w.scale ||
      g.zero_point != w.zero_point) {
    return absl::StrCat(where, ": scale ", g.scale, " and zero point ",
                        g.zero_point, ", not ", w.scale, " and ", w.zero_point);
  }
  const auto a = Clone(got, MemoryFormat::kContiguous);
  const auto b = Clone(want, MemoryFormat::kContiguous);
  if (!a.ok() || !b.ok()) return absl::StrCat(where, ": cannot be read");
  for (int64_t i = 0; i < got.numel(); ++i) {
    int64_t x, y;
    switch (got.element_size()) {
      case 4:
        x = a->data<int32_t>()[i];
        y = b->data<int32_t>()[i];
        break;
      default:
        x = got.dtype() == DType::kQInt8 ? a->data<int8_t>()[i]
                                         : a->data<uint8_t>()[i];
        y = got.dtype() == DType::kQInt8 ? b->data<int8_t>()[i]
                                         : b->data<uint8_t>()[i];
    }
    if (std::abs(x - y) > 1) {
      return absl::StrCat(where, ": element ", i, " is ", x, " quanta, not ",
                          y);
    }
  }
  return "";
}

std::string CompareTensors(const Tensor& got, const Tensor& want,
                           const Tolerance& tolerance,
                           absl::string_view where) {
  if (!got.defined() || !want.defined()) {
    return got.defined() == want.defined()
               ? ""
               : absl::StrCat(where, ": one is undefined");
  }
  if (got.dtype() != want.dtype()) {
    return absl::StrCat(where, ": dtype ", PythonName(got.dtype()), ", not ",
                        PythonName(want.dtype()));
  }
  if (got.sizes() != want.sizes()) {
    return absl::StrCat(where, ": shape ", DimsToString(got.sizes()), ", not ",
                        DimsToString(want.sizes()));
  }
  if (got.is_sparse() || want.is_sparse()) {
    if (got.is_sparse() != want.is_sparse())
      return absl::StrCat(where, ": one is sparse");
    const SparseParts& g = *got.impl()->sparse;
    const SparseParts& w = *want.impl()->sparse;
    if (got.impl()->layout == Layout::kSparse) {
      std::string s = CompareTensors(g.indices, w.indices, tolerance, where);
      return s.empty() ? CompareTensors(g.values, w.values, tolerance, where)
                       : s;
    }
    std::string s = CompareTensors(g.crow, w.crow, tolerance, where);
    if (s.empty()) s = CompareTensors(g.col, w.col, tolerance, where);
    return s.empty() ? CompareTensors(g.values, w.values, tolerance, where) : s;
  }
  if (got.is_meta() || want.is_meta()) {
    return got.is_meta() == want.is_meta()
               ? ""
               : absl::StrCat(where, ": one is on meta");
  }
  if (IsQuantized(got.dtype())) return CompareQuantized(got, want, where);
  if (IsIntegral(got.dtype(), true) ||
      CategoryOf(got.dtype()) == DTypeCategory::kOther) {
    const auto a = Clone(got, MemoryFormat::kContiguous);
    const auto b = Clone(want, MemoryFormat::kContiguous);
    if (!a.ok() || !b.ok()) return absl::StrCat(where, ": cannot be read");
    const size_t size = got.element_size();
    const char* x = a->raw_data();
    const char* y = b->raw_data();
    for (int64_t i = 0; i < got.numel(); ++i) {
      if (std::equal(x + i * size, x + (i + 1) * size, y + i * size)) continue;
      const auto value = [&](const Tensor& t) {
        const auto one = t.AsStrided({}, {}, i);
        const auto item =
            one.ok() ? one->Item() : absl::StatusOr<Scalar>(one.status());
        return item.ok() ? IValue(*item).ToString()
                         : std::string("other bytes");
      };
      return absl::StrCat(where, ": element ", i, " is ", value(*a), ", not ",
                          value(*b));
    }
    return "";
  }
  const auto a = CloneContiguous(got, DType::kComplexDouble);
  const auto b = CloneContiguous(want, DType::kComplexDouble);
  if (!a.ok() || !b.ok())
    return absl::StrCat(where, ": cannot be read as numbers");
  return CompareFloats(a->data<std::complex<double>>(),
                       b->data<std::complex<double>>(), got.numel(),
                       BoundsFor(got.dtype(), tolerance), where);
}

std::string CompareAt(const IValue& got, const IValue& want,
                      const Tolerance& tolerance, const std::string& where) {
  if (got.is_enum() && want.is_string()) {
    const std::string text =
        absl::StrCat(got.AsEnum().type->base_name(), ".", got.AsEnum().name);
    return text == want.AsString()
               ? ""
               : absl::StrCat(where, ": ", text, ", not ", want.AsString());
  }
  if (got.is_device() && want.is_string()) {
    return got.AsDevice().ToString() == want.AsString()
               ? ""
               : absl::StrCat(where, ": another device");
  }
  if (got.tag() != want.tag()) {
    return absl::StrCat(where, ": ", KindName(got), ", not ", KindName(want));
  }
  switch (got.tag()) {
    case IValue::Tag::kTensor:
      return CompareTensors(got.AsTensor(), want.AsTensor(), tolerance, where);
    case IValue::Tag::kDouble:
    case IValue::Tag::kComplex: {
      const std::complex<double> g = got.AsScalar().ToComplex();
      const std::complex<double> w = want.AsScalar().ToComplex();
      return CompareFloats(&g, &w, 1, BoundsFor(DType::kDouble, tolerance),
                           where);
    }
    case IValue::Tag::kList:
    case IValue::Tag::kTuple: {
      const auto& g =
          got.is_list() ? got.AsList().values : got.AsTuple().values;
      const auto& w =
          want.is_list() ? want.AsList().values : want.AsTuple().values;
      if (g.size() != w.size()) {
        return absl::StrCat(where, ": ", g.size(), " elements, not ", w.size());
      }
      for (size_t i = 0; i < g.size(); ++i) {
        std::string s =
            CompareAt(g[i], w[i], tolerance, absl::StrCat(where, "[", i, "]"));
        if (!s.empty()) return s;
      }
      return "";
    }
    case IValue::Tag::kDict: {
      const auto g = got.AsDict().Items();
      const auto w = want.AsDict().Items();
      if (g.size() != w.size()) {
        return absl::StrCat(where, ": ", g.size(), " entries, not ", w.size());
      }
      for (size_t i = 0; i < g.size(); ++i) {
        std::string s = CompareAt(g[i].first, w[i].first, tolerance,
                                  absl::StrCat(where, " key ", i));
        if (s.empty()) {
          s = CompareAt(g[i].second, w[i].second, tolerance,
                        absl::StrCat(where, "[", w[i].first.ToString(), "]"));
        }
        if (!s.empty()) return s;
      }
      return "";
    }
    default:
      if (Equal(got, want)) return "";
      return absl::StrCat(where, ": ", got.ToString(), ", not ",
                          want.ToString());
  }
}

}  // namespace

std::string Compare(const IValue& got, const IValue& want,
                    const Tolerance& tolerance) {
  return CompareAt(got, want, tolerance, "");
}

}  // namespace tandem::tools
