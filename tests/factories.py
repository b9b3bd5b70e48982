"""Records that look real, for tests that need no engine: projects, and runs in every state."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

from optim import catalog, recipes
from optim.bench import filled
from optim.plan import Anatomy, ChannelGroup, Layer
from optim.records import Event, Project, Recipe, Run, State
from optim.results import Failure, Fingerprint, Measurement
from optim.store import Store

NOW = 1_790_000_000.0
MODEL = filled.ONNX
a_fingerprint, a_latency, a_result = filled.a_fingerprint, filled.a_latency, filled.a_result


def a_project(dataset: str = "fashion-mnist", reference: str = "resnet8:2", **changes: object) -> Project:
    return Project(dataset=dataset, reference=reference).with_(**{"id": 1, **changes})


def a_recipe(*steps: str, dataset: str = "fashion-mnist", model: str = "resnet8", width: float = 2.0) -> Recipe:
    return recipes.complete(
        Recipe(dataset=dataset, model=model, width=width, steps=tuple(recipes.parse_step(step) for step in steps))
    )


def a_run(number: int, *steps: str, project: Project | None = None, **changes: object) -> Run:
    project = project or a_project()
    model, width = project.reference.split(":")
    recipe = a_recipe(*steps, dataset=project.dataset, model=model, width=float(width))
    start = NOW - 4000 + 60 * number
    times = {"created_at": start, "started_at": start + 1, "ended_at": start + 21}
    return Run.model_validate({"id": number, "project": project, "recipe": recipe, **times, **changes})


def done(number: int, *steps: str, accuracy: float, p50_ms: float, kb: float, **changes: object) -> Run:
    result = a_result(accuracy, p50_ms, int(kb * 1000), "int8" if "quantize-int8" in steps else "fp32")
    return a_run(number, *steps, state=State.DONE, attempt=1, result=result, **changes)


def some_runs(project: Project | None = None) -> list[Run]:
    """The reference, a front of five and three dominated ones."""
    p50, prune = "prune-channels:sparsity={}", "distill:epochs=3"
    rows: Sequence[tuple[tuple[str, ...], float, float, float]] = (
        ((), 0.911, 0.317, 1240),
        (("quantize-int8",), 0.9105, 0.179, 330),
        ((p50.format(0.25), prune), 0.909, 0.231, 700),
        ((p50.format(0.25), prune, "quantize-int8"), 0.9075, 0.138, 190),
        ((p50.format(0.5), prune), 0.905, 0.141, 320),
        ((p50.format(0.5), prune, "quantize-int8"), 0.9, 0.085, 97),
        ((p50.format(0.75), prune), 0.876, 0.079, 88),
        ((p50.format(0.75), prune, "quantize-int8"), 0.872, 0.071, 31),
        ((p50.format(0.5), "fine-tune:epochs=1"), 0.893, 0.142, 320),
    )
    return [
        done(number, *steps, accuracy=accuracy, p50_ms=ms, kb=kb, project=project)
        for number, (steps, accuracy, ms, kb) in enumerate(rows, start=1)
    ]


def a_failed(number: int = 20, project: Project | None = None) -> Run:
    failure = Failure(
        kind="TrainingFailed",
        reason="The loss is not a number after 41 batches.",
        remedy="Lower the learning rate, for example to 0.003.",
        log_tail="epoch 1, batch 41: loss nan",
    )
    return a_run(number, "fine-tune:learning_rate=0.9", state=State.FAILED, attempt=1, failure=failure, project=project)


def a_live(number: int = 30, state: State = State.RUNNING, project: Project | None = None) -> Run:
    started = {"started_at": None} if state is State.QUEUED else {}
    return a_run(
        number, "prune-channels", "distill:epochs=4", state=state, project=project, **{"ended_at": None, **started}
    )


def many_runs(n: int, project: Project | None = None, seed: int = 0) -> list[Run]:
    """`n` done runs scattered behind a front, the reference first."""
    dice = random.Random(seed)
    project = project or a_project()
    runs = [done(1, accuracy=0.911, p50_ms=0.317, kb=1240, project=project)]
    for number in range(2, n + 1):
        sparsity = dice.uniform(0.05, 0.9)
        steps = [f"prune-channels:sparsity={sparsity:.3f}", f"distill:temperature={dice.uniform(1, 12):.2f}"]
        steps += ["quantize-int8"] if dice.random() < 0.5 else []
        accuracy = 0.915 - 0.06 * sparsity**3 - abs(dice.gauss(0, 0.008))
        ms = 0.3 * (1 - sparsity) ** 0.7 * (0.6 if "quantize-int8" in steps else 1) * dice.uniform(0.95, 1.2) + 0.03
        runs.append(
            done(number, *steps, accuracy=accuracy, p50_ms=ms, kb=1240 * (1 - sparsity) ** 2 + 12, project=project)
        )
    return runs


def a_measurement(run: Run, fingerprint: Fingerprint, p50_ms: float) -> Measurement:
    assert run.result is not None
    return Measurement(
        run_id=run.id,
        file_sha256=run.result.file.sha256,
        reference_sha256="0" * 64,
        fingerprint=fingerprint,
        latency=a_latency(p50_ms),
        made_at=NOW,
    )


def some_events(run: Run, epochs: float = 4, stages: Sequence[str] = ("Baseline", "Prune")) -> list[Event]:
    """Heartbeats up to the middle of training."""
    start = run.started_at or NOW
    told = [Event(time=start + i, stage=stage, done=1, total=1) for i, stage in enumerate(stages)]
    for tenth in range(1, int(10 * epochs) + 1):
        epoch = tenth / 10
        metrics = {"epoch": epoch, "loss": 0.9 * 0.75**epoch + 0.12}
        if tenth % 10 == 0:
            metrics["validation"] = 0.905 - 0.25 * 0.4**epoch
        told.append(Event(time=start + 3 + tenth, stage="Distil", done=tenth, total=40, metrics=metrics))
    return told


def stored(home: Path, runs: Sequence[Run], project: Project | None = None) -> Project:
    """Put done runs through the store's own door, each with events and a file of the right size."""
    store = Store(home)
    wanted = project or a_project()
    kept = store.project(wanted.dataset, default_reference=wanted.reference)
    for run in runs:
        assert run.result is not None
        filled.put(store, kept, run.recipe, run.result, some_events(run))
    return kept


def busy(home: Path) -> Run:
    """Three runs wait and one of them is at work; the reference is done."""
    store, project = Store(home), stored(home, some_runs())
    for share in (0.3, 0.6, 0.8):
        store.submit(a_recipe(f"prune-channels:sparsity={share}", "distill:epochs=4"), project)
    running = store.claim()
    assert running is not None
    for event in some_events(running, epochs=2.5):
        store.append_event(running.id, event.model_copy(update={"time": running.started_at or 0.0 + event.time - NOW}))
    return running


def broken(home: Path) -> Run:
    """A run that failed after some that did not."""
    store, project = Store(home), stored(home, some_runs())
    store.submit(a_failed().recipe, project)
    claimed, failure = store.claim(), a_failed().failure
    assert claimed is not None and failure is not None
    return store.fail(claimed.id, failure)


def an_anatomy(dataset: str = "fashion-mnist", model: str = "resnet8", width: float = 1.0) -> Anatomy:
    """Three residual stages, as resnet8 has them."""
    dice, side = random.Random(0), 28
    groups, layers, into = [], [], ""
    for stage in (1, 2, 3):
        size = int(16 * width) * 2 ** (stage - 1)
        for part, label in (("sum", "block output"), ("mid", "inside the block")):
            values = tuple(dice.random() for _ in range(size))
            name = f"s{stage}.{part}"
            groups.append(
                ChannelGroup(
                    name=name, label=f"stage {stage}, {label}", size=size, importance={"l1": values, "l2": values}
                )
            )
        inputs = 1 if stage == 1 else size // 2
        pixels = (side // 2 ** (stage - 1)) ** 2
        for name, to, of, wide in ((f"c{stage}a", "mid", into, inputs), (f"c{stage}b", "sum", f"s{stage}.mid", size)):
            layers.append(
                Layer(
                    name=name, into=f"s{stage}.{to}", out_of=of, outputs=size, inputs=wide, kernel=9, positions=pixels
                )
            )
        into = f"s{stage}.sum"
    layers.append(Layer(name="head", into="", out_of=into, outputs=10, inputs=int(64 * width), kernel=1, positions=1))
    return Anatomy(dataset=dataset, model=model, width=width, groups=tuple(groups), layers=tuple(layers))


def a_baseline(home: Path, dataset: str = "fashion-mnist", model: str = "resnet8", width: float = 1.0) -> Path:
    """The light files of a trained baseline, in the user's own folder."""
    folder = home / "baselines" / dataset / f"{model}-{width:g}"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text("{}")
    (folder / "anatomy.json").write_text(an_anatomy(dataset, model, width).to_json())
    sides = catalog.dataset(dataset).shape
    dice = random.Random(1)
    pixels = [[(x + y) % 7 / 6 for x in range(sides[2]) for y in range(sides[1])] for _ in range(10)]
    logits = [[8.0 * (i == label) + 3 * dice.random() for i in range(10)] for label in range(10)]
    samples = {"images": pixels, "shape": list(sides), "labels": list(range(10)), "logits": logits}
    (folder / "samples.json").write_text(json.dumps(samples))
    return folder
