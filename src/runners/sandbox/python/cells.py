"""Runs cells of code one after the other on the same variables, like a notebook's kernel; the same file serves every level of the sandbox.

Promises: what a cell writes is cut while it runs, so that memory is bounded by the cap; a cell always comes to an answer of plain texts,
whatever it did to builtins, modules or streams. It is no boundary: code can reach all of this, and the parent trusts nothing it says.
Standard library only, no signals and no input or output of its own; CPython 3.9 and later.
"""
import ast
import builtins
import io
import linecache
import random
import re
import sys
import traceback
import types
# A cell may replace builtins; this module goes on with those it found.
from builtins import (
    BaseException, EOFError, Exception, KeyboardInterrupt, MemoryError, ModuleNotFoundError, SyntaxError, SystemExit, TypeError,
    bytearray, bytes, compile, dict, enumerate, eval, exec, frozenset, getattr, hasattr, id,
    int, isinstance, len, list, max, memoryview, repr, set, sorted, str, tuple, type
)

WIDTH = 79
SHAPED_CHARACTERS = 8192
SHOWN_FRAMES = 20
LEAST_RECURSION = 500
# Files whose frames are left out of tracebacks; hosts add their own.
HARNESS_FILES = {(lambda: None).__code__.co_filename}

_get_recursion_limit, _set_recursion_limit = sys.getrecursionlimit, sys.setrecursionlimit
_set_trace, _set_profile = sys.settrace, sys.setprofile
_AST_ONLY, _Expr, _Expression = ast.PyCF_ONLY_AST, ast.Expr, ast.Expression
_TracebackException = traceback.TracebackException


class SoftTimeout(KeyboardInterrupt):
    """Raised inside of a cell that has reached its wall limit."""


SoftTimeout.__module__ = "builtins"


def cut(text, most_bytes):
    """The text without lone surrogates, cut to so many bytes of UTF-8, and whether something was cut."""
    if len(text) <= most_bytes and text.isascii():
        return text, False
    data = text[:most_bytes].encode("utf-8", "replace")
    if len(data) <= most_bytes and len(text) <= most_bytes:
        return data.decode("utf-8", "replace"), False
    return data[:most_bytes].decode("utf-8", "ignore"), True


class Output(io.TextIOBase):
    """A text stream that keeps the first bytes and drops the rest; between cells it keeps nothing."""

    encoding = "utf-8"
    errors = "replace"
    newlines = None
    line_buffering = False

    def __init__(self, name):
        self.name = name
        self.mode = "w"
        self._room = 0
        self._kept = bytearray()
        self._cut = False
        self.buffer = OutputBytes(self)

    def start(self, most_bytes):
        self._kept = bytearray()
        self._cut = False
        self._room = most_bytes

    def finish(self, most_bytes):
        """What was kept, as text, and whether something was cut."""
        self._room = 0
        kept, self._kept = self._kept, bytearray()
        if kept.isascii() and len(kept) <= most_bytes:
            return kept.decode("ascii"), self._cut
        # Cut bytes may end inside of a character; bytes of a program's own may be anything, and each bad one becomes three.
        text, again = cut(kept.decode("utf-8", "ignore" if self._cut else "replace"), most_bytes)
        return text, self._cut or again

    def keep(self, data):
        room = self._room - len(self._kept)
        if len(data) > room:
            self._cut = True
            data = data[:max(room, 0)]
        self._kept += data

    def write(self, text):
        if type(text) is not str:
            if not isinstance(text, str):
                raise TypeError("write() argument must be str, not " + type(text).__name__)
            text = str.__str__(text)
        length = len(text)
        room = self._room - len(self._kept)
        if length > room:
            self._cut = True
            if room <= 0:
                return length
            text = text[:room]
        self.keep(text.encode("utf-8", "replace"))
        return length

    def writable(self):
        return True

    def readable(self):
        return False

    def isatty(self):
        return False

    def fileno(self):
        raise io.UnsupportedOperation("fileno")

    def reconfigure(self, **settings):
        """Its settings stay as they are."""

    def close(self):
        """It stays open: the next cell writes to it as well."""

    closed = False


class OutputBytes(io.BufferedIOBase):
    """The bytes below an Output."""

    def __init__(self, output):
        self._output = output

    def write(self, data):
        if isinstance(data, str):
            raise TypeError("a bytes-like object is required, not 'str'")
        view = memoryview(data).cast("B")
        self._output.keep(bytes(view[:self._output._room + 1]))
        return len(view)

    def writable(self):
        return True

    def fileno(self):
        raise io.UnsupportedOperation("fileno")

    def close(self):
        """It stays open."""

    closed = False


class NoInput(io.TextIOBase):
    """A standard input with nothing in it."""

    encoding = "utf-8"
    name = "<stdin>"

    def readable(self):
        return True

    def read(self, size=-1):
        return ""

    def readline(self, size=-1):
        return ""

    def isatty(self):
        return False

    def close(self):
        """It stays open."""

    closed = False


class MissingModules:
    """The last of the finders: says what to do about a module that is not there."""

    def __init__(self, sentences):
        self.sentences = sentences

    def find_spec(self, name, path=None, target=None):
        sentence = self.sentences.get(name)
        if sentence is not None:
            raise ModuleNotFoundError(sentence, name=name)
        return None


BRACKETS = {list: ("[", "]"), tuple: ("(", ")"), dict: ("{", "}"), set: ("{", "}"), frozenset: ("frozenset({", "})")}


def _in_order(items):
    """Members of a set in the order in which a notebook shows them, so that it does not hang on hashes."""
    for key in (None, str):
        try:
            return sorted(items, key=key)
        except Exception:
            continue
    return list(items)


def _shape(value, indent, column, after, above):
    """The value as it stands at `column`, with `after` characters behind it: on one line, or each member on a line of its own."""
    kind = type(value)
    if kind not in BRACKETS or not value or id(value) in above or len(above) > 50:
        return repr(value)
    opening, closing = BRACKETS[kind]
    above = above | {id(value)}
    members = list(value.items()) if kind is dict else _in_order(value) if kind in (set, frozenset) else list(value)
    if kind is tuple and len(members) == 1:
        closing = ",)"

    def joined(between, flat):
        inner = indent + (0 if flat else len(opening))
        texts = []
        for at, member in enumerate(members):
            behind = 1 if at < len(members) - 1 else after + len(closing)
            key = ""
            if kind is dict:
                key = _shape(member[0], 0, -1_000_000, 0, above) + ": "
                member = member[1]
            texts.append(key + _shape(member, inner, -1_000_000 if flat else inner + len(key), behind, above))
        return opening + between.join(texts) + closing

    line = joined(", ", True)
    if column + len(line) + after <= WIDTH:
        return line
    return joined(",\n" + " " * (indent + len(opening)), False)


def show(value):
    """The value's text as a notebook shows it: a container that does not fit into a line has each member on a line of its own."""
    text = repr(value)
    if type(value) not in BRACKETS or len(text) >= SHAPED_CHARACTERS:
        return text
    try:
        return _shape(value, 0, 0, 0, frozenset())
    except Exception:
        return text


def _lines(code):
    """The lines of the code as Python counts them."""
    return re.split(r"\r\n|\r|\n", code)


def _without_harness(told, seen):
    """Leaves frames of this harness out, and all but the last ones, in the exception and those that led to it."""
    while told is not None and id(told) not in seen and len(seen) < 50:
        seen.add(id(told))
        kept = [frame for frame in told.stack if frame.filename not in HARNESS_FILES]
        told.stack[:] = kept[-SHOWN_FRAMES:]
        for inner in (getattr(told, "exceptions", None) or [])[:20]:
            _without_harness(inner, seen)
        if told.__cause__ is not None:
            _without_harness(told.__cause__, seen)
        told = told.__context__


def _tell(error):
    """The traceback of an exception, as Python prints it."""
    told = _TracebackException(type(error), error, error.__traceback__, lookup_lines=False)
    _without_harness(told, set())
    return "".join(told.format())


def _advice(error):
    """A sentence for those who took the cell for a notebook's; empty for everything else."""
    line = error.text if isinstance(error, SyntaxError) else None
    if isinstance(line, str) and re.match(r"\s*[%!]", line):
        return "Magics (%) and shell commands (!) are a notebook's: a cell is plain Python\n"
    return ""


def _no_input(prompt=""):
    raise EOFError("A cell has no standard input: input() cannot be used here")


def _leave(code=None):
    raise SystemExit(code)


class Session:
    """The variables of one session and what runs cells on them."""

    def __init__(self, seed=0, output_bytes=65536, recursion=3000, missing=None):
        """`missing`: module names with the sentence that importing them says, for those that are not there."""
        self.output_bytes = output_bytes
        self.cells = 0
        # An interrupt is welcome only while code of the cell can run; who raises it looks here first.
        self.interruptible = False
        self.was_interrupted = False
        self.out, self.err, self.input = Output("<stdout>"), Output("<stderr>"), NoInput()
        main = types.ModuleType("__main__")
        main.__builtins__ = builtins
        self.main, self.names = main, main.__dict__
        sys.modules["__main__"] = main
        sys.argv = [""]
        sys.__stdout__, sys.__stderr__, sys.__stdin__ = self.out, self.err, self.input
        sys.stdout, sys.stderr, sys.stdin = self.out, self.err, self.input
        builtins.input, builtins.exit, builtins.quit = _no_input, _leave, _leave
        if missing:
            sys.meta_path.append(MissingModules(dict(missing)))
        if hasattr(sys, "set_int_max_str_digits"):
            sys.set_int_max_str_digits(0)
        _set_recursion_limit(recursion)
        self.seed(seed)

    def seed(self, seed):
        """Seeds every generator that is loaded: Python's, SymPy's own, NumPy's."""
        random.seed(seed)
        loaded = sys.modules
        if "sympy.core.random" in loaded:
            loaded["sympy.core.random"].seed(seed)
        if "numpy" in loaded:
            loaded["numpy"].random.seed(seed & 0xFFFFFFFF)

    def interrupted(self):
        """Whether the cell was interrupted at its wall limit; hosts may replace it."""
        return self.was_interrupted

    def relieve(self):
        """Memory ran out; hosts that keep some back for telling it give it up here."""

    def run(self, code, output_bytes=None):
        """(status, stdout, stderr, value, truncated) of one cell; status is ok, error, timeout or exited."""
        most = self.output_bytes if output_bytes is None else output_bytes
        out, err = self.out, self.err
        self.cells += 1
        self.was_interrupted = False
        out.start(most)
        err.start(most)
        sys.stdout, sys.stderr, sys.stdin = out, err, self.input
        status, value, failure = "ok", None, None
        try:
            try:
                self.interruptible = True
                value = self._execute(code, "<cell %d>" % self.cells)
            finally:
                self.interruptible = False
        except SystemExit as exit:
            self.interruptible = False
            status, failure = "exited", exit
        except KeyboardInterrupt as interrupt:
            self.interruptible = False
            timed_out = isinstance(interrupt, SoftTimeout) or self.interrupted()
            status, failure = "timeout" if timed_out else "error", interrupt
        except BaseException as error:
            self.interruptible = False
            status, failure = "error", error
            if isinstance(error, MemoryError):
                self.relieve()
        _set_trace(None)
        _set_profile(None)
        if _get_recursion_limit() < LEAST_RECURSION:
            _set_recursion_limit(LEAST_RECURSION)
        if failure is not None:
            self._report(status, failure)
            failure = None
        if status == "ok" and self.interrupted():
            # The code caught the interrupt and came to an end of its own.
            status = "timeout"
        return self._answer(status, value, most)

    def _execute(self, code, name):
        # As Python reads files: a traceback's marks hang on lines that end in one newline.
        lines = [line + "\n" for line in _lines(code)]
        linecache.cache[name] = (len(code), None, lines, name)
        tree = compile(code, name, "exec", _AST_ONLY, dont_inherit=True)
        last = None
        if tree.body and isinstance(tree.body[-1], _Expr):
            last = tree.body.pop()
        if tree.body:
            exec(compile(tree, name, "exec", dont_inherit=True), self.names)
        if last is None:
            return None
        value = eval(compile(_Expression(last.value), name, "eval", dont_inherit=True), self.names)
        if value is None or ";" in code and self._is_silenced(code, last):
            return None
        self.names["_"] = value
        return show(value)

    def _is_silenced(self, code, last):
        """A semicolon behind the last expression keeps its value from being shown, as in a notebook."""
        line = _lines(code)[last.end_lineno - 1]
        return re.match(rb"[\s)]*;", line.encode("utf-8", "replace")[last.end_col_offset:]) is not None

    def _report(self, status, failure):
        """Writes to stderr what an ended cell raised. Code of the cell can run in it: the exception's own `__str__`."""
        text = None
        try:
            try:
                self.interruptible = True
                if status == "exited":
                    said = failure.code
                    text = "" if said is None or isinstance(said, int) else str(said) + "\n"
                else:
                    text = _tell(failure) + _advice(failure)
            finally:
                self.interruptible = False
        except BaseException:
            self.interruptible = False
            text = None
        try:
            if text is None:
                text = "%s: its traceback could not be written\n" % type.__dict__["__name__"].__get__(type(failure))
            Output.write(self.err, text)
        except BaseException:
            # Without memory for a sentence the status alone is told.
            return

    def _answer(self, status, value, most):
        try:
            stdout, cut_out = Output.finish(self.out, most)
            stderr, cut_err = Output.finish(self.err, most)
            shown, cut_value = (None, False) if value is None else cut(value, most)
            return status, stdout, stderr, shown, cut_out or cut_err or cut_value
        except MemoryError:
            return "error", "", "MemoryError: no memory for the cell's output\n", None, True
