"""After step 5: measure how strong a captcha is, by what programs read after learning from a few labels, and people.

Trains on 0, 10, 25, 50, 100, 200 and 400 of the labelled images, three times with other images each, and tests on
images that no training has seen. Programs that anyone can install (ddddocr, tesseract) are tested too if they are.
Test captchas of your own, or with the consent of their owners.

--sweep varies the generated captchas of captcha_config.json instead, one key at a time, and shows which change makes
them harder for programs for the least loss of legibility. It needs no images.

Reads:  train_dataset, validation_dataset, test_dataset; blind.jsonl, what people typed (app.py --label --blind);
        --sweep: captcha_config.json
Writes: report/strength.json and, for people, report/strength.html; report/strength: the finished trials, which the
        next run keeps; --sweep: in it also the images that were tested, on which people can be tested too
Next:   python app.py --label --blind, to compare with what people read
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from types import SimpleNamespace

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.data.labels.listing import list_images
from bearcat.data.labels.reading import LabelledImage, load_split
from bearcat.labelling.blind.records import read_answers, score_answers
from bearcat.reports.html import write_page
from bearcat.strength.ladder import Ladder, TrialSettings
from bearcat.strength.page import answers_by_sweep, strength_page
from bearcat.strength.plan import Budget, check_duration, parse_minutes, parse_seconds
from bearcat.strength.readers.off_the_shelf import score_readers
from bearcat.strength.report import Facts, make_report, read_report
from bearcat.strength.samples import case_of, check_mode, load_samples
from bearcat.strength.sweep.page import conclude, sweep_section
from bearcat.strength.sweep.report import earlier_sweep, make_sweep_report, swept_facts, swept_images
from bearcat.strength.sweep.runs import run_sweep
from utils import Image_Processing

BUILD, LOAD = "models.build_for", "utils.Predict_Image"  # imported only by the processes that need them
SECONDS = 60


def main() -> None:
    """Measures, and writes the report."""
    step = open_step(make_strength_parser())
    budget = Budget(step.arguments.budget)
    settings = SimpleNamespace(**vars(step.settings) | {"TRAIN_SECONDS": step.arguments.seconds})
    check_mode(settings)
    check_duration(step.arguments.set)
    if step.arguments.sweep:
        sweep(step, settings, budget)
    else:
        measure(step, settings, budget)


def make_strength_parser() -> argparse.ArgumentParser:
    """Returns the parser of the options."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "--seconds",
        type=parse_seconds,
        default=SECONDS,
        metavar="N",
        help=f"TRAIN_SECONDS of each training ({SECONDS}); 0: as long as EPOCHS says; an attacker may take longer",
    )
    parser.add_argument(
        "--budget", type=parse_minutes, metavar="MINUTES", help="start no training that would end later than that"
    )
    parser.add_argument(
        "--sweep", action="store_true", help="vary one key of captcha_config.json at a time, and compare"
    )
    return parser


def measure(step: Step, settings: SimpleNamespace, budget: Budget) -> None:
    """Trains on ever more labels, tests, and writes the report."""
    samples = load_samples(step.work, settings, Image_Processing)
    seen = f" ({samples.seen} others of the test set are left out: they are among the former)" if samples.seen else ""
    echo(f"{len(samples.pool)} labelled images to learn from, {len(samples.tested)} unseen ones to test on{seen}")
    swept = earlier_sweep(step.work)
    readers, missing_readers = score_readers(samples.tested, samples.ignore_case)
    ladder = Ladder(step.work, samples, TrialSettings(settings, step.arguments.set, BUILD, LOAD))
    echo(ladder.estimate())
    stopped = ladder.run(budget, echo)
    people = score_answers(read_answers(step.work), step.work.data_folder("test"))
    report = make_report(
        Facts(
            settings.MODE,
            len(samples.characters),
            samples.lengths,
            len(samples.tested),
            len(samples.pool),
            settings.TRAIN_SECONDS,
            case_of(samples.labels),
        ),
        ladder.results,
        readers,
        asdict(people) if people else None,
        stopped,
        swept,
        missing_readers,
    )
    answer = [stopped, report["verdict"]["sentences"][0]]
    write_reports(step, report, samples.tested, answer)
    step.next("python app.py --label --blind", "let people read the same images, then run this again")


def sweep(step: Step, settings: SimpleNamespace, budget: Budget) -> None:
    """Trains on variants of the generated captchas, and writes the report, whose other parts stay."""
    images = []
    if read_report(step.work).get("images_tested") and list_images(step.work.data_folder("test")):
        # the other parts show them; a wrong label is refused before the trainings, not after
        images = load_split(step.work, "test", settings.MODE, Image_Processing, settings.IGNORE_CASE)
    swept = run_sweep(step.work, settings, step.arguments.set, budget, echo)
    part = make_sweep_report(step.work, swept)
    report = read_report(step.work)
    if not report.get("images_tested"):  # none, or that of a sweep alone
        report, images = make_report(swept_facts(swept.config, settings.MODE), []), swept_images(step.work, swept)
    write_reports(step, report | {"sweep": part}, images, [conclude(part)])


def write_reports(step: Step, report: dict, images: Sequence[LabelledImage], answer: Sequence[str]) -> None:
    """Writes report/strength.json and report/strength.html, and prints the lines of the answer."""
    step.write_report("strength", report)
    page = step.work.report_file("strength").with_suffix(".html")
    part = report["sweep"]
    sections = [sweep_section(part, step.work.path, concludes=not answers_by_sweep(report))] if part else []
    write_page(page, strength_page(step.work.path.name, report, images, sections))
    for line in filter(None, answer):
        echo(line)
    echo(f"Report with images: {page}")


if __name__ == "__main__":
    run(main)
