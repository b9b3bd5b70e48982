"""A small text data set and a small recommendation data set with models that learn them in a second. For tests only.

Text: a word of the letters of one of three alphabets that overlap. Recommendation: users of two tastes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from optim import catalog
from optim.catalog import Dataset, Model
from optim.context import Context
from optim.data.splits import Split, Splits
from optim.models.network import CLASSES, Network, Widths

LETTERS = Dataset(
    name="letters", label="Letters", function="tests.small_kinds:letters", kind="text", metric="accuracy",
    classes=("low", "middle", "high"), shape=(6,), dtype="int64", items=("word", "words"), tokens=14,
    alphabet="abcdefghijkl",
    sizes={"train": 300, "validation": 120, "test": 120}, epochs=8, help="Words of three alphabets.",
)  # fmt: skip
TASTES = Dataset(
    name="tastes", label="Tastes", function="tests.small_kinds:tastes", kind="recommendation", metric="ndcg@10",
    further=("recall@10",), classes=tuple(f"film {number}" for number in range(40)), shape=(7,), dtype="int64",
    items=("user", "users"), tokens=41, sizes={"train": 120, "validation": 120, "test": 120}, epochs=20,
    help="Users of two tastes.",
)  # fmt: skip
BAG = Model("bag", "Bag", "tests.small_kinds:build", "Mean of embeddings, then one linear layer.",
            ("text", "recommendation"), "adamw", 3e-3, 1e-3)  # fmt: skip


def letters() -> Splits:
    dice = np.random.RandomState(0)

    def split(count: int) -> Split:
        labels = dice.randint(0, 3, count)
        words = 2 + 3 * labels[:, None] + dice.randint(0, 6, (count, 6))
        lengths = dice.randint(2, 7, count)
        return Split(np.where(np.arange(6) < lengths[:, None], words, 0).astype(np.int64), labels.astype(np.int64))

    return Splits(split(300), split(120), split(120), mirrored=False)


def tastes() -> Splits:
    """The first half of the users likes the first half of the items, two of nine chosen ones held out, three more."""
    dice = np.random.RandomState(0)
    masks = np.zeros((3, 120, 40), bool)
    history = np.zeros((120, 6), np.int64)
    for user in range(120):
        liked = dice.permutation(20)[:12] + 20 * (user >= 60)
        for mask, items in zip(masks, np.split(liked, [7, 9]), strict=True):
            mask[user, items] = True
        history[user] = liked[1:7] + 1
    inputs = np.concatenate([np.arange(120)[:, None], history], axis=1)
    train, validation, test = (Split(inputs, mask) for mask in masks)
    return Splits(train, validation, test, mirrored=False, seen={"validation": masks[0], "test": masks[0] | masks[1]})


class Bag(Network):
    def __init__(self, widths: Widths, tokens: int, first: int) -> None:
        super().__init__(lambda other: Bag(other, tokens, first), widths, {"embedding": "embedding"})
        self.first, self.embedding = first, nn.Embedding(tokens, widths["embedding"])
        self.linear = nn.Linear(widths["embedding"], widths[CLASSES])

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, self.first :]
        there = (x > 0).unsqueeze(-1).float()
        return self.linear((self.embedding(x) * there).sum(1) / there.sum(1).clamp(min=1))


def build(width: float, row: Dataset) -> Bag:
    return Bag({"embedding": round(16 * width), CLASSES: len(row.classes)}, row.tokens, int(row.kind != "text"))


def on_the_menu(monkeypatch) -> None:
    for row in (LETTERS, TASTES):
        monkeypatch.setitem(catalog.DATASETS, row.name, row)
    monkeypatch.setitem(catalog.MODELS, BAG.name, BAG)


def a_context(home: Path, row: Dataset, **changes) -> Context:
    splits = {"letters": letters, "tastes": tastes}[row.name]()
    return Context(row, splits, home, model=BAG, **changes)


def a_bag(row: Dataset, seed: int = 0) -> Bag:
    torch.manual_seed(seed)
    return build(1.0, row)
