"""The table of hostile requests: (name, bytes, expectation).

Every request carries, where it can, a second one hidden in it (HIDDEN): if Fairing and the origin disagree about
where a message ends, the origin sees GET /smuggled. Expectations:

REFUSE   a 4xx or 5xx of Fairing's own, the connection closed, nothing at all at the origin
ABORT    the fault lies in the body: an error or a closed connection, and no complete request at the origin
FORWARD  one well-formed request arrives, and one answer comes back
EITHER   refused like REFUSE or ABORT, or forwarded like FORWARD
"""

REFUSE, ABORT, FORWARD, EITHER = "refuse", "abort", "forward", "either"
HIDDEN = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def post(fields=b"", body=b"", line=b"POST /attack HTTP/1.1", host=b"Host: test\r\n"):
    return line + b"\r\n" + host + fields + b"\r\n" + body


def lengths():
    for value in (
        b"",
        b"+5",
        b"-5",
        b"-0",
        b"0x5",
        b"5 5",
        b"5,6",
        b"5;",
        b"5.0",
        b"1e1",
        b"_5",
        b"5_0",
        b"5\x0b",
        b"\x0c5",
        b'"5"',
        b"5a",
        b"\xd9\xa5",
        b",5",
        b"5,",
        b"18446744073709551616",
        b"99999999999999999999999",
        b"9223372036854775808" * 3,
        b"0000000000000000000000000000000000000005x",
    ):
        yield f"length {value!r}", post(b"Content-Length: " + value + b"\r\n", b"hello" + HIDDEN), REFUSE
    yield "lengths that differ", post(
        b"Content-Length: 5\r\nContent-Length: 43\r\n", b"hello" + HIDDEN
    ), REFUSE
    yield "lengths in another case", post(
        b"Content-Length: 5\r\ncontent-length: 0\r\n", b"hello" + HIDDEN
    ), REFUSE
    yield "lengths that agree", post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"), EITHER
    yield "length as a list that agrees", post(b"Content-Length: 5, 5\r\n", b"hello"), EITHER
    yield "length with white space", post(b"Content-Length: \t 5 \r\n", b"hello"), FORWARD
    yield "length then chunked", post(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n" + HIDDEN), REFUSE
    yield "chunked then length", post(CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n" + HIDDEN), REFUSE
    yield "length 0 and chunked", post(b"Content-Length: 0\r\n" + CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"), REFUSE
    yield "length and unknown coding", post(
        b"Content-Length: 5\r\nTransfer-Encoding: x\r\n", b"hello" + HIDDEN
    ), REFUSE
    yield "GET with a body", post(
        b"Content-Length: 40\r\n", HIDDEN.ljust(40, b"x"), b"GET /attack HTTP/1.1"
    ), EITHER
    yield "length in a GET's second line of lengths", post(
        b"Content-Length: 0\r\nContent-Length: 40\r\n", HIDDEN, b"GET /attack HTTP/1.1"
    ), REFUSE


def codings():
    for value in (
        b"xchunked",
        b"chunkedx",
        b"chunked, identity",
        b"identity, chunked",
        b"identity",
        b"gzip",
        b"gzip, chunked",
        b"chunked, gzip",
        b"chunked, chunked",
        b"\x0bchunked",
        b"chunked\x0b",
        b"\x0cchunked",
        b"chunked\x0c",
        b'"chunked"',
        b"'chunked'",
        b"chunked;",
        b"chunked;q=1",
        b'chunked; foo="bar"',
        b"chun ked",
        b"chunked chunked",
        b"chunked\tidentity",
        b"",
        b"none",
        b"null",
        b"x",
        b"cow",
        b"trailers",
        b"deflate",
        b"compress",
        b"chunked\x00",
        b"\x00chunked",
        b"chunked\x7f",
        b"\xffchunked",
        b"chunk\xc3\xa9d",
        b"chunke\x64\x08",
        b"@chunked",
        b":chunked",
        b"=chunked",
        b"chunked/1",
        b"(chunked)",
        b"chunked\\",
        b"\xc2\xa0chunked",
        b"chunk",
        b"c hunked",
        b"8chunked",
    ):
        yield f"coding {value!r}", post(
            b"Transfer-Encoding: " + value + b"\r\n", b"0\r\n\r\n" + HIDDEN
        ), REFUSE
    for value in (b", chunked", b"chunked,", b"chunked , "):
        yield f"coding with an empty element {value!r}", post(
            b"Transfer-Encoding: " + value + b"\r\n", b"0\r\n\r\n"
        ), EITHER
    for value in (b"CHUNKED", b"cHuNkEd", b"\tchunked", b"chunked \t"):
        yield f"coding {value!r}", post(
            b"Transfer-Encoding: " + value + b"\r\n", b"5\r\nhello\r\n0\r\n\r\n"
        ), FORWARD
    yield "no space before the coding", post(b"Transfer-Encoding:chunked\r\n", b"0\r\n\r\n"), FORWARD
    for first, second in (
        (b"chunked", b"identity"),
        (b"identity", b"chunked"),
        (b"chunked", b"chunked"),
        (b"chunked", b"x"),
        (b"", b"chunked"),
    ):
        fields = b"Transfer-Encoding: " + first + b"\r\nTransfer-encoding: " + second + b"\r\n"
        yield f"two codings {first!r} {second!r}", post(fields, b"0\r\n\r\n" + HIDDEN), REFUSE
    for name, fields in (
        ("space before the colon", b"Transfer-Encoding : chunked\r\n"),
        ("tab before the colon", b"Transfer-Encoding\t: chunked\r\n"),
        ("folded", b"Transfer-Encoding:\r\n chunked\r\n"),
        ("name folded", b"Transfer-Encoding\r\n : chunked\r\n"),
        ("line begins with a space", b" Transfer-Encoding: chunked\r\n"),
        ("NUL in its name", b"Transfer\x00-Encoding: chunked\r\n"),
        ("after a bare LF", b"X: x\nTransfer-Encoding: chunked\r\n"),
        ("after a bare CR", b"X: x\rTransfer-Encoding: chunked\r\n"),
        ("vertical tab before the colon", b"Transfer-Encoding\x0b: chunked\r\n"),
        ("with a BOM", b"\xef\xbb\xbfTransfer-Encoding: chunked\r\n"),
        ("after CR CR LF", b"X: x\r\r\nTransfer-Encoding: chunked\r\n"),
    ):
        yield "coding " + name, post(fields + b"Content-Length: 5\r\n", b"0\r\n\r\n" + HIDDEN), REFUSE
    yield "coding with an underscore", post(
        b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"
    ), EITHER
    yield "chunked in HTTP/1.0", post(CHUNKED, b"0\r\n\r\n" + HIDDEN, b"POST /attack HTTP/1.0"), REFUSE


def chunks():
    for size in (
        b"0x5",
        b"0X5",
        b"5_",
        b"_5",
        b"+5",
        b"-5",
        b" 5",
        b"5 ",
        b"5\t",
        b"\t5",
        b"",
        b"g",
        b"5g",
        b"5h;a",
        b"5\x00",
        b"5\x0b",
        b'"5"',
        b"5.0",
        b"FFFFFFFFFFFFFFFF1",
        b"10000000000000005",
        b"0" * 20 + b"5",
        b"ffffffffffffffffffffffff",
        b"-1",
        b"5,5",
        b"#5",
    ):
        yield f"chunk size {size!r}", post(CHUNKED, size + b"\r\nhello\r\n0\r\n\r\n" + HIDDEN), ABORT
    for name, body in (
        ("size ends in bare LF", b"5\nhello\r\n0\r\n\r\n"),
        ("size ends in bare CR", b"5\rhello\r\n0\r\n\r\n"),
        ("extension ends in bare LF", b"5;a\nhello\r\n0\r\n\r\n"),
        ("extension holds a bare CR", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("extension holds NUL", b"5;a\x00\r\nhello\r\n0\r\n\r\n"),
        ("quoted extension holds CRLF", b'5;a="\r\n"\r\nhello\r\n0\r\n\r\n'),
        ("quoted extension holds LF", b'5;a="\n"\r\nhello\r\n0\r\n\r\n'),
        ("oversized extension", b"5;" + b"a" * 9000 + b"\r\nhello\r\n0\r\n\r\n"),
        ("oversized extensions in sum", b"1;aaaaaaaaaaaaaaaa\r\nx\r\n" * 600 + b"0\r\n\r\n"),
        ("data without CRLF", b"5\r\nhello0\r\n\r\n"),
        ("data ends in LF", b"5\r\nhello\n0\r\n\r\n"),
        ("data ends in CR", b"5\r\nhello\r0\r\n\r\n"),
        ("data ends in two other bytes", b"5\r\nhelloXX0\r\n\r\n"),
        ("data longer than its size", b"3\r\nhello\r\n0\r\n\r\n"),
        ("last chunk ends in LF LF", b"5\r\nhello\r\n0\n\n"),
        ("last chunk ends in LF", b"5\r\nhello\r\n0\r\n\n"),
        ("last CRLF missing", b"5\r\nhello\r\n0\r\nX"),
        ("trailer without colon", b"0\r\nnocolon\r\n\r\n"),
        ("trailer with space before colon", b"0\r\nX : y\r\n\r\n"),
        ("folded trailer", b"0\r\nX: y\r\n z\r\n\r\n"),
        ("NUL in a trailer", b"0\r\nX: \x00\r\n\r\n"),
        ("bare LF in the trailers", b"0\r\nX: y\nA: b\r\n\r\n"),
        ("bare CR in the trailers", b"0\r\nX: y\rA: b\r\n\r\n"),
        ("oversized trailers", b"0\r\n" + b"X: " + b"y" * 70000 + b"\r\n\r\n"),
    ):
        yield "chunked, " + name, post(CHUNKED, body + HIDDEN), ABORT
    yield "chunk extension", post(CHUNKED, b"5;a=b\r\nhello\r\n0;c\r\n\r\n"), FORWARD
    yield "chunk extension quoted", post(CHUNKED, b'5;a="b;c"\r\nhello\r\n0\r\n\r\n'), FORWARD
    yield "chunk size with leading zeros", post(CHUNKED, b"0005\r\nhello\r\n000\r\n\r\n"), FORWARD
    for name in (
        b"Content-Length: 43",
        b"Transfer-Encoding: identity",
        b"Host: evil",
        b"Authorization: x",
        b"Connection: close",
    ):
        yield f"trailer {name!r}", post(CHUNKED, b"5\r\nhello\r\n0\r\n" + name + b"\r\n\r\n"), EITHER


def fields():
    for name, line in (
        ("NUL in a value", b"X: a\x00b"),
        ("NUL in a name", b"X\x00Y: a"),
        ("CR in a value", b"X: a\rb"),
        ("CR in a name", b"X\rY: a"),
        ("LF in a value", b"X: a\nb"),
        ("LF and a field in a value", b"X: a\nContent-Length: 50"),
        ("control in a value", b"X: a\x01b"),
        ("DEL in a value", b"X: a\x7fb"),
        ("backspace in a name", b"X\x08: a"),
        ("space before the colon", b"X : a"),
        ("tab before the colon", b"X\t: a"),
        ("empty name", b": a"),
        ("no colon", b"nocolon"),
        ("only a space", b" "),
        ("folded with a space", b"X: a\r\n b"),
        ("folded with a tab", b"X: a\r\n\tb"),
        ("name with a space", b"X Y: a"),
        ("name with a bracket", b"X(Y): a"),
        ("name with @", b"X@Y: a"),
        ("name with a slash", b"X/Y: a"),
        ("name with a quote", b'"X": a'),
        ("name of high bytes", b"X\xff: a"),
        ("length behind a space", b" Content-Length: 38"),
        ("length with a NUL in its name", b"Content-Length\x00: 38"),
        ("length with a space before the colon", b"Content-Length : 38"),
        ("CR CR LF", b"X: a\r"),
    ):
        yield "field, " + name, post(line + b"\r\n", HIDDEN, b"GET /attack HTTP/1.1"), REFUSE
    yield "head of bare LFs", b"GET /attack HTTP/1.1\nHost: test\n\n" + HIDDEN, REFUSE
    yield "request line ends in LF", b"GET /attack HTTP/1.1\nHost: test\r\n\r\n" + HIDDEN, REFUSE
    yield "request line ends in CR", b"GET /attack HTTP/1.1\rHost: test\r\n\r\n" + HIDDEN, REFUSE
    yield "head ends in CRLF LF", b"GET /attack HTTP/1.1\r\nHost: test\r\n\n" + HIDDEN, REFUSE
    yield "first field folded onto the request line", b"GET /attack HTTP/1.1\r\n Host: test\r\n\r\n" + HIDDEN, REFUSE
    for nominated in (
        b"content-length",
        b"host",
        b"transfer-encoding",
        b"x-forwarded-for, via",
        b"cookie, authorization",
        b"keep-alive, content-length, host, x-forwarded-for, cookie",
    ):
        yield f"Connection names {nominated!r}", post(
            b"Connection: "
            + nominated
            + b"\r\nX-Forwarded-For: 10.9.9.9\r\nCookie: a=b\r\nContent-Length: 5\r\n",
            b"hello",
        ), EITHER
    yield "Expect junk", post(b"Expect: 100-continuex\r\nContent-Length: 5\r\n", b"hello"), EITHER
    yield "Expect folded", post(
        b"Expect: x\r\n 100-continue\r\nContent-Length: 5\r\n", b"hello" + HIDDEN
    ), REFUSE
    yield "upgrade to h2c", post(
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
        b"",
        b"GET /attack HTTP/1.1",
    ), EITHER
    yield "upgrade to h2c without its settings", post(
        b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"", b"GET /attack HTTP/1.1"
    ), EITHER


def lines():
    for line in (
        b"GET /attack",
        b"GET /attack HTTP/0.9",
        b"GET /attack HTTP/2.0",
        b"GET /attack HTTP/2",
        b"GET /attack HTTP/1.1x",
        b"GET /attack HTTP/11",
        b"GET /attack http/1.1",
        b"GET /attack HTTP/1.",
        b"GET /attack HTTP/.1",
        b"GET /attack HTTP /1.1",
        b"GET  /attack HTTP/1.1",
        b"GET /attack  HTTP/1.1",
        b"GET\t/attack HTTP/1.1",
        b"GET /attack\tHTTP/1.1",
        b"GET /attack HTTP/1.1 ",
        b"GET /attack HTTP/1.1 X",
        b" GET /attack HTTP/1.1",
        b"G(T /attack HTTP/1.1",
        b"GET\x00 /attack HTTP/1.1",
        b"GET\xff /attack HTTP/1.1",
        b" /attack HTTP/1.1",
        b"/attack HTTP/1.1",
        b"GET /att ack HTTP/1.1",
        b"GET /att\x01ack HTTP/1.1",
        b"GET /att\x00ack HTTP/1.1",
        b"GET /att\x7fack HTTP/1.1",
        b"GET /attack#frag HTTP/1.1",
        b"GET attack HTTP/1.1",
        b"GET http:// HTTP/1.1",
        b"GET http:///attack HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET /attack HTTP/1.1\x0b",
        b"GET /attack XTTP/1.1",
        b"GET /attack HTTP/-1.1",
        b"GET /attack HTTP/1.10",
        b"GET /attack HTTP/01.1",
        b"GET /attack ICAP/1.0",
        b"GET",
        b"CONNECT test:443 HTTP/1.1",
        b"A" * 200 + b" /attack HTTP/1.1",
        b"GET /attack\x0bHTTP/1.1",
        b"GET /%0d%0a\r/attack HTTP/1.1",
    ):
        yield f"line {line[:40]!r}", post(b"", HIDDEN, line), REFUSE
    for line in (
        b"GET /attack HTTP/1.2",
        b"GET /att\xe9ack HTTP/1.1",
        b"GET //attack HTTP/1.1",
        b"GET /att\\ack HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"get /attack HTTP/1.1",
        b"GET /attack%00 HTTP/1.1",
        b"GET /attack%zz HTTP/1.1",
        b"GET /attack%0d%0aX:%20y HTTP/1.1",
        b"TRACE /attack HTTP/1.1",
        b"GET /attack?a=http://x/ HTTP/1.1",
    ):
        yield f"line {line!r}", post(b"", b"", line), EITHER
    yield "h2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0", REFUSE
    yield "TLS hello to a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40 + b"\r\n\r\n", REFUSE
    yield "no Host", post(b"X: y\r\n", HIDDEN, b"GET /attack HTTP/1.1", b""), REFUSE
    for host in (
        b"Host: test\r\nHost: evil\r\n",
        b"Host: test\r\nhost: test\r\n",
        b"Host: a, b\r\n",
        b"Host: a b\r\n",
        b"Host: a/b\r\n",
        b"Host: u@test\r\n",
        b"Host: te#st\r\n",
        b"Host: te?st\r\n",
        b"Host: te\x00st\r\n",
        b"Host : test\r\n",
        b"Host: test:80x\r\n",
        b"Host: test:1:2\r\n",
        b"Host: te\\st\r\n",
        b'Host: te"st\r\n',
        b"Host: <test>\r\n",
        b"Host: http://test\r\n",
    ):
        yield f"{host!r}", post(b"", HIDDEN, b"GET /attack HTTP/1.1", host), REFUSE
    yield "empty Host", post(b"", b"", b"GET /attack HTTP/1.1", b"Host: \r\n"), EITHER
    yield "absolute form, other Host", post(b"", b"", b"GET http://other/attack HTTP/1.1"), EITHER
    yield "absolute form, same Host", post(b"", b"", b"GET http://test/attack HTTP/1.1"), FORWARD
    yield "absolute form with user", post(b"", b"", b"GET http://u:p@test/attack HTTP/1.1"), EITHER
    yield "five leading empty lines and more", b"\r\n" * 40 + HIDDEN, REFUSE


def sizes():
    yield "431 one huge field", post(b"X: " + b"a" * 70000 + b"\r\n"), (431,)
    yield "431 many fields", post(b"".join(b"X-%d: a\r\n" % i for i in range(2000))), (431,)
    yield "431 no end of the head", b"GET /attack HTTP/1.1\r\nHost: test\r\n" + b"X: aaaaaaaaaaaaaaaa\r\n" * 6000, (
        431,
    )
    yield "414 long target", post(b"", b"", b"GET /" + b"a" * 20000 + b" HTTP/1.1"), (414,)
    yield "414 target without end", b"GET /" + b"a" * 200000, (414, 431)
    yield "413 length", post(b"Content-Length: 1000001\r\n", b"hello"), (413,)
    yield "413 huge length", post(b"Content-Length: 9223372036854775807\r\n", b"hello"), (413,)
    yield "413 chunk", post(CHUNKED, b"7fffffffffffffff\r\nhello"), (413, 400)


CASES = [case for group in (lengths, codings, chunks, fields, lines, sizes) for case in group()]
