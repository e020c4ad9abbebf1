// Writes eager's operators from the rows of ir/operators/*.schema:
//
//   generate OUT_DIR SHARDS FILE.schema...
//
// gives tensor_methods.inc, operators.h, checked_operators.h,
// operators_0.cc ..., operator_index.cc and operator_numbers.h. It reads rows
// as text: it runs before anything of the house is built.
#include <algorithm>
#include <cctype>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using Strings = std::vector<std::string>;

struct Parameter {
  std::string type;      // of the schema: "SymInt", "int", "Tensor?"
  std::string cpp_type;  // of the C++ parameter
  std::string name;
  std::string value;  // the C++ default; empty: none
};

struct Row {
  std::string schema, name, overload;
  std::vector<Parameter> parameters;
  Strings returns;
  std::string result;        // the C++ type
  size_t required = 0;       // parameters without default
  size_t index = 0;          // in the table of operator_index.cc
  bool is_method = false;    // the first parameter is `self`
  bool number_only = false;  // no function: an operator symbol runs it
  bool wraps_number = false;
};

// Members that tensor.h and operators.h have by hand.
const std::set<std::string> kByHand = {
    "size",  "sizes",   "shape",          "dim",   "ndim",   "stride", "item",
    "numel", "len",     "index",          "dtype", "device", "layout", "data",
    "type",  "strides", "requires_grad_", "cpu",   "is_same"};

// factories.h has it, for numbers and nested lists.
constexpr char kFactory[] = "tensor";

const std::set<std::string> kKeywords = {
    "and",   "auto",    "bool",   "break",  "case",      "char", "class",
    "const", "default", "delete", "double", "else",      "enum", "float",
    "for",   "if",      "int",    "long",   "namespace", "new",  "not",
    "or",    "return",  "short",  "signed", "static",    "this", "union",
    "void",  "xor",     "std"};

// Python's bindings have no Scalar overload of these: a number becomes a weak
// 0-dim tensor, which is what programs and traces show.
const std::set<std::string> kNumberIsTensor = {"add", "add_", "sub", "sub_",
                                               "mul", "mul_", "div", "div_"};

// What a & b and its kin run.
const std::set<std::string> kSymbols = {"__and__", "__or__", "__xor__"};

// Private names that have functions all the same: PyTorch's layers and its
// tracer call them.
const std::set<std::string> kPrivate = {"_convolution",
                                        "_pack_padded_sequence",
                                        "_pad_packed_sequence",
                                        "_shape_as_tensor",
                                        "_upsample_nearest_exact1d",
                                        "_upsample_nearest_exact2d",
                                        "_upsample_nearest_exact3d",
                                        "_weight_norm"};

[[noreturn]] void Fail(const std::string& message) {
  std::cerr << "generate: " << message << "\n";
  std::exit(1);
}

std::string Trim(const std::string& s) {
  const size_t b = s.find_first_not_of(" \t\r");
  if (b == std::string::npos) return "";
  return s.substr(b, s.find_last_not_of(" \t\r") - b + 1);
}

// "(a!)", "(a -> *)": what stands in parentheses behind a type's name.
std::string WithoutAliases(const std::string& s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '(' && i + 1 < s.size() &&
        (std::islower(static_cast<unsigned char>(s[i + 1])) ||
         s[i + 1] == '*')) {
      const size_t close = s.find(')', i);
      const std::string inside = s.substr(i + 1, close - i - 1);
      const bool alias = inside.find_first_not_of("abcdefghijklmnop!*| ->") ==
                             std::string::npos &&
                         inside.size() < 12;
      if (alias) {
        i = close;
        continue;
      }
    }
    out += s[i];
  }
  return out;
}

Strings SplitTop(const std::string& s) {
  Strings parts;
  std::string part;
  int depth = 0;
  bool quoted = false;
  for (const char c : s) {
    if (c == '"') quoted = !quoted;
    if (!quoted) depth += (c == '(' || c == '[') - (c == ')' || c == ']');
    if (c == ',' && depth == 0 && !quoted) {
      parts.push_back(Trim(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!Trim(part).empty()) parts.push_back(Trim(part));
  return parts;
}

// "SymInt[2]?" -> "int[N]?", the key of kTypes.
std::string Normal(std::string type) {
  if (type.rfind("SymInt", 0) == 0) type = "int" + type.substr(6);
  const size_t open = type.find('[');
  if (open != std::string::npos && type[open + 1] != ']') {
    type = type.substr(0, open) + "[N" + type.substr(type.find(']'));
  }
  return type;
}

const std::map<std::string, std::string> kTypes = {
    {"Tensor", "const Tensor&"},
    {"Tensor?", "const Tensor&"},
    {"int", "const Int&"},
    {"int?", "const std::optional<Int>&"},
    {"float", "double"},
    {"float?", "std::optional<double>"},
    {"bool", "Bool"},
    {"bool?", "std::optional<Bool>"},
    {"complex", "std::complex<double>"},
    {"Scalar", "const Number&"},
    {"Scalar?", "const std::optional<Number>&"},
    {"str", "absl::string_view"},
    {"str?", "std::optional<absl::string_view>"},
    {"int[]", "const IntList&"},
    {"int[N]", "const IntList&"},
    {"int[]?", "const OptionalIntList&"},
    {"int[N]?", "const OptionalIntList&"},
    {"float[]", "const std::vector<double>&"},
    {"float[]?", "const OptionalFloatList&"},
    {"Tensor[]", "TensorList"},
    {"Tensor?[]", "TensorList"},
    {"ScalarType", "DType"},
    {"ScalarType?", "std::optional<DType>"},
    {"Layout?", "std::optional<Layout>"},
    {"Device", "Device"},
    {"Device?", "std::optional<Device>"},
    {"MemoryFormat", "MemoryFormat"},
    {"MemoryFormat?", "std::optional<MemoryFormat>"},
    {"Generator?", "const RandomGenerator&"},
};

const std::map<std::string, std::string> kResults = {
    {"Tensor", "Tensor"},    {"Tensor[]", "std::vector<Tensor>"},
    {"bool", "bool"},        {"int", "Int"},
    {"float", "double"},     {"Scalar", "Number"},
    {"ScalarType", "DType"}, {"int[]", "IntList"},
};

// The C++ expression of a default; empty when there is none to write.
std::string DefaultOf(const std::string& type, const std::string& text) {
  if (text == "None") {
    if (type == "Tensor?" || type == "Generator?" || type == "int[]?" ||
        type == "int[N]?") {
      return "{}";
    }
    return "std::nullopt";
  }
  if (type.rfind("int[", 0) == 0) {
    if (text[0] != '[') return text;
    if (text == "[]") return "IntList()";
    return "IntList{" + text.substr(1, text.size() - 2) + "}";
  }
  if (type.rfind("ScalarType", 0) == 0)
    return "static_cast<DType>(" + text + ")";
  if (type.rfind("MemoryFormat", 0) == 0) {
    return "static_cast<MemoryFormat>(" + text + ")";
  }
  if (text == "True") return "true";
  if (text == "False") return "false";
  return text;
}

// False when a type of the row has no C++ form here.
bool ParseRow(const std::string& line, Row* row) {
  row->schema = Trim(line.substr(0, line.find(';')));
  if (row->schema.rfind("aten::", 0) != 0) return false;
  const size_t open = row->schema.find('(');
  const size_t arrow = row->schema.rfind(" -> ");
  if (open == std::string::npos || arrow == std::string::npos) {
    Fail("no signature: " + line);
  }
  std::string name = row->schema.substr(6, open - 6);
  const size_t dot = name.find('.');
  if (dot != std::string::npos) {
    row->overload = name.substr(dot + 1);
    name = name.substr(0, dot);
  }
  row->name = name;
  if (name == kFactory) return false;
  row->number_only = kSymbols.count(name) != 0;
  if ((name[0] == '_' && !row->number_only && kPrivate.count(name) == 0) ||
      std::isupper(static_cast<unsigned char>(name[0])) ||
      name.find("backward") != std::string::npos) {
    return false;
  }
  const std::string inside =
      row->schema.substr(open + 1, row->schema.rfind(')', arrow) - open - 1);
  bool keyword_only = false, has_tensor = false;
  for (const std::string& part : SplitTop(inside)) {
    if (part == "*") {
      keyword_only = true;
      continue;
    }
    // A written keyword is an out variant.
    if (keyword_only && part.find("!)") != std::string::npos) return false;
    const std::string text = WithoutAliases(part);
    const size_t space = text.find(' ');
    if (space == std::string::npos) return false;
    Parameter p;
    p.type = text.substr(0, space);
    const std::string normal = Normal(p.type);
    const auto type = kTypes.find(normal);
    if (type == kTypes.end()) return false;
    p.cpp_type = type->second;
    p.name = text.substr(space + 1);
    const size_t equal = p.name.find('=');
    if (equal != std::string::npos) {
      p.value = DefaultOf(normal, p.name.substr(equal + 1));
      p.name = p.name.substr(0, equal);
    }
    has_tensor |= p.type.rfind("Tensor", 0) == 0;
    row->parameters.push_back(p);
  }
  std::string results = WithoutAliases(row->schema.substr(arrow + 4));
  if (results.size() > 1 && results[0] == '(') {
    for (const std::string& r :
         SplitTop(results.substr(1, results.rfind(')') - 1))) {
      row->returns.push_back(Normal(r.substr(0, r.find(' '))));
    }
  } else {
    row->returns.push_back(Normal(results.substr(0, results.find(' '))));
  }
  bool gives_tensor = false;
  Strings types;
  for (const std::string& r : row->returns) {
    const auto type = kResults.find(r);
    if (type == kResults.end()) return false;
    types.push_back(type->second);
    gives_tensor |= r.rfind("Tensor", 0) == 0;
  }
  if (!has_tensor && !gives_tensor) return false;
  if (types.empty()) {
    row->result = "void";
  } else if (types.size() == 1) {
    row->result = types[0];
  } else {
    for (const std::string& t : types) {
      row->result += (row->result.empty() ? "std::tuple<" : ", ") + t;
    }
    row->result += ">";
  }
  // C++ wants defaults at the end.
  row->required = row->parameters.size();
  while (row->required > 0 && !row->parameters[row->required - 1].value.empty())
    --row->required;
  row->is_method = !row->parameters.empty() &&
                   row->parameters[0].name == "self" &&
                   row->parameters[0].type == "Tensor";
  row->wraps_number =
      row->overload == "Scalar" && kNumberIsTensor.count(row->name) != 0;
  return true;
}

bool SameType(const Parameter& a, const Parameter& b) {
  return a.cpp_type == b.cpp_type;
}

// Calls that two overloads would take alike go to the earlier row: the later
// one asks for one argument more. False when no call would reach it.
bool Distinguish(const Row& earlier, Row* later) {
  size_t same = 0;
  const size_t most =
      std::min(earlier.parameters.size(), later->parameters.size());
  while (same < most &&
         SameType(earlier.parameters[same], later->parameters[same])) {
    ++same;
  }
  if (same < std::max(earlier.required, later->required)) return true;
  if (same >= later->parameters.size()) return false;
  later->required = same + 1;
  return true;
}

void TellOverloadsApart(std::vector<Row>* rows) {
  std::map<std::string, std::vector<Row*>> by_name;
  for (Row& r : *rows) by_name[r.name].push_back(&r);
  std::set<const Row*> unreachable;
  for (auto& [name, overloads] : by_name) {
    // One int where another overload has a list: the list never is one number.
    for (Row* r : overloads) {
      for (size_t k = 0; k < r->parameters.size(); ++k) {
        if (r->parameters[k].cpp_type != "const IntList&") continue;
        for (const Row* o : overloads) {
          if (k < o->parameters.size() &&
              o->parameters[k].cpp_type == "const Int&") {
            r->parameters[k].cpp_type = "const IntListOnly&";
            if (!r->parameters[k].value.empty()) r->required = k + 1;
          }
        }
      }
    }
    for (size_t j = 1; j < overloads.size(); ++j) {
      for (size_t i = 0; i < j; ++i) {
        if (!Distinguish(*overloads[i], overloads[j])) {
          unreachable.insert(overloads[j]);
          break;
        }
      }
    }
  }
  std::vector<Row> kept;
  for (Row& r : *rows) {
    if (unreachable.count(&r) == 0) kept.push_back(std::move(r));
  }
  *rows = std::move(kept);
}

std::string NameOf(const Parameter& p) {
  return kKeywords.count(p.name) != 0 ? p.name + "_" : p.name;
}

std::string FunctionName(const Row& r) {
  return kKeywords.count(r.name) != 0 && r.name != "std" ? r.name + "_op"
                                                         : r.name;
}

std::string Parameters(const Row& r, size_t first, bool defaults) {
  std::string out;
  for (size_t i = first; i < r.parameters.size(); ++i) {
    const Parameter& p = r.parameters[i];
    if (i > first) out += ", ";
    out += p.cpp_type + " " + NameOf(p);
    if (defaults && i >= r.required) out += " = " + p.value;
  }
  return out;
}

std::string Arguments(const Row& r, bool method) {
  std::string out = "{";
  for (size_t i = 0; i < r.parameters.size(); ++i) {
    if (i > 0) out += ", ";
    const std::string name =
        method && i == 0 ? "*this" : NameOf(r.parameters[i]);
    out += r.wraps_number && i == 1 ? "Arg::AsTensor(" + name + ")" : name;
  }
  return out + "}";
}

std::string Checked(const Row& r) {
  return r.result == "void" ? "absl::Status"
                            : "absl::StatusOr<" + r.result + ">";
}

bool IsByHand(const Row& r) { return kByHand.count(r.name) != 0; }

class File {
 public:
  File(const std::string& folder, const std::string& name)
      : path_(folder + "/" + name) {
    text_ << "// Generated by frontends/eager/generator from ir/operators.\n";
  }
  ~File() {
    std::ofstream out(path_);
    out << text_.str();
    out.close();
    if (!out) Fail("cannot write " + path_);
  }
  template <typename T>
  File& operator<<(const T& t) {
    text_ << t;
    return *this;
  }

 private:
  const std::string path_;
  std::ostringstream text_;
};

void WriteHeaders(const std::string& folder, const std::vector<Row>& rows) {
  File methods(folder, "tensor_methods.inc");
  File functions(folder, "operators.h");
  File checked(folder, "checked_operators.h");
  functions << "#ifndef TANDEM_FRONTENDS_EAGER_OPERATORS_H_\n"
               "#define TANDEM_FRONTENDS_EAGER_OPERATORS_H_\n"
               "#include \"tandem/frontends/eager/tensor.h\"\n"
               "namespace tandem::eager {\n";
  checked << "#ifndef TANDEM_FRONTENDS_EAGER_CHECKED_OPERATORS_H_\n"
             "#define TANDEM_FRONTENDS_EAGER_CHECKED_OPERATORS_H_\n"
             "#include \"tandem/frontends/eager/tensor.h\"\n"
             "// The operators with a StatusOr where operators.h throws.\n"
             "namespace tandem::eager::checked {\n";
  for (const Row& r : rows) {
    if (r.number_only) continue;
    const std::string name = FunctionName(r);
    if (r.is_method && !IsByHand(r)) {
      methods << "// " << r.schema << "\n"
              << r.result << " " << name << "(" << Parameters(r, 1, true)
              << ") const;\n";
    }
    const std::string parameters = Parameters(r, 0, true);
    functions << "// " << r.schema << "\n"
              << r.result << " " << name << "(" << parameters << ");\n";
    checked << Checked(r) << " " << name << "(" << parameters << ");\n";
  }
  functions << "}  // namespace tandem::eager\n#endif\n";
  checked << "}  // namespace tandem::eager::checked\n#endif\n";
}

void WriteShard(const std::string& folder, size_t shard, size_t shards,
                const std::vector<Row>& rows) {
  File out(folder, "operators_" + std::to_string(shard) + ".cc");
  out << "#include \"tandem/frontends/eager/arg.h\"\n"
         "#include \"tandem/frontends/eager/checked_operators.h\"\n"
         "#include \"tandem/frontends/eager/operators.h\"\n"
         "namespace tandem::eager {\n"
         "using internal::Arg;\n"
         "using internal::Call;\n"
         "using internal::CheckedCall;\n"
         "using internal::kMethod;\n";
  for (size_t i = rows.size() * shard / shards;
       i < rows.size() * (shard + 1) / shards; ++i) {
    const Row& r = rows[i];
    if (r.number_only) continue;
    const std::string name = FunctionName(r);
    const std::string run = "<" + r.result + ">(" + std::to_string(r.index);
    const std::string n = std::to_string(r.parameters.size());
    if (r.is_method && !IsByHand(r)) {
      out << r.result << " Tensor::" << name << "(" << Parameters(r, 1, false)
          << ") const {\n  const Arg args[] = " << Arguments(r, true)
          << ";\n  return Call" << run << " | kMethod, args, " << n
          << ");\n}\n";
    }
    const std::string body = "(" + Parameters(r, 0, false) +
                             ") {\n  const Arg args[] = " + Arguments(r, false);
    out << r.result << " " << name << body << ";\n  return Call" << run
        << ", args, " << n << ");\n}\n"
        << "namespace checked {\n"
        << Checked(r) << " " << name << body << ";\n  return CheckedCall" << run
        << ", args, " << n << ");\n}\n}\n";
  }
  out << "}  // namespace tandem::eager\n";
}

void WriteIndex(const std::string& folder, const std::vector<Row>& rows) {
  File out(folder, "operator_index.cc");
  out << "#include \"tandem/frontends/eager/arg.h\"\n"
         "#include \"tandem/frontends/eager/call_result.h\"\n"
         "namespace tandem::eager::internal {\n"
         "const OperatorName kOperatorNames[] = {\n";
  for (const Row& r : rows) {
    out << "    {\"aten::" << r.name << "\", \""
        << (r.wraps_number ? "Tensor" : r.overload) << "\"},\n";
  }
  // Numbers by name, for code by hand.
  File numbers(folder, "operator_numbers.h");
  numbers << "#ifndef TANDEM_FRONTENDS_EAGER_OPERATOR_NUMBERS_H_\n"
             "#define TANDEM_FRONTENDS_EAGER_OPERATOR_NUMBERS_H_\n"
             "#include <cstdint>\n"
             "namespace tandem::eager::internal {\n"
             "enum OperatorNumber : uint32_t {\n";
  for (const Row& r : rows) {
    numbers << "  k_" << r.name << (r.overload.empty() ? "" : "_" + r.overload)
            << " = " << r.index << ",\n";
  }
  numbers << "};\n}  // namespace tandem::eager::internal\n#endif\n";
  out << "};\nconst uint32_t kNumOperators = " << rows.size() << ";\n";
  std::set<std::string> results;
  for (const Row& r : rows) results.insert(r.result);
  for (const std::string& r : results) {
    out << "template " << r << " Call<" << r
        << ">(uint32_t, const Arg*, size_t);\n"
        << "template "
        << (r == "void" ? "absl::Status" : "absl::StatusOr<" + r + ">")
        << " CheckedCall<" << r << ">(uint32_t, const Arg*, size_t);\n";
  }
  out << "}  // namespace tandem::eager::internal\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) Fail("usage: generate OUT_DIR SHARDS FILE.schema...");
  const std::string folder = argv[1];
  const size_t shards = std::stoul(argv[2]);
  std::vector<Row> rows;
  for (int i = 3; i < argc; ++i) {
    const std::string path = argv[i];
    std::ifstream in(path);
    if (!in) Fail("cannot read " + path);
    std::string line;
    while (std::getline(in, line)) {
      Row row;
      if (Trim(line).empty() || line[0] == '#') continue;
      if (ParseRow(line, &row)) rows.push_back(std::move(row));
    }
  }
  TellOverloadsApart(&rows);
  for (size_t i = 0; i < rows.size(); ++i) rows[i].index = i;
  WriteHeaders(folder, rows);
  WriteIndex(folder, rows);
  for (size_t s = 0; s < shards; ++s) WriteShard(folder, s, shards, rows);
  return 0;
}
