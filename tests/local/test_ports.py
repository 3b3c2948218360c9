import socket
from collections.abc import Generator

import pytest

from local.ports import HOST, BadPort, Ports, Wish, hold


@pytest.fixture
def taken() -> Generator[int]:
    """A port on which something listens; the two after it are free."""
    while True:
        holder = socket.create_server((HOST, 0))
        port = holder.getsockname()[1]
        following = [hold(port + step) if port + step < 65536 else None for step in (1, 2)]
        for held in filter(None, following):
            held.close()
        if all(following):
            break
        holder.close()
    yield port
    holder.close()


def test_a_default_that_is_busy_moves_to_the_next_free_port(taken: int) -> None:
    with Ports({}, {"product": Wish("PORT", taken)}) as ports:
        assert ports["product"] == taken + 1


def test_a_set_port_that_is_busy_is_refused_in_one_sentence(taken: int) -> None:
    with pytest.raises(BadPort, match=f"^PORT={taken} is already in use: .*another\\.$"):
        Ports({"PORT": str(taken)}, {"product": Wish("PORT", 8000)})


@pytest.mark.parametrize("given", ["0", "65536", "-1", "80 80", "web", "８０"])
def test_what_is_no_port_is_refused_in_one_sentence(given: str) -> None:
    with pytest.raises(BadPort, match="is not a port: set a number from 1 to 65535"):
        Ports({"PORT": given}, {"product": Wish("PORT", 8000)})


def test_two_checkouts_that_start_at_once_choose_different_ports(taken: int) -> None:
    wishes = {"product": Wish("PORT", taken + 1)}
    with Ports({}, wishes) as one, Ports({}, wishes) as other:
        assert (one["product"], other["product"]) == (taken + 1, taken + 2)


def test_a_default_gives_way_to_a_port_that_was_set(taken: int) -> None:
    wishes = {"product": Wish("PORT", taken + 1), "mail": Wish("MAIL_PORT", 1)}
    with Ports({"MAIL_PORT": str(taken + 1)}, wishes) as ports:
        assert ports["mail"] == taken + 1
        assert ports["product"] == taken + 2


def test_released_ports_can_be_taken() -> None:
    ports = Ports({}, {"product": Wish("PORT", 20000)})
    ports.release()
    with socket.create_server((HOST, ports["product"])):
        pass


def test_a_refused_choice_lets_go_of_what_it_held(taken: int) -> None:
    wishes = {"product": Wish("PORT", 8000), "mail": Wish("MAIL_PORT", 8025)}
    with pytest.raises(BadPort):
        Ports({"PORT": str(taken + 1), "MAIL_PORT": str(taken)}, wishes)
    with socket.create_server((HOST, taken + 1)):
        pass
