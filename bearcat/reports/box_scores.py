"""Score detections against boxes: average precision as COCO counts it, and images with every click right."""

import contextlib
import io
from collections.abc import Sequence

import numpy as np

from bearcat.data.box_labels import BoxLabels
from bearcat.detection.boxes import iou_matrix
from bearcat.detection.decoding import Detections
from bearcat.reports.text_scores import milliseconds, wilson_interval

RIGHT_IOU = 0.5


def average_precision(truths: Sequence[BoxLabels], found: Sequence[Detections], names: Sequence[str]) -> dict:
    """Return map_50, map_50_95 and per_class {name: {objects, ap_50, ap_50_95}} of pycocotools.

    Classes without an object in the truths count for nothing.
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
    # (IoU thresholds, recalls, classes, areas: all of them, most detections: 100)
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


def _mean(values) -> float:
    values = list(values)
    return float(np.mean(values)) if values else 0.0


def _truth_rows(truths: Sequence[BoxLabels], number_of: dict[str, int]):
    number = 0
    for image, truth in enumerate(truths):
        for name, box in zip(truth.names, truth.boxes_xyxy, strict=True):
            number += 1
            yield _row(number, image, number_of[name], box) | {"iscrowd": 0}


def _found_rows(found: Sequence[Detections], number_of: dict[str, int]):
    number = 0
    for image, detections in enumerate(found):
        triples = zip(detections.labels, detections.boxes_xyxy, detections.scores, strict=True)
        for name, box, score in triples:
            number += 1
            yield _row(number, image, number_of[name], box) | {"score": float(score)}


def _row(number: int, image: int, category: int, box_xyxy) -> dict:
    left, top, right, bottom = map(float, box_xyxy)
    width, height = right - left, bottom - top
    place = {"bbox": [left, top, width, height], "area": width * height}
    return {"id": number, "image_id": image, "category_id": category} | place


def all_right(truth: BoxLabels, found: Detections) -> bool:
    """Tell whether every object has a sure box of its class (IoU ≥ 0.5) of its own, and no sure box is left over."""
    return badness(truth, found) == 0


def _hits(truth: BoxLabels, found: Detections) -> int:
    """Return how many objects have a sure box of their own."""
    free = list(range(found.count))
    shared = iou_matrix(truth.boxes_xyxy.astype(float), found.boxes_xyxy[: found.count])
    for name, row in zip(truth.names, shared, strict=True):
        fitting = [n for n in free if found.labels[n] == name and row[n] >= RIGHT_IOU]
        if fitting:
            free.remove(max(fitting, key=lambda n: row[n]))
    return found.count - len(free)


def badness(truth: BoxLabels, found: Detections) -> int:
    """Return how many objects of an image were missed, and how many were found that are none."""
    return len(truth.names) + found.count - 2 * _hits(truth, found)


def points_right(truth: BoxLabels, prompt: Sequence[str], points: Sequence[Sequence[float] | None]) -> bool:
    """Tell whether each point of a prompt lies inside the box of its own object, in order."""
    left = list(zip(truth.names, truth.boxes_xyxy.tolist(), strict=True))
    for name, point in zip(prompt, points, strict=True):
        hit = next((item for item in left if item[0] == name and point and _inside(point, item[1])), None)
        if hit is None:
            return False
        left.remove(hit)
    return True


def _inside(point: Sequence[float], box: Sequence[float]) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def score_detections(
    files: Sequence[str],
    truths: Sequence[BoxLabels],
    prompts: Sequence[list[str] | None],
    found: Sequence[Detections],
    seconds: Sequence[float],
) -> dict:
    """Return report/test.json: one entry each of files, truths, prompts, detections and seconds an image."""
    right = [all_right(*pair) for pair in zip(truths, found, strict=True)]
    names = found[0].names
    asked = [
        points_right(truth, prompt, one.points(prompt)) if set(prompt) <= set(names) else False
        for truth, prompt, one in zip(truths, prompts, found, strict=True)
        if prompt
    ]
    report = {
        "images": len(files),
        **average_precision(truths, found, names),
        "all_clicks_correct": sum(right) / len(right),
        "all_clicks_correct_ci95": list(wilson_interval(sum(right), len(right))),
        "ms_per_image": milliseconds(seconds),
        "mistakes": [
            {"file": file, "label": sorted(truth.names), "read": sorted(one.labels[: one.count])}
            for file, truth, one, hit in zip(files, truths, found, right, strict=True)
            if not hit
        ],
    }
    if asked:
        report |= {
            "prompts": len(asked),
            "points_correct": sum(asked) / len(asked),
            "points_correct_ci95": list(wilson_interval(sum(asked), len(asked))),
        }
    return report
