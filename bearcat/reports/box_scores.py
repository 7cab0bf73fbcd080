"""Scores of detected objects: images with every object, or every click, correct; and their report."""

from collections.abc import Sequence

from bearcat.core.intervals import wilson_interval
from bearcat.data.labels.boxes import BoxLabels
from bearcat.detection.average_precision import average_precision
from bearcat.detection.boxes import MATCH_IOU, iou_matrix
from bearcat.detection.decoding import Detections
from bearcat.reports.text_scores import latency_ms


def is_exact_match(truth: BoxLabels, found: Detections) -> bool:
    """Whether every object is detected (same class, IoU of at least 0.5) and nothing else is."""
    return count_errors(truth, found) == 0


def count_errors(truth: BoxLabels, found: Detections) -> int:
    """Number of missed objects and false detections in an image."""
    return len(truth.names) + found.count - 2 * _count_matches(truth, found)


def _count_matches(truth: BoxLabels, found: Detections) -> int:
    free = list(range(found.count))
    ious = iou_matrix(truth.boxes_xyxy.astype(float), found.boxes_xyxy[: found.count])
    for name, row in zip(truth.names, ious, strict=True):
        candidates = [n for n in free if found.labels[n] == name and row[n] >= MATCH_IOU]
        if candidates:
            free.remove(max(candidates, key=lambda n: row[n]))
    return found.count - len(free)


def points_are_correct(truth: BoxLabels, prompt: Sequence[str], points: Sequence[Sequence[float] | None]) -> bool:
    """Whether each point lies in a box of its own with the name at that place of the prompt."""
    free = list(zip(truth.names, truth.boxes_xyxy.tolist(), strict=True))
    for name, point in zip(prompt, points, strict=True):
        hit = next((item for item in free if item[0] == name and point and _is_inside(point, item[1])), None)
        if hit is None:
            return False
        free.remove(hit)
    return True


def _is_inside(point: Sequence[float], box: Sequence[float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def score_detections(
    files: Sequence[str],
    truths: Sequence[BoxLabels],
    prompts: Sequence[list[str] | None],
    found: Sequence[Detections],
    seconds: Sequence[float],
) -> dict:
    """Compares detected objects with labels.

    Args:
        files: Names of the images.
        truths: Their labels.
        prompts: Names to click in order, None for an image without a prompt.
        found: What the model detects in them.
        seconds: Time per image.

    Returns:
        The figures of report/test.json.
    """
    exact = [is_exact_match(*pair) for pair in zip(truths, found, strict=True)]
    names = found[0].names
    clicks = [
        points_are_correct(truth, prompt, one.points(prompt)) if set(prompt) <= set(names) else False
        for truth, prompt, one in zip(truths, prompts, found, strict=True)
        if prompt
    ]
    report = {
        "images": len(files),
        **average_precision(truths, found, names),
        "all_clicks_correct": sum(exact) / len(exact),
        "all_clicks_correct_ci95": list(wilson_interval(sum(exact), len(exact))),
        "ms_per_image": latency_ms(seconds),
        "mistakes": [
            {"file": file, "label": sorted(truth.names), "read": sorted(one.labels[: one.count])}
            for file, truth, one, hit in zip(files, truths, found, exact, strict=True)
            if not hit
        ],
    }
    if clicks:
        report |= {
            "prompts": len(clicks),
            "points_correct": sum(clicks) / len(clicks),
            "points_correct_ci95": list(wilson_interval(sum(clicks), len(clicks))),
        }
    return report
