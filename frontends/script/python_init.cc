#include "tandem/frontends/script/python_init.h"

#include <memory>
#include <optional>
#include <utility>

#include "tandem/frontends/script/compiler/constant_evaluator.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

class Nothing : public SugaredValue {
 public:
  std::string kind() const override { return "method of super()"; }
  absl::StatusOr<Sugared> Call(const SourceRange&, FunctionCompiler& f,
                               Arguments, Arguments) override {
    return Simple(f.InsertConstant(IValue()));
  }
};

class SuperObject : public SugaredValue {
 public:
  std::string kind() const override { return "super()"; }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override {
    if (name == "__init__") return Sugared(std::make_shared<Nothing>());
    return f.Error(range, "super() has no method '", name,
                   "' here: only super().__init__() is supported");
  }
};

class Super : public SugaredValue {
 public:
  std::string kind() const override { return "super"; }
  absl::StatusOr<Sugared> Call(const SourceRange&, FunctionCompiler&, Arguments,
                               Arguments) override {
    return Sugared(std::make_shared<SuperObject>());
  }
};

class Register : public SugaredValue {
 public:
  Register(bool buffer, Value* self) : buffer_(buffer), self_(self) {}
  std::string kind() const override { return "method"; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override {
    const ClassType* type = AsClass(self_->type());
    const std::optional<IValue> name =
        args.empty() ? std::nullopt : EvaluateValue(f.ValueOf(args[0]));
    if (args.size() < 2 || !name.has_value() || !name->is_string()) {
      return f.Error(range,
                     "expected a name, which is a literal, and a tensor");
    }
    Value* value = f.ValueOf(args[1]);
    const std::string text(name->AsString());
    if (f.function()->name() == "__init__" &&
        !type->FindAttribute(text).has_value()) {
      ClassType* owner = f.context().unit->FindClass(type->name());
      if (owner == nullptr) return f.Error(range, "the class is not known");
      ClassType::Attribute attribute;
      attribute.name = text;
      attribute.type = value->type();
      attribute.is_buffer = buffer_ && IsTensor(value->type());
      attribute.is_parameter = !buffer_ && IsTensor(value->type());
      TANDEM_RETURN_IF_ERROR(owner->AddAttribute(std::move(attribute)));
    }
    TANDEM_RETURN_IF_ERROR(
        SimpleValue(self_).SetAttribute(range, f, text, value));
    return Simple(f.InsertConstant(IValue()));
  }

 private:
  const bool buffer_;
  Value* const self_;
};

}  // namespace

Sugared MakeSuper() { return std::make_shared<Super>(); }

Sugared RegisterMethod(absl::string_view name, Value* self) {
  if (name != "register_buffer" && name != "register_parameter") return nullptr;
  return std::make_shared<Register>(name == "register_buffer", self);
}

}  // namespace tandem::script
