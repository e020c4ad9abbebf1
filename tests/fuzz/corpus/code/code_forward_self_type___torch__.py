class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: int) -> Tensor:
    return torch.tensor([1., 2.])
