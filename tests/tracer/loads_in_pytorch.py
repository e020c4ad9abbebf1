"""Loads an archive that a trace was saved in with PyTorch and runs it.

    introduction wrapped.pt && python3 loads_in_pytorch.py wrapped.pt

Says so and succeeds where there is no PyTorch.
"""
import sys

try:
    import torch
except ImportError:
    print("PyTorch is absent: nothing was loaded")
    sys.exit(0)


def main():
    module = torch.jit.load(sys.argv[1])
    xs = torch.rand(20, 3, 4)
    cell = module.loop.cell
    h = torch.zeros(3, 4)
    y = h
    for x in xs:  # the loop by hand
        lin = torch.nn.functional.linear(x, cell.linear.weight, cell.linear.bias)
        gated = lin if lin.sum() > 0 else -lin
        y = h = torch.tanh(gated + h)
    torch.testing.assert_close(module(xs), torch.relu(y))
    print(module.original_name, "loaded:", [name for name, _ in module.named_modules()])


main()
