#include "tandem/ir/graph.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/compilation_unit.h"

namespace tandem {
namespace {

// In the order of NodeKind.
constexpr std::array<absl::string_view, 51> kNames = {
    "",
    "prim::Constant",
    "prim::Uninitialized",
    "prim::If",
    "prim::Loop",
    "prim::ListConstruct",
    "prim::ListUnpack",
    "prim::TupleConstruct",
    "prim::TupleUnpack",
    "prim::TupleIndex",
    "prim::TupleSlice",
    "prim::DictConstruct",
    "prim::GetAttr",
    "prim::SetAttr",
    "prim::CreateObject",
    "prim::CallFunction",
    "prim::CallMethod",
    "prim::fork",
    "prim::awaitable",
    "prim::FusionGroup",
    "prim::Print",
    "prim::RaiseException",
    "prim::unchecked_cast",
    "prim::isinstance",
    "prim::tolist",
    "prim::EnumName",
    "prim::EnumValue",
    "prim::Enter",
    "prim::Exit",
    "prim::ModuleContainerIndex",
    "prim::HasAttr",
    "prim::Param",
    "prim::Return",
    "prim::Load",
    "prim::Store",
    "prim::ReturnStmt",
    "prim::BreakStmt",
    "prim::ContinueStmt",
    "prim::LoopContinuation",
    "prim::Closure",
    "prim::ComprehensionScope",
    "prim::EmptyListLiteral",
    "prim::forkClosure",
    "prim::awaitableClosure",
    "prim::With",
    "prim::PythonOp",
    "prim::TracedAttr",
    "prim::Unknown",
    "fx::placeholder",
    "fx::get_attr",
    "fx::call_function",
};
constexpr std::array<absl::string_view, 3> kMoreNames = {
    "fx::call_method", "fx::call_module", "fx::output"};

// Splits "x.12" into "x" and 12; the number is absent otherwise.
std::pair<absl::string_view, std::optional<size_t>> SplitSuffix(
    absl::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos || dot + 1 == name.size() ||
      name.size() - dot > 18) {
    return {name, std::nullopt};
  }
  size_t number = 0;
  for (char c : name.substr(dot + 1)) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c)))
      return {name, std::nullopt};
    number = number * 10 + static_cast<size_t>(c - '0');
  }
  return {name.substr(0, dot), number};
}

bool IsAllDigits(absl::string_view s) {
  return std::all_of(s.begin(), s.end(),
                     [](unsigned char c) { return absl::ascii_isdigit(c); });
}

constexpr int64_t kPositionStep = int64_t{1} << 20;

}  // namespace

absl::string_view NodeKindName(NodeKind kind) {
  const auto i = static_cast<size_t>(kind);
  return i < kNames.size() ? kNames[i] : kMoreNames[i - kNames.size()];
}

std::optional<NodeKind> NodeKindFromName(absl::string_view name) {
  for (size_t i = 1; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<NodeKind>(i);
  }
  for (size_t i = 0; i < kMoreNames.size(); ++i) {
    if (kMoreNames[i] == name) return static_cast<NodeKind>(i + kNames.size());
  }
  return std::nullopt;
}

// ---- Value

Graph* Value::graph() const { return node_->graph(); }

std::string Value::DebugName() const {
  return name_.empty() ? absl::StrCat(unique_) : name_;
}

absl::string_view Value::base_name() const { return SplitSuffix(name_).first; }

void Value::SetName(absl::string_view name) {
  if (!name.empty() && IsAllDigits(name)) return;
  auto& names = graph()->names_;
  if (!name_.empty()) names.erase(name_);
  if (name.empty()) {
    name_.clear();
    return;
  }
  const std::string wanted(name);
  const auto taken = names.find(wanted);
  if (taken != names.end()) {
    // The holder is renamed, the new value gets the name itself.
    Value* holder = taken->second;
    const auto [base, number] = SplitSuffix(wanted);
    size_t suffix = number.value_or(1);
    // PyTorch goes on one behind what it noted, so it skips every other one.
    const auto [noted, is_first] =
        graph()->next_suffix_.try_emplace(std::string(base), 0);
    size_t& next = noted->second;
    if (!is_first) suffix = std::max(suffix, next + 1);
    std::string replacement;
    do {
      replacement = absl::StrCat(base, ".", suffix++);
    } while (names.contains(replacement));
    next = suffix;
    names.erase(taken);
    holder->name_ = replacement;
    names[replacement] = holder;
  }
  name_ = wanted;
  names[wanted] = this;
}

void Value::ReplaceAllUsesWith(Value* other) {
  if (other == this) return;
  for (const Use& use : uses_) {
    use.user->inputs_[use.index] = other;
    other->uses_.push_back(use);
  }
  uses_.clear();
  ++graph()->version_;
}

void Value::ReplaceUsesAfter(const Node* node, Value* other) {
  std::vector<Use> kept;
  for (const Use& use : uses_) {
    // The ancestor of the user in node's block decides.
    const Node* user = use.user;
    while (user != nullptr && user->owning_block() != node->owning_block()) {
      user = user->owning_block() == nullptr
                 ? nullptr
                 : user->owning_block()->owning_node();
    }
    if (user == nullptr || user == node || user->IsBefore(node)) {
      kept.push_back(use);
    } else {
      use.user->inputs_[use.index] = other;
      other->uses_.push_back(use);
    }
  }
  uses_ = std::move(kept);
}

// ---- Node

absl::string_view Node::name() const {
  return op_ != nullptr ? absl::string_view(op_->schema.name)
                        : NodeKindName(kind_);
}

void Node::AddInput(Value* value) {
  value->uses_.push_back({this, inputs_.size()});
  inputs_.push_back(value);
  ++graph_->version_;
}

void Node::RemoveUse(size_t i) {
  std::vector<Use>& uses = inputs_[i]->uses_;
  // From both ends: passes destroy a constant's thousands of users in order or
  // backwards.
  for (size_t front = 0, back = uses.size(); front < back; ++front, --back) {
    for (const size_t at : {front, back - 1}) {
      if (uses[at].user == this && uses[at].index == i) {
        uses.erase(uses.begin() + static_cast<int64_t>(at));
        return;
      }
    }
  }
}

void Node::InsertInput(size_t i, Value* value) {
  for (size_t j = i; j < inputs_.size(); ++j) {
    for (Use& use : inputs_[j]->uses_) {
      // Marked by an index that no input has, so that equal inputs don't clash.
      if (use.user == this && use.index == j) {
        use.index = j + 1 + (size_t{1} << 40);
        break;
      }
    }
  }
  for (size_t j = i; j < inputs_.size(); ++j) {
    for (Use& use : inputs_[j]->uses_) {
      if (use.user == this && use.index >= (size_t{1} << 40)) {
        use.index -= size_t{1} << 40;
      }
    }
  }
  inputs_.insert(inputs_.begin() + static_cast<int64_t>(i), value);
  value->uses_.push_back({this, i});
  ++graph_->version_;
}

void Node::ReplaceInput(size_t i, Value* value) {
  RemoveUse(i);
  inputs_[i] = value;
  value->uses_.push_back({this, i});
  ++graph_->version_;
}

void Node::RemoveInput(size_t i) {
  RemoveUse(i);
  for (size_t j = i + 1; j < inputs_.size(); ++j) {
    for (Use& use : inputs_[j]->uses_) {
      if (use.user == this && use.index == j) {
        use.index = j - 1;
        break;
      }
    }
  }
  inputs_.erase(inputs_.begin() + static_cast<int64_t>(i));
  ++graph_->version_;
}

void Node::RemoveAllInputs() {
  for (size_t i = 0; i < inputs_.size(); ++i) RemoveUse(i);
  inputs_.clear();
  ++graph_->version_;
}

Value* Node::AddOutput(TypePtr type) {
  Value* v = graph_->NewValue(this, outputs_.size(), std::move(type));
  outputs_.push_back(v);
  return v;
}

Value* Node::InsertOutput(size_t i, TypePtr type) {
  Value* v = graph_->NewValue(this, i, std::move(type));
  outputs_.insert(outputs_.begin() + static_cast<int64_t>(i), v);
  for (size_t j = i + 1; j < outputs_.size(); ++j) outputs_[j]->index_ = j;
  return v;
}

void Node::EraseOutput(size_t i) {
  graph_->FreeValue(outputs_[i]);
  outputs_.erase(outputs_.begin() + static_cast<int64_t>(i));
  for (size_t j = i; j < outputs_.size(); ++j) outputs_[j]->index_ = j;
}

Block* Node::AddBlock() {
  blocks_.push_back(graph_->NewBlock(this));
  return blocks_.back();
}

void Node::EraseBlock(size_t i) {
  graph_->FreeBlock(blocks_[i]);
  blocks_.erase(blocks_.begin() + static_cast<int64_t>(i));
}

const NodeAttribute* Node::FindAttribute(absl::string_view name) const {
  for (const NodeAttribute& a : attributes_) {
    if (a.name == name) return &a;
  }
  return nullptr;
}

void Node::SetAttribute(absl::string_view name,
                        NodeAttribute::Payload payload) {
  for (NodeAttribute& a : attributes_) {
    if (a.name == name) {
      a.payload = std::move(payload);
      return;
    }
  }
  attributes_.push_back({std::string(name), std::move(payload)});
}

void Node::RemoveAttribute(absl::string_view name) {
  attributes_.erase(
      std::remove_if(attributes_.begin(), attributes_.end(),
                     [&](const NodeAttribute& a) { return a.name == name; }),
      attributes_.end());
}

IValue Node::constant() const {
  const NodeAttribute* a = FindAttribute("value");
  if (a == nullptr) return IValue();
  const IValue* v = std::get_if<IValue>(&a->payload);
  return v == nullptr ? IValue() : *v;
}

bool Node::IsBefore(const Node* other) const {
  return position_ < other->position_;
}

void Node::InsertBefore(Node* other) {
  block_ = other->block_;
  prev_ = other->prev_;
  next_ = other;
  prev_->next_ = this;
  other->prev_ = this;
  const int64_t low = prev_->position_, high = other->position_;
  const bool at_start = prev_ == block_->param_;
  const bool at_end = other == block_->return_;
  // At both ends of a block there is room for more.
  if (at_start && at_end) {
    position_ = 0;
  } else if (at_start && high > INT64_MIN / 2) {
    position_ = high - kPositionStep;
  } else if (at_end && low < INT64_MAX / 2) {
    position_ = low + kPositionStep;
  } else if (!at_start && !at_end && high - low > 1) {
    position_ = low + (high - low) / 2;
  } else {
    int64_t p = 0;
    for (Node* n = block_->param_->next_; n != block_->return_; n = n->next_) {
      n->position_ = p += kPositionStep;
    }
  }
  ++graph_->version_;
}

void Node::InsertAfter(Node* other) { InsertBefore(other->next_); }

void Node::Unlink() {
  prev_->next_ = next_;
  next_->prev_ = prev_;
  prev_ = next_ = nullptr;
  block_ = nullptr;
  ++graph_->version_;
}

void Node::MoveBefore(Node* other) {
  if (other == this) return;
  Unlink();
  InsertBefore(other);
}

void Node::MoveAfter(Node* other) {
  if (other == this) return;
  Unlink();
  InsertAfter(other);
}

void Node::Destroy() {
  if (in_list()) {
    if (graph_->insert_before_ == this) graph_->insert_before_ = next_;
    Unlink();
  }
  graph_->FreeNode(this);
}

bool Node::HasSideEffects() const {
  switch (kind_) {
    case NodeKind::kPrint:
    case NodeKind::kRaiseException:
    case NodeKind::kSetAttr:
    case NodeKind::kCallFunction:
    case NodeKind::kCallMethod:
    case NodeKind::kEnter:
    case NodeKind::kExit:
    case NodeKind::kPythonOp:
    case NodeKind::kUnknown:
    case NodeKind::kFork:
      return true;
    case NodeKind::kOperator:
      return op_->effects != 0;
    default:
      return false;
  }
}

// ---- Block

Block::Block(Graph* graph, Node* owner) : graph_(graph), owner_(owner) {
  param_ = graph->NewNode(NodeKind::kParam);
  return_ = graph->NewNode(NodeKind::kReturn);
  param_->block_ = return_->block_ = this;
  param_->next_ = return_;
  return_->prev_ = param_;
  // Ends are in the list with themselves as far neighbours.
  param_->prev_ = param_;
  return_->next_ = return_;
  param_->position_ = INT64_MIN;
  return_->position_ = INT64_MAX;
}

Value* Block::AddInput(absl::string_view name, TypePtr type) {
  Value* v = param_->AddOutput(std::move(type));
  if (!name.empty()) v->SetName(name);
  return v;
}

void Block::CloneFrom(const Block& other,
                      absl::flat_hash_map<const Value*, Value*>* map) {
  const auto mapped = [&](Value* v) {
    const auto it = map->find(v);
    return it == map->end() ? v : it->second;
  };
  for (Value* input : other.inputs()) {
    Value* copy = AddInput(input->name(), input->type());
    (*map)[input] = copy;
  }
  for (Node* n : other) {
    Node* copy = graph_->NewNode(n->kind_);
    copy->op_ = n->op_;
    copy->attributes_ = n->attributes_;
    copy->range_ = n->range_;
    copy->scope_ = n->scope_;
    for (Value* in : n->inputs_) copy->AddInput(mapped(in));
    Append(copy);
    for (Value* out : n->outputs_) {
      Value* v = copy->AddOutput(out->type_);
      if (out->has_name()) v->SetName(out->name_);
      (*map)[out] = v;
    }
    for (Block* b : n->blocks_) copy->AddBlock()->CloneFrom(*b, map);
  }
  for (Value* out : other.outputs()) AddOutput(mapped(out));
}

// ---- Graph

Graph::Graph() {
  block_ = NewBlock(nullptr);
  insert_before_ = block_->return_node();
}

Graph::~Graph() = default;

Value* Graph::NewValue(Node* node, size_t index, TypePtr type) {
  values_.push_back(std::unique_ptr<Value>(
      new Value(node, index, next_unique_++, std::move(type))));
  return values_.back().get();
}

Node* Graph::NewNode(NodeKind kind) {
  nodes_.push_back(std::unique_ptr<Node>(new Node(this, kind)));
  ++live_nodes_;
  return nodes_.back().get();
}

Block* Graph::NewBlock(Node* owner) {
  blocks_.push_back(std::unique_ptr<Block>(new Block(this, owner)));
  return blocks_.back().get();
}

// Freed parts stay allocated, empty, until the graph dies: pointers to them
// never dangle, and memory stays in proportion to what was built.
void Graph::FreeValue(Value* value) {
  if (!value->name_.empty()) {
    const auto it = names_.find(value->name_);
    if (it != names_.end() && it->second == value) names_.erase(it);
    value->name_.clear();
  }
}

void Graph::FreeNode(Node* node) {
  node->RemoveAllInputs();
  for (Block* b : node->blocks_) FreeBlock(b);
  node->blocks_.clear();
  for (Value* v : node->outputs_) FreeValue(v);
  node->outputs_.clear();
  node->attributes_.clear();
  --live_nodes_;
}

void Graph::FreeBlock(Block* block) {
  block->return_->RemoveAllInputs();
  while (block->last() != block->param_node()) {
    Node* n = block->last();
    n->Unlink();
    FreeNode(n);
  }
  for (Value* v : block->param_->outputs_) FreeValue(v);
}

Node* Graph::Create(NodeKind kind, absl::Span<Value* const> inputs,
                    size_t num_outputs) {
  Node* n = NewNode(kind);
  for (Value* v : inputs) n->AddInput(v);
  for (size_t i = 0; i < num_outputs; ++i) n->AddOutput();
  return n;
}

Node* Graph::Create(const Operator* op, absl::Span<Value* const> inputs) {
  Node* n = NewNode(NodeKind::kOperator);
  n->op_ = op;
  for (Value* v : inputs) n->AddInput(v);
  for (const Argument& r : op->schema.returns) n->AddOutput(r.type);
  return n;
}

Node* Graph::Insert(Node* node) {
  node->InsertBefore(insert_before_);
  return node;
}

Node* Graph::CreateConstant(IValue value, TypePtr type) {
  Node* n = NewNode(NodeKind::kConstant);
  if (type == nullptr) {
    type =
        value.is_tensor() ? TensorType::Of(value.AsTensor()) : value.TypeOf();
  }
  n->AddOutput(std::move(type));
  if (!value.is_none()) n->SetAttribute("value", std::move(value));
  return n;
}

Value* Graph::InsertConstant(IValue value, const SourceRange& range,
                             TypePtr type) {
  Node* n = Insert(CreateConstant(std::move(value), std::move(type)));
  n->set_range(range);
  return n->output();
}

std::unique_ptr<Graph> Graph::Clone() const {
  auto copy = std::make_unique<Graph>();
  absl::flat_hash_map<const Value*, Value*> map;
  copy->block_->CloneFrom(*block_, &map);
  return copy;
}

std::vector<Value*> Graph::Inline(const Graph& callee,
                                  absl::Span<Value* const> arguments,
                                  Node* at) {
  absl::flat_hash_map<const Value*, Value*> map;
  for (size_t i = 0; i < callee.inputs().size(); ++i) {
    map[callee.inputs()[i]] = arguments[i];
  }
  const auto mapped = [&](Value* v) {
    const auto it = map.find(v);
    return it == map.end() ? v : it->second;
  };
  for (Node* n : *callee.block_) {
    Node* copy = NewNode(n->kind_);
    copy->op_ = n->op_;
    copy->attributes_ = n->attributes_;
    copy->range_ = n->range_;
    copy->scope_ = n->scope_;
    for (Value* in : n->inputs_) copy->AddInput(mapped(in));
    copy->InsertBefore(at);
    for (Value* out : n->outputs_) {
      Value* v = copy->AddOutput(out->type_);
      if (out->has_name()) v->SetName(out->name_);
      map[out] = v;
    }
    for (Block* b : n->blocks_) copy->AddBlock()->CloneFrom(*b, &map);
  }
  std::vector<Value*> results;
  for (Value* out : callee.outputs()) results.push_back(mapped(out));
  return results;
}

std::optional<IValue> ConstantOf(const Value* value) {
  if (!value->node()->is(NodeKind::kConstant)) return std::nullopt;
  return value->node()->constant();
}

}  // namespace tandem
