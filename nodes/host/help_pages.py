"""English help pages where the front end looks first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

PACK = Path(__file__).absolute().parents[2]  # by the name that ComfyUI knows it by


def register_help_pages() -> None:
    """Serve docs/<node>.md as docs/<node>/en.md, too.

    The front end asks for a page in its own language, then for the one without a language, which
    is there for all others: without this every English page would begin with an error (404).
    """
    # Not imported: nodes may be loaded without a server.
    server: Any = getattr(sys.modules.get("server"), "PromptServer", None)
    routes = getattr(getattr(server, "instance", None), "routes", None)
    if routes is None:
        return
    from aiohttp import web

    pages = {path.stem: path for path in (PACK / "web" / "docs").glob("*.md")}

    @routes.get(f"/extensions/{PACK.name}/docs/{{node}}/en.md")
    async def serve_page(request: web.Request) -> web.StreamResponse:
        page = pages.get(request.match_info["node"])
        if page is None:
            raise web.HTTPNotFound
        return web.FileResponse(page)
