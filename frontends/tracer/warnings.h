// The words of torch's TracerWarnings.
#ifndef TANDEM_FRONTENDS_TRACER_WARNINGS_H_
#define TANDEM_FRONTENDS_TRACER_WARNINGS_H_

namespace tandem::tracer {

inline constexpr char kDataFlow[] =
    " might cause the trace to be incorrect. We can't record the data flow of "
    "Python values, so this value will be treated as a constant in the future. "
    "This means that the trace might not generalize to other inputs!";
inline constexpr char kLen[] =
    "Using len to get tensor shape might cause the trace to be incorrect. "
    "Recommended usage would be tensor.shape[0]. Passing a tensor of different "
    "shape might lead to errors or silently give incorrect results.";
inline constexpr char kIteration[] =
    "Iterating over a tensor might cause the trace to be incorrect. Passing a "
    "tensor of different shape won't change the number of iterations executed "
    "(and might lead to errors or silently give incorrect results).";
inline constexpr char kCopyConstruct[] =
    "To copy construct from a tensor, it is recommended to use "
    "sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than "
    "torch.tensor(sourceTensor).";
inline constexpr char kConstructor[] =
    " results are registered as constants in the trace. You can safely ignore "
    "this warning if you use this function to create tensors out of constant "
    "variables that would be the same every time you call this function. In "
    "any other case, this might cause the trace to be incorrect.";
inline constexpr char kStrict[] =
    " might cause the trace to be incorrect, this is only valid if the "
    "container structure does not change based on the module's inputs. "
    "Consider using a constant container instead (e.g. for `list`, use a "
    "`tuple` instead. for `dict`, use a `NamedTuple` instead). If you "
    "absolutely need this and know the side effects, pass strict=False to "
    "trace() to allow this behavior.";

}  // namespace tandem::tracer

#endif  // TANDEM_FRONTENDS_TRACER_WARNINGS_H_
