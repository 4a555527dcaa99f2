"""Documents of the repository, for the pages of package registries."""

from __future__ import annotations

import posixpath
import re

from .files import File, text
from .project import ROOT, Project

# The target of a link in Markdown that is neither an address nor a place in the same document.
RELATIVE = re.compile(r"\]\((?!https?://|#)([^)\s]+)\)")


def document(project: Project, path: str) -> File:
    """A document with absolute links, to the repository at the tag of the version: a registry shows
    the document without the files around it."""
    folder = posixpath.dirname(path)
    base = f"{project.repository}/blob/v{project.version}"

    def absolute(link: re.Match[str]) -> str:
        return f"]({base}/{posixpath.normpath(posixpath.join(folder, link[1]))})"

    return text(RELATIVE.sub(absolute, (ROOT / path).read_text()))
