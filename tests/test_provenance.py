"""The tree of recipes: what is shared stands once, and every run is found where its recipe ends."""

from hypothesis import given
from hypothesis import strategies as st

from optim import provenance
from optim.search_views import Origin
from optim.store import Store
from tests import factories

STEPS = ("prune-channels:sparsity=0.5", "prune-channels:sparsity=0.25", "fine-tune:epochs=1", "distill")


@given(st.lists(st.lists(st.sampled_from(STEPS), max_size=3), min_size=1, max_size=6))
def test_every_run_stands_once_where_its_recipe_ends(many):
    runs = [factories.a_run(number, *steps) for number, steps in enumerate(many, start=1)]
    lines = provenance.tree(runs)
    depth = {number: line.depth for line in lines for number in line.runs}
    assert depth == {run.id: len(run.recipe.steps) for run in runs}
    assert sum(len(line.runs) for line in lines) == len(runs)
    assert all(line.shared >= len(line.runs) for line in lines)


def test_a_shared_beginning_stands_once_and_the_teacher_is_named():
    runs = [
        factories.a_run(2, "prune-channels:sparsity=0.25", "distill"),
        factories.a_run(3, "prune-channels:sparsity=0.25", "distill", "quantize-int8"),
        factories.a_run(1),
    ]
    lines = provenance.tree(runs)
    assert [(line.depth, line.runs, line.shared) for line in lines] == [
        (0, (1,), 3),
        (1, (), 2),
        (2, (2,), 2),
        (3, (3,), 1),
    ]
    assert lines[2].teacher == "resnet8:2"
    assert [line.label for line in lines[1:]] == ["prune 25 %", "distil 3 ep T=4 α=0.7", "INT8"]


def test_a_teacher_of_another_model_leads_to_the_run_of_its_baseline(home):
    taught = factories.a_run(1, "distill:teacher=resnet20:1")
    (line,) = [line for line in provenance.tree([taught]) if line.teacher]
    wanted = provenance.baseline(line.teacher, taught.recipe.dataset)
    store = Store(home)
    assert store.run_of(wanted) is None
    made = factories.done(1, accuracy=0.9, p50_ms=0.2, kb=900, project=factories.a_project(reference="resnet20:1"))
    factories.stored(home, [*factories.some_runs()[:2], made])
    found = store.run_of(wanted)
    assert found is not None and found.recipe.model_ref == line.teacher and not found.recipe.steps


def test_steps_that_differ_read_differently():
    steps = ("distill:epochs=2", "distill:epochs=4", "distill:epochs=4,learning_rate=0.01", "prune-channels:round_to=8",
             "prune-channels:importance=taylor", "fine-tune:epochs=1", "distill:augment=false")  # fmt: skip
    lines = provenance.tree([factories.a_run(number, step) for number, step in enumerate(steps, start=1)])
    labels = [line.label for line in lines[1:]]
    assert labels[-1] == "distil 3 ep T=4 α=0.7, no augmentation"
    assert labels[1] == "distil 4 ep T=4 α=0.7" and "tune 1 ep" in labels
    assert len(set(labels)) == len(steps) and not any(
        "=" in label.replace("T=", "").replace("α=", "") for label in labels
    )


def test_seeds_and_starts_are_trees_of_their_own():
    one, two = factories.a_run(1, "fine-tune"), factories.a_run(2, "fine-tune")
    two = two.with_(recipe=two.recipe.with_(seed=7))
    assert [line.label.rpartition(", ")[2] for line in provenance.tree([one, two]) if line.depth == 0][1] == "seed 7"


def test_the_search_that_made_a_run_stands_where_the_run_ends():
    runs = [factories.a_run(1), factories.a_run(2, "distill"), factories.a_run(3, "distill", "quantize-int8")]
    made = {2: Origin(3), 3: Origin(3, "without a teacher")}
    lines = provenance.tree(runs, made)
    assert [(line.runs, line.searches) for line in lines] == [((1,), ()), ((2,), (made[2],)), ((3,), (made[3],))]
    assert made[3].words == "search 3, as its control: without a teacher"
