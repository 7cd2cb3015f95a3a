"""Message classes for a few fields of somebody else's protocol-buffer format, without their package.

ONNX files, Paddle's programs and tensor headers are protocol buffers. Paddle depends on `protobuf`, so we declare the
fields we need and let that parse: unknown fields are skipped, sizes and nesting are checked by the library.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence, Tuple

from ppocr.errors import ModelError

# message → (field, number, type); the type is another message of the table or a protobuf scalar, `*` means repeated
Schema = Mapping[str, Sequence[Tuple[str, int, str]]]


def parse(schema: Schema, root: str, data: bytes, *, label: str) -> Any:
    """Parse `data` as the message `root` of `schema`.

    Args:
        label: what the error message calls the data, e.g. its path.

    Raises:
        ModelError: the data is not such a message.
    """
    return parse_as(message_class(schema, root), data, label=label)


def parse_as(kind: Any, data: bytes, *, label: str) -> Any:
    """`parse`, as a message whose class `message_class` made: that takes longer than to parse a small message."""
    from google.protobuf.message import DecodeError

    message = kind()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise ModelError(f"{label}: damaged, or in another format: {error}") from error
    return message


def message_class(schema: Schema, root: str) -> Any:
    """The class of `root`, made in a descriptor pool of its own so that no other package's messages collide with it."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    # proto2 parses packed and unpacked lists alike, and strings whatever their bytes: both formats are covered
    file = descriptor_pb2.FileDescriptorProto(name="schema.proto", package="schema", syntax="proto2")
    for message, fields in schema.items():
        descriptor = file.message_type.add(name=message)
        for name, number, kind in fields:
            field = descriptor.field.add(name=name, number=number)
            field.label = field.LABEL_REPEATED if kind.startswith("*") else field.LABEL_OPTIONAL
            kind = kind.lstrip("*")
            if kind in schema:
                field.type, field.type_name = field.TYPE_MESSAGE, f".schema.{kind}"
            else:
                field.type = getattr(field, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindMessageTypeByName(f"schema.{root}")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(found)
    return message_factory.MessageFactory(pool).GetPrototype(found)  # protobuf < 4.22
