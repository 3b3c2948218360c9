from local.demo.draws import Draw


def test_a_name_gives_the_same_choices_in_every_run() -> None:
    draw = Draw("schedule 154047")
    assert [draw.whole(1, 100) for _ in range(8)] == [86, 51, 86, 29, 86, 11, 15, 97]


def test_another_name_gives_other_choices() -> None:
    assert Draw("a").fraction() != Draw("b").fraction()


def test_both_ends_of_a_range_come() -> None:
    draw = Draw("dice")
    assert {draw.whole(1, 6) for _ in range(200)} == {1, 2, 3, 4, 5, 6}


def test_some_of_gives_different_ones_and_never_more_than_there_are() -> None:
    draw = Draw("cards")
    assert sorted(draw.some_of("abc", 5)) == ["a", "b", "c"]
    assert len(set(draw.some_of("abcdef", 4))) == 4
