"""EB411: a module that a pickle or the scoring script imports, and that nothing in the image provides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...model.types import Model, Pickle
from ...patterns import pattern
from ..base import BaseRule
from ..pickled import is_loaded, spans_of_pickles, title
from ..pins import python_of
from ..provided import Provided, package_modules, provided
from ..types import Finding, Locked, Target

if TYPE_CHECKING:
    from ...model.script import Import

_MAIN = "__main__"
_MAIN_LOOKED_UP = pattern(r"modules\s*\[\s*(['\"])__main__\1\s*\]")
# What TorchScript calls the types of a model: they lie in the archive, with the pickle that names them.
_OF_ARCHIVE = "__torch__"
# Packages that make none of their modules while they run: what no file of theirs provides is not there.
_PLAIN = frozenset({"catboost", "cloudpickle", "joblib", "lightgbm", "scipy", "sklearn", "skops", "statsmodels"})


class ModuleNotProvided(BaseRule):
    """A pickle or the scoring script imports a module that is neither in the image's packages nor in the code folder.

    *What it does*: looks at the modules that the model's pickles and the script import. Classes of `__main__` and
    relative imports in the script are found at once; with the lock at hand every module is looked up in the file lists
    of the locked wheels, the model's code folder, the script's and the standard library of the image's Python. Imports
    whose ImportError is caught, and those in branches for type checkers, for other Pythons or for a script that is run
    by itself, do not count. A script that puts names into `__main__` may put there what the pickle needs: a warning.

    *Why it breaks*: the server ends at "No module named 'features'" when it loads the model, or at "Can't get attribute
    'Scaler' on <module '__main__'>".

    *Example*: a class of `features.py` in a pickled pipeline, logged without `code_paths`.

    *Use instead*: list the package that provides the module, log the model with `code_paths=["features.py"]`, or give
    the script's helpers with `--code`.

    *Source*: mlflow/mlflow issue 14145; bentoml/BentoML issue 3769; SeldonIO/seldon-core issue 4497.
    """

    code = "EB411"
    name = "module-not-provided"

    def check(self, model: Model, target: Target) -> Iterator[Finding]:
        """One finding for each relative import of the script."""
        yield from self._relative(target, python_of(model, target))

    def _relative(self, target: Target, python: str) -> Iterator[Finding]:
        for imported in target.script.imports_on(python) if target.script is not None else ():
            if imported.name.startswith(".") and not imported.optional:
                shown = f"from {imported.name} import {', '.join(imported.attributes)}"
                yield self.finding(
                    f"`{shown}` finds no package: the server loads the script as a file of its own",
                    hint="import the module by its name; --code puts the script's folder on the path",
                    spans=[imported.span],
                    severity="error" if imported.certain else "warning",
                )

    def check_pickles(self, model: Model, target: Target, pickles: Sequence[Pickle]) -> Iterator[Finding]:
        """One finding for each pickle with names of `__main__`."""
        filled = _fills_main(target)
        for pickle in pickles:
            names = sorted(name.removeprefix(f"{_MAIN}.") for name in pickle.globals if name.startswith(f"{_MAIN}."))
            if names:
                yield self.finding(
                    f"{title(pickle)} needs {', '.join(names[:5])} of __main__, the script that pickled it: "
                    "in the image that is the server",
                    hint="put the class into a module, log it with code_paths=[...], or pickle with cloudpickle"
                    + ("; the scoring script must put it into __main__ before it loads the model" if filled else ""),
                    spans=spans_of_pickles([pickle]),
                    severity="error" if is_loaded(model, pickle) and not filled else "warning",
                )

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """What the other stages find, and one finding for each module that nothing provides."""
        yield from self._relative(target, locked.lock.python)
        yield from self.check_pickles(model, target, locked.pickles)
        modules = package_modules(locked)
        if modules is None:
            return
        known = provided(model, target, locked, modules)
        yield from self._in_pickles(model, locked.pickles, known, modules)
        yield from self._in_script(target, known, locked.lock.python)

    def _in_pickles(
        self, model: Model, pickles: Sequence[Pickle], known: Provided, modules: frozenset[str]
    ) -> Iterator[Finding]:
        from _compat_pickle import IMPORT_MAPPING

        # Extension modules may call themselves by their last name alone, as scikit-learn's `_loss` did.
        last = frozenset(module.rpartition(".")[2] for module in modules)
        needed: dict[tuple[str, bool], list[Pickle]] = {}
        for pickle in pickles:
            for module in pickle.modules:
                top = module.partition(".")[0]
                if pickle.member and top == _OF_ARCHIVE:
                    continue
                lacking = known.lacking(module)
                if lacking and top not in IMPORT_MAPPING and not (top.startswith("_") and top in last):
                    needed.setdefault((lacking, False), []).append(pickle)
                elif top in _PLAIN and top in modules and module not in modules:
                    needed.setdefault((module, True), []).append(pickle)
        for (module, of_version), found in sorted(needed.items()):
            where = "is in no package of the image and not in the model's code folder"
            if of_version:
                where = f"the image's version of {module.partition('.')[0]} does not have"
            yield self.finding(
                f"{title(found[0])} imports {module}, which {where}",
                hint="use the version that wrote the pickle, or log the model anew"
                if of_version
                else "list the package that provides it, or log the model with code_paths=[...]",
                spans=spans_of_pickles(found),
                severity="error" if any(is_loaded(model, pickle) for pickle in found) else "warning",
            )

    def _in_script(self, target: Target, known: Provided, python: str) -> Iterator[Finding]:
        script = target.script
        if script is None:
            return
        told: set[str] = set()
        # What is imported in any case comes first, so that it decides.
        for imported in sorted(script.imports_on(python), key=lambda i: not i.certain):
            top = imported.name.partition(".")[0]
            if not top or imported.optional or top in script.modules:
                continue
            lacking = {known.lacking(module) for module in _imported(imported, known)} - told - {""}
            told |= lacking
            for module in sorted(lacking):
                yield self.finding(
                    f"the scoring script imports {module}, which is in no package of the image and not in its code "
                    "folder",
                    hint="list the package that provides it, or give the script's own modules with --code FOLDER",
                    spans=[imported.span],
                    severity="error" if imported.certain else "warning",
                )


def _fills_main(target: Target) -> bool:
    """Whether the scoring script gets hold of `__main__`, so that it can put names there."""
    script = target.script
    return script is not None and (script.imports_module(_MAIN) or _MAIN_LOOKED_UP.search(script.text) is not None)


def _imported(imported: Import, known: Provided) -> list[str]:
    """The modules that an import asks for; of a folder that packages share, what is named of it is a module too."""
    if imported.name not in known.parts:
        return [imported.name]
    return [f"{imported.name}.{name}" for name in imported.attributes if not name.startswith(("_", "*"))]
