class M(Module):
  __parameters__ = []
  __buffers__ = []
  weight : Tensor
  bias : Tensor
  k : int
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    weight = self.weight
    bias = self.bias
    k = self.k
    _0 = torch.add(torch.mul(weight, k), bias)
    return _0
