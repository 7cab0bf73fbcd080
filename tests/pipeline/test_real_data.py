"""Real captchas, where the workplace has them: they are inspected, split and packed as users' own are."""

import zipfile
from pathlib import Path

import pytest

from tests.helpers.steps import ROOT, read_report, run_well

DATA = ROOT.parent / "shared" / "data"
# images, mode, height, width, channels, longest label
SETS = {
    "captchav2": (1070, "ORDINARY", 50, 200, 1, 5),
    "bjtu_math": (2000, "ORDINARY", 42, 130, 1, 6),
}


@pytest.mark.parametrize("name", SETS)
def test_a_real_set_walks_the_road_up_to_its_packs(name: str, works: Path):
    archive = DATA / f"{name}.zip"
    if not archive.is_file():
        pytest.skip(f"{archive.name} is not there: these images are not part of the project")
    images, mode, *sizes = SETS[name]
    run_well("New_work.py", works, name)
    run_well("init_working_space.py")
    with zipfile.ZipFile(archive) as pile:
        for member in pile.namelist():
            if not member.endswith("/"):
                folder = "test_dataset" if "test" in Path(member).parts else "train_dataset"
                (works / name / folder / Path(member).name).write_bytes(pile.read(member))
    run_well("move_path.py")
    counts = read_report(works / name, "split")["pictures"]
    assert sum(counts.values()) == images
    run_well("cheak_file.py", "--apply")
    names = ("IMAGE_HEIGHT", "IMAGE_WIDTH", "IMAGE_CHANNALS", "CAPTCHA_LENGTH")
    suggested = {"MODE": mode} | dict(zip(names, sizes, strict=True))
    assert read_report(works / name, "check")["suggested"] == suggested
    run_well("pack_dataset.py")
    packed = read_report(works / name, "pack")
    assert packed["damaged"] == []
    assert packed["pictures"] == {split: counts[split] for split in ("train", "validation")}
