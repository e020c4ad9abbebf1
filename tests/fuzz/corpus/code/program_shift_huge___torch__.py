class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = torch.__lshift__(1, 1000)
    return torch.tensor([a])
