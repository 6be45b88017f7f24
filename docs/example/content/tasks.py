from celery import shared_task

from content.images import render


@shared_task(name="content_generate_og_images", ignore_result=True)
def generate_og_images(post_pk):
    render(post_pk)


# Moved or renamed, this one loses the messages that are on their way.
@shared_task
def rebuild_index():
    render(None)
