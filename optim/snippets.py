"""How to run a file that was taken away, as lines to be copied. Light: text only."""

from __future__ import annotations

from .catalog import Dataset


def snippet(row: Dataset, name: str) -> str:
    """How to run the file of this name, in six lines."""
    sides = ", ".join(str(side) for side in row.shape)
    items = {
        "image": f"np.random.rand(4, {sides}).astype(np.float32)  # your images, pixels from 0 to 1",
        "text": f"np.ones((4, {sides}), dtype=np.int64)  # your texts as tokens: see infer.py",
        "recommendation": f"np.zeros((4, {sides}), dtype=np.int64)  # your users and their histories: see infer.py",
    }[row.kind]
    return (
        "import numpy as np\n"
        "import onnxruntime as ort\n\n"
        f'session = ort.InferenceSession("{name}", providers=["CPUExecutionProvider"])\n'
        f"{row.items[1]} = {items}\n"
        f'logits = session.run(["logits"], {{"input": {row.items[1]}}})[0]\n'
        f"{_first(row)}\n"
    )


def _first(row: Dataset) -> str:
    """The line of the snippet that prints the best answers."""
    if row.ranks:
        return "print(np.argsort(-logits)[:, :10] + 1)  # ids; infer.py leaves out what was chosen before"
    return "print(logits.argmax(axis=1))"
