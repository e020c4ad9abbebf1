class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = 1
   return torch.tensor([1., 2.])
