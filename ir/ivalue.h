// Boxed values: what registers, containers and attributes hold.
#ifndef TANDEM_IR_IVALUE_H_
#define TANDEM_IR_IVALUE_H_

#include <complex>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "tandem/ir/type.h"
#include "tandem/tensor/device.h"
#include "tandem/tensor/generator.h"
#include "tandem/tensor/ref.h"
#include "tandem/tensor/scalar.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

class DictObject;
class EnumObject;
class Function;
class FutureObject;
class ListObject;
class ModuleObject;
class OpaqueObject;
class TupleObject;

// Heap values are shared by reference, as in Python.
class StringObject : public RefCounted {
 public:
  explicit StringObject(std::string v) : value(std::move(v)) {}
  const std::string value;
};

class ComplexObject : public RefCounted {
 public:
  explicit ComplexObject(std::complex<double> v) : value(v) {}
  const std::complex<double> value;
};

// A generator that a program holds.
class GeneratorObject : public RefCounted {
 public:
  Generator generator;
};

// A tagged 16-byte value. Numbers are inside, the rest is counted references.
class IValue {
 public:
  enum class Tag : uint8_t {
    kNone,
    kBool,
    kInt,
    kDouble,
    kDevice,
    kFunction,  // not owned: functions live as long as their CompilationUnit
    // References from here on.
    kTensor,  // may be undefined (null)
    kComplex,
    kString,
    kList,
    kDict,
    kTuple,
    kObject,  // instance of a class, modules included
    kEnum,
    kFuture,
    kGenerator,
    kOpaque,  // packed parameters and the like
  };

  IValue() : tag_(Tag::kNone) { payload_.i = 0; }
  IValue(std::nullptr_t) : IValue() {}                       // NOLINT
  IValue(bool b) : tag_(Tag::kBool) { payload_.i = b; }      // NOLINT
  IValue(int i) : IValue(static_cast<int64_t>(i)) {}         // NOLINT
  IValue(int64_t i) : tag_(Tag::kInt) { payload_.i = i; }    // NOLINT
  IValue(double d) : tag_(Tag::kDouble) { payload_.d = d; }  // NOLINT
  IValue(Device d) : tag_(Tag::kDevice) {
    payload_.i = 0;
    payload_.device = d;
  }  // NOLINT
  IValue(const Function* f) : tag_(Tag::kFunction) {
    payload_.function = f;
  }                                                                   // NOLINT
  IValue(Tensor t) : tag_(Tag::kTensor) { payload_.ref = t.Leak(); }  // NOLINT
  IValue(std::complex<double> c);                                     // NOLINT
  IValue(std::string s);                                              // NOLINT
  IValue(absl::string_view s) : IValue(std::string(s)) {}             // NOLINT
  IValue(const char* s) : IValue(std::string(s)) {}                   // NOLINT
  IValue(const Scalar& s);                                            // NOLINT
  IValue(Ref<ListObject> p);                                          // NOLINT
  IValue(Ref<DictObject> p);                                          // NOLINT
  IValue(Ref<TupleObject> p);                                         // NOLINT
  IValue(Ref<ModuleObject> p);                                        // NOLINT
  IValue(Ref<EnumObject> p);                                          // NOLINT
  IValue(Ref<FutureObject> p);                                        // NOLINT
  IValue(Ref<GeneratorObject> p);                                     // NOLINT
  IValue(Ref<OpaqueObject> p);                                        // NOLINT
  IValue(Ref<StringObject> p);                                        // NOLINT

  IValue(const IValue& o) : payload_(o.payload_), tag_(o.tag_) { Retain(); }
  IValue(IValue&& o) noexcept : payload_(o.payload_), tag_(o.tag_) {
    o.tag_ = Tag::kNone;
  }
  IValue& operator=(const IValue& o) {
    IValue copy(o);
    swap(copy);
    return *this;
  }
  IValue& operator=(IValue&& o) noexcept {
    swap(o);
    if (o.is_reference()) o.Reset();
    return *this;
  }
  ~IValue() { Release(); }
  void swap(IValue& o) noexcept {
    std::swap(payload_, o.payload_);
    std::swap(tag_, o.tag_);
  }
  // Drops what is held; becomes None.
  void Reset() {
    Release();
    tag_ = Tag::kNone;
    payload_.i = 0;
  }

  Tag tag() const { return tag_; }
  bool is_reference() const { return tag_ >= Tag::kTensor; }
  bool is_none() const { return tag_ == Tag::kNone; }
  bool is_bool() const { return tag_ == Tag::kBool; }
  bool is_int() const { return tag_ == Tag::kInt; }
  bool is_double() const { return tag_ == Tag::kDouble; }
  bool is_complex() const { return tag_ == Tag::kComplex; }
  bool is_number() const { return is_int() || is_double() || is_complex(); }
  bool is_scalar() const { return is_number() || is_bool(); }
  bool is_device() const { return tag_ == Tag::kDevice; }
  bool is_function() const { return tag_ == Tag::kFunction; }
  bool is_tensor() const { return tag_ == Tag::kTensor; }
  bool is_string() const { return tag_ == Tag::kString; }
  bool is_list() const { return tag_ == Tag::kList; }
  bool is_dict() const { return tag_ == Tag::kDict; }
  bool is_tuple() const { return tag_ == Tag::kTuple; }
  bool is_object() const { return tag_ == Tag::kObject; }
  bool is_enum() const { return tag_ == Tag::kEnum; }
  bool is_future() const { return tag_ == Tag::kFuture; }
  bool is_generator() const { return tag_ == Tag::kGenerator; }
  bool is_opaque() const { return tag_ == Tag::kOpaque; }

  // The caller knows the tag (types are checked when programs are compiled);
  // nothing is checked here.
  bool AsBool() const { return payload_.i != 0; }
  int64_t AsInt() const { return payload_.i; }
  double AsDouble() const { return payload_.d; }
  std::complex<double> AsComplex() const {
    return static_cast<ComplexObject*>(payload_.ref)->value;
  }
  Device AsDevice() const { return payload_.device; }
  const Function* AsFunction() const { return payload_.function; }
  // Layout-compatible: a register that holds a tensor is a Tensor.
  const Tensor& AsTensor() const {
    return *reinterpret_cast<const Tensor*>(&payload_);
  }
  Tensor& AsTensor() { return *reinterpret_cast<Tensor*>(&payload_); }
  // As AsTensor, but an undefined tensor for None.
  const Tensor& AsOptionalTensor() const {
    // A Tensor is one pointer: null is an undefined one.
    static constexpr void* kUndefined = nullptr;
    return tag_ == Tag::kTensor ? AsTensor()
                                : *reinterpret_cast<const Tensor*>(&kUndefined);
  }
  const std::string& AsString() const {
    return static_cast<StringObject*>(payload_.ref)->value;
  }
  ListObject& AsList() const {
    return *reinterpret_cast<ListObject*>(payload_.ref);
  }
  DictObject& AsDict() const {
    return *reinterpret_cast<DictObject*>(payload_.ref);
  }
  TupleObject& AsTuple() const {
    return *reinterpret_cast<TupleObject*>(payload_.ref);
  }
  ModuleObject& AsObject() const {
    return *reinterpret_cast<ModuleObject*>(payload_.ref);
  }
  EnumObject& AsEnum() const {
    return *reinterpret_cast<EnumObject*>(payload_.ref);
  }
  FutureObject& AsFuture() const {
    return *reinterpret_cast<FutureObject*>(payload_.ref);
  }
  GeneratorObject& AsGenerator() const {
    return *reinterpret_cast<GeneratorObject*>(payload_.ref);
  }
  OpaqueObject& AsOpaque() const {
    return *reinterpret_cast<OpaqueObject*>(payload_.ref);
  }
  template <typename T>
  Ref<T> AsRef() const {
    return Ref<T>::Share(reinterpret_cast<T*>(payload_.ref));
  }
  // Of a number or bool.
  Scalar AsScalar() const;

  // Writes a number into a register whose tag already is the number's: what
  // the executor does for registers of static type.
  void SetIntUnchecked(int64_t i) { payload_.i = i; }
  void SetDoubleUnchecked(double d) { payload_.d = d; }

  // Same object (or equal number, bool, None): Python's `is`.
  bool Is(const IValue& o) const;
  // The type of the value itself: containers know their element types.
  TypePtr TypeOf() const;
  // Is this value of that type? Containers are judged by their declared
  // element types.
  bool Conforms(const Type& type) const;
  // Text as print() and str() give it.
  std::string ToString() const;

 private:
  template <typename T>
  IValue(Tag tag, Ref<T> p) : tag_(tag) {
    payload_.ref = reinterpret_cast<RefCounted*>(p.Leak());
  }
  void Retain() const {
    if (is_reference() && payload_.ref != nullptr) payload_.ref->Retain();
  }
  void Release() const {
    if (is_reference() && payload_.ref != nullptr) payload_.ref->Release();
  }

  union Payload {
    int64_t i;
    double d;
    Device device;
    RefCounted* ref;
    const Function* function;
    Payload() {}
  } payload_;
  Tag tag_;
};
static_assert(sizeof(IValue) == 16);
static_assert(sizeof(Tensor) == sizeof(void*));

// Python equality of two values: numbers across kinds, strings, lists, dicts,
// tuples, devices, enums by value; tensors and objects by identity.
bool Equal(const IValue& a, const IValue& b);

class ListObject : public RefCounted {
 public:
  explicit ListObject(TypePtr element) : element_type(std::move(element)) {}
  ListObject(TypePtr element, std::vector<IValue> v)
      : element_type(std::move(element)), values(std::move(v)) {}
  TypePtr element_type;
  std::vector<IValue> values;
};

// Insertion-ordered; deleting keeps the order of the rest. Keys are str, int,
// float, bool, complex or Tensor (by identity).
class DictObject : public RefCounted {
 public:
  DictObject(TypePtr key, TypePtr value)
      : key_type(std::move(key)), value_type(std::move(value)) {}
  TypePtr key_type, value_type;

  size_t size() const { return live_; }
  // Null when absent; valid until the next change.
  IValue* Find(const IValue& key);
  // Inserts or overwrites (an overwritten key keeps its place).
  void Set(IValue key, IValue value);
  bool Erase(const IValue& key);
  void Clear();
  // Entries in order.
  struct Entry {
    IValue key, value;
    bool live = true;
  };
  template <typename F>
  void ForEach(F&& f) const {
    for (const Entry& e : entries_) {
      if (e.live) f(e.key, e.value);
    }
  }
  std::vector<std::pair<IValue, IValue>> Items() const;

 private:
  struct KeyHash {
    size_t operator()(const IValue& key) const;
  };
  struct KeyEq {
    bool operator()(const IValue& a, const IValue& b) const;
  };
  void Compact();
  std::vector<Entry> entries_;
  absl::flat_hash_map<IValue, size_t, KeyHash, KeyEq> index_;
  size_t live_ = 0;
};

class TupleObject : public RefCounted {
 public:
  // `type` only for a NamedTuple; a plain tuple's is null.
  explicit TupleObject(std::vector<IValue> v, TypePtr named = nullptr)
      : values(std::move(v)), type(std::move(named)) {}
  std::vector<IValue> values;
  const TypePtr type;
};

// An instance of a class; modules are instances of module classes. Reading and
// writing an attribute is atomic; several are not.
class ModuleObject : public RefCounted {
 public:
  explicit ModuleObject(std::shared_ptr<const ClassType> type);
  const std::shared_ptr<const ClassType>& type() const { return type_; }
  size_t num_slots() const { return slots_.size(); }
  // Slots follow the class's attributes.
  IValue Get(size_t slot) const {
    absl::ReaderMutexLock lock(&mutex_);
    return slots_[slot];
  }
  void Set(size_t slot, IValue value) {
    absl::MutexLock lock(&mutex_);
    slots_[slot].swap(value);
  }
  // For slots that nothing writes while calls run.
  const IValue& GetUnlocked(size_t slot) const { return slots_[slot]; }
  // By name; error names class and attribute.
  absl::StatusOr<IValue> GetAttribute(absl::string_view name) const;
  absl::Status SetAttribute(absl::string_view name, IValue value);
  // After the class grew an attribute.
  void Grow(size_t slots) { slots_.resize(slots); }

 private:
  const std::shared_ptr<const ClassType> type_;
  mutable absl::Mutex mutex_;
  std::vector<IValue> slots_;
};

class EnumObject : public RefCounted {
 public:
  EnumObject(std::shared_ptr<const EnumType> t, std::string n, IValue v)
      : type(std::move(t)), name(std::move(n)), value(std::move(v)) {}
  const std::shared_ptr<const EnumType> type;
  const std::string name;  // of the member
  const IValue value;
};

// A value of a class bound from C++ (packed parameters of quantized modules):
// its qualified name and the state that __getstate__ gave. Kernels may keep a
// prepared form beside it.
class OpaqueObject : public RefCounted {
 public:
  OpaqueObject(std::string name, IValue s)
      : qualified_name(std::move(name)), state(std::move(s)) {}
  const std::string qualified_name;
  const IValue state;
  // Made once from `state` by whoever needs it; guarded by `mutex`.
  absl::Mutex mutex;
  std::shared_ptr<void> prepared ABSL_GUARDED_BY(mutex);
};

// The result of a fork, ready or not.
class FutureObject : public RefCounted {
 public:
  explicit FutureObject(TypePtr element) : element_type(std::move(element)) {}
  const TypePtr element_type;
  bool ready() const;
  void Complete(absl::StatusOr<IValue> result);
  // Blocks; the runtime helps with other tasks before it calls this.
  absl::StatusOr<IValue> Wait();

 private:
  mutable absl::Mutex mutex_;
  bool done_ = false;
  absl::StatusOr<IValue> result_ = absl::UnknownError("pending");
};

inline IValue::IValue(Ref<ListObject> p) : IValue(Tag::kList, std::move(p)) {}
inline IValue::IValue(Ref<DictObject> p) : IValue(Tag::kDict, std::move(p)) {}
inline IValue::IValue(Ref<TupleObject> p) : IValue(Tag::kTuple, std::move(p)) {}
inline IValue::IValue(Ref<ModuleObject> p)
    : IValue(Tag::kObject, std::move(p)) {}
inline IValue::IValue(Ref<EnumObject> p) : IValue(Tag::kEnum, std::move(p)) {}
inline IValue::IValue(Ref<FutureObject> p)
    : IValue(Tag::kFuture, std::move(p)) {}
inline IValue::IValue(Ref<GeneratorObject> p)
    : IValue(Tag::kGenerator, std::move(p)) {}
inline IValue::IValue(Ref<OpaqueObject> p)
    : IValue(Tag::kOpaque, std::move(p)) {}
inline IValue::IValue(Ref<StringObject> p)
    : IValue(Tag::kString, std::move(p)) {}

// Convenience.
Ref<ListObject> MakeList(TypePtr element, std::vector<IValue> values = {});
Ref<ListObject> MakeIntList(absl::Span<const int64_t> values);
Ref<ListObject> MakeTensorList(absl::Span<const Tensor> values);
Ref<TupleObject> MakeTuple(std::vector<IValue> values);
Ref<DictObject> MakeDict(TypePtr key, TypePtr value);

// Numbers as TorchScript writes them: "2.", "0.10000000000000001", "inf".
// `for_code` is the form of literals in code and graphs (part: integral values
// below 1e10 get a point), otherwise the form of str().
std::string FloatToString(double d, bool for_code = false);
std::string ComplexToString(std::complex<double> c);

}  // namespace tandem

#endif  // TANDEM_IR_IVALUE_H_
