class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    try:
      a = 1
    except:
      a = 2
    return torch.tensor([1., 2.])
