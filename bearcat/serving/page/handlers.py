"""Event handlers of the page: an image arrives, an example or another model is chosen."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import gradio
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from bearcat.serving.page.prediction import PageError, Predict, finds_objects, predict_image
from bearcat.serving.page.render import HistoryEntry, add_to_history, answer_html, history_html, note_html
from bearcat.serving.page.translations import texts_for

MAX_PROMPT = 500  # characters


class Handlers:
    """The functions behind the page's events; they take and return the values of gradio components."""

    def __init__(self, models: Mapping[str, Predict], modes: Mapping[str, str], examples: Sequence[Path]):
        self.models = models
        self.modes = modes
        self.examples = examples
        self.uploads = Path(get_upload_folder()).resolve()

    def list_models(self, name: str | None) -> tuple[gradio.Dropdown, gradio.Textbox]:
        """Updates the choice of models to those that are served now, and shows or hides the prompt."""
        names = list(self.models)
        name = name if name in names else next(iter(names), None)
        return gradio.Dropdown(names, value=name, visible=len(names) > 1), self.show_prompt(name)

    def show_prompt(self, name: str | None) -> gradio.Textbox:
        """Shows the prompt if the model finds objects, else hides it."""
        return gradio.Textbox(visible=finds_objects(self.modes, name))

    def choose_example(self, index: int) -> str:
        """Copies an example to the uploads, the only files that the page may show."""
        return save_file_to_cache(self.examples[index], str(self.uploads))

    def predict(
        self, file: str | None, name: str, prompt: str, history: list[HistoryEntry], request: gradio.Request
    ) -> tuple[str, str, list[HistoryEntry]]:
        """Returns the answer as HTML, the history as HTML, and the history itself."""
        texts = texts_for(request.headers.get("accept-language", ""))
        if file is None:
            return note_html(texts["waiting"]), history_html(history, texts), history
        try:
            path = self.check_upload(file)
            answer = predict_image(self.models, path, name, (prompt or "")[:MAX_PROMPT])
        except PageError as error:
            return note_html(error.message(texts), is_error=True), history_html(history, texts), history
        history = add_to_history(history, path, answer.prediction)
        return answer_html(path, answer, texts), history_html(history, texts), history

    def check_upload(self, file: str) -> Path:
        """Returns the path of an uploaded image.

        Raises:
            PageError: The file lies anywhere else on this machine.
        """
        path = Path(file).resolve()
        if not path.is_relative_to(self.uploads):
            raise PageError("choose")
        return path
