"""Cases of the attention family: python3 attention_cases.py writes
attention_cases.txt."""

import torch
from record import call, write

torch.manual_seed(0)


def r(*sizes, **kwargs):  # short in print
    return (torch.randn(*sizes, **kwargs) * 4).round() / 4


f = torch.ones
B = lambda *s: torch.ones(s, dtype=torch.bool)
D = torch.float64
sdpa = "aten::scaled_dot_product_attention"
for dtype in [torch.float32, torch.float64, torch.float16, torch.bfloat16]:
    q, k, v = r(2, 2, 3, 4).to(dtype), r(2, 2, 5, 4).to(dtype), r(2, 2, 5, 4).to(dtype)
    call(sdpa, q, k, v)
    call(sdpa, q, k, v, None, 0., True)
    call(sdpa, q, k, v, r(3, 5).to(dtype), scale=0.3)
    call(sdpa, q, k, v, torch.rand(2, 1, 3, 5) > 0.4)
q, k, v = r(2, 4, 3, 4), r(2, 2, 5, 4), r(2, 2, 5, 4)
call(sdpa, q, k, v, enable_gqa=True)
call(sdpa, q, k, v)
call(sdpa, q[:, :3], k, v, enable_gqa=True)
call(sdpa, q[0, 0], k[0, 0], v[0, 0])
call(sdpa, q[0, :2], k[0], v[0])
call(sdpa, q[:, :2], k[:1], v[:1])
call(sdpa, q[:, :2].transpose(1, 2).contiguous().transpose(1, 2), k, v)
call(sdpa, q[:, :2], k, r(2, 2, 5, 3))
call(sdpa, q[:, :2], k, v, ~B(3, 5))
call(sdpa, q[0, :2], k[0], v[0], ~B(3, 5))
call(sdpa, q[:, :2], k, v, B(3, 5), 0., True)
for mask in [torch.ones(3, 5).to(D), torch.ones(3, 5).long(), torch.ones(4, 5),
             torch.ones(2, 5)]:
    call(sdpa, q[:, :2], k, v, mask)
call(sdpa, f(4), f(3, 4), f(3, 4))
call(sdpa, q[:, :2], r(2, 2, 5, 3), v)
call(sdpa, q[:, :2], k, v.to(D))
call(sdpa, q[:, :2], k, v, None, 1.5)
call(sdpa, q[:, :2].long(), k.long(), v.long())
call(sdpa, f(1, 2, 0, 4), f(1, 2, 3, 4), f(1, 2, 3, 4))
call(sdpa, f(1, 2, 3, 4), f(1, 2, 0, 4), f(1, 2, 0, 4))
call("aten::_scaled_dot_product_flash_attention_for_cpu", q[:, :2], k, v)
call("aten::_scaled_dot_product_flash_attention_for_cpu", q[:, :2], k[:, :, :3],
     v[:, :, :3], 0., True)
call("aten::_scaled_dot_product_attention_math", q[:, :2], k, v)
call("aten::_scaled_dot_product_attention_math", q[:, :2], k, v, r(3, 5))
call("aten::_fused_sdp_choice", q[:, :2], k, v)

m = torch.tensor([[False, True, False], [True, True, True]])

mha = "aten::_native_multi_head_attention"
x = r(2, 3, 8)
w = [r(24, 8) / 4, r(24), r(8, 8) / 4, r(8)]
call(mha, x, x, x, 8, 2, *w)
call(mha, x, x, x, 8, 4, *w, None, True, False)
call(mha, x, x, x, 8, 2, *w, None, False)
call(mha, x, r(2, 3, 8), r(2, 3, 8), 8, 2, *w)
call(mha, x, x, x, 8, 2, *w, m[:, [0, 2, 1]] & m[:1], True, True, 1)
call(mha, x, x, x, 8, 2, *w, f(3, 3).triu(1).bool(), True, True, 0)
call(mha, x, x, x, 8, 2, *w, torch.rand(2, 2, 3, 3) > 0.7, True, True, 2)
call(mha, x[0], x, x, 8, 2, *w)
call(mha, x, x, x, 7, 2, *w)
call(mha, x, x, x, 8, 3, *w)
call(mha, x, x[:, :2], x, 8, 2, *w)
call(mha, x, x, x, 8, 2, w[0][:23], *w[1:])
call(mha, x, x, x, 8, 2, w[0], w[1][:23], *w[2:])
call("aten::_transform_bias_rescale_qkv", r(2, 3, 24), r(24), 2)

layer = "aten::_transformer_encoder_layer_fwd"
n = [r(8), r(8), r(8), r(8)]
ffn = [r(6, 8), r(6), r(8, 6), r(8)]
for gelu in (False, True):
    for norm_first in (False, True):
        call(layer, x, 8, 2, *w, gelu, norm_first, 1e-5, *n, *ffn)
call(layer, x, 8, 2, *w, False, False, 1e-5, *n, *ffn, f(3, 3).triu(1).bool(), 0)
call(layer, x, 8, 2, *w, False, True, 1e-5, *n, *ffn,
     torch.tensor([[False, False, True], [False, True, True]]), 1)

left = torch.tensor([[True, True, False], [True, False, False]])
gaps = torch.tensor([[True, False, True], [True, False, False]])
call("aten::_nested_tensor_from_mask_left_aligned", f(2, 3, 4), left)
call("aten::_nested_tensor_from_mask_left_aligned", f(2, 3, 4), gaps)
call("aten::_nested_tensor_from_mask", f(2, 3, 4), gaps)
call("aten::_nested_tensor_from_mask", f(2, 3, 4), f(2, 3))
call("aten::_nested_tensor_from_mask", f(2, 3), B(2, 3))
call("aten::_nested_tensor_from_mask", f(2, 3, 4), B(2, 4))
call("aten::_nested_tensor_from_mask", f(2, 3, 4), B(6))
write("attention_cases.txt")
