"""Records modules of torch.nn for modules_test.cc:

    python3 record_modules.py > testdata/modules.txt

Each case: the module made under manual_seed(0), its repr, its state dict, and
what it gives (in eval mode) for inputs drawn with rand under manual_seed(1).
"""
import torch
from torch import nn

CASES = [
    ("Linear", "nn.Linear(3, 4)", [(2, 3)]),
    ("LinearNoBias", "nn.Linear(3, 4, bias=False)", [(3,)]),
    ("Bilinear", "nn.Bilinear(2, 3, 4)", [(5, 2), (5, 3)]),
    ("Conv1d", "nn.Conv1d(2, 4, 3)", [(2, 2, 7)]),
    ("Conv2d", "nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, dilation=(1, 2), groups=2)", [(1, 4, 8, 9)]),
    ("Conv2dReflect", "nn.Conv2d(2, 3, 3, padding=(1, 2), padding_mode='reflect', bias=False)", [(2, 2, 6, 6)]),
    ("Conv2dSame", "nn.Conv2d(2, 3, (4, 3), padding='same')", [(2, 2, 6, 6)]),
    ("Conv1dCircularSame", "nn.Conv1d(2, 3, 4, padding='same', padding_mode='circular')", [(2, 2, 6)]),
    ("Conv3d", "nn.Conv3d(1, 2, 2)", [(1, 1, 3, 4, 5)]),
    ("ConvTranspose1d", "nn.ConvTranspose1d(2, 4, 3)", [(2, 2, 5)]),
    ("ConvTranspose2d", "nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2)", [(1, 4, 3, 4)]),
    ("ConvTranspose3d", "nn.ConvTranspose3d(1, 2, 2)", [(1, 1, 2, 3, 2)]),
    ("BatchNorm1d", "nn.BatchNorm1d(4)", [(3, 4)]),
    ("BatchNorm2d", "nn.BatchNorm2d(2, eps=0.01, momentum=None)", [(3, 2, 2, 2)]),
    ("BatchNorm3dNoStats", "nn.BatchNorm3d(2, affine=False, track_running_stats=False)", [(3, 2, 2, 2, 1)]),
    ("InstanceNorm1d", "nn.InstanceNorm1d(2)", [(2, 5)]),
    ("InstanceNorm2d", "nn.InstanceNorm2d(2, affine=True)", [(3, 2, 2, 3)]),
    ("LayerNorm", "nn.LayerNorm((3, 4))", [(2, 3, 4)]),
    ("LayerNormPlain", "nn.LayerNorm(4, elementwise_affine=False)", [(2, 4)]),
    ("LayerNormNoBias", "nn.LayerNorm(4, bias=False)", [(2, 4)]),
    ("GroupNorm", "nn.GroupNorm(2, 4)", [(2, 4, 3)]),
    ("RMSNorm", "nn.RMSNorm(4)", [(2, 4)]),
    ("LocalResponseNorm", "nn.LocalResponseNorm(2)", [(1, 4, 2, 2)]),
    ("Embedding", "nn.Embedding(10, 3, padding_idx=-1)", "torch.tensor([[1, 9], [0, 3]])"),
    ("EmbeddingMaxNorm", "nn.Embedding(5, 3, max_norm=1.0)", "torch.tensor([0, 4])"),
    ("EmbeddingBag", "nn.EmbeddingBag(10, 3, mode='sum')", "torch.tensor([[1, 9], [0, 3]])"),
    ("RNN", "nn.RNN(3, 4, 2, nonlinearity='relu')", [(5, 2, 3)]),
    ("GRU", "nn.GRU(3, 4, batch_first=True, bidirectional=True)", [(2, 5, 3)]),
    ("LSTM", "nn.LSTM(3, 4, num_layers=2, dropout=0.5, proj_size=2)", [(5, 2, 3)]),
    ("LSTMLone", "nn.LSTM(3, 4, bias=False)", [(5, 3)]),
    ("RNNCell", "nn.RNNCell(3, 4, nonlinearity='relu')", [(2, 3)]),
    ("GRUCell", "nn.GRUCell(3, 4)", [(3,)]),
    ("LSTMCell", "nn.LSTMCell(3, 4, bias=False)", [(2, 3)]),
    ("MultiheadAttention", "nn.MultiheadAttention(4, 2)", [(3, 2, 4), (5, 2, 4), (5, 2, 4)]),
    ("MultiheadAttentionSelf", "nn.MultiheadAttention(4, 2, batch_first=True)", "*([torch.rand(2, 3, 4)] * 3)"),
    ("MultiheadAttentionDims", "nn.MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True, add_zero_attn=True)", [(3, 4), (5, 3), (5, 5)]),
    ("TransformerEncoderLayer", "nn.TransformerEncoderLayer(4, 2, 8)", [(3, 2, 4)]),
    ("TransformerEncoderLayerFirst", "nn.TransformerEncoderLayer(4, 2, 8, activation='gelu', norm_first=True, batch_first=True, bias=False)", [(3, 2, 4)]),
    ("TransformerDecoderLayer", "nn.TransformerDecoderLayer(4, 2, 8)", [(3, 2, 4), (5, 2, 4)]),
    ("TransformerEncoder", "nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 3, nn.LayerNorm(4))", [(3, 2, 4)]),
    ("Transformer", "nn.Transformer(4, 2, 1, 2, 8)", [(3, 2, 4), (5, 2, 4)]),
    ("ReLU", "nn.ReLU(inplace=True)", [(5,)]),
    ("ReLU6", "nn.ReLU6()", [(5,)]),
    ("SELU", "nn.SELU()", [(5,)]),
    ("SiLU", "nn.SiLU()", [(5,)]),
    ("Mish", "nn.Mish(inplace=True)", [(5,)]),
    ("Hardswish", "nn.Hardswish()", [(5,)]),
    ("Hardsigmoid", "nn.Hardsigmoid()", [(5,)]),
    ("Sigmoid", "nn.Sigmoid()", [(5,)]),
    ("Tanh", "nn.Tanh()", [(5,)]),
    ("LogSigmoid", "nn.LogSigmoid()", [(5,)]),
    ("Softsign", "nn.Softsign()", [(5,)]),
    ("Tanhshrink", "nn.Tanhshrink()", [(5,)]),
    ("Softmax2d", "nn.Softmax2d()", [(2, 3, 1, 2)]),
    ("Softmax", "nn.Softmax(-1)", [(2, 3)]),
    ("Softmin", "nn.Softmin(0)", [(2, 3)]),
    ("LogSoftmax", "nn.LogSoftmax(dim=1)", [(2, 3)]),
    ("ELU", "nn.ELU(0.5)", [(5,)]),
    ("CELU", "nn.CELU(2.0)", [(5,)]),
    ("GELU", "nn.GELU('tanh')", [(5,)]),
    ("GLU", "nn.GLU()", [(4,)]),
    ("Hardtanh", "nn.Hardtanh(-0.5, 0.5)", [(5,)]),
    ("Hardshrink", "nn.Hardshrink()", [(5,)]),
    ("Softshrink", "nn.Softshrink(0.25)", [(5,)]),
    ("LeakyReLU", "nn.LeakyReLU(0.2)", [(5,)]),
    ("PReLU", "nn.PReLU()", [(5,)]),
    ("RReLU", "nn.RReLU()", [(5,)]),
    ("Softplus", "nn.Softplus()", [(5,)]),
    ("Threshold", "nn.Threshold(0.5, 2.0)", [(5,)]),
    ("Dropout", "nn.Dropout(0.25)", [(5,)]),
    ("Dropout1d", "nn.Dropout1d()", [(2, 5)]),
    ("AlphaDropout", "nn.AlphaDropout(0.1)", [(5,)]),
    ("MaxPool1d", "nn.MaxPool1d(2)", [(1, 2, 6)]),
    ("MaxPool2d", "nn.MaxPool2d((2, 3), stride=1, padding=1, ceil_mode=True)", [(1, 2, 5, 6)]),
    ("MaxPool3d", "nn.MaxPool3d(2)", [(1, 2, 4, 4, 4)]),
    ("AvgPool1d", "nn.AvgPool1d(2)", [(1, 2, 6)]),
    ("AvgPool2d", "nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)", [(1, 2, 5, 6)]),
    ("AvgPool3d", "nn.AvgPool3d((1, 2, 2), divisor_override=3)", [(1, 2, 4, 4, 4)]),
    ("AdaptiveAvgPool2d", "nn.AdaptiveAvgPool2d((3, 2))", [(1, 2, 5, 6)]),
    ("AdaptiveMaxPool1d", "nn.AdaptiveMaxPool1d(3)", [(1, 2, 5)]),
    ("LPPool1d", "nn.LPPool1d(2, 3, stride=2)", [(1, 2, 9)]),
    ("LPPool2d", "nn.LPPool2d(3, (2, 1))", [(1, 2, 4, 3)]),
    ("Flatten", "nn.Flatten()", [(2, 3, 4)]),
    ("Unflatten", "nn.Unflatten(1, (2, 3))", [(2, 6)]),
    ("ZeroPad2d", "nn.ZeroPad2d(1)", [(1, 1, 2, 2)]),
    ("ReflectionPad1d", "nn.ReflectionPad1d((2, 1))", [(1, 2, 4)]),
    ("ReplicationPad2d", "nn.ReplicationPad2d((1, 0, 0, 2))", [(1, 1, 2, 2)]),
    ("CircularPad1d", "nn.CircularPad1d(2)", [(1, 2, 4)]),
    ("ConstantPad2d", "nn.ConstantPad2d(1, 3.5)", [(1, 1, 2, 2)]),
    ("PixelShuffle", "nn.PixelShuffle(2)", [(1, 8, 2, 3)]),
    ("PixelUnshuffle", "nn.PixelUnshuffle(2)", [(1, 2, 4, 6)]),
    ("ChannelShuffle", "nn.ChannelShuffle(2)", [(1, 4, 2, 2)]),
    ("Unfold", "nn.Unfold((2, 3), padding=1)", [(1, 2, 4, 4)]),
    ("Fold", "nn.Fold((4, 4), 2, stride=2)", [(1, 8, 4)]),
    ("Upsample", "nn.Upsample(scale_factor=2.0)", [(1, 2, 3, 3)]),
    ("UpsampleBilinear", "nn.Upsample(size=(5, 4), mode='bilinear', align_corners=True)", [(1, 2, 3, 3)]),
    ("UpsampleExact", "nn.Upsample(size=5, mode='nearest-exact')", [(1, 2, 3)]),
    ("CosineSimilarity", "nn.CosineSimilarity()", [(2, 3), (2, 3)]),
    ("PairwiseDistance", "nn.PairwiseDistance()", [(2, 3), (2, 3)]),
    ("L1Loss", "nn.L1Loss()", [(2, 3), (2, 3)]),
    ("MSELoss", "nn.MSELoss(reduction='sum')", [(2, 3), (2, 3)]),
    ("SmoothL1Loss", "nn.SmoothL1Loss(beta=0.25)", [(2, 3), (2, 3)]),
    ("HuberLoss", "nn.HuberLoss(delta=0.25)", [(2, 3), (2, 3)]),
    ("CrossEntropyLoss", "nn.CrossEntropyLoss(weight=torch.tensor([1., 2., 3.]), label_smoothing=0.1)", "torch.rand(2, 3), torch.tensor([0, 2])"),
    ("NLLLoss", "nn.NLLLoss(ignore_index=1)", "torch.rand(3, 3), torch.tensor([0, 2, 1])"),
    ("BCELoss", "nn.BCELoss()", [(2, 3), (2, 3)]),
    ("BCEWithLogitsLoss", "nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1., 2., 3.]))", [(2, 3), (2, 3)]),
    ("KLDivLoss", "nn.KLDivLoss(reduction='batchmean')", [(2, 3), (2, 3)]),
    ("PoissonNLLLoss", "nn.PoissonNLLLoss(full=True)", [(2, 3), (2, 3)]),
    ("GaussianNLLLoss", "nn.GaussianNLLLoss(full=True)", [(2, 3), (2, 3), (2, 1)]),
    ("MarginRankingLoss", "nn.MarginRankingLoss(0.5)", [(3,), (3,), (3,)]),
    ("MultiLabelSoftMarginLoss", "nn.MultiLabelSoftMarginLoss()", [(2, 3), (2, 3)]),
    ("MultiMarginLoss", "nn.MultiMarginLoss(p=2)", "torch.rand(2, 3), torch.tensor([0, 2])"),
    ("TripletMarginLoss", "nn.TripletMarginLoss(swap=True)", [(2, 3), (2, 3), (2, 3)]),
    ("Sequential", "nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Sequential(nn.Linear(4, 2)))", [(2, 3)]),
    ("ModuleList", "nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 3)])", None),
    ("ModuleDict", "nn.ModuleDict({'a': nn.Linear(2, 2), 'b': nn.Identity()})", None),
]


def write(name, value):
    if isinstance(value, (tuple, list)):
        for i, v in enumerate(value):
            write(f"{name}.{i}", v)
    elif value is None:
        print("none", name)
    else:
        dims = "x".join(map(str, value.shape)) or "scalar"
        print("tensor", name, dims, *(float(v).hex() for v in value.detach().flatten().tolist()))


def main():
    for name, text, inputs in CASES:
        torch.manual_seed(0)
        module = eval(text)
        print("case", name)
        for line in repr(module).split("\n"):
            print("repr", line)
        for key, value in module.state_dict().items():
            write("state:" + key, value)
        if inputs is not None:
            torch.manual_seed(1)
            if isinstance(inputs, str):
                args = eval(f"[{inputs}]")
            else:
                args = [torch.rand(s) for s in inputs]
            module.eval()
            write("result", module(*args))


main()
