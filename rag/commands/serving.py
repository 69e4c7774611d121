"""The command `rag serve`, and the logins that it makes."""

import argparse
import sys
from pathlib import Path

from rag.config import RagConfig, is_loopback, resolve
from rag.errors import ConfigError
from rag.messages import message


def add_serve(parser: argparse.ArgumentParser) -> None:
    """The arguments of `rag serve`, but those that other commands have too."""
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default: 7860)")
    parser.add_argument("--auth", metavar="FILE", help="who may log in; needed where --host is not this machine alone")
    parser.add_argument("--add-login", metavar="NAME", help="put a name into the file of --auth, and end")
    parser.add_argument("--mcp", action="store_true", help="offer `ask` and `search` as MCP tools, at /gradio_api/mcp/")
    parser.add_argument("--open", action="store_true", help="open the page in the browser")


def run_serve(options: argparse.Namespace, config: RagConfig) -> int:
    """Serve the page until Ctrl-C, or note a login; the exit status.

    Raises:
        RagError: it could not be done.
    """
    from rag.page.login import login_of, require_login

    host, auth = options.host or config.page.host, options.auth or config.page.auth
    if options.add_login:
        return _add_login(options, auth)
    require_login(host, auth)
    login = login_of(Path(auth)) if auth else None
    from rag.app import serve
    from rag.page.api import require_mcp
    from rag.page.library import open_library

    if options.mcp:
        require_mcp()
    index = Path(options.index) if options.index else resolve(config.index)
    # A folder of this machine is for those to name who sit at it.
    library = open_library(index, config, allow_folders=is_loopback(host) and not auth)
    serve(
        library,
        host,
        config.page.port if options.port is None else options.port,
        login=login,
        mcp=options.mcp,
        open_browser=options.open,
        ready=lambda address: print(message("serving", options.lang, address=address), flush=True),
    )
    return 0


def _add_login(options: argparse.Namespace, auth: str) -> int:
    """Ask for a password, twice on a terminal, else by the first line read; arguments are seen by other programs."""
    from getpass import getpass

    from rag.page.login import add_login

    if not auth:
        raise ConfigError("name the file of the logins: `rag serve --auth FILE --add-login NAME`")
    if sys.stdin.isatty():
        password = getpass(f"{message('password', options.lang)}: ")
        if getpass(f"{message('password_again', options.lang)}: ") != password:
            raise ConfigError("the two passwords differ: try again")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    add_login(Path(auth), options.add_login, password)
    print(message("login_added", options.lang, name=options.add_login, file=auth))
    return 0
