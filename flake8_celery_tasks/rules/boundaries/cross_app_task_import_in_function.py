from __future__ import annotations

from flake8_celery_tasks.rules.boundaries._borders import CrossAppImport


class CrossAppTaskImportInFunction(CrossAppImport):
    """A function imports a task of another app in order to send it.

    ## What happens

    An import inside a function often hides a circular import between apps: it works until somebody moves it to the top
    of the module. Nothing is logged. The cycle still exists and has a cost: the first call pays for the import, a
    renamed task fails only when the line runs, and neither app can leave the project without the other. A message needs
    only the task's name. What CLY401 says about imports at the top applies here too.

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

    - the import is within one app, or between an app and another inside it;
    - the imported task is never sent;
    - CLY401 would not report the same import at the top of the module.

    ## Fix

    Send by name, and drop the import. Celery then no longer checks the arguments, and a process that gets its Celery
    app only through this import loses it: its `current_app` is then an app with Celery's defaults.

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

    code = "CLY402"
    message = "Importing task {task!r} of app {app!r} in a function hides a circular import; use {instead}"
    in_function = True
