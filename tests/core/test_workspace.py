"""Works are created once, never overwritten, and found in the documented order."""

from pathlib import Path

import pytest

from bearcat.core.errors import WorkError
from bearcat.core.workspace import (
    ROOT,
    RUN_FOLDERS,
    TEMPLATE_FILES,
    UNLABELLED,
    UNLABELLED_PACK,
    Work,
    create_work,
    find_work,
    is_work,
    list_works,
    set_active_work,
)


@pytest.fixture
def outside(works: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, outside of all works."""
    folder = tmp_path / "outside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_new_work_has_the_templates_and_becomes_the_active_one(works: Path, outside: Path):
    work = create_work(works, "digits")
    assert work.path == works / "digits"
    for name in TEMPLATE_FILES:
        assert (work.path / name).read_bytes() == (ROOT / name).read_bytes()
    assert find_work() == work


def test_a_work_created_without_activating_leaves_the_active_one(works: Path, outside: Path):
    first = create_work(works, "first")
    create_work(works, "second", activate=False)
    assert find_work() == first


def test_an_existing_folder_is_refused_and_left_as_it_is(works: Path):
    work = create_work(works, "digits")
    work.settings_file.write_text("EPOCHS = 3\n")
    with pytest.raises(WorkError, match="exists"):
        create_work(works, "digits")
    assert work.settings_file.read_text() == "EPOCHS = 3\n"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a/", "../a"])
def test_a_name_that_is_not_a_folder_name_is_refused_and_nothing_is_created(works: Path, name: str):
    with pytest.raises(WorkError, match="NAME"):
        create_work(works, name)
    assert list(works.iterdir()) == []


def test_a_path_with_spaces_and_chinese_works(tmp_path: Path, outside: Path):
    work = create_work(tmp_path / "my works 验证码", "滑块 captcha")
    assert find_work() == work
    assert find_work(str(work.path)) == work


def test_a_work_is_found_by_name_in_the_works_folder(works: Path, outside: Path):
    work = create_work(works, "digits", activate=False)
    assert find_work("digits") == work


def test_option_overrides_environment_overrides_folder_overrides_active_work(
    works: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
):
    named, environment, current, active = (
        create_work(works, name, activate=False) for name in ("named", "environment", "current", "active")
    )
    set_active_work(active.path)
    assert find_work() == active

    monkeypatch.chdir(current.path)
    assert find_work() == current

    monkeypatch.setenv("BEARCAT_WORK", str(environment.path))
    assert find_work() == environment
    assert find_work(str(named.path)) == named


def test_a_subfolder_of_a_work_belongs_to_it(works: Path, monkeypatch: pytest.MonkeyPatch):
    work = create_work(works, "digits")
    create_work(works, "active")
    deep = work.path / "train_dataset" / "deep"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert find_work() == work


def test_without_any_work_named_the_error_lists_the_existing_works(works: Path, outside: Path):
    for name in ("digits", "letters"):
        create_work(works, name, activate=False)
    (works / "no_work").mkdir()
    with pytest.raises(WorkError, match=r"New_work\.py") as error:
        find_work()
    assert str(works / "digits") in str(error.value)
    assert str(works / "letters") in str(error.value)
    assert "no_work" not in str(error.value)


@pytest.mark.parametrize("source", ["--work", "BEARCAT_WORK", ".active"])
def test_a_missing_work_is_an_error_that_says_where_it_was_named(
    works: Path, outside: Path, monkeypatch: pytest.MonkeyPatch, source: str
):
    create_work(works, "digits")
    if source == "BEARCAT_WORK":
        monkeypatch.setenv("BEARCAT_WORK", "gone")
    if source == ".active":
        set_active_work(works / "gone")
    with pytest.raises(WorkError, match="gone") as error:
        find_work("gone" if source == "--work" else None)
    assert source in str(error.value)
    assert str(works / "digits") in str(error.value)


def test_the_toolkits_own_folder_is_not_a_work(works: Path, monkeypatch: pytest.MonkeyPatch):
    assert all((ROOT / name).is_file() for name in TEMPLATE_FILES)
    assert not is_work(ROOT)
    monkeypatch.chdir(ROOT)
    with pytest.raises(WorkError):
        find_work()
    with pytest.raises(WorkError):
        find_work(str(ROOT))


def test_works_are_listed_sorted_and_a_missing_folder_has_none(works: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("b", "a", "c"):
        create_work(works, name)
    assert [path.name for path in list_works()] == ["a", "b", "c"]
    monkeypatch.setenv("BEARCAT_WORKS", str(works / "absent"))
    assert list_works() == []


def test_an_earlier_training_is_moved_to_the_backup_and_nothing_is_deleted(tmp_path: Path):
    work = Work(tmp_path)
    work.make_folders()
    (work.folder("checkpoint") / "epoch_0001.keras").write_bytes(b"weights")
    (work.folder("logs") / "train").mkdir()
    (work.folder("logs") / "train" / "events").write_bytes(b"events")
    (work.data_folder("train") / "ab_1.png").write_bytes(b"image")

    backup = work.archive_training()

    assert backup.parent == tmp_path / "backup"
    assert (backup / "checkpoint" / "epoch_0001.keras").read_bytes() == b"weights"
    assert (backup / "logs" / "train" / "events").read_bytes() == b"events"
    assert (work.data_folder("train") / "ab_1.png").read_bytes() == b"image"
    for name in RUN_FOLDERS:
        assert not work.folder(name).exists() or not any(work.folder(name).iterdir())


def test_backups_within_the_same_second_are_all_kept(tmp_path: Path):
    work = Work(tmp_path)
    backups = []
    for content in ("1", "2", "3"):
        work.make_folders()
        (work.folder("CSVLogger") / "log.csv").write_text(content)
        backups.append(work.archive_training())
    assert [(backup / "CSVLogger" / "log.csv").read_text() for backup in backups] == ["1", "2", "3"]


def test_without_an_earlier_training_there_is_no_backup(tmp_path: Path):
    work = Work(tmp_path)
    assert work.archive_training() is None
    work.make_folders()
    before = sorted(tmp_path.rglob("*"))
    assert work.archive_training() is None
    assert sorted(tmp_path.rglob("*")) == before


def test_making_folders_changes_no_existing_file(tmp_path: Path):
    work = Work(tmp_path)
    work.make_folders()
    image = work.data_folder("validation") / "ab_1.png"
    image.write_bytes(b"image")
    work.make_folders()
    assert image.read_bytes() == b"image"
    assert work.pack_folder("train").is_dir()


def test_a_work_of_an_earlier_version_gets_the_folders_of_images_without_labels(tmp_path: Path):
    work = Work(tmp_path)
    work.make_folders()
    for name in (UNLABELLED, UNLABELLED_PACK):
        work.folder(name).rmdir()
    work.make_folders()
    assert work.folder(UNLABELLED).is_dir()
    assert work.pack_folder("unlabelled") == work.folder(UNLABELLED_PACK)
    assert work.folder(UNLABELLED_PACK).is_dir()
