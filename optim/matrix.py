"""Which technique can be used on which model: the table that the documents hold. Light."""

from __future__ import annotations

from .catalog import DATASETS, MODELS, TECHNIQUES


def works(technique: str, model: str) -> bool:
    """Whether the technique takes this model on data of its kind; else a recipe with it is refused in words."""
    return any(TECHNIQUES[technique].applies(kind, model) for kind in MODELS[model].dataset_kinds)


def markdown() -> str:
    """A row per technique, a column per kind of model; models of a kind that differ are named one by one."""
    columns = _columns()
    head = ["Technique", *columns]
    rows = [[name, *(_cell(name, models) for models in columns.values())] for name in TECHNIQUES]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _columns() -> dict[str, list[str]]:
    """By the models' names, joined: those that every technique treats alike, in the order of the catalogue."""
    kinds = dict.fromkeys(row.kind for row in DATASETS.values())
    alike: dict[tuple, list[str]] = {}
    for kind in kinds:
        for model in (row for row in MODELS.values() if kind in row.dataset_kinds):
            key = (kind, *(works(name, model.name) for name in TECHNIQUES))
            alike.setdefault(key, []).append(model.name)
    return {", ".join(models): models for models in alike.values()}


def _cell(technique: str, models: list[str]) -> str:
    return "works" if works(technique, models[0]) else "refuses"
