class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = torch.zeros([2], dtype=3)
    b = torch.ones([2], dtype=3)
    return torch.remainder(b, a)
