"""WORKER_COUNT=auto: what a container may use, and how many workers that is."""

from __future__ import annotations

import json
import os
import time

import pytest

from envbuild.runtime.front.capacity import Limits, available_memory, choose, memory_of, read_limits

GIB = 1 << 30
MIB = 1 << 20


@pytest.fixture
def tree(tmp_path):
    """Lay files below a root; the names are paths."""

    def lay(files):
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    return lay


V2 = {
    "proc/self/cgroup": "0::/\n",
    "sys/fs/cgroup/cpu.max": "250000 100000\n",
    "sys/fs/cgroup/memory.max": "1073741824\n",
}
V1 = {
    "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n2:cpuset:/docker/abc\n0::/\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "150000\n",
    "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "50000\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912\n",
    "sys/fs/cgroup/cpuset/cpuset.cpus": "0-7\n",
}


def test_version_2_gives_quota_and_limit(tree):
    limits = read_limits(tree(V2), affinity=16)
    assert (limits.cpus, limits.memory) == (2.5, GIB)
    assert "quota" in limits.cpus_from


def test_version_1_gives_quota_and_limit_in_folders_of_their_own(tree):
    limits = read_limits(tree(V1), affinity=16)
    assert (limits.cpus, limits.memory) == (3.0, 512 * MIB)


def test_version_1_without_limits_has_none(tree):
    root = tree(
        {
            **V1,
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        }
    )
    limits = read_limits(root, affinity=16)
    assert (limits.cpus, limits.memory) == (8.0, None)
    assert "cpuset" in limits.cpus_from


def test_the_narrowest_of_the_groups_around_counts(tree):
    root = tree(
        {
            "proc/self/cgroup": "0::/kubepods/pod1/box\n",
            "sys/fs/cgroup/cpu.max": "max 100000\n",
            "sys/fs/cgroup/kubepods/pod1/cpu.max": "100000 100000\n",
            "sys/fs/cgroup/kubepods/pod1/memory.max": f"{2 * GIB}\n",
            "sys/fs/cgroup/kubepods/pod1/box/cpu.max": "400000 100000\n",
            "sys/fs/cgroup/kubepods/pod1/box/memory.max": "max\n",
        }
    )
    limits = read_limits(root, affinity=16)
    assert (limits.cpus, limits.memory) == (1.0, 2 * GIB)


def test_a_cpuset_and_the_affinity_count_too(tree):
    root = tree({**V2, "sys/fs/cgroup/cpu.max": "max 100000\n", "sys/fs/cgroup/cpuset.cpus.effective": "0-2,8,10-11\n"})
    assert read_limits(root, affinity=16).cpus == 6.0
    limits = read_limits(root, affinity=4)
    assert limits.cpus == 4.0
    assert "may run on" in limits.cpus_from


def test_without_control_groups_the_affinity_is_left(tree):
    assert read_limits(tree({}), affinity=3) == Limits(3.0, "the CPUs that the process may run on", None)


@pytest.mark.parametrize(
    ("cpus", "memory", "worker", "others", "available", "workers"),
    [
        (4.0, None, GIB, 0, 64 * GIB, 4),
        # 0.9 x 10 GiB - 1 GiB of other processes hold four workers of 2 GiB.
        (16.0, 10 * GIB, 2 * GIB, GIB, 64 * GIB, 4),
        (16.0, 10 * GIB, 2 * GIB, 0, 64 * GIB, 4),
        (16.0, 10 * GIB, int(2.25 * GIB), 0, 64 * GIB, 4),
        # Half a processor still is one worker; so is a worker that fills the limit.
        (0.5, None, MIB, 0, GIB, 1),
        (2.5, None, MIB, 0, GIB, 2),
        (8.0, GIB, 2 * GIB, 0, GIB, 1),
        # The limit is higher than what the system has left.
        (8.0, 100 * GIB, GIB, 0, 3 * GIB, 3),
        (8.0, None, GIB, 0, 0, 1),
        # A worker that cannot be measured.
        (8.0, None, 0, 0, GIB, 1),
    ],
)
def test_workers_fit_into_both(cpus, memory, worker, others, available, workers):
    choice = choose(Limits(cpus, "x", memory), worker, others, available)
    assert choice.workers == workers


def test_the_reason_has_the_figures():
    why = choose(Limits(2.5, "the cgroup's CPU quota", 2 * GIB), 512 * MIB, 0, 64 * GIB).why
    assert why == ("2.5 CPUs (the cgroup's CPU quota), 512 MiB a worker, of which 90% of the limit of 2.0 GiB hold 3")


def test_memory_is_read_from_the_system(tree):
    root = tree(
        {
            "proc/7/smaps_rollup": "00-ff ---p 0 [rollup]\nRss:  2048 kB\nPss:  1024 kB\nPss_Anon: 5 kB\n",
            "proc/8/status": "Name:\tpython\nVmRSS:\t 4096 kB\n",
            "proc/meminfo": "MemTotal: 100 kB\nMemAvailable:  50 kB\n",
        }
    )
    assert (memory_of(7, root), memory_of(8, root), memory_of(9, root)) == (MIB, 4 * MIB, 0)
    assert available_memory(root) == 50 * 1024


def test_this_process_holds_memory_and_the_system_has_some():
    assert MIB < memory_of(os.getpid()) < 1 << 40
    assert available_memory() > MIB
    assert 0 < read_limits().cpus <= (os.cpu_count() or 1)


@pytest.mark.slow
@pytest.mark.network
def test_auto_starts_a_worker_for_each_cpu_and_says_why(start, model, example):
    server = start(WORKER_COUNT="auto", **model("params")).wait_until_up()
    count = int(read_limits().cpus)
    end = time.monotonic() + 60
    while f"envbuild_workers_ready {count:.1f}" not in server.get("/metrics").text and time.monotonic() < end:
        time.sleep(0.1)
    assert f"envbuild_workers_ready {count:.1f}" in server.get("/metrics").text, server.log
    assert server.post("/invocations", example("params")[0]).status == 200
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log.splitlines()]
    (chosen,) = [line for line in lines if line["message"].startswith("WORKER_COUNT=auto")]
    assert chosen["workers"] == count
    assert "MiB a worker" in chosen["message"]
