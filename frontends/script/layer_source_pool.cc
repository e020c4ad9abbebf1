#include "tandem/frontends/script/layer_source.h"

namespace tandem::script {

absl::string_view PoolSource(absl::string_view module) {
  if (module == "torch.nn.modules.pooling") {
    return R"PY(
import torch
import torch.nn.functional as F
from typing import List, Optional
from torch import Tensor
from torch.nn.modules.module import Module

class _MaxPoolNd(Module):
    __constants__ = ["kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode"]

    def __init__(self, kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

class MaxPool1d(_MaxPoolNd):
    def forward(self, input: Tensor):
        if self.return_indices:
            return F.max_pool1d_with_indices(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
        else:
            return F.max_pool1d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)

class MaxPool2d(_MaxPoolNd):
    def forward(self, input: Tensor):
        if self.return_indices:
            return F.max_pool2d_with_indices(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
        else:
            return F.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)

class MaxPool3d(_MaxPoolNd):
    def forward(self, input: Tensor):
        if self.return_indices:
            return F.max_pool3d_with_indices(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)
        else:
            return F.max_pool3d(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)

class _MaxUnpoolNd(Module):
    def _times(self, value, n):
        return tuple(value) if isinstance(value, (list, tuple)) else (value,) * n

class MaxUnpool1d(_MaxUnpoolNd):
    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        self.kernel_size = self._times(kernel_size, 1)
        self.stride = self._times(stride if stride is not None else kernel_size, 1)
        self.padding = self._times(padding, 1)

    def forward(self, input: Tensor, indices: Tensor, output_size: Optional[List[int]] = None) -> Tensor:
        return F.max_unpool1d(input, indices, self.kernel_size, self.stride, self.padding, output_size)

class MaxUnpool2d(_MaxUnpoolNd):
    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        self.kernel_size = self._times(kernel_size, 2)
        self.stride = self._times(stride if stride is not None else kernel_size, 2)
        self.padding = self._times(padding, 2)

    def forward(self, input: Tensor, indices: Tensor, output_size: Optional[List[int]] = None) -> Tensor:
        return F.max_unpool2d(input, indices, self.kernel_size, self.stride, self.padding, output_size)

class MaxUnpool3d(_MaxUnpoolNd):
    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        self.kernel_size = self._times(kernel_size, 3)
        self.stride = self._times(stride if stride is not None else kernel_size, 3)
        self.padding = self._times(padding, 3)

    def forward(self, input: Tensor, indices: Tensor, output_size: Optional[List[int]] = None) -> Tensor:
        return F.max_unpool3d(input, indices, self.kernel_size, self.stride, self.padding, output_size)

class AvgPool1d(Module):
    __constants__ = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"]

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
        super().__init__()
        self.kernel_size = tuple(kernel_size) if isinstance(kernel_size, (list, tuple)) else (kernel_size,)
        stride = stride if stride is not None else kernel_size
        self.stride = tuple(stride) if isinstance(stride, (list, tuple)) else (stride,)
        self.padding = tuple(padding) if isinstance(padding, (list, tuple)) else (padding,)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)

class AvgPool2d(Module):
    __constants__ = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"]

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override)

class AvgPool3d(Module):
    __constants__ = ["kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"]

    def __init__(self, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool3d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad, self.divisor_override)

class LPPool1d(Module):
    __constants__ = ["norm_type", "kernel_size", "stride", "ceil_mode"]

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool1d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

class LPPool2d(Module):
    __constants__ = ["norm_type", "kernel_size", "stride", "ceil_mode"]

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool2d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

class LPPool3d(Module):
    __constants__ = ["norm_type", "kernel_size", "stride", "ceil_mode"]

    def __init__(self, norm_type, kernel_size, stride=None, ceil_mode=False):
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return F.lp_pool3d(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

class AdaptiveMaxPool1d(Module):
    __constants__ = ["output_size", "return_indices"]

    def __init__(self, output_size, return_indices=False):
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor):
        if self.return_indices:
            return F.adaptive_max_pool1d_with_indices(input, self.output_size)
        else:
            return F.adaptive_max_pool1d(input, self.output_size)

class AdaptiveAvgPool1d(Module):
    __constants__ = ["output_size"]

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool1d(input, self.output_size)

class AdaptiveMaxPool2d(Module):
    __constants__ = ["output_size", "return_indices"]

    def __init__(self, output_size, return_indices=False):
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor):
        if self.return_indices:
            return F.adaptive_max_pool2d_with_indices(input, self.output_size)
        else:
            return F.adaptive_max_pool2d(input, self.output_size)

class AdaptiveAvgPool2d(Module):
    __constants__ = ["output_size"]

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)

class AdaptiveMaxPool3d(Module):
    __constants__ = ["output_size", "return_indices"]

    def __init__(self, output_size, return_indices=False):
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor):
        if self.return_indices:
            return F.adaptive_max_pool3d_with_indices(input, self.output_size)
        else:
            return F.adaptive_max_pool3d(input, self.output_size)

class AdaptiveAvgPool3d(Module):
    __constants__ = ["output_size"]

    def __init__(self, output_size):
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool3d(input, self.output_size)

class FractionalMaxPool2d(Module):
    __constants__ = ["kernel_size", "return_indices", "output_size", "output_ratio"]

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        super().__init__()
        self.kernel_size = tuple(kernel_size) if isinstance(kernel_size, (list, tuple)) else (kernel_size,) * 2
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else (tuple(output_size) if isinstance(output_size, (list, tuple)) else (output_size,) * 2)
        self.output_ratio = None if output_ratio is None else (tuple(output_ratio) if isinstance(output_ratio, (list, tuple)) else (output_ratio,) * 2)

    def forward(self, input: Tensor):
        if self.return_indices:
            return F.fractional_max_pool2d_with_indices(input, self.kernel_size, self.output_size, self.output_ratio, False, self._random_samples)
        else:
            return F.fractional_max_pool2d(input, self.kernel_size, self.output_size, self.output_ratio, False, self._random_samples)

class FractionalMaxPool3d(Module):
    __constants__ = ["kernel_size", "return_indices", "output_size", "output_ratio"]

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        super().__init__()
        self.kernel_size = tuple(kernel_size) if isinstance(kernel_size, (list, tuple)) else (kernel_size,) * 3
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else (tuple(output_size) if isinstance(output_size, (list, tuple)) else (output_size,) * 3)
        self.output_ratio = None if output_ratio is None else (tuple(output_ratio) if isinstance(output_ratio, (list, tuple)) else (output_ratio,) * 3)

    def forward(self, input: Tensor):
        if self.return_indices:
            return F.fractional_max_pool3d_with_indices(input, self.kernel_size, self.output_size, self.output_ratio, False, self._random_samples)
        else:
            return F.fractional_max_pool3d(input, self.kernel_size, self.output_size, self.output_ratio, False, self._random_samples)
)PY";
  }
  if (module == "torch.nn.modules.padding") {
    return R"PY(
import torch.nn.functional as F
from torch import Tensor
from torch.nn.modules.module import Module

class _PadNd(Module):
    def _both(self, padding, n):
        return tuple(padding) if isinstance(padding, (list, tuple)) else (padding,) * (2 * n)

class ConstantPad1d(_PadNd):
    __constants__ = ["padding", "value"]

    def __init__(self, padding, value):
        super().__init__()
        self.padding = self._both(padding, 1)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

class ConstantPad2d(_PadNd):
    __constants__ = ["padding", "value"]

    def __init__(self, padding, value):
        super().__init__()
        self.padding = self._both(padding, 2)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

class ConstantPad3d(_PadNd):
    __constants__ = ["padding", "value"]

    def __init__(self, padding, value):
        super().__init__()
        self.padding = self._both(padding, 3)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

class ReflectionPad1d(_PadNd):
    __constants__ = ["padding"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 1)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "reflect")

class ReflectionPad2d(_PadNd):
    __constants__ = ["padding"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 2)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "reflect")

class ReflectionPad3d(_PadNd):
    __constants__ = ["padding"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 3)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "reflect")

class ReplicationPad1d(_PadNd):
    __constants__ = ["padding"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 1)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "replicate")

class ReplicationPad2d(_PadNd):
    __constants__ = ["padding"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 2)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "replicate")

class ReplicationPad3d(_PadNd):
    __constants__ = ["padding"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 3)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "replicate")

class ZeroPad1d(_PadNd):
    __constants__ = ["padding", "value"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 1)
        self.value = 0.0

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

class ZeroPad2d(_PadNd):
    __constants__ = ["padding", "value"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 2)
        self.value = 0.0

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

class ZeroPad3d(_PadNd):
    __constants__ = ["padding", "value"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 3)
        self.value = 0.0

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

class CircularPad1d(_PadNd):
    __constants__ = ["padding"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 1)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "circular")

class CircularPad2d(_PadNd):
    __constants__ = ["padding"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 2)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "circular")

class CircularPad3d(_PadNd):
    __constants__ = ["padding"]

    def __init__(self, padding):
        super().__init__()
        self.padding = self._both(padding, 3)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "circular")
)PY";
  }
  return "";
}

}  // namespace tandem::script
