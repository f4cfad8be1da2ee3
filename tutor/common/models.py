"""The outbox: work promised in the transaction that caused it."""

from django.db import models


class OutboxEntry(models.Model):
    """One promise of a task, kept until the task is done, so that a broker that is down loses none.

    `topic` names a handler of `tutor.common.outbox`; `payload` holds ids only.
    """

    topic = models.CharField(max_length=60)
    payload = models.JSONField()
    created_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(
        help_text="Not taken earlier: a lease, or a pause after a failure."
    )
    last_error = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "outbox entries"
        indexes = [models.Index(fields=["not_before", "id"], name="outbox_due")]

    def __str__(self) -> str:
        return f"{self.topic} #{self.pk}"
