class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.slice(torch.ones([4]), 0, 0, 4, 0)
