"""A folder with a hard quota where nothing can be mounted: a fixed number of empty files, made beforehand, each as long as RLIMIT_FSIZE allows.

The kernel holds the bound: seccomp refuses to make files, folders and links, Landlock leaves this folder only. What is here merely lets Python's
own ways of making a file take one of those, and of removing one give it back; code that goes around it gets no further than they do.
"""
import builtins
import errno
import io
import os
import tempfile

FILES = 16


class Pool:
    """The files of one session, not in use under `free`, in use under `files`, which is where the program works."""

    def __init__(self, folder):
        self.files, self._free = os.path.join(folder, "files"), os.path.join(folder, "free")
        os.mkdir(folder, 0o700)
        os.mkdir(self.files, 0o700)
        os.mkdir(self._free, 0o700)
        self._names = []
        self._returned = FILES
        for index in range(FILES):
            name = os.path.join(self._free, "%02d" % index)
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            self._names.append(name)
        # Files come back at the end, so that one which is still open somewhere is used again last.
        self._open, self._unlink, self._rename, self._truncate = os.open, os.unlink, os.rename, os.ftruncate
        self._plain = io.open

    def install(self):
        io.open = builtins.open = self.open
        os.open = self.open_descriptor
        os.remove = os.unlink = self.remove
        os.rename = os.replace = self.rename
        tempfile.tempdir = self.files

    def _take(self, path):
        """Puts a free file at `path`, which is not there yet."""
        if not self._names:
            raise OSError(errno.ENOSPC, "A session has at most %d files" % FILES, path)
        name = self._names.pop(0)
        try:
            self._rename(name, path)
        except BaseException:
            self._names.append(name)
            raise

    def open_descriptor(self, path, flags, mode=0o777, *, dir_fd=None):
        if flags & os.O_CREAT and dir_fd is None:
            there = os.path.lexists(path)
            if there and flags & os.O_EXCL:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            if not there:
                self._take(path)
            flags &= ~(os.O_CREAT | os.O_EXCL)
        return self._open(path, flags, mode, dir_fd=dir_fd)

    def _opener(self, path, flags):
        return self.open_descriptor(path, flags)

    def open(self, file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        if opener is None and not isinstance(file, int) and isinstance(mode, str) and any(letter in mode for letter in "wxa"):
            opener = self._opener
        return self._plain(file, mode, buffering, encoding, errors, newline, closefd, opener)

    def remove(self, path, *, dir_fd=None):
        if dir_fd is not None or os.path.islink(path) or not os.path.isfile(path):
            return self._unlink(path, dir_fd=dir_fd)
        descriptor = self._open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            self._truncate(descriptor, 0)
        finally:
            os.close(descriptor)
        self._returned += 1
        name = os.path.join(self._free, str(self._returned))
        self._rename(path, name)
        self._names.append(name)

    def rename(self, source, target, *, src_dir_fd=None, dst_dir_fd=None):
        if src_dir_fd is None and dst_dir_fd is None and os.path.isfile(source) and os.path.isfile(target) and not os.path.samefile(source, target):
            self.remove(target)
        return self._rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
