"""Writes docs/settings.md from the table in bearcat/settings_rules.py: python -m docs.make_settings"""

from pathlib import Path

from bearcat.settings_rules import settings_table

PAGE = Path(__file__).with_name("settings.md")
INTRODUCTION = """# Settings

After reading this page you can look up every setting: its default, what is allowed and what it does. The page is
generated from `bearcat/settings_rules.py`.

`settings.py` in the project's root holds the defaults. The work's `settings.py` overrides it, and `--set NAME=VALUE`
on any command line overrides both. Values are plain Python literals; the files are parsed, never run. All problems
are reported in one message, with what is allowed:

```text
train.py: the settings cannot be used:
  EPOCHS = 0 (--set): an integer from 1 to 1000000 is expected
```

`python cheak_file.py --apply` sets the mode and the input of the network from your images, and `report/check.html`
says why.

"""


def page() -> str:
    """The whole page."""
    return INTRODUCTION + settings_table()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
