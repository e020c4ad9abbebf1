class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.contiguous(torch.ones([1, 1, 1, 1]), memory_format=55)
