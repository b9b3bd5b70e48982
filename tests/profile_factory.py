"""A profile whose times follow a known law, for tests that need no measuring: blocks of 8 channels, nothing random."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optim import profile_plans
from optim.plan import Anatomy, Layer, cost
from optim.profiles import Profile, Sensitivity, Staircase, Variant
from optim.results import Interval, Share
from optim.stats import wilson
from tests import factories

BODY = factories.an_anatomy(width=2.0)
SIZES = BODY.sizes()
HALF = {name: size // 2 for name, size in SIZES.items()}
SPEED = {"fp32": 60e6, "int8": 150e6}
"""Multiply-accumulates per millisecond."""
BLOCK = 8


def law_ms(widths: dict[str, int], precision: str, layers: Sequence[Layer] = BODY.layers) -> float:
    """A staircase: every layer costs its whole blocks of 8 channels; off the grid of 4 half as much again."""
    spent = 0.01
    for layer in layers:
        into, out_of = widths.get(layer.into, layer.outputs), widths.get(layer.out_of, layer.inputs)
        loose = any(widths.get(name, 4) % 4 for name in (layer.into, layer.out_of))
        whole = _whole(into) * (_whole(out_of) if layer.out_of else out_of)
        spent += (1.5 if loose else 1.0) * layer.kernel * layer.positions * whole / SPEED[precision]
    return spent


def law_accuracy(widths: dict[str, int], sizes: dict[str, int] = SIZES) -> float:
    return 0.1 + 0.8 * math.prod(1 - 0.5 * (1 - widths[name] / size) ** 2 for name, size in sizes.items())


def params(widths: dict[str, int], body: Anatomy = BODY) -> int:
    return cost(body, widths)[0]


def a_profile(body: Anatomy = BODY, **changes: object) -> Profile:
    """Stairs at the usual widths, and thirty-six random plans."""
    sizes = body.sizes()
    joint = [*profile_plans.uniform_plans(sizes), *profile_plans.random_plans(sizes, 36, seed=0)]
    made = Profile(
        dataset=body.dataset, model=body.model, width=body.width, fingerprint=factories.a_fingerprint(),
        baseline_sha256="", made_at=factories.NOW, seconds=71.0, layers=body.layers,
        dense_fp32_ms=_timed(sizes, "fp32", body), dense_int8_ms=_timed(sizes, "int8", body),
        dense_accuracy=wilson(900, 1000), whole_accuracy=wilson(3600, 4000),
        groups=tuple(_stairs(body, group.name, group.label, group.size) for group in body.groups),
        joint=tuple(_variant(body, number, widths) for number, widths in enumerate(joint)),
    )  # fmt: skip
    return made.with_(**changes)


def _whole(width: int) -> int:
    return BLOCK * math.ceil(width / BLOCK)


def _timed(widths: dict[str, int], precision: str, body: Anatomy) -> Interval:
    value = law_ms(widths, precision, body.layers)
    return Interval(value=value, low=0.995 * value, high=1.005 * value)


def _share(widths: dict[str, int], body: Anatomy) -> Share:
    return wilson(round(1000 * law_accuracy(widths, body.sizes())), 1000)


def _stairs(body: Anatomy, name: str, label: str, size: int) -> Staircase:
    scored = profile_plans.stair_widths(size)
    widths = tuple(sorted({*scored, *profile_plans.odd_widths(size)}))
    plans = [{**body.sizes(), name: width} for width in widths]
    right = tuple(_share({**body.sizes(), name: width}, body) for width in scored)
    return Staircase(
        name=name, label=label, size=size, widths=widths,
        fp32_ms=tuple(_timed(plan, "fp32", body) for plan in plans),
        int8_ms=tuple(_timed(plan, "int8", body) for plan in plans),
        sensitivity={"l2": Sensitivity(widths=scored, accuracy=right)},
    )  # fmt: skip


def _variant(body: Anatomy, number: int, widths: dict[str, int]) -> Variant:
    loss = 0.004 * ((params(body.sizes(), body) / params(widths, body)) ** 0.5 - 1)
    return Variant(
        widths=widths, fp32_ms=_timed(widths, "fp32", body), int8_ms=_timed(widths, "int8", body),
        accuracy={"l2": _share(widths, body)} if number < 9 else {},
        recovered={"l2": wilson(round(1000 * (0.9 - loss)), 1000)} if number < 6 else {},
    )  # fmt: skip
