"""Times that are not valid: one plain sentence for all of them, on every page and in the command line."""

import pytest

from optim import cli_text, disturbed, figures, findings, tables, views
from tests.factories import a_latency, done, some_runs, stored
from tests.test_validity import CLEAN


def busy(**facts):
    return a_latency(0.2, valid=False).with_(facts=CLEAN.with_(**facts))


def all_disturbed(*shares):
    """Runs whose processes had these shares of the processor, at the last of three attempts."""
    for run, share in zip(some_runs(), shares, strict=False):
        yield run.with_(result=run.result.with_(latency=busy(cpu_share=share, pressure=0.9, attempt=3)))


def test_many_times_have_one_sentence():
    told = disturbed.said([busy(cpu_share=0.54, attempt=3), busy(cpu_share=0.59, pressure=0.9, attempt=3)])
    assert (
        told == "Other programs used the processor, the process had only 54 to 59 % of it, in the last of 3 attempts."
    )
    assert disturbed.said([a_latency(0.2)]) == ""


def test_timed_again_in_vain_is_said():
    told = disturbed.said([busy(cpu_share=0.54)], timings=2)
    assert told == "Timed twice, still disturbed: other programs used the processor, the process had only 54 % of it."


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"others": 1.0}, "Other programs used 1.0 of 2 cores."),
        ({"switches_per_s": 250.0}, "Other programs took turns with it on the processor."),
        ({"pressure": 0.9}, "Other programs took turns with it on the processor."),
        ({"rounds_quiet": 3, "rounds_played": 60}, "The processor is shared with others who cannot be seen from here."),
        ({"stored_p50_ms": 0.3}, "The reference took 33 % longer than usual."),
        ({"drift": 0.3}, "The machine's speed changed by 30 % meanwhile."),
        ({"half_width": 0.08}, "The times of single calls differed too much."),
    ],
)
def test_each_disturbance_has_plain_words(facts, told):
    assert disturbed.said([busy(**facts)]) == told


def test_a_time_without_facts_gives_its_own_reason():
    assert disturbed.said([a_latency(0.2, valid=False)]) == "The machine was busy: 31 % of the time."


def test_with_no_valid_time_nothing_else_is_claimed():
    runs = list(all_disturbed(0.54, 0.55, 0.59))
    found = findings.find(runs)
    assert found.title == tables.best_so_far(runs).title == "No valid time yet: the machine was busy"
    assert "54 to 59 %" in found.sentence and "Accept more loss" not in found.sentence
    assert findings.find(runs[:1]).title == found.title
    assert findings.find([some_runs()[0], *runs[1:]]).title == found.title, "a reference alone answers nothing"
    assert "No valid" not in findings.find([runs[0], *some_runs()[1:]]).title


@pytest.mark.parametrize("cost", ["size", "macs", "params"])
def test_what_is_counted_is_drawn_without_a_valid_time(cost):
    runs = list(all_disturbed(*[0.5] * 9))
    info = figures.pareto_info(findings.find(runs, cost=cost))
    assert len(info.marks) == 9 and not info.not_valid
    assert "No valid time" not in findings.find(runs, cost=cost).title


def test_the_command_line_says_why_and_what_to_do(home):
    from optim.store import Store

    stored(home, list(all_disturbed(0.54, 0.55, 0.59)))
    fronts = views.front_objects(Store(home), Store(home).projects())
    text = cli_text.fronts_text(fronts)
    assert "No valid time yet: the machine was busy" in text
    assert "only 54 to 59 % of it" in text and "python -m optim measure RUN" in text
    assert views.fronts_object([])["disturbed"] == ""


def test_a_valid_time_among_others_leaves_the_finding_alone():
    runs = [*some_runs()[:8], done(9, accuracy=0.5, p50_ms=0.1, kb=9)]
    assert findings.find(runs).title == findings.find(some_runs()[:8]).title
