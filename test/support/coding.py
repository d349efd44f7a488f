"""Decoders of content codings, independent of Fairing's own code: zlib from Python, the others by their C libraries."""
import ctypes
import ctypes.util
import zlib

BROTLI = ctypes.CDLL(ctypes.util.find_library("brotlidec") or "libbrotlidec.so.1")
ZSTD = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
ZSTD.ZSTD_decompress.restype = ctypes.c_size_t
ZSTD.ZSTD_isError.argtypes = [ctypes.c_size_t]
ROOM = 64 << 20


def decode(coding, data):
    """The decoded bytes; ValueError if `data` is not exactly one whole stream of that coding."""
    if coding in (None, "", "identity"):
        return data
    if coding == "gzip":
        unpack = zlib.decompressobj(31)
        text = unpack.decompress(data) + unpack.flush()
        if not unpack.eof or unpack.unused_data:
            raise ValueError("a cut or overlong gzip stream")
        return text
    room = ctypes.create_string_buffer(ROOM)
    if coding == "br":
        size = ctypes.c_size_t(ROOM)
        if BROTLI.BrotliDecoderDecompress(ctypes.c_size_t(len(data)), data, ctypes.byref(size), room) != 1:
            raise ValueError("not a brotli stream")
        return room.raw[: size.value]
    if coding == "zstd":
        size = ZSTD.ZSTD_decompress(room, ctypes.c_size_t(ROOM), data, ctypes.c_size_t(len(data)))
        if ZSTD.ZSTD_isError(size):
            raise ValueError("not a zstd frame")
        return room.raw[:size]
    raise ValueError(f"unknown coding {coding}")
