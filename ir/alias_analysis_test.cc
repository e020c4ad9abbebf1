#include "tandem/ir/alias_analysis.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"

namespace tandem {
namespace {

class AliasAnalysisTest : public testing::Test {
 protected:
  // A node of the operator "aten::relu" or "aten::add_.Tensor" at the end.
  Node* Op(const std::string& full_name, std::vector<Value*> inputs,
           TypePtr output = nullptr) {
    const size_t dot = full_name.find('.');
    const Operator* op = OperatorTable::Builtin().Find(
        full_name.substr(0, dot),
        dot == std::string::npos ? "" : full_name.substr(dot + 1));
    EXPECT_NE(op, nullptr) << full_name;
    Node* n = g_.Insert(g_.Create(op, inputs));
    if (output != nullptr) n->output()->set_type(output);
    return n;
  }
  Value* Input(const std::string& name, TypePtr type = Type::Tensor()) {
    return g_.AddInput(name, std::move(type));
  }
  Value* Int(int64_t i) { return g_.InsertConstant(i); }
  Node* Make(NodeKind kind, std::vector<Value*> inputs, TypePtr type) {
    Node* n = g_.Insert(g_.Create(kind, inputs, 1));
    n->output()->set_type(std::move(type));
    return n;
  }
  Value* Relu(Value* v) { return Op("aten::relu", {v})->output(); }
  Node* AddInPlace(Value* a, Value* b) {
    return Op("aten::add_.Tensor", {a, b, Int(1)});
  }
  const TypePtr tensors_ = Type::List(Type::Tensor());

  Graph g_;
};

TEST_F(AliasAnalysisTest, NewTensorsAreTheirOwn) {
  Value* x = Input("x");
  Value* a = Relu(x);
  Value* b = Relu(x);
  const AliasAnalysis alias(g_);
  EXPECT_FALSE(alias.MayAlias(a, b));
  EXPECT_FALSE(alias.MayAlias(a, x));
  EXPECT_TRUE(alias.MayAlias(a, a));
  EXPECT_FALSE(alias.MayEscape(a));
}

TEST_F(AliasAnalysisTest, ViewsAreWhatTheyView) {
  Value* x = Input("x");
  Value* a = Relu(x);
  Value* view = Op("aten::t", {a})->output();
  Value* other = Op("aten::t", {x})->output();
  Node* write = AddInPlace(view, x);
  const AliasAnalysis alias(g_);
  EXPECT_TRUE(alias.MayAlias(a, view));
  EXPECT_FALSE(alias.MayAlias(other, view));
  EXPECT_TRUE(alias.MayAlias(other, x));
  EXPECT_TRUE(alias.MayWrite(write, a));
  EXPECT_FALSE(alias.MayWrite(write, x));
  EXPECT_TRUE(alias.MayAlias(write->output(), a));
  EXPECT_TRUE(alias.IsWritten(a));
  EXPECT_FALSE(alias.IsPure(a->node()));
}

TEST_F(AliasAnalysisTest, ParametersMayBeOneTensor) {
  Value* x = Input("x");
  Value* y = Input("y");
  Value* l = Input("l", tensors_);
  Value* n = Input("n", Type::List(Type::Int()));
  const AliasAnalysis alias(g_);
  EXPECT_TRUE(alias.MayAlias(x, y));
  EXPECT_FALSE(alias.MayAlias(x, l));
  EXPECT_TRUE(alias.MayContain(l, x));
  EXPECT_FALSE(alias.MayContain(n, x));
  EXPECT_FALSE(alias.MayContain(x, y));
}

TEST_F(AliasAnalysisTest, ContainersHoldWhatIsPutIntoThem) {
  Value* x = Input("x");
  Value* a = Relu(x);
  Value* b = Relu(x);
  Value* c = Relu(x);
  Value* list = Make(NodeKind::kListConstruct, {a}, tensors_)->output();
  Node* append = Op("aten::append.t", {list, b}, tensors_);
  Value* got =
      Op("aten::__getitem__.t", {list, Int(0)}, Type::Tensor())->output();
  Value* copy = Op("aten::copy.t", {list}, tensors_)->output();
  const AliasAnalysis alias(g_);
  EXPECT_TRUE(alias.MayAlias(got, a));
  EXPECT_TRUE(alias.MayAlias(got, b));
  EXPECT_FALSE(alias.MayAlias(got, c));
  EXPECT_TRUE(alias.MayContain(list, b));
  EXPECT_FALSE(alias.MayContain(list, c));
  EXPECT_TRUE(alias.MayWrite(append, list));
  EXPECT_FALSE(alias.MayWrite(append, b));
  EXPECT_FALSE(alias.MayAlias(copy, list));
  EXPECT_TRUE(alias.MayContain(copy, a));
}

TEST_F(AliasAnalysisTest, DictItemsHoldTheValues) {
  Value* x = Input("x");
  Value* a = Relu(x);
  const TypePtr dict_type = Type::Dict(Type::Str(), Type::Tensor());
  const TypePtr pair = Type::Tuple({Type::Str(), Type::Tensor()});
  Value* key = g_.InsertConstant("k");
  Value* dict = Make(NodeKind::kDictConstruct, {key, a}, dict_type)->output();
  Value* items = Op("aten::items.str", {dict}, Type::List(pair))->output();
  Value* item = Op("aten::__getitem__.t", {items, Int(0)}, pair)->output();
  Value* value =
      Make(NodeKind::kTupleIndex, {item, Int(1)}, Type::Tensor())->output();
  const AliasAnalysis alias(g_);
  EXPECT_TRUE(alias.MayAlias(value, a));
}

TEST_F(AliasAnalysisTest, ConstantsOfTextHoldNothingThatChanges) {
  const TypePtr texts = Type::List(Type::Str());
  Value* given = Input("given", texts);
  Value* text = g_.InsertConstant("a");
  Value* constant =
      g_.InsertConstant(IValue(MakeList(Type::Str(), {IValue("a")})));
  Value* list = g_.InsertConstant(IValue(MakeList(Type::Str(), {IValue("b")})));
  Op("aten::append.t", {given, text});
  Op("aten::append.t", {list, text});
  const AliasAnalysis alias(g_, {/*distinct_constants=*/true});
  EXPECT_FALSE(alias.IsWritten(constant));
  EXPECT_TRUE(alias.IsWritten(list));
}

TEST_F(AliasAnalysisTest, BranchesAndLoopsJoin) {
  Value* x = Input("x");
  Value* c = Input("c", Type::Bool());
  Value* a = Relu(x);
  Value* b = Relu(x);
  Node* branch = g_.Insert(g_.Create(NodeKind::kIf, {c}, 1));
  branch->AddBlock()->AddOutput(a);
  branch->AddBlock()->AddOutput(b);
  Node* loop = g_.Insert(g_.Create(NodeKind::kLoop, {Int(3), c, a}, 1));
  Block* body = loop->AddBlock();
  body->AddInput("i", Type::Int());
  Value* carried = body->AddInput("t", Type::Tensor());
  {
    const WithInsertPoint at(&g_, body);
    AddInPlace(carried, x);
  }
  body->AddOutput(c);
  body->AddOutput(carried);
  const AliasAnalysis alias(g_);
  EXPECT_TRUE(alias.MayAlias(branch->output(), a));
  EXPECT_TRUE(alias.MayAlias(branch->output(), b));
  EXPECT_TRUE(alias.MayAlias(loop->output(), a));
  EXPECT_TRUE(alias.MayWrite(loop, a));
  EXPECT_FALSE(alias.MayWrite(loop, b));
}

TEST_F(AliasAnalysisTest, AttributesComeFromOutside) {
  CompilationUnit unit;
  ClassType* type = unit.AddClass("__torch__.M", true);
  ASSERT_TRUE(type->AddAttribute({"w", Type::Tensor()}).ok());
  ASSERT_TRUE(type->AddAttribute({"s", Type::Tensor()}).ok());
  Value* self = Input("self", type->shared());
  Value* x = Input("x");
  Node* get = Make(NodeKind::kGetAttr, {self}, Type::Tensor());
  get->SetAttribute("name", std::string("w"));
  Value* fresh = Relu(x);
  Node* set = g_.Insert(g_.Create(NodeKind::kSetAttr, {self, fresh}, 0));
  set->SetAttribute("name", std::string("s"));
  Node* get_s = Make(NodeKind::kGetAttr, {self}, Type::Tensor());
  get_s->SetAttribute("name", std::string("s"));
  const AliasAnalysis alias(g_);
  EXPECT_TRUE(alias.MayAlias(get->output(), x));
  EXPECT_TRUE(alias.MayEscape(fresh));
  // What was stored may come back.
  EXPECT_TRUE(alias.MayAlias(get_s->output(), fresh));
  EXPECT_TRUE(alias.CanMoveAfter(get, set));
  EXPECT_FALSE(alias.CanMoveBefore(get_s, set));
}

TEST_F(AliasAnalysisTest, MovesKeepWritesAndReadsInOrder) {
  Value* x = Input("x");
  Value* a = Relu(x);
  Value* b = Relu(x);
  Node* write = AddInPlace(a, x);
  Node* reads_a = Op("aten::neg", {a});
  Node* reads_b = Op("aten::neg", {b});
  const AliasAnalysis alias(g_);
  EXPECT_FALSE(alias.CanMoveBefore(reads_a, write));
  EXPECT_TRUE(alias.CanMoveBefore(reads_b, write));
  // Not before what makes its argument.
  EXPECT_FALSE(alias.CanMoveBefore(reads_b, b->node()));
  EXPECT_TRUE(alias.CanMoveAfter(b->node(), reads_a));
}

TEST_F(AliasAnalysisTest, EffectsStayInOrder) {
  Value* x = Input("x");
  Node* print = g_.Insert(g_.Create(NodeKind::kPrint, {x}, 0));
  Node* random = Op("aten::rand_like",
                    {x, g_.InsertConstant(IValue()),
                     g_.InsertConstant(IValue()), g_.InsertConstant(IValue()),
                     g_.InsertConstant(IValue()), g_.InsertConstant(IValue())});
  Node* pure = Op("aten::neg", {x});
  const AliasAnalysis alias(g_);
  EXPECT_TRUE(alias.HasEffects(print));
  EXPECT_TRUE(alias.HasEffects(random));
  EXPECT_FALSE(alias.IsPure(random));
  EXPECT_FALSE(alias.CanMoveBefore(random, print));
  EXPECT_TRUE(alias.CanMoveBefore(pure, print));
  EXPECT_TRUE(alias.IsPure(pure));
}

TEST_F(AliasAnalysisTest, TellsThatTheGraphHasChanged) {
  Value* x = Input("x");
  const AliasAnalysis alias(g_);
  EXPECT_FALSE(alias.stale());
  Relu(x);
  EXPECT_TRUE(alias.stale());
}

}  // namespace
}  // namespace tandem
