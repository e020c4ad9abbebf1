class M(Module):
  __parameters__ = []
  __buffers__ = []
  weight : Tensor
  k : int
  f : float
  name : str
  flag : bool
  none : NoneType
  opt : Optional[int]
  pair : Tuple[int, float]
  ints : List[int]
  names : List[str]
  table : Dict[str, int]
  tensors : Dict[str, Tensor]
  q : Tensor
  view : Tensor
  part : __torch__.lib.part.Part
  box : __torch__.lib.part.Box
  z : complex
  dev : Device
  training : bool
  def forward(self: __torch__.M) -> Tensor:
    part = self.part
    weight = self.weight
    _0 = (part).forward(weight, )
    box = self.box
    x = box.x
    table = self.table
    ints = self.ints
    _1 = torch.add(_0, x)
    _2 = torch.add(_1, table["a"])
    _3 = torch.add(_2, ints[-1])
    pair = self.pair
    _4 = torch.mul(_3, (pair)[1])
    q = self.q
    _5 = torch.add(_4, torch.sum(torch.dequantize(q)))
    view = self.view
    _6 = torch.add(_5, torch.sum(view))
    tensors = self.tensors
    _7 = torch.add(_6, tensors["t"])
    return torch.add(_7, CONSTANTS.c0)
