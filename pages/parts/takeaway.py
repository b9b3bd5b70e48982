"""Choosing a finished run, the checks its file has passed, and the downloads."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from optim import catalog, examples, findings, outcomes, package, remarks, snippets, tables
from optim.records import Run

from . import cards, doubt, state
from .say import face, key_of, quiet

CHOSEN = "export_run"


def choose() -> Run | None:
    """Any finished run, own ones first; the address holds the choice."""
    files = {f"run={run.id}": run for run in findings.measured(state.store().runs())}
    files |= {f"example={run.id}": run for run in cards.shipped()}
    if not files:
        return None
    asked = next((f"{name}={st.query_params[name]}" for name in ("run", "example") if name in st.query_params), "")
    if asked in files and st.session_state.get("_export_asked") != asked:
        st.session_state[CHOSEN], st.session_state["_export_asked"] = asked, asked
    names = {key: tables.file_name(run, shipped=key.startswith("example")) for key, run in files.items()}
    missing = asked if asked not in files and asked != st.session_state.get("_export_asked") else ""
    key = st.selectbox("File", list(files), format_func=names.__getitem__, key=CHOSEN, persist_state="session")
    name, _, number = key.partition("=")
    st.query_params.from_dict({name: number})
    st.session_state["_export_asked"] = key
    if missing:
        _not_there(missing, f"this is {'run' if name == 'run' else 'example'} {number}")
    return files[key]


def _not_there(asked: str, instead: str) -> None:
    """Why the run that the address asks for is not shown."""
    kind, _, number = asked.partition("=")
    if kind == "run":
        st.warning(f"{state.why_not(number, 'has no file to export')}; {instead}.", icon=":material/info:")
    else:
        st.warning(f"There is no example {number[: state.RUN_DIGITS]}; {instead}.", icon=":material/info:")


def reference(run: Run) -> Run | None:
    """The run that this one is compared with."""
    if run in cards.shipped():
        same = (other for other in cards.shipped() if tables.same_target(other.project, run.project))
        return next((other for other in same if other.is_reference), None)
    return state.store().reference_run(run.project)


def path(run: Run) -> Path:
    """Where the file lies: in the run's folder, or among the shipped ones."""
    if run in cards.shipped():
        return examples.file(run)
    return state.store().folder(run.id) / "model.onnx"


def checks(run: Run) -> None:
    """The gate's lines, each with the fact that was measured."""
    st.subheader("Checked before it was offered", anchor=False)
    for whose, lines in remarks.checked(run.result.file) if run.result else ():
        if whose:
            quiet(whose)
        for line in lines:
            icon = ":material/check_circle:" if line.passed else ":material/cancel:"
            colour = "green" if line.passed else "red"
            st.markdown(f":{colour}[{icon}] **{line.name}**  \n{package.capital(line.fact)}")


def downloads(run: Run) -> None:
    """The file itself, and everything around it in one zip."""
    file = path(run)
    problem = package.problem(run, file)
    if problem:
        st.error(problem, icon=":material/error:")
        if run not in cards.shipped():
            label = f"Run {run.id} on the Runs page"
            st.page_link("pages/runs.py", label=label, icon=":material/list_alt:", query_params={"run": str(run.id)})
        return
    with st.container(horizontal=True):
        st.download_button(
            data=lambda: package.onnx_bytes(run, file), file_name=package.file_name(run, file),
            mime="application/octet-stream", on_click="ignore", key=key_of("download_onnx", run),
            **face("Download ONNX", ":material/download:"),
        )  # fmt: skip
        st.download_button(
            "Download everything", lambda: package.everything(run, file, _lost(run)), package.zip_name(run, file),
            mime="application/zip", icon=":material/folder_zip:", on_click="ignore", key=key_of("download_zip", run),
            help="model.onnx, model card, recipe, a short infer.py that runs it, and what else it needs.",
        )  # fmt: skip
    if (row := catalog.data_of(run)).terms:
        quiet(f"The data's terms bind the file too. {row.licence}.")


def _lost(run: Run) -> str:
    """What the run loses against its reference, in words; empty where there is none to compare."""
    other = reference(run)
    same = other is None or (other.id, other.origin) == (run.id, run.origin)
    loss = None if same else outcomes.loss(state.home(), other, run)
    return findings.loss_words(loss, catalog.data_of(run)) if loss is not None else ""


def scores(run: Run) -> None:
    """The table beside the numbers: every measured fact with its interval and n."""
    rows = package.facts(run)
    st.table(
        [{"": name, "measured": fact} for name, fact in rows], border="horizontal", hide_index=True, hide_header=True
    )
    if run.fingerprint is not None:
        quiet(f"Timed on {run.fingerprint.processor}, ONNX Runtime {run.fingerprint.onnxruntime}.")
    doubt.not_valid(run, shipped=run in cards.shipped())


def how_to_run(run: Run) -> None:
    """Six lines, ready to be copied."""
    st.subheader("How to run it", anchor=False)
    st.code(
        snippets.snippet(catalog.data_of(run), package.file_name(run, path(run))), language="python", wrap_lines=True
    )
