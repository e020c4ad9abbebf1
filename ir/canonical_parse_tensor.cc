// Tensors from canonical text.
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/ir/canonical_number.h"
#include "tandem/ir/canonical_parser.h"
#include "tandem/ir/canonical_printer.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::canonical {
namespace {

template <typename T>
void AppendBytes(T value, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <typename T>
bool AppendInteger(absl::string_view text, std::string* bytes) {
  T value;
  if (!FromText(text, &value)) return false;
  AppendBytes(value, bytes);
  return true;
}

}  // namespace

absl::Status Parser::ParseElement(DType component, std::string* bytes) {
  const Token token = lexer_.token();
  const absl::string_view text = token.text;
  const size_t size = ElementSize(component);
  bool good = false;
  if (token.kind == Token::Kind::kHex) {
    uint64_t bits = 0;
    good = FromHex(text, &bits) && (size == 8 || bits >> (8 * size) == 0);
    bytes->append(reinterpret_cast<const char*>(&bits), size);
  } else if (component == DType::kFloat || component == DType::kDouble) {
    if (token.kind == Token::Kind::kFloat || token.kind == Token::Kind::kInt ||
        lexer_.at_name("inf") || lexer_.at_name("nan")) {
      double d = 0;
      float f = 0;
      good =
          component == DType::kFloat ? FromText(text, &f) : FromText(text, &d);
      component == DType::kFloat ? AppendBytes(f, bytes)
                                 : AppendBytes(d, bytes);
    }
  } else if (token.kind == Token::Kind::kInt) {
    switch (component) {
      case DType::kBool:
        good = text == "0" || text == "1";
        bytes->push_back(text == "1" ? 1 : 0);
        break;
      case DType::kUInt8:
        good = AppendInteger<uint8_t>(text, bytes);
        break;
      case DType::kInt8:
        good = AppendInteger<int8_t>(text, bytes);
        break;
      case DType::kInt16:
        good = AppendInteger<int16_t>(text, bytes);
        break;
      case DType::kUInt16:
        good = AppendInteger<uint16_t>(text, bytes);
        break;
      case DType::kInt32:
        good = AppendInteger<int32_t>(text, bytes);
        break;
      case DType::kUInt32:
        good = AppendInteger<uint32_t>(text, bytes);
        break;
      case DType::kInt64:
        good = AppendInteger<int64_t>(text, bytes);
        break;
      case DType::kUInt64:
        good = AppendInteger<uint64_t>(text, bytes);
        break;
      default:
        break;
    }
  }
  if (!good) {
    return lexer_.Error(absl::StrCat("an element of ", TypeName(component)));
  }
  lexer_.Next();
  return absl::OkStatus();
}

absl::Status Parser::ParseElements(DType dtype, std::string* bytes) {
  const DType component = IsComplex(dtype) ? ToReal(dtype) : dtype;
  TANDEM_RETURN_IF_ERROR(Expect("["));
  return ParseSequence("]", [&] { return ParseElement(component, bytes); });
}

absl::StatusOr<IValue> Parser::ParseTensor() {
  const size_t offset = lexer_.offset();
  lexer_.Next();  // tensor
  TANDEM_RETURN_IF_ERROR(Expect("("));
  if (TakeName("undefined")) {
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    return IValue(Tensor());
  }
  const size_t dtype_offset = lexer_.offset();
  TANDEM_ASSIGN_OR_RETURN(const std::string name, ParseName("a dtype"));
  const std::optional<DType> dtype = DTypeFromTypeName(name);
  if (!dtype.has_value() || ElementSize(*dtype) == 0 || IsQuantized(*dtype)) {
    return lexer_.ErrorAt(dtype_offset, absl::StrCat("unknown dtype ", name));
  }
  TANDEM_RETURN_IF_ERROR(Expect(","));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, ParseDims());
  std::vector<int64_t> strides;
  bool has_strides = false, has_data = false, meta = false;
  bool requires_grad = false, conj = false, neg = false, wrapped = false;
  Device device;
  std::string bytes;
  while (Take(",")) {
    if (TakeName("strides")) {
      has_strides = true;
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_ASSIGN_OR_RETURN(strides, ParseDims());
    } else if (TakeName("device")) {
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_ASSIGN_OR_RETURN(device, ParseDeviceName());
    } else if (!has_data && TakeName("data")) {
      has_data = true;
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_RETURN_IF_ERROR(ParseElements(*dtype, &bytes));
    } else if (TakeName("requires_grad")) {
      requires_grad = true;
    } else if (TakeName("conj")) {
      conj = true;
    } else if (TakeName("neg")) {
      neg = true;
    } else if (TakeName("wrapped_number")) {
      wrapped = true;
    } else if (TakeName("meta")) {
      meta = true;
    } else {
      return lexer_.Error("strides, data or a flag of a tensor");
    }
  }
  TANDEM_RETURN_IF_ERROR(Expect(")"));
  // From here on, errors are of the tensor as a whole.
  const auto wrong = [&](absl::string_view what) {
    return lexer_.ErrorAt(offset, what);
  };
  if (!CheckedNumel(sizes).ok()) return wrong("the tensor's sizes are too big");
  if (!has_strides) {
    const Dims contiguous = ContiguousStrides(sizes);
    strides.assign(contiguous.begin(), contiguous.end());
  }
  if (strides.size() != sizes.size()) {
    return wrong("the tensor has as many strides as sizes");
  }
  const absl::StatusOr<int64_t> span = ElementSpan(sizes, strides);
  if (!span.ok()) return wrong(span.status().message());
  if (meta == has_data || !device.is_cpu()) {
    return wrong("a tensor has data on the CPU, or is meta");
  }
  if (conj && !IsComplex(*dtype))
    return wrong("only complex numbers have conj");
  absl::StatusOr<Tensor> tensor = absl::InternalError("");
  if (meta) {
    tensor = Tensor::Meta(sizes, strides, *dtype);
  } else {
    const size_t size = ElementSize(*dtype);
    if (bytes.size() % size != 0 ||
        bytes.size() / size != static_cast<uint64_t>(*span)) {
      return wrong(absl::StrCat("the tensor needs ", *span, " elements, got ",
                                bytes.size() / size));
    }
    TANDEM_ASSIGN_OR_RETURN(Ref<Storage> storage,
                            Storage::Allocate(bytes.size()));
    if (!bytes.empty())
      std::memcpy(storage->data(), bytes.data(), bytes.size());
    tensor = Tensor::OverStorage(std::move(storage), 0, sizes, strides, *dtype);
  }
  if (!tensor.ok()) return wrong(tensor.status().message());
  TensorImpl& impl = *tensor->impl();
  impl.requires_grad = requires_grad;
  impl.conj = conj;
  impl.neg = neg;
  impl.wrapped_number = wrapped;
  if (!meta) impl.device = device;
  return IValue(*std::move(tensor));
}

}  // namespace tandem::canonical
