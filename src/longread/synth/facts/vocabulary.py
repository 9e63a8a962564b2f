"""The relations of code, each worded so that "the ... X" names what it gives for a module or class X."""

from __future__ import annotations

IMPORTS = (
    "first module imported by",
    "second module imported by",
    "third module imported by",
    "fourth module imported by",
    "fifth module imported by",
)
LAST_IMPORT = "last module imported at the top level of"
CLASSES = (
    "first top-level class of",
    "second top-level class of",
    "third top-level class of",
)
LAST_CLASS = "last top-level class of"
BASE = "base class of"
BASES = ("first base class of", "second base class of")
HOME = "module that defines the base class of"
METACLASS = "metaclass of"
RAISED = "exception class of the first raise statement in"
LINKS = frozenset(
    (*IMPORTS, LAST_IMPORT, *CLASSES, LAST_CLASS, BASE, *BASES, HOME, METACLASS, RAISED),
)
"""Relations that give a module or class."""

FUNCTIONS = (
    "first top-level function of",
    "second top-level function of",
    "third top-level function of",
)
LAST_FUNCTION = "last top-level function of"
METHODS = (
    "first method other than __init__ in",
    "second method other than __init__ in",
    "third method other than __init__ in",
)
LAST_METHOD = "last method in"
INIT = "__init__ method of"
PARAMETER = "last parameter of the {}"
DEFAULT = "default value of the last parameter of the {}"
WITH_PARAMETERS = (FUNCTIONS[0], LAST_FUNCTION, METHODS[0], LAST_METHOD, INIT)
ATTRIBUTE = "first attribute that is set on self in the __init__ method of"
CLASS_ATTRIBUTE = "first name assigned in the class body of"
CLASS_VALUE = "value of the first name assigned in the class body of"
CONSTANT = "first all-capitals name assigned at the top level of"
CONSTANT_VALUE = "value of the first all-capitals name assigned at the top level of"
EXPORTS = ("first name listed in __all__ of", "last name listed in __all__ of")
TEXTS = frozenset(
    (
        *FUNCTIONS,
        LAST_FUNCTION,
        *METHODS,
        LAST_METHOD,
        *(PARAMETER.format(function) for function in WITH_PARAMETERS),
        *(DEFAULT.format(function) for function in WITH_PARAMETERS),
        ATTRIBUTE,
        CLASS_ATTRIBUTE,
        CLASS_VALUE,
        CONSTANT,
        CONSTANT_VALUE,
        *EXPORTS,
    )
)
"""Relations that give a name or a short value as it is written."""

FUNCTION_COUNT = "number of top-level functions of"
CLASS_COUNT = "number of top-level classes of"
METHOD_COUNT = "number of methods of"
PARAMETER_COUNT = "number of parameters, self included, of the __init__ method of"
COUNTS = frozenset((FUNCTION_COUNT, CLASS_COUNT, METHOD_COUNT, PARAMETER_COUNT))
RELATIONS = LINKS | TEXTS | COUNTS
