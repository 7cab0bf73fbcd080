"""The fonts of the measuring sets, none of which pretraining/ draws with (HELD_OUT_FONTS in pretraining/fonts.py)."""

from pathlib import Path

from bearcat.core.fonts import font_folders, fonts_in

# family → the beginning of its file names, and the Debian package
FAMILIES = {
    "Persian": (("FreeFarsi", "nazli", "homa"), "fonts-freefarsi fonts-farsiweb"),
    "Bengali": (("Likhan", "Mitra", "Jamrul", "Lohit-Bengali"), "fonts-beng-extra fonts-lohit-beng-bengali"),
    "serif": (("GenBas", "GenBkBas", "Vollkorn-"), "fonts-sil-gentium-basic fonts-vollkorn"),
    "sans": (("Lato-", "ClearSans-", "ComicNeue-"), "fonts-lato fonts-clear-sans fonts-comic-neue"),
}
WEIGHTS_LEFT_OUT = ("hairline", "thin", "light")  # hardly seen in small images


def find_families(folder: Path | None = None) -> dict[str, list[Path]]:
    """Family → its font files, in a folder or the system's; empty for those that are not installed."""
    found = fonts_in(font_folders() if folder is None else [folder])
    files = [path for path in found if not any(weight in path.stem.lower() for weight in WEIGHTS_LEFT_OUT)]
    return {name: [path for path in files if path.name.startswith(starts)] for name, (starts, _) in FAMILIES.items()}
