class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = annotate(Optional[int], None)
    b = unchecked_cast(int, a)
    return torch.tensor([torch.add(b, 1)])
