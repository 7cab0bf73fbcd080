"""Hooks of mkdocs: pages that lie in the project's root, links to files that are no pages, and the language."""

import re
from pathlib import Path, PurePosixPath

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
# page of the site → file in the root, where a code host shows it
ROOT_PAGES = {
    "index.md": "README.md",
    "zh-CN/index.md": "README.zh-CN.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)]*)?\)")


def on_files(files, config):
    """Adds the pages of the root to the site."""
    for page, name in ROOT_PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text(encoding="utf-8")))
    for file in list(files):
        if file.src_uri.endswith(".py"):
            files.remove(file)
    return files


def on_page_context(context, page, config, nav):
    """Lets the theme speak the page's language."""
    config.theme["language"] = "zh" if page.file.src_uri.startswith("zh-CN/") else "en"
    return context


def on_page_markdown(markdown, page, config, files):
    """Points links at the pages of the site, and turns links to other files of the project into plain text."""
    source = PurePosixPath("docs") / page.file.src_uri
    if page.file.src_uri in ROOT_PAGES:
        source = PurePosixPath(ROOT_PAGES[page.file.src_uri])
    pages = {file.src_uri for file in files}
    depth = page.file.src_uri.count("/")

    def resolve(match: re.Match) -> str:
        mark, text, target, anchor = match[1], match[2], match[3], match[4] or ""
        if "://" in target or target.startswith("mailto:"):
            return match[0]
        parts: list[str] = []
        for part in (source.parent / target).parts:
            parts = parts[:-1] if part == ".." else [*parts, part]
        name = "/".join(parts)
        place = next((page for page, file in ROOT_PAGES.items() if file == name), name.removeprefix("docs/"))
        if place in pages:
            return f"{mark}[{text}]({'../' * depth}{place}{anchor})"
        return text

    return LINK.sub(resolve, markdown)
