"""Who may include whom: the fairing_module table of CMakeLists.txt against every #include in src/."""

import re
from pathlib import Path

from findings import finding

_ROW = re.compile(r"^\s*fairing_module\(\s*(\S+)\s+src/(\S+)([^)]*)\)", re.MULTILINE)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
_SOCKETS = re.compile(
    r"^(sys/(socket|epoll|select|un|sendfile|poll|eventfd|timerfd)\.h|netinet/tcp\.h|netdb\.h|poll\.h"
    r"|liburing.*|openssl/(ssl|bio)\.h|boost/asio.*)$"
)


class module:
    def __init__(self, name, folder, deps, does_io):
        self.name, self.folder, self.deps, self.does_io = name, folder, deps, does_io


def parse_table(text):
    """The table of modules: name -> module."""
    text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
    table = {}
    for match in _ROW.finditer(text):
        words = match.group(3).split()
        deps, key = [], None
        for word in words:
            if word in ("DEPS", "LINK", "IO"):
                key = word
            elif key == "DEPS" and word != '""':
                deps.append(word)
        table[match.group(1)] = module(match.group(1), match.group(2), deps, "IO" in words)
    return table


def parse_rules(text):
    """lint/edges: rule -> folders."""
    rules = {"plane": [], "sans_io": [], "hot": []}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] not in rules:
            raise ValueError(f"lint/edges:{number}: no rule '{words[0]}'; rules are {', '.join(rules)}")
        rules[words[0]] += words[1:]
    return rules


def within(folder, folders):
    """Is it one of these folders, or below one?"""
    return any(folder == f or folder.startswith(f + "/") for f in folders)


def closure(table, name):
    """The module itself and all it may include."""
    seen, todo = set(), [name]
    while todo:
        current = todo.pop()
        if current not in seen:
            seen.add(current)
            todo += [d for d in table[current].deps if d in table]
    return seen


def _plane_of(folder, planes):
    return next((p for p in planes if within(folder, [p])), None)


def check_table(table, rules):
    """Faults of the table itself."""
    out = []

    def fault(message):
        out.append(finding("CMakeLists.txt", 1, "edges", message))

    for m in table.values():
        for dep in m.deps:
            if dep not in table:
                fault(f"module {m.name} depends on '{dep}', which is not in the table")
            elif m.name in closure(table, dep):
                fault(f"modules {m.name} and {dep} depend on each other")
        plane = _plane_of(m.folder, rules["plane"])
        for other in closure(table, m.name):
            other_plane = _plane_of(table[other].folder, rules["plane"])
            if plane and other_plane and plane != other_plane:
                fault(f"plane module {m.name} reaches {other}: planes meet on the bus, never by include")
            if within(m.folder, rules["sans_io"]) and table[other].does_io:
                fault(f"{m.name} is sans-io but reaches {other}, which does IO")
    return out


def check_file(path, folder, text, table, rules):
    """One source file. `path` is for messages, `folder` is relative to src/."""
    by_folder = {m.folder: m for m in table.values()}
    owner = by_folder.get(folder)
    if owner is None:
        return [finding(path, 1, "edges", f"src/{folder} is no module: add it to the table in CMakeLists.txt")]
    out = []
    allowed = closure(table, owner.name)
    sans_io = within(folder, rules["sans_io"])
    for match in _INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        own, system = match.groups()
        if system:
            if sans_io and _SOCKETS.match(system):
                out.append(finding(path, line, "sans-io", f"<{system}> in {owner.name}, which is sans-io"))
            elif _SOCKETS.match(system) and not owner.does_io:
                out.append(finding(path, line, "io", f"<{system}> in {owner.name}: only modules marked IO"))
            continue
        target_folder = str(Path(own).parent)
        target = by_folder.get(target_folder)
        if target is None:
            message = f'"{own}" names no module folder; write the path from src/'
            out.append(finding(path, line, "edges", message))
        elif target.name not in allowed:
            message = f"{owner.name} may not include {target.name} (\"{own}\"): not in its DEPS in CMakeLists.txt"
            out.append(finding(path, line, "edges", message))
    return out


def check(root):
    """All of src/."""
    root = Path(root)
    table = parse_table((root / "CMakeLists.txt").read_text())
    rules = parse_rules((root / "lint/edges").read_text())
    out = check_table(table, rules)
    if not table:
        out.append(finding("CMakeLists.txt", 1, "edges", "no fairing_module line found"))
    for path in sorted((root / "src").rglob("*")):
        if path.suffix in (".hpp", ".cpp"):
            folder = str(path.parent.relative_to(root / "src"))
            out += check_file(str(path.relative_to(root)), folder, path.read_text(), table, rules)
    return out
