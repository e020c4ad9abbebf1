#include "tandem/frontends/nn/dropout.h"

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/nn/repr.h"

namespace tandem::nn {

#define TANDEM_DROPOUT(NAME, FUNCTION)                               \
  NAME::NAME(double probability, bool in_place)                      \
      : p(probability), inplace(in_place) {                          \
    if (p < 0 || p > 1) {                                            \
      eager::Throw(absl::StrCat(                                     \
          "dropout probability has to be between 0 and 1, but got ", \
          Repr(p)));                                                 \
    }                                                                \
  }                                                                  \
  std::string NAME::extra_repr() const {                             \
    return absl::StrCat("p=", Repr(p), ", inplace=", Repr(inplace)); \
  }                                                                  \
  Tensor NAME::forward(const Tensor& input) {                        \
    return inplace ? eager::FUNCTION##_(input, p, training())        \
                   : eager::FUNCTION(input, p, training());          \
  }
TANDEM_DROPOUT(Dropout, dropout)
TANDEM_DROPOUT(Dropout2d, feature_dropout)
TANDEM_DROPOUT(Dropout3d, feature_dropout)
TANDEM_DROPOUT(AlphaDropout, alpha_dropout)
TANDEM_DROPOUT(FeatureAlphaDropout, feature_alpha_dropout)
#undef TANDEM_DROPOUT

Dropout1d::Dropout1d(double probability, bool in_place)
    : p(probability), inplace(in_place) {
  if (p < 0 || p > 1) {
    eager::Throw(absl::StrCat(
        "dropout probability has to be between 0 and 1, but got ", Repr(p)));
  }
}
std::string Dropout1d::extra_repr() const {
  return absl::StrCat("p=", Repr(p), ", inplace=", Repr(inplace));
}
// Channels of [channel, length] without a batch as well.
Tensor Dropout1d::forward(const Tensor& given) {
  const int64_t rank = static_cast<int64_t>(given.dim());
  if (rank != 2 && rank != 3) {
    eager::Throw(absl::StrCat(
        "dropout1d: Expected 2D or 3D input, but received a ", rank,
        "D input. Note that dropout1d exists to provide channel-wise dropout "
        "on inputs with 1 spatial dimension, a channel dimension, and an "
        "optional batch dimension (i.e. 2D or 3D inputs)."));
  }
  Tensor input = given;
  if (rank == 2) input = inplace ? input.unsqueeze_(0) : input.unsqueeze(0);
  Tensor y = inplace ? eager::feature_dropout_(input, p, training())
                     : eager::feature_dropout(input, p, training());
  if (rank == 2) y = inplace ? y.squeeze_(0) : y.squeeze(0);
  return y;
}

}  // namespace tandem::nn
