// What tests of the tracer share: a context, graphs without numbers, warnings.
#ifndef TANDEM_TESTS_TRACER_TRACING_TEST_BASE_H_
#define TANDEM_TESTS_TRACER_TRACING_TEST_BASE_H_

#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tandem/backends/native/native.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/frontends/eager/eager.h"
#include "tandem/frontends/nn/nn.h"
#include "tandem/frontends/script/import.h"
#include "tandem/frontends/script/printer.h"
#include "tandem/frontends/tracer/tracer.h"

namespace tandem {

class TracingTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    registry_ = new Registry;
    ASSERT_TRUE(reference::Register(*registry_).ok());
    ASSERT_TRUE(native::Register(*registry_).ok());
    context_ = new eager::Context(registry_);
    eager::SetDefaultContext(context_);
  }
  static void TearDownTestSuite() {
    delete context_;
    delete registry_;
  }
  void SetUp() override {
    eager::manual_seed(0);
    options_.warn = [this](const std::string& text) {
      warnings_.push_back(text);
    };
  }

  tracer::Options Named(std::string name, std::vector<std::string> arguments) {
    tracer::Options options = options_;
    options.name = std::move(name);
    options.argument_names = std::move(arguments);
    return options;
  }
  tracer::Options Arguments(std::vector<std::string> arguments) {
    return Named("f", std::move(arguments));
  }

  // Unnamed values numbered anew in order, names without ".1", no places.
  static std::string Plain(const std::string& text) {
    std::string out;
    std::map<std::string, std::string> numbers;
    for (size_t i = 0; i < text.size();) {
      if (text.compare(i, 3, " # ") == 0) {
        while (i < text.size() && text[i] != '\n') ++i;
        continue;
      }
      if (text[i] != '%' || i + 1 >= text.size() || !isdigit(text[i + 1])) {
        out.push_back(text[i++]);
        continue;
      }
      size_t end = i + 1;
      while (end < text.size() && isdigit(text[end])) ++end;
      const std::string number = text.substr(i + 1, end - i - 1);
      auto it = numbers.emplace(number, std::to_string(numbers.size())).first;
      out += "%" + it->second;
      i = end;
    }
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }
  static std::string GraphOf(const Function& function) {
    return Plain(function.graph()->ToString());
  }
  static std::string GraphOf(const eager::ScriptFunction& function) {
    return GraphOf(*function.function());
  }
  static std::string GraphOf(const Module& module) {
    return GraphOf(*module.FindMethod("forward"));
  }
  static std::string CodeOf(Function& function) {
    const absl::StatusOr<std::string> code = script::PrintFunction(function);
    std::string text = code.ok() ? *code : std::string(code.status().message());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  static std::string CodeOf(const eager::ScriptFunction& function) {
    return CodeOf(*function.function());
  }
  static std::string CodeOf(const Module& module) {
    return CodeOf(*module.FindMethod("forward"));
  }
  // A recorded text.
  static std::string Golden(const std::string& name) {
    std::ifstream in("tests/golden/tutorial/" + name);
    EXPECT_TRUE(in.good()) << name;
    std::stringstream text;
    text << in.rdbuf();
    return Plain(text.str());
  }
  // What `f` throws.
  template <typename F>
  static std::string ErrorOf(F&& f) {
    try {
      f();
    } catch (const std::exception& e) {
      return e.what();
    }
    return "nothing";
  }

  tracer::Options options_;
  std::vector<std::string> warnings_;
  static Registry* registry_;
  static eager::Context* context_;
};
inline Registry* TracingTest::registry_ = nullptr;
inline eager::Context* TracingTest::context_ = nullptr;

}  // namespace tandem

#endif  // TANDEM_TESTS_TRACER_TRACING_TEST_BASE_H_
