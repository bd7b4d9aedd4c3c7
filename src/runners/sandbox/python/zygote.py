"""The process that imports the mathematics once and forks a shut-in child for each session, so that a session starts in milliseconds.

Speaks with its owner in lines of JSON, on standard input and output; each child speaks in frames on a socket of its own, which the owner made.
Promises: the zygote runs no code of sessions; a child answers for itself only and can reach neither it nor another child; end of input ends all.
"""
import ctypes
import gc
import importlib
import importlib.machinery
import json
import mmap
import os
import select
import shutil
import signal
import struct
import sys

import cells
import confine
import scratch

cells.HARNESS_FILES.add((lambda: None).__code__.co_filename)
cells.HARNESS_FILES.add(scratch.Pool.__init__.__code__.co_filename)

SOCKETS_FROM = 3
SESSION_SOCKET = 3
# What programs of mathematics import, so that no session pays for it.
STANDARD = (
    "array base64 bisect cmath collections.abc contextlib copy csv dataclasses datetime decimal enum fractions functools hashlib heapq inspect "
    "itertools locale math numbers operator pathlib pickle platform pprint queue random re secrets statistics string struct tempfile textwrap "
    "threading time timeit traceback typing unicodedata uuid warnings weakref zlib"
).split()
REQUEST, REPLY = struct.Struct("<5I"), struct.Struct("<IBBxxIII")
STATUSES = {"ok": 0, "error": 1, "timeout": 2, "exited": 3}
NONE = 0xFFFFFFFF
STACK_BYTES, GROWN_STACK_BYTES = 64 << 20, 4 << 20
RESERVE_BYTES = 8 << 20
SCRATCH_INODES = 4096
PIECE_BYTES = 1 << 16
# A session one of whose cells has used the processor for so long steps back by so many levels of niceness.
LONG_SECONDS, BACK = 0.1, 10


class Only:
    """Finds the named packages in a folder and nothing else that lies there."""

    def __init__(self, names, folder):
        self.names, self.folder = frozenset(names), folder

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.PathFinder.find_spec(name, [self.folder]) if name in self.names else None


def load(options):
    """Imports what there is; {name: version}."""
    versions = {}
    if options["sympy"]:
        sys.meta_path.append(Only(("sympy", "mpmath"), options["sympy"]))
    if options["numpy"]:
        sys.meta_path.append(Only(("numpy",), options["numpy"]))
    if not options["load"]:
        return versions
    for name in STANDARD:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    if options["numpy"]:
        try:
            versions["numpy"] = importlib.import_module("numpy").__version__
            importlib.import_module("numpy.random")
        except ImportError:
            versions["numpy"] = None
    if options["sympy"]:
        sympy = importlib.import_module("sympy")
        versions["sympy"] = sympy.__version__
        warm_up(sympy)
    return versions


# The first use of each part of SymPy imports modules and builds tables, which children then share: a session's first integral takes a fifth.
FIRST_USES = """
integrate(x * exp(-x), (x, 0, oo)); integrate(sin(x)**2, x); integrate(y * sin(y), y); limit(sin(x) / x, x, 0); series(exp(x), x, 0, 4)
solve([x + y - 3, x - y - 1], [x, y]); solve(x**3 - 6*x + 4, x); solveset(x**2 - 1, x); nsolve(cos(x) - x, x, 1); Poly(x**2 - 1, x).all_roots()
simplify(cos(x)**2 + sin(x)**2); factor(x**2 - 1); expand((x + 1)**3); nsimplify(0.5); sqrt(8).evalf(); diff(tan(x), x); apart(1 / (x**2 - 1))
summation(x, (x, 1, 10)); Sum(1 / y**2, (y, 1, oo)).doit(); factorint(360); isprime(10**9 + 7); binomial(5, 2); divisors(12); totient(9)
Matrix([[1, 2], [3, 4]]).eigenvals(); Matrix([[1, 2], [3, 4]]).inv(); Point(0, 0).distance(Point(3, 4)); sympify("x**2 + 1"); latex(x**2)
"""


def warm_up(sympy):
    names = {}
    exec("from sympy import *", names)
    names["x"], names["y"] = sympy.symbols("x y")
    for use in FIRST_USES.replace("\n", ";").split(";"):
        try:
            exec(use.strip(), names)
        except Exception:
            # Another version of SymPy may do it differently; it is only slower then.
            continue


def look(options):
    """What a child can have here, found in a child: (mapped bytes, mounts of its own, threads counted by themselves)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            mounts = options["mounts"] and confine.own_mounts() and confine.mount_scratch(options["folder"], 1 << 20, 16)
            users = confine.own_users()
            os.write(writing, json.dumps([confine.mapped_bytes(), bool(mounts), bool(users)]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    told = os.read(reading, 4096)
    os.close(reading)
    os.waitpid(child, 0)
    return json.loads(told)


class Zygote:
    def __init__(self, options, rest):
        self.options = options
        self.pending = rest
        self.children = {}
        self.slots = {}
        self.pid = os.getpid()

    def say(self, **event):
        line = json.dumps(event).encode() + b"\n"
        while line:
            line = line[os.write(1, line):]

    def run(self):
        options = self.options
        confine.die_with_parent(os.getppid())
        try:
            self.landlock = confine.landlock_version()
            confine.number("read")
        except confine.Unsupported as reason:
            self.say(event="unsupported", detail=str(reason))
            return
        confine.grow_stack(GROWN_STACK_BYTES)
        versions = load(options)
        self.mapped, self.mounts, self.users = look(options)
        self.creates = self.mounts
        confine.prepare(self.creates)
        os.environ.clear()
        waking, woken = os.pipe()
        os.set_blocking(waking, False)
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()
        self.say(
            event="ready", landlock=self.landlock, mounts=self.mounts, users=self.users, sympy=versions.get("sympy"), numpy=versions.get("numpy")
        )
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(waking, select.POLLIN)
        try:
            while self.turn(poll, waking):
                pass
        finally:
            self.end()

    def turn(self, poll, waking):
        """One round of orders and ends; False: there are no more orders to come."""
        ready = dict(poll.poll())
        if waking in ready:
            try:
                os.read(waking, 4096)
            except BlockingIOError:
                pass
            self.reap(os.WNOHANG)
        if 0 not in ready and not self.pending:
            return True
        if 0 in ready:
            data = os.read(0, PIECE_BYTES)
            if not data:
                return False
            self.pending += data
        *lines, self.pending = self.pending.split(b"\n")
        for line in lines:
            order = json.loads(line)
            if order["op"] == "spawn":
                self.spawn(order)
            elif order["op"] == "kill":
                self.kill(order)
        return True

    def reap(self, flags):
        while self.children:
            try:
                child, status, usage = os.wait4(-1, flags)
            except ChildProcessError:
                return
            if child == 0:
                return
            order = self.children.pop(child, None)
            if order is None:
                continue
            self.slots.pop(order["slot"], None)
            self.clear(order)
            self.say(
                event="exit", slot=order["slot"], session=order["session"], status=status, cpuMillis=1000 * (usage.ru_utime + usage.ru_stime)
            )

    def clear(self, order):
        if not self.mounts:
            shutil.rmtree(self.folder_of(order), ignore_errors=True)

    def folder_of(self, order):
        return os.path.join(self.options["folder"], "session-%d" % order["session"])

    def kill(self, order):
        child = self.slots.get(order["slot"])
        if child is not None and self.children[child]["session"] == order["session"]:
            os.kill(child, signal.SIGKILL)

    def end(self):
        signal.set_wakeup_fd(-1)
        for child in list(self.children):
            os.kill(child, signal.SIGKILL)
        self.reap(0)

    def spawn(self, order):
        try:
            child = os.fork()
        except OSError:
            # No process to be had now costs this session, not those that run.
            self.say(event="exit", slot=order["slot"], session=order["session"], status=0, cpuMillis=0)
            return
        if child == 0:
            try:
                self.child(order)
            finally:
                os._exit(70)
        self.children[child] = order
        self.slots[order["slot"]] = child

    def child(self, order):
        confine.die_with_parent(self.pid)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        null = os.open("/dev/null", os.O_RDWR)
        socket = SOCKETS_FROM + order["slot"]
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        if socket != SESSION_SOCKET:
            os.dup2(socket, SESSION_SOCKET)
        # What the slot's former session set on it outlives that session.
        os.set_blocking(SESSION_SOCKET, True)
        os.closerange(SESSION_SOCKET + 1, SOCKETS_FROM + self.options["slots"] + 32)
        limits = order["limits"]
        try:
            session = cells.Session(0, limits["outputBytes"], 3000, self.options["missing"])
            self.confine(order, limits)
        except BaseException as failure:
            send(("The session could not be shut in: %s: %s" % (type(failure).__name__, failure)).encode()[:1000])
            os._exit(71)
        serve(session, order["nonce"].encode())

    def confine(self, order, limits):
        if self.mounts:
            folder = self.options["folder"]
            if not confine.own_mounts() or not confine.mount_scratch(folder, limits["scratchBytes"], SCRATCH_INODES):
                raise OSError(ctypes.get_errno(), "its own file system")
            os.chdir(folder)
            file_bytes = limits["fileBytes"]
            rules = [(folder, confine.SCRATCH)]
        else:
            folder = self.folder_of(order)
            pool = scratch.Pool(folder)
            os.chdir(pool.files)
            pool.install()
            file_bytes = min(limits["fileBytes"], limits["scratchBytes"] // scratch.FILES)
            rules = [(folder, confine.POOL | confine.REFER)]
        rules += [(path, confine.READING) for path in self.options["readable"]]
        rules += [("/dev/null", confine.READ_FILE | confine.WRITE_FILE), ("/dev/urandom", confine.READ_FILE)]
        os.nice(self.options["niceness"])
        # Threads are counted for each user: in a user namespace of its own those of this session only.
        threads = limits["threads"] if self.users and confine.own_users() else self.options["tasks"]
        seconds = -(-limits["cpuMillis"] // 1000)
        confine.limit("AS", self.mapped + limits["memoryBytes"])
        confine.limit("CPU", seconds, seconds + 1)
        confine.limit("FSIZE", file_bytes)
        confine.limit("NOFILE", limits["openFiles"])
        confine.limit("STACK", STACK_BYTES)
        confine.limit("NPROC", threads)
        for kind in ("CORE", "MEMLOCK", "MSGQUEUE", "RTPRIO", "NICE"):
            confine.limit(kind, 0)
        confine.shut_in(self.creates, self.landlock, rules)


def send(data):
    view = memoryview(data)
    while view:
        view = view[_write(SESSION_SOCKET, view):]


# Taken before a program can replace them.
_read, _write, _exit = os.read, os.write, os._exit
_signal, _setitimer, _mmap = signal.signal, signal.setitimer, mmap.mmap
_nice = os.nice


def _reserve(session):
    """Memory that is given up when there is no more, so that the cell's end can be told; None: there is none for it now."""
    try:
        reserve = _mmap(-1, RESERVE_BYTES)
    except (MemoryError, OSError):
        return None
    session.relieve = reserve.close
    return reserve


def serve(session, nonce):
    """Runs cells until the owner goes away. Bytes that were meant for who had the socket before end where the nonce stands."""
    buffer = b""
    while nonce not in buffer:
        data = _read(SESSION_SOCKET, PIECE_BYTES)
        if not data:
            _exit(0)
        buffer = buffer[-len(nonce):] + data
    buffer = buffer[buffer.index(nonce) + len(nonce):]
    send(nonce)
    reserve = _reserve(session)
    if reserve is None:
        _exit(72)
    stepped_back = False

    def interrupt(_signal, _frame):
        if session.interruptible:
            session.was_interrupted = True
            raise cells.SoftTimeout("the cell ran for as long as it may")

    def step_back(_signal, _frame):
        # A cell that computes for long lets those go first that do not.
        nonlocal stepped_back
        if not stepped_back:
            stepped_back = True
            _nice(BACK)

    _signal(signal.SIGPROF, step_back)

    def give_up_reserve():
        if reserve.closed:
            _exit(72)
        reserve.close()

    def more(wanted):
        nonlocal buffer
        while len(buffer) < wanted:
            try:
                data = _read(SESSION_SOCKET, PIECE_BYTES)
            except MemoryError:
                # Nothing was read: the room for it is made first.
                give_up_reserve()
                continue
            if not data:
                _exit(0)
            try:
                buffer += data
            except MemoryError:
                give_up_reserve()
                buffer += data

    unanswered = 0
    while True:
        try:
            more(REQUEST.size)
            number, code_bytes, output_bytes, wall_millis, grace_millis = REQUEST.unpack_from(buffer)
            if number == 0:
                buffer = buffer[REQUEST.size:]
                session.seed(output_bytes)
                continue
            end = REQUEST.size + code_bytes
            more(end)
            code = buffer[REQUEST.size:end].decode("utf-8", "replace")
            # From here on the cell is answered once; before, it would be read again.
            buffer, unanswered = buffer[end:], number
            _signal(signal.SIGALRM, interrupt)
            _signal(signal.SIGINT, signal.default_int_handler)
            if not stepped_back:
                _setitimer(signal.ITIMER_PROF, LONG_SECONDS)
            _setitimer(signal.ITIMER_REAL, wall_millis / 1000, max(grace_millis / 10_000, 0.01))
            try:
                status, stdout, stderr, value, truncated = session.run(code, output_bytes)
            finally:
                _setitimer(signal.ITIMER_REAL, 0)
            code = None
            first, second = stdout.encode("utf-8", "replace"), stderr.encode("utf-8", "replace")
            third = b"" if value is None else value.encode("utf-8", "replace")
            head = REPLY.pack(number, STATUSES[status], truncated, len(first), len(second), NONE if value is None else len(third))
            frame = b"".join((head, first, second, third))
            unanswered = 0
            send(frame)
            if reserve.closed:
                reserve = _reserve(session) or reserve
        except MemoryError:
            give_up_reserve()
            if unanswered:
                frame, unanswered = REPLY.pack(unanswered, STATUSES["error"], 1, 0, 0, NONE), 0
                send(frame)


def main(options, rest):
    Zygote(options, rest).run()
