"""Everything written can be read: contrast after WCAG 2, computed over the values of both themes."""

from __future__ import annotations

import colorsys
import tomllib
from pathlib import Path

import pytest

from optim import theme
from pages.parts import say, state

CONFIG = tomllib.loads((Path(__file__).parents[1] / ".streamlit/config.toml").read_text("utf-8"))["theme"]
ENOUGH = 4.5
HUES = ("red", "orange", "yellow", "blue", "green", "gray")
THEMES = pytest.mark.parametrize("name", ["light", "dark"])


def channels(color: str) -> list[float]:
    return [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(color)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def mixed(top: str, ground: str, share: float) -> str:
    """`top` drawn over `ground`, that opaque."""
    pairs = zip(channels(top), channels(ground), strict=True)
    return "#" + "".join(f"{round(255 * (share * t + (1 - share) * g)):02X}" for t, g in pairs)


def darkened(color: str, amount: float) -> str:
    """As Streamlit darkens a button under the pointer."""
    hue, light, saturation = colorsys.rgb_to_hls(*channels(color))
    return "#" + "".join(f"{round(255 * c):02X}" for c in colorsys.hls_to_rgb(hue, max(light - amount, 0), saturation))


def test_the_formula_is_that_of_wcag():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@THEMES
@pytest.mark.parametrize("ground", ["backgroundColor", "secondaryBackgroundColor"])
def test_text_and_links_can_be_read(name, ground):
    page = CONFIG[name]
    for role in ("textColor", "grayTextColor", "linkColor", "primaryColor"):
        assert contrast(page[role], page[ground]) >= ENOUGH, role
    for hue in HUES:
        assert contrast(page[f"{hue}TextColor"], page[ground]) >= ENOUGH, hue


@THEMES
def test_badges_and_messages_can_be_read(name):
    page = CONFIG[name]
    for hue in HUES:
        assert contrast(page[f"{hue}TextColor"], page[f"{hue}BackgroundColor"]) >= ENOUGH, hue


@THEMES
def test_buttons_can_be_read_at_rest_and_under_the_pointer(name):
    page, ink = CONFIG[name], theme.colors(name).on_primary
    assert contrast(ink, page["primaryColor"]) >= ENOUGH
    assert contrast(ink, darkened(page["primaryColor"], 0.15)) >= ENOUGH


@THEMES
def test_a_chosen_pill_can_be_read(name):
    page = CONFIG[name]
    assert contrast(page["primaryColor"], mixed(page["primaryColor"], page["backgroundColor"], 0.1)) >= ENOUGH


@THEMES
def test_figures_write_in_colours_that_can_be_read(name):
    c = theme.colors(name)
    for role in ("text", "muted", "goal"):
        assert contrast(getattr(c, role), c.background) >= ENOUGH, role
    assert contrast(c.front, c.background) >= 3


@THEMES
def test_figures_and_pages_have_the_same_colours(name):
    c, page = theme.colors(name), CONFIG[name]
    assert (c.text, c.background, c.primary) == (page["textColor"], page["backgroundColor"], page["primaryColor"])


def test_the_dark_theme_writes_dark_on_its_light_buttons(monkeypatch):
    monkeypatch.setattr(state, "theme", lambda: "dark")
    assert say.face("Run", ":material/play_arrow:")["label"].endswith('Run]{foreground="#10151C"}')
    assert say.face("Run", disabled=True)["label"] == "Run"
    monkeypatch.setattr(state, "theme", lambda: "light")
    assert say.face("Run", ":material/play_arrow:")["label"] == "Run"


def test_words_from_outside_are_shown_as_they_are():
    assert say.as_it_is("![x](http://a.b) `c`") == r"\!\[x\]\(http\://a.b\) \`c\`"
