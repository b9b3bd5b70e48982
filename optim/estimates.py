"""What Design says of a recipe before it is run, and how such estimates have turned out in the user's own runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from . import catalog, estimate, estimate_accuracy, model_knobs, recipes, search_controls, time_words, words
from .errors import RequestError
from .estimate_accuracy import Recovered
from .profiles import UNTIMED, Precision, Profile
from .records import Recipe, Run
from .results import Group, Interval

SCORED = ("prune-channels", "recalibrate", "fine-tune", "distill", "quantize-int8", "quantize-dynamic")
"""What a profile tells the score of; after any other technique nobody knows it."""
TRAINING = tuple(name for name, row in catalog.TECHNIQUES.items() if row.trains)


class Estimate(NamedTuple):
    """Of one recipe."""

    latency_ms: Interval
    accuracy: Interval | None
    """After the recipe's own training; None where the profile cannot tell."""
    untrained: Interval | None
    """Right after pruning; None where nothing is pruned."""
    precision: Precision
    dense_ms: float
    dense_accuracy: float
    metric: str = "accuracy"


class Outcome(NamedTuple):
    """One own run as it would have been estimated, and as it was measured."""

    run_id: int
    estimated_ms: Interval
    measured_ms: float
    estimated_accuracy: Interval | None
    accuracy: float

    @property
    def error(self) -> float:
        return self.estimated_ms.value / self.measured_ms - 1


def refused(recipe: Recipe) -> str:
    """Why there is no estimate for this recipe, as a sentence; empty if there is one."""
    used = {step.technique for step in recipe.steps}
    if named := [told for name, told in UNTIMED.items() if name in used]:
        return f"No estimate: the profile timed this model without {' and '.join(named)}. The run measures it."
    if other := model_knobs.quantized_otherwise(recipe):
        usual = catalog.quantizer(recipe.model).name
        return f"No estimate: the profile timed INT8 files of {usual}, not of {other}. The run measures it."
    return ""


def of_recipe(profile: Profile, recipe: Recipe, groups: Sequence[Group], runs: Sequence[Run] = ()) -> Estimate:
    """About how fast and how right this recipe's file will be. `groups`: the plan's; `runs`: own ones that are done.

    Raises `RequestError` where `refused` says why.
    """
    if why := refused(recipe):
        allowed = f"recipes without {', '.join(UNTIMED)}, in FP32 or with {catalog.quantizer(recipe.model).name}"
        raise RequestError(why, given=recipes.describe(recipe), allowed=allowed, remedy="Run it.")
    widths = {group.name: group.after for group in groups}
    precision: Precision = "int8" if recipes.precision(recipe) == "int8" else "fp32"
    pruned, known = widths != profile.sizes(), _scored(recipe) and _importance(recipe) in profile.importances
    untrained = estimate.accuracy(profile, widths, _importance(recipe)) if pruned and known else None
    return Estimate(
        estimate.latency_ms(profile, widths, precision),
        _accuracy(profile, recipe, widths, runs) if pruned or not _scored(recipe) else _dense(profile),
        untrained,
        precision,
        profile.dense_fp32_ms.value,
        profile.whole_accuracy.value,
        catalog.data_of(recipe).goodness.label,
    )


def _accuracy(profile: Profile, recipe: Recipe, widths: dict[str, int], runs: Sequence[Run]) -> Interval | None:
    if recipe.start == "scratch" or not _scored(recipe) or _importance(recipe) not in profile.importances:
        return None
    if not _trains(recipe):
        return _telling(profile, estimate.accuracy(profile, widths, _importance(recipe)))
    own = [Recovered(_widths(run), _measured(run), _items(run.recipe)) for run in fitting(profile, runs)
           if _trains(run.recipe) and run.recipe != recipe and _widths(run) != profile.sizes()]  # fmt: skip
    return _telling(
        profile, estimate_accuracy.recovered(profile, widths, own, _importance(recipe), items=_items(recipe))
    )


def _telling(profile: Profile, band: Interval | None) -> Interval | None:
    """The band, or None where it is so wide that it tells nothing."""
    return band if band is not None and estimate_accuracy.tells(profile, band) else None


def _dense(profile: Profile) -> Interval:
    share = profile.whole_accuracy
    return Interval(value=share.value, low=share.low, high=share.high)


def fitting(profile: Profile, runs: Sequence[Run]) -> list[Run]:
    """Done runs of the same model, started from the baseline and timed under the profile's fingerprint.

    Those with steps that the profile knows nothing of are left out.
    """
    same = (profile.dataset, profile.model, profile.width)
    found = []
    for run in runs:
        one = run.under(profile.fingerprint.id)
        recipe = run.recipe
        if one is None or one.result is None or one.latency is None or not one.latency.valid:
            continue
        alike = (recipe.dataset, recipe.model, recipe.width) == same and recipe.start == "baseline"
        if (
            alike
            and _scored(recipe)
            and not model_knobs.quantized_otherwise(recipe)
            and _widths(one).keys() == profile.sizes().keys()
        ):
            found.append(one)
    return found


def sentence(guess: Estimate) -> str:
    """The bands in words, and where training starts from."""
    time, right = guess.latency_ms, guess.accuracy
    band = f"{time_words.ms_alone(time.low)} to {time_words.ms(time.high)} (95 % band)"
    told = f"Estimates: {guess.precision.upper()} latency {band}"
    if right is not None:
        told += f", {guess.metric} {words.between(_percents(right))} %"
    else:
        told += f"; what is left of {guess.metric}, the profile cannot tell"
    if guess.untrained is not None and right != guess.untrained:
        told += f"; right after pruning, before any training, about {words.percent(guess.untrained.value, 0)}"
    return f"{told}. The run measures both."


def _percents(share: Interval) -> Interval:
    return Interval(value=100 * share.value, low=100 * share.low, high=100 * share.high)


def measured(profile: Profile, recipe: Recipe, runs: Sequence[Run]) -> Run | None:
    """The first of these runs that made exactly this recipe and was validly timed under the profile's fingerprint."""
    for run in runs:
        one = run.under(profile.fingerprint.id) if run.recipe == recipe else None
        if one is not None and one.result is not None and one.latency is not None and one.latency.valid:
            return one
    return None


def error_of(guess: Estimate, run: Run) -> str:
    """What was estimated against what this run measured, as sentences."""
    assert run.latency is not None
    time, found = guess.latency_ms, run.latency.p50_ms
    off = time.value / found - 1
    told = f"The estimate of latency was {_off(off, words.percent(abs(off)), _inside(time, found, '95 % band'))}"
    if guess.accuracy is not None:
        gap, where = guess.accuracy.value - _measured(run), _inside(guess.accuracy, _measured(run), "band")
        told += f"; that of {guess.metric} was {_off(gap, words.points(abs(gap)), where)}"
    return f"{told}."


def _off(error: float, told: str, where: str) -> str:
    return f"{told} too {'high' if error > 0 else 'low'}, {where}"


def _inside(band: Interval, found: float, name: str) -> str:
    return f"{'inside' if band.low <= found <= band.high else 'outside'} its {name}"


def outcomes(profile: Profile, runs: Sequence[Run]) -> tuple[Outcome, ...]:
    """Estimate against measurement of each fitting run; a run's own result takes no part in its estimate."""
    found = []
    for run in fitting(profile, runs):
        assert run.latency is not None and run.result is not None
        guess = of_recipe(profile, run.recipe, run.result.groups, [one for one in runs if one.id != run.id])
        found.append(Outcome(run.id, guess.latency_ms, run.latency.p50_ms, guess.accuracy, _measured(run)))
    return tuple(found)


def error_line(told: Sequence[Outcome]) -> str:
    """How far the estimates of own runs were off, as a sentence; empty without a run."""
    if not told:
        return ""
    off = float(np.median([abs(one.error) for one in told]))
    gaps = [abs(one.estimated_accuracy.value - one.accuracy) for one in told if one.estimated_accuracy]
    points = f", the score by {words.points(float(np.median(gaps)))}" if gaps else ""
    return (
        f"Of your {words.plural(len(told), 'measured run')} of this model, estimates of latency are typically off by "
        f"{words.percent(off)}{points}."
    )


def _importance(recipe: Recipe) -> str:
    pruned = next((step for step in recipe.steps if step.technique == "prune-channels"), None)
    return str(pruned.knobs.get("importance", "")) if pruned else ""


def _scored(recipe: Recipe) -> bool:
    return all(step.technique in SCORED for step in recipe.steps)


def _trains(recipe: Recipe) -> bool:
    return any(step.technique in TRAINING for step in recipe.steps)


def _items(recipe: Recipe) -> float:
    """Training items that it sees after pruning."""
    return search_controls.epochs(recipe) * catalog.data_of(recipe).sizes["train"]


def _widths(run: Run) -> dict[str, int]:
    return {group.name: group.after for group in run.result.groups} if run.result else {}


def _measured(run: Run) -> float:
    assert run.result is not None
    return run.result.file.score.validation.value
