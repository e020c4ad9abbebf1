"""Cases of the rnn family: python3 rnn_cases.py writes rnn_cases.txt."""

import torch
from record import call, write

torch.manual_seed(0)


def r(*sizes, **kwargs):  # short in print
    return (torch.randn(*sizes, **kwargs) * 4).round() / 4


f = torch.ones
z = torch.zeros
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def weights(op, inputs, hidden, layers, directions, biases, projection, dtype):
    g = GATES[op] * hidden
    out = projection or hidden
    params = []
    for layer in range(layers):
        for _ in range(directions):
            n = inputs if layer == 0 else out * directions
            params += [r(g, n) / 2, r(g, out) / 2]
            if biases:
                params += [r(g), r(g)]
            if projection:
                params += [r(projection, hidden)]
    return [p.to(dtype) for p in params]


for op in GATES:
    for layers, directions, biases, first, dtype, projection in [
        (1, 1, True, False, torch.float32, 0), (2, 2, True, True, torch.float32, 0),
        (1, 2, False, False, torch.float64, 0), (2, 1, False, True, torch.float32, 0),
        (2, 2, True, False, torch.float32, 2), (1, 1, False, True, torch.float32, 2),
        (1, 1, True, False, torch.bfloat16, 0)
    ]:
        if projection and op != "lstm":
            continue
        hidden = 3
        params = weights(op, 4, hidden, layers, directions, biases, projection, dtype)
        x = r(2, 5, 4).to(dtype) if first else r(5, 2, 4).to(dtype)
        h = r(layers * directions, 2, projection or hidden).to(dtype)
        c = r(layers * directions, 2, hidden).to(dtype)
        state = [h, c] if op == "lstm" else h
        call("aten::%s.input" % op, x, state, params, biases, layers, 0., False,
             directions == 2, first)
        data = r(7, 4).to(dtype)
        h = r(layers * directions, 3, projection or hidden).to(dtype)
        c = r(layers * directions, 3, hidden).to(dtype)
        state = [h, c] if op == "lstm" else h
        call("aten::%s.data" % op, data, torch.tensor([3, 2, 1, 1]), state,
             params, biases, layers, 0., False, directions == 2)
    p = weights(op, 4, 3, 1, 1, True, 0, torch.float32)
    for x, h, b in [(r(2, 4), r(2, 3), True), (r(2, 4), r(2, 3), False),
                    (f(2, 3), f(2, 3), True), (f(2, 4), f(3, 3), True),
                    (f(2, 4), f(2, 5), True), (f(4), f(3), True),
                    (f(0, 4), f(0, 3), True)]:
        state = [h, h + 1] if op == "lstm" else h
        call("aten::%s_cell" % op, x, state, *(p if b else p[:2]))
    call("aten::%s_cell" % op, r(2, 4),
         [r(2, 3), r(2, 3)] if op == "lstm" else r(2, 3), *p[:2], f(2))
    state = lambda *s: [z(s), z(s)] if op == "lstm" else z(s)
    call("aten::%s.input" % op, f(0, 2, 4), state(1, 2, 3), p, True, 1, 0.,
         False, False, False)
    call("aten::%s.input" % op, f(3, 0, 4), state(1, 0, 3), p, True, 1, 0.,
         False, False, False)
    if op == "lstm":
        continue  # equal sizes go another way there, which reads no sizes
    call("aten::%s.data" % op, f(5, 4), torch.tensor([2, 2, 2]),
         state(1, 2, 3), p, True, 1, 0., False, False)
    call("aten::%s.data" % op, f(5, 4), torch.tensor([2, 2]), state(1, 2, 3), p,
         True, 1, 0., False, False)
call("aten::lstm.input", f(3, 2, 4), [z(1, 2, 3)], [f(12, 4), f(12, 3), f(12), f(12)], True, 1, 0., False, False,
     False)
call("aten::lstm_cell", f(2, 4), [z(2, 3)], f(12, 4), f(12, 3))
call("aten::gru.input", f(3, 2, 4), z(1, 2, 3), [f(9, 4), f(9, 3), f(9)], True, 1,
     0., False, False, False)

x = r(4, 3, 2)
for lengths in [[4, 3, 1], [4, 4, 4], [2, 2, 1], [1, 2, 3], [3, 2, 0], [3, 2], [5, 2, 1],
                [3., 2, 1]]:
    call("aten::_pack_padded_sequence", x, torch.tensor(lengths), False)
    call("aten::_pack_padded_sequence", x.transpose(0, 1), torch.tensor(lengths), True)
call("aten::_pack_padded_sequence", z(0, 2, 4), torch.tensor([3, 2]), False)
call("aten::_pack_padded_sequence", r(4, 2).long(), torch.tensor([3, 2]), False)
x = r(5, 4)
for sizes, total in [([2, 2, 1], -1), ([2, 2, 1], 4), ([2, 2, 1], 2), ([5], 0),
                     ([1, 1, 1, 1, 1], 7)]:
    for first in (False, True):
        call("aten::_pad_packed_sequence", x, torch.tensor(sizes), first, -1.5, total)
write("rnn_cases.txt")
