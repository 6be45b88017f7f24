"""817: passwords in URLs."""

from __future__ import annotations

import pytest
from celery import Celery


@pytest.mark.truth("CLY817")
def test_password_of_the_url_is_used_and_not_logged():
    """CLY817: the password comes from the URL, and Celery shows the URL without it: nothing says that it is there."""
    app = Celery("shop", broker="amqp://shop:0tter-Bay@mq.internal:5672/shop", set_as_current=False)
    connection = app.connection_for_write()
    assert (connection.userid, connection.password) == ("shop", "0tter-Bay")
    assert "0tter" not in connection.as_uri()
    assert "0tter" not in app.conf.humanize()


@pytest.mark.truth("CLY817")
@pytest.mark.parametrize("setting", ["broker_url", "broker_read_url", "broker_write_url"])
def test_every_url_may_hold_one(setting):
    """CLY817: so do the URLs for reading and writing alone."""
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.conf[setting] = "redis://:0tter@redis:6379/0"
    found = {app.connection_for_read().password, app.connection_for_write().password}
    assert "0tter" in found


@pytest.mark.truth("CLY817")
def test_password_alone():
    """CLY817: the password may be a setting of its own."""
    app = Celery("shop", broker="amqp://shop@mq.internal", set_as_current=False)
    app.conf.broker_password = "0tter"
    assert app.connection_for_write().password == "0tter"
