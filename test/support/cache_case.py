"""A backend and one Fairing before it, for the scenarios of the cache."""
import threading
import unittest

from support.client import fetch
from support.fairing import Fairing
from support.origin import Origin, Routes, answer


def counted(headers, body=None):
    """A handler whose body says which answer it is: "path#n"."""
    lock, count = threading.Lock(), [0]

    def handler(request):
        with lock:
            count[0] += 1
            n = count[0]
        return answer(200, headers, body if body is not None else f"{request.path}#{n}")

    return handler


class CacheCase(unittest.TestCase):
    site = {}

    def setUp(self):
        self.routes = Routes()
        self.origin = Origin(self, self.routes)
        self.fairing = Fairing(
            self, {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url, **self.site}}
        )
        self.http = self.fairing.http

    def get(self, path, headers=None, **more):
        return fetch(self.http, path, headers=headers, **more)
