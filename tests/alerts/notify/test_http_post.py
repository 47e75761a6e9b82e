"""The small client of web hooks against servers that behave, and against some that do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from alerts.notify.channel import DeliveryError, Item
from alerts.notify.http_post import BadAddress, Poster, PostFailed, target_of
from alerts.notify.webhook import WebhookChannel
from tests.support.webhook import Webhook

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Speaks as `talk` says; counts connections and requests."""

    def __init__(self, talk: Talk) -> None:
        self.talk, self.connections = talk, 0
        self.heads: list[bytes] = []

    async def start(self) -> str:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/hook"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        return await reader.readexactly(length)


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    made = Poster(4)
    yield made
    await made.close()


async def serve(answers: Callable[[int], bytes], close_after: int = 10**9) -> Server:
    server: Server

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(close_after):
            await server.request(reader)
            writer.write(answers(len(server.heads)))
            await writer.drain()

    server = Server(talk)
    return server


async def test_one_connection_serves_many_pages(poster: Poster) -> None:
    server = await serve(lambda _: OK)
    url = await server.start()
    for _ in range(20):
        assert await poster.post(url, b"{}", {"Idempotency-Key": "k"}) == 200
    assert server.connections == 1
    assert b"idempotency-key: k" in server.heads[0].lower()


async def test_a_connection_that_was_closed_meanwhile_costs_nothing(poster: Poster) -> None:
    server = await serve(lambda _: OK, close_after=1)
    url = await server.start()
    for _ in range(5):
        assert await poster.post(url, b"{}", {}) == 200
    assert server.connections == 5
    assert len(server.heads) == 5, "none was sent twice"


async def test_chunks_interim_answers_and_a_word_that_it_closes_are_understood(
    poster: Poster,
) -> None:
    told = [
        b"HTTP/1.1 102 Processing\r\n\r\n" + OK,
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ]
    server = await serve(lambda n: told[n - 1])
    url = await server.start()
    assert [await poster.post(url, b"{}", {}) for _ in told] == [200, 202, 503, 204]
    assert server.connections == 2


async def test_an_endless_answer_is_not_read_to_its_end(poster: Poster) -> None:
    server = await serve(
        lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n" + b"x" * 99_999
    )
    url = await server.start()
    assert await poster.post(url, b"{}", {}) == 200
    assert await poster.post(url, b"{}", {}) == 200
    assert server.connections == 2, "what is left unread is not taken for the next answer"


@pytest.mark.parametrize(
    "said", [b"", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\nContent"]
)
async def test_what_is_no_answer_is_a_failure(poster: Poster, said: bytes) -> None:
    server = await serve(lambda _: said, close_after=1)
    url = await server.start()
    with pytest.raises(PostFailed):
        await poster.post(url, b"{}", {})
    assert server.connections == 1, "a new connection is not tried twice"


async def test_a_receiver_that_drips_is_left_after_the_time_is_up() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(0.02)

    url = await Server(drip).start()
    channel = WebhookChannel(timeout_s=0.3)
    with pytest.raises(DeliveryError, match="no answer within"):
        await channel.send(Item("k", url, "zh", {}, 1))
    await channel.close()


async def test_nobody_listens(poster: Poster) -> None:
    with pytest.raises(PostFailed, match="Connect"):
        await poster.post("http://127.0.0.1:9/", b"{}", {})


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "http://x:port/", "x", "http://[::1/"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadAddress):
        target_of(url)


def test_an_address_is_taken_apart() -> None:
    found = target_of("https://anda:p%40ss@例子.cn:8443/钩 子?b=a b")
    assert (found.tls, found.host, found.port) == (True, "xn--fsqu00a.cn", 8443)
    assert found.path == "/%E9%92%A9%20%E5%AD%90?b=a%20b"
    assert found.login == "Basic YW5kYTpwQHNz"
    assert target_of("http://[::1]/").authority == "[::1]"
    assert target_of("http://x").port == 80


async def test_a_real_server_takes_pages_side_by_side(webhook: Webhook) -> None:
    channel = WebhookChannel("s", concurrency=4)
    items = [Item(str(n), f"{webhook.url}/{n}", "zh", {"n": n}, 1) for n in range(4)]
    for _ in range(5):
        await asyncio.gather(*map(channel.send, items))
    await channel.close()
    assert len(webhook.accepted) == 20
