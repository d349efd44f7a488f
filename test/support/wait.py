"""Waiting for something to become true, with a deadline, instead of sleeping for a guessed time."""
import time


def wait_until(condition, timeout=10.0, what="the condition"):
    """Polls `condition` until it returns something true and returns that; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain for {what}")
        time.sleep(0.01)


def past(seconds):
    """A condition for wait_until: true once `seconds` have passed (for lifetimes in whole seconds, as HTTP counts)."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
