"""The settings of PHP that a site may have, whether its YAML or its plugin names them: the one list.

They stand in a ``[PATH=…]`` section of the account's own php.ini, where neither ``ini_set`` nor ``.user.ini``
overrides them. What concerns security, other sites or the whole runtime is not here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType

_SIZE = r"(-1|[1-9][0-9]{0,5}[KMG]?)"
_COUNT = r"(0|[1-9][0-9]{0,8})"
_SWITCH = r"(On|Off)"

SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "auto_detect_line_endings": _SWITCH,
        "date.timezone": r"[A-Z][A-Za-z_]{1,30}(/[A-Za-z0-9_+-]{1,40}){0,2}",
        "default_charset": r"[A-Za-z0-9_-]{1,30}",
        "default_socket_timeout": _COUNT,
        "display_errors": _SWITCH,
        "error_reporting": _COUNT,
        "max_execution_time": _COUNT,
        "max_file_uploads": _COUNT,
        "max_input_nesting_level": _COUNT,
        "max_input_time": r"(-1|0|[1-9][0-9]{0,8})",
        "max_input_vars": _COUNT,
        "memory_limit": _SIZE,
        "output_buffering": r"(On|Off|[1-9][0-9]{0,8})",
        "pcre.backtrack_limit": _COUNT,
        "post_max_size": _SIZE,
        "session.cookie_lifetime": _COUNT,
        "session.cookie_samesite": r"(Lax|Strict|None)",
        "session.gc_maxlifetime": _COUNT,
        "short_open_tag": _SWITCH,
        "upload_max_filesize": _SIZE,
    }
)
"""Each setting with the form that its value must have; values are text, as php.ini writes them."""


def check_setting(name: str, value: str) -> str:
    """Return *value* if PHP's setting *name* may be given to a site and may have it.

    Raises:
        TypeError: the value is no text.
        ValueError: the setting is not in the list, or the value has not its form.
    """
    if name not in SETTINGS:
        near = get_close_matches(name, SETTINGS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(SETTINGS)}"
        raise ValueError(f"PHP's setting {name!r} cannot be given to a site: {hint}")
    if not isinstance(value, str):
        raise TypeError(f"{name}: {value!r} is no text; quote it")
    if not re.fullmatch(SETTINGS[name], value):
        raise ValueError(f"{name}: {value!r} is no value for it (form: {SETTINGS[name]})")
    return value
