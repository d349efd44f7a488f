"""What a check reports: file, line, rule, and what to do."""

from typing import NamedTuple


class finding(NamedTuple):
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message} [{self.rule}]"
