from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from envbuild.model.condaspec import conda_range, has_version, pip_requirement, split_channel


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("numpy", "numpy"),
        ("numpy=*", "numpy"),
        ("numpy=1.26.4", "numpy==1.26.4"),
        ("numpy=1.26.4=py311_0", "numpy==1.26.4"),
        ("numpy==1.26.4", "numpy==1.26.4"),
        ("numpy 1.26.4 py311_0", "numpy==1.26.4"),
        ("numpy=1.26", "numpy==1.26.*"),
        ("numpy=1.26.*", "numpy==1.26.*"),
        ("numpy 1.*", "numpy==1.*"),
        ("conda-forge::numpy>=1.26,<2", "numpy>=1.26,<2"),
        ("file:///srv/ch::numpy=1.26.4", "numpy==1.26.4"),
        ("numpy >=1.26", "numpy>=1.26"),
        ("numpy~=1.26", "numpy~=1.26"),
        ("numpy=1.26|=1.25", ""),
        ("numpy[build=py*]", ""),
        ("numpy<2.0a0.*", "numpy<2.0a0"),
        ("numpy=1.26.0rc1=py311_0", "numpy==1.26.0rc1"),
        ("numpy=2023.3.post1=pyhd8ed1ab_0", "numpy==2023.3.post1"),
        # PEP 440 would take those letters for a pre-release, or for nothing.
        ("numpy=2023c=h04d1e81_0", ""),
        ("numpy==2023c", ""),
        ("numpy>=9e", ""),
        ("numpy=1.1.1w", ""),
    ],
)
def test_a_match_spec_is_said_in_the_words_of_pip_or_not_at_all(text, wanted):
    found = pip_requirement("numpy", text)
    assert found == wanted
    if found:
        assert str(Requirement(found).specifier) == str(Requirement(wanted).specifier)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("tzdata=2023c=h04d1e81_0", "tzdata==2023.3.*"),
        ("tzdata==2024a", "tzdata==2024.1"),
        ("tzdata>=2025b", "tzdata>=2025.2"),
        ("tzdata", "tzdata"),
    ],
)
def test_tzdata_has_the_version_that_pypi_gives_it(text, wanted):
    assert pip_requirement("tzdata", text) == wanted


def test_a_version_that_has_no_equal_is_known_to_be_there():
    assert has_version("numpy=1|2")
    assert conda_range("numpy=1|2") == ""
    assert not has_version("numpy")
    assert not has_version("numpy=*")


@pytest.mark.parametrize(
    ("text", "channel", "rest"),
    [
        ("gdal=3.8", "", "gdal=3.8"),
        ("mine::gdal=3.8", "mine", "gdal=3.8"),
        ("mine/linux-64::gdal", "mine/linux-64", "gdal"),
        ("file:///srv/ch::gdal[build=h1]", "file:///srv/ch", "gdal[build=h1]"),
        ("gdal[channel=file:///srv/ch]", "file:///srv/ch", "gdal"),
        ("gdal[channel='mine', build=h1]", "mine", "gdal[ build=h1]"),
        ('gdal[build=h1, channel="mine"]', "mine", "gdal[build=h1]"),
        ("gdal[a=b,channel=mine,c=d]", "mine", "gdal[a=b,c=d]"),
    ],
)
def test_the_channel_of_a_match_spec_stands_before_its_name_or_in_brackets(text, channel, rest):
    assert split_channel(text) == (channel, rest)
