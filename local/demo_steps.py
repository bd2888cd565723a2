"""What the parts of the demo share: named steps, and queues that receive notifications."""

import json
import time
from contextlib import contextmanager

from tools.problem import Problem

from .cloud import Cloud

MESSAGE_SECONDS_MAX = 20


@contextmanager
def step(title: str):
    """Prints the title of a step, and names the step if it fails."""
    print(f"\n== {title[0].upper()}{title[1:]}", flush=True)
    try:
        yield
    except Problem as problem:
        raise Problem(f"demo: the step '{title}' failed. {problem}") from problem
    except Exception as error:
        raise Problem(f"demo: the step '{title}' failed with {type(error).__name__}: {error}") from error


class Inbox:
    """A queue of the demo, which subscribes to a topic or a bus."""

    def __init__(self, cloud: Cloud, name: str):
        self._cloud = cloud
        self._queues = cloud.client("sqs")
        self._name = name
        self._url = self._queues.create_queue(QueueName=name)["QueueUrl"]
        attributes = self._queues.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self._arn = attributes["Attributes"]["QueueArn"]

    def subscribe(self, topic_arn: str) -> None:
        """Receives what is published to a topic from now on."""
        self._allow("sns.amazonaws.com")
        self._cloud.client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=self._arn)
        print(f"subscribed {self._arn} to {topic_arn}")

    def copy_rule(self, bus: str, rule: str) -> None:
        """Receives what matches a rule of a bus from now on, with a second rule of the same pattern."""
        self._allow("events.amazonaws.com")
        events = self._cloud.client("events")
        pattern = events.describe_rule(Name=rule, EventBusName=bus)["EventPattern"]
        events.put_rule(Name=self._name, EventBusName=bus, EventPattern=pattern)
        events.put_targets(Rule=self._name, EventBusName=bus, Targets=[{"Id": "demo", "Arn": self._arn}])
        print(f"subscribed {self._arn} to {bus}, with a rule of the same pattern as {rule}")

    def messages(self):
        """The messages as they arrive. Fails if none arrives for too long."""
        deadline = time.monotonic() + MESSAGE_SECONDS_MAX
        while time.monotonic() < deadline:
            for message in self._queues.receive_message(QueueUrl=self._url, WaitTimeSeconds=1).get("Messages", []):
                self._queues.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                yield json.loads(message["Body"])
        raise Problem(f"{self._name} received no message within {MESSAGE_SECONDS_MAX} s.")

    def _allow(self, service: str) -> None:
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": self._arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self._queues.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
