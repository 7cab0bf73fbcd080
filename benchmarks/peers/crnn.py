"""A CRNN like dddd_trainer's, in PyTorch: seven convolutions, a bidirectional LSTM, CTC.

From its published configuration: grey images 64 high with their aspect ratio kept, batches of 32; filters 16, 32, 64,
64, 128, 128, 128 with batch normalisation after the third, fifth and last; the learning rate falls by 2 % per epoch.
With Adam at 1e-3, which it offers: with its default, SGD at 0.01, nothing was correct after ten minutes on two cores.
"""

import importlib.util
import io

import numpy as np
from PIL import Image

from bearcat.core.workspace import Work
from benchmarks.peers.recogniser import Progress, Recogniser, characters_of, collapse, indices_of, labelled

HEIGHT, FEATURE_HEIGHT = 64, 3  # pixels of the image, and rows of the last convolution's output
FILTERS = (16, 32, 64, 64, 128, 128, 128)
NORMALISED = (2, 4, 6)  # convolutions with batch normalisation
POOLING = {0: (2, 2), 1: (2, 2), 3: (2, 1), 5: (2, 1)}  # convolution → strides of the pooling after it
EPOCHS, BATCH, PATIENCE = 200, 32, 10


def is_installed() -> bool:
    """Whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def train(work: Work, seconds: int, limit: int) -> Recogniser:
    """Trains until the exact match has not improved for ten epochs, or the limit ends it."""
    import torch

    torch.manual_seed(0)
    splits = {split: labelled(work.data_folder(split)) for split in ("train", "validation")}
    characters = characters_of([item for items in splits.values() for item in items])
    width = fitting_width(splits["train"][0].path.read_bytes())
    data = {split: as_tensors(items, characters, width) for split, items in splits.items()}
    network = build(len(characters) + 1)
    progress = Progress(limit)
    best = fit(network, data, [item.label for item in splits["validation"]], characters, progress)
    train_seconds = progress.seconds
    network.load_state_dict(best)
    network.eval()

    @torch.inference_mode()
    def predict(image: bytes) -> str:
        classes = network(torch.from_numpy(pixels(image, width)[None]))[:, 0].argmax(-1)
        return collapse(classes.tolist(), characters)

    count = sum(parameter.numel() for parameter in network.parameters())
    return Recogniser(predict, count, train_seconds, progress.seconds_to_good)


def fit(network, data: dict, labels: list[str], characters: list[str], progress: Progress) -> dict:
    """Runs the epochs and returns the weights with the highest validation exact match, the last of equals."""
    import torch

    optimizer = torch.optim.Adam(network.parameters(), 1e-3, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.98)
    best_exact, best, waited = 0.0, network.state_dict(), 0
    images, targets, lengths = data["train"]
    for _ in range(EPOCHS):
        network.train()
        for chosen in torch.randperm(len(images)).split(BATCH):
            loss = ctc_loss(network(images[chosen]), targets[chosen], lengths[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if progress.is_over:
                break
        schedule.step()
        exact = exact_match(network, data["validation"][0], labels, characters)
        progress.observe(exact)
        waited = 0 if exact > best_exact or not exact else waited + 1
        if exact >= best_exact:
            best_exact, best = exact, {name: value.clone() for name, value in network.state_dict().items()}
        if progress.is_over or waited >= PATIENCE:
            break
    return best


def ctc_loss(logits, targets, lengths):
    """Returns the mean loss of logits (steps, N, classes)."""
    import torch

    steps = torch.full((logits.shape[1],), logits.shape[0], dtype=torch.long)
    return torch.nn.functional.ctc_loss(logits.log_softmax(2), targets, steps, lengths, zero_infinity=True)


def exact_match(network, images, labels: list[str], characters: list[str]) -> float:
    """Returns the exact match on images (N, 1, HEIGHT, width)."""
    import torch

    network.eval()
    with torch.inference_mode():
        classes = torch.cat([network(batch).argmax(-1).T for batch in images.split(4 * BATCH)])
    texts = [collapse(row, characters) for row in classes.tolist()]
    return float(np.mean([text == label for text, label in zip(texts, labels, strict=True)]))


def build(classes: int):
    """Builds the network: images (N, 1, HEIGHT, width) in [0, 1] → logits (steps, N, classes)."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolutions = nn.Sequential(*convolutions(nn))
            features = FILTERS[-1] * FEATURE_HEIGHT
            self.context = nn.LSTM(features, features, bidirectional=True)
            self.head = nn.Linear(2 * features, classes)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = self.convolutions(images)
            columns = maps.permute(3, 0, 1, 2).flatten(2)
            return self.head(self.context(columns)[0])

    return Network()


def convolutions(nn) -> list:
    """Builds the convolutions; the last one, of 2×2, is not padded."""
    layers, last = [], len(FILTERS) - 1
    for number, (before, after) in enumerate(zip((1, *FILTERS), FILTERS, strict=False)):
        layers.append(nn.Conv2d(before, after, *((2,) if number == last else (3, 1, 1))))
        layers += [nn.BatchNorm2d(after)] * (number in NORMALISED)
        layers.append(nn.ReLU())
        if number in POOLING:
            layers.append(nn.MaxPool2d(2, POOLING[number], (0, 2 - POOLING[number][1])))
    return layers


def fitting_width(image: bytes) -> int:
    """Returns the width of an image when scaled to HEIGHT."""
    width, height = Image.open(io.BytesIO(image)).size
    return round(HEIGHT * width / height)


def pixels(image: bytes, width: int) -> np.ndarray:
    """Returns an image (1, HEIGHT, width), float32 in [0, 1]."""
    grey = Image.open(io.BytesIO(image)).convert("L").resize((width, HEIGHT), Image.Resampling.BILINEAR)
    return np.asarray(grey, np.float32)[None] / 255


def as_tensors(items: list, characters: list[str], width: int) -> tuple:
    """Returns images (N, 1, HEIGHT, width), targets (N, longest) padded with 0, and the lengths of the labels (N,)."""
    import torch

    images = torch.from_numpy(np.stack([pixels(item.path.read_bytes(), width) for item in items]))
    labels = [torch.tensor(label) for label in indices_of(items, characters)]
    return (
        images,
        torch.nn.utils.rnn.pad_sequence(labels, batch_first=True),
        torch.tensor([len(label) for label in labels]),
    )
