"""Wrong answers for chips that shall give them (:class:`card_reader.simulator.faults.Fault`)."""

from collections.abc import Callable

from card_reader import tlv
from card_reader.apdu import CommandApdu, ResponseApdu
from card_reader.simulator.faults import Fault
from card_reader.simulator.files import SessionLostError

GENERAL_AUTHENTICATE, DYNAMIC = 0x86, 0x7C
# The data object that the chip answers with in each step of PACE (ICAO 9303-11 table 4).
PACE_OBJECTS = {1: 0x80, 2: 0x82, 3: 0x84, 4: 0x86}

Answer = Callable[[CommandApdu, ResponseApdu], ResponseApdu]


def status(sw: int) -> Answer:
    """A status word alone."""
    return lambda _, __: ResponseApdu(b"", sw)


def session_ended_with(sw: int) -> Answer:
    """A status word without protection; the session is over."""

    def answer(_: CommandApdu, __: ResponseApdu) -> ResponseApdu:
        raise SessionLostError(sw)

    return answer


def data(change: Callable[[bytes], bytes]) -> Answer:
    """Other data with the same status word."""
    return lambda _, response: ResponseApdu(change(response.data), response.sw)


def pace_step(step: int, answer: Answer) -> Fault:
    """A wrong answer in one step of every PACE."""

    def in_step(command: CommandApdu, response: ResponseApdu) -> ResponseApdu:
        if not response.data:
            return response
        tags = [item.tag for item in tlv.parse(response.data).children()]
        return answer(command, response) if PACE_OBJECTS[step] in tags else response

    return Fault(GENERAL_AUTHENTICATE, in_step)


def pace_value(step: int, change: Callable[[bytes], bytes]) -> Fault:
    """Another value in the data object of a step."""
    tag = PACE_OBJECTS[step]
    return pace_objects(
        step,
        lambda objects: {
            key: change(value) if key == tag else value for key, value in objects.items()
        },
    )


def pace_tag(step: int, tag: int, instead: int) -> Fault:
    """A data object under another tag."""
    return pace_objects(
        step,
        lambda objects: {instead if key == tag else key: value for key, value in objects.items()},
    )


def pace_objects(step: int, change: Callable[[dict[int, bytes]], dict[int, bytes]]) -> Fault:
    """Other data objects in the answer to a step."""

    def changed(answer: bytes) -> bytes:
        objects = {item.tag: item.value for item in tlv.parse(answer).children()}
        content = b"".join(tlv.encode(key, value) for key, value in change(objects).items())
        return tlv.encode(DYNAMIC, content)

    return pace_step(step, data(changed))
