"""Whether anything in a candidate's reach names what was put in: what must not be told, where it is looked for."""

from brownout.leaks.needles import Needles, needles_of
from brownout.leaks.search import Leak, leaks_of, search

__all__ = ["Leak", "Needles", "leaks_of", "needles_of", "search"]
