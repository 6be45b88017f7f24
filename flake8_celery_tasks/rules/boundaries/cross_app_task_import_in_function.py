from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.imports import TaskImport
from flake8_celery_tasks.rules.boundaries import _borders
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class CrossAppTaskImportInFunction(Rule[TaskImport]):
    """A function imports a task of another app in order to send it.

    ## What happens

    An import inside a function is how a circular import between apps is hidden: it works until somebody moves it to the
    top. Nothing is logged. The cycle is still there, and so is its price: the first call pays for the import, a renamed
    task is noticed only when the line runs, and neither app can leave the project without the other. A message needs
    the task's name and nothing else. What CLY401 says about imports at the top applies here too.

    ## Bad

    ```python title="content/tasks.py"
    from celery import shared_task


    @shared_task(name="content_generate_og_images")
    def generate_og_images(slug):
        print(slug)
    ```

    ```python title="blog/models.py"
    from django.utils.text import slugify


    def publish(post):
        from content.tasks import generate_og_images

        generate_og_images.delay(slugify(post.pk))
    ```

    ## Good

    ```python title="content/tasks.py"
    from celery import shared_task


    @shared_task(name="content_generate_og_images")
    def generate_og_images(slug):
        print(slug)
    ```

    ```python title="blog/models.py"
    from celery import current_app
    from django.utils.text import slugify


    def publish(post):
        current_app.send_task("content_generate_og_images", kwargs={"slug": slugify(post.pk)})
    ```

    ## Not reported when

    - the import is within one app, or between an app and one inside it;
    - the imported task is never sent;
    - CLY401 would be silent about the same import at the top of the module.

    ## Fix

    Send by name, and drop the import. Know what you give up: the check of the arguments is bypassed, and a process that
    gets its Celery app from this import alone has none any more, so that `current_app` is one with Celery's defaults.

    Which app sends matters. In a Django project it is `current_app`: Celery makes the project's app the current one of
    every thread. Elsewhere it is so only in the thread that has made the app, unless the project calls
    `app.set_default()`: in the threads of a web server `current_app` is an app of Celery's own, which sends to
    `amqp://guest@localhost`. There the project's app has to send itself: `from project.celery import app`, and
    `app.send_task(...)`.

    `send_task` ignores `task_always_eager`: tests that run tasks eagerly send a message instead. A test that patches
    `blog.models.generate_og_images.delay` finds nothing there any more: patch the app's `send_task`.

    The command does it where it is certain of every use of the import. It repeats the options of the decorator that
    belong to the message (`queue`, `priority`, `expires` ...), and puts the import of the app where isort would. It
    leaves the import to you where the project is none of Django and has several apps, or its app can't be imported
    without a circle, where a method is passed to something other than `on_commit`, or an option is not a constant. The
    import stays where something else may need it: the project's other modules, or tests that patch it.
    """

    code = "CLY402"
    see = ("Celery#celery.Celery.send_task", "faq#can-i-call-a-task-by-name")
    fixes = "unsafe"
    message = "Importing task {task!r} of app {app!r} in a function hides a circular import; use {instead}"
    quiet_in_tests = True

    def check(self, fact: TaskImport) -> Iterator[Violation]:
        """Report an import in a function, at the imported name."""
        found = [] if not fact.in_function else _borders.crossing(fact)
        if found and not fact.makes_app:
            yield self.report(
                fact.module,
                fact.node,
                task=found[0].path.rpartition(".")[2],
                app=_borders.app_label(fact, found[0]),
                instead=_borders.instead(fact, found),
            )

    def fix(self, fact: TaskImport, violation: Violation) -> Fix | None:
        """Send by name, and drop the import."""
        from flake8_celery_tasks.rules.boundaries import _send_by_name

        return _send_by_name.fix(fact)
