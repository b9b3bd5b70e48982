"""Which database the store lies in, and how that is said without its password."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from .errors import StoreError

VARIABLE = "PARETOSCOPE_STORE_URL"


def store_url(home: Path) -> str:
    return os.environ.get(VARIABLE) or f"sqlite:///{home / 'store.sqlite'}"


def not_opened(url: str, error: Exception) -> StoreError:
    """What the database or its driver said, in words."""
    remedy = "Move the file away, or choose another folder with --home or PARETOSCOPE_HOME."
    if os.environ.get(VARIABLE):
        remedy = f"Check {VARIABLE}: a database URL as SQLAlchemy reads it, its driver installed; or unset it."
    try:
        known = make_url(url)
    except (ArgumentError, ValueError):
        return StoreError("The store's URL cannot be read.", given=f"a text of {len(url)} characters", remedy=remedy)
    cause = str(getattr(error, "orig", None) or error)
    if known.password:
        cause = cause.replace(str(known.password), "***")
    shown = known.set(query={}).render_as_string(hide_password=True)
    return StoreError("The store cannot be opened.", given=f"{shown} ({cause})", remedy=remedy)
