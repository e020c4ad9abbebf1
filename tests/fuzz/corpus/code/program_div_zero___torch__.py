class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = torch.len(annotate(List[int], []))
    b = torch.floordiv(1, a)
    return torch.tensor([b])
