"""`fairing top` on a terminal: rates of a running instance, keys and signals that end it, the terminal left as it was."""
import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import Client, fetch
from support.fairing import Fairing, binary
from support.origin import Origin, answer
from support.wait import wait_until

CLEAR = "\x1b[H\x1b[2J"


class Terminal:
    """A pseudo-terminal with one program in it."""

    def __init__(self, test, *args, env):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.text = ""
        self.process = subprocess.Popen(
            [binary(), *args],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        test.addCleanup(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def read(self, wanted, timeout=15.0):
        """Reads until `wanted(text)` is true, and returns that."""

        def found():
            while select.select([self.master], [], [], 0)[0]:
                self.text += os.read(self.master, 65536).decode("utf-8", "replace")
            return wanted(self.text)

        return wait_until(found, timeout, "the terminal to show it")

    def frames(self):
        return [f.replace("\r\n", "\n") for f in self.text.split(CLEAR)[1:]]

    def press(self, keys):
        os.write(self.master, keys)

    def settings(self):
        return termios.tcgetattr(self.slave)


class Top(unittest.TestCase):
    def setUp(self):
        self.origin = Origin(self, lambda r: answer(200, {"Cache-Control": "max-age=600"}, "x"))
        self.fairing = Fairing(self, {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url}})

    def start(self, *args, admin=None):
        env = dict(self.fairing.env, FAIRING_ADMIN=admin or self.fairing.admin_url, TERM="xterm")
        return Terminal(self, "top", *args, env=env)

    def end(self, t, code=0):
        self.assertEqual(t.process.wait(10), code, t.text)
        self.assertEqual(t.settings(), t.before, "the terminal is as it was")

    def test_frames_show_sums_and_rates(self):
        self.assertEqual(fetch(self.fairing.http, "/a").status, 200)
        t = self.start()
        t.read(lambda text: CLEAR in text)
        with Client(self.fairing.http) as c:
            for _ in range(500):
                c.get("/a")
            row = re.compile(r"^requests +501 +(\d+)/s$", re.M)
            t.read(lambda _: any(row.search(f) and "\npool waiting" in f for f in t.frames()))
        frames = t.frames()
        self.assertIn(self.fairing.admin_url, frames[0])
        self.assertNotIn("/s", frames[0].split("\n", 1)[1], "a first frame has no rates")
        rates = [int(m[1]) for m in map(row.search, frames) if m]
        self.assertTrue(rates)
        # Frames are at least 1 s apart, so the rates add up to no more than what was asked, but for rounding.
        shown = [int(m[1]) for f in frames if (m := re.search(r"^requests +\d+ +(\d+)/s$", f, re.M))]
        self.assertGreater(sum(shown), 0)
        self.assertLessEqual(sum(shown), 500 + len(frames))
        whole = next(f for f in frames if row.search(f) and "\npool waiting" in f)
        self.assertRegex(whole, r"(?m)^ +hit +500 ")
        self.assertRegex(whole, r"(?m)^ +miss +1 ")
        self.assertRegex(whole, r"(?m)^hit share +99\.8%$")
        self.assertRegex(whole, r"(?m)^pool size +256$")
        t.press(b"q")
        self.end(t)

    def test_keys_and_signals_end_it(self):
        for what, end in (
            ("q", lambda t: t.press(b"q")),
            ("Q", lambda t: t.press(b"xQ")),
            ("Ctrl-D", lambda t: t.press(b"\x04")),
            ("Ctrl-C", lambda t: t.press(b"\x03")),
            ("SIGINT", lambda t: t.process.send_signal(signal.SIGINT)),
            ("SIGTERM", lambda t: t.process.send_signal(signal.SIGTERM)),
        ):
            with self.subTest(what):
                t = self.start()
                t.read(lambda text: CLEAR in text)
                self.assertNotEqual(t.settings(), t.before, "keys are read one by one")
                began = time.monotonic()
                end(t)
                self.end(t)
                self.assertLess(time.monotonic() - began, 5, "at once, not after the next frames")

    def test_other_keys_do_not_end_it_and_are_not_echoed(self):
        t = self.start()
        t.read(lambda text: text.count(CLEAR) == 1)
        t.press(b"zzz\r")
        t.read(lambda text: text.count(CLEAR) >= 3)
        self.assertNotIn("zzz", t.text)
        self.assertIsNone(t.process.poll())
        t.press(b"q")
        self.end(t)

    def test_an_instance_that_is_not_there_or_leaves_is_3(self):
        nobody = self.start(admin="http://127.0.0.1:1")
        nobody.read(lambda text: "no instance at http://127.0.0.1:1" in text)
        self.end(nobody, 3)
        t = self.start()
        t.read(lambda text: CLEAR in text)
        self.fairing.stop()
        t.read(lambda text: "no instance at " + self.fairing.admin_url in text)
        self.end(t, 3)

    def test_one_frame_without_a_terminal(self):
        fetch(self.fairing.http, "/a")
        done = self.fairing.cli("top", "--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^requests +1$")
        self.assertNotIn("\x1b", done.stdout)
        self.assertEqual(self.fairing.cli("top").stdout, self.fairing.cli("top", "--once").stdout)


if __name__ == "__main__":
    unittest.main()
