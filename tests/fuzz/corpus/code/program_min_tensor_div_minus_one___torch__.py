class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = torch.full([2], torch.sub(torch.neg(9223372036854775807), 1), dtype=4)
    b = torch.full([2], -1, dtype=4)
    return torch.div(a, b, rounding_mode="trunc")
