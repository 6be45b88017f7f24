from __future__ import annotations

from flake8_celery_tasks.rules.boundaries._borders import CrossAppImport


class CrossAppTaskImport(CrossAppImport):
    """A module imports a task of another app in order to send it.

    ## What happens

    Importing the task imports the other app's `tasks` module, with its models and services, just to put a name and some
    arguments into a message. Sooner or later `content.tasks` needs something from `blog.models`, and Python raises

    ```text
    ImportError: cannot import name 'generate_og_images' from partially initialized module 'content.tasks'
    (most likely due to a circular import)
    ```

    A message needs only the task's name. `current_app.send_task(name, ...)` sends the same message and imports nothing,
    so the apps stay independent and can even run in separate processes. There are two trade-offs: nothing checks the
    arguments before the worker gets them, and the call has to repeat the decorator's options for messages (`queue`,
    `expires`, `priority` ...) (CLY405).

    An app here is the nearest package with `apps.py`, `models`, `migrations` or `tasks`, otherwise the top-level
    package. An app inside another app counts as part of it.

    ## Bad

    ```python title="content/tasks.py"
    from celery import shared_task


    @shared_task(name="content_generate_og_images")
    def generate_og_images(post_pk):
        print(post_pk)
    ```

    ```python title="blog/models.py"
    from content.tasks import generate_og_images
    from django.db import transaction


    def publish(post):
        transaction.on_commit(lambda: generate_og_images.delay(post.pk))
    ```

    ## Good

    ```python title="content/tasks.py"
    from celery import shared_task


    @shared_task(name="content_generate_og_images")
    def generate_og_images(post_pk):
        print(post_pk)
    ```

    ```python title="blog/models.py"
    from celery import current_app
    from django.db import transaction


    def publish(post):
        transaction.on_commit(
            lambda: current_app.send_task("content_generate_og_images", kwargs={"post_pk": post.pk})
        )
    ```

    ## Not reported when

    - the imported task is never sent: registration in `AppConfig.ready`, a re-export, a plain call of the function;
    - the module also needs the import for something else: it calls the task as a function, or uses another name of its
      module or an attribute of its class;
    - people start the module and only tests import it, so that the import can't be circular: management commands,
      `manage.py`, `fabfile.py`, tasks of invoke or fabric, commands of click, `if __name__ == "__main__"`,
      scripts that set `DJANGO_SETTINGS_MODULE`;
    - the module creates the Celery app or holds settings: it may know every task;
    - the task's class has its own `apply_async` or `delay`, or can't be resolved: it may take a lock first, like the
      classes of celery_once and celery-singleton;
    - the imported package holds only modules with tasks, and an earlier import from it is reported: one report per
      module names the tasks of all imports;
    - the import is under `TYPE_CHECKING`, in a test module or in a migration;
    - `celery-apps` lists the apps, and the module is in none of them;
    - the name resolves to something that is not a task, or to a module outside the project.

    ## Fix

    Send by name, `current_app.send_task("content_generate_og_images", args=..., kwargs=...)` or, in a chain or group,
    `signature("content_generate_og_images", ...)`, and drop the import. Celery then no longer checks the arguments, and
    a process that gets its Celery app only through this import loses it: its `current_app` is then an app with Celery's
    defaults.

    It matters which app sends. In a Django project use `current_app`: Celery makes the project's app the current app of
    every thread. In other projects this is true only in the thread that created the app, unless the project calls
    `app.set_default()`. In the threads of a web server `current_app` is then Celery's default app, which sends to
    `amqp://guest@localhost`. In such a project use the project's own app: `from project.celery import app`, and
    `app.send_task(...)`.

    `send_task` ignores `task_always_eager`, so tests that run tasks eagerly will send a message instead. A test that
    patches `blog.models.generate_og_images.delay` no longer finds it: patch the app's `send_task`.

    The automatic fix does this if every use of the import is certain. It repeats the options of the decorator that
    belong to the message (`queue`, `priority`, `expires` ...), and puts the import of the app where isort would. It
    leaves the import to you if the project does not use Django and has several apps, if importing its app would be
    circular, if a method is passed to something other than `on_commit`, or if an option is not a constant. It keeps the
    import if something else may need it: the project's other modules, or tests that patch it.
    """

    code = "CLY401"
    message = "Importing task {task!r} of app {app!r} to send it invites circular imports; use {instead}"
    in_function = False
