from __future__ import annotations

import time

import pytest

from envbuild.model.redact import redact
from envbuild.model.secrets import SHAPES, secrets_in

MIXED = "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zC1bD2fF3gG4hJ5kL6mM7nP8qR9sT0uV1wX2yZ3aA4bB5cC6dD7eE8fF9gG0hH"
# Put together here, so that no scanner takes this file for a leak.
TOKENS = {
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\\n" + MIXED[:64],
    "an AWS access key": "AKI" + "A2B3CDEFGH4IJKLMN",
    "a GitHub token": "gh" + "p_" + MIXED[:36],
    "a GitLab token": "glpa" + "t-" + MIXED[:20],
    "a key of an Azure storage account": MIXED[:86] + "==",
    "a shared access key of Azure": MIXED[:43] + "=",
    "a Databricks token": "dap" + "i" + "0123456789abcdef" * 2,
    "a Hugging Face token": "hf" + "_" + "abcdefghijklmnopqRSTUVWXYZABCDEFGH",
    "an OpenAI key": "sk" + "-" + MIXED[:20] + "T3Blbk" + "FJ" + MIXED[20:40],
    "an Anthropic key": "sk-an" + "t-api03-" + MIXED[:80],
    "a Google API key": "AIz" + "a" + MIXED[:35],
    "a Slack token": "xox" + "b-" + MIXED[:24],
    "a PyPI token": "pypi-AgEIcHlwaS5v" + "cmc" + MIXED[:50],
    "an npm token": "npm" + "_" + MIXED[:36],
}
BEFORE = {"a key of an Azure storage account": "AccountKey=", "a shared access key of Azure": "SharedAccessKey="}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.kind}-{shape.mark}")
def test_each_shape_is_found_at_its_place_and_hidden(shape):
    value = TOKENS[shape.kind]
    if shape.mark == "github_pat_":
        value = "github_pa" + "t_" + MIXED[:82]
    text = f'key: "{BEFORE.get(shape.kind, "")}{value}" # é'
    found = [secret for secret in secrets_in(text) if secret.kind == shape.kind]
    assert [text[s.start : s.end] for s in found] == [value]
    hidden = redact(text)
    assert value not in hidden
    assert (len(hidden), hidden[:5], hidden[-4:]) == (len(text), text[:5], text[-4:])


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7" + "EXAMPLE",
        "hf_" + "x" * 34,
        "ghp_" + "X" * 36,
        "gh_abcdef",
        "dapi" + "0" * 32,
        "sha256:" + "0123456789abcdef" * 4,
        "hf_transformer_with_a_long_name_of_model",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----",
        "AccountKey=${KEY}",
        "AccountName=x;AccountKey=",
        "xoxo-hugs",
        "npm_config_registry=https://host",
    ],
)
def test_what_only_looks_like_a_token_is_none(text):
    assert list(secrets_in(text)) == []
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("https://user:pa@ss@host/x@1", "https://**********@host/x@1"),
        ("git+https://token@github.com/o/r", "git+https://*****@github.com/o/r"),
        ("https://conda.anaconda.org/t/ab-1234/mine", "https://conda.anaconda.org/t/*******/mine"),
        ("https://host/conda/t/ab-1234/mine/noarch", "https://host/conda/t/*******/mine/noarch"),
        ("s3://bucket/t/ab-1234/mine", "s3://bucket/t/ab-1234/mine"),
        ("https://host/a.whl?sv=1&sig=abc%3D#sha256=1", "https://host/a.whl?sv=1&sig=******#sha256=1"),
        ("numpy==1.26.4", "numpy==1.26.4"),
        # A password that was written as it is.
        ("https://u:p w@host:9/x.whl", "https://*****@host:9/x.whl"),
        ("x @ https://u:p/w\tz@host/x", "x @ https://*******@host/x"),
        ("https://u:@a/b@127.0.0.1:9/x.whl", "https://******@127.0.0.1:9/x.whl"),
        ("https://u:a@b/c@host.example/x", "https://*******@host.example/x"),
        ("git+u:pw@host/x.git", "git+****@host/x.git"),
        ("--index-url https:/u:pw@host/x", "--index-url https:/****@host/x"),
        ("https://host/x?auth=abc&page=2", "https://host/x?auth=***&page=2"),
    ],
)
def test_credentials_of_addresses_are_hidden(text, hidden):
    assert redact(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8080 is asked by bob@example.org",
        "http://host: refused, ask bob@example.org",
        "ssh://host:group/x.git # ask bob@example.org",
        "https://host:main/x\nbob@example.org",
        "https://host/feed@Local/simple and git+https://host/x.git@v1.2/y",
        "git+git@host:group/x.git git+ssh://host/x.git@v1",
        "https://host/x?page=2&author=bob",
        "name @ https://host/x.whl ; python_version < '3.12'  # bob@example.org",
    ],
)
def test_what_only_looks_like_a_login_is_none(text):
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("://" + "a" * 500_000, "http://a:x" * 50_000, "https://a:b@c/" * 40_000, "://a:b@" + "@c.d" * 100_000),
        *("://a:b " + "c " * 200_000, "://a:b@c/" + "@d.e" * 100_000, "http://a:x y" * 40_000),
    ],
)
def test_long_addresses_take_no_time(text):
    started = time.monotonic()
    redact(text)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("text", ["://" + "a" * 500_000, "gh" * 250_000, "-----BEGIN " * 40_000, "AKIA" * 100_000])
def test_long_texts_take_no_time(text):
    started = time.monotonic()
    redact(text)
    assert time.monotonic() - started < 1
