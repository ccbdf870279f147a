"""A browser that opens a stream and then does not read it, until it is told to."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class SlowReader:
    """An answer of which only the headers were read; its buffers are small."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def read_all(self) -> bytes:
        """The whole body, without the framing of chunks."""
        pieces = []
        while size := int(await self._reader.readline(), 16):
            pieces.append((await self._reader.readexactly(size + 2))[:-2])
        return b"".join(pieces)


@asynccontextmanager
async def slow_reader(url: str, headers: Mapping[str, str]) -> AsyncIterator[SlowReader]:
    """GET ``url`` and read no more than the headers."""
    place = urlsplit(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (place.hostname, place.port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=4096)
    try:
        wanted = f"{place.path}?{place.query}"
        lines = [f"GET {wanted} HTTP/1.1", f"Host: {place.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answered = await reader.readuntil(b"\r\n\r\n")
        assert answered.startswith(b"HTTP/1.1 200"), answered
        yield SlowReader(reader)
    finally:
        writer.close()
