class M(Module):
  __parameters__ = []
  __buffers__ = []
  a : Nope
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.tensor([1., 2.])
