"""Cases of the conv family: python3 conv_cases.py writes conv_cases.txt."""

import torch
from record import call, write

torch.manual_seed(0)


def r(*sizes, **kwargs):  # short in print
    t = torch.randn(*sizes, **kwargs) * 4
    return (torch.complex(t.real.round(), t.imag.round())
            if t.is_complex() else t.round()) / 4


f = torch.ones
cl = dict(memory_format=torch.channels_last)
cl3 = dict(memory_format=torch.channels_last_3d)
D = torch.float64

for rank in (1, 2, 3):
    conv = "aten::conv%dd" % rank
    transposed = "aten::conv_transpose%dd" % rank + ("" if rank == 1 else ".input")
    sizes = (4, 5, 4)[-rank:]
    kernel = (2, 3, 2)[-rank:]
    x = r(1 + (rank < 3), 4, *sizes)
    for groups, out in [(1, 3), (2, 6), (4, 4), (4, 8)]:
        w = r(out, 4 // groups, *kernel)
        wt = r(4, out // groups, *kernel)
        for stride in (1, 2):
            for padding in (0, 1):
                for dilation in (1, 2):
                    call(conv, x, w, r(out), [stride] * rank, [padding] * rank,
                         [dilation] * rank, groups)
                    if groups < 4 or stride == 2:
                        call(transposed, x, wt, r(out), [stride] * rank,
                             [padding] * rank, [stride - 1] * rank, groups,
                             [dilation] * rank)
    call(conv, x, r(3, 4, *[1] * rank))
    call(conv, x[0], r(3, 4, *kernel), r(3))
    call(conv, x[:0], r(3, 4, *kernel), r(3))
    call(transposed, x[0], r(4, 3, *kernel), r(3))
    call(transposed, x[:0], r(4, 3, *kernel))
    call(conv, x.transpose(1, 2)[:, :4], r(3, 4, *kernel)) if rank > 1 else None
    for padding in ("same", "valid", "foo"):
        for dilation in (1, 2):
            call(conv + ".padding", x, r(3, 4, *kernel), r(3), [1] * rank,
                 padding, [dilation] * rank)
            call(conv + ".padding", x[-1], r(8, 2, *kernel), None, [1] * rank,
                 padding, [dilation] * rank, 2)
    call(conv + ".padding", x, r(3, 4, *kernel), None, [2] * rank, "same")
    for dtype in [torch.float64, torch.float16, torch.bfloat16, torch.int64,
                  torch.int8, torch.complex64, torch.bool]:
        y = (x * 3).to(dtype)
        w = (r(4, 2, *kernel) * 3).to(dtype)
        call(conv, y, w, None, [1] * rank, [1] * rank, [1] * rank, 2)
        call(conv, y, w, w.reshape(-1)[:4], [1] * rank, [0] * rank, [2] * rank, 2)
        call(transposed, y, (r(4, 2, *kernel) * 3).to(dtype))
    for stride, padding, dilation, groups in [
        (0, 0, 1, 1), (-1, 0, 1, 1), (1, -1, 1, 1), (1, 0, 0, 1), (1, 0, -1, 1),
        (1, 0, 100, 1), (1, 0, 1, 0), (1, 0, 1, -1), (1, 0, 1, 3), (1, 0, 1, 5),
        (1, 1 << 62, 1, 1), (1, 0, 1 << 62, 1)
    ]:
        call(conv, f(1, 2, *sizes), f(3, 2, *kernel), None, [stride] * rank,
             [padding] * rank, [dilation] * rank, groups)
        if dilation < 9 and padding < 9:
            call(transposed, f(1, 2, *sizes), f(2, 3, *kernel), None,
                 [stride] * rank, [padding] * rank, [0] * rank, groups,
                 [dilation] * rank)
    call(transposed, f(1, 2, *sizes), f(2, 3, *kernel), None, [1] * rank,
         [0] * rank, [1] * rank)
    call(transposed, f(1, 2, *sizes), f(2, 3, *kernel), None, [2] * rank,
         [0] * rank, [-1] * rank)
    call(transposed, f(1, 2, *sizes), f(2, 3, *kernel), None, [1] * rank,
         [9] * rank)
    call(transposed, f(1, 2, *sizes), f(2, 3, *kernel), f(4))
    call(conv, f(1, 2, *sizes), f(3, 2, *kernel), f(4))
    call(conv, f(1, 2, *sizes), f(3, 2, *kernel), f(3, 1))
    call(conv, f(1, 2, *sizes), f(3, 3, *kernel))
    call(conv, f(1, 2, *sizes), f(3, 2, *kernel, 2))
    call(conv, f(2), f(3, 2, *kernel))
    call(conv, f(1, 2, *sizes), f(3, 2, *[9] * rank))
    call(conv, f(1, 2, *sizes), f(3, 2, *kernel).to(D))
    call(conv, f(1, 2, *sizes), f(3, 2, *kernel), f(3).to(D))
    call(conv, f(1, 2, *sizes).long(), f(3, 2, *kernel))
    call(conv, f(1, 0, *sizes), f(3, 0, *kernel))
    call(conv, f(1, 2, *sizes), f(0, 2, *kernel))
    call(conv, f(1, 2, *sizes), f(3, 2, *kernel[:-1], 0))
    call(conv, f(1, 2, *sizes), f(4, 2, *kernel), None, [1] * rank, [0] * rank,
         [1] * rank, 2)
    call(conv, f(1, 2, *sizes), f(3, 2, *kernel), None, [1] * (rank + 1))
    call(conv, f(1, 2, *sizes[:-1], 0), f(3, 2, *kernel), None, [1], [1])
    call(conv, f(1, 2, *sizes), f(3, 2, *kernel), None, [2])
    call(transposed, f(1, 2, *sizes), f(3, 2, *kernel))
    call(transposed, f(1, 2, *sizes), f(2, 3, *kernel).to(D))

x = r(2, 3, 5, 4)
for t in [x.contiguous(**cl), x[:1].contiguous(**cl), x[:, :1].contiguous(**cl),
          x.double().contiguous(**cl), r(1, 3, 1, 1).contiguous(**cl)]:
    k = 1 if t.size(-1) == 1 else 2
    w = r(4, t.size(1), k, k).to(t.dtype)
    call("aten::conv2d", t, w)
    call("aten::conv2d", t.contiguous(), w.contiguous(**cl))
    call("aten::conv_transpose2d.input", t, w.transpose(0, 1).contiguous())
x = r(2, 3, 5, 4, 3).contiguous(**cl3)
for t in [x, x.double()]:
    call("aten::conv3d", t, r(4, 3, 2, 2, 2).to(t.dtype))
    call("aten::conv_transpose3d.input", t, r(3, 4, 2, 2, 2).to(t.dtype))
call("aten::conv1d", r(2, 4, 3).transpose(1, 2), r(2, 3, 2))
call("aten::conv2d", r(1, 3, 12, 12), r(6, 3, 3, 3), r(6), [1, 1], [1, 1])
call("aten::conv2d", r(1, 8, 9, 9), r(8, 1, 3, 3), r(8), [2, 2], [1, 1], [1, 1], 8)

f4, w4 = r(1, 2, 4, 4), r(3, 2, 2, 2)
for stride, padding, dilation, output in [([1, 1], [0, 0], [1, 1], [0, 0]),
                                          ([1], [0], [1], [0]),
                                          ([1, 1], [0, 0], [1, 1], [1, 1]),
                                          ([1, 1, 1], [0, 0], [1, 1], [0, 0])]:
    call("aten::convolution", f4, w4, None, stride, padding, dilation, False,
         output, 1)
    call("aten::_convolution", f4, w4, r(3), stride, padding, dilation, False,
         output, 1, False, False, True, True)
    call("aten::_convolution.deprecated", f4, w4, r(3), stride, padding,
         dilation, False, output, 1, False, False, True)
call("aten::convolution", f4[0], w4, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
call("aten::convolution", r(2, 4), r(3, 2), None, [], [], [], False, [], 1)
call("aten::convolution", f(1, 2, 2, 2, 2, 2), f(3, 2, 2, 2, 2, 2), None,
     [1] * 4, [0] * 4, [1] * 4, False, [0] * 4, 1)
call("aten::_convolution_mode", f4, w4, None, [1, 1], "same", [1, 1], 1)
call("aten::conv2d.padding", f4, w4, None, [1, 1, 1], "same")
call("aten::conv2d.padding", f4, w4, None, [1, 1], "same", [1, 1, 1])
call("aten::conv2d.padding", f4, f(3, 2, 2), None, [1, 1], "same")
call("aten::conv_tbc", r(5, 2, 3), r(2, 3, 4), r(4), 1)
call("aten::conv_tbc", f(5, 2, 3), f(2, 3, 4), f(5), 1)
call("aten::conv_tbc", f(5, 2, 3), f(2, 2, 4), f(4), 1)
call("aten::conv_tbc", f(5, 2), f(2, 2, 4), f(4), 1)
call("aten::slow_conv_transpose2d", f4, r(2, 3, 2, 2), [2, 2])
call("aten::slow_conv_dilated2d", f4, w4, [2, 2], None, [1, 1], [0, 0], [2, 2])
call("aten::thnn_conv2d", f4, w4, [2, 2], r(3))

for kernel, dilation, padding, stride in [(2, 1, 0, 1), (2, 2, 1, 2), (3, 1, 1, 2),
                                          (0, 1, 0, 1), (2, 0, 0, 1), (2, 1, -1, 1),
                                          (2, 1, 0, 0), (9, 1, 0, 1)]:
    args = [[v, v] for v in (kernel, dilation, padding, stride)]
    for t in [r(2, 3, 4, 5), r(3, 4, 5), r(2, 4, 5, 3).permute(0, 3, 1, 2)]:
        call("aten::im2col", t, *args)
    call("aten::col2im", r(2, 8, 9), [4, 4], *args)
for t in [f(4, 4), f(0, 2, 4, 4), f(1, 0, 4, 4), f(1, 2, 4, 4).long(),
          f(1, 2, 4, 4).bool(), f(1, 2, 4, 4).half()]:
    call("aten::im2col", t, [2, 2], [1, 1], [0, 0], [1, 1])
call("aten::im2col", f(1, 2, 4, 4), [2], [1, 1], [0, 0], [1, 1])
for t in [r(8, 9), f(9), f(1, 7, 9), f(1, 8, 8), f(1, 8, 9).long(),
          r(1, 8, 9).half(), torch.complex(r(1, 8, 9), r(1, 8, 9))]:
    call("aten::col2im", t, [4, 4], [2, 2], [1, 1], [0, 0], [1, 1])
call("aten::col2im", f(1, 8, 9), [1, 1], [2, 2], [1, 1], [0, 0], [1, 1])
call("aten::col2im", f(1, 8, 9), [4], [2, 2], [1, 1], [0, 0], [1, 1])
write("conv_cases.txt")
