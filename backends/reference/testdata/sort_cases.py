"""Cases of the sort family: writes sort_cases.txt."""

import torch
from record import call, write

inf, nan = float("inf"), float("nan")
torch.manual_seed(1)
s = torch.tensor([[3., nan, 1], [inf, -1, 2]])
ties = torch.randint(0, 4, (3, 9)).float()
many = torch.randint(0, 50, (2, 200))
all_of = [s, s.t(), ties, torch.tensor(1.), torch.tensor([True, False, True]),
          torch.zeros(0, 3), torch.zeros(2, 0), many, ties.int(), ties.half(),
          torch.tensor([nan, nan, 0, -0., inf, -inf]), s * 1j,
          torch.arange(24.).view(2, 3, 4).permute(2, 0, 1).flip(0),
          torch.tensor([3, 1, 2], dtype=torch.uint8), ties.bfloat16(),
          ties[:, ::2]]
for t in all_of:
    for d in [0, 1, -1, 5]:
        for down in [False, True]:
            # Long rows of equal integers: PyTorch's order is not stable there.
            if t is not many:
                call("aten::sort", t, d, down)
                call("aten::argsort", t, d, down)
            call("aten::sort.stable", t, stable=True, dim=d, descending=down)
            for k in [0, 1, 2, 3, 5, -1, 300]:
                call("aten::topk", t, k, d, down)
        for k in [0, 1, 2, 5, 9]:
            for keep in [False, True]:
                call("aten::kthvalue", t, k, d, keep)
    call("aten::msort", t)
call("aten::topk", ties, 4, 1, True, False)
call("aten::argsort.stable", ties, stable=True, dim=0, descending=True)
call("aten::sort.values", s, values=torch.zeros(1),
     indices=torch.zeros(1, dtype=torch.long))
call("aten::sort.values", s, values=torch.zeros(1), indices=torch.zeros(1))
call("aten::topk.values", s, 2, values=torch.zeros(1),
     indices=torch.zeros(1, dtype=torch.long))
call("aten::kthvalue.values", s, 2, values=torch.zeros(1),
     indices=torch.zeros(1, dtype=torch.long))

write("sort_cases.txt")
