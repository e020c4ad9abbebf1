class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = [1, 2]
    b = a[torch.sub(-9223372036854775807, torch.len([1]))]
    return torch.tensor([b])
