#include "tandem/serialization/torchscript/tensor_reader.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {

using Kind = PickleValue::Kind;

namespace {

// More dimensions than any program has.
constexpr size_t kMaxDims = 1024;

constexpr absl::string_view kUtilFunctions[] = {
    "_rebuild_tensor",
    "_rebuild_tensor_v2",
    "_rebuild_tensor_v3",
    "_rebuild_qtensor",
    "_rebuild_sparse_tensor",
    "_rebuild_parameter",
    "_rebuild_parameter_with_state",
    "_rebuild_meta_tensor_no_storage",
};

constexpr absl::string_view kSchemes[] = {
    "per_tensor_affine", "per_channel_affine", "per_tensor_symmetric",
    "per_channel_symmetric", "per_channel_affine_float_qparams"};

bool IsRebuild(absl::string_view module, absl::string_view name) {
  if (module == "torch._tensor") return name == "_rebuild_from_type_v2";
  if (module != "torch._utils") return false;
  for (const absl::string_view function : kUtilFunctions) {
    if (name == function) return true;
  }
  return false;
}

// The elements of a small tensor of numbers, in row-major order.
template <typename T>
absl::Status CopyElements(const Tensor& from, absl::Span<T> out) {
  const auto copy = [&](auto zero) {
    using From = decltype(zero);
    // By index over all dims: such tensors are views now and then.
    Dims index(from.dim(), 0);
    for (T& value : out) {
      int64_t at = from.offset();
      for (int64_t d = 0; d < from.dim(); ++d) at += index[d] * from.stride(d);
      From element;
      std::memcpy(&element,
                  static_cast<const char*>(from.storage()->data()) +
                      at * static_cast<int64_t>(sizeof(From)),
                  sizeof(From));
      value = static_cast<T>(element);
      for (int64_t d = from.dim() - 1; d >= 0; --d) {
        if (++index[d] < from.size(d)) break;
        index[d] = 0;
      }
    }
    return absl::OkStatus();
  };
  switch (from.dtype()) {
    case DType::kFloat:
      return copy(float{});
    case DType::kDouble:
      return copy(double{});
    case DType::kInt64:
      return copy(int64_t{});
    case DType::kInt32:
      return copy(int32_t{});
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("has the dtype ", PythonName(from.dtype())));
  }
}

// The 1-dim tensor's values as doubles or int64s, contiguous.
template <typename T>
absl::StatusOr<Tensor> ToVector(const Tensor& from, DType dtype) {
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty({from.numel()}, dtype));
  TANDEM_RETURN_IF_ERROR(CopyElements(
      from, absl::MakeSpan(out.data<T>(), static_cast<size_t>(out.numel()))));
  return out;
}

}  // namespace

bool IsTensorGlobal(absl::string_view module, absl::string_view name) {
  if (IsRebuild(module, name)) return true;
  if (DTypeOfStorageClass(module, name).has_value()) return true;
  if (module == "collections") return name == "OrderedDict";
  if (module == "torch.serialization") return name == "_get_layout";
  if (module == "torch.nn.parameter") return name == "Parameter";
  if (module != "torch") return false;
  for (const absl::string_view scheme : kSchemes) {
    if (name == scheme) return true;
  }
  return name == "Size" || name == "device" || name == "Tensor" ||
         DTypeFromPythonName(name).has_value();
}

bool TensorReader::IsTensor(const PickleValue& value) const {
  if (value.kind != Kind::kCall) return false;
  const PickleValue& callee = pickle_.Callee(value);
  return IsRebuild(pickle_.Module(callee), pickle_.Name(callee));
}

absl::StatusOr<Tensor> TensorReader::Read(const PickleValue& value) {
  if (!IsTensor(value)) {
    return pickle_.Error(value, absl::StrCat("a tensor is expected, not ",
                                             KindName(value.kind)));
  }
  const auto known = tensors_.find(value.node);
  if (known != tensors_.end()) return known->second;
  TANDEM_ASSIGN_OR_RETURN(Tensor tensor,
                          Rebuild(value, pickle_.Name(pickle_.Callee(value)),
                                  pickle_.Items(pickle_.Argument(value))));
  tensors_.emplace(value.node, tensor);
  return tensor;
}

absl::StatusOr<Tensor> TensorReader::Rebuild(const PickleValue& value,
                                             absl::string_view function,
                                             Arguments arguments) {
  const auto bad_count = [&] {
    return pickle_.Error(value, absl::StrCat(function, " is called with ",
                                             arguments.size(), " arguments"));
  };
  if (function == "_rebuild_parameter" ||
      function == "_rebuild_parameter_with_state") {
    if (arguments.size() < 2 || arguments.size() > 4) return bad_count();
    if (!IsTensor(arguments[0])) {
      return pickle_.Error(value, absl::StrCat("a parameter is made of ",
                                               KindName(arguments[0].kind),
                                               ", a tensor is expected"));
    }
    TANDEM_ASSIGN_OR_RETURN(const Tensor data, Read(arguments[0]));
    TANDEM_ASSIGN_OR_RETURN(const bool requires_grad,
                            Bool(arguments[1], "requires_grad"));
    Tensor parameter = data.Alias();
    parameter.impl()->requires_grad = requires_grad;
    return parameter;
  }
  if (function == "_rebuild_from_type_v2") {
    // (function, type, arguments, state): the type and the state of a subclass
    // are Python's and are left aside.
    if (arguments.size() != 4 || arguments[0].kind != Kind::kGlobal ||
        arguments[2].kind != Kind::kTuple ||
        !IsRebuild(pickle_.Module(arguments[0]), pickle_.Name(arguments[0])) ||
        pickle_.Name(arguments[0]) == "_rebuild_from_type_v2") {
      return pickle_.Error(value,
                           "_rebuild_from_type_v2 must be called with (a "
                           "function that makes tensors, type, arguments, "
                           "state)");
    }
    return Rebuild(value, pickle_.Name(arguments[0]),
                   pickle_.Items(arguments[2]));
  }
  if (function == "_rebuild_sparse_tensor") {
    return RebuildSparse(value, arguments);
  }
  if (function == "_rebuild_meta_tensor_no_storage") {
    return arguments.size() == 4 ? RebuildMeta(value, arguments) : bad_count();
  }
  const bool quantized = function == "_rebuild_qtensor";
  const size_t least = function == "_rebuild_tensor"      ? 4
                       : function == "_rebuild_tensor_v2" ? 5
                       : quantized                        ? 6
                                                          : 7;
  if (arguments.size() < least || arguments.size() > 8) return bad_count();
  return RebuildStrided(value, function, arguments);
}

absl::StatusOr<Tensor> TensorReader::RebuildStrided(const PickleValue& value,
                                                    absl::string_view function,
                                                    Arguments arguments) {
  const bool quantized = function == "_rebuild_qtensor";
  TANDEM_ASSIGN_OR_RETURN(const StorageTable::Reference reference,
                          storages_.Resolve(pickle_, arguments[0]));
  DType dtype = reference.dtype;
  if (function == "_rebuild_tensor_v3") {
    TANDEM_ASSIGN_OR_RETURN(dtype, ReadDType(arguments[6]));
  }
  if (dtype == DType::kUndefined) {
    return pickle_.Error(value,
                         absl::StrCat(function,
                                      " is called with a storage without "
                                      "dtype"));
  }
  if (quantized != IsQuantized(dtype)) {
    return pickle_.Error(value, absl::StrCat(function, " is called with a ",
                                             PythonName(dtype), " storage"));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t offset,
                          Int(arguments[1], "storage offset"));
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, Sizes(arguments[2], "sizes"));
  TANDEM_ASSIGN_OR_RETURN(const Dims strides, Sizes(arguments[3], "strides"));
  const auto refuse = [&](absl::string_view what) {
    return pickle_.Error(value,
                         absl::StrCat("a tensor over storage ",
                                      Printable(reference.record), " ", what));
  };
  if (sizes.size() != strides.size()) {
    return refuse(absl::StrCat("has ", sizes.size(), " sizes and ",
                               strides.size(), " strides"));
  }
  if (offset < 0) return refuse(absl::StrCat("has storage offset ", offset));
  // The last element's place; nothing here may overflow.
  __int128 last = offset;
  __int128 count = 1;
  bool empty = false;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] < 0) {
      return refuse(absl::StrCat("has a negative size: ", DimsToString(sizes)));
    }
    if (strides[d] < 0) {
      return refuse(
          absl::StrCat("has a negative stride: ", DimsToString(strides)));
    }
    if (sizes[d] == 0) empty = true;
    if (sizes[d] > 0) count *= sizes[d];
    if (count > INT64_MAX) {
      return refuse(absl::StrCat("has sizes whose product overflows: ",
                                 DimsToString(sizes)));
    }
    if (sizes[d] > 1) last += static_cast<__int128>(sizes[d] - 1) * strides[d];
    if (last > INT64_MAX && !empty) {
      return refuse(absl::StrCat("reaches beyond it: sizes ",
                                 DimsToString(sizes), " with strides ",
                                 DimsToString(strides), " overflow"));
    }
  }
  // Of what the reference claims and what there is, the smaller counts.
  const int64_t element_size = static_cast<int64_t>(ElementSize(dtype));
  const int64_t elements = reference.dtype == DType::kUndefined
                               ? reference.numel / element_size
                               : reference.numel;
  if (!empty && last >= elements) {
    return refuse(absl::StrCat(
        "reaches beyond it: sizes ", DimsToString(sizes), ", strides ",
        DimsToString(strides), ", storage offset ", offset, " need ",
        static_cast<int64_t>(last) + 1, " elements, it has ", elements));
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor tensor, Tensor::OverStorage(reference.storage, empty ? 0 : offset,
                                         sizes, strides, dtype));
  if (reference.storage->is_meta()) {
    tensor.impl()->device = Device{DeviceType::kMeta, -1};
  }
  if (quantized) {
    TANDEM_RETURN_IF_ERROR(Quantize(value, arguments[4], tensor));
  }
  const size_t grad = quantized ? 5 : 4;
  if (arguments.size() > grad) {
    TANDEM_ASSIGN_OR_RETURN(tensor.impl()->requires_grad,
                            Bool(arguments[grad], "requires_grad"));
  }
  const size_t flags = function == "_rebuild_tensor_v3" ? 7 : 6;
  if (!quantized && arguments.size() > flags) {
    TANDEM_RETURN_IF_ERROR(Flags(arguments[flags], tensor));
  }
  return tensor;
}

absl::Status TensorReader::Flags(const PickleValue& metadata, Tensor& tensor) {
  if (metadata.kind == Kind::kNone) return absl::OkStatus();
  const PickleValue* dict = &metadata;
  if (metadata.kind == Kind::kCall &&
      pickle_.Name(pickle_.Callee(metadata)) == "restore_type_tag" &&
      !pickle_.Items(pickle_.Argument(metadata)).empty()) {
    dict = &pickle_.Items(pickle_.Argument(metadata))[0];
  }
  const PickleValue& value = *dict;
  if (value.kind != Kind::kDict) {
    return pickle_.Error(
        value, absl::StrCat("the tensor's metadata is ", KindName(value.kind),
                            ", a dict is expected"));
  }
  const auto items = pickle_.Items(value);
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind != Kind::kString) {
      return pickle_.Error(items[i], "a key of a tensor's metadata is no text");
    }
    const absl::string_view key = pickle_.String(items[i]);
    TANDEM_ASSIGN_OR_RETURN(
        const bool set, Bool(items[i + 1], "a flag of a tensor's metadata"));
    if (key == "conj") {
      if (set && !IsComplex(tensor.dtype())) {
        return pickle_.Error(items[i],
                             "a tensor that is not complex has the "
                             "flag conj");
      }
      tensor.impl()->conj = set;
    } else if (key == "neg") {
      tensor.impl()->neg = set;
    } else {
      return pickle_.Error(items[i],
                           absl::StrCat("a tensor's metadata has the unknown "
                                        "key \"",
                                        Printable(key), "\""));
    }
  }
  return absl::OkStatus();
}

absl::Status TensorReader::Quantize(const PickleValue& value,
                                    const PickleValue& quantizer,
                                    Tensor& tensor) {
  const auto refuse = [&](absl::string_view what) {
    return pickle_.Error(value, absl::StrCat("a quantized tensor's ", what));
  };
  if (quantizer.kind != Kind::kTuple) {
    return refuse(absl::StrCat("quantizer is ", KindName(quantizer.kind),
                               ", a tuple is expected"));
  }
  const auto items = pickle_.Items(quantizer);
  auto made = std::make_shared<Quantizer>();
  int64_t scheme = -1;
  if (!items.empty() && items[0].kind == Kind::kGlobal) {
    for (size_t i = 0; i < ABSL_ARRAYSIZE(kSchemes); ++i) {
      if (pickle_.Module(items[0]) == "torch" &&
          pickle_.Name(items[0]) == kSchemes[i]) {
        scheme = static_cast<int64_t>(i);
      }
    }
  } else if (!items.empty() && items[0].kind == Kind::kInt) {
    scheme = items[0].integer;
  }
  made->scheme = scheme;
  if (scheme == 0) {
    if (items.size() != 3 || items[1].kind != Kind::kFloat ||
        items[2].kind != Kind::kInt) {
      return refuse(
          "quantizer must be (torch.per_tensor_affine, scale, zero_point)");
    }
    made->scale = items[1].real;
    made->zero_point = items[2].integer;
    if (!std::isfinite(made->scale) || made->scale < 0) {
      return refuse(absl::StrCat("scale is ", made->scale));
    }
    int64_t low = INT32_MIN, high = INT32_MAX;
    switch (tensor.dtype()) {
      case DType::kQInt8:
        low = -128, high = 127;
        break;
      case DType::kQUInt8:
        low = 0, high = 255;
        break;
      case DType::kQUInt4x2:
        low = 0, high = 15;
        break;
      case DType::kQUInt2x4:
        low = 0, high = 3;
        break;
      default:
        break;
    }
    if (made->zero_point < low || made->zero_point > high) {
      return refuse(absl::StrCat("zero point is ", made->zero_point,
                                 ", beyond what ", PythonName(tensor.dtype()),
                                 " holds"));
    }
    tensor.impl()->quantizer = std::move(made);
    return absl::OkStatus();
  }
  if (scheme != 1 && scheme != 4) {
    return refuse("scheme of quantization is not one that is known");
  }
  if (items.size() != 4 || items[3].kind != Kind::kInt) {
    return refuse("quantizer must be (scheme, scales, zero_points, axis)");
  }
  made->axis = items[3].integer;
  if (made->axis < 0 || made->axis >= tensor.dim()) {
    return refuse(absl::StrCat("axis of quantization is ", made->axis, " of ",
                               tensor.dim(), " dimensions"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor scales, Read(items[1]));
  TANDEM_ASSIGN_OR_RETURN(const Tensor zero_points, Read(items[2]));
  const int64_t channels = tensor.size(made->axis);
  for (const Tensor* t : {&scales, &zero_points}) {
    if (t->is_meta() || t->is_sparse() || t->dim() != 1 ||
        t->numel() != channels) {
      return refuse(absl::StrCat(
          "scales and zero points must be 1-dimensional with one value for "
          "each of its ",
          channels, " channels, one has the sizes ", DimsToString(t->sizes())));
    }
  }
  absl::StatusOr<Tensor> copied =
      scheme == 4 ? ToVector<float>(scales, DType::kFloat)
                  : ToVector<double>(scales, DType::kDouble);
  if (!copied.ok()) {
    return refuse(absl::StrCat("scale ", copied.status().message()));
  }
  made->scales = *std::move(copied);
  copied = scheme == 4 ? ToVector<float>(zero_points, DType::kFloat)
                       : ToVector<int64_t>(zero_points, DType::kInt64);
  if (!copied.ok()) {
    return refuse(absl::StrCat("zero point ", copied.status().message()));
  }
  made->zero_points = *std::move(copied);
  tensor.impl()->quantizer = std::move(made);
  return absl::OkStatus();
}

absl::StatusOr<Tensor> TensorReader::RebuildMeta(const PickleValue& value,
                                                 Arguments arguments) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, ReadDType(arguments[0]));
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, Sizes(arguments[1], "sizes"));
  TANDEM_ASSIGN_OR_RETURN(const Dims strides, Sizes(arguments[2], "strides"));
  TANDEM_ASSIGN_OR_RETURN(const bool requires_grad,
                          Bool(arguments[3], "requires_grad"));
  __int128 last = 0;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (d >= strides.size() || sizes[d] < 0 || strides[d] < 0 ||
        (last += static_cast<__int128>(sizes[d]) * strides[d]) >
            (INT64_MAX >> 8)) {
      return pickle_.Error(value, "a meta tensor's sizes or strides are wrong");
    }
  }
  absl::StatusOr<Tensor> tensor = Tensor::Meta(sizes, strides, dtype);
  if (!tensor.ok()) return pickle_.Error(value, tensor.status().message());
  tensor->impl()->requires_grad = requires_grad;
  return tensor;
}

absl::StatusOr<int64_t> TensorReader::Int(const PickleValue& value,
                                          absl::string_view what) {
  if (value.kind == Kind::kInt) return value.integer;
  return pickle_.Error(
      value, absl::StrCat("a tensor's ", what, " is ", KindName(value.kind),
                          ", an int is expected"));
}

absl::StatusOr<bool> TensorReader::Bool(const PickleValue& value,
                                        absl::string_view what) {
  if (value.kind == Kind::kBool) return value.boolean;
  return pickle_.Error(
      value, absl::StrCat("a tensor's ", what, " is ", KindName(value.kind),
                          ", a bool is expected"));
}

absl::StatusOr<Dims> TensorReader::Sizes(const PickleValue& value,
                                         absl::string_view what) {
  const PickleValue* tuple = &value;
  if (value.kind == Kind::kCall &&
      pickle_.Name(pickle_.Callee(value)) == "Size" &&
      pickle_.Items(pickle_.Argument(value)).size() == 1) {
    tuple = &pickle_.Items(pickle_.Argument(value))[0];
  }
  if (tuple->kind != Kind::kTuple) {
    return pickle_.Error(
        value, absl::StrCat("a tensor's ", what, " are ", KindName(value.kind),
                            ", a tuple is expected"));
  }
  const auto items = pickle_.Items(*tuple);
  if (items.size() > kMaxDims) {
    return pickle_.Error(value,
                         absl::StrCat("a tensor has ", items.size(),
                                      " dimensions, the limit is ", kMaxDims));
  }
  Dims dims;
  for (const PickleValue& item : items) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t dim, Int(item, what));
    dims.push_back(dim);
  }
  return dims;
}

absl::StatusOr<DType> TensorReader::ReadDType(const PickleValue& value) {
  std::optional<DType> dtype;
  if (value.kind == Kind::kInt) dtype = DTypeFromInt(value.integer);
  if (value.kind == Kind::kGlobal && pickle_.Module(value) == "torch") {
    dtype = DTypeFromPythonName(pickle_.Name(value));
  }
  if (!dtype.has_value() || *dtype == DType::kUndefined) {
    return pickle_.Error(value, "a tensor's dtype is not one that is known");
  }
  return *dtype;
}

absl::StatusOr<Layout> TensorReader::ReadLayout(const PickleValue& value) {
  if (value.kind == Kind::kInt) {
    if (value.integer == 1) return Layout::kSparse;
    if (value.integer == 2) return Layout::kSparseCsr;
  } else if (value.kind == Kind::kCall &&
             pickle_.Name(pickle_.Callee(value)) == "_get_layout") {
    const auto items = pickle_.Items(pickle_.Argument(value));
    if (items.size() == 1 && items[0].kind == Kind::kString) {
      const absl::string_view name = pickle_.String(items[0]);
      if (name == "torch.sparse_coo") return Layout::kSparse;
      if (name == "torch.sparse_csr") return Layout::kSparseCsr;
    }
  }
  return pickle_.Error(value,
                       "a sparse tensor's layout is neither sparse_coo nor "
                       "sparse_csr");
}

// Are the columns in ascending order, none twice? [dims, elements] of int64.
bool TensorReader::IsCoalesced(const Tensor& indices) {
  if (indices.dtype() != DType::kInt64 || indices.dim() != 2) return false;
  const int64_t* data = indices.data<int64_t>();
  const int64_t row = indices.strides()[0], column = indices.strides()[1];
  for (int64_t i = 1; i < indices.size(1); ++i) {
    int64_t d = 0;
    while (d < indices.size(0) &&
           data[d * row + i * column] == data[d * row + (i - 1) * column]) {
      ++d;
    }
    if (d == indices.size(0) ||
        data[d * row + i * column] < data[d * row + (i - 1) * column]) {
      return false;
    }
  }
  return true;
}

absl::StatusOr<Tensor> TensorReader::RebuildSparse(const PickleValue& value,
                                                   Arguments arguments) {
  if (arguments.empty()) {
    return pickle_.Error(value, "_rebuild_sparse_tensor without arguments");
  }
  TANDEM_ASSIGN_OR_RETURN(const Layout layout, ReadLayout(arguments[0]));
  const size_t parts = layout == Layout::kSparse ? 2 : 3;
  const PickleValue* tensors = nullptr;
  const PickleValue* sizes_value = nullptr;
  bool requires_grad = false;
  bool coalesced = false;
  if (arguments.size() == 2 && arguments[1].kind == Kind::kTuple) {
    // Python: (layout, (indices, values, size[, is_coalesced])), for csr
    // (layout, (crow, col, values, size)).
    const auto items = pickle_.Items(arguments[1]);
    if (items.size() == parts + 1 ||
        (layout == Layout::kSparse && items.size() == parts + 2)) {
      tensors = items.data();
      sizes_value = &items[parts];
      if (items.size() == parts + 2 && items[parts + 1].kind == Kind::kBool) {
        coalesced = items[parts + 1].boolean;
      }
    }
  } else if (arguments.size() == parts + 4) {
    // C++: (layout, size, requires_grad, indices, values, hooks).
    sizes_value = &arguments[1];
    TANDEM_ASSIGN_OR_RETURN(requires_grad, Bool(arguments[2], "requires_grad"));
    tensors = &arguments[3];
  }
  if (tensors == nullptr) {
    return pickle_.Error(value,
                         "_rebuild_sparse_tensor is called with the wrong "
                         "arguments");
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, Sizes(*sizes_value, "sizes"));
  auto made = std::make_shared<SparseParts>();
  if (layout == Layout::kSparse) {
    TANDEM_ASSIGN_OR_RETURN(made->indices, Read(tensors[0]));
  } else {
    TANDEM_ASSIGN_OR_RETURN(made->crow, Read(tensors[0]));
    TANDEM_ASSIGN_OR_RETURN(made->col, Read(tensors[1]));
  }
  TANDEM_ASSIGN_OR_RETURN(made->values, Read(tensors[parts - 1]));
  __int128 count = 1;
  for (const int64_t size : sizes) {
    if (size < 0 || (size > 0 && (count *= size) > INT64_MAX)) {
      return pickle_.Error(value, absl::StrCat("a sparse tensor has the sizes ",
                                               DimsToString(sizes)));
    }
  }
  TensorImpl* impl = TensorImpl::New();
  Tensor tensor(Ref<TensorImpl>::Adopt(impl));
  TANDEM_ASSIGN_OR_RETURN(impl->storage, Storage::Allocate(0));
  impl->SetContiguous(sizes);
  impl->dtype = made->values.dtype();
  impl->layout = layout;
  impl->requires_grad = requires_grad;
  impl->sparse = made;
  TANDEM_RETURN_IF_ERROR(CheckSparse(value, tensor));
  // A stranger's word is not taken for it.
  made->coalesced = coalesced && IsCoalesced(made->indices);
  return tensor;
}

absl::Status TensorReader::CheckSparse(const PickleValue& value,
                                       const Tensor& tensor) {
  const SparseParts& parts = *tensor.impl()->sparse;
  const auto refuse = [&](absl::string_view what) {
    return pickle_.Error(value, absl::StrCat("a sparse tensor's ", what));
  };
  const Tensor* all[] = {&parts.values, &parts.indices, &parts.crow,
                         &parts.col};
  for (const Tensor* t : all) {
    if (t->defined() && (t->is_meta() || t->is_sparse() || t->is_quantized())) {
      return refuse("indices or values are no ordinary tensors");
    }
  }
  // Reads index tensors into plain numbers.
  const auto numbers = [&](const Tensor& t, std::vector<int64_t>* out) {
    if (t.dtype() != DType::kInt64 && t.dtype() != DType::kInt32) {
      return refuse("indices are not integers");
    }
    // Expanded views would make numbers out of nothing.
    if (t.numel() * static_cast<int64_t>(t.element_size()) >
        static_cast<int64_t>(t.storage()->bytes())) {
      return refuse("indices are an expanded view");
    }
    out->resize(static_cast<size_t>(t.numel()));
    return CopyElements(t, absl::MakeSpan(*out));
  };
  std::vector<int64_t> indices;
  if (tensor.impl()->layout == Layout::kSparse) {
    if (parts.indices.dim() != 2 || parts.values.dim() < 1 ||
        parts.values.size(0) != parts.indices.size(1) ||
        parts.indices.size(0) + parts.values.dim() - 1 != tensor.dim()) {
      return refuse("indices and values do not fit its sizes");
    }
    const int64_t sparse_dim = parts.indices.size(0);
    for (int64_t d = 1; d < parts.values.dim(); ++d) {
      if (parts.values.size(d) != tensor.size(sparse_dim + d - 1)) {
        return refuse("values do not fit its sizes");
      }
    }
    TANDEM_RETURN_IF_ERROR(numbers(parts.indices, &indices));
    const int64_t nnz = parts.indices.size(1);
    for (int64_t d = 0; d < sparse_dim; ++d) {
      for (int64_t i = 0; i < nnz; ++i) {
        const int64_t index = indices[d * nnz + i];
        if (index < 0 || index >= tensor.size(d)) {
          return refuse(absl::StrCat("indices hold ", index,
                                     ", out of range for dimension ", d,
                                     " of size ", tensor.size(d)));
        }
      }
    }
    return absl::OkStatus();
  }
  if (tensor.dim() != 2 || parts.crow.dim() != 1 || parts.col.dim() != 1 ||
      parts.values.dim() != 1 || parts.crow.numel() != tensor.size(0) + 1 ||
      parts.col.numel() != parts.values.numel()) {
    return refuse("crow indices, col indices and values do not fit its sizes");
  }
  TANDEM_RETURN_IF_ERROR(numbers(parts.crow, &indices));
  int64_t before = 0;
  for (const int64_t row : indices) {
    if (row < before || row > parts.col.numel()) {
      return refuse("crow indices do not ascend within range");
    }
    before = row;
  }
  if (indices.front() != 0 || indices.back() != parts.col.numel()) {
    return refuse("crow indices must go from 0 to the count of values");
  }
  TANDEM_RETURN_IF_ERROR(numbers(parts.col, &indices));
  for (const int64_t col : indices) {
    if (col < 0 || col >= tensor.size(1)) {
      return refuse(absl::StrCat("col indices hold ", col, ", out of range"));
    }
  }
  return absl::OkStatus();
}

}  // namespace tandem
