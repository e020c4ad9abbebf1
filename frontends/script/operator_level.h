// How strongly operators of source text bind.
#ifndef TANDEM_FRONTENDS_SCRIPT_OPERATOR_LEVEL_H_
#define TANDEM_FRONTENDS_SCRIPT_OPERATOR_LEVEL_H_

#include "tandem/frontends/script/lexer.h"

namespace tandem::script {

// Binary operators bind as in PyTorch's parser, where `and` and `or` have one
// level and `~` binds as weakly as `not`; in Python as in Python.
inline constexpr int kTernaryLevel = 10;
inline constexpr int kOrLevel = 20;
inline constexpr int kPythonAndLevel = 25;
inline constexpr int kNotLevel = 30;
inline constexpr int kCompareLevel = 40;
inline constexpr int kUnaryLevel = 100;

// Of a token's kind; 0 when it is no such operator.
int BinaryLevel(int kind, Dialect dialect);
int UnaryLevel(int kind, Dialect dialect);

// The binary operator of an augmented assignment, or 0.
int AugmentedOperator(int kind);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_OPERATOR_LEVEL_H_
