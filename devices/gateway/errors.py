"""What the program that uses the SDK must know, in both languages."""

from __future__ import annotations

from pathlib import Path

from config.text import Text


class GatewayError(Exception):
    """Something the program that uses the SDK must know; `text` says it in both languages."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.both())


class StoreFull(GatewayError):
    """The store holds as much as it may: this was not taken, nothing was dropped."""

    @staticmethod
    def of(detail: str) -> StoreFull:
        """Return it with what exactly is full."""
        return StoreFull(
            Text(
                f"网关存储已满（{detail}）：该数据未被接收；等待恢复连接后重试，"
                "增大 max_store_bytes，或选择 when_full",
                f"the gateway's store is full ({detail}): this was not taken; try again once the "
                "link is back, raise max_store_bytes, or choose what to do by when_full",
            )
        )


class StoreInUse(GatewayError):
    """Another process has this store open, or the file is not a store."""

    @staticmethod
    def of(path: Path, detail: str) -> StoreInUse:
        """Return it for a file."""
        return StoreInUse(
            Text(
                f"{path}: {detail}；另一进程正在使用该文件，或它不是网关存储：每个网关用自己的文件",
                f"{path}: {detail}; another process uses this file, or it is no gateway store: "
                "give every gateway a file of its own",
            )
        )


class MessageTooLarge(GatewayError):
    """One sample or burst alone is larger than the wire allows."""

    @staticmethod
    def of(kind: str, limit: int) -> MessageTooLarge:
        """Return it for a kind of message and the limit in bytes."""
        return MessageTooLarge(
            Text(
                f"一条 {kind} 消息超过 {limit} 字节：缩短波形或减少小数位数",
                f"one {kind} message exceeds {limit} bytes: shorten the burst, or send fewer "
                "decimals",
            )
        )
