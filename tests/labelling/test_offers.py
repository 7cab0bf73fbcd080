"""The file that says why the page showed an image, and which images it keeps out of the test set."""

from collections import Counter
from pathlib import Path

from bearcat.core.workspace import Work
from bearcat.data.codecs import Prediction
from bearcat.labelling.offers import FILE, Offer, chosen_digests, chosen_names, record_offer
from bearcat.labelling.order import is_random
from bearcat.labelling.predictors import Predictor
from tests.helpers.labelling import open_session, train_set
from tests.helpers.services import png


def test_the_last_offer_of_an_image_counts(work: Work):
    for digest, offer in (("a", Offer.CHOSEN), ("b", Offer.RANDOM), ("a", Offer.RANDOM), ("c", Offer.CHOSEN)):
        record_offer(work, digest, offer)
    assert chosen_digests(work.path / FILE) == {"c"}
    assert len((work.path / FILE).read_text().splitlines()) == 4


def test_a_line_that_a_kill_cut_off_is_ignored(work: Work):
    record_offer(work, "a", Offer.CHOSEN)
    with (work.path / FILE).open("ab") as file:
        file.write(b'{"image": "b", "off')
    assert chosen_digests(work.path / FILE) == {"a"}
    record_offer(work, "c", Offer.CHOSEN)
    assert chosen_digests(work.path / FILE) == {"a", "c"}


def test_images_are_recorded_by_how_they_were_shown(tmp_path: Path, work: Work):
    folder = tmp_path / "new"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02}.png").write_bytes(png(6 * number))
    session = open_session(folder, work)
    session.confirm(session.current().number, "byname")  # before any prediction: neither chosen nor random
    session.use(Predictor(lambda path: Prediction("ab", (0.9, 0.9))))
    session.open_images()
    shown = []
    for _ in range(10):
        shown.append(session.current())
        label = "random" if is_random(shown[-1], session.queue) else "score"
        session.confirm(shown[-1].number, label)
    grid, _ = session.grid()
    session.confirm_many([(image.number, "grid") for image in grid[:3]], [grid[3].number])
    assert session.current() is grid[3]
    labels = Counter(name.partition("_")[0] for name in chosen_names(work))
    assert labels == {"score": 8, "grid": 3}
    everything = Counter(name.partition("_")[0] for name in train_set(work))
    assert everything == {"byname": 1, "score": 8, "random": 2, "grid": 3}


def test_without_the_file_no_image_was_chosen(folder: Path, work: Work):
    open_session(folder, work).confirm(0, "ab")
    assert chosen_names(work) == set()
