"""Cases of the norm family: python3 norm_cases.py writes norm_cases.txt."""

import torch
from record import call, write

torch.manual_seed(0)


def r(*sizes, **kwargs):  # short in print
    t = torch.randn(*sizes, **kwargs) * 4
    return (torch.complex(t.real.round(), t.imag.round())
            if t.is_complex() else t.round()) / 4


f = torch.ones
z = torch.zeros
D, H = torch.float64, torch.float16
cl = dict(memory_format=torch.channels_last)
x = r(2, 3, 4, 5)

for t in [x, x.contiguous(**cl), x.double(), x.half(), x.bfloat16(), x[:, :, 0],
          x[:, :, 0, 0], r(2, 4, 3).transpose(1, 2), x[:1], x[:0], x[:, :0],
          r(2, 3, 2, 2, 2)]:
    c = t.size(1)
    p = lambda: torch.rand(c).to(t.dtype)
    for training in (True, False):
        call("aten::batch_norm", t, p(), p(), p(), p(), training, 0.1, 1e-5, True)
        call("aten::batch_norm", t, None, None, p(), p(), training, 0.3, 1e-3, True)
        call("aten::native_batch_norm", t, p(), None, p(), p(), training, 0.1, 1e-5)
        if t.dim() > 2:  # one element has no variance, but noise
            call("aten::instance_norm", t, p(), p(), p(), p(), training, 0.1, 1e-5, True)
    call("aten::batch_norm", t, None, p(), None, None, True, 0.1, 1e-5, True)
    call("aten::_native_batch_norm_legit.no_stats", t, p(), p(), True, 0.1, 1e-5)
    call("aten::_native_batch_norm_legit", t, p(), p(), p(), p(), True, 0.1, 1e-5)
    call("aten::_native_batch_norm_legit_no_training", t, p(), p(), p(), p(), 0.1, 1e-5)
    if t.dim() > 2:
        call("aten::instance_norm", t, None, None, None, None, True, 0.1, 1e-5, True)
    last = list(t.shape[-1:])
    w = torch.rand(last).to(t.dtype)
    for shape in [last, list(t.shape[1:]), list(t.shape[1:2]), []]:
        call("aten::layer_norm", t, shape)
        call("aten::rms_norm", t, shape)
    call("aten::layer_norm", t, last, w, w - 1, 1e-3)
    call("aten::native_layer_norm", t, last, w, None, 1e-5)
    call("aten::rms_norm", t, last, w, 1e-3)
    for groups in (1, 3, 2, 0, -1):
        if t.dim() > 2 or groups < 3:
            call("aten::group_norm", t, groups, p(), p())
    call("aten::group_norm", t, 1)
call("aten::native_group_norm", r(2, 6, 4), r(6), r(6), 2, 6, 4, 3, 1e-5)
call("aten::_batch_norm_impl_index", x, None, None, z(3), f(3), True, .1, 1e-5, True)
call("aten::_batch_norm_with_update", x, None, None, z(3), f(3), .1, 1e-5)
call("aten::_batch_norm_no_update", x, None, None, z(3), f(3), .1, 1e-5)
call("aten::batch_norm_update_stats", x, z(3), f(3), .1)
for w, b, m, v in [(None, None, z(4), f(3)), (None, None, z(3), f(4)),
                   (f(4), None, z(3), f(3)), (None, f(4), z(3), f(3)),
                   (None, None, None, None), (None, None, z(3), None),
                   (None, None, z(3).to(D), f(3).to(D))]:
    for training in (True, False):
        call("aten::batch_norm", x, w, b, m, v, training, .1, 1e-5, True)
        call("aten::instance_norm", x, w, b, m, v, training, .1, 1e-5, True)
for t, w, m in [(x.half(), f(3), f(3)), (x.half(), None, f(3)),
                (x.half(), f(3).half(), f(3)), (x.half(), f(3), f(3).half()),
                (x.double(), f(3), f(3))]:
    call("aten::batch_norm", t, w, None, m, m, False, .1, 1e-5, True)
    call("aten::native_batch_norm", t, w, None, m.clone(), m.clone(), True, .1, 1e-5)
call("aten::batch_norm", x.long(), None, None, z(3), f(3), False, .1, 1e-5, True)
call("aten::batch_norm", f(3), None, None, None, None, True, .1, 1e-5, True)
call("aten::native_batch_norm", x[:0], None, None, None, None, True, .1, 1e-5)
call("aten::instance_norm", f(3), None, None, None, None, True, .1, 1e-5, True)
for w, b in [(f(4), None), (f(5), f(4)), (f(5, 1), None), (f(5).to(D), None),
             (f(5).half(), None)]:
    call("aten::layer_norm", x, [5], w, b)
call("aten::rms_norm", x, [5], f(4))
call("aten::rms_norm", x, [5], f(5).to(D))
call("aten::rms_norm", x.half(), [5], f(5))
call("aten::rms_norm", x.long(), [5])
call("aten::rms_norm", x, [4, 3])
call("aten::rms_norm", torch.complex(x, x), [5])
call("aten::_fused_rms_norm", x, [5], None, None)
call("aten::layer_norm", x.half(), [5], f(5))
call("aten::native_layer_norm", x.half(), [5], f(5), f(5), 1e-5)
call("aten::native_layer_norm", x.half(), [5], f(5), f(5).half(), 1e-5)
call("aten::layer_norm", f(5), [4, 5])
call("aten::layer_norm", x.long(), [5])
call("aten::layer_norm", f(2, 0), [0])
call("aten::group_norm", f(2, 6, 0), 3)
call("aten::group_norm", f(6), 3)
call("aten::group_norm", f(2, 6, 4), 3, f(5))
call("aten::group_norm", f(2, 6, 4), 3, f(6), f(5))
call("aten::group_norm", f(2, 6, 4).long(), 3)
call("aten::group_norm", r(2, 6, 4).half(), 3, f(6))
call("aten::group_norm", r(2, 6, 4, 4).contiguous(**cl), 3, r(6), r(6))

y = r(2, 3, 4)
for p in [0, 1, 2, 3, 2.5, float("inf"), -1]:
    for dim in (0, 1, -1):
        call("aten::renorm", y, p, dim, 1.5)
    call("aten::pairwise_distance", y, r(3, 4), float(p))
    call("aten::pairwise_distance", r(4), r(4), float(p), 1e-3, True)
    call("aten::cdist", r(2, 5, 3), r(4, 3), float(p))
    call("aten::pdist", r(5, 3), float(p))
for t, p, d, m in [(y, 2, 0, -1), (f(2), 2, 0, 1), (y, 2, 5, 1), (y.long(), 2, 0, 1),
                   (y, 2j, 0, 1), (y, 2, 0, 1j), (torch.complex(y, y), 2, 0, 1),
                   (y.half(), 2, 0, 1), (y.permute(2, 0, 1), 2, 0, 1)]:
    call("aten::renorm", t, p, d, m)
call("aten::renorm_", y.clone(), 2, 0, 1)
for a, b, d in [(y, y + 1, 1), (y, r(4), -1), (y, r(3, 4), 0), (y, r(2, 3, 5), 1),
                (y.long(), y.long(), 1), (y, y.double(), 1), (y, y, 5),
                (y.half(), y, 1), (z(2, 3), f(2, 3), 1), (r(3), r(3), 0),
                (y.bfloat16(), y.bfloat16(), 2), (y[:0], y[:0], 1)]:
    call("aten::cosine_similarity", a, b, d)
call("aten::pairwise_distance", f(2, 3), z(2, 4))
call("aten::pairwise_distance", f(2, 3).long(), z(2, 3).long())
call("aten::pairwise_distance", y.half(), y.half() + 1)
for a, b in [((2, 3), (4, 4)), ((3,), (4, 3)), ((2, 3), (3,)), ((5, 2, 3), (3, 4, 3)),
             ((0, 3), (4, 3)), ((2, 0), (4, 0)), ((2, 3), (0, 3)),
             ((5, 1, 2, 3), (3, 4, 3))]:
    call("aten::cdist", r(a), r(b))
call("aten::cdist", f(2, 3).long(), f(4, 3).long())
call("aten::cdist", f(2, 3), f(4, 3).to(D))
call("aten::cdist", f(2, 3).to(H), f(4, 3).to(H))
call("aten::cdist", f(2, 3), f(4, 3), 2., 3)
call("aten::cdist", r(2, 3), r(4, 3), 2., 2)
for t in [f(3), f(3, 2).long(), f(1, 2), f(3, 0), f(3, 2).to(D)]:
    call("aten::pdist", t)
v = r(3, 4, 2)
for dim, g in [(0, r(3, 1, 1)), (1, r(1, 4, 1)), (2, r(1, 1, 2))]:
    call("aten::_weight_norm", v, g, dim)
    call("aten::norm_except_dim", v, 2, dim)
call("aten::norm_except_dim", v, 2, -1)
call("aten::_weight_norm_interface", v, r(3, 1, 1), 0)
write("norm_cases.txt")
