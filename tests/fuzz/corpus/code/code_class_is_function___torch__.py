def M(x: int) -> int:
  return x
