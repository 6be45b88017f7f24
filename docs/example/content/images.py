def render(post_pk):
    print("rendering", post_pk)
