// Sizes and indices in the graphs that lower_fx makes.
#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/symbolic/lowering.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::fx::internal {

using eager::Throw;

absl::StatusOr<tandem::Tensor> Lowering::Size(const tandem::Tensor& tensor,
                                              Extent extent, int64_t dim) {
  if (tensor.dtype() != DType::kUndefined) return tandem::Tensor();
  return eager::Try([&] {
    Value* x = ValueOf(IValue(tensor));
    Value* v = nullptr;
    if (x->type()->is(TypeKind::kList)) {
      // len() of a shape.
      v = Operator_("aten::len", "t", {x});
    } else if (extent == Extent::kSize) {
      v = Operator_("aten::size", "int",
                    {x, graph().InsertConstant(IValue(dim))});
    } else {
      v = Operator_(extent == Extent::kNumel ? "aten::numel" : "aten::dim", "",
                    {x});
    }
    return Symbol(v).AsTensor();
  });
}

absl::StatusOr<eager::IntList> Lowering::Shape(const tandem::Tensor& tensor) {
  if (tensor.dtype() != DType::kUndefined) {
    return eager::IntList(tensor.sizes());
  }
  return eager::Try([&] {
    Value* v = Operator_("aten::size", "", {ValueOf(IValue(tensor))});
    return eager::IntList::Symbolic(Symbol(v).AsTensor());
  });
}

absl::StatusOr<eager::Int> Lowering::ShapeItem(const tandem::Tensor& shape,
                                               int64_t i) {
  return eager::Try([&] {
    Value* container = ValueOf(IValue(shape));
    const Type& type = *container->type();
    Value* index = graph().InsertConstant(IValue(i));
    Value* item = nullptr;
    if (type.is(TypeKind::kTuple)) {
      const int64_t size = type.elements().size();
      const int64_t at = i < 0 ? i + size : i;
      if (at < 0 || at >= size) Throw("tuple index out of range");
      Node* node = graph().Create(NodeKind::kTupleIndex, {container, index});
      node->output()->set_type(type.element(at));
      item = graph().Insert(node)->output();
    } else if (type.is(TypeKind::kList)) {
      item = Operator_("aten::__getitem__", "t", {container, index});
      item->set_type(type.element());
    } else if (type.is(TypeKind::kTensor)) {
      item = Operator_("aten::select", "int",
                       {container, graph().InsertConstant(IValue(0)), index});
    } else {
      Throw(absl::StrCat("a ", type.ToAnnotation(), " has no elements"));
    }
    return eager::Int(0, Symbol(item).AsTensor());
  });
}

Value* Lowering::Views(Value* x, absl::Span<const eager::IndexItem> items,
                       std::vector<Value*>* indices) {
  using Kind = eager::IndexItem::Kind;
  const auto takes_dim = [](const eager::IndexItem& i) {
    return i.kind() == Kind::kInt || i.kind() == Kind::kSlice ||
           i.kind() == Kind::kTensor;
  };
  int64_t dim = 0;
  int64_t behind = 0;  // dims of items from here on, past an Ellipsis
  bool from_end = false;
  for (size_t i = 0; i < items.size(); ++i) {
    const eager::IndexItem& item = items[i];
    const auto at = [&] {
      return graph().InsertConstant(IValue(from_end ? -behind : dim));
    };
    switch (item.kind()) {
      case Kind::kNone:
        x = Operator_(
            "aten::unsqueeze", "",
            {x, graph().InsertConstant(IValue(from_end ? -behind - 1 : dim))});
        if (!from_end) ++dim;
        break;
      case Kind::kEllipsis:
        from_end = true;
        behind = std::count_if(items.begin() + i, items.end(), takes_dim);
        break;
      case Kind::kInt:
        x = Operator_("aten::select", "int",
                      {x, at(), IntValue(item.integer())});
        if (from_end) --behind;
        break;
      case Kind::kSlice: {
        const eager::Slice& s = item.slice();
        const auto bound = [&](const std::optional<eager::Int>& b) {
          return b.has_value() ? IntValue(*b)
                               : graph().InsertConstant(IValue());
        };
        Value* d = at();
        Value* start = bound(s.start);
        Value* stop = bound(s.stop);
        Value* step = IntValue(s.step.value_or(eager::Int(1)));
        x = Operator_("aten::slice", "Tensor", {x, d, start, stop, step});
        from_end ? --behind : ++dim;
        break;
      }
      case Kind::kTensor:
        if (from_end) Throw("a tensor index behind an Ellipsis is not lowered");
        while (indices->size() < static_cast<size_t>(dim)) {
          indices->push_back(graph().InsertConstant(IValue()));
        }
        indices->push_back(ValueOf(IValue(item.tensor().raw())));
        ++dim;
        break;
      case Kind::kBool:
        Throw("a bool as an index is not lowered");
    }
  }
  return x;
}

absl::StatusOr<bool> Lowering::Index(const tandem::Tensor& self,
                                     absl::Span<const eager::IndexItem> items,
                                     tandem::Tensor* result) {
  return eager::Try([&] {
    Value* x = ValueOf(IValue(self));
    if (!x->type()->is(TypeKind::kTensor)) {
      if (items.size() != 1 ||
          items[0].kind() != eager::IndexItem::Kind::kInt ||
          items[0].integer().is_symbolic()) {
        Throw("an index of a list or tuple is not lowered");
      }
      *result =
          eager::Unwrap(ShapeItem(self, items[0].integer().hint())).symbol();
      return true;
    }
    std::vector<Value*> indices;
    x = Views(x, items, &indices);
    if (!indices.empty()) {
      Node* list = graph().Create(NodeKind::kListConstruct, indices);
      list->output()->set_type(Type::List(Type::Optional(Type::Tensor())));
      graph().Insert(list);
      x = Operator_("aten::index", "Tensor", {x, list->output()});
    }
    *result = Symbol(x).AsTensor();
    return true;
  });
}

absl::StatusOr<bool> Lowering::SetIndex(
    const tandem::Tensor& self, absl::Span<const eager::IndexItem> items,
    const IValue& value) {
  return eager::Try([&] {
    std::vector<Value*> indices;
    Value* x = Views(ValueOf(IValue(self)), items, &indices);
    Value* v = ValueOf(value);
    if (!v->type()->is(TypeKind::kTensor)) {
      if (!indices.empty()) {
        v = graph().InsertConstant(
            IValue(eager::Unwrap(tandem::Tensor::FromScalar(value.AsScalar()))),
            {}, Type::Tensor());
      } else {
        Operator_("aten::fill_", "Scalar", {x, v});
        return true;
      }
    }
    Value* no = graph().InsertConstant(IValue(false));
    if (indices.empty()) {
      Operator_("aten::copy_", "", {x, v, no});
      return true;
    }
    Node* list = graph().Create(NodeKind::kListConstruct, indices);
    list->output()->set_type(Type::List(Type::Optional(Type::Tensor())));
    graph().Insert(list);
    Operator_("aten::index_put_", "", {x, list->output(), v, no});
    return true;
  });
}

}  // namespace tandem::fx::internal
