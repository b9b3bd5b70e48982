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
from .attention_ops import join_heads, split_heads, unit_length
from .distances import Distances
from .network import Network
from .part import Part, Weights, as_rows
from .text import EMBEDDING, TOKENS, Dropout, Logits, Table, ends, length_of, sized

BLOCKS, HEAD = 2, 16
"""Layers of attention, and the size of a head."""
DROPOUT = 0.2
"""Share that training drops of the vectors, of what each layer adds, and of the features."""
DIMENSIONS, INNER = 4, 8
"""Of the embedding, and feed-forward units, for every 1/16 of width: 64 and 128 at width 1."""
PLACES = "places"
NOMINAL = "embedding.nominal"
"""Not a group: the dimensions that the norms divide by, kept beside the widths."""
SHORTEST = 1e-12
"""Vectors are taken to be at least this long where they are divided by their length."""
OUTSIDE = -1e9
"""Added to the score of what is padding."""


def build(width: float, row: Dataset) -> Network:
    """Two blocks of attention and feed-forward units; the mean over the text is classified."""
    size = sized(width, DIMENSIONS)
    widths = {**ends(row), PLACES: LONGEST, NOMINAL: size, EMBEDDING: size}
    for block in range(1, BLOCKS + 1):
        widths |= {f"block{block}.heads": max(1, round(size / HEAD)), f"block{block}.inner": sized(width, INNER)}
    return Transformer(widths)


def normed(x: Tensor, nominal: int) -> Tensor:
    """(..., dimensions) over its root mean square, as if there were `nominal` dimensions, the rest of them zero."""
    return nn.functional.normalize(x, dim=-1, eps=SHORTEST) * nominal**0.5


class Projection(Part):
    """A linear layer at each place, from units along `read` to units along `into`; `norm`: of what comes in, normed."""

    def __init__(self, widths: Widths, read: Tie, into: Tie, *, bias: bool = True, norm: bool = False) -> None:
        super().__init__()
        self.read, self.into, self.out_of = read, into, read.group
        self.nominal = widths[NOMINAL] if norm else 0
        self.linear = nn.Linear(length_of((read,), widths), length_of((into,), widths), bias=bias)
        self.scale = nn.Parameter(torch.ones(self.linear.in_features)) if norm else None

    def forward(self, x: Tensor) -> Tensor:
        """(b, length, read) -> (b, length, into)."""
        return self.gated(self.into.group, self.projected(x))

    def projected(self, x: Tensor) -> Tensor:
        if self.scale is not None:
            return self.linear(normed(x, self.nominal) * self.scale)
        return self.linear(unit_length(x) if self.nominal else x)

    def scaled(self) -> Tensor:
        """The weights with the norm's scale in them."""
        return self.linear.weight if self.scale is None else self.linear.weight * self.scale

    def fold(self) -> None:
        """What makes the norm more than a division by a vector's length goes into the weights."""
        if self.scale is not None:
            self.linear.weight = nn.Parameter((self.scaled() * self.nominal**0.5).detach().clone())
        self.scale = None

    def axes(self) -> dict[str, Sequence[Axis]]:
        into, read = (self.into,), (self.read,)
        scale = {} if self.scale is None else {"scale": (read,)}
        bias = {} if self.linear.bias is None else {"linear.bias": (into,)}
        return {**scale, "linear.weight": (into, read), **bias}

    def made(self) -> dict[str, Tensor]:
        by_unit = self.scaled().unflatten(0, (self.into.repeat, -1, self.into.each)).transpose(0, 1)
        return {self.into.group: as_rows(by_unit)}

    def weights(self) -> list[Weights]:
        return [Weights(self.linear.weight, self.scaled().detach().abs())]

    def layers(self, name: str, positions: int) -> list[Layer]:
        made, read = self.into.repeat * self.into.each, self.read.repeat * self.read.each
        outputs, inputs = self.linear.weight.shape
        return [
            Layer(
                name=name, into=self.into.group, out_of=self.out_of, outputs=outputs // made, inputs=inputs // read,
                kernel=made * read, positions=positions, biases=0 if self.linear.bias is None else made,
            )
        ]  # fmt: skip

    def matrix(self) -> Tensor | None:
        return self.scaled()

    def split(self, widths: Widths, rank: str) -> tuple[Part, Part]:
        first = Projection(widths, self.read, Tie(rank), bias=False, norm=self.nominal > 0)
        return first, type(self)(widths, Tie(rank), self.into, bias=self.linear.bias is not None)

    @torch.no_grad()
    def put(self, matrix: Tensor) -> None:
        self.linear.weight.copy_(matrix)

    @torch.no_grad()
    def inherit(self, whole: Part) -> None:
        assert isinstance(whole, Projection)
        if self.linear.bias is not None:
            self.linear.bias.copy_(whole.linear.bias)

    def constants(self) -> tuple[int, ...]:
        return (self.nominal, int(self.linear.bias is not None))


class Questions(Projection):
    """What each head asks, offers and tells at each place; what is done with that is counted here too."""

    def forward(self, x: Tensor) -> Tensor:
        """(b, length, read) -> (b, length, 3 * heads * `HEAD`); without its part of what is told, a head is silent."""
        made = self.projected(x)
        if not self.gates:
            return made
        *asked, told = made.unflatten(2, (3, -1, HEAD)).unbind(2)
        return torch.cat([*asked, self.gated(self.into.group, told, axis=2)], 2).flatten(2)

    def layers(self, name: str, positions: int) -> list[Layer]:
        (made,) = super().layers(name, positions)
        mixed = made.with_(
            name=f"{name}.mix", out_of="", inputs=1, kernel=2 * HEAD, positions=positions**2, biases=0, stored=False
        )
        return [made, mixed]


class Attention(nn.Module):
    """Attention over the text."""

    def __init__(self, widths: Widths, heads: str) -> None:
        super().__init__()
        self.distances = Distances(widths, heads)
        self.qkv = Questions(widths, Tie(EMBEDDING), Tie(heads, 3, HEAD), norm=True)
        self.out = Projection(widths, Tie(heads, each=HEAD), Tie(EMBEDDING))

    def forward(self, x: Tensor, outside: Tensor) -> Tensor:
        """Of x (b, length, dimensions) and `outside` (b, 1, 1, length), which is added to the scores."""
        made, exported = self.qkv(x), torch.compiler.is_exporting()
        by_head = split_heads(made, HEAD) if exported else made.unflatten(2, (-1, HEAD)).transpose(1, 2).chunk(3, 1)
        q, k, v = by_head
        shares = (q @ k.transpose(2, 3) * HEAD**-0.5 + self.distances(x.shape[1]) + outside).softmax(3)
        mixed = shares @ v
        return self.out(join_heads(mixed) if exported else mixed.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Rectified units at each place."""

    def __init__(self, widths: Widths, inner: str) -> None:
        super().__init__()
        self.up = Projection(widths, Tie(EMBEDDING), Tie(inner), norm=True)
        self.down = Projection(widths, Tie(inner), Tie(EMBEDDING))

    def forward(self, x: Tensor) -> Tensor:
        return self.down(torch.relu(self.up(x)))


class Places(Table):
    """A learned vector for each place in a text, added to what stands there."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Of vectors (b, length, dimensions), not of tokens: the table is that of the places."""
        places = self.table.weight[: tokens.shape[1]]
        return tokens + (self.gated(self.into, places[None]) if self.gates else places)

    def matrix(self) -> None:
        """Its rows are added as they are."""


class Transformer(Network):
    """Groups: the embedding's dimensions, and each block's heads and feed-forward units."""

    def __init__(self, widths: Widths) -> None:
        labels = {EMBEDDING: "embedding dimensions"}
        for block in range(1, BLOCKS + 1):
            labels |= {f"block{block}.heads": f"block {block} heads", f"block{block}.inner": f"block {block} inside"}
        super().__init__(Transformer, widths, labels)
        self.nominal = widths[NOMINAL]
        self.table, self.places = Table(widths, TOKENS, EMBEDDING), Places(widths, PLACES, EMBEDDING)
        numbers = range(1, BLOCKS + 1)
        self.attention = nn.ModuleList(Attention(widths, f"block{number}.heads") for number in numbers)
        self.inner = nn.ModuleList(FeedForward(widths, f"block{number}.inner") for number in numbers)
        self.dropout = Dropout(DROPOUT)
        self.head = Logits(widths, (Tie(EMBEDDING),), dropout=DROPOUT)

    def forward(self, tokens: Tensor) -> Tensor:
        """(b, length), padded with 0 at the end, at most `LONGEST` -> logits (b, classes); finite for an empty text."""
        inside = (tokens != 0).float()
        outside = (1 - inside)[:, None, None] * OUTSIDE
        x = self.dropout(self.places(self.table(tokens)))
        for attention, inner in zip(self.attention, self.inner, strict=True):
            x = x + self.dropout(attention(x, outside))
            x = x + self.dropout(inner(x))
        inside = inside[:, :, None]
        x = unit_length(x) if torch.compiler.is_exporting() else nn.functional.normalize(x, dim=-1, eps=SHORTEST)
        return self.head((x * inside).sum(1) / (inside.sum(1).clamp(min=1) * self.nominal**-0.5))
