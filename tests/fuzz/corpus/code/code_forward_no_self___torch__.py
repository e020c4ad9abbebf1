class M(Module):
  training : bool
  def forward() -> Tensor:
    return torch.ones([1])
