"""Makes ``_sync*.py`` from ``_async*.py``; with ``--check`` it only says whether those files are current."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent.parent / "src" / "surehook"
RULES = [
    (r'"""The asynchronous client.*?"""', '"""The synchronous client: made by ``scripts/unasync.py``."""'),
    (r"\._async", "._sync"),
    (r"import asyncio\n", "import time\n"),
    (r"asyncio\.sleep", "time.sleep"),
    (r"send_async", "send_sync"),
    (r"from collections\.abc import AsyncIterator", "from collections.abc import Iterator"),
    (r"AsyncIterator", "Iterator"),
    (r"httpx\.Async(\w+)", r"httpx.\1"),
    (r"\bAsync(\w+)", r"\1"),
    (r"__aenter__", "__enter__"),
    (r"__aexit__", "__exit__"),
    (r"aclose", "close"),
    (r"\basync ", ""),
    (r"\bawait ", ""),
]

for source in HERE.glob("_async*.py"):
    text = source.read_text()
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL if "asynchronous" in pattern else 0)
    target = source.with_name(source.name.replace("_async", "_sync"))
    if "--check" not in sys.argv:
        target.write_text(text)
    elif not target.exists() or target.read_text() != text:
        sys.exit(f"{target.name} is not current: run scripts/unasync.py")
