class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.scatter(torch.ones([2]), 0, torch.tensor([1000000]), 1.)
