def f(x: int) -> Tensor:
  return __torch__.other.f(x, )
