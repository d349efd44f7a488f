"""Links of the Markdown files: what a link names is there, and has the heading that it jumps to."""

import os
import re
from pathlib import Path

from findings import finding

_fence = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_link = re.compile(r"\]\(([^)\s]+)\)")
_heading = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _without_code(text):
    """Code blocks as empty lines, so that line numbers stay."""
    return _fence.sub(lambda m: "\n" * m.group(0).count("\n"), text)


def anchors(text):
    """The fragments that a page's headings answer to, as the usual hosts of repositories make them."""
    found = set()
    for heading in _heading.findall(_without_code(text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        nth = sum(1 for a in found if a == name or re.fullmatch(re.escape(name) + r"-\d+", a))
        found.add(f"{name}-{nth}" if nth else name)
    return found


def check_page(root, path, text):
    """Findings of one page; `path` is relative to `root`."""
    out = []
    code_free = _without_code(text)
    for match in _link.finditer(code_free):
        target, _, fragment = match.group(1).partition("#")
        if re.match(r"[a-z]+:", target):
            continue  # elsewhere; nothing is fetched by lint
        to = Path(os.path.normpath(Path(root, path).parent / target)) if target else Path(root, path)
        line = code_free.count("\n", 0, match.start()) + 1
        if not to.exists():
            out.append(finding(path, line, "link", f"{match.group(1)}: there is no {target}"))
        elif fragment and (to.suffix != ".md" or fragment not in anchors(to.read_text())):
            out.append(finding(path, line, "link", f"{match.group(1)}: no such heading there"))
    return out
