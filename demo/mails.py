"""What the demo's mail server took: the confirmations that are whole, by the order they are of."""

import email
import email.policy
import re
import zlib
from pathlib import Path


def _pdf_text(pdf):
    if not pdf.startswith(b"%PDF-") or not pdf.endswith(b"%%EOF\n"):
        return ""
    streams = re.finditer(rb"/Length (\d+) >>\nstream\n", pdf)
    return b"".join(zlib.decompress(pdf[m.end():m.end() + int(m[1])]) for m in streams).decode("latin-1")


def confirmed(folder):
    """{order: how many mails}; SystemExit if one is not what it should be."""
    counts = {}
    for path in Path(folder).glob("*.eml"):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        order = int(re.fullmatch(r"<order-(\d+)@shop\.example>", mail["Message-ID"])[1])
        (attached,) = mail.iter_attachments()
        if f"(Order {order})" not in _pdf_text(attached.get_content()):
            raise SystemExit(f"demo: {path} is no confirmation of order {order}")
        counts[order] = counts.get(order, 0) + 1
    return counts
