from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from envbuild.errors import ModelError
from envbuild.model import read
from envbuild.model.ignore import ignored_by, parse_patterns


def paths(model):
    return [f.path for f in model.files]


def test_files_are_sorted_and_sized(model):
    found = model({"b/x.bin": b"123", "a.txt": "1", "b.txt": "", "B": "22"})
    assert [(f.path, f.size) for f in found.files if f.path != "MLmodel"] == [
        ("B", 2),
        ("a.txt", 1),
        ("b.txt", 0),
        ("b/x.bin", 3),
    ]


def test_the_executable_bit_is_the_owners(folder):
    root = folder({"run.sh": "", "data": ""})
    (root / "run.sh").chmod(0o755)
    (root / "data").chmod(0o655)
    assert {f.path: f.executable for f in read(root).files} == {"MLmodel": False, "data": False, "run.sh": True}


def test_what_never_belongs_in_an_image_is_left_out_with_a_reason(model):
    found = model(
        {
            ".git/config": "",
            ".env": "A=1",
            "code/.netrc": "",
            "code/__pycache__/x.pyc": "",
            ".DS_Store": "",
            "mlruns/0/x": "",
            "code/a.py": "",
        }
    )
    assert paths(found) == ["MLmodel", "code/a.py"]
    assert {entry.path: entry.why for entry in found.left_out} == {
        ".DS_Store": "a desktop's own notes",
        ".env": "may hold secrets",
        ".git/": "version control",
        "code/.netrc": "may hold secrets",
        "code/__pycache__/": "compiled by another interpreter",
        "mlruns/": "a tracking store",
    }


def test_envbuildignore_leaves_out_and_says_by_which_line(model):
    found = model(
        {
            ".envbuildignore": "# big\n*.log\n!keep.log\n/data/raw\n",
            "a.log": "",
            "keep.log": "",
            "data/raw/x": "",
            "data/y": "",
        }
    )
    assert paths(found) == ["MLmodel", "data/y", "keep.log"]
    assert {e.path: e.why for e in found.left_out} == {
        ".envbuildignore": "tells what to leave out",
        "a.log": ".envbuildignore: *.log",
        "data/raw/": ".envbuildignore: /data/raw",
    }


def test_the_root_mlmodel_cannot_be_left_out(model):
    found = model({".envbuildignore": "*\n", "x": ""})
    assert paths(found) == ["MLmodel"]


@pytest.mark.parametrize(
    ("pattern", "path", "is_folder", "matches"),
    [
        ("*.log", "a/b/c.log", False, True),
        ("*.log", "c.logs", False, False),
        ("/c.log", "a/c.log", False, False),
        ("/c.log", "c.log", False, True),
        ("a/*.txt", "a/b.txt", False, True),
        ("a/*.txt", "x/a/b.txt", False, False),
        ("a/*.txt", "a/b/c.txt", False, False),
        ("**/x", "a/b/x", False, True),
        ("**/x", "x", False, True),
        ("a/**/x", "a/x", False, True),
        ("a/**/x", "a/b/c/x", False, True),
        ("a/**", "a/b/c", False, True),
        ("a/**", "a", True, False),
        ("tmp/", "tmp", False, False),
        ("tmp/", "tmp", True, True),
        ("tmp/", "a/tmp", True, True),
        ("file?.py", "file1.py", False, True),
        ("file?.py", "file10.py", False, False),
        ("[a-c].py", "b.py", False, True),
        ("[!a-c].py", "b.py", False, False),
        ("[!a-c].py", "z.py", False, True),
        ("\\!x", "!x", False, True),
        ("\\#x", "#x", False, True),
        ("a b  ", "a b", False, True),
        ("[z-a]", "z", False, False),
        ("[", "[", False, True),
    ],
)
def test_patterns_match_as_in_gitignore(pattern, path, is_folder, matches):
    assert bool(ignored_by(parse_patterns([pattern]), path, folder=is_folder)) is matches


def test_a_pattern_of_many_stars_is_quick():
    patterns = parse_patterns(["a" + "*" * 900 + "b", "/".join(["**"] * 6) + "/x"])
    assert not ignored_by(patterns, "a" * 200, folder=False)


def test_links_inside_are_followed_as_files_and_folders(folder):
    root = folder({"data/real.bin": b"12345"})
    (root / "link.bin").symlink_to("data/real.bin")
    (root / "again").symlink_to(root / "data")
    assert [(f.path, f.size) for f in read(root).files][1:] == [
        ("again/real.bin", 5),
        ("data/real.bin", 5),
        ("link.bin", 5),
    ]


@pytest.mark.parametrize("target", ["../secret", "/etc/hostname", "/etc"])
def test_a_link_that_leaves_the_folder_is_an_error(folder, tmp_path, target):
    (tmp_path / "secret").write_text("x")
    root = folder({})
    (root / "leaves").symlink_to(target)
    with pytest.raises(
        ModelError, match=f"^leaves is a symbolic link that leads out of the model folder, to '{target}'"
    ) as caught:
        read(root)
    assert ".envbuildignore" in caught.value.hint


def test_a_link_to_nowhere_and_to_itself_and_to_a_folder_above_are_errors(folder):
    for target in ("absent", "link", "."):
        root = folder({}, name=f"m-{target}")
        (root / "link").symlink_to(target)
        with pytest.raises(ModelError, match=r"^link is a symbolic link"):
            read(root)


def test_a_link_does_not_bring_in_what_stays_out(folder):
    root = folder({".env": "TOKEN=1"})
    (root / "settings").symlink_to(".env")
    assert paths(read(root)) == ["MLmodel"]


def test_the_model_folder_itself_may_be_a_link(folder, tmp_path):
    root = folder({"x": ""})
    (tmp_path / "alias").symlink_to(root)
    assert paths(read(tmp_path / "alias")) == ["MLmodel", "x"]


def test_a_fifo_is_an_error_and_does_not_hang(folder):
    root = folder({})
    os.mkfifo(root / "pipe")
    with pytest.raises(ModelError, match=r"^pipe is a FIFO"):
        read(root)
    (root / ".envbuildignore").write_text("pipe\nconda.yaml\n")
    os.mkfifo(root / "conda.yaml")
    found = read(root)
    assert paths(found) == ["MLmodel"]
    assert [p.message for p in found.problems] == ["conda.yaml is not a regular file"]


def test_a_socket_is_an_error(tmp_path, folder, monkeypatch):
    root = folder({})
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        with pytest.raises(ModelError, match=r"^s is a socket"):
            read(root)


def test_a_device_is_an_error(folder):
    root = folder({})
    try:
        os.mknod(root / "null", 0o600 | 0o020000, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")
    with pytest.raises(ModelError, match=r"^null is a device"):
        read(root)


def test_a_name_that_is_not_utf8_is_an_error(folder):
    root = folder({})
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9")).write_text("x")
    with pytest.raises(ModelError, match=r"caf\\xe9.* is not UTF-8"):
        read(root)


@pytest.mark.parametrize("name", ["weights.bin", "conda.yaml", "MLmodel"])
def test_a_file_that_this_user_cannot_read_is_an_error(folder, name):
    root = folder({name: "x"})
    (root / name).chmod(0)
    code = (
        "import os, sys\n"
        "sys.dont_write_bytecode = True\n"
        "from envbuild.model import read\n"
        "from envbuild.errors import ModelError\n"
        "from envbuild.model import mlmodel, environment, walk\n"
        "if os.getuid() == 0: os.setgroups([]); os.setuid(65534)\n"
        "os.chdir('/')\n"
        "try: read(sys.argv[1])\n"
        "except ModelError as error: print(error)\n"
    )
    for parent in (root, *root.parents):
        if parent.stat().st_uid == os.getuid() and Path(tempfile.gettempdir()) in parent.parents:
            parent.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"cannot read {name}: ")
