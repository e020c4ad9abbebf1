#include "tandem/ir/alias_analysis.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/schema.h"

namespace tandem {
namespace {

// Kinds of memory, as bits.
enum Kind : uint8_t {
  kTensors = 1,
  kLists = 2,
  kDicts = 4,
  kTuples = 8,
  kObjects = 16,
  kFutures = 32,
  kOthers = 64,  // generators, streams, packed parameters
};
constexpr uint8_t kAll = 127;
constexpr int kNumKinds = 7;
constexpr int kMaxConstantDepth = 256;

// What a value of this type may be.
uint8_t KindsOf(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kTensor:
      return kTensors;
    case TypeKind::kList:
    case TypeKind::kAnyList:
      return kLists;
    case TypeKind::kDict:
      return kDicts;
    case TypeKind::kTuple:
    case TypeKind::kAnyTuple:
      return kTuples;
    case TypeKind::kClass:
    case TypeKind::kInterface:
    case TypeKind::kAnyClass:
      return kObjects;
    case TypeKind::kFuture:
    case TypeKind::kAwait:
    case TypeKind::kRRef:
      return kFutures;
    case TypeKind::kGenerator:
    case TypeKind::kStream:
    case TypeKind::kStorage:
    case TypeKind::kCapsule:
      return kOthers;
    case TypeKind::kAny:
    case TypeKind::kVar:
      return kAll;
    case TypeKind::kOptional:
    case TypeKind::kUnion: {
      uint8_t kinds = 0;
      for (const TypePtr& e : type.elements()) kinds |= KindsOf(*e);
      return kinds;
    }
    default:
      return 0;
  }
}

// What a value of this type may hold, at any depth.
uint8_t HeldKindsOf(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kClass:
    case TypeKind::kInterface:
    case TypeKind::kAnyClass:
    case TypeKind::kAny:
    case TypeKind::kAnyList:
    case TypeKind::kAnyTuple:
    case TypeKind::kVar:
      return kAll;
    default: {
      uint8_t kinds = 0;
      const bool transparent =
          type.is(TypeKind::kOptional) || type.is(TypeKind::kUnion);
      for (const TypePtr& e : type.elements()) {
        if (!transparent) kinds |= KindsOf(*e);
        kinds |= HeldKindsOf(*e);
      }
      return kinds;
    }
  }
}

bool IsContainer(const Type& type) {
  return (KindsOf(type) & (kLists | kDicts | kTuples | kFutures)) != 0;
}

// Normalisation that updates its running statistics: PyTorch's schemas
// (batch_norm, instance_norm, native_batch_norm …) have no mark for it. Gives
// the inputs that are written.
std::vector<size_t> UnmarkedWrites(const Node* n) {
  const Operator& op = *n->op();
  if (op.family != "norm") return {};
  const FunctionSchema& schema = op.schema;
  const auto mean = schema.ArgumentIndex("running_mean");
  if (!mean.has_value() || schema.arguments[*mean].alias.has_value()) return {};
  for (const char* name : {"training", "use_input_stats", "train"}) {
    const auto flag = schema.ArgumentIndex(name);
    if (!flag.has_value() || *flag >= n->inputs().size()) continue;
    const std::optional<IValue> value = ConstantOf(n->input(*flag));
    if (value.has_value() && value->is_bool() && !value->AsBool()) return {};
  }
  std::vector<size_t> written = {*mean};
  if (const auto var = schema.ArgumentIndex("running_var"); var.has_value()) {
    written.push_back(*var);
  }
  return written;
}

// Operators that may give an argument, or a view of one, back although
// PyTorch's schemas have no mark for it.
bool MayReturnArgument(const Operator& op) {
  static constexpr absl::string_view kNames[] = {"aten::_cast_Byte",
                                                 "aten::_cast_Char",
                                                 "aten::_cast_Double",
                                                 "aten::_cast_Float",
                                                 "aten::_cast_Half",
                                                 "aten::_cast_Int",
                                                 "aten::_cast_Long",
                                                 "aten::_cast_Short",
                                                 "aten::alpha_dropout",
                                                 "aten::atleast_1d",
                                                 "aten::atleast_2d",
                                                 "aten::atleast_3d",
                                                 "aten::broadcast_tensors",
                                                 "aten::dropout",
                                                 "aten::einsum",
                                                 "aten::feature_alpha_dropout",
                                                 "aten::feature_dropout",
                                                 "aten::meshgrid",
                                                 "aten::to_dense",
                                                 "aten::type_as"};
  return absl::c_linear_search(kNames, op.schema.name);
}

bool IsAttributeAccess(const Node* n) {
  return n->is(NodeKind::kGetAttr) || n->is(NodeKind::kSetAttr);
}

void Merge(std::vector<uint32_t>* into, const std::vector<uint32_t>& other) {
  std::vector<uint32_t> merged;
  merged.reserve(into->size() + other.size());
  std::set_union(into->begin(), into->end(), other.begin(), other.end(),
                 std::back_inserter(merged));
  into->swap(merged);
}

}  // namespace

// Objects 0 … kNumKinds-1 are the outside, one a kind. An object that escapes
// may be what the outside gives; it is not put into every set that the outside
// is in, but found when sets are compared.
class AliasAnalysis::Builder {
 public:
  Builder(const Graph& graph, const AliasOptions& options,
          AliasAnalysis* result)
      : options_(options), result_(result) {
    for (int k = 0; k < kNumKinds; ++k) NewObject(static_cast<uint8_t>(1 << k));
    for (int k = 0; k < kNumKinds; ++k) Escape(k);
    for (const Value* v : graph.inputs()) FromOutside(v);
    VisitBlock(*graph.block());
    Solve();
    Publish();
  }

 private:
  using Cell = uint32_t;
  // Most cells hold an object or two: a graph has thousands of cells, and what
  // a cell costs is what the analysis costs.
  class Objects {
   public:
    bool Insert(ObjectId object) {
      if (index_ != nullptr) {
        if (!index_->insert(object).second) return false;
      } else {
        if (absl::c_linear_search(all_, object)) return false;
        if (all_.size() == kLinear) {
          index_ = std::make_unique<absl::flat_hash_set<ObjectId>>(all_.begin(),
                                                                   all_.end());
          index_->insert(object);
        }
      }
      all_.push_back(object);
      return true;
    }
    // In the order in which they came.
    size_t size() const { return all_.size(); }
    ObjectId operator[](size_t i) const { return all_[i]; }
    auto begin() const { return all_.begin(); }
    auto end() const { return all_.end(); }

   private:
    static constexpr size_t kLinear = 16;
    absl::InlinedVector<ObjectId, 2> all_;
    std::unique_ptr<absl::flat_hash_set<ObjectId>> index_;
  };
  // A set of objects that grows until nothing changes. Cells are values,
  // contents of objects and helpers.
  struct CellData {
    uint8_t accepts = kAll;
    bool escapes = false;
    Objects objects;
    absl::InlinedVector<Cell, 2> copies;  // they include this cell
    std::vector<Cell> loads;   // they include what this cell's objects hold
    std::vector<Cell> stored;  // what this cell's objects hold includes them
  };
  struct Object {
    uint8_t kind;
    Cell contents;
    bool escaped = false;
  };

  Cell NewCell(uint8_t accepts) {
    cells_.emplace_back();
    cells_.back().accepts = accepts;
    return static_cast<Cell>(cells_.size() - 1);
  }
  ObjectId NewObject(uint8_t kind) {
    const Cell contents = NewCell(kAll);
    objects_.push_back({kind, contents});
    return static_cast<ObjectId>(objects_.size() - 1);
  }
  Cell CellOf(const Value* v) {
    const auto [it, inserted] = value_cells_.try_emplace(v, 0);
    if (inserted) it->second = NewCell(KindsOf(*v->type()));
    return it->second;
  }
  static bool HasMemory(const Value* v) { return KindsOf(*v->type()) != 0; }

  // ---- constraints

  void Add(Cell cell, ObjectId object) {
    if ((cells_[cell].accepts & objects_[object].kind) == 0) return;
    if (cells_[cell].objects.Insert(object)) {
      work_.emplace_back(cell, object);
      if (cells_[cell].escapes) Escape(object);
    }
  }
  void Copy(Cell to, Cell from) {
    if (to == from) return;
    cells_[from].copies.push_back(to);
    for (size_t i = 0, n = cells_[from].objects.size(); i < n; ++i) {
      Add(to, cells_[from].objects[i]);
    }
  }
  void Load(Cell to, Cell from) {
    cells_[from].loads.push_back(to);
    for (size_t i = 0, n = cells_[from].objects.size(); i < n; ++i) {
      Copy(to, objects_[cells_[from].objects[i]].contents);
    }
  }
  void Store(Cell into, Cell what) {
    cells_[into].stored.push_back(what);
    for (size_t i = 0, n = cells_[into].objects.size(); i < n; ++i) {
      StoreInto(cells_[into].objects[i], what);
    }
  }
  void StoreInto(ObjectId object, Cell what) {
    // Whatever goes into the outside may come back from any part of it.
    if (object < kNumKinds) {
      EscapeCell(what);
    } else {
      Copy(objects_[object].contents, what);
    }
  }
  void EscapeCell(Cell cell) {
    if (cells_[cell].escapes) return;
    cells_[cell].escapes = true;
    for (size_t i = 0, n = cells_[cell].objects.size(); i < n; ++i) {
      Escape(cells_[cell].objects[i]);
    }
  }
  void Escape(ObjectId object) {
    if (objects_[object].escaped) return;
    objects_[object].escaped = true;
    const Cell contents = objects_[object].contents;
    for (int k = 0; k < kNumKinds; ++k) Add(contents, k);
    EscapeCell(contents);
  }

  void FromOutside(const Value* v) {
    if (!HasMemory(v)) return;
    const Cell cell = CellOf(v);
    for (int k = 0; k < kNumKinds; ++k) Add(cell, k);
  }
  // New memory of the value's type; returns a cell with the objects alone.
  Cell Fresh(const Value* v) {
    const Cell cell = NewCell(kAll);
    const uint8_t kinds = KindsOf(*v->type());
    if (v->type()->is(TypeKind::kAny)) {
      FromOutside(v);
      return CellOf(v);
    }
    for (int k = 0; k < kNumKinds; ++k) {
      if ((kinds >> k & 1) != 0) Add(cell, NewObject(1 << k));
    }
    Copy(CellOf(v), cell);
    return cell;
  }
  // And new memory for what it holds, one object a kind, at all depths.
  void FreshContents(Cell cell, const Type& type) {
    const uint8_t kinds = HeldKindsOf(type);
    if (kinds == 0) return;
    const Cell held = NewCell(kAll);
    for (int k = 0; k < kNumKinds; ++k) {
      if ((kinds >> k & 1) != 0) Add(held, NewObject(1 << k));
    }
    Store(cell, held);
    Store(held, held);
  }

  // ---- constants

  // The object that stands for this memory, and whether it is new.
  std::pair<ObjectId, bool> ConstantObject(const void* identity, uint8_t kind) {
    const auto it = constants_.find(identity);
    if (it != constants_.end()) return {it->second, false};
    const ObjectId object = NewObject(kind);
    constants_.emplace(identity, object);
    return {object, true};
  }
  void PointTo(Cell cell, const IValue& v, int depth) {
    ObjectId object;
    bool is_new = false;
    switch (v.tag()) {
      case IValue::Tag::kTensor: {
        const Tensor& t = v.AsTensor();
        if (!t.defined()) return;
        const void* identity = t.storage().get();
        if (identity == nullptr) identity = t.impl();
        return Add(cell, ConstantObject(identity, kTensors).first);
      }
      case IValue::Tag::kList:
        std::tie(object, is_new) = ConstantObject(&v.AsList(), kLists);
        break;
      case IValue::Tag::kDict:
        std::tie(object, is_new) = ConstantObject(&v.AsDict(), kDicts);
        break;
      case IValue::Tag::kTuple:
        std::tie(object, is_new) = ConstantObject(&v.AsTuple(), kTuples);
        break;
      case IValue::Tag::kComplex:
      case IValue::Tag::kString:
      case IValue::Tag::kEnum:
        return;  // they do not change
      default:
        if (v.is_reference()) {
          for (int k = 0; k < kNumKinds; ++k) Add(cell, k);
        }
        return;
    }
    Add(cell, object);
    if (!is_new) return;
    const Cell held = objects_[object].contents;
    if (depth > kMaxConstantDepth) {
      for (int k = 0; k < kNumKinds; ++k) Add(held, k);
      return;
    }
    if (v.is_dict()) {
      v.AsDict().ForEach([&](const IValue& key, const IValue& value) {
        PointTo(held, key, depth + 1);
        PointTo(held, value, depth + 1);
      });
      return;
    }
    for (const IValue& e :
         v.is_list() ? v.AsList().values : v.AsTuple().values) {
      PointTo(held, e, depth + 1);
    }
  }

  // ---- nodes

  void VisitBlock(const Block& block) {
    for (const Node* n : block) VisitNode(n);
  }

  void EscapeInputs(const Node* n) {
    for (const Value* v : n->inputs()) {
      if (HasMemory(v)) EscapeCell(CellOf(v));
    }
    for (const Value* v : n->outputs()) FromOutside(v);
  }
  void CopyValue(const Value* to, const Value* from) {
    if (HasMemory(to) && HasMemory(from)) Copy(CellOf(to), CellOf(from));
  }
  void LoadAll(const Node* n) {
    if (!HasMemory(n->input(0))) return;
    for (const Value* v : n->outputs()) {
      if (HasMemory(v)) Load(CellOf(v), CellOf(n->input(0)));
    }
  }
  void Construct(const Node* n) {
    const Cell made = Fresh(n->output());
    for (const Value* v : n->inputs()) {
      if (HasMemory(v)) Store(made, CellOf(v));
    }
  }

  void VisitNode(const Node* n) {
    switch (n->kind()) {
      case NodeKind::kOperator:
        return VisitOperator(n);
      case NodeKind::kConstant:
        // Shared by all calls.
        if (options_.distinct_constants && HasMemory(n->output())) {
          PointTo(CellOf(n->output()), n->constant(), 0);
        } else {
          FromOutside(n->output());
        }
        return;
      case NodeKind::kIf:
        for (const Block* b : n->blocks()) {
          VisitBlock(*b);
          for (size_t i = 0; i < n->outputs().size(); ++i) {
            CopyValue(n->output(i), b->output(i));
          }
        }
        return;
      case NodeKind::kLoop: {
        const Block& body = *n->block(0);
        VisitBlock(body);
        for (size_t i = 0; i < n->outputs().size(); ++i) {
          CopyValue(body.input(i + 1), n->input(i + 2));
          CopyValue(body.input(i + 1), body.output(i + 1));
          CopyValue(n->output(i), n->input(i + 2));
          CopyValue(n->output(i), body.output(i + 1));
        }
        return;
      }
      case NodeKind::kListConstruct:
      case NodeKind::kTupleConstruct:
      case NodeKind::kDictConstruct:
      case NodeKind::kCreateObject:
        return Construct(n);
      case NodeKind::kListUnpack:
      case NodeKind::kTupleUnpack:
      case NodeKind::kTupleIndex:
      case NodeKind::kGetAttr:
      case NodeKind::kModuleContainerIndex:
        return LoadAll(n);
      case NodeKind::kTupleSlice: {
        const Cell held = NewCell(kAll);
        Load(held, CellOf(n->input()));
        Store(Fresh(n->output()), held);
        return;
      }
      case NodeKind::kSetAttr:
        if (HasMemory(n->input(1))) {
          Store(CellOf(n->input(0)), CellOf(n->input(1)));
        }
        return;
      case NodeKind::kUncheckedCast:
        CopyValue(n->output(), n->input());
        return;
      case NodeKind::kToList:
        for (const Value* v : n->outputs()) {
          if (HasMemory(v)) FreshContents(Fresh(v), *v->type());
        }
        return;
      case NodeKind::kFusionGroup:
        for (const Value* v : n->outputs()) {
          if (HasMemory(v)) Fresh(v);
        }
        return;
      case NodeKind::kUninitialized:
      case NodeKind::kPrint:
      case NodeKind::kRaiseException:
      case NodeKind::kIsInstance:
      case NodeKind::kEnumName:
      case NodeKind::kEnumValue:
      case NodeKind::kHasAttr:
        return;
      default:
        for (const Block* b : n->blocks()) VisitBlock(*b);
        return EscapeInputs(n);
    }
  }

  void VisitOperator(const Node* n) {
    const FunctionSchema& schema = n->op()->schema;
    absl::flat_hash_map<absl::string_view, std::vector<Cell>> named;
    std::vector<Cell> held, elements;  // by containers; arguments of type t
    std::vector<std::pair<size_t, Cell>> with_memory, written;
    for (size_t i = 0; i < n->inputs().size(); ++i) {
      const Value* v = n->input(i);
      if (!HasMemory(v)) continue;
      const Cell cell = CellOf(v);
      with_memory.emplace_back(i, cell);
      if (IsContainer(*v->type())) {
        const Cell inside = NewCell(kAll);
        Load(inside, cell);
        held.push_back(inside);
      }
      if (i >= schema.arguments.size()) continue;
      const Argument& a = schema.arguments[i];
      if (a.type->is(TypeKind::kVar)) elements.push_back(cell);
      if (!a.alias.has_value()) continue;
      for (const std::string& name : a.alias->before) {
        if (name != "*") named[name].push_back(cell);
      }
      for (const AliasInfo& inner : a.alias->contained) {
        for (const std::string& name : inner.before) {
          if (name != "*" && !held.empty()) named[name].push_back(held.back());
        }
      }
      if (a.alias->is_write && IsContainer(*v->type())) {
        written.emplace_back(i, cell);
      }
    }
    // A container that is changed may hold what comes with it.
    for (const auto& [i, into] : written) {
      for (const auto& [j, other] : with_memory) {
        if (i == j) continue;
        if (IsContainer(*n->input(j)->type())) {
          const Cell inside = NewCell(kAll);
          Load(inside, other);
          Store(into, inside);
        }
        Store(into, other);
      }
    }
    for (size_t i = 0; i < n->outputs().size(); ++i) {
      const Value* out = n->output(i);
      if (!HasMemory(out)) continue;
      const AliasInfo* alias =
          i < schema.returns.size() && schema.returns[i].alias.has_value()
              ? &*schema.returns[i].alias
              : nullptr;
      VisitResult(out, alias, named, held, elements);
    }
    if (!MayReturnArgument(*n->op())) return;
    for (const Value* out : n->outputs()) {
      if (!HasMemory(out)) continue;
      const Cell result = CellOf(out);
      const bool container = IsContainer(*out->type());
      for (const auto& [i, cell] : with_memory) {
        if (!IsContainer(*n->input(i)->type())) {
          container ? Store(result, cell) : Copy(result, cell);
        }
      }
      for (Cell c : held) container ? Store(result, c) : Copy(result, c);
    }
  }

  void VisitResult(
      const Value* out, const AliasInfo* alias,
      const absl::flat_hash_map<absl::string_view, std::vector<Cell>>& named,
      const std::vector<Cell>& held, const std::vector<Cell>& elements) {
    const bool container = IsContainer(*out->type());
    bool fresh = alias == nullptr, wildcard = false;
    std::vector<Cell> inner;
    if (alias != nullptr) {
      const auto visit = [&](const std::string& name, bool contained) {
        if (name == "*") {
          wildcard = true;
          return;
        }
        const auto it = named.find(name);
        if (it == named.end()) {
          fresh = true;
          return;
        }
        for (Cell c : it->second) {
          if (contained) {
            inner.push_back(c);
          } else {
            Copy(CellOf(out), c);
          }
        }
      };
      for (const std::string& s : alias->before) visit(s, false);
      for (const std::string& s : alias->after) visit(s, false);
      for (const AliasInfo& c : alias->contained) {
        for (const std::string& s : c.before) visit(s, true);
        for (const std::string& s : c.after) visit(s, true);
      }
      if (alias->before.empty() && alias->after.empty()) fresh = true;
    }
    if (wildcard) {
      // What a container holds, a default given with it; without a container
      // anything at all.
      for (Cell c : held) Copy(CellOf(out), c);
      for (Cell c : elements) Copy(CellOf(out), c);
      if (held.empty()) FromOutside(out);
      fresh = fresh || container;
    }
    if (!fresh) return;
    const Cell made = Fresh(out);
    if (!container) return;
    if (alias == nullptr || wildcard) {
      FreshContents(made, *out->type());
      // Copies of lists and dicts hold what the originals do, items() in
      // tuples between.
      const Cell inside = NewCell(kAll);
      Load(inside, made);
      for (const std::vector<Cell>* cells : {&held, &elements}) {
        for (Cell c : *cells) {
          Store(made, c);
          if (HeldKindsOf(*out->type()) & (kTuples | kLists | kDicts)) {
            Store(inside, c);
          }
        }
      }
    }
    for (Cell c : inner) Store(made, c);
  }

  // ---- solving

  void Solve() {
    while (!work_.empty()) {
      const auto [cell, object] = work_.back();
      work_.pop_back();
      // The lists may grow while they are walked.
      for (size_t i = 0; i < cells_[cell].copies.size(); ++i) {
        Add(cells_[cell].copies[i], object);
      }
      for (size_t i = 0; i < cells_[cell].loads.size(); ++i) {
        Copy(cells_[cell].loads[i], objects_[object].contents);
      }
      for (size_t i = 0; i < cells_[cell].stored.size(); ++i) {
        StoreInto(object, cells_[cell].stored[i]);
      }
    }
  }

  void Publish() {
    result_->points_.reserve(value_cells_.size());
    const auto sorted = [](const Objects& set) {
      ObjectSet v(set.begin(), set.end());
      std::sort(v.begin(), v.end());
      return v;
    };
    for (const auto& [value, cell] : value_cells_) {
      result_->points_[value] = sorted(cells_[cell].objects);
    }
    for (const Object& o : objects_) {
      result_->contents_.push_back(sorted(cells_[o.contents].objects));
      result_->escaped_.push_back(o.escaped);
      result_->kinds_.push_back(o.kind);
    }
  }

  const AliasOptions options_;
  AliasAnalysis* const result_;
  absl::flat_hash_map<const void*, ObjectId> constants_;
  std::vector<CellData> cells_;
  std::vector<Object> objects_;
  absl::flat_hash_map<const Value*, Cell> value_cells_;
  std::vector<std::pair<Cell, ObjectId>> work_;
};

AliasAnalysis::AliasAnalysis(const Graph& graph, const AliasOptions& options)
    : graph_(graph), version_(graph.version()) {
  Builder(graph, options, this);
}

const AliasAnalysis::ObjectSet& AliasAnalysis::Points(const Value* v) const {
  static const ObjectSet* const kNone = new ObjectSet();
  const auto it = points_.find(v);
  return it == points_.end() ? *kNone : it->second;
}

AliasAnalysis::ObjectSet AliasAnalysis::Reachable(const ObjectSet& from) const {
  absl::flat_hash_set<ObjectId> seen(from.begin(), from.end());
  std::vector<ObjectId> work(from.begin(), from.end());
  while (!work.empty()) {
    const ObjectId o = work.back();
    work.pop_back();
    for (ObjectId held : contents_[o]) {
      if (seen.insert(held).second) work.push_back(held);
    }
  }
  ObjectSet result(seen.begin(), seen.end());
  std::sort(result.begin(), result.end());
  return result;
}

const AliasAnalysis::ObjectSet& AliasAnalysis::ReachableFrom(
    const Value* v) const {
  const auto it = reachable_.find(v);
  if (it != reachable_.end()) return it->second;
  // By its type a List[int] holds no memory, whatever its object may.
  const uint8_t kinds = KindsOf(*v->type()) | HeldKindsOf(*v->type());
  ObjectSet result;
  for (ObjectId o : Reachable(Points(v))) {
    if ((kinds_[o] & kinds) != 0) result.push_back(o);
  }
  return reachable_.emplace(v, std::move(result)).first->second;
}

bool AliasAnalysis::Intersect(const ObjectSet& a, const ObjectSet& b) const {
  // Kinds whose outside is in a set, and those of escaped objects.
  const auto describe = [&](const ObjectSet& set, uint8_t* outside,
                            uint8_t* escaped) {
    *outside = *escaped = 0;
    for (ObjectId o : set) {
      if (o < static_cast<ObjectId>(kNumKinds)) {
        *outside |= kinds_[o];
      } else if (escaped_[o]) {
        *escaped |= kinds_[o];
      }
    }
  };
  uint8_t outside_a, escaped_a, outside_b, escaped_b;
  describe(a, &outside_a, &escaped_a);
  describe(b, &outside_b, &escaped_b);
  if ((outside_a & (outside_b | escaped_b)) != 0 ||
      (outside_b & escaped_a) != 0) {
    return true;
  }
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) return true;
    if (a[i] < b[j]) {
      ++i;
    } else {
      ++j;
    }
  }
  return false;
}

bool AliasAnalysis::MayAlias(const Value* a, const Value* b) const {
  return Intersect(Points(a), Points(b));
}

bool AliasAnalysis::MayContain(const Value* container,
                               const Value* element) const {
  ObjectSet held;
  for (ObjectId o : Points(container)) Merge(&held, contents_[o]);
  const uint8_t kinds = HeldKindsOf(*container->type());
  ObjectSet filtered;
  for (ObjectId o : Reachable(held)) {
    if ((kinds_[o] & kinds) != 0) filtered.push_back(o);
  }
  return Intersect(filtered, ReachableFrom(element));
}

bool AliasAnalysis::MayOverlap(const Value* a, const Value* b) const {
  return Intersect(ReachableFrom(a), ReachableFrom(b));
}

void AliasAnalysis::AddAccess(const Node* node, Access* access) const {
  for (const Value* v : node->inputs()) {
    Merge(&access->reads, ReachableFrom(v));
  }
  switch (node->kind()) {
    case NodeKind::kOperator: {
      const FunctionSchema& schema = node->op()->schema;
      for (size_t i = 0;
           i < node->inputs().size() && i < schema.arguments.size(); ++i) {
        const Argument& a = schema.arguments[i];
        if (!a.alias.has_value()) continue;
        bool contained = false;
        for (const AliasInfo& inner : a.alias->contained) {
          contained = contained || inner.is_write;
        }
        if (!a.alias->is_write && !contained) continue;
        Merge(&access->writes, Points(node->input(i)));
        // A list of tensors that is written: its tensors are.
        if (contained || (a.type->is(TypeKind::kList) &&
                          a.type->element()->is(TypeKind::kTensor))) {
          Merge(&access->writes, ReachableFrom(node->input(i)));
        }
      }
      for (size_t i : UnmarkedWrites(node)) {
        if (i < node->inputs().size()) {
          Merge(&access->writes, Points(node->input(i)));
        }
      }
      access->effects |= node->op()->effects != 0;
      break;
    }
    case NodeKind::kSetAttr:
      Merge(&access->writes, Points(node->input(0)));
      break;
    case NodeKind::kPrint:
    case NodeKind::kRaiseException:
      access->effects = true;
      break;
    case NodeKind::kCallFunction:
    case NodeKind::kCallMethod:
    case NodeKind::kEnter:
    case NodeKind::kExit:
    case NodeKind::kFork:
    case NodeKind::kAwaitable:
    case NodeKind::kPythonOp:
    case NodeKind::kTracedAttr:
    case NodeKind::kUnknown:
    case NodeKind::kFxCallFunction:
    case NodeKind::kFxCallMethod:
    case NodeKind::kFxCallModule: {
      // Unknown code: it may write to all that it can get at.
      access->effects = true;
      ObjectSet all;
      for (ObjectId k = 0; k < static_cast<ObjectId>(kNumKinds); ++k) {
        all.push_back(k);
      }
      Merge(&access->writes, all);
      Merge(&access->reads, all);
      for (const Value* v : node->inputs()) {
        Merge(&access->writes, ReachableFrom(v));
      }
      break;
    }
    default:
      break;
  }
  for (const Block* b : node->blocks()) {
    for (const Node* n : *b) {
      const Access& inner = AccessOf(n);
      Merge(&access->reads, inner.reads);
      Merge(&access->writes, inner.writes);
      access->effects |= inner.effects;
    }
    for (const Value* v : b->outputs()) {
      Merge(&access->reads, ReachableFrom(v));
    }
  }
}

const AliasAnalysis::Access& AliasAnalysis::AccessOf(const Node* node) const {
  const auto it = access_.find(node);
  if (it != access_.end()) return *it->second;
  auto access = std::make_unique<Access>();
  AddAccess(node, access.get());
  return *access_.emplace(node, std::move(access)).first->second;
}

bool AliasAnalysis::MayWrite(const Node* node, const Value* v) const {
  return Intersect(AccessOf(node).writes, ReachableFrom(v));
}

const AliasAnalysis::ObjectSet& AliasAnalysis::AllWrites() const {
  if (!all_writes_.has_value()) {
    all_writes_.emplace();
    for (const Node* n : *graph_.block()) {
      Merge(&*all_writes_, AccessOf(n).writes);
    }
  }
  return *all_writes_;
}

bool AliasAnalysis::IsWritten(const Value* v) const {
  return Intersect(AllWrites(), ReachableFrom(v));
}

bool AliasAnalysis::HasWrites(const Node* node) const {
  return !AccessOf(node).writes.empty();
}

bool AliasAnalysis::HasEffects(const Node* node) const {
  return AccessOf(node).effects;
}

bool AliasAnalysis::IsPure(const Node* node) const {
  if (HasWrites(node) || HasEffects(node)) return false;
  for (const Value* v : node->outputs()) {
    if (IsWritten(v)) return false;
  }
  return true;
}

bool AliasAnalysis::MayEscape(const Value* v) const {
  const ObjectSet& objects = ReachableFrom(v);
  for (ObjectId o : objects) {
    if (escaped_[o]) return true;
  }
  for (const Value* out : graph_.outputs()) {
    if (Intersect(ReachableFrom(out), objects)) return true;
  }
  return false;
}

bool AliasAnalysis::MayReorder(const Node* first, const Node* second) const {
  // The second, or a node inside of it, needs a result of the first?
  for (const Value* v : first->outputs()) {
    for (const Use& use : v->uses()) {
      const Node* user = use.user;
      while (user != nullptr &&
             user->owning_block() != second->owning_block()) {
        user = user->owning_block()->owning_node();
      }
      if (user == second) return false;
    }
  }
  const Access& a = AccessOf(first);
  const Access& b = AccessOf(second);
  if (a.effects && b.effects) return false;
  // An exception, a print or a call must see the writes that came before.
  if ((a.effects && !b.writes.empty()) || (b.effects && !a.writes.empty())) {
    return false;
  }
  if (IsAttributeAccess(first) && IsAttributeAccess(second) &&
      first->attribute_name() != second->attribute_name()) {
    return true;
  }
  return !Intersect(a.writes, b.writes) && !Intersect(a.writes, b.reads) &&
         !Intersect(a.reads, b.writes);
}

bool AliasAnalysis::CanMoveBefore(const Node* node, const Node* target) const {
  if (node == target) return true;
  if (node->IsBefore(target)) {
    for (const Node* n = node->next(); n != target; n = n->next()) {
      if (!MayReorder(node, n)) return false;
    }
    return true;
  }
  for (const Node* n = node->prev(); n != target->prev(); n = n->prev()) {
    if (!MayReorder(n, node)) return false;
  }
  return true;
}

bool AliasAnalysis::CanMoveAfter(const Node* node, const Node* target) const {
  if (node == target) return true;
  if (node->IsBefore(target)) {
    for (const Node* n = node->next(); n != target->next(); n = n->next()) {
      if (!MayReorder(node, n)) return false;
    }
    return true;
  }
  for (const Node* n = node->prev(); n != target; n = n->prev()) {
    if (!MayReorder(n, node)) return false;
  }
  return true;
}

}  // namespace tandem
