"""A profile whose times follow a known law, for tests that need no measuring: blocks of 8 channels, nothing random."""

from __future__ import annotations

import math

from optim import profile_plans
from optim.plan import Anatomy, Layer, cost
from optim.profiles import Profile, Sensitivity, Staircase, Variant
from optim.records import Interval
from optim.stats import wilson
from tests import factories

SIZES = {"stage1": 32, "stage1.block1": 32, "stage2": 64}
LAYERS = (
    Layer(name="stem", into="stage1", out_of="", outputs=32, inputs=1, kernel=9, positions=784),
    Layer(name="first", into="stage1.block1", out_of="stage1", outputs=32, inputs=32, kernel=9, positions=784),
    Layer(name="second", into="stage1", out_of="stage1.block1", outputs=32, inputs=32, kernel=9, positions=784),
    Layer(name="third", into="stage2", out_of="stage1", outputs=64, inputs=32, kernel=9, positions=196),
    Layer(name="head", into="", out_of="stage2", outputs=10, inputs=64, kernel=1, positions=1),
)
SPEED = {"fp32": 60e6, "int8": 150e6}
"""Multiply-accumulates per millisecond."""


def law_ms(widths: dict[str, int], precision: str) -> float:
    """A staircase: every layer costs its whole blocks of 8 channels; off the grid of 4 half as much again."""
    spent = 0.01
    for layer in LAYERS:
        into, out_of = (
            widths.get(name, size) for name, size in ((layer.into, layer.outputs), (layer.out_of, layer.inputs))
        )
        loose = any(widths.get(name, 4) % 4 for name in (layer.into, layer.out_of))
        whole = 8 * math.ceil(into / 8) * (8 * math.ceil(out_of / 8) if layer.out_of else out_of)
        spent += (1.5 if loose else 1.0) * layer.kernel * layer.positions * whole / SPEED[precision]
    return spent


def law_accuracy(widths: dict[str, int]) -> float:
    kept = math.prod(1 - 0.5 * (1 - widths[name] / size) ** 2 for name, size in SIZES.items())
    return 0.1 + 0.8 * kept


def params(widths: dict[str, int]) -> int:
    return cost(anatomy(), widths)[0]


def anatomy() -> Anatomy:
    return Anatomy(dataset="fashion-mnist", model="resnet8", width=2.0, groups=(), layers=LAYERS)


def a_profile(**changes: object) -> Profile:
    """Stairs at the usual widths, and thirty random plans."""
    joint = [*profile_plans.uniform_plans(SIZES), *profile_plans.random_plans(SIZES, 30, seed=0)]
    made = Profile(
        dataset="fashion-mnist", model="resnet8", width=2.0, fingerprint=factories.a_fingerprint(),
        baseline_sha256="", made_at=factories.NOW, seconds=71.0, layers=LAYERS,
        dense_fp32_ms=_timed(SIZES, "fp32"), dense_int8_ms=_timed(SIZES, "int8"),
        dense_accuracy=wilson(900, 1000), whole_accuracy=wilson(3600, 4000),
        groups=tuple(_stairs(name, size) for name, size in SIZES.items()),
        joint=tuple(_variant(number, widths) for number, widths in enumerate(joint)),
    )  # fmt: skip
    return made.with_(**changes)


def _timed(widths: dict[str, int], precision: str) -> Interval:
    value = law_ms(widths, precision)
    return Interval(value=value, low=0.995 * value, high=1.005 * value)


def _share(widths: dict[str, int]):
    return wilson(round(1000 * law_accuracy(widths)), 1000)


def _stairs(name: str, size: int) -> Staircase:
    scored = profile_plans.stair_widths(size)
    widths = tuple(sorted({*scored, *profile_plans.odd_widths(size)}))
    plans = [{**SIZES, name: width} for width in widths]
    right = Sensitivity(widths=scored, accuracy=tuple(_share({**SIZES, name: width}) for width in scored))
    return Staircase(
        name=name, label=name.replace("stage", "stage "), size=size, widths=widths,
        fp32_ms=tuple(_timed(plan, "fp32") for plan in plans),
        int8_ms=tuple(_timed(plan, "int8") for plan in plans), sensitivity={"l2": right},
    )  # fmt: skip


def _variant(number: int, widths: dict[str, int]) -> Variant:
    loss = 0.004 * ((params(SIZES) / params(widths)) ** 0.5 - 1)
    return Variant(
        widths=widths, fp32_ms=_timed(widths, "fp32"), int8_ms=_timed(widths, "int8"),
        accuracy={"l2": _share(widths)} if number < 9 else {},
        recovered={"l2": wilson(round(1000 * (0.9 - loss)), 1000)} if number < 6 else {},
    )  # fmt: skip
