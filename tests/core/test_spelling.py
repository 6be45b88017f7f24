import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_celery_tasks.catalog import call_options, settings, task_options
from flake8_celery_tasks.core.spelling import Globbed, Words, close_match, edit_distance

OPTIONS = tuple(task_options.OPTIONS)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("timelimit", "time_limit"),
        ("softtimelimit", "soft_time_limit"),
        ("soft_timelimit", "soft_time_limit"),
        ("ignore_results", "ignore_result"),
        ("ingore_result", "ignore_result"),
        ("max_retry", "max_retries"),
        ("max_retires", "max_retries"),
        ("max_tries", "max_retries"),
        ("maxretries", "max_retries"),
        ("maxRetries", "max_retries"),
        ("ack_late", "acks_late"),
        ("acks_lat", "acks_late"),
        ("ACKS_LATE", "acks_late"),
        ("retry_backof", "retry_backoff"),
        ("retry_back_off", "retry_backoff"),
        ("retry_jiter", "retry_jitter"),
        ("retry_kwarg", "retry_kwargs"),
        ("auto_retry_for", "autoretry_for"),
        ("dont_auto_retry_for", "dont_autoretry_for"),
        ("rate_limits", "rate_limit"),
        ("ratelimit", "rate_limit"),
        ("track_start", "track_started"),
        ("reject_on_worker_loss", "reject_on_worker_lost"),
        ("default_retry_delays", "default_retry_delay"),
        ("serialiser", "serializer"),
        ("expire", "expires"),
        ("queues", "queue"),
        ("binds", "bind"),
        ("bnid", "bind"),
        ("nmae", "name"),
        ("names", "name"),
        ("throw", "throws"),
        ("strategy", "Strategy"),
    ],
)
def test_a_misspelt_option_is_recognised(word, meant):
    assert close_match(word, OPTIONS) == meant


@pytest.mark.parametrize(
    "word",
    [
        *[
            "once",
            "route",
            "action",
            "verbose_name",
            "description",
            "run_every",
            "lock_expiry",
            "tags",
            "label",
            "owner",
        ],
        *["timeout", "title", "team", "group", "key", "lock", "unique", "unique_on", "timezone", "enabled", "schedule"],
        *["case", "game", "same", "lane", "time", "retry_delay", "retries", "countdown", "eta", "on_error", "model"],
        *[
            "singleton",
            "heimdall",
            "flush_every",
            "tenant_cache_seconds",
            "silo_mode",
            "namespace",
            "processing_deadline",
        ],
        *["at_most_once", "expiry", "metric", "slug", "env", "id", "is", "x", "", "_", "s"],
    ],
)
def test_another_word_is_no_misspelling(word):
    assert close_match(word, OPTIONS) is None


@pytest.mark.parametrize("names", [OPTIONS, tuple(call_options.OPTIONS), tuple(settings.SETTINGS)])
def test_a_known_name_is_no_misspelling(names):
    assert all(close_match(name, names) is None for name in names)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("task_ack_late", "task_acks_late"),
        ("broker_transport_option", "broker_transport_options"),
        ("task_always_eagre", "task_always_eager"),
        ("result_backends", "result_backend"),
        ("beat_schedules", "beat_schedule"),
        ("redbeat_redis_url", None),
        ("my_own_setting", None),
    ],
)
def test_settings(word, meant):
    assert close_match(word, settings.SETTINGS) == meant


@pytest.mark.parametrize(("word", "meant"), [("countdwn", "countdown"), ("count_down", "countdown"), ("foo", None)])
def test_call_options(word, meant):
    assert close_match(word, call_options.OPTIONS) == meant


def test_the_smallest_distance_wins():
    assert close_match("abcdefghij", ["abcdefghxx", "abcdefghix"]) == "abcdefghix"
    assert close_match("abcdefghij", ["abcdefghix", "abcdefghxx"]) == "abcdefghix"


def test_ties_go_to_the_earlier_candidate():
    assert close_match("abcdefghij", ["xbcdefghij", "abcdefghix"]) == "xbcdefghij"
    assert close_match("abcdefghij", ["abcdefghix", "xbcdefghij"]) == "abcdefghix"


def test_a_plural_wins_over_a_letter():
    assert close_match("max_retry", ["max_retro", "max_retries"]) == "max_retries"


def test_the_limit_is_the_caller_s():
    assert close_match("abcdefghij", ["abcdefghxx"]) == "abcdefghxx"
    assert close_match("abcdefghij", ["abcdefghxx"], limit=1) is None
    assert close_match("abcdefghij", ["abcdefgxxx"], limit=3) is None
    assert close_match("abcdefghij", ["abcdefghix"], limit=0) is None


def test_short_names_need_their_first_letter():
    assert close_match("cind", ["bind"]) is None
    assert close_match("bond", ["bind"]) == "bind"
    assert close_match("xueued", ["queued"]) == "queued"
    assert close_match("ab", ["abc"]) is None


def test_the_candidates_may_be_any_iterable():
    assert close_match("quue", iter(["name", "queue"])) == "queue"
    assert close_match("quue", []) is None


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("", "", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("abc", "abc", 0),
        ("abc", "acb", 1),
        ("abc", "abcd", 1),
        ("abc", "axc", 1),
        ("abc", "bca", 2),
        ("ca", "abc", 3),
        ("kitten", "sitting", 3),
        ("abcd", "badc", 2),
    ],
)
def test_edit_distance(one, other, distance):
    assert edit_distance(one, other) == distance
    assert edit_distance(other, one) == distance


WORDS = st.text("abcs_", max_size=12)


@st.composite
def _neighbours(draw):
    """Draw words that are a few edits away from one word."""
    word = draw(st.text("abcs_", min_size=3, max_size=12))
    found = []
    for _ in range(draw(st.integers(1, 6))):
        letters = list(word)
        for _ in range(draw(st.integers(0, 3))):
            place = draw(st.integers(0, len(letters)))
            kind = draw(st.sampled_from(("put in", "leave out", "replace", "swap")))
            if kind == "put in":
                letters.insert(place, draw(st.sampled_from("abcs_")))
            elif kind == "swap":
                letters[place : place + 2] = reversed(letters[place : place + 2])
            else:
                letters[place : place + 1] = [draw(st.sampled_from("abcs_"))] * (kind == "replace")
        found.append("".join(letters))
    return found


@given(names=st.one_of(st.lists(WORDS, max_size=8), _neighbours()), word=WORDS, limit=st.integers(1, 2))
def test_many_words_are_searched_with_the_same_outcome(names, word, limit):
    for one in (word, *names[:2]):
        rest = [name for name in names if name != one] if one in names else names
        assert Words(rest).close_match(one, limit) == close_match(one, rest, limit)
        assert Words(names).close_match(one, limit) == close_match(one, names, limit)


@pytest.mark.parametrize("count", [10, 1_000])
def test_little_of_many_words_is_looked_at(count, monkeypatch):
    """The search goes only where letters are alike: most of the names don't count."""
    words = Words(f"shop.module_{number}.send_receipt" for number in range(count))
    looked = []

    def counting(*given, **options):
        looked.append(given)
        return min(*given, **options)

    monkeypatch.setattr("flake8_celery_tasks.core.spelling.min", counting, raising=False)
    assert words.close_match("shop.module_7.send_reciept") == "shop.module_7.send_receipt"
    assert len(looked) < 3_000


def test_globs_are_compared_with_names_that_start_alike():
    names = Globbed(["shop.tasks.bill", "content.tasks.drop", "content.jobs.drop.drop", "bill"])
    assert names.has_match("shop.*")
    assert not names.has_match("shop.j*")
    assert not names.has_match("shop.*.x")
    assert names.has_match("mail.*", ["mail.send"])
    assert names.ending("tasks.*") == {"shop.tasks.bill": "tasks.bill", "content.tasks.drop": "tasks.drop"}
    assert names.ending("drop*") == {"content.tasks.drop": "drop", "content.jobs.drop.drop": "drop.drop"}
