// torch.nn.functional.interpolate.
#include "tandem/frontends/script/functional_source.h"

namespace tandem::script {

// Its size and factor are a number or a list, and so there are four of it;
// which one a call means is known by its arguments' types.
absl::string_view ResizeFunctionalSource() {
  return R"PY(
def _interpolate(input: Tensor, size: Optional[List[int]], scale_factor: Optional[List[float]], mode: str, align_corners: Optional[bool], recompute_scale_factor: Optional[bool], antialias: bool) -> Tensor:
    if mode == "nearest" or mode == "area" or mode == "nearest-exact":
        if align_corners is not None:
            raise ValueError("align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear")
    else:
        if align_corners is None:
            align_corners = False
    dim = input.dim() - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    elif size is not None:
        if len(size) == 1 and dim > 1:
            size = [size[0] for _ in range(dim)]
        if len(size) != dim:
            raise ValueError(f"Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of {input.shape[2:]} and output size of {size}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format.")
    elif scale_factor is not None:
        if len(scale_factor) == 1 and dim > 1:
            scale_factor = [scale_factor[0] for _ in range(dim)]
        if len(scale_factor) != dim:
            raise ValueError(f"Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions of {input.shape[2:]} and scale_factor of shape {scale_factor}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format.")
    else:
        raise ValueError("either size or scale_factor should be defined")
    if recompute_scale_factor is not None and recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if mode == "area" and size is None:
        recompute_scale_factor = True
    if recompute_scale_factor is not None and recompute_scale_factor:
        assert scale_factor is not None
        computed: List[int] = []
        for i in range(dim):
            computed.append(int(math.floor(float(input.size(i + 2)) * scale_factor[i])))
        size = computed
        scale_factor = None
    if antialias and not ((mode == "bilinear" or mode == "bicubic") and input.dim() == 4):
        raise ValueError("Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor as input")
    if mode == "nearest":
        if input.dim() == 3:
            return torch._C._nn.upsample_nearest1d(input, size, scale_factor)
        elif input.dim() == 4:
            return torch._C._nn.upsample_nearest2d(input, size, scale_factor)
        elif input.dim() == 5:
            return torch._C._nn.upsample_nearest3d(input, size, scale_factor)
    elif mode == "nearest-exact":
        if input.dim() == 3:
            return torch._C._nn._upsample_nearest_exact1d(input, size, scale_factor)
        elif input.dim() == 4:
            return torch._C._nn._upsample_nearest_exact2d(input, size, scale_factor)
        elif input.dim() == 5:
            return torch._C._nn._upsample_nearest_exact3d(input, size, scale_factor)
    elif mode == "area":
        assert size is not None
        if input.dim() == 3:
            return torch.adaptive_avg_pool1d(input, size)
        elif input.dim() == 4:
            return torch.adaptive_avg_pool2d(input, size)
        elif input.dim() == 5:
            return torch.adaptive_avg_pool3d(input, size)
    elif mode == "linear" and input.dim() == 3:
        assert align_corners is not None
        return torch._C._nn.upsample_linear1d(input, size, align_corners, scale_factor)
    elif mode == "bilinear" and input.dim() == 4:
        assert align_corners is not None
        if antialias:
            return torch._C._nn._upsample_bilinear2d_aa(input, size, align_corners, scale_factor)
        return torch._C._nn.upsample_bilinear2d(input, size, align_corners, scale_factor)
    elif mode == "trilinear" and input.dim() == 5:
        assert align_corners is not None
        return torch._C._nn.upsample_trilinear3d(input, size, align_corners, scale_factor)
    elif mode == "bicubic" and input.dim() == 4:
        assert align_corners is not None
        if antialias:
            return torch._C._nn._upsample_bicubic2d_aa(input, size, align_corners, scale_factor)
        return torch._C._nn.upsample_bicubic2d(input, size, align_corners, scale_factor)
    elif input.dim() == 3 and mode == "bilinear":
        raise NotImplementedError("Got 3D input, but bilinear mode needs 4D input")
    elif input.dim() == 3 and mode == "trilinear":
        raise NotImplementedError("Got 3D input, but trilinear mode needs 5D input")
    elif input.dim() == 4 and mode == "linear":
        raise NotImplementedError("Got 4D input, but linear mode needs 3D input")
    elif input.dim() == 4 and mode == "trilinear":
        raise NotImplementedError("Got 4D input, but trilinear mode needs 5D input")
    elif input.dim() == 5 and mode == "linear":
        raise NotImplementedError("Got 5D input, but linear mode needs 3D input")
    elif input.dim() == 5 and mode == "bilinear":
        raise NotImplementedError("Got 5D input, but bilinear mode needs 4D input")
    raise NotImplementedError(f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.dim()}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact (got {mode})")

def interpolate(input: Tensor, size: Optional[BroadcastingList1[int]] = None, scale_factor: Optional[BroadcastingList1[float]] = None, mode: str = "nearest", align_corners: Optional[bool] = None, recompute_scale_factor: Optional[bool] = None, antialias: bool = False) -> Tensor:
    return _interpolate(input, size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)

def upsample(input: Tensor, size: Optional[BroadcastingList1[int]] = None, scale_factor: Optional[BroadcastingList1[float]] = None, mode: str = "nearest", align_corners: Optional[bool] = None) -> Tensor:
    return _interpolate(input, size, scale_factor, mode, align_corners, None, False)
)PY";
}

}  // namespace tandem::script
