class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  @os.system
  def forward(self: __torch__.M) -> Tensor:
    return torch.tensor([1., 2.])
