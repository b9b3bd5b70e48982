"""The script in the zip of an image classifier."""

from __future__ import annotations

from .catalog_data import Dataset

INFER = '''"""Classify images with the model.onnx beside this script (onnxruntime, numpy): python infer.py images.npy"""
from pathlib import Path
import sys, numpy as np, onnxruntime as ort
LABELS, SHAPE = {labels!r}, {shape!r}  # images (n, *SHAPE), pixels from 0 to 1, or bytes from 0 to 255
if sys.argv[1:] in (["-h"], ["--help"]): sys.exit(print(__doc__))
if not sys.argv[1:]: print("No file was given: these are the answers to two images of noise.", file=sys.stderr)
try:
    session = ort.InferenceSession(Path(__file__).with_name("model.onnx"), providers=["CPUExecutionProvider"])
    given = np.load(sys.argv[1]) if sys.argv[1:] else np.random.default_rng(0).random((2, *SHAPE))
    images = (given[:, None] if given.ndim == 3 else given).astype(np.float32) / (255 if given.dtype == np.uint8 else 1)
    if images.shape[1:] != SHAPE or not len(images): sys.exit(f"error: shape {{given.shape}}; needed: ({sides})")
    if not (images.min() >= 0 and images.max() <= 1): sys.exit("error: pixels are numbers from 0 to 1, or uint8")
except Exception as error:
    sys.exit(f"error: {{error}}")
for i, row in enumerate(session.run(["logits"], {{"input": images}})[0]): print(i, LABELS[int(row.argmax())])
'''


def script(data: Dataset) -> str:
    """The script for this data set; it says what is wrong with what it is given."""
    return INFER.format(
        labels=list(data.classes), shape=tuple(data.shape), sides=", ".join(["n from 1", *map(str, data.shape)])
    )
