class M(Module):
  __parameters__ = []
  __buffers__ = []
  a : __torch__.gone.G
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.tensor([1., 2.])
