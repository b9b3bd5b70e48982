"""What a search is, and where it is kept: `searches/<number>/search.json` in the data folder.

The driver alone writes the record; pages and the command line leave a wish beside it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator

from .atomic import write_text
from .errors import RequestError, StoreError, UnknownName
from .frozen import Record
from .home import home_option
from .records import KnobValue, Project, Recipe
from .results import Failure

BUDGET_LOW_S, BUDGET_HIGH_S, LOSS_HIGH = 30.0, 7 * 24 * 3600.0, 50.0
VerdictKind = Literal["beaten", "better", "tied", "within", "slower", "dense", "unknown", "none"]

RENAMED = {"random channels, same widths": "random choice, same widths"}
"""Controls that an older version kept under another name."""
ControlName = Annotated[str, AfterValidator(lambda name: RENAMED.get(name, name))]


class Goal(Record):
    """The fastest file that loses at most this, with this confidence."""

    max_loss: float
    """In points on validation: 1.0 = 0.01."""
    confidence: float = 0.95


class Trial(Record):
    """One proposal and the run that answers it; `shape` as in `search_space`."""

    run_id: int
    shape: dict[str, KnobValue]
    rung: int = 0
    """How long it was trained: place in the `rungs` of its data."""
    made: bool = True
    """Whether the search has queued it: what was queued before is not its own to cancel."""


class Control(Record):
    """A run that the answer has to beat, or why there is none."""

    name: ControlName
    recipe: Recipe | None = None
    run_id: int | None = None
    note: str = ""
    made: bool = True
    """As in `Trial`."""


class Verdict(Record):
    """How one control stands to the answer."""

    name: ControlName
    kind: VerdictKind
    """The answer beats it; it beats the answer; the two cannot be told apart; as fast, less accurate, within the goal;
    slower, but measurably more accurate; dense, better by more than the goal allows; not compared; none of its kind.
    """
    said: str = ""
    """Its numbers, or why it could not be compared."""


class Answer(Record):
    """What the search found, in numbers and in a sentence."""

    sentence: str
    run_id: int | None = None
    """The qualified run; None if none is."""
    nearest_id: int | None = None
    beaten: tuple[str, ...] = ()
    """Controls that are as fast as the answer and as good for the goal, or better."""
    verdicts: tuple[Verdict, ...] = ()
    """Of all its controls."""


class Search(Record):
    id: int
    base: Recipe  # of the dense baseline: data set, model, width
    project: Project
    goal: Goal
    budget_s: float
    spent_s: float = 0.0
    state: Literal["running", "paused", "done"] = "running"
    phase: Literal["explore", "control", "open", "done"] = "explore"
    seed: int = 0
    students: bool = True  # whether trained networks of other models are tried too
    trials: tuple[Trial, ...] = ()
    controls: tuple[Control, ...] = ()
    answer: Answer | None = None
    asked_profile: bool = False  # it asked for a profile first
    explored_s: float | None = None
    """What was spent when its controls began."""
    hurried: bool = False
    """Whether somebody ended the exploring: its controls keep to their share of the budget."""
    stopped: str = ""
    """Why exploring came to its end by itself."""
    controlled: int | None = None
    """The run whose controls they are: the answer, whatever comes in meanwhile."""
    forgiven: int = 0
    """So many trials were there when it was last extended: their failures count no more."""
    failure: Failure | None = None
    """Why it ended before its time."""
    created_at: float = 0.0
    ended_at: float | None = None

    @property
    def left_s(self) -> float:
        return max(self.budget_s - self.spent_s, 0.0)

    @property
    def doing(self) -> str:
        """Its phase in words."""
        if self.asked_profile and not self.trials and self.phase == "explore":
            return "measuring the profile"
        last = "opening the test set" if self.answer and self.answer.run_id else "ending"
        return {"explore": "exploring", "control": "running its controls", "open": last}.get(self.phase, self.phase)

    @property
    def run_ids(self) -> tuple[int, ...]:
        of_controls = (control.run_id for control in self.controls)
        return (*(trial.run_id for trial in self.trials), *(number for number in of_controls if number is not None))


class Wish(Record):
    """What a user asks of a search that is there."""

    state: Literal["", "running", "paused", "done"] = ""
    more_s: float = 0.0
    """To add to the budget; a search that has ended goes on."""

    def and_then(self, later: Wish) -> Wish:
        """Both, where the driver has not looked between them: all the time, and the later state."""
        keeps = self.state == "paused" and later.more_s > 0  # more time is no word against the pause
        return Wish(state=self.state if keeps else later.state or self.state, more_s=self.more_s + later.more_s)


def checked_goal(max_loss: float, confidence: float, budget_s: float) -> Goal:
    """`RequestError` says what is allowed."""
    for name, value, low, high, unit in (
        ("The largest loss", max_loss, 0.0, LOSS_HIGH, " points"),
        ("The confidence", confidence, 0.5, 0.999, ""),
        ("The budget", budget_s, BUDGET_LOW_S, BUDGET_HIGH_S, " seconds"),
    ):
        if not low <= value <= high:
            allowed = f"{low:g} to {high:g}{unit}"
            raise RequestError(f"{name} is out of range.", given=f"{value:g}{unit}", allowed=allowed)
    return Goal(max_loss=max_loss, confidence=confidence)


def create(home: Path, search: Search) -> Search:
    """Keep a new search under the next free number."""
    root = home / "searches"
    root.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(path.name) for path in root.iterdir() if path.name.isdigit()), default=0)
    while True:
        try:
            (root / str(number)).mkdir()
        except FileExistsError:
            number += 1
            continue
        made = search.with_(id=number)
        save(home, made)
        return made


def save(home: Path, search: Search) -> None:
    write_text(_folder(home, search.id) / "search.json", search.to_json())


def load(home: Path, number: int) -> Search:
    """`UnknownName` if there is none, `StoreError` if its record cannot be read."""
    try:
        return Search.from_json((_folder(home, number) / "search.json").read_bytes())
    except OSError:
        allowed = ", ".join(map(str, numbers(home))) or "none yet"
        remedy = f"Begin one: python -m optim search{home_option(home)} --dataset DATASET --model MODEL."
        raise UnknownName("There is no search of this number.", given=number, allowed=allowed, remedy=remedy) from None
    except ValueError:
        remedy = f"Put its record back, or delete the folder {_folder(home, number)}: its runs stay."
        raise StoreError("The record of this search is damaged.", given=f"search {number}", remedy=remedy) from None


def numbers(home: Path) -> list[int]:
    """Of all searches with a record, oldest first."""
    files = (home / "searches").glob("[0-9]*/search.json")
    return sorted(int(file.parent.name) for file in files if file.parent.name.isdecimal())


def all_searches(home: Path) -> list[Search]:
    """Newest first; `damaged` tells of those that cannot be read."""
    found = []
    for number in reversed(numbers(home)):
        with suppress(StoreError, UnknownName):
            found.append(load(home, number))
    return found


def damaged(home: Path) -> dict[int, str]:
    """What is wrong with the records that cannot be read, with the remedy; by number."""
    found = {}
    for number in numbers(home):
        try:
            load(home, number)
        except StoreError as error:
            found[number] = str(error)
        except UnknownName:
            continue
    return found


def wish(home: Path, number: int, wanted: Wish) -> None:
    """Ask; the driver answers within a second. `RequestError` for what cannot be asked of a search that has ended."""
    search = load(home, number)
    if search.state == "done" and wanted.more_s <= 0:
        told = f"search {number}, done" + (f": {search.answer.sentence}" if search.answer else "")
        again = f"python -m optim search{home_option(home)} --resume {number} --extend 10m"
        allowed = "searches that run or are paused"
        raise RequestError("This search has ended.", given=told, allowed=allowed, remedy=f"To explore on: {again}")
    if search.budget_s + wanted.more_s > BUDGET_HIGH_S:
        checked_goal(search.goal.max_loss, search.goal.confidence, search.budget_s + wanted.more_s)
    with suppress(OSError, ValueError):
        wanted = Wish.from_json((_folder(home, number) / "wish.json").read_bytes()).and_then(wanted)
    write_text(_folder(home, number) / "wish.json", wanted.to_json())


def has_wish(home: Path, number: int) -> bool:
    return (_folder(home, number) / "wish.json").is_file()


def take_wish(home: Path, number: int) -> Wish | None:
    """The wish that waits, taken away; `ValueError` if it cannot be read."""
    path = _folder(home, number) / "wish.json"
    try:
        text = path.read_bytes()
    except OSError:
        return None
    path.unlink(missing_ok=True)
    return Wish.from_json(text)


def _folder(home: Path, number: int) -> Path:
    return home / "searches" / str(int(number))
