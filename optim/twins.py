"""Zeros beside removal: two runs that lose the same share of their weights, one by zeros and one by smaller layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import plotly.graph_objects as go

from . import baselines, catalog, plan, recipes, time_words, words
from .errors import KnobError
from .plan import Anatomy
from .records import Recipe, Run, Step
from .theme import colors, template

ZERO, REMOVE = "prune-weights", "prune-channels"
ALIKE = 0.05
"""Shares of weights that differ by no more are called the same."""


class Twins(NamedTuple):
    zeroed: Run | None
    removed: Run | None
    share: float
    """Of the weights that the run in question lost."""
    missing: Recipe | None
    """The run to make where one of the two is not there."""


def find(run: Run, runs: Sequence[Run], home: Path) -> Twins | None:
    """The run and its twin among measured `runs`; None where it does neither, or both, or its baseline is not known."""
    step, body = _pruning(run.recipe), baselines.anatomy(run.recipe.dataset, run.recipe.model, run.recipe.width, home)
    if step is None or body is None or run.result is None:
        return None
    share = _share(run, step, body)
    other = REMOVE if step.technique == ZERO else ZERO
    near = [(abs(gone - share), one.id, one) for one in runs if (gone := _share_of_twin(run, one, other, body)) >= 0]
    found = min(near, default=None)
    twin = found[2] if found is not None and found[0] <= ALIKE else None
    missing = None if twin else _twin_recipe(run.recipe, step, share, body)
    pair = (run, twin) if step.technique == ZERO else (twin, run)
    return Twins(*pair, share, missing) if twin or missing else None


def _pruning(recipe: Recipe) -> Step | None:
    """The one step that zeroes or removes."""
    found = [step for step in recipe.steps if step.technique in (ZERO, REMOVE)]
    return found[0] if len(found) == 1 else None


def _share(run: Run, step: Step, body: Anatomy) -> float:
    """Of the dense model's weights: set to zero, or no longer there."""
    if step.technique == ZERO:
        return float(step.knobs["sparsity"])
    assert run.result is not None
    return 1 - run.result.file.params / plan.cost(body, {})[0]


def _share_of_twin(run: Run, one: Run, technique: str, body: Anatomy) -> float:
    """The same of another run that differs from `run` in its pruning only; below 0 where it is no such run."""
    step = _pruning(one.recipe)
    alike = step is not None and step.technique == technique and _rest(one.recipe) == _rest(run.recipe)
    return _share(one, step, body) if alike and step is not None and one.result is not None else -1.0


def _rest(recipe: Recipe) -> Recipe:
    """The recipe with its pruning blotted out."""
    steps = tuple(Step(technique=ZERO) if step.technique in (ZERO, REMOVE) else step for step in recipe.steps)
    return recipe.with_(steps=steps, seed=0)


def _twin_recipe(recipe: Recipe, step: Step, share: float, body: Anatomy) -> Recipe | None:
    """The same recipe with as large a share of the weights lost the other way; None where that cannot be."""
    if step.technique == REMOVE:
        other = f"{ZERO}:sparsity={share:.2f}" if 0.01 <= share <= 0.99 else ""
    else:
        other = _as_removal(share, body)
    if not other:
        return None
    steps = tuple(recipes.parse_step(other) if old is step else old for old in recipe.steps)
    return recipes.complete(recipe.with_(steps=steps))


def _as_removal(share: float, body: Anatomy) -> str:
    """The uniform pruning that leaves about as many weights; empty if none comes near."""
    dense, found = plan.cost(body, {})[0], []
    for percent in range(1, 100):
        text = f"{REMOVE}:sparsity={percent / 100:g}"
        try:
            left = plan.prune_plan(body, recipes.parse_step(text).knobs).params
        except KnobError:
            break
        found.append((abs(1 - left / dense - share), text))
    gap, text = min(found, default=(1.0, ""))
    return text if gap <= ALIKE else ""


class TwinInfo(NamedTuple):
    names: tuple[str, ...]
    ms: tuple[float, ...]
    ms_minus: tuple[float, ...]
    ms_plus: tuple[float, ...]
    """95 % interval of each median."""
    kilobytes: tuple[float, ...]
    accuracy: tuple[str, ...]
    """On validation, each with its interval and on how many images."""
    alt: str


def twin_info(pair: Twins, reference: Run | None) -> TwinInfo:
    """Measured time and size of the dense file where it is known, of the zeros, and of the removal."""
    assert pair.zeroed is not None and pair.removed is not None
    dense = "dense" if reference and reference.recipe.model_ref == pair.zeroed.recipe.model_ref else "reference"
    shown = {dense: reference, "zeros": pair.zeroed, "removed": pair.removed}
    rows = [
        (name, run, run.latency, run.result.file) for name, run in shown.items() if run and run.latency and run.result
    ]
    told = [f"{name} {time_words.ms(time.p50_ms)} and {words.size(file.size_bytes)}" for name, _, time, file in rows]
    return TwinInfo(
        names=tuple(name for name, *_ in rows),
        ms=tuple(time.p50_ms for _, _, time, _ in rows),
        ms_minus=tuple(max(time.p50_ms - time.low_ms, 0.0) for _, _, time, _ in rows),
        ms_plus=tuple(max(time.high_ms - time.p50_ms, 0.0) for _, _, time, _ in rows),
        kilobytes=tuple(file.size_bytes / 1e3 for *_, file in rows),
        accuracy=tuple(words.score(file.score.validation, catalog.data_of(run)) for _, run, _, file in rows),
        alt=f"About {words.percent(pair.share, 0)} of the weights gone: {'; '.join(told)}.",
    )


def twin_rows(info: TwinInfo) -> list[dict[str, str]]:
    """The bars as a table, time and accuracy with their intervals."""
    ends = zip(info.ms, info.ms_minus, info.ms_plus, strict=True)
    times = [time_words.ms_span(ms, ms - less, ms + more) for ms, less, more in ends]
    sides = zip(info.names, times, info.kilobytes, info.accuracy, strict=True)
    return [
        {"file": name, "median": time, "size, kB": words.three(kb), "validation": accuracy}
        for name, time, kb, accuracy in sides
    ]


def twin_plot(info: TwinInfo, theme: str) -> go.Figure:
    """Two panels that share their rows: time with its interval, and size."""
    c = colors(theme)
    marker = {"color": [c.front if name == "removed" else c.dominated for name in info.names]}
    error = {"array": info.ms_plus, "arrayminus": info.ms_minus, "color": c.text, "thickness": 1}
    common = {"y": info.names, "orientation": "h", "marker": marker, "showlegend": False, "cliponaxis": False}
    texts = ([time_words.ms_alone(ms) for ms in info.ms], [words.three(kb) for kb in info.kilobytes])
    bars = [
        go.Bar(x=info.ms, text=texts[0], textposition="inside", error_x=error, **common),
        go.Bar(x=info.kilobytes, text=texts[1], textposition="inside", xaxis="x2", **common),
    ]
    layout = {
        "template": template(theme),
        "height": 70 + 44 * len(info.names),
        "xaxis": {"title": {"text": "median, ms"}, "rangemode": "tozero", "domain": [0, 0.48], "nticks": 4},
        "xaxis2": {"title": {"text": "file, kB"}, "rangemode": "tozero", "domain": [0.54, 1], "nticks": 4},
        "yaxis": {"autorange": "reversed", "showgrid": False},
        "margin": {"l": 10, "r": 10, "t": 8, "b": 44},
    }
    return go.Figure(bars, layout)
