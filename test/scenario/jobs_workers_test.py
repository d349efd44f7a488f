"""The guide's workers, as they are pasted: before the first job, over a kill of Fairing, and after a lease that ran out."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.fairing import ROOT
from support.jobs_case import JobsCase
from support.wait import wait_until

# A mail to "slow" takes longer than its lease.
SENDS = {
    "js": "const sendMail = async (mail) => { if (mail.to === 'slow') await sleep(1000); return mail.to; };\n",
    "python": """
def send_mail(mail):
    time.sleep(1 if mail["to"] == "slow" else 0)
    return mail["to"]
""",
}


def snippet(language, begins):
    """The block of docs/guide/jobs.md in that language that begins so."""
    with open(os.path.join(ROOT, "docs", "guide", "jobs.md"), encoding="utf-8") as f:
        blocks = f.read().split(f"```{language}\n")[1:]
    (found,) = (b.split("```")[0] for b in blocks if b.startswith(begins))
    return found


class Workers(JobsCase):
    def work(self, language, code, command):
        """`code` with sendMail, in the background, ended with the test."""
        url = f"http://{self.fairing.listeners['jobs'][0]}"
        where = code.index("for (;;) {\n  const" if language == "js" else "while True:\n    for job")
        code = code[:where] + SENDS[language] + code[where:]
        self.worker = subprocess.Popen([*command, code.replace("http://127.0.0.1:9324", url)])
        self.addCleanup(lambda: (self.worker.kill(), self.worker.wait()))

    def outlives(self, language, begins, *command):
        self.start_jobs([])
        self.config["jobs"]["listen"] = self.fairing.listeners["jobs"][0]  # the same after the kill
        self.fairing.write_config(self.config)
        self.work(language, snippet(language, begins), command)
        queues = lambda: [q["name"] for q in self.call("GET", "/v1/queues")[1]["items"]]
        wait_until(lambda: queues() == ["emails"], what="the queue that the worker asks for")
        self.is_sent("first")
        self.kill_and_start_again()
        self.is_sent("after the kill")
        late = self.put(payload={"to": "slow"}, timeout="200ms", attempts=["0s"])
        self.assertEqual(self.finished(late)["attempts"][0]["error"], "lease expired")
        self.is_sent("after the stale lease")
        self.assertIsNone(self.worker.poll(), "the worker has ended")

    def is_sent(self, to):
        name = self.put(payload={"to": to})
        self.assertEqual(self.finished(name)["state"], "done")
        self.assertEqual(self.call("GET", f"/v1/jobs/{name}/result"), (200, to))

    def test_the_worker_in_node(self):
        self.outlives("js", "import { setTimeout", "node", "--input-type=module", "-e")

    def test_the_worker_in_python(self):
        self.outlives("python", "import http.client", sys.executable, "-c")


if __name__ == "__main__":
    unittest.main()
