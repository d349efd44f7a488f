"""A disk that fails and a clock that jumps, for one Fairing: the other end of tools/faults_preload.c.

Flow:
    faults = Faults(self)
    self.start_jobs([...], env=faults.env)
    faults.sync_fails = 1            # the next fsync of a database answers EIO; -1: all of them
    faults.write_fails = -1          # writes answer ENOSPC (write_errno names another)
    faults.free_bytes = 1 << 20      # what statvfs says; -1: the truth
    faults.clock_ms = 3_600_000      # added to the wall clock
    faults.failed_syncs              # how many did
"""
import errno
import glob
import mmap
import os
import struct
import tempfile

from support.fairing import ROOT

FIELDS = ("clock_ms", "sync_errno", "sync_fails", "write_errno", "write_fails", "free_bytes", "failed_syncs", "failed_writes")
HOUR_MS = 3_600_000


def library():
    """FAIRING_FAULTS_LIBRARY, else the newest that was built."""
    named = os.environ.get("FAIRING_FAULTS_LIBRARY")
    if named:
        return named
    built = sorted(glob.glob(os.path.join(ROOT, "build", "*", "libfairing_faults.so")), key=os.path.getmtime)
    if not built:
        raise RuntimeError("no libfairing_faults.so: ninja -C build/... fairing_faults, or set FAIRING_FAULTS_LIBRARY")
    return built[-1]


class Faults:
    def __init__(self, test):
        handle, path = tempfile.mkstemp(prefix="fairing-faults-")
        test.addCleanup(os.remove, path)
        os.ftruncate(handle, 8 * len(FIELDS))
        memory = mmap.mmap(handle, 8 * len(FIELDS))
        os.close(handle)
        test.addCleanup(memory.close)
        object.__setattr__(self, "memory", memory)
        self.sync_errno, self.write_errno, self.free_bytes = errno.EIO, errno.ENOSPC, -1
        object.__setattr__(self, "env", {"LD_PRELOAD": library(), "FAIRING_FAULTS": path})

    def __getattr__(self, name):
        if name not in FIELDS:
            raise AttributeError(name)
        return struct.unpack_from("q", self.memory, 8 * FIELDS.index(name))[0]

    def __setattr__(self, name, value):
        struct.pack_into("q", self.memory, 8 * FIELDS.index(name), value)
