"""The style rules that matter, as a check: sizes, headers, leftovers, words that do not belong here."""

import os
import re
from pathlib import Path

import cpp_text
import links
from edges import parse_rules, within
from findings import finding

max_file_lines = 500
max_function_lines = 70

cpp_suffixes = (".cpp", ".hpp")
code_suffixes = cpp_suffixes + (".py", ".mjs", ".js", ".sh", ".cmake")
_text_suffixes = code_suffixes + (".md", ".txt", ".yaml", ".yml", ".json", ".html", ".css", ".sql", "")
_skip_folders = {".git", "build", "node_modules", "__pycache__", "corpus", "found", ".cache"}

_leftover = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
_skipped_test = re.compile(
    r"\bGTEST_SKIP\b|\bDISABLED_|unittest\.skip|\.skipTest\(|\b(?:it|test|describe)\.(?:skip|todo)\b"
)
_using_namespace = re.compile(r"^\s*using\s+namespace\b", re.MULTILINE)
_unordered = re.compile(r"\bunordered_(?:map|set|multimap|multiset)\b")
# Hosts of registries and paths of one machine: whoever clones this has others.
_foreign = re.compile(
    r"registry\.npmjs|registry\.yarnpkg|deb\.debian\.org|snapshot\.debian|security\.debian\.org|pypi\.org"
    r"|(?<![\w.-])/work/|/tmp/w/|/home/\w+/|/root/\w"
)


def text_files(root):
    """Every text file of the tree, relative, sorted."""
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if n not in _skip_folders)
        for name in sorted(files):
            path = Path(folder, name)
            if path.suffix in _text_suffixes and not path.is_symlink():
                yield path.relative_to(root)


def cpp_files(root):
    """The C++ that is ours to format."""
    return [p for p in text_files(root) if p.suffix in cpp_suffixes]


def _line(text, position):
    return text.count("\n", 0, position) + 1


def _each(pattern, text, path, rule, message):
    return [finding(path, _line(text, m.start()), rule, message.format(m.group(0).strip())) for m in pattern.finditer(text)]


def check_any(path, text):
    """Rules of every text file."""
    out = []
    if not path.startswith("lint/"):  # the rules name what they forbid
        out += _each(_leftover, text, path, "leftover", "'{}': do it or file an issue")
        out += _each(_skipped_test, text, path, "skipped-test", "'{}': a test runs or is removed")
        out += _each(_foreign, text, path, "foreign", "'{}' names one machine or registry")
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith((" ", "\t", "\r")):
            out.append(finding(path, number, "white-space", "white space at the end of the line"))
    if text and not text.endswith("\n"):
        out.append(finding(path, _line(text, len(text)), "white-space", "no new line at the end of the file"))
    if path.endswith("package-lock.json"):
        out += _each(re.compile(r'"resolved"'), text, path, "lock", "{}: npm install with --omit-lockfile-registry-resolved")
    elif Path(path).suffix in code_suffixes or path == "dev":
        lines = text.count("\n")
        if lines > max_file_lines:
            out.append(finding(path, lines, "file-size", f"{lines} lines, at most {max_file_lines}: split it"))
    return out


def check_cpp(path, text, rules):
    """Rules of C++ files."""
    out = []
    code = cpp_text.code_only(text)
    for first, last, name in cpp_text.functions(text):
        if last - first + 1 > max_function_lines:
            message = f"{name} has {last - first + 1} lines, at most {max_function_lines}: split it"
            out.append(finding(path, first, "function-size", message))
    if path.startswith("src/") and within(str(Path(path).parent.relative_to("src")), rules["hot"]):
        if not path.endswith("_test.cpp"):
            out += _each(_unordered, code, path, "hot", "'{}' in a hot module: an open-addressed table")
    if path.endswith(".hpp"):
        out += check_header(path, text, code)
    return out


def check_header(path, text, code):
    """Rules of headers."""
    out = []
    if "#pragma once" not in code:
        out.append(finding(path, 1, "header", "no #pragma once"))
    if not text.lstrip().startswith(("//", "/*")):
        message = "does not open with a comment: what it solves, how it is called"
        out.append(finding(path, 1, "header", message))
    out += _each(_using_namespace, code, path, "header", "'{}' in a header leaks into every file that includes it")
    return out


def check(root):
    """The whole tree."""
    root = Path(root)
    rules = parse_rules((root / "lint/edges").read_text())
    out = []
    for relative in text_files(root):
        try:
            text = (root / relative).read_text()
        except UnicodeDecodeError:
            continue  # data of a test, not text
        out += check_any(str(relative), text)
        if relative.suffix in cpp_suffixes:
            out += check_cpp(str(relative), text, rules)
        elif relative.suffix == ".md":
            out += links.check_page(root, str(relative), text)
    return out
