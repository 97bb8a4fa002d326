"""The root directory of a container, put together for bubblewrap from an image's folder or from this machine's root.

The root itself is a new empty folder, so that any mount point can be made. Of an image's folder, programs and the files at
its top are bound read-only and the other folders are copied, so that containers do not see each other's writes; this
machine's folders are all read-only. /tmp is private.
"""
import os
import pathlib
import shutil

IMAGE_MEMBERS = {"root": "", "entrypoint": [], "command": [], "environment": {}, "user": "", "working_directory": "",
                 "architectures": ["X86_64", "ARM64"]}
OWN = ("proc", "dev", "sys", "tmp")
SHARED_PROGRAMS = ("usr", "lib", "lib32", "lib64", "libx32", "bin", "sbin", "opt")


class Image:
    """What a test says of an image: its folder, or an object with more (the members of IMAGE_MEMBERS)."""

    def __init__(self, said):
        said = {"root": said} if isinstance(said, str) else said
        unknown = set(said) - set(IMAGE_MEMBERS)
        if unknown:
            raise ValueError(f"an image has no {', '.join(sorted(unknown))}; it has {', '.join(IMAGE_MEMBERS)}")
        for name, value in IMAGE_MEMBERS.items():
            setattr(self, name, said.get(name, value))


class ImageRoot:
    def __init__(self, folder, copies):
        """folder: of the image, "" for this machine; copies: a folder of this container alone, may be missing yet."""
        self.folder = pathlib.Path(folder or "/")
        self.copied = bool(folder)
        self.copies = pathlib.Path(copies)

    def arguments(self, mount_paths, read_only):
        """bubblewrap's, for the root without the volumes that come to `mount_paths`."""
        arguments = []
        tops = {pathlib.PurePosixPath(path).parts[1] for path in mount_paths if len(pathlib.PurePosixPath(path).parts) > 1}
        for entry in sorted(self.folder.iterdir()):
            if entry.name in OWN:
                continue
            inside = f"/{entry.name}"
            if entry.is_symlink():
                arguments += ["--symlink", os.readlink(entry), inside]
            elif not self.copied or entry.is_file() or (entry.name in SHARED_PROGRAMS and entry.name not in tops):
                arguments += ["--ro-bind", str(entry), inside]
            else:
                arguments += ["--ro-bind" if read_only else "--bind", str(self._copy(entry)), inside]
        return arguments + ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"]

    def _copy(self, entry):
        target = self.copies / entry.name
        self.copies.mkdir(parents=True, exist_ok=True)
        shutil.copytree(entry, target, symlinks=True)
        return target

    def find_user(self, user):
        """(uid, gid, home) of "name", "uid", "name:group" or "uid:gid"; KeyError when the image does not know it."""
        name, _, group = user.partition(":")
        uid, gid, home = self._passwd(name)
        if group:
            gid = int(group) if group.isdigit() else self._group(group)
        return uid, gid, home

    def _lines(self, file):
        path = self.folder / "etc" / file
        return [line.split(":") for line in path.read_text(errors="replace").splitlines()] if path.is_file() else []

    def _passwd(self, name):
        for entry in self._lines("passwd"):
            if len(entry) >= 6 and name in (entry[0], entry[2]):
                return int(entry[2]), int(entry[3]), entry[5]
        if name.isdigit():
            return int(name), 0, "/root" if name == "0" else "/"
        raise KeyError(f"unable to find user {name}: no matching entries in passwd file")

    def _group(self, name):
        for entry in self._lines("group"):
            if len(entry) >= 3 and entry[0] == name:
                return int(entry[2])
        raise KeyError(f"unable to find group {name}: no matching entries in group file")
