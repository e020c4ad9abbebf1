#include "tandem/frontends/symbolic/argument.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/ir/python_text.h"
#include "tandem/tensor/dtype.h"

namespace tandem::fx {
namespace {

using Kind = Argument::Kind;

std::string LayoutText(int64_t layout) {
  switch (static_cast<Layout>(layout)) {
    case Layout::kSparse:
      return "torch.sparse_coo";
    case Layout::kSparseCsr:
      return "torch.sparse_csr";
    case Layout::kMkldnn:
      return "torch._mkldnn";
    case Layout::kStrided:
      break;
  }
  return "torch.strided";
}

std::string MemoryFormatText(int64_t format) {
  switch (static_cast<MemoryFormat>(format)) {
    case MemoryFormat::kPreserve:
      return "torch.preserve_format";
    case MemoryFormat::kChannelsLast:
      return "torch.channels_last";
    case MemoryFormat::kChannelsLast3d:
      return "torch.channels_last_3d";
    case MemoryFormat::kContiguous:
      break;
  }
  return "torch.contiguous_format";
}

std::string DeviceRepr(Device d) {
  const std::string text = d.ToString();
  const size_t colon = text.find(':');
  if (colon == std::string::npos) {
    return absl::StrCat("device(type='", text, "')");
  }
  return absl::StrCat("device(type='", text.substr(0, colon),
                      "', index=", text.substr(colon + 1), ")");
}

std::string ConstantText(const IValue& v, bool repr) {
  if (v.is_string()) return repr ? StringRepr(v.AsString()) : v.AsString();
  if (v.is_device()) {
    return repr ? DeviceRepr(v.AsDevice()) : v.AsDevice().ToString();
  }
  return ToPythonString(v);
}

template <typename F>
std::string JoinItems(const Arguments& items, F&& text) {
  std::string s;
  for (const Argument& a : items) {
    absl::StrAppend(&s, s.empty() ? "" : ", ", text(a));
  }
  return s;
}

// `item` gives the text of nodes and of nested arguments.
template <typename F>
std::string Text(const Argument& a, bool repr, F&& item) {
  switch (a.kind()) {
    case Kind::kNode:
      break;
    case Kind::kConstant:
      return ConstantText(a.constant(), repr);
    case Kind::kDType:
      return absl::StrCat("torch.",
                          PythonName(static_cast<DType>(a.constant().AsInt())));
    case Kind::kLayout:
      return LayoutText(a.constant().AsInt());
    case Kind::kMemoryFormat:
      return MemoryFormatText(a.constant().AsInt());
    case Kind::kEllipsis:
      return "Ellipsis";
    case Kind::kSlice:
      return absl::StrCat("slice(", JoinItems(a.items(), item), ")");
    case Kind::kTuple:
      return absl::StrCat("(", JoinItems(a.items(), item),
                          a.items().size() == 1 ? ",)" : ")");
    case Kind::kList:
      return absl::StrCat("[", JoinItems(a.items(), item), "]");
    case Kind::kDict: {
      std::string s;
      for (size_t i = 0; i < a.items().size(); ++i) {
        absl::StrAppend(&s, i == 0 ? "" : ", ", item(a.keys()[i]), ": ",
                        item(a.items()[i]));
      }
      return absl::StrCat("{", s, "}");
    }
  }
  return "";
}

}  // namespace

std::string FloatRepr(double d) { return ToPythonString(IValue(d)); }
std::string StringRepr(absl::string_view s) {
  return ToPythonString(IValue(s));
}

void Argument::ForEachNode(absl::FunctionRef<void(Node*)> f) const {
  if (is_node()) f(node_);
  for (const Argument& a : items_) a.ForEachNode(f);
}

Argument Argument::Map(absl::FunctionRef<Argument(Node*)> f) const {
  if (is_node()) return f(node_);
  Argument copy = *this;
  for (Argument& a : copy.items_) a = a.Map(f);
  return copy;
}

std::string Argument::Format() const {
  if (is_node()) return absl::StrCat("%", node_->output()->name());
  // A slice is shown by its repr.
  if (kind_ == Kind::kSlice) return Repr();
  return Text(*this, false, [](const Argument& a) { return a.Format(); });
}

std::string Argument::Repr() const {
  return Repr([](Node* n) { return n->output()->name(); });
}

std::string Argument::Repr(absl::FunctionRef<std::string(Node*)> name) const {
  if (is_node()) return name(node_);
  return Text(*this, true, [&](const Argument& a) { return a.Repr(name); });
}

std::string MarkOf(const IValue& value) {
  if (!value.is_tuple()) return "";
  const std::vector<IValue>& values = value.AsTuple().values;
  if (values.empty() || !values[0].is_string()) return "";
  const std::string& mark = values[0].AsString();
  for (const char* m : {kNodeMark, kDTypeMark, kLayoutMark, kMemoryFormatMark,
                        kEllipsisMark, kSliceMark, kTupleMark}) {
    if (mark == m) return mark;
  }
  return "";
}

IValue Marked(const char* mark, std::vector<IValue> rest) {
  rest.insert(rest.begin(), IValue(mark));
  return IValue(MakeTuple(std::move(rest)));
}

IValue Argument::ToValue(absl::FunctionRef<IValue(Node*)> node) const {
  const auto values = [&] {
    std::vector<IValue> out;
    out.reserve(items_.size());
    for (const Argument& a : items_) out.push_back(a.ToValue(node));
    return out;
  };
  switch (kind_) {
    case Kind::kNode:
      return node(node_);
    case Kind::kConstant:
      return constant_;
    case Kind::kDType:
      return Marked(kDTypeMark, {constant_});
    case Kind::kLayout:
      return Marked(kLayoutMark, {constant_});
    case Kind::kMemoryFormat:
      return Marked(kMemoryFormatMark, {constant_});
    case Kind::kEllipsis:
      return Marked(kEllipsisMark, {});
    case Kind::kSlice:
      return Marked(kSliceMark, values());
    case Kind::kTuple: {
      IValue tuple(MakeTuple(values()));
      // A tuple that looks like a mark is marked itself.
      if (!MarkOf(tuple).empty()) return Marked(kTupleMark, values());
      return tuple;
    }
    case Kind::kList: {
      std::vector<IValue> elements = values();
      TypePtr type = elements.empty() ? nullptr : elements[0].TypeOf();
      for (const IValue& e : elements) {
        const TypePtr other = e.TypeOf();
        if (type == nullptr || other == nullptr || !other->Equals(*type)) {
          type = nullptr;
        }
      }
      if (type == nullptr) type = Type::Any();
      if (type->is(TypeKind::kTensor)) type = Type::Tensor();
      return IValue(MakeList(std::move(type), std::move(elements)));
    }
    case Kind::kDict: {
      const std::vector<IValue> elements = values();
      Ref<DictObject> dict = MakeDict(Type::Any(), Type::Any());
      for (size_t i = 0; i < elements.size(); ++i) {
        dict->Set(keys_[i].ToValue(node), elements[i]);
      }
      return IValue(std::move(dict));
    }
  }
  return IValue();
}

Argument Argument::FromValue(const IValue& value,
                             absl::FunctionRef<Argument(const IValue&)> node) {
  const auto arguments = [&](absl::Span<const IValue> values) {
    Arguments out;
    out.reserve(values.size());
    for (const IValue& v : values) out.push_back(FromValue(v, node));
    return out;
  };
  if (value.is_tensor()) return node(value);
  if (value.is_list()) return List(arguments(value.AsList().values));
  if (value.is_dict()) {
    Arguments keys, values;
    for (const auto& [k, v] : value.AsDict().Items()) {
      keys.push_back(Argument(k));
      values.push_back(FromValue(v, node));
    }
    return Dict(std::move(keys), std::move(values));
  }
  if (!value.is_tuple()) return Argument(value);
  const absl::Span<const IValue> values = value.AsTuple().values;
  const std::string mark = MarkOf(value);
  if (mark.empty()) return Tuple(arguments(values));
  if (mark == kNodeMark) return node(value);
  if (mark == kTupleMark) return Tuple(arguments(values.subspan(1)));
  if (mark == kEllipsisMark) return Argument(eager::Ellipsis);
  if (mark == kSliceMark && values.size() == 4) {
    return Argument(Kind::kSlice, arguments(values.subspan(1)));
  }
  if (values.size() == 2 && values[1].is_int()) {
    Argument a(values[1]);
    a.kind_ = mark == kDTypeMark    ? Kind::kDType
              : mark == kLayoutMark ? Kind::kLayout
                                    : Kind::kMemoryFormat;
    return a;
  }
  return Tuple(arguments(values));
}

bool operator==(const Argument& a, const Argument& b) {
  if (a.kind_ != b.kind_ || a.node_ != b.node_) return false;
  if (a.constant_.tag() != b.constant_.tag() ||
      !Equal(a.constant_, b.constant_)) {
    return false;
  }
  return a.items_ == b.items_ && a.keys_ == b.keys_;
}

}  // namespace tandem::fx
