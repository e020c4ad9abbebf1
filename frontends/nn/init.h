// torch.nn.init: fills a tensor in place, with the same draws.
#ifndef TANDEM_FRONTENDS_NN_INIT_H_
#define TANDEM_FRONTENDS_NN_INIT_H_

#include <cstdint>
#include <utility>

#include "absl/strings/string_view.h"
#include "tandem/frontends/eager/tensor.h"

namespace tandem::nn::init {

using eager::Tensor;

// Each returns its tensor. Errors are thrown with torch's texts.
Tensor uniform_(const Tensor& t, double a = 0, double b = 1);
Tensor normal_(const Tensor& t, double mean = 0, double std = 1);
Tensor trunc_normal_(const Tensor& t, double mean = 0, double std = 1,
                     double a = -2, double b = 2);
Tensor constant_(const Tensor& t, double value);
Tensor ones_(const Tensor& t);
Tensor zeros_(const Tensor& t);
Tensor eye_(const Tensor& t);
Tensor xavier_uniform_(const Tensor& t, double gain = 1);
Tensor xavier_normal_(const Tensor& t, double gain = 1);
// `mode`: "fan_in" or "fan_out"; `nonlinearity` as for calculate_gain.
Tensor kaiming_uniform_(const Tensor& t, double a = 0,
                        absl::string_view mode = "fan_in",
                        absl::string_view nonlinearity = "leaky_relu");
Tensor kaiming_normal_(const Tensor& t, double a = 0,
                       absl::string_view mode = "fan_in",
                       absl::string_view nonlinearity = "leaky_relu");
Tensor orthogonal_(const Tensor& t, double gain = 1);

// While one lives on this thread nothing here writes or draws: for modules
// whose values come from elsewhere.
class SkipInit {
 public:
  SkipInit();
  ~SkipInit();
  SkipInit(const SkipInit&) = delete;
  SkipInit& operator=(const SkipInit&) = delete;

 private:
  const bool previous_;
};

double calculate_gain(absl::string_view nonlinearity, double param = 0.01);
// (fan_in, fan_out) of a weight with at least 2 dims.
std::pair<int64_t, int64_t> calculate_fans(const Tensor& t);

}  // namespace tandem::nn::init

#endif  // TANDEM_FRONTENDS_NN_INIT_H_
