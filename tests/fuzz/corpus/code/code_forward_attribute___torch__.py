class M(Module):
  training : bool
  forward : int
