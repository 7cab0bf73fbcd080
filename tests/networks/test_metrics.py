"""The metric counts what the codecs decode."""

import numpy as np
import pytest

from bearcat.data.codecs import TEXT_CODECS, make_codec, pad_targets
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import Task
from bearcat.networks.metrics import ExactMatch

VOCABULARY = Vocabulary(tuple("abc"))


@pytest.mark.parametrize("mode", [mode for mode, codec in TEXT_CODECS.items() if codec.task == Task.TEXT])
@pytest.mark.parametrize("width", [3, 9])
def test_the_metric_counts_exact_matches_of_the_codec(mode: str, width: int):
    random = np.random.default_rng(1)
    logits = random.normal(size=(400, 5, len(VOCABULARY))).astype(np.float32)
    texts = [prediction.text for prediction in make_codec(mode, VOCABULARY, 5).decode(logits)]
    # half of the labels are the predictions, the others most likely are not
    labels = [text if number % 2 else "".join(random.choice(list("abc"), 2)) for number, text in enumerate(texts)]
    kept = [number for number, label in enumerate(labels) if len(label) <= width]
    metric = ExactMatch(mode)
    metric.update_state(pad_targets([VOCABULARY.encode(labels[n]) for n in kept], width), logits[kept])
    assert float(metric.result()) == pytest.approx(np.mean([labels[n] == texts[n] for n in kept]))


def test_a_class_is_never_the_blank():
    metric = ExactMatch("NUM_CLASSES")
    metric.update_state(np.array([[1], [2]]), np.array([[[9.0, 2.0, 1.0]], [[9.0, 2.0, 1.0]]]))
    assert float(metric.result()) == 0.5


def test_the_metric_survives_saving():
    metric = ExactMatch("CTC")
    assert ExactMatch.from_config(metric.get_config()).mode == "CTC"
