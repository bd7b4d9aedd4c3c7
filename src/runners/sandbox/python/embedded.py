"""The part of the embedded level's Python that is frozen into its snapshot: it opens the one session and runs its cells.

`cells` is the module of that name, loaded by name of nothing on disk. Everything below is called from JavaScript only.
"""
import signal
import sys

_session = None
_exit = SystemExit


def _interrupt(_number, _frame):
    """Asked by the host at the cell's wall limit; outside of the cell's own code it only leaves word."""
    session = _session
    if session is None:
        return
    session.was_interrupted = True
    if session.interruptible:
        raise cells.SoftTimeout()


def shut():
    """Takes the ways to JavaScript out of reach. It is no boundary: the process around it is."""
    import _pyodide._importhook as hook
    import pyodide._package_loader
    import pyodide.code
    import pyodide.webloop
    for name in ("js", "pyodide_js"):
        sys.modules.pop(name, None)
        try:
            hook.unregister_js_module(name)
        except ValueError:
            continue
    pyodide.code.run_js = None
    pyodide.webloop.scheduleCallback = None
    pyodide._package_loader.loadedPackages = None


def start(seed, output_bytes, recursion, missing):
    """Opens the session. `missing`: (module, sentence) pairs."""
    global _session
    signal.signal(signal.SIGINT, _interrupt)
    _session = cells.Session(seed=seed, output_bytes=output_bytes, recursion=recursion, missing=dict(missing))


def run(code, output_bytes):
    return _session.run(code, output_bytes)


def sleep_by_slices():
    """Makes `time.sleep` interruptible: WebAssembly sleeps in one call, which looks at nothing."""
    import time
    wait, now = time.sleep, time.monotonic

    def sleep(seconds, /):
        if seconds != seconds or seconds < 0:
            raise ValueError("sleep length must be non-negative")
        end = now() + seconds
        while True:
            rest = end - now()
            if rest <= 0:
                return
            wait(min(rest, 0.02))

    time.sleep = sleep
