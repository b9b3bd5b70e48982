"""Every error the engine raises on purpose, and how it speaks.

    ParetoscopeError
    ├── RequestError          the request cannot be served as asked        exit code 2
    │   ├── UnknownName       no such technique, model, data set, run ...
    │   ├── KnobError         a knob's value is outside what is allowed
    │   └── RecipeError       the steps do not fit together
    ├── RunError              the run was accepted and then failed         exit code 1
    │   ├── TrainingFailed    the loss is not finite, or the network learned nothing (accuracy at chance)
    │   ├── GateFailed        the exported file did not pass its checks
    │   ├── WorkerLost        the process that ran it went away
    │   └── Cancelled         the user stopped it
    ├── StoreError            the data folder cannot be used
    └── DriverError           the driver cannot be started or reached

Each carries what happened, what was given, what is allowed and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ParetoscopeError(Exception):
    """Base of the tree. `what` is a sentence; the other parts are optional and drawn after it.

    `cure` is not drawn: it names a change of the recipe in `cures.py` that a page can offer as a button.
    """

    exit_code = 1

    def __init__(self, what: str, *, given: object = None, allowed: str = "", remedy: str = "", cure: str = "") -> None:
        super().__init__(what)
        self.what, self.given, self.allowed, self.remedy, self.cure = what, given, allowed, remedy, cure

    def __str__(self) -> str:
        parts = [self.what]
        if self.given is not None:
            parts.append(f"Given: {str(self.given).removesuffix('.')}.")
        if self.allowed:
            parts.append(f"Allowed: {self.allowed}.")
        if self.remedy:
            parts.append(self.remedy)
        return " ".join(parts)

    def __reduce__(self) -> tuple:
        """Survive pickling between worker and driver with all its parts."""
        return (_rebuild, (type(self), self.what, self.given, self.allowed, self.remedy, self.cure))


def _rebuild(
    kind: type[ParetoscopeError], what: str, given: object, allowed: str, remedy: str, cure: str
) -> ParetoscopeError:
    return kind(what, given=given, allowed=allowed, remedy=remedy, cure=cure)


class RequestError(ParetoscopeError):
    exit_code = 2


class UnknownName(RequestError):
    """Say which names exist, and the nearest one.

    >>> print(UnknownName.of("technique", "prune", ["prune-channels", "distill"]))
    There is no technique of this name. Given: prune. Allowed: prune-channels, distill. Did you mean prune-channels?
    """

    @classmethod
    def of(cls, noun: str, given: object, allowed: Iterable[str]) -> UnknownName:
        names = [str(name) for name in allowed]
        near = get_close_matches(str(given), names, n=1, cutoff=0.4)
        return cls(
            f"There is no {noun} of this name.",
            given=given,
            allowed=", ".join(names) or "none yet",
            remedy=f"Did you mean {near[0]}?" if near else "",
        )


class KnobError(RequestError):
    pass


class RecipeError(RequestError):
    pass


class RunError(ParetoscopeError):
    pass


class TrainingFailed(RunError):
    pass


class GateFailed(RunError):
    pass


class WorkerLost(RunError):
    pass


class Cancelled(RunError):
    pass


class StoreError(ParetoscopeError):
    pass


class DriverError(ParetoscopeError):
    pass
