class M(Module):
  __parameters__ = 5
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.tensor([1., 2.])
