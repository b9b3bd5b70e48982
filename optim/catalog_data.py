"""The data sets on the menu: one row each, beside one file in `optim/data/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .catalog_kinds import KINDS, Kind
from .catalog_knobs import lookup
from .catalog_metrics import METRICS, Metric
from .records import KnobValue


@dataclass(frozen=True)
class Dataset:
    name: str
    label: str
    function: str
    kind: Literal["image", "text", "recommendation"]
    metric: str
    """Of `METRICS`; selection, goals and the front mean this one."""
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    """Of one item: channels, height and width of an image; the usual length of a text."""
    dtype: Literal["float32", "int64"] = "float32"
    """Of the items: pixels from 0 to 1, or tokens and ids."""
    items: tuple[str, str] = ("image", "images")
    """What one item is called, and several."""
    further: tuple[str, ...] = ()
    """Other metrics that are told beside it."""
    tokens: int = 0
    """How many different tokens or ids there are, padding (0) among them; 0 for images."""
    alphabet: str = ""
    """Of a text: the characters with tokens of their own, in the order of these (`texts.py`)."""
    names: str = ""
    """Function that reads what the answers are called, where they are too many for `classes`."""
    features: str = ""
    """Function that reads what is known of each answer beforehand, float32 (outputs, features); none if empty."""
    rungs: tuple[int, int, int] = (3, 15, 40)
    """Epochs of a first look, a longer training, and the longest, as a search trains what it tries."""
    taught: tuple[float, float] = (2.0, 0.5)
    """Temperature and the teacher's share with which a search begins. Of names, half an LSTM came to 70.3 % with 4 and
    0.9, to 72.0 % with 2 and 0.5 (30 epochs, one seed, validation); half a strided ResNet-8 lost 1.0 and 0.8 points (3
    epochs, Fashion-MNIST)."""
    begins: Mapping[str, KnobValue] = field(default_factory=dict, hash=False)
    """Where knobs of training stand at first with this data, by name; the others stand at their own defaults."""
    sizes: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Items per split after duplicates are removed; a test compares it with the data."""
    licence: str = ""
    terms: str = ""
    """The file in `assets/data` with terms that must be passed on with what was made of the data; none if empty."""
    source: str = ""
    help: str = ""
    epochs: int = 25
    """Of a baseline: long enough that more gain less than the noise of the validation set."""

    def __post_init__(self) -> None:
        for name in (self.metric, *self.further):
            lookup("metric", name, METRICS)

    @property
    def goodness(self) -> Metric:
        """The row of its metric."""
        return METRICS[self.metric]

    @property
    def traits(self) -> Kind:
        """The row of its kind."""
        return KINDS[self.kind]

    @property
    def ranks(self) -> bool:
        """Whether an answer is a ranking of all classes, not one class."""
        return self.goodness.cut > 0

    def count(self, number: int) -> str:
        """So many of its items, in words.

        >>> DATASETS["digits"].count(1), DATASETS["digits"].count(4000)
        ('1 image', '4,000 images')
        """
        return f"{number:,} {self.items[number != 1]}"

    @property
    def request(self) -> str:
        """What is timed and counted: one item, of its usual length where that is free.

        >>> DATASETS["digits"].request, DATASETS["names"].request
        ('image', 'name of 7 characters')
        """
        return f"{self.items[0]} of {self.shape[0]} characters" if self.alphabet else self.items[0]

    @property
    def outputs(self) -> int:
        """How many answers there are to choose from: classes, or all ids but padding."""
        return len(self.classes) or self.tokens - 1


DATASETS: Mapping[str, Dataset] = {
    row.name: row
    for row in (
        Dataset(
            name="digits",
            label="Digits 8x8",
            function="optim.data.digits:load",
            kind="image",
            metric="accuracy",
            classes=tuple("0123456789"),
            shape=(1, 8, 8),
            sizes={"train": 898, "validation": 300, "test": 599},
            licence="CC BY 4.0",
            source="UCI Optical Recognition of Handwritten Digits, Alpaydin and Kaynak 1998, as in scikit-learn",
            epochs=40,
            help="1,797 handwritten digits of 8x8 pixels: a run takes seconds.",
        ),
        Dataset(
            name="fashion-mnist",
            label="Fashion-MNIST",
            function="optim.data.fashion_mnist:load",
            kind="image",
            metric="accuracy",
            classes=(
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ),
            shape=(1, 28, 28),
            sizes={"train": 16000, "validation": 4000, "test": 10000},
            licence="MIT",
            source="Zalando SE; Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747",
            help="28x28 pictures of clothes: 20,000 of the training images and the official 10,000 for test.",
        ),
        Dataset(
            name="names",
            label="Names to languages",
            function="optim.data.names:load",
            kind="text",
            metric="accuracy",
            classes=(
                "Azerbaijani",
                "German",
                "English",
                "Spanish",
                "Estonian",
                "Finnish",
                "French",
                "Irish",
                "Croatian",
                "Indonesian",
                "Icelandic",
                "Italian",
                "Dutch",
                "Polish",
                "Romanian",
                "Slovak",
                "Swedish",
                "Turkish",
                "Zulu",
            ),
            shape=(7,),
            dtype="int64",
            items=("name", "names"),
            tokens=67,
            alphabet=" '-abcdefghijklmnopqrstuvwxyzáäæçèéëíðñóõöúüýþăąćčďęğıľłńňśşšżžțə",
            sizes={"train": 10878, "validation": 3626, "test": 3626},
            epochs=50,
            rungs=(10, 30, 75),
            begins={"epochs": 10, "temperature": 2.0, "alpha": 0.5},
            licence="MIT (the package; its lists come from public statistics that it names)",
            source="Person providers of faker 40.54.0, Faraglia and contributors, languages in Latin script",
            help="First and last names in 19 languages: 18,130 of them, one character a token; of a language with more "
            "than 1,200 a draw of so many. "
            "A space nearly tells the Irish ones: 1,053 of 1,200 have one, 448 of the 16,930 others. A name spelled "
            "with other accents counts as another name. Times and MACs are those of a name of 7 characters, the usual "
            "length: an LSTM takes twice as long for one of 14. "
            "A character 1-to-4-gram logistic regression is right for 73.0 % of the test names, the shipped LSTM "
            "of width 2 for 73.2 %.",
        ),
        Dataset(
            name="movielens-small",
            label="MovieLens small",
            function="optim.data.movielens:load",
            kind="recommendation",
            metric="ndcg@10",
            further=("recall@10",),
            classes=(),
            shape=(101,),
            dtype="int64",
            items=("user", "users"),
            tokens=9067,
            names="optim.data.movielens:titles",
            features="optim.data.movielens:genres",
            sizes={"train": 671, "validation": 671, "test": 671},
            licence="GroupLens terms: research use, acknowledged; no commercial use without permission; passed on only "
            "under the same terms; no endorsement, no warranty",
            terms="LICENSE-movielens",
            epochs=20,
            rungs=(4, 12, 30),
            taught=(4.0, 0.9),
            begins={"epochs": 4, "alpha": 0.9},
            source="MovieLens latest-small of October 2016, GroupLens; Harper and Konstan 2015, doi:10.1145/2827872",
            help="100,004 ratings of 9,066 films by 671 users: what will each watch next? Not for commercial use. "
            "Each user's last five films are held out; a run takes seconds. Popularity reaches NDCG at 10 2.25 % "
            "(1.68 to 3.17) on 671 validation users, 2.85 % (2.22 to 3.80) on 671 test users. The shipped models reach "
            "matrix-factorization 4.64 %, 4.27 %; neumf 4.36 %, 4.30 %; two-tower 4.90 %, 4.10 %. On the same test "
            "users that is above popularity by 1.4 (0.5 to 2.4), 1.5 (0.5 to 2.4) and 1.3 (0.4 to 2.1) points. "
            "Ratings of one second stand in the order of the films' numbers.",
        ),
    )
}
