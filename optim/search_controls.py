"""What the answer of a search has to beat: the same effort without the idea. Nobody may switch them off."""

from __future__ import annotations

from collections.abc import Iterable

from . import catalog, plan, recipes
from .plan import Anatomy, Plan
from .records import KnobValue, Recipe, Run, State, Step
from .searches import Control, Search

DENSE, RANDOM, UNIFORM, SCRATCH, ALONE = (
    "dense, trained as long",
    "random choice, same widths",
    "same share in every layer",
    "same network from scratch",
    "without a teacher",
)
SHARE = 0.3
"""Of the budget: exploring leaves so much."""
UNTRAINED = "the answer is not trained"
SAME_SHARE = "the answer itself takes the same share everywhere"
TRAINING = ("epochs", "learning_rate", "weight_decay", "label_smoothing", "augment", "patience")


def room_s(search: Search) -> float:
    """Seconds that are left for them: all, but no more than their share where somebody ended the exploring."""
    if not search.hurried or search.explored_s is None:
        return search.left_s
    return min(search.left_s, search.explored_s + SHARE * search.budget_s - search.spent_s)


def controls_of(base: Recipe, best: Run | None, anatomy: Anatomy | None) -> tuple[Control, ...]:
    """The controls of this run: a recipe each, or why there is none."""
    if best is None:
        return ()
    made = {
        ALONE: _with(best.recipe, training=_alone),
        RANDOM: _random(base, best),
        UNIFORM: _uniform(base, best, anatomy),
        SCRATCH: _scratch(best),
        DENSE: _dense(base, best),
    }
    return tuple(_control(name, found, best) for name, found in made.items())


def _control(name: str, found: Recipe | str, best: Run) -> Control:
    if isinstance(found, str):
        return Control(name=name, note=found)
    recipe = recipes.complete(found)
    if recipe.id == best.recipe.id:
        return Control(name=name, note="the answer is this control itself")
    return Control(name=name, recipe=recipe)


def adopted(controls: Iterable[Control], there: Iterable[Run]) -> tuple[Control, ...]:
    """Where an equal run is done already, it is the control, and costs nothing."""
    done = {run.recipe.id: run.id for run in there if run.state is State.DONE}
    return tuple(
        c.with_(run_id=done[c.recipe.id], made=False) if c.recipe is not None and c.recipe.id in done else c
        for c in controls
    )


def epochs(recipe: Recipe) -> int:
    """Of all its steps."""
    return sum(int(step.knobs.get("epochs", 0)) for step in recipe.steps)


def _trains(step: Step) -> bool:
    return "epochs" in step.knobs


def _dense(base: Recipe, best: Run) -> Recipe | str:
    trained = tuple(_alone(step) for step in best.recipe.steps if _trains(step))
    return base.with_(steps=trained) if trained else UNTRAINED


def _narrows(best: Run) -> bool:
    """What it was made from does not count: a smaller start is narrow as it is."""
    return best.result is not None and any(group.after < group.before for group in best.result.groups)


def _random(base: Recipe, best: Run) -> Recipe | str:
    if best.recipe.model != base.model:
        return "the answer is another model, whose layers the dense network does not have"
    if best.recipe.model_ref == base.model_ref and not _narrows(best):
        return "the answer narrows no layer"
    return _from_dense(base, best, {"allocation": "manual", "widths": _widths(best), "importance": "random"})


def _alone(step: Step) -> Step:
    knobs = {name: value for name, value in step.knobs.items() if name in TRAINING}
    return Step(technique="fine-tune", knobs=knobs)


def _with(recipe: Recipe, training) -> Recipe | str:  # noqa: ANN001
    if not any(step.technique == "distill" for step in recipe.steps):
        return "the answer has no teacher itself"
    return recipe.with_(steps=tuple(training(s) if s.technique == "distill" else s for s in recipe.steps))


def _from_dense(base: Recipe, best: Run, knobs: dict[str, KnobValue]) -> Recipe:
    """The dense network pruned in this way, then whatever the answer went through."""
    rest = [step for step in best.recipe.steps if step.technique not in ("prune-channels", "early-stride")]
    pruned = Step(technique="prune-channels", knobs=knobs)
    return base.with_(steps=(*_strides(best), pruned, *rest), seed=best.recipe.seed)


def _strides(best: Run) -> list[Step]:
    return [step for step in best.recipe.steps if step.technique == "early-stride"]


def _uniform(base: Recipe, best: Run, anatomy: Anatomy | None) -> Recipe | str:
    """The share that leaves as much arithmetic as the answer has."""
    step = next((step for step in best.recipe.steps if step.technique == "prune-channels"), None)
    if step is not None and step.knobs["allocation"] == "uniform":
        return SAME_SHARE
    if best.recipe.model_ref == base.model_ref and not _narrows(best):
        return "the answer narrows no layer"
    if anatomy is None or best.result is None:
        return "the layers of this model are not known here"
    body = plan.after(anatomy, _strides(best))
    share = _share_of(body, best.result.file.macs, best.recipe.seed)
    if best.recipe.model_ref == base.model_ref and _by_share(body, share, best.recipe.seed).widths == _left(best):
        return SAME_SHARE
    importance = step.knobs["importance"] if step is not None else "l2"
    return _from_dense(base, best, {"allocation": "uniform", "sparsity": share, "importance": importance})


def _share_of(anatomy: Anatomy, macs: int, seed: int) -> float:
    def distance(percent: int) -> float:
        return abs(_by_share(anatomy, percent / 100, seed).macs - macs)

    most = int(100 * (1 - 0.5 / min(group.size for group in anatomy.groups)))
    return min(range(min(most, 95)), key=distance) / 100


def _by_share(anatomy: Anatomy, share: float, seed: int) -> Plan:
    step = recipes.complete_step(Step(technique="prune-channels", knobs={"sparsity": share}))
    return plan.prune_plan(anatomy, step.knobs, seed)


def _left(best: Run) -> dict[str, int]:
    return {group.name: group.after for group in best.result.groups} if best.result else {}


def _scratch(best: Run) -> Recipe | str:
    if best.recipe.start == "scratch":
        return "the answer is trained from scratch itself"
    if not epochs(best.recipe):
        return UNTRAINED
    pruned = [
        Step(technique=step.technique, knobs={"allocation": "manual", "widths": _widths(best)})
        for step in best.recipe.steps if step.technique == "prune-channels"
    ]  # fmt: skip
    file = [step for step in best.recipe.steps if catalog.technique(step.technique).stage == "file"]
    last = next(step for step in reversed(best.recipe.steps) if _trains(step))
    own = {name: value for name, value in _alone(last).knobs.items() if name != "learning_rate"}  # from scratch: higher
    train = Step(technique="fine-tune", knobs={**own, "epochs": epochs(best.recipe)})
    return best.recipe.with_(start="scratch", steps=(*_strides(best), *pruned, train, *file))


def _widths(best: Run) -> str:
    return "+".join(f"{name}:{width}" for name, width in _left(best).items())
