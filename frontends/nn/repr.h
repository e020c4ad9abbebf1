// Python's text of the values that extra_repr() shows.
#ifndef TANDEM_FRONTENDS_NN_REPR_H_
#define TANDEM_FRONTENDS_NN_REPR_H_

#include <optional>
#include <string>

#include "tandem/frontends/eager/values.h"

namespace tandem::nn {

std::string Repr(bool b);                // "True"
std::string Repr(double d);              // "0.1", "1.0", "1e-05"
std::string Repr(const std::string& s);  // "'mean'"
std::string Repr(const Dims& dims);      // "(1, 2)", "(3,)"
// One number stays a number: "2", "(2, 3)".
std::string Repr(const eager::IntList& list);

// As many numbers as a layer has dims; one number stands for all.
Dims Ntuple(const eager::IntList& list, size_t count);

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_REPR_H_
