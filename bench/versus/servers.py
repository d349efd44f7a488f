"""The servers that are compared, each at its best settings: peers/ says which and why.

Flow: server = SERVERS[name](); server.start(workspace, origin_port, access_log); server.port; server.processes.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import harness

COLLECTOR = pathlib.Path(__file__).resolve().parent / "collector.py"
PEERS = pathlib.Path(__file__).resolve().parent / "peers"


def fill(template, target, values):
    """Writes the template with its @NAMES@ replaced; a name without a value is an error."""
    text = (PEERS / template).read_text(encoding="utf-8")
    text = re.sub(r"@([A-Z_]+)@", lambda m: str(values[m[1]]) if m[1] != "NAMES" else m[0], text)
    target.write_text(text, encoding="utf-8")
    return target


def first_line(argv, wanted):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(wanted, done.stdout + done.stderr)
    return found[1] if found else "?"


class Server:
    name = ""
    program = ""

    def __init__(self):
        self.port = 0
        self.processes = []
        self.log_file = None

    @classmethod
    def missing(cls):
        """Why this server cannot take part, or an empty string."""
        return "" if shutil.which(cls.program) else f"{cls.program} is not installed"

    def start(self, workspace, origin_port, access_log):
        directory = workspace.dir / f"{self.name}{'-log' if access_log else ''}"
        directory.mkdir()
        self.port = harness.free_port()
        self.log_file = directory / "access.log" if access_log else None
        self.launch(workspace, directory, {"DIR": directory, "PORT": self.port, "ORIGIN_PORT": origin_port})
        harness.wait_for_port(self.port, self.processes[0], self.name, self.processes[0].log)

    def port_for(self, _row):
        """Where to ask for a row: a server may have an instance with other settings for some rows."""
        return self.port

    def memory_processes(self):
        return self.processes

    def logged_bytes(self):
        """How much the access log has grown to; 0 with logs off."""
        return self.log_file.stat().st_size if self.log_file and self.log_file.exists() else 0

    def run(self, workspace, argv, env=None):
        self.processes.append(workspace.start(f"{self.name}-{self.port}-{len(self.processes)}", argv,
                                              harness.SERVER_CORE, env))

    def launch(self, workspace, directory, values):
        raise NotImplementedError


class Nginx(Server):
    name, program = "nginx", "nginx"

    @staticmethod
    def version():
        return first_line(["nginx", "-v"], r"nginx/([\d.]+)")

    def launch(self, workspace, directory, values):
        values["USER"] = "user root;" if os.getuid() == 0 else ""
        values["ACCESS_LOG"] = f"{self.log_file} combined buffer=64k flush=1s" if self.log_file else "off"
        config = fill("nginx.conf", directory / "nginx.conf", values)
        self.run(workspace, ["nginx", "-c", config, "-p", directory, "-e", directory / "error.log"])


class Varnish(Server):
    name, program = "varnish", "varnishd"

    # Without a reader, log records are only a cost: all that can be masked are (about 9 % at 1 KB).
    MASK = ",".join("-" + tag for tag in (
        "Begin End Link SessOpen SessClose BackendOpen BackendClose BackendReuse ReqStart ReqMethod ReqURL ReqProtocol "
        "ReqHeader ReqUnset RespProtocol RespStatus RespReason RespHeader RespUnset BereqMethod BereqURL BereqProtocol "
        "BereqHeader BereqUnset BerespProtocol BerespStatus BerespReason BerespHeader BerespUnset ObjUnset VCL_call "
        "VCL_return VCL_use Timestamp ReqAcct BereqAcct Length Gzip Storage TTL Hit HitMiss HitPass Filters Fetch_Body"
    ).split())

    @staticmethod
    def version():
        return first_line(["varnishd", "-V"], r"varnish-([\d.]+)")

    def launch(self, workspace, directory, values):
        config = fill("varnish.vcl", directory / "bench.vcl", values)
        parameters = {
            "thread_pools": 1,              # one core: one pool
            "thread_pool_min": 200,         # no thread is made while it is measured
            "thread_pool_max": 2000,
            "http_gzip_support": "off",     # both forms stored, see varnish.vcl
            "listen_depth": 4096,
            "timeout_idle": 3600,
        }
        if not self.log_file:
            parameters["vsl_mask"] = self.MASK
        argv = ["varnishd", "-F", "-j", "none", "-n", directory / "work", "-a", f"127.0.0.1:{self.port}", "-T", "none",
                "-f", config, "-s", "malloc,2G"]
        for key, value in parameters.items():
            argv += ["-p", f"{key}={value}"]
        self.run(workspace, argv)
        if self.log_file:  # Varnish's access log is a process of its own, and its time counts
            harness.wait_for_port(self.port, self.processes[0], self.name, self.processes[0].log)
            self.run(workspace, ["varnishncsa", "-n", directory / "work", "-w", self.log_file])


class Haproxy(Server):
    name, program = "haproxy", "haproxy"
    large_port = 0

    @staticmethod
    def version():
        return first_line(["haproxy", "-v"], r"version ([\d.]+)")

    def launch(self, workspace, directory, values):
        self.instance(workspace, directory, values, "haproxy", 16384, self.log_file)
        # A second instance for large bodies, see haproxy.cfg.
        self.large_port = harness.free_port()
        self.instance(workspace, directory, {**values, "PORT": self.large_port}, "haproxy-large", 65536,
                      self.log_file and directory / "access-large.log")
        harness.wait_for_port(self.large_port, self.processes[1], self.name, self.processes[1].log)

    def instance(self, workspace, directory, values, name, bufsize, log_file):
        values = {**values, "LOG": "", "RING": "", "LOG_FORMAT": "", "BUFSIZE": bufsize}
        if log_file:
            collector = self.collect(workspace, log_file)
            values["LOG"] = "log ring@access local0"
            values["RING"] = ("ring access\n    format raw\n    maxlen 2048\n    size 4194304\n"
                              "    timeout connect 5s\n    timeout server 1h\n"
                              f"    server collector 127.0.0.1:{collector} log-proto legacy")
            values["LOG_FORMAT"] = "log global\n    option httplog"
        config = fill("haproxy.cfg", directory / f"{name}.cfg", values)
        self.run(workspace, ["haproxy", "-db", "-f", config])

    def port_for(self, row):
        return self.large_port if row.large_body else self.port

    def memory_processes(self):
        return self.processes[:1]

    @staticmethod
    def collect(workspace, log_file):
        """Starts the collector of the ring's lines on the load's core; returns its port."""
        process = workspace.start(f"collector-of-{log_file.stem}", [sys.executable, COLLECTOR, log_file], harness.LOAD_CORE,
                                  stdout=subprocess.PIPE)
        line = process.stdout.readline()
        if not line:
            raise harness.BenchError(f"the log collector did not start:\n{harness.tail(process.log)}")
        return int(line)


class Fairing(Server):
    name, program = "fairing", ""
    admin_port = 0
    build = harness.REPOSITORY / "build/release"

    @classmethod
    def missing(cls):
        binary = cls.build / "fairing"
        return "" if binary.exists() else f"{binary} is not built"

    @classmethod
    def version(cls):
        return first_line([str(cls.build / "fairing"), "version"], r"([\d.]+\S*)")

    def launch(self, workspace, directory, values):
        self.admin_port = harness.free_port()
        values.update(ADMIN_PORT=self.admin_port, ACCESS_LOG=self.log_file or "off")
        config = fill("fairing.yaml", directory / "fairing.yaml", values)
        self.run(workspace, [self.build / "fairing", "run", "-c", config], {"FAIRING_RUNTIME_DIR": str(directory)})


SERVERS = {server.name: server for server in (Fairing, Nginx, Varnish, Haproxy)}
