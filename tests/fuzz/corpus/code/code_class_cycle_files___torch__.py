class M(Module):
  __parameters__ = []
  __buffers__ = []
  o : Optional[__torch__.other.O]
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.tensor([1., 2.])
