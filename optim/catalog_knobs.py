"""Knobs: what one setting is called, allows and stands at, and how a value from outside is checked against it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from .errors import KnobError, UnknownName
from .records import KnobValue

WIDTH_LOW, WIDTH_HIGH = 0.25, 4.0
STEM_CHANNELS = 16
"""Channels of the first stage at width 1.0."""

WIDTHS_FORM = "GROUP:WIDTH joined by +, such as stage1:8+stage2.block1:16"
_ONE_WIDTH = re.compile(r"([A-Za-z][A-Za-z0-9_.]{0,63}):([0-9]{1,5})")
WIDTHS_HIGH = 64
"""Most groups that one text may name."""

RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Knob:
    """One setting of a technique: its widget, its option, its range and its default."""

    name: str
    kind: Literal["float", "int", "choice", "flag", "teacher", "widths"]
    default: KnobValue
    label: str
    help: str
    low: float = -math.inf
    high: float = math.inf
    step: float = 1.0
    choices: tuple[str, ...] = ()
    """What can be chosen; of a teacher: the models whose baselines can teach."""
    unit: str = ""
    advanced: bool = False
    only: tuple[str, ...] = ()
    """Another knob's name and the choices of it under which this one means something; empty: always."""

    kinds: tuple[str, ...] = ()
    """The kinds of data for which this one means something; empty: all."""
    own: str = ""
    """What of the model's row the default stands for, as a complete recipe names it; empty: the default is itself."""

    def check(self, value: object) -> KnobValue:
        """The value in its own type, or `KnobError` saying what is allowed.

        >>> Knob("epochs", "int", 3, "Epochs", "", low=1, high=100).check("5")
        5
        """
        if self.kind == "flag":
            return self._flag(value)
        if self.kind == "choice":
            return self._choice(value)
        if self.kind == "teacher":
            return "dense" if value == "dense" else self._teacher(value)
        if self.kind == "widths":
            return self._widths(value)
        return self._number(value)

    @property
    def allowed(self) -> str:
        """The range in words."""
        if self.kind == "flag":
            return "true or false"
        if self.kind == "choice":
            return ", ".join(self.choices)
        if self.kind == "teacher":
            return f"dense, or MODEL:WIDTH with MODEL one of {', '.join(self.choices)}"
        if self.kind == "widths":
            return f"{WIDTHS_FORM}, or nothing"
        noun = "a whole number" if self.kind == "int" else "a number"
        return f"{noun} from {self.low:g} to {self.high:g}"

    def _teacher(self, value: object) -> str:
        if str(value).partition(":")[0] not in self.choices:
            raise UnknownName.of("teacher", value, ("dense", *(f"{model}:WIDTH" for model in self.choices)))
        return check_ref(value, self.choices)

    def _flag(self, value: object) -> bool:
        words = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
        found = words.get(str(value).lower())
        if found is None:
            raise self._refusal(value)
        return found

    def _choice(self, value: object) -> str:
        if str(value) not in self.choices:
            raise self._refusal(value)
        return str(value)

    def _widths(self, value: object) -> str:
        if not isinstance(value, str):
            raise self._refusal(value)
        return join_widths(parse_widths(value))

    def _number(self, value: object) -> float | int:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self._refusal(value)
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise self._refusal(value) from None
        whole = self.kind == "int"
        if not math.isfinite(number) or not self.low <= number <= self.high or (whole and number != int(number)):
            raise self._refusal(value)
        return int(number) if whole else number

    def _refusal(self, value: object) -> KnobError:
        return KnobError(f"{self.name} cannot take this value.", given=value, allowed=self.allowed)


def lookup(noun: str, name: object, rows: Mapping[str, RowT]) -> RowT:
    """The row of this name, or `UnknownName`."""
    if not isinstance(name, str) or name not in rows:
        raise UnknownName.of(noun, name, rows)
    return rows[name]


def check_width(value: object) -> float:
    """A width multiplier, rounded to a whole number of first-stage channels, or `KnobError`.

    >>> check_width("2")
    2.0
    """
    knob = Knob("width", "float", 1.0, "Width", "", low=WIDTH_LOW, high=WIDTH_HIGH, step=0.25)
    return round(float(knob.check(value)) * STEM_CHANNELS) / STEM_CHANNELS


def width_notice(value: object) -> str:
    """That another width is taken than was asked for; empty for one that is taken as it is, or refused.

    >>> width_notice(3.3), width_notice(2.0), width_notice(9)
    ('Width 3.3 is taken as 3.3125: widths go in steps of 1/16.', '', '')
    """
    try:
        taken = check_width(value)
    except KnobError:
        return ""
    same = taken == float(str(value))
    return "" if same else f"Width {value} is taken as {taken:g}: widths go in steps of 1/{STEM_CHANNELS}."


def check_ref(value: object, models: Collection[str]) -> str:
    """`MODEL:WIDTH` in canonical form, or an error that says what is allowed.

    >>> check_ref("resnet8:2.0", ["resnet8"])
    'resnet8:2'
    """
    name, _, width = str(value).partition(":")
    if name not in models:
        raise UnknownName.of("model", name, models)
    return f"{name}:{check_width(width or 1.0):g}"


def parse_widths(text: str) -> dict[str, int]:
    """Channels by the name of their group, sorted by name; `KnobError` for another form or a group named twice.

    >>> parse_widths("stage2:16+stage1:8")
    {'stage1': 8, 'stage2': 16}
    """
    found = [_ONE_WIDTH.fullmatch(part.strip()) for part in text.split("+")] if text.strip() else []
    named = {match[1]: int(match[2]) for match in found if match}
    if len(named) < len(found) or len(found) > WIDTHS_HIGH:
        raise KnobError(
            "These are not widths of layer groups.",
            given=text if len(text) <= 80 else f"{text[:80]}...",
            allowed=f"{WIDTHS_FORM}; each group once",
        )
    return dict(sorted(named.items()))


def join_widths(widths: Mapping[str, int]) -> str:
    """The text that `parse_widths` reads, in its canonical form.

    >>> join_widths({"stage2": 16, "stage1": 8})
    'stage1:8+stage2:16'
    """
    return "+".join(f"{name}:{width}" for name, width in sorted(widths.items()))
