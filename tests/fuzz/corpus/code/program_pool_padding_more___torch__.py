class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.max_pool2d(torch.ones([1, 1, 4, 4]), [2, 2], [1, 1], [9, 9], [1, 1])
