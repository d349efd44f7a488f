"""C++ as text: comments and literals blanked out, and functions found by counting braces.

Not a parser: a heuristic that is exact on code formatted by clang-format without braces in macros. Line
numbers survive, because everything that is blanked is replaced by spaces.
"""

import re

_TOKEN = re.compile(
    r"""//[^\n]*(?:\\\n[^\n]*)*          # line comment
      | /\*.*?\*/                        # block comment
      | R"(?P<d>[^()\\\s]{0,16})\(.*?\)(?P=d)"   # raw string
      | "(?:\\.|[^"\\\n])*"              # string
      | (?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'      # character, not a digit separator
    """,
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"^[ \t]*#[^\n]*(?:\\\n[^\n]*)*", re.MULTILINE)
_SCOPE = re.compile(r"\b(?:class|struct|union|enum|namespace|extern|concept)\b")


def _blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def code_only(text):
    """The text with comments and literals blanked."""
    return _TOKEN.sub(_blank, text)


def comments_only(text):
    """The text with all but comments blanked."""
    out, last = [], 0
    for match in _TOKEN.finditer(text):
        out.append(re.sub(r"[^\n]", " ", text[last : match.start()]))
        token = match.group(0)
        out.append(token if token.startswith(("//", "/*")) else re.sub(r"[^\n]", " ", token))
        last = match.end()
    out.append(re.sub(r"[^\n]", " ", text[last:]))
    return "".join(out)


def _without_groups(head):
    """Parentheses, brackets and template arguments removed, innermost first."""
    for pattern in (r"\([^()]*\)", r"\[[^\[\]]*\]", r"<[^<>]*>"):
        previous = None
        while previous != head:
            previous, head = head, re.sub(pattern, " ", head)
    return head


def _is_function(head):
    if "(" not in head:
        return False
    return not _SCOPE.search(_without_groups(head))


def functions(text):
    """(first line, last line, name) of each outermost function, lines from 1."""
    code = _DIRECTIVE.sub(_blank, code_only(text))
    found = []
    depth_of_function = None  # brace depth at which the current outermost function opened
    depth, head_start, start = 0, 0, 0
    for position, char in enumerate(code):
        if char == "{":
            head = code[head_start:position]
            if depth_of_function is None and _is_function(head):
                depth_of_function = depth
                start = head_start + len(head) - len(head.lstrip())
                name = re.search(r"([\w~:]+|operator\s*\S+)\s*\(", head)
                current = name.group(1) if name else "?"
            depth += 1
            head_start = position + 1
        elif char == "}":
            depth -= 1
            if depth_of_function == depth:
                found.append((code.count("\n", 0, start) + 1, code.count("\n", 0, position) + 1, current))
                depth_of_function = None
            head_start = position + 1
        elif char == ";" and depth_of_function is None:
            head_start = position + 1
        elif char == ":" and depth_of_function is None:
            if re.search(r"\b(?:public|private|protected)\s*$", code[head_start:position]):
                head_start = position + 1
    return found
