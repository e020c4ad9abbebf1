class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = [1]
    for i in range(1048576):
      _0 = torch.append(a, i)
    return torch.tensor([1., 2.])
