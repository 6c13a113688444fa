"""EB411: a module that a pickle or the scoring script imports, and that nothing in the image provides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model.types import Model, Pickle
from ..base import BaseRule
from ..pickled import is_loaded, spans_of_pickles, title
from ..provided import known_tops, package_modules, tops
from ..types import Finding, Locked, Target

_MAIN = "__main__"
# Packages that make none of their modules while they run: what no file of theirs provides is not there.
_PLAIN = frozenset({"catboost", "cloudpickle", "joblib", "lightgbm", "scipy", "sklearn", "skops", "statsmodels"})


class ModuleNotProvided(BaseRule):
    """A pickle or the scoring script imports a module that is neither in the image's packages nor in the code folder.

    *What it does*: looks at the modules that the model's pickles and the script import. Classes of `__main__` and
    relative imports in the script are found at once; with the lock at hand every module is looked up in the file lists
    of the locked wheels, the model's code folder, the script's and the standard library of the image's Python. Imports
    whose ImportError is caught and those for type checkers do not count.

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
        for imported in target.script.imports if target.script is not None else ():
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
        for pickle in pickles:
            names = sorted(name.removeprefix(f"{_MAIN}.") for name in pickle.globals if name.startswith(f"{_MAIN}."))
            if names:
                yield self.finding(
                    f"{title(pickle)} needs {', '.join(names[:5])} of __main__, the script that pickled it: "
                    "in the image that is the server",
                    hint="put the class into a module, log it with code_paths=[...], or pickle with cloudpickle",
                    spans=spans_of_pickles([pickle]),
                    severity="error" if is_loaded(model, pickle) else "warning",
                )

    def check_lock(self, model: Model, target: Target, locked: Locked) -> Iterator[Finding]:
        """What the other stages find, and one finding for each module that nothing provides."""
        yield from self.check(model, target)
        yield from self.check_pickles(model, target, locked.pickles)
        modules = package_modules(locked)
        if modules is None:
            return
        known = known_tops(model, target, locked) | tops(modules)
        yield from self._in_pickles(model, locked.pickles, known, modules)
        yield from self._in_script(target, known)

    def _in_pickles(
        self, model: Model, pickles: Sequence[Pickle], known: frozenset[str], modules: frozenset[str]
    ) -> Iterator[Finding]:
        from _compat_pickle import IMPORT_MAPPING

        # Extension modules may call themselves by their last name alone, as scikit-learn's `_loss` did.
        last = frozenset(module.rpartition(".")[2] for module in modules)
        needed: dict[str, list[Pickle]] = {}
        for pickle in pickles:
            for module in pickle.modules - {_MAIN}:
                top = module.partition(".")[0]
                if top not in known and top not in IMPORT_MAPPING and not (top.startswith("_") and top in last):
                    needed.setdefault(top, []).append(pickle)
                elif top in _PLAIN and top in modules and module not in modules:
                    needed.setdefault(module, []).append(pickle)
        for module, found in sorted(needed.items()):
            top, inside, _ = module.partition(".")
            lacking = "is in no package of the image and not in the model's code folder"
            if inside:
                lacking = f"the image's version of {top} does not have"
            yield self.finding(
                f"{title(found[0])} imports {module}, which {lacking}",
                hint="use the version that wrote the pickle, or log the model anew"
                if inside
                else "list the package that provides it, or log the model with code_paths=[...]",
                spans=spans_of_pickles(found),
                severity="error" if any(is_loaded(model, pickle) for pickle in found) else "warning",
            )

    def _in_script(self, target: Target, known: frozenset[str]) -> Iterator[Finding]:
        script = target.script
        told: set[str] = set()
        # What is imported in any case comes first, so that it decides.
        for imported in sorted(script.imports, key=lambda i: not i.certain) if script is not None else ():
            top = imported.name.partition(".")[0]
            if not top or imported.optional or top in known or top in told:
                continue
            if script is not None and top not in script.modules:
                told.add(top)
                yield self.finding(
                    f"the scoring script imports {top}, which is in no package of the image and not in its code folder",
                    hint="list the package that provides it, or give the script's own modules with --code FOLDER",
                    spans=[imported.span],
                    severity="error" if imported.certain else "warning",
                )
