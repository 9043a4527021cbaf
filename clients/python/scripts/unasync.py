"""Makes ``_sync.py`` from ``_async.py``; with ``--check`` it only says whether that file is current."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent.parent / "src" / "surehook"
RULES = [
    (r'"""The asynchronous client\..*?"""', '"""The synchronous client: made from ``_async.py`` by ``scripts/unasync.py``."""'),
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

text = (HERE / "_async.py").read_text()
for pattern, replacement in RULES:
    text = re.sub(pattern, replacement, text, flags=re.DOTALL if "asynchronous" in pattern else 0)
target = HERE / "_sync.py"
if "--check" in sys.argv:
    sys.exit(0 if target.read_text() == text else "_sync.py is not current: run scripts/unasync.py")
target.write_text(text)
