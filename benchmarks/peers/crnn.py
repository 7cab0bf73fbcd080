"""A network of dddd_trainer's shape in PyTorch: seven convolutions, a bidirectional LSTM, CTC.

From its published configuration: grey images 64 high and as wide as they come, 32 a step; filters 16, 32, 64, 64,
128, 128, 128 with batch normalisation after the third, fifth and last; the rate falls by 2 % every epoch. With Adam,
which it offers, and at 1e-3: with its default, SGD at 0.01, it read nothing after ten minutes on two cores.
"""

import importlib.util
import io

import numpy as np
from PIL import Image

from bearcat.core.workspace import Work
from benchmarks.peers.readers import Progress, Reader, characters_of, collapse, labelled, rows_of

HEIGHT, LEFT_OF_IT = 64, 3  # rows of the image, and of the last convolution's output
FILTERS = (16, 32, 64, 64, 128, 128, 128)
NORMALISED = (2, 4, 6)
POOLED = {0: (2, 2), 1: (2, 2), 3: (2, 1), 5: (2, 1)}  # after which convolution, with which strides
EPOCHS, BATCH, PATIENCE = 200, 32, 10


def is_here() -> bool:
    """Tell whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def train(work: Work, seconds: int, limit: int) -> Reader:
    """Train until ten epochs bring no smaller validation loss once something is read, or the limit ends it."""
    import torch

    torch.manual_seed(0)
    splits = {split: labelled(work.data_folder(split)) for split in ("train", "validation")}
    characters = characters_of([item for items in splits.values() for item in items])
    width = fitting_width(splits["train"][0].path.read_bytes())
    data = {split: as_tensors(items, characters, width) for split, items in splits.items()}
    network = build(len(characters) + 1)
    progress = Progress(limit)
    best = learn(network, data, [item.label for item in splits["validation"]], characters, progress)
    took = progress.seconds
    network.load_state_dict(best)
    network.eval()

    @torch.inference_mode()
    def read(image: bytes) -> str:
        rows = network(torch.from_numpy(pixels(image, width)[None]))[:, 0].argmax(-1)
        return collapse(rows.tolist(), characters)

    count = sum(parameter.numel() for parameter in network.parameters())
    return Reader(read, count, took, progress.enough_after)


def learn(network, data: dict, labels: list[str], characters: list[str], progress: Progress) -> dict:
    """Run the epochs; return the weights that read most of the validation images, of equals the last."""
    import torch

    optimizer = torch.optim.Adam(network.parameters(), 1e-3, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.98)
    most, best, waited = 0.0, network.state_dict(), 0
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
        exact = share_read(network, data["validation"][0], labels, characters)
        progress.observe(exact)
        waited = 0 if exact > most or not exact else waited + 1
        if exact >= most:
            most, best = exact, {name: value.clone() for name, value in network.state_dict().items()}
        if progress.is_over or waited >= PATIENCE:
            break
    return best


def ctc_loss(logits, targets, lengths):
    """Return the mean loss of logits (steps, N, rows)."""
    import torch

    steps = torch.full((logits.shape[1],), logits.shape[0], dtype=torch.long)
    return torch.nn.functional.ctc_loss(logits.log_softmax(2), targets, steps, lengths, zero_infinity=True)


def share_read(network, images, labels: list[str], characters: list[str]) -> float:
    """Return the share of images that are read right."""
    import torch

    network.eval()
    with torch.inference_mode():
        rows = torch.cat([network(batch).argmax(-1).T for batch in images.split(4 * BATCH)])
    return float(
        np.mean([collapse(read, characters) == label for read, label in zip(rows.tolist(), labels, strict=True)])
    )


def build(rows: int):
    """Return a network with logits (steps, N, rows) of images (N, 1, 64, width) in 0 … 1."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolutions = nn.Sequential(*convolutions(nn))
            features = FILTERS[-1] * LEFT_OF_IT
            self.context = nn.LSTM(features, features, bidirectional=True)
            self.head = nn.Linear(2 * features, rows)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            maps = self.convolutions(images)
            columns = maps.permute(3, 0, 1, 2).flatten(2)
            return self.head(self.context(columns)[0])

    return Network()


def convolutions(nn) -> list:
    """Return the layers that see; the last convolution, of 2×2, is not padded."""
    made, last = [], len(FILTERS) - 1
    for number, (before, after) in enumerate(zip((1, *FILTERS), FILTERS, strict=False)):
        made.append(nn.Conv2d(before, after, *((2,) if number == last else (3, 1, 1))))
        made += [nn.BatchNorm2d(after)] * (number in NORMALISED)
        made.append(nn.ReLU())
        if number in POOLED:
            made.append(nn.MaxPool2d(2, POOLED[number], (0, 2 - POOLED[number][1])))
    return made


def fitting_width(image: bytes) -> int:
    """Return how wide an image is when it is HEIGHT high."""
    width, height = Image.open(io.BytesIO(image)).size
    return round(HEIGHT * width / height)


def pixels(image: bytes, width: int) -> np.ndarray:
    """Return an image (1, HEIGHT, width), float32 in 0 … 1."""
    grey = Image.open(io.BytesIO(image)).convert("L").resize((width, HEIGHT), Image.Resampling.BILINEAR)
    return np.asarray(grey, np.float32)[None] / 255


def as_tensors(items: list, characters: list[str], width: int) -> tuple:
    """Return images (N, 1, HEIGHT, width), targets (N, longest) padded with 0, and the labels' lengths."""
    import torch

    images = torch.from_numpy(np.stack([pixels(item.path.read_bytes(), width) for item in items]))
    rows = [torch.tensor(row) for row in rows_of(items, characters)]
    return images, torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])
