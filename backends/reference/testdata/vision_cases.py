"""Cases of torchvision's operators: python3 vision_cases.py writes
vision_cases.txt. Needs torchvision beside torch."""

import torch
import torchvision  # registers the operators
import record
from record import call, write

record.overload = lambda op: getattr(
    torch.ops.torchvision, op.partition("::")[2]).default
torch.manual_seed(0)


def r(*s):
    return (torch.randn(s) * 8).round().div(8)


boxes = torch.rand(12, 4) * 10
boxes = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:] + 1], 1)
scores = torch.tensor([3., 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8])
for threshold in (0.1, 0.3, 0.5, 0.9):
    call("torchvision::nms", boxes, scores, threshold)
    call("torchvision::nms", boxes.double(), scores.double(), threshold)
call("torchvision::nms", boxes[:0], scores[:0], 0.5)
call("torchvision::nms", boxes.t().contiguous().t(), scores, 0.5)
rotated = torch.tensor([[0, 0, 4, 2, 0.], [1, 1, 4, 2, 30], [0, 0, 2, 4, 90],
                        [3, 3, 2, 2, 45], [0.5, 0.25, 3, 3, -20],
                        [9, 9, 1, 1, 0], [0, 0, 0, 1, 0]])
call("torchvision::box_iou_rotated", rotated, rotated[1:])
call("torchvision::box_iou_rotated", rotated.double(), rotated.double())
call("torchvision::box_iou_rotated", rotated[:0], rotated)

x = r(2, 8, 6, 7)
rois = torch.tensor([[0, 0, 0, 4, 4.], [1, 1.3, 1.7, 5.1, 5.9],
                     [0, -3, -2, 9, 12], [1, 3, 3, 3, 3], [0, 6, 5, 2, 1]])
for d in (torch.float32, torch.float64):
    a, b = x.to(d), rois.to(d)
    for scale in (1.0, 0.5):
        for h, w in ((2, 2), (4, 2), (1, 8)):
            for ratio in (-1, 2):
                for aligned in (False, True):
                    call("torchvision::roi_align", a, b, scale, h, w, ratio,
                         aligned)
                call("torchvision::ps_roi_align", a, b, scale, h, w, ratio)
            call("torchvision::roi_pool", a, b, scale, h, w)
            call("torchvision::ps_roi_pool", a, b, scale, h, w)
call("torchvision::roi_align", x, rois[:0], 1.0, 2, 2, 2, True)
call("torchvision::roi_align",
     x.contiguous(memory_format=torch.channels_last), rois, 1.0, 2, 2, 2, True)

for groups, offsets, kernel, stride, pad, dilation in (
        (1, 1, (3, 3), (1, 1), (0, 0), (1, 1)),
        (2, 4, (3, 2), (2, 1), (1, 2), (1, 2)),
        (4, 2, (1, 1), (1, 2), (0, 1), (1, 1))):
    oh = (6 + 2 * pad[0] - dilation[0] * (kernel[0] - 1) - 1) // stride[0] + 1
    ow = (7 + 2 * pad[1] - dilation[1] * (kernel[1] - 1) - 1) // stride[1] + 1
    taps = kernel[0] * kernel[1]
    weight = r(4, 8 // groups, *kernel)
    offset = r(2, offsets * 2 * taps, oh, ow) * 2
    mask = r(2, offsets * taps, oh, ow)
    for use_mask in (True, False):
        for d in (torch.float32, torch.float64):
            call("torchvision::deform_conv2d", x.to(d), weight.to(d),
                 offset.to(d), mask.to(d), r(4).to(d), *stride, *pad,
                 *dilation, groups, offsets, use_mask)
write("vision_cases.txt")
