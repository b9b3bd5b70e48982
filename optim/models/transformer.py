"""An encoder with attention (Vaswani et al. 2017, arXiv:1706.03762), normed before each layer.

The norm is that of Zhang and Sennrich 2019 (RMSNorm, arXiv:1910.07467): no mean is taken off, and its divisor keeps
the number of dimensions that the network was built with, so that a dimension that is zero might as well not be there.
Its scale is folded into the matrix behind it on export.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..catalog import Dataset
from ..plan import Axis, Layer, Tie, Widths
from ..texts import LONGEST
from .network import CLASSES, Network
from .part import Part, Weights, as_rows
from .text import EMBEDDING, TOKENS, Table, ends, sized

BLOCKS, HEAD = 2, 16
"""Layers of attention, and the size of a head."""
DIMENSIONS, INNER = 4, 8
"""Of the embedding, and feed-forward units, for every 1/16 of width: 64 and 128 at width 1."""
PLACES = "places"
NOMINAL = "embedding.nominal"
"""Not a group: the dimensions that the norms divide by, kept beside the widths."""
EPSILON = 1e-5
OUTSIDE = -1e9
"""Added to the score of what is padding."""


def build(width: float, row: Dataset) -> Network:
    """Two blocks of attention and feed-forward units; the mean over the text is classified."""
    size = sized(width, DIMENSIONS)
    widths = {**ends(row), PLACES: LONGEST, NOMINAL: size, EMBEDDING: size}
    for block in range(1, BLOCKS + 1):
        widths |= {f"block{block}.heads": max(1, round(size / HEAD)), f"block{block}.inner": sized(width, INNER)}
    return Transformer(widths)


class Normed(Part):
    """A part that norms what comes in: (b, length, dimensions)."""

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        self.out_of, self.nominal = EMBEDDING, widths[NOMINAL]
        self.scale: nn.Parameter | None = nn.Parameter(torch.ones(widths[EMBEDDING]))

    def normed(self, x: Tensor) -> Tensor:
        size = torch.sqrt((x * x).sum(-1, keepdim=True) / self.nominal + EPSILON)
        return x / size if self.scale is None else x / size * self.scale

    def first(self) -> nn.Linear:
        """The matrix behind the norm."""
        raise NotImplementedError

    def scaled(self) -> Tensor:
        """Its weights with the norm's scale in them."""
        return self.first().weight if self.scale is None else self.first().weight * self.scale

    def fold(self) -> None:
        self.first().weight = nn.Parameter(self.scaled().detach().clone())
        self.scale = None

    def constants(self) -> tuple[int, ...]:
        return (self.nominal,)


class Attention(Normed):
    """Attention over the text, added to what came in."""

    def __init__(self, widths: Widths, heads: str) -> None:
        super().__init__(widths)
        self.heads, self.count = heads, widths[heads]
        self.qkv = nn.Linear(widths[EMBEDDING], 3 * self.count * HEAD)
        self.out = nn.Linear(self.count * HEAD, widths[EMBEDDING])

    def forward(self, x: Tensor, outside: Tensor) -> Tensor:
        """Of x (b, length, dimensions) and `outside` (b, 1, 1, length), which is added to the scores."""
        split = self.qkv(self.normed(x)).unflatten(2, (3, self.count, HEAD))
        q, k, v = (split[:, :, place].transpose(1, 2) for place in range(3))
        shares = (q @ k.transpose(2, 3) * HEAD**-0.5 + outside).softmax(3)
        mixed = self.gated(self.heads, shares @ v, axis=1).transpose(1, 2).flatten(2)
        return x + self.gated(EMBEDDING, self.out(mixed))

    def first(self) -> nn.Linear:
        return self.qkv

    def axes(self) -> dict[str, Sequence[Axis]]:
        made, read, stream = (Tie(self.heads, 3, HEAD),), (Tie(self.heads, each=HEAD),), (Tie(EMBEDDING),)
        return {
            "scale": (stream,), "qkv.weight": (made, stream), "qkv.bias": (made,),
            "out.weight": (stream, read), "out.bias": (stream,),
        }  # fmt: skip

    def made(self) -> dict[str, Tensor]:
        by_head = self.scaled().unflatten(0, (3, self.count, HEAD)).transpose(0, 1)
        return {self.heads: as_rows(by_head), EMBEDDING: as_rows(self.out.weight)}

    def weights(self) -> list[Weights]:
        out = self.out.weight
        return [Weights(self.qkv.weight, self.scaled().detach().abs()), Weights(out, out.detach().abs())]

    def layers(self, name: str, positions: int) -> list[Layer]:
        size, many = self.out.weight.shape[0], self.count
        return [
            Layer(name=name, into=self.heads, out_of=EMBEDDING, outputs=many, inputs=size, kernel=3 * HEAD,
                  positions=positions, biases=3 * HEAD),
            Layer(name=f"{name}.mix", into=self.heads, out_of="", outputs=many, inputs=1, kernel=2 * HEAD,
                  positions=positions**2, biases=0, stored=False),
            Layer(name=f"{name}.out", into=EMBEDDING, out_of=self.heads, outputs=size, inputs=many, kernel=HEAD,
                  positions=positions),
        ]  # fmt: skip

    def constants(self) -> tuple[int, ...]:
        return (self.nominal, self.count)


class FeedForward(Normed):
    """Rectified units at each place, added to what came in."""

    def __init__(self, widths: Widths, inner: str) -> None:
        super().__init__(widths)
        self.inner = inner
        self.up, self.down = nn.Linear(widths[EMBEDDING], widths[inner]), nn.Linear(widths[inner], widths[EMBEDDING])

    def forward(self, x: Tensor) -> Tensor:
        inner = self.gated(self.inner, torch.relu(self.up(self.normed(x))))
        return x + self.gated(EMBEDDING, self.down(inner))

    def first(self) -> nn.Linear:
        return self.up

    def axes(self) -> dict[str, Sequence[Axis]]:
        inner, stream = (Tie(self.inner),), (Tie(EMBEDDING),)
        return {
            "scale": (stream,), "up.weight": (inner, stream), "up.bias": (inner,),
            "down.weight": (stream, inner), "down.bias": (stream,),
        }  # fmt: skip

    def made(self) -> dict[str, Tensor]:
        return {self.inner: as_rows(self.scaled()), EMBEDDING: as_rows(self.down.weight)}

    def weights(self) -> list[Weights]:
        down = self.down.weight
        return [Weights(self.up.weight, self.scaled().detach().abs()), Weights(down, down.detach().abs())]

    def layers(self, name: str, positions: int) -> list[Layer]:
        inner, size = self.up.weight.shape
        up = Layer(
            name=name, into=self.inner, out_of=EMBEDDING, outputs=inner, inputs=size, kernel=1, positions=positions
        )
        return [up, up.with_(name=f"{name}.down", into=EMBEDDING, out_of=self.inner, outputs=size, inputs=inner)]


class MeanLogits(Normed):
    """The mean over the text, classified."""

    def __init__(self, widths: Widths) -> None:
        super().__init__(widths)
        self.linear = nn.Linear(widths[EMBEDDING], widths[CLASSES])

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """Of x (b, length, dimensions) and `inside` (b, length, 1), 1 or 0."""
        return self.linear((self.normed(x) * inside).sum(1) / inside.sum(1))

    def first(self) -> nn.Linear:
        return self.linear

    def axes(self) -> dict[str, Sequence[Axis]]:
        stream = (Tie(EMBEDDING),)
        return {"scale": (stream,), "linear.weight": ((Tie(CLASSES),), stream), "linear.bias": ((Tie(CLASSES),),)}

    def made(self) -> dict[str, Tensor]:
        return {}

    def weights(self) -> list[Weights]:
        return [Weights(self.linear.weight, self.scaled().detach().abs())]

    def layers(self, name: str, positions: int) -> list[Layer]:  # noqa: ARG002 - it has one
        outputs, inputs = self.linear.weight.shape
        return [Layer(name=name, into=CLASSES, out_of=EMBEDDING, outputs=outputs, inputs=inputs, kernel=1, positions=1)]


class Places(Table):
    """A learned vector for each place in a text, added to what stands there."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Of vectors (b, length, dimensions), not of tokens: the table is that of the places."""
        places = self.table.weight[: tokens.shape[1]]
        return tokens + (self.gated(self.into, places[None]) if self.gates else places)


class Transformer(Network):
    """Groups: the embedding's dimensions, and each block's heads and feed-forward units."""

    def __init__(self, widths: Widths) -> None:
        labels = {EMBEDDING: "embedding dimensions"}
        for block in range(1, BLOCKS + 1):
            labels |= {f"block{block}.heads": f"block {block} heads", f"block{block}.inner": f"block {block} inside"}
        super().__init__(Transformer, widths, labels)
        self.table, self.places = Table(widths, TOKENS, EMBEDDING), Places(widths, PLACES, EMBEDDING)
        numbers = range(1, BLOCKS + 1)
        self.attention = nn.ModuleList(Attention(widths, f"block{number}.heads") for number in numbers)
        self.inner = nn.ModuleList(FeedForward(widths, f"block{number}.inner") for number in numbers)
        self.head = MeanLogits(widths)

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, length), padded with 0 at the end, at most `LONGEST` -> logits (b, classes)."""
        inside = (tokens != 0).float()
        outside = (1 - inside)[:, None, None] * OUTSIDE
        x = self.places(self.table(tokens))
        for attention, inner in zip(self.attention, self.inner, strict=True):
            x = inner(attention(x, outside))
        return self.head(x, inside[:, :, None])
