"""A search's choices in an invented world, without runs: how fast each shape is, and what longer training leaves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optim import catalog, search_controls, search_moves, search_rules, search_sampler, search_space
from optim.records import Project, Recipe
from optim.search_rules import Tried
from optim.search_space import Shape
from optim.searches import Goal, Search, Trial

RUNGS = catalog.dataset("fashion-mnist").rungs

BASE = Recipe(dataset="fashion-mnist", model="resnet8", width=2.0)
EARLY_S, PLAIN_S, OVERHEAD_S = 2.2, 8.0, 6.0
"""An epoch of a shape with an early stride, of a plain one; what a run takes beside its training."""
BOUND = 0.6
"""Points between a loss and its bound."""
PROFILE_S = 90.0
USUAL = {"start": BASE.model_ref, "allocation": "sensitivity", "importance": "l2", "teacher": "dense"}
TAUGHT = {"temperature": 4.0, "alpha": 0.9}


class World:
    """What is true of each shape; `left` are the shares of the loss after 15 epochs, at the least and at the most."""

    def __init__(self, seed: int, left: tuple[float, float] = (0.1, 0.7)) -> None:
        self.seed, self.left = seed, left

    def ratio(self, shape: Shape) -> float:
        return (1.15 if shape["early"] else 0.95) / float(shape["latency_target"])

    def loss(self, shape: Shape, rung: int) -> float:
        """The first look loses 1.4 points at about 11x with an early stride, at about 5x without."""
        random = np.random.default_rng([self.seed, *search_space.substance(shape).encode()])
        first = 1.4 * (self.ratio(shape) / (11.0 if shape["early"] else 5.0)) ** 1.2 * random.uniform(0.85, 1.15)
        return first * (1.0, share := random.uniform(*self.left), share / 2)[rung]

    def seconds(self, shape: Shape, rung: int) -> float:
        return RUNGS[rung] * (EARLY_S if shape["early"] else PLAIN_S)

    # -- in place of `Profiled` --

    space = {
        "early": (True, False),
        "latency_target": search_sampler.TARGETS,
        **{name: (value,) for name, value in USUAL.items()},
        **search_sampler.COMMON,
    }

    def first(self) -> list[Shape]:
        named = {**USUAL, **TAUGHT}
        return [self.shape({**named, "early": e, "latency_target": t}) for e, t in search_sampler.LADDER]

    def shape(self, wished: Shape) -> Shape:
        return {**wished, "widths": f"{wished['early']} {wished['latency_target']}", "precision": "int8"}


class Known:
    """In place of `Knowledge`: every run is timed and scored at once."""

    items = 4000

    def __init__(self, world: World) -> None:
        self.world, self.trials = world, []

    @property
    def tried(self) -> list[Tried]:
        rungs: dict[str, list[Trial]] = {}
        for trial in self.trials:
            rungs.setdefault(search_space.key(trial.shape), []).append(trial)
        return [self._tried(many) for many in rungs.values()]

    def _tried(self, many: list[Trial]) -> Tried:
        shape, last = many[0].shape, max(trial.rung for trial in many)
        losses = tuple(self.world.loss(shape, rung) for rung in sorted({trial.rung for trial in many}))
        return Tried(shape, last, losses[-1], losses[-1] + BOUND, self.world.ratio(shape), losses)

    def attempted(self, shape: Shape, rung: int) -> bool:
        return any(trial.shape == shape and trial.rung == rung for trial in self.trials)

    def paces(self) -> dict[str, list[tuple[int, float]]]:
        found: dict[str, list[tuple[int, float]]] = {}
        for one in self.trials:
            pair = (RUNGS[one.rung], self.world.seconds(one.shape, one.rung))
            found.setdefault(search_space.key(one.shape), []).append(pair)
        return found

    def overhead_s(self) -> float:
        return OVERHEAD_S

    def untimed_precision(self) -> None:
        return None

    def faster_precision(self, shape: Shape) -> None:
        return None


class Outcome(NamedTuple):
    """What a search came to."""

    best: float
    """Ratio of the fastest that qualifies; 1 where none does."""
    asked: tuple[tuple[float, int, float], ...]
    """Ratio, rung, and the best that qualified until then."""
    spent_s: float
    first_looks: tuple[tuple[str, float, float], ...]
    """Network, ratio, and the best that qualified until then, of each shape that was new."""


def search(world: World, budget_s: float = 600.0) -> Outcome:
    """Explore as the driver does, until nothing more fits."""
    project = Project(id=1, dataset="fashion-mnist", reference="resnet8:2")
    known = Known(world)
    asked, looks, spent, best = [], [], PROFILE_S, 1.0
    record = Search(id=1, base=BASE, project=project, goal=Goal(max_loss=1.0), budget_s=budget_s, seed=world.seed)
    while True:
        now = record.with_(spent_s=spent)
        room_s = now.left_s - search_controls.SHARE * budget_s
        move = next((one for one in search_moves.moves(now, known, world) if one.cost_s <= room_s), None)
        if move is None:
            return Outcome(best, tuple(asked), spent, tuple(looks))
        known.trials.append(Trial(run_id=len(known.trials) + 1, shape=dict(move.shape), rung=move.rung))
        spent += world.seconds(move.shape, move.rung) + OVERHEAD_S
        asked.append((world.ratio(move.shape), move.rung, best))
        if move.rung == 0:
            looks.append((search_space.network(move.shape), world.ratio(move.shape), best))
        found = search_rules.best_of(known.tried, 1.0)
        best = max(best, found.ratio) if found else best
