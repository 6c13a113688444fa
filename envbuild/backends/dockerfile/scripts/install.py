"""Runs inside the build: unpack the locked wheels into an environment, as files that are the same on every machine.

install.json names the wheels of each layer, lowest first. Of two files with one path that of the later layer stays,
and inside a layer that of the later wheel. A wheel is not trusted: it can write to its own place and nowhere else.
Plain Python 3.8 or later, and the `installer` library, whose wheel lies beside this file.
"""

import base64
import csv
import glob
import hashlib
import io
import json
import os
import posixpath
import re
import shutil
import stat
import sys
import zipfile

BUILD = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = glob.glob(os.path.join(glob.escape(BUILD), "installer-*.whl"))

from installer import install  # noqa: E402
from installer.destinations import WheelDestination  # noqa: E402
from installer.records import Hash, RecordEntry  # noqa: E402
from installer.sources import WheelFile  # noqa: E402
from installer.utils import canonicalize_name  # noqa: E402

# What makes the folder a virtual environment is not a wheel's to write.
RESERVED = re.compile(r"pyvenv\.cfg|lib64|bin/python(\d+(\.\d+)?)?|lib/python[^/]*")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:")
SCRIPT = """\
#!{interpreter}
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({attribute}())
"""


class Unsafe(Exception):
    """A wheel is damaged, or would write where it must not."""


class Wheel(WheelFile):
    """A wheel whose names have been checked; its files come sorted by path, without what is left out."""

    def __init__(self, archive, filename, keep):
        archive.filename = filename  # installer reads name and version from it
        super().__init__(archive)
        self.filename = filename
        self.archive = archive
        self.keep = keep
        self.items = self.checked_items()
        tops = sorted({name.split("/", 1)[0] for name in self.items if "/" in name})
        mine = [
            top
            for top in tops
            if top.endswith(".data")
            and "-" in top
            and canonicalize_name(top.rsplit("-", 1)[0]) == canonicalize_name(self.distribution)
        ]
        if len(mine) > 1:
            raise Unsafe("more than one data folder: " + ", ".join(mine))
        self.own_data_dir = mine[0] if mine else "%s-%s.data" % (self.distribution, self.version)

    def checked_items(self):
        items = {}
        for item in self.archive.infolist():
            name = item.filename[:-1] if item.is_dir() else item.filename
            if UNPRINTABLE.search(name) or item.orig_filename != item.filename:
                raise Unsafe("%r is not a portable path" % name)
            check_path(name)
            kind = stat.S_IFMT(item.external_attr >> 16)
            if kind not in (0, stat.S_IFDIR if item.is_dir() else stat.S_IFREG):
                raise Unsafe("%r is a link or a special file" % name)
            if item.is_dir():
                continue
            twin = items.get(name)
            if twin and (twin.CRC, twin.file_size) != (item.CRC, item.file_size):
                raise Unsafe("%r is in the archive twice, with different contents" % name)
            items[name] = item
        return {name: items[name] for name in sorted(items)}

    @property
    def dist_info_filenames(self):
        start = self.dist_info_dir + "/"
        return [name[len(start) :] for name in self.items if name.startswith(start)]

    @property
    def data_dir(self):
        return self.own_data_dir

    def read_dist_info(self, filename):
        path = self.dist_info_dir + "/" + filename
        if path not in self.items:
            raise Unsafe("there is no " + path)
        return self.archive.read(self.items[path]).decode("utf-8")

    def get_contents(self):
        rows = csv.reader(self.read_dist_info("RECORD").splitlines())
        recorded = {row[0].replace("\\", "/"): row[1] for row in rows if len(row) > 1}
        own = {self.dist_info_dir + "/INSTALLER", self.dist_info_dir + "/RECORD"}
        for name, item in self.items.items():
            if name in own or not self.keep(name) or "__pycache__" in name.split("/"):
                continue
            if name.startswith(self.data_dir + "/") and name.count("/") < 2:
                raise Unsafe("%s belongs to no scheme" % name)
            mode = item.external_attr >> 16
            with self.archive.open(item) as stream:
                executable = stat.S_ISREG(mode) and bool(mode & 0o111)
                yield (name, recorded.get(name, ""), ""), stream, executable


class Folder(WheelDestination):
    """Writes one wheel below `prefix`. A path in `taken` belongs to another wheel, and is left to it."""

    def __init__(self, prefix, wheel, taken):
        site = "lib/python%d.%d/site-packages" % sys.version_info[:2]
        self.prefix = prefix
        self.wheel = wheel
        self.taken = taken
        self.interpreter = prefix + "/bin/python"
        self.folders = {
            "purelib": site,
            "platlib": site,
            "scripts": "bin",
            "data": "",
            "headers": "include/site/python%d.%d/%s" % (sys.version_info[0], sys.version_info[1], wheel.distribution),
        }
        self.written = {}  # path -> whether it is an entry point
        self.records = {}

    def write_script(self, name, module, attr, section):
        if "/" in name:
            raise Unsafe("the entry point %r would be outside bin" % name)
        first = attr.split(".")[0]
        text = SCRIPT.format(interpreter=self.interpreter, module=module, name=first, attribute=attr)
        return self.write("scripts", name, io.BytesIO(text.encode()), True, entry_point=True)

    def write_file(self, scheme, path, stream, is_executable):
        return self.write(scheme, os.fspath(path), stream, is_executable or scheme == "scripts")

    def finalize_installation(self, scheme, record_file_path, records):
        """RECORD: what was laid down and nothing else, by path."""
        home = self.folders[scheme]
        rows = [(posixpath.relpath(path, home), str(r.hash_), str(r.size)) for path, r in self.records.items()]
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(sorted([*rows, (record_file_path, "", "")]))
        self.write(scheme, record_file_path, io.BytesIO(text.getvalue().encode()), False)

    def write(self, scheme, path, stream, executable, entry_point=False):
        inside = posixpath.join(self.folders[scheme], path)
        nothing = RecordEntry(path, None, None)
        if self.written.get(inside) and scheme == "scripts":
            return nothing  # as pip does: a declared entry point goes before a packed script of its name
        self.check(path, inside)
        self.written[inside] = entry_point
        if inside in self.taken:
            return nothing
        self.taken.add(inside)
        if scheme == "scripts":
            content = stream.read()
            if content.startswith(b"#!python"):  # the placeholder of the wheel format
                content = b"#!" + self.interpreter.encode() + b"\n" + content.partition(b"\n")[2]
            stream = io.BytesIO(content)
        record = put(os.path.join(self.prefix, inside), path, stream, 0o755 if executable else 0o644)
        self.records[inside] = record
        return record

    def check(self, name, inside):
        """Refuse what is not the wheel's own place."""
        check_path(inside)
        if inside in self.written:
            raise Unsafe("%s would be written twice" % inside)
        site = self.folders["purelib"] + "/"
        top = inside[len(site) :].split("/")[0] if inside.startswith(site) else ""
        foreign = top.endswith(".dist-info") and top != self.wheel.dist_info_dir
        if foreign or RESERVED.fullmatch(inside):
            raise Unsafe("%s would replace %s, which is not the wheel's own" % (name, inside))


def put(target, path, stream, mode):
    """Write one file in place of whatever is there, and tell its hash and size."""
    folder = os.path.dirname(target)
    make_folder(folder)
    if os.path.isdir(target) and not os.path.islink(target):
        shutil.rmtree(target)
    elif os.path.lexists(target):
        os.unlink(target)
    hasher, size = hashlib.sha256(), 0
    with open(target, "xb") as out:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            hasher.update(chunk)
            size += len(chunk)
            out.write(chunk)
    os.chmod(target, mode)
    value = base64.urlsafe_b64encode(hasher.digest()).decode("ascii").rstrip("=")
    return RecordEntry(path, Hash("sha256", value), size)


def make_folder(folder):
    """Make a folder and those above it; a file in its place belonged to a lower layer, and goes."""
    if os.path.isdir(folder):
        return
    make_folder(os.path.dirname(folder))
    if os.path.lexists(folder):
        os.unlink(folder)
    os.mkdir(folder)
    os.chmod(folder, 0o755)


def check_path(path):
    parts = path.split("/")
    if any(part in ("", ".", "..") or len(part.encode("utf-8", "replace")) > 255 for part in parts):
        raise Unsafe("%r is not a plain relative path" % path)
    if any(part.startswith(".wh.") for part in parts):
        raise Unsafe("%r has a name that image layers reserve" % path)


def check_recorded(wheel):
    """Every file must be what the wheel's own RECORD says."""
    for (name, recorded, _), stream, _ in wheel.get_contents():
        algorithm, _, value = recorded.partition("=")
        if not value:
            continue
        if algorithm not in ("sha256", "sha384", "sha512", "sha1", "md5", "sha224"):
            raise Unsafe("%s has a hash of the unknown kind %r in RECORD" % (name, algorithm))
        hasher = hashlib.new(algorithm)
        for chunk in iter(lambda stream=stream: stream.read(1 << 20), b""):
            hasher.update(chunk)
        if base64.urlsafe_b64encode(hasher.digest()).decode("ascii").rstrip("=") != value.rstrip("="):
            raise Unsafe("%s has another hash than RECORD says" % name)


def keeper(given, filename):
    """A function that tells which paths of a wheel are laid down."""
    name = re.sub(r"[-_.]+", "-", filename.partition("-")[0]).lower()
    kept = given["left_out"].get(name)
    if kept is None:
        return lambda path: True
    return lambda path: given["left_out_folder"] not in path.split("/")[1:-1] or path in kept


def wheels_by_hash():
    """Every wheel at hand: those that pip fetched, and those that came with the context."""
    found = {}
    for folder in ("/wheels", os.path.join(BUILD, "wheels")):
        for path in glob.glob(os.path.join(glob.escape(folder), "*.whl")):
            hasher = hashlib.sha256()
            with open(path, "rb") as file:
                for chunk in iter(lambda file=file: file.read(1 << 20), b""):
                    hasher.update(chunk)
            found[hasher.hexdigest()] = path
    return found


def main():
    with open(os.path.join(BUILD, "install.json"), encoding="utf-8") as file:
        given = json.load(file)
    os.umask(0o022)
    at_hand = wheels_by_hash()
    for layer in given["layers"]:
        taken = set()
        # The last wheel goes first: whatever path is taken already belongs to a wheel that wins.
        for row in reversed(layer):
            if row["sha256"] not in at_hand:
                sys.exit("%s is not there, or has another hash than the lock says" % row["file"])
            try:
                with zipfile.ZipFile(at_hand[row["sha256"]]) as archive:
                    wheel = Wheel(archive, row["file"], keeper(given, row["file"]))
                    check_recorded(wheel)
                    install(wheel, Folder(given["prefix"], wheel, taken), {"INSTALLER": b"envbuild\n"})
            except Exception as error:
                sys.exit("%s must not be laid down: %s" % (row["file"], error or type(error).__name__))
    print("%d wheels unpacked" % sum(map(len, given["layers"])))


if __name__ == "__main__":
    main()
