// What names and expressions stand for while code is compiled: values of the
// graph, and things that are none (modules, classes, builtins, ranges).

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_SUGARED_VALUE_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_SUGARED_VALUE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/graph.h"

namespace tandem::script {

class FunctionCompiler;
class SugaredValue;
using Sugared = std::shared_ptr<SugaredValue>;

// An argument: a value, or a default that becomes a constant when it is used.
struct NamedValue {
  NamedValue(Value* v) : value(v) {}  // NOLINT: arguments are mostly values
  NamedValue(SourceRange r, Value* v) : range(std::move(r)), value(v) {}
  NamedValue(SourceRange r, absl::string_view n, Value* v)
      : range(std::move(r)), name(n), value(v) {}
  explicit NamedValue(const IValue* c) : constant(c) {}

  SourceRange range;
  std::string name;
  Value* value = nullptr;
  const IValue* constant = nullptr;
};
using Arguments = absl::Span<const NamedValue>;

// A base whose answers are all errors. `range` is where the thing is used.
class SugaredValue : public std::enable_shared_from_this<SugaredValue> {
 public:
  enum class Tag {
    kSimple,
    kTuple,
    kRange,
    kIterableTree,
    kSpecialForm,
    kClass,
    kFunction,
    kClosure,
    kException,
    kExceptionMessage,
    kOther,
  };

  explicit SugaredValue(Tag tag = Tag::kOther) : tag_(tag) {}
  virtual ~SugaredValue() = default;

  Tag tag() const { return tag_; }
  // As errors name it: "builtin", "value of type 'int'".
  virtual std::string kind() const = 0;

  virtual absl::StatusOr<Value*> AsValue(const SourceRange& range,
                                         FunctionCompiler& f);
  virtual absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                            FunctionCompiler& f,
                                            absl::string_view name);
  virtual absl::StatusOr<bool> HasAttribute(const SourceRange& range,
                                            FunctionCompiler& f,
                                            absl::string_view name);
  virtual absl::Status SetAttribute(const SourceRange& range,
                                    FunctionCompiler& f, absl::string_view name,
                                    Value* value);
  // Its parts. A list has as many as `size_hint` says.
  virtual absl::StatusOr<std::vector<Sugared>> AsTuple(
      const SourceRange& range, FunctionCompiler& f,
      std::optional<size_t> size_hint = std::nullopt);
  virtual absl::StatusOr<Sugared> Call(const SourceRange& range,
                                       FunctionCompiler& f, Arguments args,
                                       Arguments kwargs);
  // What a `for` runs over: something with Length and Item.
  virtual absl::StatusOr<Sugared> Iterate(const SourceRange& range,
                                          FunctionCompiler& f);
  virtual absl::StatusOr<Value*> Length(const SourceRange& range,
                                        FunctionCompiler& f);
  virtual absl::StatusOr<Sugared> Item(const SourceRange& range,
                                       FunctionCompiler& f, Value* index,
                                       const TypePtr& type_hint);
  // Known where a loop over it is to be unrolled.
  virtual std::optional<int64_t> StaticLength() const { return std::nullopt; }

 private:
  const Tag tag_;
};

// The value of a SimpleValue, else null.
Value* AsSimple(const Sugared& sugared);
Sugared Simple(Value* value);

class SimpleValue : public SugaredValue {
 public:
  explicit SimpleValue(Value* value)
      : SugaredValue(Tag::kSimple), value_(value) {}
  Value* value() const { return value_; }
  std::string kind() const override;
  absl::StatusOr<Value*> AsValue(const SourceRange&,
                                 FunctionCompiler&) override {
    return value_;
  }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override;
  absl::StatusOr<bool> HasAttribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override;
  absl::Status SetAttribute(const SourceRange& range, FunctionCompiler& f,
                            absl::string_view name, Value* value) override;
  absl::StatusOr<std::vector<Sugared>> AsTuple(
      const SourceRange& range, FunctionCompiler& f,
      std::optional<size_t> size_hint) override;
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;
  absl::StatusOr<Sugared> Iterate(const SourceRange& range,
                                  FunctionCompiler& f) override;
  absl::StatusOr<Value*> Length(const SourceRange& range,
                                FunctionCompiler& f) override;
  absl::StatusOr<Sugared> Item(const SourceRange& range, FunctionCompiler& f,
                               Value* index, const TypePtr& type_hint) override;

 private:
  Value* const value_;
};

// Several things that need not be values: a tuple that a loop is unrolled over.
class TupleValue : public SugaredValue {
 public:
  explicit TupleValue(std::vector<Sugared> parts)
      : SugaredValue(Tag::kTuple), parts_(std::move(parts)) {}
  std::string kind() const override { return "Tuple"; }
  absl::StatusOr<Value*> AsValue(const SourceRange& range,
                                 FunctionCompiler& f) override;
  absl::StatusOr<std::vector<Sugared>> AsTuple(const SourceRange&,
                                               FunctionCompiler&,
                                               std::optional<size_t>) override {
    return parts_;
  }
  absl::StatusOr<Sugared> Iterate(const SourceRange&,
                                  FunctionCompiler&) override {
    return shared_from_this();
  }
  absl::StatusOr<Sugared> Item(const SourceRange& range, FunctionCompiler& f,
                               Value* index, const TypePtr& type_hint) override;
  std::optional<int64_t> StaticLength() const override {
    return static_cast<int64_t>(parts_.size());
  }

 private:
  std::vector<Sugared> parts_;
};

// range(…)
class RangeValue : public SugaredValue {
 public:
  static absl::StatusOr<Sugared> Create(
      const SourceRange& range, FunctionCompiler& f,
      const std::vector<Value*>& inputs,
      std::optional<int64_t> static_length = std::nullopt);
  RangeValue() : SugaredValue(Tag::kRange) {}
  std::string kind() const override { return "range"; }
  absl::StatusOr<Sugared> Iterate(const SourceRange&,
                                  FunctionCompiler&) override {
    return shared_from_this();
  }
  absl::StatusOr<Value*> Length(const SourceRange& range,
                                FunctionCompiler& f) override;
  absl::StatusOr<Sugared> Item(const SourceRange& range, FunctionCompiler& f,
                               Value* index, const TypePtr& type_hint) override;
  std::optional<int64_t> StaticLength() const override {
    return static_length_;
  }

 private:
  Value* start_ = nullptr;
  Value* end_ = nullptr;
  Value* step_ = nullptr;
  bool only_end_ = false;
  std::optional<int64_t> static_length_;
};

// zip(…) and enumerate(…): iterables side by side.
class IterableTree : public SugaredValue {
 public:
  IterableTree() : SugaredValue(Tag::kIterableTree) {}
  absl::Status Add(const SourceRange& range, FunctionCompiler& f,
                   const Sugared& iterable);
  std::string kind() const override { return "iterabletree"; }
  absl::StatusOr<Sugared> Iterate(const SourceRange&,
                                  FunctionCompiler&) override {
    return shared_from_this();
  }
  absl::StatusOr<Value*> Length(const SourceRange& range,
                                FunctionCompiler& f) override;
  absl::StatusOr<Sugared> Item(const SourceRange& range, FunctionCompiler& f,
                               Value* index, const TypePtr& type_hint) override;
  std::optional<int64_t> StaticLength() const override {
    return static_length_;
  }

 private:
  void CollectLeaves(std::vector<Sugared>* leaves) const;

  std::vector<Sugared> children_;
  std::optional<int64_t> static_length_;
};

// An operator by name ("aten::add"), all overloads; as a method it has a self.
class BuiltinFunction : public SugaredValue {
 public:
  explicit BuiltinFunction(std::string name,
                           std::optional<NamedValue> self = std::nullopt)
      : name_(std::move(name)), self_(std::move(self)) {}
  // Null if no overload takes this self.
  static Sugared ForSelf(FunctionCompiler& f, std::string name,
                         const NamedValue& self);
  std::string kind() const override { return "builtin"; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;

 private:
  const std::string name_;
  const std::optional<NamedValue> self_;
};

// int, float, bool, str … : nothing to do for a value of the type.
class CastValue : public BuiltinFunction {
 public:
  CastValue(TypePtr type, std::string name)
      : BuiltinFunction(std::move(name)), type_(std::move(type)) {}
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;

 private:
  const TypePtr type_;
};

// x.int(), x.half() … of a Tensor.
class TensorCastValue : public SugaredValue {
 public:
  TensorCastValue(DType dtype, NamedValue self)
      : dtype_(dtype), self_(std::move(self)) {}
  std::string kind() const override { return "Cast"; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;

 private:
  const DType dtype_;
  const NamedValue self_;
};

// A builtin that an instance's method (`__len__`) replaces.
class MagicMethod : public SugaredValue {
 public:
  MagicMethod(std::string name, Sugared base)
      : name_(std::move(name)), base_(std::move(base)) {}
  std::string kind() const override { return name_; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;

 private:
  const std::string name_;
  const Sugared base_;
};

class PrintValue : public SugaredValue {
 public:
  std::string kind() const override { return "print"; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;
};

class NoneSugared : public SugaredValue {
 public:
  std::string kind() const override { return "None"; }
};

// What looks like a call and has rules of its own.
enum class Form {
  kFork,
  kAwaitable,
  kAnnotate,
  kUncheckedCast,
  kUninitialized,
  kGetAttr,
  kHasAttr,
  kIsInstance,
  kTuple,
  kList,
  kDict,
  kRange,
  kEnumerate,
  kZip,
  kToList,
  kIndex,
  kCreateObject,
  kReversed,
};
absl::string_view FormName(Form form);

// reversed(iterable).
absl::StatusOr<Sugared> EmitReversed(const SourceRange& range,
                                     FunctionCompiler& f,
                                     const Sugared& iterable);

class SpecialForm : public SugaredValue {
 public:
  explicit SpecialForm(Form form)
      : SugaredValue(Tag::kSpecialForm), form_(form) {}
  Form form() const { return form_; }
  std::string kind() const override { return std::string(FormName(form_)); }

 private:
  const Form form_;
};

// A namespace of operators: `torch`, `ops.quantized`.
class BuiltinModule : public SugaredValue {
 public:
  explicit BuiltinModule(std::string name) : name_(std::move(name)) {}
  std::string kind() const override { return "builtin module"; }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override;

 private:
  const std::string name_;
};

class ClassValue : public SugaredValue {
 public:
  explicit ClassValue(const ClassType* type)
      : SugaredValue(Tag::kClass), type_(type) {}
  const ClassType* type() const { return type_; }
  std::string kind() const override { return type_->name(); }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override;
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;

 private:
  const ClassType* const type_;
};

class NamedTupleConstructor : public SugaredValue {
 public:
  explicit NamedTupleConstructor(TypePtr type) : type_(std::move(type)) {}
  std::string kind() const override { return type_->ToString(); }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;

 private:
  const TypePtr type_;
};

class EnumClass : public SugaredValue {
 public:
  explicit EnumClass(const EnumType* type) : type_(type) {}
  std::string kind() const override { return "EnumClass"; }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override;
  absl::StatusOr<Sugared> Iterate(const SourceRange& range,
                                  FunctionCompiler& f) override;

 private:
  const EnumType* const type_;
};

class FunctionValue : public SugaredValue {
 public:
  explicit FunctionValue(Function* callee)
      : SugaredValue(Tag::kFunction), callee_(callee) {}
  Function* callee() const { return callee_; }
  std::string kind() const override { return "function"; }
  absl::StatusOr<Value*> AsValue(const SourceRange& range,
                                 FunctionCompiler& f) override;
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;

 private:
  Function* const callee_;
};

class MethodValue : public SugaredValue {
 public:
  MethodValue(Value* self, std::string name)
      : self_(self), name_(std::move(name)) {}
  std::string kind() const override { return "method"; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;

 private:
  Value* const self_;
  const std::string name_;
};

// A nested def, which can only be forked.
class ClosureValue : public SugaredValue {
 public:
  explicit ClosureValue(Value* value)
      : SugaredValue(Tag::kClosure), value_(value) {}
  std::string kind() const override { return "closure"; }
  absl::StatusOr<Value*> AsValue(const SourceRange&,
                                 FunctionCompiler&) override {
    return value_;
  }

 private:
  Value* const value_;
};

// ValueError(…): the text, and which class.
class ExceptionMessage : public SugaredValue {
 public:
  ExceptionMessage(Value* message, Value* class_name)
      : SugaredValue(Tag::kExceptionMessage),
        message_(message),
        class_name_(class_name) {}
  Value* message() const { return message_; }
  // Null for those without a known class.
  Value* class_name() const { return class_name_; }
  std::string kind() const override { return "exception message"; }

 private:
  Value* const message_;
  Value* const class_name_;
};

class ExceptionValue : public SugaredValue {
 public:
  // `qualified_name` ("builtins.ValueError") is empty for AssertionError, whose
  // text starts with its name instead.
  ExceptionValue(std::string name, std::string qualified_name)
      : SugaredValue(Tag::kException),
        name_(std::move(name)),
        qualified_name_(std::move(qualified_name)) {}
  std::string kind() const override { return "exception"; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;

 private:
  const std::string name_;
  const std::string qualified_name_;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_SUGARED_VALUE_H_
