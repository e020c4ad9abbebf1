class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.conv2d(torch.ones([1, 1, 4, 4]), torch.ones([1, 1, 2, 2]), None, [0, 0], [0, 0], [1, 1], 1)
