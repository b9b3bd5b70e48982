"""The metrics on the menu: what makes a file good, and how sure a value of it is. One row each; higher is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """A mean over the items of a split of what each is worth, a fraction from 0 to 1, shown in percent.

    A point is 0.01 of it.
    """

    name: str
    label: str
    """Inside a sentence: "loses 0.4 points of NDCG at 10"."""
    interval: Literal["wilson", "bootstrap"]
    """Of 95 %. wilson: each item is right or wrong. bootstrap: each is worth something between (Efron 1979)."""
    help: str
    cut: int = 0
    """How far down a ranking is looked; 0: nothing is ranked."""

    @property
    def axis(self) -> str:
        """At the start of a line: a title, a column's head.

        >>> METRICS["accuracy"].axis, METRICS["ndcg@10"].axis
        ('Accuracy', 'NDCG at 10')
        """
        return self.label[0].upper() + self.label[1:]

    @property
    def of(self) -> str:
        """What points are points of, where it is not said already: of accuracy it goes without saying.

        >>> METRICS["ndcg@10"].of, METRICS["accuracy"].of
        (' of NDCG at 10', '')
        """
        return "" if self.name == "accuracy" else f" of {self.label}"

    @property
    def counted(self) -> bool:
        """Whether each item is right or wrong, so that counts of items say it all."""
        return self.interval == "wilson"


METRICS: Mapping[str, Metric] = {
    row.name: row
    for row in (
        Metric("accuracy", "accuracy", "wilson", "Share of the items whose class is named."),
        Metric("ndcg@10", "NDCG at 10", "bootstrap",
               "How high what was held out stands among the first 10 of all unseen items; 100 % is on top.", cut=10),
        Metric("recall@10", "recall at 10", "bootstrap",
               "Share of what was held out that is among the first 10 of all unseen items.", cut=10),
    )
}  # fmt: skip
