#include "tandem/frontends/symbolic/names.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tandem::fx {
namespace {

// Sorted. Python 3.11's keywords and builtins, and FX's globals.
constexpr absl::string_view kReserved[] = {"ArithmeticError",
                                           "AssertionError",
                                           "AttributeError",
                                           "BaseException",
                                           "BaseExceptionGroup",
                                           "BlockingIOError",
                                           "BrokenPipeError",
                                           "BufferError",
                                           "BytesWarning",
                                           "ChildProcessError",
                                           "ConnectionAbortedError",
                                           "ConnectionError",
                                           "ConnectionRefusedError",
                                           "ConnectionResetError",
                                           "DeprecationWarning",
                                           "EOFError",
                                           "Ellipsis",
                                           "EncodingWarning",
                                           "EnvironmentError",
                                           "Exception",
                                           "ExceptionGroup",
                                           "False",
                                           "FileExistsError",
                                           "FileNotFoundError",
                                           "FloatingPointError",
                                           "FutureWarning",
                                           "GeneratorExit",
                                           "IOError",
                                           "ImportError",
                                           "ImportWarning",
                                           "IndentationError",
                                           "IndexError",
                                           "InterruptedError",
                                           "IsADirectoryError",
                                           "KeyError",
                                           "KeyboardInterrupt",
                                           "LookupError",
                                           "MemoryError",
                                           "ModuleNotFoundError",
                                           "NameError",
                                           "None",
                                           "NoneType",
                                           "NotADirectoryError",
                                           "NotImplemented",
                                           "NotImplementedError",
                                           "OSError",
                                           "OverflowError",
                                           "PendingDeprecationWarning",
                                           "PermissionError",
                                           "ProcessLookupError",
                                           "RecursionError",
                                           "ReferenceError",
                                           "ResourceWarning",
                                           "RuntimeError",
                                           "RuntimeWarning",
                                           "StopAsyncIteration",
                                           "StopIteration",
                                           "SyntaxError",
                                           "SyntaxWarning",
                                           "SystemError",
                                           "SystemExit",
                                           "TabError",
                                           "TimeoutError",
                                           "True",
                                           "TypeError",
                                           "UnboundLocalError",
                                           "UnicodeDecodeError",
                                           "UnicodeEncodeError",
                                           "UnicodeError",
                                           "UnicodeTranslateError",
                                           "UnicodeWarning",
                                           "UserWarning",
                                           "ValueError",
                                           "Warning",
                                           "ZeroDivisionError",
                                           "__build_class__",
                                           "__debug__",
                                           "__doc__",
                                           "__import__",
                                           "__loader__",
                                           "__name__",
                                           "__package__",
                                           "__spec__",
                                           "abs",
                                           "aiter",
                                           "all",
                                           "and",
                                           "anext",
                                           "any",
                                           "as",
                                           "ascii",
                                           "assert",
                                           "async",
                                           "await",
                                           "bin",
                                           "bool",
                                           "break",
                                           "breakpoint",
                                           "bytearray",
                                           "bytes",
                                           "callable",
                                           "chr",
                                           "class",
                                           "classmethod",
                                           "compile",
                                           "complex",
                                           "continue",
                                           "copyright",
                                           "credits",
                                           "def",
                                           "del",
                                           "delattr",
                                           "device",
                                           "dict",
                                           "dir",
                                           "divmod",
                                           "elif",
                                           "else",
                                           "enumerate",
                                           "eval",
                                           "except",
                                           "exec",
                                           "exit",
                                           "filter",
                                           "finally",
                                           "float",
                                           "for",
                                           "format",
                                           "from",
                                           "frozenset",
                                           "fx_pytree",
                                           "getattr",
                                           "global",
                                           "globals",
                                           "hasattr",
                                           "hash",
                                           "help",
                                           "hex",
                                           "id",
                                           "if",
                                           "import",
                                           "in",
                                           "inf",
                                           "input",
                                           "int",
                                           "is",
                                           "isinstance",
                                           "issubclass",
                                           "iter",
                                           "lambda",
                                           "len",
                                           "license",
                                           "list",
                                           "locals",
                                           "map",
                                           "max",
                                           "memoryview",
                                           "min",
                                           "nan",
                                           "next",
                                           "nonlocal",
                                           "not",
                                           "object",
                                           "oct",
                                           "open",
                                           "or",
                                           "ord",
                                           "pass",
                                           "pow",
                                           "print",
                                           "property",
                                           "pytree",
                                           "quit",
                                           "raise",
                                           "range",
                                           "repr",
                                           "return",
                                           "reversed",
                                           "round",
                                           "set",
                                           "setattr",
                                           "slice",
                                           "sorted",
                                           "staticmethod",
                                           "str",
                                           "sum",
                                           "super",
                                           "torch",
                                           "try",
                                           "tuple",
                                           "type",
                                           "vars",
                                           "while",
                                           "with",
                                           "yield",
                                           "zip"};

bool IsWordChar(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// "base_12" into "base" and 12; -1 where no number ends it.
std::pair<absl::string_view, int64_t> SplitNumber(absl::string_view s) {
  size_t digits = 0;
  while (digits < s.size() && absl::ascii_isdigit(s[s.size() - 1 - digits])) {
    ++digits;
  }
  int64_t number;
  if (digits == 0 || digits + 2 > s.size() || s[s.size() - 1 - digits] != '_' ||
      !absl::SimpleAtoi(s.substr(s.size() - digits), &number)) {
    return {s, -1};
  }
  return {s.substr(0, s.size() - digits - 1), number};
}

}  // namespace

bool IsReservedName(absl::string_view s) {
  return std::binary_search(std::begin(kReserved), std::end(kReserved), s);
}

bool IsIdentifier(absl::string_view s) {
  return !s.empty() && !absl::ascii_isdigit(s[0]) &&
         std::all_of(s.begin(), s.end(), IsWordChar);
}

std::string SnakeCase(absl::string_view s) {
  std::string out;
  for (size_t i = 0; i < s.size(); ++i) {
    if (i > 0 && absl::ascii_isupper(s[i]) && absl::ascii_islower(s[i - 1])) {
      out += '_';
    }
    out += absl::ascii_tolower(s[i]);
  }
  return out;
}

std::string FormatTarget(absl::string_view base, absl::string_view target) {
  std::string r(base);
  for (absl::string_view part : absl::StrSplit(target, '.')) {
    r = IsIdentifier(part) ? absl::StrCat(r, ".", part)
                           : absl::StrCat("getattr(", r, ", \"", part, "\")");
  }
  return r;
}

std::string Namespace::CreateName(absl::string_view wanted, bool may_hide) {
  std::string candidate;
  if (IsIdentifier(wanted)) {
    candidate = std::string(wanted);
  } else {
    // A run of characters that no identifier has becomes one underscore.
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (IsWordChar(wanted[i])) {
        candidate += wanted[i];
      } else if (i == 0 || IsWordChar(wanted[i - 1])) {
        candidate += '_';
      }
    }
    if (candidate.empty()) candidate = "_unnamed";
    if (absl::ascii_isdigit(candidate[0])) candidate.insert(0, "_");
  }
  const auto [base_view, number] = SplitNumber(candidate);
  const std::string base(base_view);
  int64_t count = number;
  if (number < 0 || used_.contains(candidate)) {
    const auto it = base_count_.find(base);
    count = it == base_count_.end() ? 0 : it->second;
    if (!may_hide && IsReservedName(candidate)) {
      candidate = absl::StrCat(base, "_", ++count);
    }
  }
  while (used_.contains(candidate)) {
    candidate = absl::StrCat(base, "_", ++count);
  }
  used_.insert(candidate);
  base_count_[base] = count;
  return candidate;
}

}  // namespace tandem::fx
