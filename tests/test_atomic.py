import os

import pytest

from optim.atomic import append_line, whole_folder, write_text


def test_files_and_folders_get_the_modes_of_the_users_mask(tmp_path):
    mask = os.umask(0o022)
    try:
        write_text(tmp_path / "a" / "note.json", "{}")
        with whole_folder(tmp_path / "b") as folder:
            (folder / "x").touch()
    finally:
        os.umask(mask)
    assert (tmp_path / "a" / "note.json").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o755


def test_what_fails_leaves_the_old_content_and_no_scraps(tmp_path):
    write_text(tmp_path / "note", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "note", "\ud800")
    with pytest.raises(FileNotFoundError), whole_folder(tmp_path / "folder") as scratch:
        (scratch / "no such folder" / "half").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["note"]
    assert (tmp_path / "note").read_text() == "old"


def test_a_folder_is_replaced_whole(tmp_path):
    for name in ("first", "second"):
        with whole_folder(tmp_path / "folder") as scratch:
            (scratch / name).touch()
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["second"]


def test_a_line_is_written_whole_or_refused_without_an_error(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text("torn")
    assert append_line(path, "whole") and path.read_text() == "torn\nwhole\n"
    assert not append_line(path / "below a file", "lost")
