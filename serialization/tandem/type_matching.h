// Types of values against types of signatures.
#ifndef TANDEM_SERIALIZATION_TANDEM_TYPE_MATCHING_H_
#define TANDEM_SERIALIZATION_TANDEM_TYPE_MATCHING_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "tandem/ir/type.h"

namespace tandem::model_file {

// Does a value of type `given` stand where `expected` is declared? Subtypes do;
// what is known of tensors does not count.
bool Fits(const Type& given, const Type& expected);

// Are values of both types kept alike: as an int, a float, a bool, or boxed?
bool SameRegister(const Type& a, const Type& b);

// What the variables of a schema ("t") stand for.
struct TypeVariable {
  TypePtr type;
  // Found inside a container, which takes no other type.
  bool exact = false;
};
using TypeVariables = absl::flat_hash_map<std::string, TypeVariable>;

// Binds the variables of `formal`, a type of a schema, so that a value of type
// `actual` fits; false where none does.
bool MatchFormal(const TypePtr& formal, const TypePtr& actual,
                 TypeVariables* variables);

// The type with its variables replaced, as programs have it (an int for a
// ScalarType); null where one is not bound.
TypePtr Substitute(const TypePtr& type, const TypeVariables& variables);

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_TYPE_MATCHING_H_
