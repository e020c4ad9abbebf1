class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = unchecked_cast(Tensor, 1)
    return torch.neg(a)
