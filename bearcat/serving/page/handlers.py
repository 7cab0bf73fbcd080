"""What happens when something is done on the page: an image comes, an example or another unit is chosen."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import gradio
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from bearcat.serving.page.prediction import PageError, Read, read_image, takes_prompt
from bearcat.serving.page.render import Past, remember, show_answer, show_history, show_note
from bearcat.serving.page.translations import words_of

MOST_PROMPT = 500  # characters


class Desk:
    """Answers the page: every method takes and returns what gradio's components hold."""

    def __init__(self, units: Mapping[str, Read], modes: Mapping[str, str], examples: Sequence[Path]):
        self.units = units
        self.modes = modes
        self.examples = examples
        self.uploads = Path(get_upload_folder()).resolve()

    def choose_units(self, name: str | None) -> tuple:
        """Return the choice of units and the place for a prompt, by what is served now."""
        names = list(self.units)
        name = name if name in names else next(iter(names), None)
        return gradio.Dropdown(names, value=name, visible=len(names) > 1), self.ask_prompt(name)

    def ask_prompt(self, name: str | None) -> gradio.Textbox:
        """Return the place for a prompt: there where the unit finds boxes."""
        return gradio.Textbox(visible=takes_prompt(self.modes, name))

    def take_example(self, index: int) -> str:
        """Return a copy of an example for the image's place; the page may show no file but its own."""
        return save_file_to_cache(self.examples[index], str(self.uploads))

    def read(self, file: str | None, name: str, prompt: str, past: list[Past], request: gradio.Request) -> tuple:
        """Return the answer, the history and what is kept of it."""
        words = words_of(request.headers.get("accept-language", ""))
        if file is None:
            return show_note(words["waiting"]), show_history(past, words), past
        try:
            path = self.uploaded(file)
            answer = read_image(self.units, path, name, (prompt or "")[:MOST_PROMPT])
        except PageError as error:
            return show_note(error.told(words), wrong=True), show_history(past, words), past
        past = remember(past, path, answer.prediction)
        return show_answer(path, answer, words), show_history(past, words), past

    def uploaded(self, file: str) -> Path:
        """Return the path of an uploaded image; raise PageError for any other file of this machine."""
        path = Path(file).resolve()
        if not path.is_relative_to(self.uploads):
            raise PageError("choose")
        return path
