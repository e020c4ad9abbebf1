class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = annotate(List[int], [])
    b = torch.pop(a)
    return torch.tensor([b])
