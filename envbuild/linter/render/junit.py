"""The report as JUnit XML, for the test pages of CI services.

A suite is a model, a test case a finding. A case fails exactly where it fails the run: warnings and notes are cases
that pass and say so. Source: the schema of Jenkins' xUnit plugin, junit-10.xsd, which others follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model.redact import redact
from ...patterns import pattern
from ..types import Finding
from .report import Checked, Report, Unread

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

# What XML 1.0 cannot hold, however it is escaped.
_NO_XML = pattern("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> str:
    """The document, with its declaration."""
    from xml.etree.ElementTree import Element, SubElement, indent, tostring

    root = Element("testsuites", name="envbuild lint")
    for result in report.results:
        suite = SubElement(root, "testsuite", name=_text(result.name))
        if isinstance(result, Unread):
            cases = [_unread(result, "the model can be read")]
        else:
            cases = [_case(result, finding) for finding in result.findings]
            if result.cut_short is not None:
                cases.append(_unread(result.cut_short, "--fix and --resolve can be carried out"))
        # A suite without a case is taken for one that did not run.
        suite.extend(cases or [Element("testcase", name="no findings", classname=_text(result.name), time="0")])
        _count(suite)
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", "0")
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(checked: Checked, finding: Finding) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    places = [checked.place(span) for span in checked.readable_first(finding)]
    name = f"{finding.code} {finding.name}" + (f" {places[0]}" if places else "")
    case = Element("testcase", name=_text(name), classname=_text(checked.name), time="0")
    body = "\n".join([*places, f"{finding.severity}: {finding.message}", *finding.help.splitlines()])
    if finding.severity == "error":
        part = SubElement(case, "failure", type=finding.code, message=_text(finding.message))
    else:
        part = SubElement(case, "system-out")
    part.text = _text(body)
    return case


def _unread(unread: Unread, name: str) -> Element:
    from xml.etree.ElementTree import Element, SubElement

    case = Element("testcase", name=name, classname=_text(unread.name), time="0")
    part = SubElement(case, "error", type=f"exit code {unread.exit_code}", message=_text(unread.message))
    part.text = _text("\n".join(line for line in (unread.message, unread.hint) if line))
    return case


def _count(suite: Element) -> None:
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))
    suite.set("skipped", "0")
    suite.set("time", "0")


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", redact(text))
