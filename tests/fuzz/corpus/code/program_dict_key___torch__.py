class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    a = {"x": 1}
    b = a["nope"]
    return torch.tensor([b])
