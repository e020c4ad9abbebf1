// Values of Python code that is interpreted: what makes modules.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_OBJECT_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_OBJECT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/tree.h"
#include "tandem/ir/ivalue.h"

namespace tandem::script {

class PythonFile;
struct PyObject;
// Shared, as Python's objects are; never null.
using Py = std::shared_ptr<PyObject>;

// A class statement and the file that it stands in.
struct ClassRef {
  PythonFile* file = nullptr;
  const ClassStmt* cls = nullptr;
  bool operator==(const ClassRef& o) const { return cls == o.cls; }
};

// A mapping of names that keeps the order of their first assignment.
class PyNames {
 public:
  using Entry = std::pair<std::string, Py>;
  // Null if absent.
  Py Find(absl::string_view name) const;
  void Set(absl::string_view name, Py value);
  bool Erase(absl::string_view name);
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

// The local variables of a call, and of the function around it.
struct PyFrame {
  absl::flat_hash_map<std::string, Py> locals;
  std::shared_ptr<PyFrame> outer;
  PythonFile* file = nullptr;
  const SyntaxTree* tree = nullptr;
  ClassRef cls;  // the class that the method was found in
  Py self;       // the method's first argument
};

// What a torch.nn container is, which Python's syntax treats in its own way.
enum class ModuleKind { kPlain, kList, kDict, kParameterList, kParameterDict };

struct PyObject {
  enum class Kind {
    kValue,     // None, numbers, texts, tensors, devices
    kList,      // items
    kTuple,     // items; a NamedTuple has its class
    kDict,      // entries
    kFunction,  // def; self where it is bound
    kClass,
    kInstance,
    kName,   // "torch.nn.init", "math.sqrt", "builtins.len": by its full name
    kBound,  // a method that is no Python: name, self
    kSuper,  // self and the class whose bases are meant
  };
  explicit PyObject(Kind k) : kind(k) {}
  PyObject(const PyObject&) = default;
  PyObject& operator=(const PyObject&) = delete;
  // Without recursion: programs may nest lists as deeply as they like.
  ~PyObject();

  Kind kind;
  IValue value;
  bool is_parameter = false;
  std::vector<Py> items;
  std::vector<std::pair<Py, Py>> entries;
  std::string name;
  Py self;
  // Of functions, classes, instances, NamedTuples.
  ClassRef cls;
  PythonFile* file = nullptr;
  const SyntaxTree* tree = nullptr;
  const DefStmt* def = nullptr;
  std::shared_ptr<PyFrame> closure;
  // Of instances; the last three of modules only.
  PyNames attributes;
  // Types that `self.x: T = …` gave.
  std::vector<std::pair<std::string, const Expr*>> annotations;
  bool is_module = false;
  ModuleKind module_kind = ModuleKind::kPlain;
  PyNames parameters, buffers, modules;
  std::vector<std::string> transient_buffers;

  bool is(Kind k) const { return kind == k; }
  bool is_none() const { return kind == Kind::kValue && value.is_none(); }
  bool is_tensor() const { return kind == Kind::kValue && value.is_tensor(); }
  bool is_string() const { return kind == Kind::kValue && value.is_string(); }
  bool is_int() const { return kind == Kind::kValue && value.is_int(); }
  bool is_number() const { return kind == Kind::kValue && value.is_scalar(); }
};

Py PyValue(IValue value);
Py PyList(std::vector<Py> items);
Py PyTuple(std::vector<Py> items);
Py PyDict();
Py PyQualified(std::string name);
Py PyBound(std::string name, Py self);

// `a is b`, and `a == b` of all but tensors.
bool PyIs(const Py& a, const Py& b);
bool PyEqual(const Py& a, const Py& b, int depth = 0);
// Null if absent.
Py PyGetItem(const PyObject& dict, const Py& key);
void PySetItem(PyObject& dict, const Py& key, Py value);
// type(x).__name__
std::string PyTypeName(const PyObject& object);
// A container of plain values as a value; nothing if its elements do not fit
// one type. What is empty has no type.
absl::StatusOr<IValue> PyToIValue(const PyObject& object, int depth = 0);
// How deeply values may nest where they are compared, copied or converted.
inline constexpr int kMaxPyDepth = 200;
Py PyFromIValue(const IValue& value);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_OBJECT_H_
