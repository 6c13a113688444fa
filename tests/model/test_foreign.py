"""Which markers are known to leave Linux out, whatever the Python and the machine."""

from __future__ import annotations

import pytest

from envbuild.model.foreign import leaves_linux_out


@pytest.mark.parametrize(
    "marker",
    [
        "sys_platform == 'win32'",
        'platform_system == "Windows" and python_version < "3.12"',
        "sys_platform == 'darwin' and platform_release >= '20'",
        "sys_platform != 'linux'",
        "sys_platform == 'win32' or platform_system == 'Windows'",
        "platform_system == 'Windows' or platform_system == 'Darwin'",
        "'win32' == sys_platform",
        "sys_platform in 'win32 cygwin'",
        "sys_platform not in 'linux linux2'",
        "(sys_platform == 'win32' or os_name == 'nt') and python_full_version >= '3.8.5'",
        "platform_machine == 'AMD64'",
        "python_version < '3'",
    ],
)
def test_a_marker_leaves_linux_out(marker: str) -> None:
    assert leaves_linux_out(marker)


@pytest.mark.parametrize(
    "marker",
    [
        "",
        "sys_platform == 'linux'",
        "sys_platform != 'win32' and sys_platform != 'darwin'",
        "sys_platform == 'win32' or python_version < '3.9'",
        "sys_platform == 'win32' or python_full_version == '3.9.17'",
        "sys_platform == 'win32' or python_full_version > '3.9.17' and python_version < '3.10'",
        "sys_platform == 'win32' or python_version not in '3.8 3.9'",
        "sys_platform == 'win32' or python_version < '3.9' and python_full_version != '3.8.0'",
        "sys_platform == 'win32' or platform_machine == 'aarch64'",
        "sys_platform == 'win32' or platform_release >= '5'",
        "os_name == 'posix'",
        "nonsense",
    ],
)
def test_a_marker_may_hold_on_linux(marker: str) -> None:
    assert not leaves_linux_out(marker)
