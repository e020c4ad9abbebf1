class M(Module):
  __parameters__ = []
  __buffers__ = []
  weight : Tensor
  bias : Tensor
  k : int
  b : __torch__.B
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    weight = self.weight
    bias = self.bias
    k = self.k
    _0 = torch.add(torch.mul(weight, k), bias)
    return _0
class B:
  x : int
  def __getstate__(self: __torch__.B) -> Tuple[int]:
    x = self.x
    return (x,)
  def __setstate__(self: __torch__.B,
    s: Tuple[int]) -> NoneType:
    ops.prim.RaiseException("my words")
    self.x = 1
    return None
