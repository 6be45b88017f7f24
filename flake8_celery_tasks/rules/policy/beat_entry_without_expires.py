from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class BeatEntryWithoutExpires(Rule[BeatEntry]):
    """An entry of the beat schedule sends its task without `expires`.

    ## What happens

    Beat sends on time, whether or not a worker consumes the messages. After an hour without workers, an entry that is
    due every minute has 60 messages in the queue. When the workers are back, the same task runs 60 times in a row,
    before all newer work. With `expires` the workers discard the old messages:

    ```text
    Discarding revoked task: shop_fetch_rates[...]
    ```

    ## Bad

    ```ini
    extend-select = CLY912
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_fetch_rates")
    def fetch_rates():
        print("rates")
    ```

    ```python title="shop/schedule.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.beat_schedule = {
        "rates": {"task": "shop_fetch_rates", "schedule": 60.0},
    }
    ```

    ## Good

    ```ini
    extend-select = CLY912
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_fetch_rates")
    def fetch_rates():
        print("rates")
    ```

    ```python title="shop/schedule.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.beat_schedule = {
        "rates": {"task": "shop_fetch_rates", "schedule": 60.0, "options": {"expires": 50}},
    }
    ```

    ## Not reported when

    - the entry has `expires` in its `options`, or in the call of `add_periodic_task`, even if it is None: that is an
      explicit decision;
    - a definition of the task has `expires`, or can't be resolved;
    - the entry's options can't be resolved, or its task is a signature that was created elsewhere;
    - the module is a test or a migration.

    ## Fix

    Write `"options": {"expires": ...}` with slightly less than the time until the next run. Only you know how late a
    run is still useful.
    """

    code = "CLY912"
    see = ("calling#expiration", "periodic#available-fields")
    message = "{entry} has no expires: without a worker its messages pile up, and all run later; write {advice}"
    quiet_in_tests = True

    def check(self, entry: BeatEntry) -> Iterator[Violation]:
        """Report an entry whose messages wait forever."""
        if entry.option("expires") is not MISSING:
            return
        definitions = entry.definitions
        if definitions is None:
            return
        if any(Defined(entry.project, found).effective("expires") is not MISSING for found in definitions):
            return
        named = f"Beat entry {entry.name!r}" if isinstance(entry.name, str) else "This beat entry"
        advice = '"options": {"expires": ...}' if entry.call is None else "expires="
        options = entry.given.get("options")
        node = entry.node if options is None else options.value
        yield self.report(entry.module, node, entry=named, advice=advice)
