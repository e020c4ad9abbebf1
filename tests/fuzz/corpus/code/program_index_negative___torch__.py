class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.gather(torch.ones([2]), 0, torch.tensor([-5]))
