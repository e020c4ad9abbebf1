class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M, x: int="a") -> Tensor:
    return torch.tensor([1., 2.])
