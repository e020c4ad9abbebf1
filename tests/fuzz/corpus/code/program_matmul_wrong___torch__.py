class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.matmul(torch.ones([2, 3]), torch.ones([4, 5]))
