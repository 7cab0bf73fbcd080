"""Real captchas, if they are available: split, checked and packed like the user's own."""

import zipfile
from pathlib import Path

import pytest

from tests.helpers.steps import ROOT, read_report, run_ok

DATA = ROOT.parent / "shared" / "data"
# images, mode, height, width, channels, longest label
SETS = {
    "captchav2": (1070, "ORDINARY", 50, 200, 1, 5),
    "bjtu_math": (2000, "ORDINARY", 42, 130, 1, 6),
}


@pytest.mark.parametrize("name", SETS)
def test_a_real_set_is_split_checked_and_packed(name: str, works: Path):
    archive = DATA / f"{name}.zip"
    if not archive.is_file():
        pytest.skip(f"{archive.name} is missing: these images are not part of the project")
    images, mode, *sizes = SETS[name]
    run_ok("New_work.py", works, name)
    run_ok("init_working_space.py")
    with zipfile.ZipFile(archive) as files:
        for member in files.namelist():
            if not member.endswith("/"):
                folder = "test_dataset" if "test" in Path(member).parts else "train_dataset"
                (works / name / folder / Path(member).name).write_bytes(files.read(member))
    run_ok("move_path.py")
    counts = read_report(works / name, "split")["pictures"]
    assert sum(counts.values()) == images
    run_ok("cheak_file.py", "--apply")
    names = ("IMAGE_HEIGHT", "IMAGE_WIDTH", "IMAGE_CHANNALS", "CAPTCHA_LENGTH")
    suggested = {"MODE": mode} | dict(zip(names, sizes, strict=True))
    assert read_report(works / name, "check")["suggested"] == suggested
    run_ok("pack_dataset.py")
    packed = read_report(works / name, "pack")
    assert packed["damaged"] == []
    assert packed["pictures"] == {split: counts[split] for split in ("train", "validation")}
