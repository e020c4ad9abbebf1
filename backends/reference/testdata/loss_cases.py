"""Cases of the loss family: python3 loss_cases.py writes loss_cases.txt."""

import torch
from record import call, write

torch.manual_seed(0)


def r(*sizes, **kwargs):  # short in print
    return (torch.randn(*sizes, **kwargs) * 4).round() / 4


f = torch.ones
z = torch.zeros
D, H = torch.float64, torch.float16
T = torch.tensor
x, y = r(2, 3, 4), r(2, 3, 4)
prob = torch.rand(2, 3, 4)
pairs = [("mse_loss", ()), ("l1_loss", ()), ("smooth_l1_loss", (0.5,)),
         ("smooth_l1_loss", (0.,)), ("huber_loss", (0.7,)), ("soft_margin_loss", ()),
         ("binary_cross_entropy_with_logits", ()), ("kl_div", ())]
for op, extra in pairs:
    for reduction in (0, 1, 2):
        if op == "binary_cross_entropy_with_logits":
            call("aten::" + op, x, prob, None, None, reduction)
            call("aten::" + op, x, prob, r(4), prob[0, 0] * 3, reduction)
            continue
        call("aten::" + op, x, y, reduction, *extra)
        call("aten::" + op, x.transpose(0, 2), y.transpose(0, 2), reduction, *extra)
        call("aten::" + op, x, r(3, 4), reduction, *extra)
        call("aten::" + op, x, y.to(D), reduction, *extra)
        call("aten::" + op, x.to(H), y.to(H), reduction, *extra)
        call("aten::" + op, x.long(), y.long(), reduction, *extra)
        call("aten::" + op, x[:0], y[:0], reduction, *extra)
    if op != "binary_cross_entropy_with_logits":
        call("aten::" + op, x, r(2, 3, 5), 1, *extra)
call("aten::smooth_l1_loss", x, y, 1, -1.)
call("aten::huber_loss", x, y, 1, 0.)
call("aten::l1_loss", torch.complex(x, y), y)
for reduction in (0, 1, 2):
    call("aten::kl_div", x, prob, reduction)
    call("aten::kl_div", x, r(2, 3, 4), reduction, log_target=True)
    call("aten::binary_cross_entropy", prob, (y > 0).float(), None, reduction)
    call("aten::binary_cross_entropy", prob, prob, r(4), reduction)
    call("aten::hinge_embedding_loss", x, (y > 0) * 2. - 1, 1., reduction)
    call("aten::margin_ranking_loss", x, y, (r(2, 3, 4) > 0) * 2. - 1, 0.5, reduction)
    for log_input in (True, False):
        for full in (True, False):
            call("aten::poisson_nll_loss", x.abs(), (y * 2).round().abs(), log_input,
                 full, 1e-8, reduction)
call("aten::kl_div", torch.complex(x, x), x)
call("aten::kl_div", x, x.long())
call("aten::kl_div", x, z(2, 3, 4), 0)
call("aten::binary_cross_entropy", f(2, 3) * 2, f(2, 3))
call("aten::binary_cross_entropy", f(2, 3) / 2, f(2, 4))
call("aten::binary_cross_entropy", f(2, 3) / 2, f(3))
call("aten::binary_cross_entropy", f(2, 3) / 2, f(2, 3).to(D))
call("aten::binary_cross_entropy", f(2, 3).long(), f(2, 3).long())
call("aten::binary_cross_entropy", T([0., 1]), T([1., 0]))
b = "aten::binary_cross_entropy_with_logits"
for t in [f(3), f(2, 4), f(2, 3).to(D), f(2, 3).long(), f(4, 2, 3)]:
    call(b, f(2, 3) / 2, t)
call(b, f(2, 3).long(), f(2, 3).long())
call(b, T([100., -100, float("inf")]), T([1., 0, 1]))
call("aten::hinge_embedding_loss", f(2, 3), f(2, 4))
call("aten::margin_ranking_loss", f(3), z(3), f(2))
call("aten::soft_margin_loss", f(3), f(2))

c = r(3, 4)
labels = T([0, 3, 1])
w = torch.rand(4)
for reduction in (0, 1, 2):
    for weight in (None, w):
        for t in [labels, T([0, -100, 1]), T([-100] * 3), labels.to(torch.uint8),
                  T([0, 4, 1]), T([0, -1, 1])]:
            call("aten::nll_loss_nd", c, t, weight, reduction)
            call("aten::nll_loss", c, t, weight, reduction)
            call("aten::cross_entropy_loss", c, t, weight, reduction)
            call("aten::cross_entropy_loss", c, t, weight, reduction, 1, 0.2)
        call("aten::nll_loss_forward", c, labels, weight, reduction, -100)
        p = torch.softmax(r(3, 4), 1)
        call("aten::cross_entropy_loss", c, p, weight, reduction)
        call("aten::cross_entropy_loss", c, p, weight, reduction, -100, 0.3)
        call("aten::cross_entropy_loss", c[0], p[0], weight, reduction)
        call("aten::cross_entropy_loss", c[0], T(2), weight, reduction, -100, 0.1)
        for shape in [(2, 4, 3), (2, 4, 2, 3), (2, 4, 2, 1, 3)]:
            big = r(shape)
            t = torch.randint(0, 4, shape[:1] + shape[2:])
            call("aten::nll_loss_nd", big, t, weight, reduction)
            call("aten::cross_entropy_loss", big, t, weight, reduction)
            call("aten::cross_entropy_loss", big, t, weight, reduction, 2, 0.1)
        call("aten::nll_loss2d_forward", r(2, 4, 2, 2), torch.randint(0, 4, (2, 2, 2)),
             weight, reduction, -100)
        call("aten::nll_loss_nd", c[0], T(2), weight, reduction)
        call("aten::nll_loss_nd", c[0], T([2]), weight, reduction)
        call("aten::nll_loss_nd", c[:0], labels[:0], weight, reduction)
for op in ["nll_loss_nd", "cross_entropy_loss"]:
    op = "aten::" + op
    for s, t in [(c, T([0, 2])), (c, T([[0], [2], [1]])), (c, labels.float()),
                 (c, labels.int()), (T(1.), T(0)), (c.long(), labels), (c.to(H), labels),
                 (c.to(D), labels), (f(2, 3, 4), f(2, 5).long()),
                 (f(2, 3, 2, 2), f(2, 2, 3).long()), (f(2, 3, 2, 2), f(2, 2).long()),
                 (f(2, 3, 2, 2, 2), f(2, 2, 2, 3).long()), (f(2, 3, 4), f(3, 4).long())]:
        call(op, s, t)
    call(op, c, labels, f(3))
    call(op, c, labels, f(4).to(D))
call("aten::cross_entropy_loss", c, labels, None, 1, -100, 1.5)
call("aten::cross_entropy_loss", c, torch.softmax(c, 1), None, 1, 0)
call("aten::cross_entropy_loss", c, f(3, 5))
call("aten::cross_entropy_loss", T([[1000., -1000]]), T([1]))

m = "aten::multi_margin_loss"
for reduction in (0, 1, 2):
    call(m, c, labels, 1, 1, None, reduction)
    call(m, c, labels, 2, 0.5, w, reduction)
    call(m, c[0], T(2), 1, 1, None, reduction)
    call("aten::multilabel_margin_loss", c[:2], T([[2, 0, -1, 1], [1, -1, 0, 0]]), reduction)
    call("aten::multilabel_margin_loss", c[0], T([2, 0, -1, 1]), reduction)
    call("aten::multilabel_margin_loss_forward", c[:2], T([[2, 0, -1, 1], [1, -1, 0, 0]]), reduction)
    call("aten::cosine_embedding_loss", r(3, 4), r(3, 4), T([1., -1, 1]), 0.2, reduction)
    call("aten::cosine_embedding_loss", r(4), r(4), T(-1.), 0.1, reduction)
    for swap in (True, False):
        for p in (1., 2., 3.):
            call("aten::triplet_margin_loss", r(3, 4), r(3, 4), r(3, 4), 1., p, 1e-6,
                 swap, reduction)
for s, t, p, wt in [(c, labels, 3, None), (c, T([0, 4, 1]), 1, None), (c, labels, 1, f(3)),
                    (c, T([0, 1]), 1, None), (f(2, 3, 2), T([1, 0]), 1, None),
                    (c, labels.float(), 1, None), (c.long(), labels, 1, None)]:
    call(m, s, t, p, 1, wt)
for s, t in [(f(3), T([2, 0])), (f(3), T([2, 0, 3])), (f(2, 3, 2), f(2, 3, 2).long()),
             (f(2, 3).long(), f(2, 3).long()), (f(2, 3), f(2, 3))]:
    call("aten::multilabel_margin_loss", s, t)
for a, b2, t in [(f(2, 3), f(2, 3), T(1.)), (f(2, 3), f(2, 3), f(2, 3)),
                 (f(2, 3), f(3), f(3)), (f(3), f(3), f(3))]:
    call("aten::cosine_embedding_loss", a, b2, t)
call("aten::triplet_margin_loss", f(2, 3), z(3), f(2, 3))
call("aten::triplet_margin_loss", f(2, 3), z(2, 4), f(2, 3))

lp = torch.log_softmax(r(5, 3, 4), 2)
for reduction in (0, 1, 2):
    for zero in (True, False):
        for t, il, tl in [(T([[1, 2], [1, 1], [3, 2]]), [5, 4, 3], [2, 2, 1]),
                          (T([1, 2, 1, 1, 3]), [5, 2, 3], [2, 2, 1]),
                          (T([1, 1, 3]), [5, 2, 0], [0, 2, 1]),
                          (T([1, 1]), [5, 2, 0], [0, 2, 0])]:
            call("aten::ctc_loss.IntList", lp, t, il, tl, 0, reduction, zero)
            call("aten::ctc_loss.Tensor", lp.to(D), t, T(il), T(tl), 2, reduction, zero)
t = T([1, 2, 1, 1, 3])
for il, tl, blank in [([6, 2, 3], [2, 2, 1], 0), ([5, 2], [2, 2, 1], 0),
                      ([5, 2, 3], [2, 2, 2], 0), ([5, 2, 3], [2, 2, 1], 4),
                      ([5, 4, 3], [2, -2, 0], 0), ([-5, 4, 3], [2, 2, 1], 0),
                      ([5, 4, 3], [2, 2], 0)]:
    call("aten::ctc_loss.IntList", lp, t, il, tl, blank)
call("aten::ctc_loss.IntList", lp, T([[1, 2], [1, 1], [3, 2]]), [5, 4, 3], [3, 2, 1])
call("aten::ctc_loss.IntList", lp.to(H), t, [5, 4, 3], [2, 2, 1])
call("aten::ctc_loss.Tensor", lp, t, T([5., 4, 3]), T([2, 2, 1]))
call("aten::ctc_loss.Tensor", lp[:, 0], T([1, 2]), T(5), T(2))
call("aten::_ctc_loss", lp, T([1, 2, 1, 1, 3, 1]), [5, 5, 5], [2, 2, 2])
write("loss_cases.txt")
