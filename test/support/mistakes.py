"""What the scenarios of users' mistakes share: tables of wrong files and command lines, each with its exit code and the
words that its message must have: where, what was wrong, what to do. No message may show a password (`hunter2`).

Flow:
    class Mistakes(MistakeCase):
        def test_files(self): self.check_files(FILES)           # (what, text, LINE:COLUMN, words)
        def test_commands(self): self.check_commands(COMMANDS)  # (what, arguments, exit code, words)
        def test_ports(self): self.start_refused("--http", self.taken_port() + "=...", words=("ss -ltnp",))
"""
import json
import os
import socket
import tempfile
import unittest

from support.fairing import Fairing, run_cli

PASSWORD = "hunter2"


class MistakeCase(unittest.TestCase):
    def setUp(self):
        d = tempfile.TemporaryDirectory(prefix="fairing-mistakes-")
        self.addCleanup(d.cleanup)
        self.dir = d.name
        here = os.getcwd()
        os.chdir(d.name)  # without a fairing.yaml
        self.addCleanup(os.chdir, here)

    def write(self, text, name="f.yaml"):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def expect(self, done, code, words):
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertLess(len(done.stderr.splitlines()), 5, "short enough to be read")
        self.assertNotIn(PASSWORD, done.stdout + done.stderr)

    def check_files(self, files):
        for what, text, place, words in files:
            with self.subTest(what):
                path = self.write(text)
                for verb in ("validate", "run"):
                    self.expect(run_cli(verb, "-c", path), 2, (f"{path}:{place}: ", *words))
                said = json.loads(run_cli("validate", "-c", path, "--json").stdout)
                self.assertFalse(said["ok"])
                self.assertEqual("{line}:{column}".format(**said["errors"][0]), place)

    def check_commands(self, commands):
        for what, args, code, words in commands:
            with self.subTest(what):
                self.expect(run_cli(*args), code, words)

    def start_refused(self, *args, env=None, prepare=None, words):
        """`prepare` runs in the child before Fairing does."""
        f = Fairing(self, args=args, env=env, ready=False)
        if prepare:
            before = f._prepare_child
            f._prepare_child = lambda: (before(), prepare())
        with self.assertRaises(AssertionError):
            f.start()
        f.expected_exit = 2
        self.assertEqual(f.process.returncode, 2, f.log())
        for word in words:
            self.assertIn(word, f.log())
        self.assertNotIn(PASSWORD, f.log())

    def taken_port(self):
        """HOST:PORT of a port that somebody else listens on until the test ends."""
        taken = socket.socket()
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        return "127.0.0.1:%d" % taken.getsockname()[1]
