class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a, b = torch.linalg_eigh(torch.full([3, 3], nan))
    return a
