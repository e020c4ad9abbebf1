class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    torch.save([1], "pwned")
    return torch.tensor([1., 2.])
