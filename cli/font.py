"""The font that is embedded into PDFs: Noto Sans SC, from a package, so everywhere the same one."""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from ledger.errors import FormError


@lru_cache(1)
def font_path() -> Path:
    """Return the file of the embedded font.

    Raises:
        FormError: It is not installed; the message says what to install.
    """
    found = find_spec("pylopdf_fonts_zh_cn")
    path = Path(found.origin or "").with_name("NotoSansSC-Regular.otf") if found else None
    if path is None or not path.is_file():
        raise FormError(
            "--format pdf", "the font Noto Sans SC: pip install pylopdf-fonts-zh-cn", "none"
        )
    return path
