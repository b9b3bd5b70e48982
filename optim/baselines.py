"""Where the trained dense baselines lie: the user's own first, then the shipped ones. Light: no torch here."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from .catalog_models import MODELS
from .errors import RequestError, StoreError
from .plan import Anatomy

SHIPPED = Path(__file__).parents[1] / "assets" / "baselines"


def own_folder(dataset: str, model: str, width: float, home: Path) -> Path:
    """Where a baseline trained here is kept."""
    return home / "baselines" / dataset / f"{model}-{width:g}"


def refuse_foreign(target: Path) -> None:
    """Writing a baseline replaces its folder as a whole: `RequestError` if something else is kept there."""
    if target.is_dir() and any(target.iterdir()) and not (target / "card.json").is_file():
        raise RequestError(
            "The folder holds other files, and writing a baseline would delete them.",
            given=target,
            allowed="a new folder, an empty one, or one that holds a baseline",
            remedy="Name a folder that is not there yet.",
        )


def folder(dataset: str, model: str, width: float, home: Path) -> Path | None:
    """The folder of this baseline, or None if it must be trained first."""
    name = f"{model}-{width:g}"
    for candidate in (own_folder(dataset, model, width, home), SHIPPED / dataset / name):
        if (candidate / "card.json").is_file():
            return candidate
    return None


def widths(dataset: str, model: str, home: Path) -> set[float]:
    """The widths at which a baseline of this model lies ready, trained here or shipped."""
    found = set()
    for place in (own_folder(dataset, model, 1.0, home).parent, SHIPPED / dataset):
        for card in place.glob(f"{model}-*/card.json"):
            try:
                found.add(float(card.parent.name.removeprefix(f"{model}-")))
            except ValueError:  # of `lstm-2-1`, another model's
                continue
    return {width for width in found if folder(dataset, model, width, home)}


def anatomy(dataset: str, model: str, width: float, home: Path) -> Anatomy | None:
    """Groups, layers and importances of the baseline, or None if it must be trained first."""
    found = folder(dataset, model, width, home)
    if found is None:
        return None
    try:
        return _anatomy(found / "anatomy.json", (found / "anatomy.json").stat().st_mtime_ns)
    except (OSError, ValueError):
        raise damaged(found, "anatomy.json") from None


@lru_cache(maxsize=32)
def _anatomy(file: Path, changed: int) -> Anatomy:
    """Read once per version of the file: sliders ask for it at every move."""
    return Anatomy.from_json(file.read_bytes())


def digest(dataset: str, model: str, width: float, home: Path) -> str:
    """SHA-256 of the baseline's weights; empty if it must be trained first."""
    found = folder(dataset, model, width, home)
    weights = found / "weights.safetensors" if found else None
    return _digest(weights, weights.stat().st_mtime_ns) if weights and weights.is_file() else ""


@lru_cache(maxsize=32)
def _digest(weights: Path, changed: int) -> str:
    return hashlib.sha256(weights.read_bytes()).hexdigest()


def samples(dataset: str, model: str, width: float, home: Path) -> dict[str, Any] | None:
    """One validation image of each class with the baseline's logits: `images`, `shape`, `labels`, `logits`."""
    return _read(dataset, model, width, home, "samples.json")


def card(dataset: str, model: str, width: float, home: Path) -> dict[str, Any] | None:
    """Score, size and the command that made it."""
    return _read(dataset, model, width, home, "card.json")


def _read(dataset: str, model: str, width: float, home: Path, name: str) -> dict[str, Any] | None:
    found = folder(dataset, model, width, home)
    if found is None:
        return None
    try:
        return json.loads((found / name).read_text())
    except (OSError, ValueError):
        raise damaged(found, name) from None


def usual_s(dataset: str, model: str) -> tuple[float, float] | None:
    """Shortest and longest training in seconds of the shipped baselines on this data: of models that are built alike
    where there are any, else of all; None where none is shipped.
    """
    cards = [json.loads(file.read_text("utf-8")) for file in sorted((SHIPPED / dataset).glob("*/card.json"))]
    alike = [card for card in cards if _family(card["model"]) == _family(model)]
    took = [float(card["seconds"]) for card in alike or cards]
    return (min(took), max(took)) if took else None


def _family(model: str) -> str:
    return MODELS[model].function.partition(":")[0] if model in MODELS else ""


def damaged(found: Path, name: str) -> StoreError:
    """What to say of a baseline that cannot be used as it lies there."""
    shipped = SHIPPED in found.parents
    remedy = "Fetch the project's files again: git checkout assets." if shipped else f"Delete the folder {found}: "
    return StoreError(
        "A file of the dense baseline is missing or damaged.",
        given=found / name,
        remedy=remedy if shipped else f"{remedy}the baseline is then trained again.",
    )
