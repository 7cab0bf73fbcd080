"""Scores of detected objects: average precision as COCO defines it, and images with every click correct."""

import contextlib
import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from bearcat.data.box_labels import BoxLabels
from bearcat.detection.boxes import MATCH_IOU, iou_matrix
from bearcat.detection.decoding import Detections
from bearcat.reports.text_scores import latency_ms, wilson_interval


def average_precision(truths: Sequence[BoxLabels], found: Sequence[Detections], names: Sequence[str]) -> dict:
    """Average precision, computed by pycocotools.

    Args:
        truths: Labels of the images.
        found: Detected objects of the same images.
        names: Classes of the model. Classes without an object in the labels do not count.

    Returns:
        map_50, map_50_95 and per_class: name → objects, ap_50 and ap_50_95.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    known = list(names) + sorted({name for truth in truths for name in truth.names} - set(names))
    number_of = {name: number for number, name in enumerate(known, start=1)}
    with contextlib.redirect_stdout(io.StringIO()):
        coco, results = COCO(), COCO()
        shared = {
            "images": [{"id": number, "width": t.width, "height": t.height} for number, t in enumerate(truths)],
            "categories": [{"id": number, "name": name} for name, number in number_of.items()],
        }
        coco.dataset = shared | {"annotations": list(_truth_rows(truths, number_of))}
        results.dataset = shared | {"annotations": list(_found_rows(found, number_of))}
        coco.createIndex()
        results.createIndex()
        evaluation = COCOeval(coco, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    # axes: IoU thresholds, recalls, classes, areas (first: all), most detections (last: 100)
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    objects = {name: sum(truth.names.count(name) for truth in truths) for name in known}
    per_class = {
        name: {
            "objects": objects[name],
            "ap_50": float(precision[0, :, number].mean()),
            "ap_50_95": float(precision[:, :, number].mean()),
        }
        for number, name in enumerate(known)
        if objects[name]
    }
    means = {f"map_{limit}": _mean(row[f"ap_{limit}"] for row in per_class.values()) for limit in ("50", "50_95")}
    return means | {"per_class": per_class}


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return float(np.mean(listed)) if listed else 0.0


def _truth_rows(truths: Sequence[BoxLabels], number_of: dict[str, int]) -> Iterator[dict]:
    number = 0
    for image, truth in enumerate(truths):
        for name, box in zip(truth.names, truth.boxes_xyxy, strict=True):
            number += 1
            yield _row(number, image, number_of[name], box) | {"iscrowd": 0}


def _found_rows(found: Sequence[Detections], number_of: dict[str, int]) -> Iterator[dict]:
    number = 0
    for image, detections in enumerate(found):
        for name, box, score in zip(detections.labels, detections.boxes_xyxy, detections.scores, strict=True):
            number += 1
            yield _row(number, image, number_of[name], box) | {"score": float(score)}


def _row(number: int, image: int, category: int, box_xyxy: Sequence[float]) -> dict:
    left, top, right, bottom = map(float, box_xyxy)
    width, height = right - left, bottom - top
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "bbox": [left, top, width, height],
        "area": width * height,
    }


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
