class O(Module):
  m : Optional[__torch__.M]
  training : bool
