"""The script in a text classifier's zip: it takes texts as they are. Light: text only."""

from __future__ import annotations

from .catalog import Dataset
from .texts import FIRST, LONGEST

INFER = '''"""Classify texts with the model.onnx beside this script (onnxruntime, numpy): python infer.py TEXT"""
from pathlib import Path
import sys, unicodedata, numpy as np, onnxruntime as ort
LABELS, ALPHABET = {labels!r}, {alphabet!r}  # tokens: 0 = padding, 1 = unknown, then the alphabet
if sys.argv[1:] in (["-h"], ["--help"]): sys.exit(print(__doc__))
if not sys.argv[1:]: sys.exit("error: no text was given; needed: python infer.py TEXT")
session = ort.InferenceSession(Path(__file__).with_name("model.onnx"), providers=["CPUExecutionProvider"])
for text in sys.argv[1:]:
    plain = unicodedata.normalize("NFC", text).lower().replace("i\\u0307", "i").replace("\\u2019", "'").split()
    if not plain: sys.exit("error: an empty text was given; needed: at least one character")
    if len(" ".join(plain)) > {longest}: print(f"{{text}}: read up to character {longest}", file=sys.stderr)
    known = (ALPHABET.find(letter) for letter in " ".join(plain)[:{longest}])
    tokens = [1 if place < 0 else place + {first} for place in known]
    row = session.run(["logits"], {{"input": np.array([tokens], dtype=np.int64)}})[0][0]
    print(text, LABELS[int(row.argmax())])
'''


def script(row: Dataset) -> str:
    """For the data of this row, whose alphabet makes tokens of a text."""
    return INFER.format(labels=list(row.classes), alphabet=row.alphabet, first=FIRST, longest=LONGEST)
