"""What every noun is: frozen; the next state is the next record; every record survives JSON both ways."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """Immutable and strict about its fields. `to_json` and `from_json` are each other's inverse."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def to_json(self) -> str:
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        return cls.model_validate_json(text)

    def with_(self, **changes: object) -> Self:
        """The next record: this one with some fields changed, checked again."""
        return type(self).model_validate({**dict(self), **changes})
