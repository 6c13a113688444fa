"""Templates become a Dockerfile."""

from __future__ import annotations

import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ...errors import EnvbuildError, UsageError
from . import quoting
from .page import Page

if TYPE_CHECKING:
    from jinja2 import Environment

SHIPPED = Path(__file__).parent.parent.parent / "templates"
NAME = "Dockerfile.j2"


def render(page: Page, *, templates: Path | None) -> str:
    """The Dockerfile of `page` by `Dockerfile.j2`, of the folder `templates` if it has one, else the shipped one.

    A template may extend and include those of the folder and the shipped ones. UsageError: it does not render,
    with its file and line, or a Dockerfile cannot carry a value.
    """
    from jinja2 import TemplateError

    environment = _environment(templates)
    try:
        text = environment.get_template(NAME).render(page=page)
    except EnvbuildError:
        raise
    except TemplateError as error:
        _fail(error, templates)
    except Exception as error:  # a template can raise whatever an expression of it can
        _fail(error, templates)
    return text.rstrip("\n") + "\n"


def _environment(templates: Path | None) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    if templates is not None and not any((templates / n).is_file() for n in (NAME, f"base.{NAME}")):
        raise UsageError(
            f"--templates {templates} holds no {NAME}",
            hint=f'write one that begins with {{% extends "base.{NAME}" %}} and replaces a block',
        )
    environment = Environment(
        loader=FileSystemLoader([*([templates] if templates is not None else []), SHIPPED]),
        undefined=StrictUndefined,
        autoescape=False,  # a Dockerfile is no HTML: the filters below quote
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        quote=partial(quoting.quote, what="a value of the template"),
        exec=partial(quoting.exec_array, what="a command of the template"),
        comment=quoting.comment,
    )
    return environment


def _fail(error: Exception, templates: Path | None) -> NoReturn:
    """Tell which template and which line it was."""
    from jinja2 import TemplateNotFound, TemplateSyntaxError

    file, line = "", 0
    if isinstance(error, TemplateSyntaxError):
        file, line = str(error.filename or error.name or ""), error.lineno
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename.endswith(".j2"):  # jinja puts its own lines into the traceback
                file, line = frame.filename, frame.lineno or 0
    if isinstance(error, TemplateNotFound):
        what = f"there is no template {error.name!r}"
    elif isinstance(error, UnicodeDecodeError):
        what = "it is not UTF-8"
    else:
        what = str(error) or type(error).__name__
    place = f"{file}:{line}" if file and line else file or str((templates or SHIPPED) / NAME)
    raise UsageError(
        f"{place}: the template does not render: {what}",
        hint="docs/dockerfile.md lists the blocks of base.Dockerfile.j2 and the values that a template sees",
    ) from error
