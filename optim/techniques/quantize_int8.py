"""Static INT8 quantization of the exported file (Jacob et al. 2018, arXiv:1712.05877)."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_static,
)

from ..context import Context

OPERATORS = ["Conv", "Gemm", "MatMul", "MaxPool", "Relu"]
"""And sums, of images alone: a text hides its padding by a sum with a number so large that no scale holds both."""


def quantize_int8(path: Path, ctx: Context, *, calibration_items: int = 256) -> Path:
    """A new file beside `path`: QDQ, unsigned activations, signed weights with one scale per output channel.

    Activation ranges are the minima and maxima over the first `calibration_items` of a seeded order of the training
    split (Jacob et al. 2018, section 3.1 calls for training data). The parent file stays as it was.
    """
    prepared, quantized = path.with_suffix(".prepared.onnx"), path.with_suffix(".int8.onnx")
    logging.getLogger().setLevel(max(logging.ERROR, logging.getLogger().level))
    quant_pre_process(path, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        quantized,
        _Calibration(ctx, calibration_items),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=[*OPERATORS, *(["Add"] if ctx.row.kind == "image" else [])],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"ActivationSymmetric": False},
    )
    prepared.unlink()
    return quantized


class _Calibration(CalibrationDataReader):
    """Training items in batches of 64; reports how far it is."""

    BATCH = 64

    def __init__(self, ctx: Context, items: int) -> None:
        images = ctx.splits.train.inputs
        order = np.random.default_rng(ctx.seed).permutation(len(images))[:items]
        self.ctx, self.images, self.done = ctx, images[order], 0

    def get_next(self) -> dict[str, np.ndarray] | None:  # pyrefly: ignore[bad-override]
        if self.done >= len(self.images):
            return None
        batch = self.images[self.done : self.done + self.BATCH]
        self.done += len(batch)
        self.ctx.progress(self.done, len(self.images), message=f"calibrating on training {self.ctx.row.items[1]}")
        return {"input": batch}
