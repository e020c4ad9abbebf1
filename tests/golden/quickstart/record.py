#!/usr/bin/env python3
"""Writes probabilities.txt: what PyTorch says to speech.wav.

  record.py silero_vad.jit        (of the PyPI wheel silero-vad 6.2.3)

speech.wav is what tools/quickstart lets espeak-ng say, at 16 kHz.
"""

import array
import os
import sys
import wave

import torch

FRAME = 512
HERE = os.path.dirname(os.path.abspath(__file__))


def main(model_path):
  with wave.open(os.path.join(HERE, "speech.wav")) as file:
    samples = array.array("h", file.readframes(file.getnframes()))
  x = torch.tensor(samples, dtype=torch.float32) / 32768
  x = torch.nn.functional.pad(x, (0, -len(x) % FRAME)).reshape(-1, 1, FRAME)
  torch.set_num_threads(1)
  model = torch.jit.load(model_path)
  with torch.no_grad(), open(os.path.join(HERE, "probabilities.txt"), "w") as out:
    for frame in x:
      out.write("%.9g\n" % model(frame, 16000).item())


if __name__ == "__main__":
  main(sys.argv[1])
