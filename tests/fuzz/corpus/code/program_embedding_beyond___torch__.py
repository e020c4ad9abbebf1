class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    return torch.embedding(torch.ones([2, 3]), torch.tensor([1000000000]))
