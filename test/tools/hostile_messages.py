"""Messages that a server must survive: bytes by name, for each phase of a connection."""
import struct

from fake_postgres import message
from support.pgclient import PgError

MEGABYTE = 1 << 20


def startup(pairs, version=196608, end=b"\0"):
    body = struct.pack("!i", version) + b"".join(k + b"\0" + v + b"\0" for k, v in pairs) + end
    return struct.pack("!i", len(body) + 4) + body


def raw_length(kind, length, body=b""):
    return kind + struct.pack("!I", length & 0xFFFFFFFF) + body


ALICE = [(b"user", b"alice"), (b"database", b"app")]
HELLO = startup(ALICE)


def sasl_first(text, mechanism=b"SCRAM-SHA-256"):
    return message(b"p", mechanism + b"\0" + struct.pack("!i", len(text)) + text)


# What comes instead of a start-up packet.
AT_STARTUP = {
    "half a length": b"\0\0",
    "half a packet": HELLO[:20],
    "length 0": struct.pack("!I", 0) + HELLO[4:],
    "length 7": struct.pack("!I", 7) + HELLO[4:],
    "length 2^31-1": struct.pack("!I", 0x7FFFFFFF) + HELLO[4:],
    "length 2^32-1": struct.pack("!I", 0xFFFFFFFF) + HELLO[4:],
    "1 MB": startup([*ALICE, (b"options", b"x" * MEGABYTE)]),
    "protocol 2": startup(ALICE, version=2 << 16),
    "protocol 4": startup(ALICE, version=4 << 16),
    "no user": startup([(b"database", b"app")]),
    "no end": startup(ALICE, end=b""),
    "no parameters at all": startup([], end=b""),
    "700 parameters": startup([*ALICE, *[(b"a%d" % i, b"1") for i in range(700)]]),
    "HTTP": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + b" " * 200,
    "TLS without asking": bytes.fromhex("16030100c8010000c40303") + b"\0" * 190,
    "a cancel of the wrong length": struct.pack("!II", 12, 80877102) + b"abcd",
    "a cancel of nobody": struct.pack("!IIII", 16, 80877102, 0xFFFFFFFF, 0),
    "an SSLRequest and bytes behind it": struct.pack("!II", 8, 80877103) + b"\xff" * 100,
    "SSLRequests without end": struct.pack("!II", 8, 80877103) * 100,
    "GSSENCRequests without end": struct.pack("!II", 8, 80877104) * 100,
}
# What comes instead of the first message of the log-in.
AT_LOGIN = {
    "a query": message(b"Q", b"SELECT 1\0"),
    "an unknown type": message(b"\x01", b"abc"),
    "half a message": sasl_first(b"n,,n=,r=abc")[:12],
    "no mechanism": message(b"p"),
    "an unknown mechanism": sasl_first(b"n,,n=,r=abc", b"SCRAM-SHA-512"),
    "a length beyond its end": message(b"p", b"SCRAM-SHA-256\0" + struct.pack("!I", 0x7FFFFFFF) + b"n,,"),
    "no nonce": sasl_first(b"n,,n=,r="),
    "a nonce of 1 MB": sasl_first(b"n,,n=,r=" + b"a" * MEGABYTE),
    "no text": sasl_first(b""),
    "binary": sasl_first(bytes(range(256))),
    "length 3": raw_length(b"p", 3),
    "length 2^32-1": raw_length(b"p", -1),
    "length 2^30": raw_length(b"p", 1 << 30),
}
# What comes instead of a statement; the connection is logged in.
AT_REST = {
    "an unknown type": message(b"\x01"),
    "a type of the other direction": message(b"Z", b"I"),
    "a password": message(b"p", b"x\0"),
    "length 0": raw_length(b"Q", 0),
    "length 3": raw_length(b"S", 3),
    "length 2^31": raw_length(b"P", 1 << 31),
    "length 2^32-1": raw_length(b"B", -1, b"abc"),
    "length 2^30": raw_length(b"Q", (1 << 30) + 4, b"abc"),
    "a Sync with a body": message(b"S", b"x" * 5),
    "a query without its end": message(b"Q", b"SELECT 1"),
    "a query with bytes behind it": message(b"Q", b"SELECT 1\0abc"),
    "a Parse without its end": message(b"P", b"s\0SELECT 1"),
    "a Parse that lacks its types": message(b"P", b"s\0SELECT 1\0\xff\xff") + message(b"S"),
    "a Bind cut short": message(b"B", b"\0\0\0") + message(b"S"),
    "a Bind of 65535 values": message(b"B", b"\0\0\0\0\xff\xff") + message(b"S"),
    "a Bind with a value of -2": message(b"B", b"\0\0\0\0\0\1\xff\xff\xff\xfe\0\0") + message(b"S"),
    "a Bind with a value beyond its end": message(b"B", b"\0\0\0\0\0\1\x7f\xff\xff\xff\0\0") + message(b"S"),
    "a Describe of nothing": message(b"D", b"X\0") + message(b"S"),
    "a Close of nothing": message(b"C", b"X\0") + message(b"S"),
    "an Execute cut short": message(b"E", b"\0\0") + message(b"S"),
    "a function call cut short": message(b"F", b"\0\0") + message(b"S"),
    "copy data that nobody asked for": message(b"d", b"x") + message(b"c") + message(b"Q", b"SELEC\0"),
}
# A conversation in which everything happens; what it inserts is there only if it came to its end.
CONVERSATION = [
    message(b"Q", b"BEGIN\0"),
    message(b"P", b"s1\0INSERT INTO kept VALUES ($1)\0\0\0"),
    message(b"D", b"Ss1\0"),
    message(b"S"),
    message(b"B", b"\0s1\0\0\0\0\1\0\0\0\x01" + b"7" + b"\0\0"),
    message(b"E", b"\0\0\0\0\0"),
    message(b"H"),
    message(b"S"),
    message(b"Q", b"COPY kept FROM STDIN\0"),
    message(b"d", b"8\n"),
    message(b"d", b"9\n"),
    message(b"c"),
    message(b"Q", b"SELECT n FROM kept, generate_series(1, 1000)\0"),
    message(b"Q", b"COMMIT\0"),
]
CONVERSATION_ROWS = 3


def error_or_end(test, connection, what):
    """Reads to the end or the first error, which must have an SQLSTATE: that SQLSTATE, or None."""
    stream = connection.makefile("rb")
    try:
        while True:
            head = stream.read(1)
            if not head:
                return None
            if head in b"SN" and what == "start-up":  # the answer to an SSLRequest
                continue
            size = struct.unpack("!I", stream.read(4))[0]
            if head == b"E" and size > MEGABYTE and what in ("start-up", "protocol 2"):
                return None  # to protocol 2 in the words of protocol 2: text that ends with a NUL
            test.assertTrue(4 <= size < MEGABYTE, f"{what}: a message {head} of {size} bytes")
            body = stream.read(size - 4)
            if head == b"E":
                e = PgError(body)
                test.assertRegex(e.code, "^[0-9A-Z]{5}$", f"{what}: {e}")
                test.assertTrue(e.message, f"{what}: no message")
                return e.code
    except (ConnectionError, struct.error):
        return None
    finally:
        stream.close()
