class M(Module):
  training : bool
