"""The audit log is one chain, however many write it at once."""

from concurrent.futures import ThreadPoolExecutor

from server_world import START, World

from exam_server import audit

WRITERS, ENTRIES = 8, 10


def test_many_writers_take_turns_and_none_is_turned_away(world: World) -> None:
    def write(writer: int) -> None:
        for number in range(ENTRIES):
            with world.server.transaction() as session:
                audit.record(
                    session,
                    actor=f"station:{writer}",
                    action="form_opened",
                    subject=f"attempt:{number}",
                    details={},
                    now=START,
                )

    with world.server.reading() as session:
        before = audit.verify_chain(session).entries
    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(write, writer) for writer in range(WRITERS)]:
            done.result()
    with world.server.reading() as session:
        report = audit.verify_chain(session)
    assert report.fault is None
    assert report.entries == before + WRITERS * ENTRIES
