"""What a search asks of the base model's profile, and that it asks for one where there is none."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from . import baselines, catalog, profile_jobs, profiles, search_sampler, search_space, search_starts, search_widths
from .errors import KnobError, RequestError
from .home import home_option
from .jobs import Target
from .plan import Anatomy, cost, prune_plan, strided
from .profiles import PRECISIONS, Profile, ProfileAsk
from .search_sampler import Space
from .search_space import Shape
from .search_starts import Start
from .search_widths import Found
from .searches import Search

WORTH_FROM_S = 300.0
"""A shorter search has no time for a profile."""
MOST_SHARE = 0.4
"""Of the budget; a profile that takes longer is stopped, and the search goes on without."""
BEFORE_STUDENTS = 2
"""So many steps of the ladder come before the students."""
STRIDE_POWER = 0.85
IMPORTANCES = profiles.IMPORTANCES


class Profiled:
    """The base model of one search: its anatomy, its speed where that was measured on this machine, its starts."""

    def __init__(self, home: Path, search: Search) -> None:
        base, ask = search.base, _ask(home, search)
        self.home, self.base, self.most, self.seed = home, base, search.goal.max_loss, search.seed
        self._others = search.students
        self.anatomy: Anatomy | None = baselines.anatomy(base.dataset, base.model, base.width, home)
        self.profile = profile_jobs.known(ask) if ask else None

    @cached_property
    def starts(self) -> dict[str, Start]:
        """By `MODEL:WIDTH`, the dense network first."""
        return {one.ref: one for one in search_starts.starts(self.home, self.base, self.most)}

    @cached_property
    def importances(self) -> tuple[str, ...]:
        """The methods that every group of every start was measured by; the usual two before an anatomy is known."""
        bodies = [one.anatomy for one in self.starts.values()] or ([self.anatomy] if self.anatomy else [])
        known = [m for m in IMPORTANCES if all(m in g.importance for body in bodies for g in body.groups)]
        return tuple(known) if bodies else IMPORTANCES[:2]

    @property
    def space(self) -> Space:
        """What may vary: with a profile a target of latency, and how it becomes widths; else shares of channels."""
        teachers = search_starts.teachers(self.home, self.base)
        common: Space = {"importance": self.importances, "teacher": teachers, **search_sampler.COMMON}
        if self.striding if self._timed else self._dense_strides:
            common = {"early": (True, False), **common}
        if not self._timed:
            return {**search_sampler.SHARES, **common}
        how = {"allocation": search_space.ALLOCATIONS, "latency_target": search_sampler.TARGETS}
        return {"start": tuple(self.starts) or (self.base.model_ref,), **how, **common}

    def first(self) -> list[Shape]:
        """What is tried before anything is known: a smaller start and the dense network in turn, and other models."""
        ladder = self._timed or search_sampler.first_shares(self._usual, strides=self._dense_strides)
        return [*ladder[:BEFORE_STUDENTS], *self._students, *ladder[BEFORE_STUDENTS:]]

    @cached_property
    def _students(self) -> list[Shape]:
        """Other models, as narrow as they are: nobody knows their time before it is measured."""
        found = search_starts.students(self.home, self.base, self.most) if self._others else ()
        return [{"start": one.ref, "widths": "", **self._usual} for one in found]

    @cached_property
    def striding(self) -> tuple[str, ...]:
        """The starts whose first convolution can take larger steps, where it is known what that makes of them."""
        bodies = {one.ref: one.anatomy for one in self.starts.values()}
        bodies = bodies or ({self.base.model_ref: self.anatomy} if self.anatomy else {})
        return tuple(ref for ref, body in bodies.items() if _can_stride(body))

    @property
    def _dense_strides(self) -> bool:
        """Where no time is known nothing but the dense network is cut down."""
        return self.base.model_ref in self.striding

    @cached_property
    def _usual(self) -> Shape:
        teacher = search_starts.usual_teacher(self.home, self.base)
        temperature, alpha = catalog.data_of(self.base).taught
        return {"importance": self.importances[0], "teacher": teacher, "temperature": temperature, "alpha": alpha}

    @cached_property
    def _timed(self) -> list[Shape]:
        """The first shapes with a target of latency; none where no profile says how, or widths hardly change time.

        An early stride goes with the dense network, whose filters know most, or with the best that can take it; else a
        smaller start comes first.
        """
        small, large = [*list(self.starts)[1:2], self.base.model_ref], list(self.striding[:1])
        wished: list[Shape] = []
        if self.striding:
            for early, target in search_sampler.LADDER:
                asked = {"early": early, "latency_target": target, "allocation": "sensitivity"}
                wished += [{**asked, "start": start, **self._usual} for start in (large if early else small)]
        else:
            for target, how in search_sampler.PLAIN_LADDER:
                asked = {"latency_target": target, "allocation": how}
                wished += [{**asked, "start": start, **self._usual} for start in small]
        return [shape for one in wished if (shape := self.shape(one)) is not None]

    def shape(self, wished: Shape) -> Shape | None:
        """A shape of the space with its widths; None where no widths keep its target."""
        if not search_space.is_timed(wished):
            return wished
        start = self.starts.get(str(wished["start"]))
        if self.profile is None or start is None or (wished.get("early") and start.ref not in self.striding):
            return None
        sizes, target = start.anatomy.sizes(), float(wished["latency_target"])
        if wished.get("early"):
            target /= stride_share(start.anatomy)
        if wished["allocation"] == "latency":
            knob = catalog.technique("prune-channels").knob("latency_target")
            within = knob.low <= target <= knob.high
            found = self._by_importance(start, {**wished, "latency_target": target}) if within else None
        elif wished["allocation"] == "uniform":
            found = search_widths.by_share(self.profile, sizes, target)
        else:
            found = search_widths.by_sensitivity(self.profile, sizes, target, str(wished["importance"]))
        if found is None:
            return None
        narrowed = {name: width for name, width in found.widths.items() if width < sizes[name]}
        if not narrowed and start.ref == self.base.model_ref and not wished.get("early"):
            return None
        widths = "+".join(f"{name}:{width}" for name, width in narrowed.items())
        return {**wished, "widths": widths, "precision": found.precision}

    def _by_importance(self, start: Start, wished: Shape) -> Found | None:
        """In the precision in which a network within the target loses less importance."""
        assert self.profile is not None
        knobs, made = search_space.pruning({n: v for n, v in wished.items() if n != "widths"}).knobs, []
        for precision in PRECISIONS:
            speed = search_widths.speed(self.profile, precision, start.anatomy.sizes())
            try:
                plan = prune_plan(start.anatomy, knobs, self.seed, speed)
            except KnobError:
                continue
            made.append(Found(plan.widths, precision, sum(gain.lost for gain in plan.bought.values())))
        return min(made, key=lambda one: one.lost) if made else None


def _can_stride(body: Anatomy) -> bool:
    return bool(body.layers) and all(layer.strided_positions for layer in body.layers)


def unstrided(home: Path, search: Search) -> str:
    """Of which starts it is not known what an early stride makes, and the remedy; empty where it is known of all.

    All models of images begin with a convolution over pixels; a baseline of an earlier version does not tell.
    """
    base = search.base
    if catalog.data_of(base).kind != "image":
        return ""
    found = [one for one in search_starts.starts(home, base, search.goal.max_loss) if not _can_stride(one.anatomy)]
    if not found:
        return ""
    first = found[0].anatomy
    where = f"--dataset {first.dataset} --model {first.model} --width {first.width:g}"
    return (
        f"No early stride is tried from {' and '.join(one.ref for one in found)}: what it makes of this network was "
        f"not measured yet. Measure it once: python -m optim baseline{home_option(home)} {where} --refresh"
    )


def stride_share(body: Anatomy) -> float:
    """About the share of its time that a network with an early stride takes: its arithmetic, to a power that was seen.

    ResNet-8 at 2.0 has 26 % of the arithmetic left and took 31 % of the time in FP32, 37 to 43 % in INT8.
    """
    return (cost(strided(body), {})[1] / cost(body, {})[1]) ** STRIDE_POWER


def _ask(home: Path, search: Search) -> ProfileAsk | None:
    base, there = search.base, search.project
    try:
        return profile_jobs.request(
            home, base.dataset, base.model, base.width, Target(there.device, there.threads, there.batch)
        )
    except RequestError:
        return None


def _is_whole(found: Profile | None, ask: ProfileAsk) -> bool:
    """Its times are kept before its sensitivity is measured."""
    return found is not None and ask.importance in found.importances


def is_awaited(home: Path, search: Search) -> bool:
    """Whether the search waits for a profile: it begins by asking for one, and stops its own when it takes too long.

    One that a person has asked for goes on, and the search without it.
    """
    ask = None if search.trials or search.budget_s < WORTH_FROM_S else _ask(home, search)
    if ask is None or _is_whole(profile_jobs.known(ask), ask):
        return False
    standing, late = profile_jobs.find(ask), search.spent_s > MOST_SHARE * search.budget_s
    if standing is None and not search.asked_profile and not late:
        profile_jobs.submit(ask.with_(search_id=search.id), start_driver=False)
        return True
    if standing is None or standing.state == "failed":
        return False
    if late and standing.ask.search_id == search.id:
        profile_jobs.cancel(ask)
    return not late
