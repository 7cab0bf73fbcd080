"""Step 13: predict all images of a folder, without the service.

Reads:  the images of a folder and of its direct sub-folders, App_model
Writes: a table with a line per image: report/predictions.csv (EFFICIENTDET: .jsonl), or the file of --out; with
        --copy-doubtful copies of the images whose confidence is low. A second run goes on where the first ended.
Next:   python app.py --label FOLDER, to label the doubtful images
"""

from pathlib import Path

from bearcat.cli import add_restriction, echo, make_parser, open_step, read_restriction, run
from bearcat.core.errors import DataError, SettingsError
from bearcat.data.labels.left_out import files_left_out
from bearcat.reports.folder_predictions import copy_doubtful, predict_folder, table_suffixes
from bearcat.reports.html import plural
from utils import Predict_Image

SHOWN = 5  # damaged images


def main() -> None:
    """Writes the table, and copies the doubtful images if asked to."""
    parser = make_parser(__doc__)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="the images")
    parser.add_argument("--out", metavar="FILE", type=Path, help="the table: a .csv or, with all boxes, a .jsonl file")
    parser.add_argument("--model", default="", help="name of a model in App_model (MODEL_NAME)")
    parser.add_argument("--copy-doubtful", metavar="DIR", type=Path, help="copy images of low confidence to DIR")
    parser.add_argument("--below", type=float, default=0.9, help="confidence below which an image is doubtful (0.9)")
    add_restriction(parser)
    step = open_step(parser)
    arguments = step.arguments
    if not 0 < arguments.below <= 1:
        raise SettingsError(f"--below {arguments.below}: a confidence lies between 0 and 1")
    if not arguments.folder.is_dir():
        raise DataError(f"{arguments.folder} is not a folder")
    predictor = Predict_Image(step.work.folder("App_model"), arguments.model or step.settings.MODEL_NAME)
    suffix = table_suffixes(predictor.recogniser.card)[0]
    table = arguments.out or step.work.folder("report") / f"predictions{suffix}"
    table.parent.mkdir(parents=True, exist_ok=True)
    for left_out in files_left_out(arguments.folder):
        echo(f"Warning: {left_out}")
    found = predict_folder(arguments.folder, predictor.recogniser, table, arguments.below, read_restriction(arguments))
    if found.known:
        echo(f"{plural(found.known, 'image')} were in {table} already, predicted by the same model")
    echo(f"Predicted: {plural(found.predicted, 'image')}, in {table}")
    for message in found.damaged[:SHOWN]:
        echo(f"Damaged: {message}")
    if len(found.damaged) > SHOWN:
        echo(f"… and {len(found.damaged) - SHOWN} more damaged images")
    echo(f"Confidence below {arguments.below}: {plural(len(found.doubtful), 'image')}")
    if arguments.copy_doubtful:
        copied = copy_doubtful(arguments.folder, found.doubtful, arguments.copy_doubtful)
        echo(f"Copied to {arguments.copy_doubtful}: {plural(copied, 'image')}; the originals stay")
        step.next(f"python app.py --label {arguments.copy_doubtful}", "label the doubtful images")
    else:
        step.next("python read_folder.py … --copy-doubtful DIR", "put the doubtful images aside, to label them")


if __name__ == "__main__":
    run(main)
