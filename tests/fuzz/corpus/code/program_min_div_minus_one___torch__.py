class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = torch.sub(torch.neg(9223372036854775807), 1)
    b = torch.neg(torch.len([1]))
    c = torch.floordiv(a, b)
    return torch.tensor([c])
