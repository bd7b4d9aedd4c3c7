"""Shuts the calling process in for good: Landlock, seccomp, limits, no capabilities, by system calls through ctypes.

Promises: `Unsupported` with a sentence where this machine has no such boundary; an `OSError` where a step failed, and then the caller must end
the process. What is not named here is refused: seccomp answers EPERM to every call outside of its list.
"""
import ctypes
import os
import platform
import resource
import struct
import sys


class Unsupported(Exception):
    """This machine cannot shut code in; the message says why."""


X86_64, ARM64 = "x86_64", "aarch64"
MACHINE = {"x86_64": X86_64, "amd64": X86_64, "aarch64": ARM64, "arm64": ARM64}.get(platform.machine().lower())
AUDIT_ARCHITECTURE = {X86_64: 0xC000003E, ARM64: 0xC00000B7}
X32_BIT = 0x40000000

# Numbers of system calls: (x86-64, arm64); None: the architecture has no such call.
CALLS = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "pwrite64": (18, 68),
    "preadv": (295, 69), "pwritev": (296, 70), "preadv2": (327, 286), "pwritev2": (328, 287), "close": (3, 57), "lseek": (8, 62),
    "fstat": (5, 80), "newfstatat": (262, 79), "stat": (4, None), "lstat": (6, None), "statx": (332, 291), "statfs": (137, 43),
    "fstatfs": (138, 44), "access": (21, None), "faccessat": (269, 48), "open": (2, None), "openat": (257, 56), "getdents64": (217, 61),
    "readlink": (89, None), "readlinkat": (267, 78), "getcwd": (79, 17), "chdir": (80, 49), "fchdir": (81, 50), "fsync": (74, 82),
    "fdatasync": (75, 83), "ftruncate": (77, 46), "fallocate": (285, 47), "fadvise64": (221, 223), "flock": (73, 32), "dup": (32, 23),
    "dup2": (33, None), "dup3": (292, 24), "fcntl": (72, 25), "pipe": (22, None), "pipe2": (293, 59), "poll": (7, None), "ppoll": (271, 73),
    "select": (23, None), "pselect6": (270, 72), "mmap": (9, 222), "munmap": (11, 215), "mprotect": (10, 226), "mremap": (25, 216),
    "madvise": (28, 233), "msync": (26, 227), "mincore": (27, 232), "brk": (12, 214), "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136), "rt_sigtimedwait": (128, 137),
    "rt_sigsuspend": (130, 133), "sigaltstack": (131, 132), "pause": (34, None), "restart_syscall": (219, 128), "exit": (60, 93),
    "exit_group": (231, 94), "futex": (202, 98), "futex_waitv": (449, 449), "set_robust_list": (273, 99), "get_robust_list": (274, 100),
    "rseq": (334, 293), "membarrier": (324, 283), "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120), "sched_get_priority_max": (146, 125), "sched_get_priority_min": (147, 126),
    "getpriority": (140, 141), "getcpu": (309, 168), "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "getresuid": (118, 148),
    "getresgid": (120, 150), "getgroups": (115, 158), "getpgrp": (111, None), "getpgid": (121, 155), "getsid": (124, 156),
    "uname": (63, 160), "sysinfo": (99, 179), "times": (100, 153), "getrusage": (98, 165), "getrlimit": (97, 163), "umask": (95, 166),
    "gettimeofday": (96, 169), "time": (201, None), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "nanosleep": (35, 101), "alarm": (37, None), "getitimer": (36, 102), "setitimer": (38, 103),
    "getrandom": (318, 278), "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None), "renameat": (264, 38),
    "renameat2": (316, 276), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None), "chmod": (90, None), "fchmod": (91, 52),
    "fchmodat": (268, 53), "utime": (132, None), "utimes": (235, None), "utimensat": (280, 88), "futimesat": (261, None),
    # Looked at before they are allowed, or answered with ENOSYS so that the C library does without.
    "clone": (56, 220), "clone3": (435, 435), "openat2": (437, 437), "faccessat2": (439, 439), "tgkill": (234, 131),
    "prlimit64": (302, 261), "ioctl": (16, 29), "prctl": (157, 167), "setpriority": (141, 140),
    # For this module only.
    "landlock_create_ruleset": (444, 444), "landlock_add_rule": (445, 445), "landlock_restrict_self": (446, 446), "seccomp": (317, 277),
    "capset": (126, 91)
}
# Of itself only: of others, not even whether they are there.
OF_ITSELF = {"getpgid": 0, "getsid": 0, "getpriority": 1}
EXAMINED = (
    *OF_ITSELF, "clone", "clone3", "openat2", "faccessat2", "tgkill", "prlimit64", "ioctl", "prctl", "setpriority", "open", "openat", "fcntl",
    "renameat2", "mmap", "mprotect"
)
OWN = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp", "capset")
# Landlock does not look at most of these, and blocks behind a file's end escape RLIMIT_FSIZE: they are only allowed where the one thing that
# they reach is the session's own file system.
OWN_FOLDER_ONLY = ("fallocate", "mkdir", "mkdirat", "rmdir", "chmod", "fchmod", "fchmodat", "utime", "utimes", "utimensat", "futimesat")

EPERM, EACCES, ENOTTY, ENOSYS = 1, 13, 25, 38
O_CREAT, O_TRUNC, O_ACCMODE, O_TMPFILE = 0o100, 0o1000, 0o3, 0o20000000
PROT_EXEC, MAP_ANONYMOUS = 4, 0x20
CLONE_MUST = 0x00000100 | 0x00000800 | 0x00010000
CLONE_NAMESPACES = 0x7E020000
RENAME_WHITEOUT = 4
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NAME, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 4, 15, 24, 38, 47
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


def number(name):
    """The call's number on this machine, or None."""
    if MACHINE is None or sys.maxsize < 2 ** 32:
        raise Unsupported("There are no tables of system calls for %s: x86-64 and arm64 only" % platform.machine())
    return CALLS[name][0 if MACHINE == X86_64 else 1]


def _check(result, what):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, "%s: %s" % (what, os.strerror(code)))
    return result


def _call(name, *arguments):
    return _libc.syscall(ctypes.c_long(number(name)), *arguments)


def prctl(option, first=0, second=0, third=0, fourth=0):
    return _libc.prctl(option, first, second, third, fourth)


# Programs of the Berkeley packet filter that seccomp runs. Offsets in its data: call number 0, architecture 4, arguments from 16.

LOAD, IF_EQUAL, IF_AT_LEAST, IF_SET, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, KILL = 0x7FFF0000, 0x80000000
_instruction = struct.Struct("HBBI").pack


def _errno(code):
    return 0x00050000 | code


def _low(argument):
    return 16 + 8 * argument


def _rule(name, body):
    """Runs `body` when the call is the named one; the body must return in every case."""
    nr = number(name)
    if nr is None:
        return []
    return [_instruction(IF_EQUAL, 0, len(body), nr)] + body


def _ret(value):
    return _instruction(RETURN, 0, 0, value)


def _unless_zero(offset, code):
    return [_instruction(LOAD, 0, 0, offset), _instruction(IF_EQUAL, 1, 0, 0), _ret(_errno(code))]


def _open_rule(argument, creates):
    body = [_instruction(LOAD, 0, 0, _low(argument))]
    if not creates:
        # Of O_TMPFILE only the bit that O_DIRECTORY lacks.
        body += [_instruction(IF_SET, 0, 1, O_CREAT | O_TMPFILE), _ret(_errno(EACCES))]
    # Old Landlock looks at writing only, and so lets a file be emptied that is opened for reading.
    # Access mode 3 is neither reading nor writing to Landlock, and yet may empty a file.
    body += [
        _instruction(AND, 0, 0, O_TRUNC | O_ACCMODE), _instruction(IF_EQUAL, 2, 0, O_TRUNC), _instruction(IF_EQUAL, 1, 0, O_ACCMODE),
        _instruction(IF_EQUAL, 0, 1, O_TRUNC | O_ACCMODE), _ret(_errno(EACCES)), _ret(ALLOW)
    ]
    return body


def _fcntl_rule():
    body = [_instruction(LOAD, 0, 0, _low(1))]
    for command in FCNTL_COMMANDS:
        body += [_instruction(IF_EQUAL, 0, 1, command), _ret(ALLOW)]
    return body + [_ret(_errno(EPERM))]


_PID = 0x7FFFFFF1


def _filter(creates):
    program = [
        _instruction(LOAD, 0, 0, 4), _instruction(IF_EQUAL, 1, 0, AUDIT_ARCHITECTURE[MACHINE]), _ret(KILL), _instruction(LOAD, 0, 0, 0)
    ]
    if MACHINE == X86_64:
        program += [_instruction(IF_AT_LEAST, 0, 1, X32_BIT), _ret(_errno(ENOSYS))]
    for name in ("clone3", "openat2", "faccessat2"):
        program += _rule(name, [_ret(_errno(ENOSYS))])
    program += _rule("clone", [
        # A thread of this process, and nothing else.
        _instruction(LOAD, 0, 0, _low(0)), _instruction(AND, 0, 0, CLONE_MUST | CLONE_NAMESPACES),
        _instruction(IF_EQUAL, 0, 1, CLONE_MUST), _ret(ALLOW), _ret(_errno(EPERM))
    ])
    for name, argument in OF_ITSELF.items():
        program += _rule(name, [*_unless_zero(_low(argument), EPERM), _ret(ALLOW)])
    program += _rule("tgkill", [
        _instruction(LOAD, 0, 0, _low(0)), _instruction(IF_EQUAL, 0, 1, _PID), _ret(ALLOW), _ret(_errno(EPERM))
    ])
    program += _rule("prlimit64", [
        *_unless_zero(_low(0), EPERM), *_unless_zero(_low(2), EPERM), *_unless_zero(_low(2) + 4, EPERM), _ret(ALLOW)
    ])
    # A process may step back by itself; nobody can step forward, and no other process is meant.
    program += _rule("setpriority", [*_unless_zero(_low(0), EPERM), *_unless_zero(_low(1), EPERM), _ret(ALLOW)])
    program += _rule("ioctl", [_ret(_errno(ENOTTY))])
    program += _rule("prctl", [
        _instruction(LOAD, 0, 0, _low(0)), _instruction(IF_EQUAL, 0, 1, PR_SET_NAME), _ret(ALLOW), _ret(_errno(EPERM))
    ])
    program += _rule("open", _open_rule(1, creates))
    program += _rule("openat", _open_rule(2, creates))
    program += _rule("fcntl", _fcntl_rule())
    # A whiteout stays where a file was: one more file, although none can be made.
    program += _rule("renameat2", [
        _instruction(LOAD, 0, 0, _low(4)), _instruction(IF_SET, 0, 1, RENAME_WHITEOUT), _ret(_errno(EPERM)), _ret(ALLOW)
    ])
    program += _rule("mmap", [
        # Libraries are mapped to be run; memory that the program wrote itself is not.
        _instruction(LOAD, 0, 0, _low(2)), _instruction(IF_SET, 0, 3, PROT_EXEC), _instruction(LOAD, 0, 0, _low(3)),
        _instruction(IF_SET, 0, 1, MAP_ANONYMOUS), _ret(_errno(EPERM)), _ret(ALLOW)
    ])
    program += _rule("mprotect", [
        _instruction(LOAD, 0, 0, _low(2)), _instruction(IF_SET, 0, 1, PROT_EXEC), _ret(_errno(EPERM)), _ret(ALLOW)
    ])
    left_out = set(EXAMINED + OWN + (() if creates else OWN_FOLDER_ONLY))
    for name in CALLS:
        if name not in left_out:
            program += _rule(name, [_ret(ALLOW)])
    return b"".join(program + [_ret(_errno(EPERM))])


_filters = {}


def prepare(creates):
    """The filter, made once for all sessions. `creates`: files and folders can be made."""
    if creates not in _filters:
        _filters[creates] = _filter(creates)
    return _filters[creates]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def restrict_calls(creates):
    code = prepare(creates).replace(_instruction(IF_EQUAL, 0, 1, _PID), _instruction(IF_EQUAL, 0, 1, os.getpid()))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.addressof(buffer))
    # 1: SECCOMP_SET_MODE_FILTER.
    _check(_call("seccomp", ctypes.c_ulong(1), ctypes.c_ulong(0), ctypes.byref(program)), "seccomp")


# Landlock. Rights on files by the version that brought them.

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = 1, 2, 4, 8, 16, 32
MAKE_DIR, MAKE_REG, REFER, TRUNCATE, IOCTL_DEV = 128, 256, 8192, 16384, 32768
FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
READING = READ_FILE | READ_DIR
SCRATCH = READING | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER
# Renaming needs the right to make; making itself is refused by seccomp there.
POOL = READING | WRITE_FILE | TRUNCATE | REMOVE_FILE | MAKE_REG
NO_TCP = 1 | 2
SCOPES = 1 | 2


def landlock_version():
    """Version of Landlock, at least 1."""
    # 1: LANDLOCK_CREATE_RULESET_VERSION.
    version = _call("landlock_create_ruleset", None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        raise Unsupported("The kernel has no Landlock: Linux 5.13 or newer with `landlock` among its security modules (lsm=...) is needed")
    return version


def _handled(version):
    return 0x1FFF | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0) | (IOCTL_DEV if version >= 5 else 0)


def restrict_files(version, rules):
    """`rules`: (path, rights); a path that is not there is left out. All else is refused, and so are TCP, signals to others and abstract sockets."""
    handled = _handled(version)
    attributes = struct.pack("QQQ", handled, NO_TCP if version >= 4 else 0, SCOPES if version >= 6 else 0)
    attributes = attributes[:24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _check(
        _call("landlock_create_ruleset", ctypes.c_char_p(attributes), ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)), "Landlock"
    )
    try:
        for path, rights in rules:
            try:
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                # A file takes only the rights that a file can have.
                of_file = 0 if os.path.isdir(path) else ~FILE_RIGHTS
                rule = struct.pack("=Qi", rights & handled & ~of_file, place)
                _check(_call("landlock_add_rule", ctypes.c_int(ruleset), ctypes.c_int(1), ctypes.c_char_p(rule), ctypes.c_uint32(0)), path)
            finally:
                os.close(place)
        _check(_call("landlock_restrict_self", ctypes.c_int(ruleset), ctypes.c_uint32(0)), "Landlock")
    finally:
        os.close(ruleset)


def die_with_parent(parent):
    """Ends this process with the one that forked it, also when that one has ended already."""
    _check(prctl(PR_SET_PDEATHSIG, 9), "PR_SET_PDEATHSIG")
    if os.getppid() != parent:
        os._exit(0)


def limit(kind, value, hard=None):
    """Sets a limit, never above the one in force. A kind that this system lacks is left out."""
    kind = getattr(resource, "RLIMIT_" + kind, None)
    if kind is None:
        return
    most = resource.getrlimit(kind)[1]
    hard = value if hard is None else hard
    if most != resource.RLIM_INFINITY:
        value, hard = min(value, most), min(hard, most)
    resource.setrlimit(kind, (value, hard))


def drop_capabilities():
    """Drops every capability from every set, for good."""
    prctl(PR_CAP_AMBIENT, 4)
    for capability in range(64):
        if prctl(PR_CAPBSET_DROP, capability) != 0:
            break
    header = struct.pack("=Ii", 0x20080522, 0)
    _check(_call("capset", ctypes.c_char_p(header), ctypes.c_char_p(bytes(24))), "capset")


def own_mounts():
    """A mount namespace of its own; False: not allowed here."""
    return _libc.unshare(CLONE_NEWNS) == 0


def own_users():
    """A user namespace of its own, in which the session's threads are counted alone; False: not allowed here."""
    return _libc.unshare(CLONE_NEWUSER) == 0


def mount_scratch(folder, size, files):
    """A file system of its own size on `folder`; False: not allowed here."""
    # nosuid, nodev, noexec.
    options = ("size=%d,nr_inodes=%d,mode=700" % (size, files)).encode()
    return _libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", ctypes.c_ulong(2 | 4 | 8), options) == 0


def grow_stack(size):
    """Grows the stack ahead of its use: at a session's memory limit it could grow no more, and that would be a crash."""
    most = resource.getrlimit(resource.RLIMIT_STACK)[0]
    if most != resource.RLIM_INFINITY:
        size = min(size, most // 2)
    _libc.getauxval.restype = ctypes.c_ulong
    # 25: AT_RANDOM, bytes that the kernel puts at the stack's beginning.
    beginning = _libc.getauxval(ctypes.c_ulong(25))
    if beginning > size:
        # Reading is enough; the kernel takes it for a use of the stack.
        ctypes.string_at(beginning - size, 1)


def mapped_bytes():
    """Memory that this process maps now, found without /proc: the smallest limit under which it can map one page more."""
    kind, page = resource.RLIMIT_AS, resource.getpagesize()
    before = resource.getrlimit(kind)
    _libc.mmap.restype = ctypes.c_void_p
    _libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    _libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    failed = ctypes.c_void_p(-1).value
    low, high = 0, 1 << 24
    try:
        while low < high:
            middle = (low + high) // 2
            resource.setrlimit(kind, (middle * page, before[1]))
            place = _libc.mmap(None, page, 0, 0x22, -1, 0)
            if place == failed:
                low = middle + 1
            else:
                _libc.munmap(place, page)
                high = middle
    finally:
        resource.setrlimit(kind, before)
    return low * page


def shut_in(creates, version, rules):
    """The last steps, after which there is no way back: no new privileges, no capabilities, Landlock, seccomp."""
    _check(prctl(PR_SET_NO_NEW_PRIVS, 1), "PR_SET_NO_NEW_PRIVS")
    _check(prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE")
    restrict_files(version, rules)
    drop_capabilities()
    restrict_calls(creates)
